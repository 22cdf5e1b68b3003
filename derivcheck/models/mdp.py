"""Finite Markov decision processes as arrays.

Everything is vectorised and broadcasts over leading axes: a stack of MDPs is an MDP whose arrays have leading
axes.

>>> mdp = random_mdp(states=4, actions=2, discount=0.9, seed=0)
>>> values = mdp.value_iteration(sweeps=500).values
>>> bool(np.allclose(mdp.optimality(values), values))
True
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from derivcheck.models.errors import ShapeError, require_sizes
from derivcheck.models.tensor import Array

__all__ = ["MDP", "Rollouts", "ValueIteration", "gridworld", "random_mdp"]


@dataclass(frozen=True)
class ValueIteration:
    """Sweeps of value iteration.

    Attributes
    ----------
    values : array, shape (…, states)
        After the last sweep.
    history : array, shape (sweeps + 1, …, states)
        The start and every sweep.
    """

    values: Array
    history: Array


@dataclass(frozen=True)
class Rollouts:
    """Trajectories under a policy.

    Attributes
    ----------
    states : array of int, shape (count, steps + 1)
    actions : array of int, shape (count, steps)
    rewards : array, shape (count, steps)
        Expected reward of each state and action.
    """

    states: Array
    actions: Array
    rewards: Array

    def returns(self, discount: float) -> Array:
        """Discounted sum of the rewards of every trajectory, shape (count,)."""
        return self.rewards @ discount ** np.arange(self.rewards.shape[1])


@dataclass(frozen=True, eq=False)
class MDP:
    """A finite MDP with expected rewards.

    Attributes
    ----------
    transition : array, shape (…, states, actions, states)
        ``P(s' | s, a)``.
    reward : array, shape (…, states, actions)
        ``E[r | s, a]``.
    discount : float
        ``γ``.
    """

    transition: Array
    reward: Array
    discount: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "transition", np.asarray(self.transition, float))
        object.__setattr__(self, "reward", np.asarray(self.reward, float))
        shape = self.transition.shape
        if len(shape) < 3 or shape[-3] != shape[-1] or self.reward.shape != shape[:-1] or not all(shape[-3:]):
            given = f"transition {shape} and reward {self.reward.shape}"
            raise ShapeError("MDP", "transition (…, S, A, S) and reward (…, S, A)", given)
        _require_probabilities("transition probabilities", self.transition)
        if not np.isfinite(self.reward).all():
            raise ValueError("rewards are finite")
        if not 0.0 <= self.discount < math.inf:
            raise ValueError(f"the discount is at least 0, not {self.discount}")

    @property
    def states(self) -> int:
        """Number of states."""
        return int(self.transition.shape[-1])

    @property
    def actions(self) -> int:
        """Number of actions."""
        return int(self.transition.shape[-2])

    def action_values(self, values: Array) -> Array:
        """``Q(s, a) = r(s, a) + γ Σ P(s'|s, a) V(s')``, shape (…, states, actions)."""
        values = np.asarray(values, float)
        if not values.ndim or values.shape[-1] != self.states:
            raise ShapeError("values", f"(…, {self.states}), one for each state", values.shape)
        expected: Array = (self.transition @ values[..., None, :, None])[..., 0]
        out: Array = self.reward + self.discount * expected
        return out

    def optimality(self, values: Array) -> Array:
        """The Bellman optimality operator, ``max_a Q(s, a)``."""
        return np.asarray(self.action_values(values).max(-1))

    def evaluation(self, values: Array, policy: Array) -> Array:
        """The Bellman operator of a policy ``π(a|s)``, shape (…, states, actions)."""
        policy = self._policy(policy)
        return np.asarray((policy * self.action_values(values)).sum(-1))

    def action_optimality(self, q: Array) -> Array:
        """The optimality operator on action values, ``r + γ Σ P max_a' Q(s', a')``."""
        return self.action_values(np.asarray(q, float).max(-1))

    def _policy(self, policy: Array) -> Array:
        policy = np.asarray(policy, float)
        if policy.shape[-2:] != (self.states, self.actions):
            wanted = f"probabilities of shape (…, {self.states}, {self.actions})"
            raise ShapeError("policy", wanted, policy.shape)
        _require_probabilities("the probabilities of a policy", policy)
        return policy

    def _require_discounted(self) -> None:
        # Otherwise values may not exist, and a linear solve gives something that is none.
        if not self.discount < 1.0:
            raise ValueError(f"values over an infinite horizon need a discount below 1, not {self.discount}")

    def evaluate(self, policy: Array) -> Array:
        """Exact values of a policy: the solution of ``(I − γ P_π) V = r_π``; needs γ < 1."""
        self._require_discounted()
        policy = self._policy(policy)
        p = np.einsum("...sa,...sat->...st", policy, self.transition)
        r = (policy * self.reward).sum(-1)
        solved = np.linalg.solve(np.eye(self.states) - self.discount * p, r[..., None])[..., 0]
        return np.asarray(solved + 0.0)  # the solver may give −0

    def greedy(self, values: Array) -> Array:
        """The (first) greedy policy, as probabilities."""
        best = self.action_values(values).argmax(-1)
        return np.asarray(np.eye(self.actions)[best])

    def value_iteration(self, sweeps: int, start: Array | None = None) -> ValueIteration:
        """Repeated optimality operator."""
        if sweeps < 0:
            raise ValueError(f"the number of sweeps is at least 0, not {sweeps}")
        v = np.zeros(self.reward.shape[:-1]) if start is None else np.asarray(start, float)
        history = [v]
        for _ in range(sweeps):
            v = self.optimality(v)
            history.append(v)
        return ValueIteration(v, np.stack(history))

    def optimal(self) -> Array:
        """Optimal values by policy iteration: exact up to one linear solve.

        It stops when no action is better than the current one by more than rounding; for γ < 1 that happens
        after at most as many rounds as there are policies.
        """
        self._require_discounted()
        policy = np.broadcast_to(np.eye(self.actions)[0], self.reward.shape)
        while True:
            values = self.evaluate(policy)
            q = self.action_values(values)
            gain = q.max(-1) - values
            better = gain > 1e-12 * (1.0 + np.abs(values))
            if not better.any():
                return values
            policy = np.where(better[..., None], np.eye(self.actions)[q.argmax(-1)], policy)

    def rollouts(self, policy: Array, start: Array | int, steps: int, seed: int | np.random.Generator) -> Rollouts:
        """Trajectories, all at once.

        Parameters
        ----------
        policy : array, shape (states, actions)
        start : int or array of int, shape (count,)
            First states.
        steps : int
        seed : int or Generator
        """
        rng, policy = np.random.default_rng(seed), self._policy(policy)
        state = np.atleast_1d(np.asarray(start))
        if self.transition.ndim != 3 or policy.ndim != 2:
            raise ShapeError("rollouts", "one MDP and one policy, no stack of them", self.transition.shape)
        if state.dtype.kind not in "iu" or state.ndim != 1 or not ((state >= 0) & (state < self.states)).all():
            raise ShapeError("rollouts", f"first states, integers in 0 … {self.states - 1}", f"{start!r}")
        if steps < 0:
            raise ValueError(f"the number of steps is at least 0, not {steps}")
        chosen, next_state = np.cumsum(policy, -1), np.cumsum(self.transition, -1)
        states = np.empty((len(state), steps + 1), np.int64)
        actions, rewards = np.empty((len(state), steps), np.int64), np.empty((len(state), steps))
        states[:, 0] = state
        for t in range(steps):
            actions[:, t] = action = _draw(chosen[states[:, t]], rng)
            rewards[:, t] = self.reward[states[:, t], action]
            states[:, t + 1] = _draw(next_state[states[:, t], action], rng)
        return Rollouts(states, actions, rewards)


def _require_probabilities(what: str, p: Array) -> None:
    # Written so that NaN is refused.
    if not (p >= 0.0).all() or not np.allclose(p.sum(-1), 1.0, rtol=0.0, atol=1e-9):
        raise ValueError(f"{what} are non-negative and sum to one")


def _draw(cumulative: Array, rng: np.random.Generator) -> Array:
    # The last entry may be 1 - 1e-16: it counts as one.
    u = rng.random(len(cumulative)) * cumulative[:, -1]
    return np.asarray((u[:, None] >= cumulative[:, :-1]).sum(-1))


def random_mdp(
    states: int, actions: int, discount: float, seed: int | np.random.Generator = 0, concentration: float = 1.0
) -> MDP:
    """Dirichlet transitions and standard normal rewards."""
    require_sizes("random_mdp", states=states, actions=actions)
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(states, concentration), (states, actions))
    return MDP(p / p.sum(-1, keepdims=True), rng.standard_normal((states, actions)), discount)


