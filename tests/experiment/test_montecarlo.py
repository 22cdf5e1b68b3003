"""The mean test: its false-alarm rate and power, what it refuses to judge, and errors that it must catch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from derivcheck.experiment import ExperimentResult, Outcome, mean_test, rng
from derivcheck.experiment import functionals as fn
from derivcheck.experiment.moments import Sampler, accumulate
from derivcheck.experiment.montecarlo import _estimate
from derivcheck.experiment.tails import BERNSTEIN, CLT

Generator = np.random.Generator


def run(sampler: Sampler, expected: Any, seed: int = 0, **options: Any) -> ExperimentResult:
    settings_ = {
        "scale": 1.0,
        "scale_name": "one",
        "alpha": 1e-6 / 600,
        "detectable": 0.02,
        "max_draws": 3_000_000,
        **options,
    }
    return mean_test(
        sampler, expected, pilot_rng=rng(seed, "test", "pilot"), rng=rng(seed, "test", "main"), **settings_
    )


def normal(g: Generator, n: int) -> Any:
    return g.standard_normal(n)


def uniform(g: Generator, n: int) -> Any:
    return g.random(n)


def skewed(g: Generator, n: int) -> Any:
    """A three-point law with mean 0.3, variance 2.01."""
    return g.choice([-1.0, 0.0, 3.0], p=[0.3, 0.5, 0.2], size=n)


def pair(g: Generator, n: int) -> Any:
    """Two dependent columns: means 1, 2, variances 1, 2, covariance 1."""
    x = g.standard_normal((n, 2))
    return np.stack([1.0 + x[:, 0], 2.0 + x[:, 0] + x[:, 1]], axis=1)


TRUE_CLAIMS: list[tuple[str, Sampler, Any, fn.MeanFunction | None]] = [
    ("normal mean", normal, 0.0, None),
    ("skewed mean", skewed, 0.3, None),
    ("skewed variance", skewed, 2.01, fn.variance()),
    ("both means", pair, [1.0, 2.0], None),
    ("variance", pair, 2.0, fn.variance(1)),
    ("covariance", pair, 1.0, fn.covariance(0, 1)),
    ("ratio", pair, 0.5, fn.ratio(0, 1)),
    ("exp of a mean", pair, np.e, fn.smooth(lambda m: np.exp(m[:1]), lambda m: np.diag(np.exp(m))[:1], "exp")),
]


@pytest.mark.parametrize(("name", "sampler", "expected", "function"), TRUE_CLAIMS)
def test_true_claims_are_confirmed_and_wrong_ones_refuted(
    name: str, sampler: Sampler, expected: Any, function: fn.MeanFunction | None
) -> None:
    true = run(sampler, expected, function=function)
    assert true.outcome is Outcome.CONFIRMS, true.reason
    assert true.detectable is not None and true.detectable <= 1.25 * 0.02
    assert true.justification == CLT and true.scale_name == "one" and true.scale == 1.0
    for sign in (-1.0, 1.0):
        wrong = run(sampler, np.asarray(expected) + sign * 1.3 * true.detectable, function=function)
        assert wrong.outcome is Outcome.REFUTES, wrong.reason
        assert wrong.statistic is not None and np.sign(wrong.statistic) == -sign


@pytest.mark.parametrize("scale", [1e-7, 1.0, 1e7])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_verdicts_do_not_depend_on_the_unit(scale: float, offset: float) -> None:
    def sampler(g: Generator, n: int) -> Any:
        return scale * (g.standard_normal(n) + offset)

    true = run(sampler, scale**2, function=fn.variance(), scale=scale**2)
    assert true.outcome is Outcome.CONFIRMS
    wrong = run(sampler, 1.05 * scale**2, function=fn.variance(), scale=scale**2)
    assert wrong.outcome is Outcome.REFUTES


def binomial_bounds(n: int, p: float, error: float) -> tuple[int, int]:
    """Return counts that a binomial variable leaves with a probability of at most `error` on either side."""
    counts = np.arange(n + 1)
    low = int(counts[special.bdtr(counts, n, p) > error][0])
    high = int(counts[special.bdtrc(counts, n, p) > error][-1]) + 1
    return low, high


@pytest.mark.parametrize(
    ("sampler", "expected", "function", "exact"),
    [
        (normal, 0.0, None, True),
        (skewed, 0.3, None, False),
        (skewed, 2.01, fn.variance(), False),
        (pair, 0.5, fn.ratio(0, 1), False),
        (pair, [1.0, 2.0], None, False),
    ],
)
def test_false_alarm_rate(sampler: Sampler, expected: Any, function: fn.MeanFunction | None, exact: bool) -> None:
    """2,000 runs at a rate of 0.01; the count must lie within binomial bounds that fail with probability 1e-9.

    The critical value is widened where the law is skewed, so that only for the normal law there is a lower bound
    too: half the nominal rate, for it is widened for the sample's own skewness.
    """
    runs, alpha = 2000, 0.01
    options = {"alpha": alpha, "detectable": 0.2, "function": function}
    alarms = sum(run(sampler, expected, seed, **options).outcome is Outcome.REFUTES for seed in range(runs))
    assert alarms <= binomial_bounds(runs, alpha, 1e-9)[1]
    if exact:
        assert alarms >= binomial_bounds(runs, alpha / 2, 1e-9)[0]


def test_an_uncorrected_rate_would_be_noticed() -> None:
    """The simulation above can fail: critical values meant for 5 % leave its bounds."""
    alarms = sum(run(normal, 0.0, seed, alpha=0.05, detectable=0.2).outcome is Outcome.REFUTES for seed in range(2000))
    assert alarms > binomial_bounds(2000, 0.01, 1e-9)[1]


@pytest.mark.parametrize("bounds", [None, (0.0, 1.0)])
def test_power_at_the_reported_limit(bounds: tuple[float, float] | None) -> None:
    """An error of the reported size is caught with 99.9 %: at most 8 misses of 400 (probability 2e-9 of more)."""
    caught = 0
    for seed in range(400):
        limit = run(uniform, 0.5, seed, alpha=1e-3, detectable=0.05, bounds=bounds).detectable
        assert limit is not None
        wrong = run(uniform, 0.5 + limit, seed, alpha=1e-3, detectable=0.05, bounds=bounds)
        caught += wrong.outcome is Outcome.REFUTES
    assert caught >= 392


def test_half_the_reported_limit_is_mostly_missed() -> None:
    """The reported limit is no idle exaggeration: errors of a third of it get through more often than not."""
    caught = 0
    for seed in range(200):
        limit = run(uniform, 0.5, seed, alpha=1e-3, detectable=0.05).detectable
        assert limit is not None
        caught += run(uniform, 0.5 + limit / 3, seed, alpha=1e-3, detectable=0.05).outcome is Outcome.REFUTES
    assert caught < 100


def test_bernstein_certifies_bounded_laws_at_a_small_price() -> None:
    certified, plain = run(uniform, 0.5, bounds=(0.0, 1.0)), run(uniform, 0.5)
    assert certified.justification == BERNSTEIN and plain.justification == CLT
    assert certified.outcome is plain.outcome is Outcome.CONFIRMS
    assert plain.n < certified.n < 1.6 * plain.n
    assert certified.critical is not None and certified.critical > 6.57  # √(2 log(4·6e8)), the part without the width


def test_draws_beyond_their_declared_bounds_void_the_test() -> None:
    result = run(normal, 0.0, bounds=(-1.0, 1.0))
    assert result.outcome is Outcome.ABSTAINS and "bounds" in result.reason
    with pytest.raises(ValueError, match="means only"):
        run(uniform, 1 / 12, bounds=(0.0, 1.0), function=fn.variance())


def rare(g: Generator, n: int) -> Any:
    return np.where(g.random(n) < 1e-7, 1e7, 0.0)


@pytest.mark.parametrize(
    ("name", "sampler", "expected", "function", "word"),
    [
        ("no mean", lambda g, n: g.standard_cauchy(n), 0.0, None, "infinite"),
        ("no variance of the variance", lambda g, n: g.standard_t(3, n), 3.0, fn.variance(), "infinite|skewed"),
        ("log-normal variance", lambda g, n: g.lognormal(size=n), 4.67, fn.variance(), "skewed|infinite"),
        ("NaN", lambda g, n: np.log(g.random(n) - 0.01), 0.0, None, "NaN"),
        ("infinite", lambda g, n: 1.0 / g.integers(0, 5, n), 0.0, None, "NaN or infinite"),
        ("rare and large", rare, 1.0, None, "equal"),
        ("claim not finite", normal, np.nan, None, "not finite"),
        ("ratio of zeros", lambda g, n: np.zeros((n, 2)), 1.0, fn.ratio(), "finite"),
        ("insensitive", lambda g, n: 1e3 * g.standard_normal(n), 0.0, None, "unseen"),
    ],
)
def test_what_cannot_be_judged_is_not(
    name: str, sampler: Sampler, expected: Any, function: fn.MeanFunction | None, word: str
) -> None:
    with np.errstate(all="ignore"):
        result = run(sampler, expected, function=function, max_draws=400_000)
    assert result.outcome is Outcome.ABSTAINS
    assert any(w in result.reason for w in word.split("|")), result.reason


def test_an_insensitive_test_still_refutes_what_it_sees() -> None:
    result = run(lambda g, n: 1e3 * g.standard_normal(n), 100.0, max_draws=400_000)
    assert result.outcome is Outcome.REFUTES
    assert result.detectable is not None and result.detectable > 1.0


def test_equal_draws_support_at_most() -> None:
    assert run(lambda g, n: np.full(n, 0.1), 0.1).outcome is Outcome.SUPPORTS
    assert run(lambda g, n: np.full(n, 0.1), 0.2).outcome is Outcome.ABSTAINS


def samplewise(g: Generator, n: int) -> Any:
    """A quantity that is 1/3 in every draw, but for rounding of terms of size 1e3."""
    x = 1e3 * (1.0 + g.random(n))
    return (x + 1 / 3) - x


def test_rounding_is_no_refutation() -> None:
    # The draws average to something 1e-14 off, with a standard error far below that.
    plain = run(lambda g, n: samplewise(g, n) - g.integers(0, 2, n) * 1e-16, 1 / 3 + 2e-14, detectable=1e-9)
    assert plain.outcome is Outcome.REFUTES
    declared = run(
        lambda g, n: samplewise(g, n) - g.integers(0, 2, n) * 1e-16, 1 / 3 + 2e-14, detectable=1e-9, rounding=1e-13
    )
    assert declared.outcome is Outcome.CONFIRMS


def test_samplewise_identity_of_two_columns() -> None:
    def doubled(g: Generator, n: int) -> Any:
        x = 1.0 + g.random(n)
        return np.stack([x, 2.0 * x * (1.0 + 1e-16)], axis=1)

    assert run(doubled, 2.0, function=fn.ratio(1, 0), detectable=1e-9).outcome is Outcome.CONFIRMS
    assert run(doubled, 2.0 + 1e-8, function=fn.ratio(1, 0), detectable=1e-9).outcome is Outcome.REFUTES


@pytest.mark.parametrize(
    ("relation", "expected", "outcome"),
    [
        ("<=", 0.5, Outcome.CONFIRMS),
        ("<=", 0.6, Outcome.CONFIRMS),
        ("<=", 0.45, Outcome.REFUTES),
        (">=", 0.5, Outcome.CONFIRMS),
        (">=", 0.4, Outcome.CONFIRMS),
        (">=", 0.55, Outcome.REFUTES),
    ],
)
def test_one_sided_claims(relation: Any, expected: float, outcome: Outcome) -> None:
    assert run(uniform, expected, relation=relation).outcome is outcome


def test_the_critical_value_is_that_of_the_rate() -> None:
    """Two-sided 6.03, one-sided 5.91 for one of 600 checks, and hardly widened for a symmetric law."""
    two, one = run(uniform, 0.5).critical, run(uniform, 0.5, relation="<=").critical
    assert two is not None and one is not None
    assert 6.025 < two < 6.04 and 5.91 < one < 5.925


def test_the_jackknife_takes_off_the_bias() -> None:
    """With one draw a group, it turns the plain second moment into the unbiased variance."""
    data = rng(9, "bias").standard_exponential((32, 1))
    function = fn.variance()
    moments = accumulate(lambda g, n: data, rng(0), 32, function, np.ones(1), np.eye(3)[2:], 32)
    assert _estimate(function, moments, np.ones(1))[0] == pytest.approx(np.var(data, ddof=1), rel=1e-12)


def test_several_values_share_the_rate() -> None:
    """The same relative alarm rate for 12 means at once: 600 runs at 0.01, bounds at 1e-9."""

    def many(g: Generator, n: int) -> Any:
        return g.standard_normal((n, 12))

    alarms = sum(
        run(many, np.zeros(12), seed, alpha=0.01, detectable=0.2).outcome is Outcome.REFUTES for seed in range(600)
    )
    assert alarms <= binomial_bounds(600, 0.01, 1e-9)[1]
    wrong = np.zeros(12)
    wrong[7] = 0.1
    result = run(many, wrong, detectable=0.05)
    assert result.outcome is Outcome.REFUTES and "value 7" in result.reason


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 3), st.sampled_from([64, 1000, 4096]))
def test_blocks_do_not_change_the_moments(seed: int, k: int, block: int) -> None:
    """Moments in blocks are those of the whole sample, whatever the block."""
    n = 32 * 128
    data = rng(seed, "moments").standard_gamma(2.0, size=(n, k)) + 100.0
    served = 0

    def sampler(g: Generator, size: int) -> Any:
        nonlocal served
        served += size
        return data[served - size : served]

    centre = data[:50].mean(axis=0)
    moments = accumulate(sampler, rng(0), n, fn.mean(), centre, np.eye(k), block)
    assert served == n
    np.testing.assert_allclose(moments.mean + centre, data.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(moments.covariance, np.cov(data.T).reshape(k, k), rtol=1e-9, atol=1e-11)
    standard = (data - data.mean(axis=0)) / data.std(axis=0)
    np.testing.assert_allclose(moments.skewness, (standard**3).mean(axis=0), rtol=1e-8)
    np.testing.assert_allclose(moments.kurtosis, (standard**4).mean(axis=0) - 3.0, rtol=1e-7, atol=1e-9)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32))
def test_gradients_of_the_functions_are_those_of_their_values(seed: int) -> None:
    g = rng(seed, "gradients")
    data, centre = g.standard_normal((40, 2)) + 3.0, g.standard_normal(2) + 3.0
    for function in (fn.mean(), fn.covariance(0, 1), fn.variance(1), fn.ratio(0, 1), fn.ratio(1, 0)):
        means = function.features(data, centre).mean(axis=0)
        step = 1e-6
        for j in range(means.size):
            move = step * np.eye(means.size)[j]
            slope = (function.value(means + move, centre) - function.value(means - move, centre)) / (2 * step)
            np.testing.assert_allclose(slope, function.gradient(means, centre)[:, j], rtol=1e-6, atol=1e-8)


def test_the_same_seed_gives_the_same_numbers() -> None:
    assert (
        run(pair, 1.0, function=fn.covariance(0, 1)).to_json() == run(pair, 1.0, function=fn.covariance(0, 1)).to_json()
    )


def test_json_holds_no_infinities() -> None:
    import json

    result = run(lambda g, n: g.standard_cauchy(n) * np.inf, 0.0)
    assert result.detectable == np.inf
    assert json.loads(json.dumps(result.to_json(), allow_nan=False))["detectable"] is None


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"scale": 0.0}, "scale"),
        ({"scale": np.inf}, "scale"),
        ({"alpha": 0.0}, "rate"),
        ({"detectable": 0.0}, "limit"),
        ({"max_draws": 100}, "draws"),
    ],
)
def test_options_out_of_range(options: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        run(normal, 0.0, **options)


@pytest.mark.parametrize("sampler", [lambda g, n: g.standard_normal(n + 1), lambda g, n: g.standard_normal((n, 2, 2))])
def test_samplers_of_the_wrong_shape(sampler: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="draws returned shape"):
        run(sampler, 0.0)


def test_claims_of_the_wrong_size() -> None:
    with pytest.raises(ValueError, match="claimed"):
        run(pair, [1.0, 2.0, 3.0])
