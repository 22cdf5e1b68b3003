"""Box–Muller against the normal law and against NumPy's ziggurat."""

from __future__ import annotations

import math

import numpy as np
import pytest

from derivcheck.models.primitives.elementwise import evaluate_erf
from derivcheck.models.random_numbers import BLOCK, fill_normal

COUNT = 1_000_000

#: Kolmogorov's inequality (Massart): P(sup |F_n − F| > d) ≤ 2 exp(−2 n d²) = 1e-9.
DISTANCE = math.sqrt(math.log(2e9) / (2 * COUNT))


def box_muller(seed: int) -> np.ndarray:
    out = np.empty(COUNT, np.float32)
    fill_normal(np.random.default_rng(seed), out)
    return out


def ziggurat(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(COUNT, dtype=np.float32)


def distance(x: np.ndarray) -> float:
    """Largest distance between the empirical distribution and the normal one."""
    x = np.sort(x.astype(float))
    cdf = 0.5 * (1.0 + evaluate_erf(x / math.sqrt(2.0)))
    steps = np.arange(COUNT + 1) / COUNT
    return float(max(np.abs(cdf - steps[1:]).max(), np.abs(cdf - steps[:-1]).max()))


@pytest.mark.parametrize("sampler", [box_muller, ziggurat])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_law_is_normal(sampler: object, seed: int) -> None:
    assert callable(sampler)
    assert distance(sampler(seed)) < DISTANCE


@pytest.mark.parametrize("change", [lambda x: 1.02 * x, lambda x: x + 0.01, lambda x: np.clip(x, -2.5, 2.5)])
def test_a_law_that_is_a_little_off_is_noticed(change: object) -> None:
    assert callable(change)
    assert distance(change(box_muller(0))) > DISTANCE


def test_neighbours_and_partners_are_uncorrelated() -> None:
    """Six standard errors, for the variates and for their squares, at the distances where a mistake would show."""
    x = box_muller(2).astype(float)
    for y in (x, (x**2 - 1.0) / math.sqrt(2.0)):
        for lag in (1, 2, BLOCK, 2 * BLOCK):
            assert abs(np.mean(y[lag:] * y[:-lag])) < 6.0 * 1.2 / math.sqrt(COUNT - lag)


@pytest.mark.parametrize("generator", [np.random.MT19937, np.random.Philox, np.random.SFC64, np.random.PCG64])
def test_every_bit_generator_will_do(generator: type) -> None:
    out = np.empty(COUNT, np.float32)
    fill_normal(np.random.Generator(generator(3)), out)
    assert distance(out) < DISTANCE


@pytest.mark.parametrize("shape", [(1,), (7,), (3, 5), (2 * BLOCK + 1,), (0,)])
def test_any_shape_is_filled(shape: tuple[int, ...]) -> None:
    out = np.full(shape, np.nan, np.float32)
    fill_normal(np.random.default_rng(0), out)
    assert np.isfinite(out).all()