def gridworld(
    rows: int,
    columns: int,
    goal: tuple[int, int],
    discount: float = 0.9,
    slip: float = 0.0,
    walls: tuple[tuple[int, int], ...] = (),
    step_reward: float = 0.0,
) -> MDP:
    """A grid with actions up, down, left, right; reward 1 for stepping into the goal, which is absorbing.

    With probability ``slip`` one of the four directions is taken at random instead. Moving off the grid or into a wall
    leaves the agent where it is.
    """
    require_sizes("gridworld", rows=rows, columns=columns)
    for cell in (goal, *walls):
        if not (0 <= cell[0] < rows and 0 <= cell[1] < columns):
            raise ValueError(f"gridworld: {cell} is no cell of {rows} × {columns}")
    if goal in walls:
        raise ValueError(f"gridworld: the goal {goal} is a wall")
    if not 0.0 <= slip <= 1.0:
        raise ValueError(f"gridworld: slip is a probability, not {slip}")
    moves = ((-1, 0), (1, 0), (0, -1), (0, 1))
    n = rows * columns
    target = goal[0] * columns + goal[1]
    step = np.zeros((n, 4, n))
    for r in range(rows):
        for c in range(columns):
            for a, (dr, dc) in enumerate(moves):
                r2, c2 = r + dr, c + dc
                inside = 0 <= r2 < rows and 0 <= c2 < columns and (r2, c2) not in walls
                step[r * columns + c, a, r2 * columns + c2 if inside else r * columns + c] = 1.0
    p = (1.0 - slip) * step + slip * step.mean(1, keepdims=True)
    p[target] = 0.0
    p[target, :, target] = 1.0
    reward = step_reward + (1.0 - step_reward) * p[:, :, target]
    reward[target] = 0.0
    return MDP(p, reward, discount)
