"""Box–Muller, by NumPy and as machine code, against the normal law and against NumPy's ziggurat."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable

import numpy as np
import pytest

from derivcheck.models.primitives.elementwise import evaluate_erf
from derivcheck.models.random_numbers import BLOCK, fill_normal

COUNT = 1_000_000

#: Kolmogorov's inequality (Massart): P(sup |F_n − F| > d) ≤ 2 exp(−2 n d²) = 1e-9.
DISTANCE = math.sqrt(math.log(2e9) / (2 * COUNT))


Fill = Callable[[np.random.Generator, np.ndarray], None]


@pytest.fixture(params=["numpy", "numba", "numba, double"])
def fill(request: pytest.FixtureRequest) -> Fill:
    """The samplers of the two backends; what is drawn in double precision is tested to single precision."""
    if request.param == "numpy":
        return fill_normal
    if importlib.util.find_spec("numba") is None:
        pytest.skip("the extra 'compiled' is not installed")
    from derivcheck.models import machine_random

    if request.param == "numba":
        return machine_random.fill_normal

    def double(generator: np.random.Generator, out: np.ndarray) -> None:
        wide = np.empty(out.shape)
        machine_random.fill_normal(generator, wide)
        out[...] = wide

    return double


def drawn(fill: Fill, seed: int) -> np.ndarray:
    out = np.empty(COUNT, np.float32)
    fill(np.random.default_rng(seed), out)
    return out


def ziggurat(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(COUNT, dtype=np.float32)


def distance(x: np.ndarray) -> float:
    """Largest distance between the empirical distribution and the normal one."""
    x = np.sort(x.astype(float))
    cdf = 0.5 * (1.0 + evaluate_erf(x / math.sqrt(2.0)))
    steps = np.arange(COUNT + 1) / COUNT
    return float(max(np.abs(cdf - steps[1:]).max(), np.abs(cdf - steps[:-1]).max()))


@pytest.mark.parametrize("seed", [0, 1])
def test_the_law_is_normal(fill: Fill, seed: int) -> None:
    assert distance(drawn(fill, seed)) < DISTANCE


def test_so_is_the_reference() -> None:
    assert distance(ziggurat(0)) < DISTANCE


@pytest.mark.parametrize("change", [lambda x: 1.02 * x, lambda x: x + 0.01, lambda x: np.clip(x, -2.5, 2.5)])
def test_a_law_that_is_a_little_off_is_noticed(change: object) -> None:
    assert callable(change)
    assert distance(change(drawn(fill_normal, 0))) > DISTANCE


def test_neighbours_and_partners_are_uncorrelated(fill: Fill) -> None:
    """Six standard errors, for the variates and for their squares, at the distances where a mistake would show."""
    x = drawn(fill, 2).astype(float)
    for y in (x, (x**2 - 1.0) / math.sqrt(2.0)):
        for lag in (1, 2, 255, 256, 257, 512, 1024, BLOCK, 2 * BLOCK):
            assert abs(np.mean(y[lag:] * y[:-lag])) < 6.0 * 1.2 / math.sqrt(COUNT - lag)


def test_the_tails_are_there(fill: Fill) -> None:
    """Of a million variates 63 lie beyond 4; both tails, six standard deviations either way."""
    x = drawn(fill, 4)
    for tail in (x > 4.0, x < -4.0):
        assert 31.67 - 6 * 5.63 < tail.sum() < 31.67 + 6 * 5.63
    assert (np.abs(x) > 4.0).sum() > 16


def test_the_same_seed_gives_the_same_numbers_and_no_two_calls_do(fill: Fill) -> None:
    a, b, c = (np.empty(3000, np.float32) for _ in range(3))
    rng = np.random.default_rng(0)
    fill(rng, a)
    fill(rng, b)
    fill(np.random.default_rng(0), c)
    assert (a == c).all()
    assert (a != b).mean() > 0.99


@pytest.mark.parametrize("generator", [np.random.MT19937, np.random.Philox, np.random.SFC64, np.random.PCG64])
def test_every_bit_generator_will_do(generator: type, fill: Fill) -> None:
    out = np.empty(COUNT, np.float32)
    fill(np.random.Generator(generator(3)), out)
    assert distance(out) < DISTANCE


@pytest.mark.parametrize("shape", [(1,), (7,), (3, 5), (511,), (512,), (513,), (2 * BLOCK + 1,), (0,)])
def test_any_shape_is_filled(shape: tuple[int, ...], fill: Fill) -> None:
    out = np.full(shape, np.nan, np.float32)
    fill(np.random.default_rng(0), out)
    assert np.isfinite(out).all()


def test_double_precision_is_double() -> None:
    """Against the C library's logarithm and sines, of the same words."""
    pytest.importorskip("numba")
    from derivcheck.models import machine_random

    words = np.random.default_rng(7).integers(0, 1 << 32, (4, machine_random.LANES), dtype=np.uint32)
    words[:, :4] = [[0, 0xFFFFFFFF, 1 << 31, 0]] * 2 + [[0, 1 << 31, 0xFFFFFFFF, 1 << 29]] * 2
    left, right = np.empty((2, machine_random.LANES))
    machine_random._box_muller_double(words, left, right)
    high, low = (words[i].astype(np.uint64) << np.uint64(32) | words[i + 1].astype(np.uint64) for i in (0, 2))
    radius = np.sqrt(-2.0 * np.log(((high >> np.uint64(11)).astype(float) + 0.5) * 2.0**-53))
    angle = 2.0 * math.pi * ((low >> np.uint64(11)).astype(float) * 2.0**-53)
    np.testing.assert_allclose(left, radius * np.cos(angle), rtol=0, atol=1e-14)
    np.testing.assert_allclose(right, radius * np.sin(angle), rtol=0, atol=1e-14)
