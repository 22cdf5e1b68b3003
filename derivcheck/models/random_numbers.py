"""Normal variates by the Box–Muller transform, in blocks that stay in the cache.

``√(−2 log u) cos 2πv`` and ``√(−2 log u) sin 2πv`` are independent standard normal variates. NumPy's own sampler (a
ziggurat) branches on every number; this one makes a handful of vectorised passes over a block, and in float32 takes
less than half the time. With 23 random bits in ``u`` no variate exceeds ``√(46 log 2) ≈ 5.65``, where the normal law
leaves 2e-8 of its mass. The ziggurat is the reference: a test compares the two laws.
"""

from __future__ import annotations

import math

import numpy as np

from derivcheck.models.tensor import Array

__all__ = ["fill_normal"]

#: Variates in half a block: its arrays take a quarter of a 1 MiB cache.
BLOCK = 1 << 14


def fill_normal(generator: np.random.Generator, out: Array) -> None:
    """Fill a contiguous float32 array with independent standard normal variates."""
    flat = out.reshape(-1)
    third = np.empty(min(BLOCK, len(flat)), np.float32)
    for lo in range(0, len(flat), 2 * BLOCK):
        part = flat[lo : lo + 2 * BLOCK]
        half = (len(part) + 1) // 2
        # 23 random bits below the exponent of 1 make a float uniform on [1, 2).
        bits = generator.integers(0, 1 << 64, half, dtype=np.uint64).view(np.uint32)
        np.right_shift(bits, 9, out=bits)
        np.bitwise_or(bits, 0x3F800000, out=bits)
        radius, angle = bits.view(np.float32)[:half], bits.view(np.float32)[half:]
        other = third[:half]
        np.subtract(np.float32(2.0), radius, out=radius)  # on (0, 1]: the logarithm is finite
        np.log(radius, out=radius)
        np.multiply(radius, np.float32(-2.0), out=radius)
        np.sqrt(radius, out=radius)
        np.multiply(angle, np.float32(2.0 * math.pi), out=angle)
        np.cos(angle, out=other)
        np.multiply(other, radius, out=part[:half])
        rest = len(part) - half
        np.sin(angle[:rest], out=other[:rest])
        np.multiply(other[:rest], radius[:rest], out=part[half:])
