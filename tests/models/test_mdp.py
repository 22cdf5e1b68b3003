"""Finite MDPs: operators against loops, exact values against iteration, rollouts against both."""

from __future__ import annotations

import numpy as np
import pytest

import derivcheck.models as m


def test_operators_against_loops() -> None:
    mdp = m.random_mdp(4, 3, 0.8, seed=0)
    v = np.random.default_rng(1).standard_normal(4)
    q = np.zeros((4, 3))
    for s in range(4):
        for a in range(3):
            q[s, a] = mdp.reward[s, a] + 0.8 * sum(mdp.transition[s, a, t] * v[t] for t in range(4))
    np.testing.assert_allclose(mdp.action_values(v), q)
    np.testing.assert_allclose(mdp.optimality(v), q.max(1))
    policy = np.random.default_rng(2).dirichlet(np.ones(3), 4)
    np.testing.assert_allclose(mdp.evaluation(v, policy), (policy * q).sum(1))
    np.testing.assert_allclose(mdp.action_optimality(q), mdp.action_values(q.max(1)))


@pytest.mark.parametrize("seed", range(5))
def test_exact_values_are_fixed_points(seed: int) -> None:
    mdp = m.random_mdp(6, 3, 0.95, seed=seed)
    policy = np.random.default_rng(seed).dirichlet(np.ones(3), 6)
    v = mdp.evaluate(policy)
    np.testing.assert_allclose(mdp.evaluation(v, policy), v, rtol=1e-10)
    best = mdp.optimal()
    np.testing.assert_allclose(mdp.optimality(best), best, rtol=1e-10)
    np.testing.assert_allclose(mdp.value_iteration(800).values, best, rtol=1e-8)
    np.testing.assert_allclose(mdp.evaluate(mdp.greedy(best)), best, rtol=1e-10)


def test_value_iteration_contracts_at_every_sweep() -> None:
    mdp = m.random_mdp(5, 2, 0.7, seed=3)
    gap = np.abs(np.diff(mdp.value_iteration(30).history, axis=0)).max(1)
    assert (gap[1:] <= 0.7 * gap[:-1] + 1e-14).all()


def test_a_stack_of_mdps() -> None:
    single = [m.random_mdp(4, 2, 0.9, seed=s) for s in range(3)]
    stacked = m.MDP(np.stack([x.transition for x in single]), np.stack([x.reward for x in single]), 0.9)
    v = stacked.value_iteration(50).values
    for i, x in enumerate(single):
        np.testing.assert_allclose(v[i], x.value_iteration(50).values)
        np.testing.assert_allclose(stacked.optimal()[i], x.optimal())


def test_rollouts_have_the_exact_mean() -> None:
    mdp = m.gridworld(3, 3, (2, 2), 0.9, slip=0.2)
    policy = mdp.greedy(mdp.optimal())
    returns = mdp.rollouts(policy, np.zeros(20000, int), 150, seed=0).returns(0.9)
    exact = mdp.evaluate(policy)[0]
    # A bounded return, 20,000 trajectories: six standard errors; what 150 steps leave out is below 1e-6.
    assert abs(returns.mean() - exact) < 6 * returns.std() / np.sqrt(20000) + 1e-6


def test_gridworld_walls_and_goal() -> None:
    mdp = m.gridworld(2, 3, (0, 2), 0.5, walls=((0, 1),))
    right = 3
    assert mdp.transition[0, right, 0] == 1.0  # into the wall
    np.testing.assert_allclose(mdp.optimal()[[0, 3, 4, 5]], [0.5**3, 0.5**2, 0.5, 1.0])
    assert (mdp.reward[2] == 0).all() and mdp.optimal()[2] == 0


def test_values_without_a_discount_are_refused() -> None:
    """The linear system has a solution that is no value, or none; the operators themselves are defined."""
    for discount in (1.0, 1.5):
        mdp = m.random_mdp(3, 2, discount)
        with pytest.raises(ValueError, match="discount below 1"):
            mdp.optimal()
        with pytest.raises(ValueError, match="discount below 1"):
            mdp.evaluate(np.full((3, 2), 0.5))
        assert mdp.value_iteration(3).history.shape == (4, 3)
    for discount in (-0.1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="discount is at least 0"):
            m.random_mdp(3, 2, discount)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (np.ones((3, 2)), "sum to one"),
        (np.array([[2.0, -1.0]] * 3), "non-negative"),
        (np.full((3, 2), np.nan), "non-negative"),
        (np.array([0, 1, 0]), "probabilities of shape"),
        (np.full((2, 3), 1 / 3), "probabilities of shape"),
    ],
)
def test_a_policy_is_probabilities(policy: np.ndarray, message: str) -> None:
    mdp = m.random_mdp(3, 2, 0.9)
    for use in (mdp.evaluate, lambda p: mdp.evaluation(np.zeros(3), p), lambda p: mdp.rollouts(p, 0, 3, 0)):
        with pytest.raises(ValueError, match=message):
            use(policy)


@pytest.mark.parametrize("start", [3, -1, 1.7, [[0]]])
def test_first_states_are_states(start: object) -> None:
    mdp = m.random_mdp(3, 2, 0.9)
    with pytest.raises(m.ShapeError, match=r"integers in 0 … 2"):
        mdp.rollouts(np.full((3, 2), 0.5), start, 3, 0)  # type: ignore[arg-type]


def test_rollouts_of_no_steps_and_of_a_stack() -> None:
    mdp = m.random_mdp(3, 2, 0.9)
    policy = np.full((3, 2), 0.5)
    none = mdp.rollouts(policy, np.array([2, 0]), 0, 0)
    assert none.states.tolist() == [[2], [0]] and none.returns(0.9).tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="at least 0"):
        mdp.rollouts(policy, 0, -1, 0)
    stacked = m.MDP(np.stack([mdp.transition] * 2), np.stack([mdp.reward] * 2), 0.9)
    with pytest.raises(m.ShapeError, match="no stack"):
        stacked.rollouts(policy, 0, 3, 0)


@pytest.mark.parametrize(
    "options",
    [{"goal": (3, 0)}, {"goal": (-1, 0)}, {"walls": ((9, 9),)}, {"walls": ((0, 0),)}, {"slip": 1.5}, {"rows": 0}],
)
def test_a_gridworld_that_cannot_be_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="gridworld"):
        m.gridworld(**({"rows": 3, "columns": 3, "goal": (0, 0)} | options))  # type: ignore[arg-type]


def test_probabilities_must_be_probabilities() -> None:
    with pytest.raises(m.ShapeError, match="values"):
        m.random_mdp(3, 2, 0.9).optimality(np.zeros(4))
    with pytest.raises(ValueError, match="finite"):
        m.MDP(np.ones((1, 1, 1)), np.full((1, 1), np.inf), 0.9)
    with pytest.raises(m.ShapeError, match="MDP"):
        m.MDP(np.ones(3), np.ones(3), 0.9)
    assert m.MDP([[[1.0]]], [[1.0]], 0.5).optimal() == 2.0  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="sum to one"):
        m.MDP(np.full((2, 1, 2), 0.6), np.zeros((2, 1)), 0.9)
    with pytest.raises(m.ShapeError):
        m.MDP(np.full((2, 1, 2), 0.5), np.zeros((2, 2)), 0.9)
