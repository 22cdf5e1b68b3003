"""Normal variates for the compiled backend: as :mod:`~derivcheck.models.random_numbers`, every loop machine code.

The bits come from xoshiro128++ (Blackman and Vigna, 2021) in :data:`LANES` independent streams that advance side by
side, so that one instruction serves as many of them as fit a register. Their states are drawn from the NumPy generator
at every call: what is drawn is a function of its state, and two streams of 2¹²⁸ numbers overlap with no probability
worth stating. Imported by the compiled backend only: it needs Numba.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy import float32, float64, int32, int64, uint32, uint64

from derivcheck.models.machine_library import log_normal_float32, log_normal_float64, machine, program
from derivcheck.models.tensor import Array

__all__ = ["LANES", "fill_normal"]

#: Streams. Their state, words and variates take 5 KiB, or 12 in double precision.
LANES = 256


def fill_normal(generator: np.random.Generator, out: Array) -> None:
    """Fill a contiguous float32 or float64 array with independent standard normal variates."""
    state = generator.integers(0, 1 << 32, (4, LANES), dtype=np.uint32)
    fill = _fill if out.dtype == np.float32 else _fill_double
    fill(state[0], state[1], state[2], state[3], out.reshape(-1))


@machine
def _words(s0, s1, s2, s3, words):  # type: ignore[no-untyped-def]
    """The next 32 bits of every stream. (Numba's sums of 32-bit integers have 64 bits: hence the conversions.)"""
    for i in range(len(words)):
        a, b, c, d = s0[i], s1[i], s2[i], s3[i]
        x = uint32(a + d)
        words[i] = uint32(uint32(uint32(x << uint32(7)) | uint32(x >> uint32(25))) + a)
        t = uint32(b << uint32(9))
        c = uint32(c ^ a)
        d = uint32(d ^ b)
        s1[i] = uint32(b ^ c)
        s0[i] = uint32(a ^ d)
        s2[i] = uint32(c ^ t)
        s3[i] = uint32(uint32(d << uint32(11)) | uint32(d >> uint32(21)))


@machine
def _box_muller(first, second, left, right):  # type: ignore[no-untyped-def]
    """Two variates, √(−2 log u) cos 2πv and √(−2 log u) sin 2πv, from two words."""
    for i in range(len(left)):
        # u in (0, 1] with all 32 bits: variates reach √(66 log 2) ≈ 6.76.
        u = (float32(first[i]) + float32(0.5)) * float32(2.0**-32)
        radius = sqrt(float32(-2.0) * log_normal_float32(u))
        # v in quarters of a turn: q whole ones, rounded, and a rest of at most an eighth of a turn either way.
        v = float32(int32(second[i] >> uint32(8))) * float32(2.0**-22)
        q = int32(v + float32(0.5))
        r = (v - float32(q)) * float32(1.5707963267948966)
        z = r * r
        s = float32(-1.9515295891e-4)
        s = s * z + float32(8.3321608736e-3)
        s = s * z + float32(-1.6666654611e-1)
        s = s * z * r + r
        c = float32(2.443315711809948e-5)
        c = c * z + float32(-1.388731625493765e-3)
        c = c * z + float32(4.166664568298827e-2)
        c = c * z * z - float32(0.5) * z + float32(1.0)
        odd = (q & int32(1)) != 0
        cosine = s if odd else c
        sine = c if odd else s
        cosine = -cosine if (int32(q + int32(1)) & int32(2)) != 0 else cosine
        sine = -sine if (q & int32(2)) != 0 else sine
        left[i] = radius * cosine
        right[i] = radius * sine


@program
def _fill(s0, s1, s2, s3, out):  # type: ignore[no-untyped-def]
    first, second = np.empty(LANES, uint32), np.empty(LANES, uint32)
    spare = np.empty(2 * LANES, float32)
    whole = len(out) - len(out) % (2 * LANES)
    for lo in range(0, len(out), 2 * LANES):
        _words(s0, s1, s2, s3, first)
        _words(s0, s1, s2, s3, second)
        if lo < whole:
            _box_muller(first, second, out[lo : lo + LANES], out[lo + LANES : lo + 2 * LANES])
        else:
            _box_muller(first, second, spare[:LANES], spare[LANES:])
            out[lo:] = spare[: len(out) - lo]


@machine
def _box_muller_double(words, left, right):  # type: ignore[no-untyped-def]
    """The same in double precision, from four words: u has 53 bits, so that variates reach √(108 log 2) ≈ 8.65."""
    first, second, third, fourth = words[0], words[1], words[2], words[3]
    for i in range(len(left)):
        u = uint64(uint64(first[i]) << uint64(32)) | uint64(second[i])
        radius = sqrt(-2.0 * log_normal_float64((float64(int64(u >> uint64(11))) + 0.5) * 2.0**-53))
        w = uint64(uint64(third[i]) << uint64(32)) | uint64(fourth[i])
        v = float64(int64(w >> uint64(11))) * 2.0**-51
        q = int64(v + 0.5)
        r = (v - float64(q)) * 1.5707963267948966
        z = r * r
        s = 1.58962301576546568060e-10
        s = s * z + -2.50507477628578072866e-8
        s = s * z + 2.75573136213857245213e-6
        s = s * z + -1.98412698295895385996e-4
        s = s * z + 8.33333333332211858878e-3
        s = s * z + -1.66666666666666307295e-1
        s = s * z * r + r
        c = -1.13585365213876817300e-11
        c = c * z + 2.08757008419747316778e-9
        c = c * z + -2.75573141792967388112e-7
        c = c * z + 2.48015872888517045348e-5
        c = c * z + -1.38888888888730564116e-3
        c = c * z + 4.16666666666665929218e-2
        c = c * z * z - 0.5 * z + 1.0
        odd = (q & int64(1)) != 0
        cosine = s if odd else c
        sine = c if odd else s
        cosine = -cosine if (int64(q + int64(1)) & int64(2)) != 0 else cosine
        sine = -sine if (q & int64(2)) != 0 else sine
        left[i] = radius * cosine
        right[i] = radius * sine


@program
def _fill_double(s0, s1, s2, s3, out):  # type: ignore[no-untyped-def]
    words = np.empty((4, LANES), uint32)
    spare = np.empty(2 * LANES, float64)
    whole = len(out) - len(out) % (2 * LANES)
    for lo in range(0, len(out), 2 * LANES):
        for k in range(4):
            _words(s0, s1, s2, s3, words[k])
        if lo < whole:
            _box_muller_double(words, out[lo : lo + LANES], out[lo + LANES : lo + 2 * LANES])
        else:
            _box_muller_double(words, spare[:LANES], spare[LANES:])
            out[lo:] = spare[: len(out) - lo]
