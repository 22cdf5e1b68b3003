"""The problem files on Bellman operators and on the optimal discriminator: what must fail, fails.

That every claim is proved is what verifying the problems shows; here each kind of witness meets something wrong, beside
what `test_every_problem` asks of all files.
"""

from __future__ import annotations

import importlib
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from derivcheck.engine.results import Outcome
from derivcheck.engine.witnesses import compare
from derivcheck.language import Term, eq, le, log, lt, num, substitute
from derivcheck.problem import Claim
from derivcheck.proof import ProofError
from derivcheck.semantics import check

SEED = 3

bellman: Any = importlib.import_module("bellman_contraction")
gan: Any = importlib.import_module("gan_optimal_discriminator")
point: Any = importlib.import_module("_gan_pointwise")
play: Any = importlib.import_module("_gan_game")
processes: Any = importlib.import_module("_bellman_networks")
games: Any = importlib.import_module("_gan_networks")
GAMMA = "gamma"


def claim(name: str) -> Claim:
    """A claim of either file, by its name."""
    found: Claim
    (found,) = [c for c in (*bellman.problem.claims, *gan.problem.claims) if c.name == name]
    return found


def refuted(context: Any, statement: Term) -> bool:
    """Do the instances hold a counterexample?"""
    return check(context, statement, SEED).outcome == "refutes"


# --------------------------------------------------------------------------------------------------------- instances


@pytest.mark.parametrize(
    ("name", "condition"),
    [
        ("evaluation-contraction", "at least"),
        ("optimality-contraction", "at least"),
        ("evaluation-unique", "below"),
        ("optimality-unique", "below"),
        ("evaluation-first-step", "below"),
        ("optimality-first-step", "below"),
        ("optimality-last-step", "below"),
        ("improvement", "below"),
        ("greedy-improvement", "below"),
        ("greedy-improvement", "at least"),
    ],
)
def test_a_condition_on_the_discount_that_matters(name: str, condition: str) -> None:
    c = claim(name)
    assert refuted(c.context.without(GAMMA, condition), c.statement)


@pytest.mark.parametrize(
    "name",
    [
        "evaluation-contraction",
        "optimality-contraction",
        "evaluation-sweeps",
        "optimality-sweeps",
        "evaluation-first-step",
        "optimality-first-step",
        "optimality-last-step",
    ],
)
def test_a_bound_that_is_a_tenth_too_small(name: str) -> None:
    c = claim(name)
    value, bound = c.statement.args
    assert check(c.context, c.statement, SEED).outcome == "confirms"
    assert refuted(c.context, le(value, Fraction(9, 10) * bound))


def test_weaker_bounds_on_the_game_are_refuted() -> None:
    game = play.game.context
    assert refuted(game, le(play.best_value, -log(num(4)) + play.jsd))
    assert refuted(game, lt(num(0), play.jsd)), "equal laws have no divergence"
    assert refuted(game, le(play.jsd, num(Fraction(1, 100))))
    assert refuted(game, eq(play.best_value, log(num(4)) - 2 * play.jsd))


# ------------------------------------------------------------------------------------------------------------- proofs


def proof_of(c: Claim, statement: Term) -> Any:
    """Run the claim's own proof for another statement."""
    wrong = Claim(c.name, c.summary, c.context, statement, c.proof)
    assert wrong.proof is not None
    return wrong.proof(wrong)


@pytest.mark.parametrize(
    "name", ["evaluation-contraction", "optimality-sweeps", "optimality-last-step", "divergence-at-most-log-two"]
)
def test_a_proof_does_not_end_in_a_stronger_bound(name: str) -> None:
    c = claim(name)
    value, bound = c.statement.args
    with pytest.raises(ProofError):
        proof_of(c, le(value, Fraction(9, 10) * bound))


@pytest.mark.parametrize("name", ["value", "first-order", "curvature", "discriminator-cost", "evaluation-shift"])
def test_a_proof_does_not_end_in_another_equation(name: str) -> None:
    c = claim(name)
    left, right = c.statement.args
    with pytest.raises(ProofError):
        proof_of(c, eq(left, 2 * right))


def test_the_share_of_the_other_law_is_not_proved() -> None:
    c = claim("pointwise-maximum")
    exchanged = substitute(point.best, {point.a: point.b, point.b: point.a})
    with pytest.raises(ProofError):
        proof_of(c, le(point.payoff(point.y), point.payoff(exchanged)))


# ----------------------------------------------------------------------------------------------------------- networks


def seed(number: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(number)


@pytest.mark.parametrize("number", range(3))
def test_the_maximum_outside_the_expectation_breaks_fitted_q_iteration(number: int) -> None:
    assert compare(processes.fitted_q_iteration(seed(number))).outcome is Outcome.CONFIRMS
    broken = compare(processes.fitted_q_iteration(seed(number), backup=processes.maximum_outside))
    assert broken.outcome is Outcome.REFUTES


def test_the_two_backups_have_different_fixed_points() -> None:
    process = processes.m.random_mdp(5, 3, 0.7, seed=0, concentration=0.5)
    right = processes.fixed_point(process, processes.expectation_of_the_maximum)
    wrong = processes.fixed_point(process, processes.maximum_outside)
    assert np.allclose(right.max(axis=1), process.optimal(), rtol=0, atol=1e-10)
    assert (wrong < right - 1e-3).any() and (wrong <= right + 1e-10).all(), "choosing later is never worse"


@pytest.mark.parametrize("number", range(3))
def test_value_iteration_attains_its_factor(number: int) -> None:
    assert compare(processes.value_iteration_factors(seed(number))).outcome is Outcome.CONFIRMS


@pytest.mark.parametrize(
    "name", ["discriminator_on_eight_points", "value_on_eight_points", "discriminator_of_two_normal_densities"]
)
@pytest.mark.parametrize("number", range(3))
def test_discriminators_are_told_from_their_near_misses(name: str, number: int) -> None:
    assert compare(getattr(games, name)(seed(number))).outcome is Outcome.CONFIRMS


def test_training_ends_at_the_share_of_its_samples() -> None:
    # The allowance grants training FIT; the samples are drawn first from the seed, so they can be drawn again.
    rng = np.random.default_rng(seed(5))
    real, fake = rng.multinomial(games.SAMPLES, games.DATA), rng.multinomial(games.SAMPLES, games.MODEL)
    found = games.trained_on_eight_points(seed(5))
    assert np.abs(found - real / (real + fake)).max() < games.FIT


def test_the_allowance_covers_the_counts() -> None:
    # Bernstein's range at a chance of one in a hundred, against ten thousand draws.
    rng = np.random.default_rng(0)
    counts = rng.multinomial(games.SAMPLES, games.DATA, size=10_000)
    low, high = games.count_range(games.DATA, 0.01)
    outside = ((counts < low) | (counts > high)).mean(axis=0)
    assert (outside <= 0.01).all() and (outside > 0).any()
