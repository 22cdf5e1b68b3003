"""Finite Markov decision processes as arrays.

Everything is vectorised and broadcasts over leading axes: a stack of MDPs is an MDP whose arrays have leading
axes.

>>> mdp = random_mdp(states=4, actions=2, discount=0.9, seed=0)
>>> values = mdp.value_iteration(sweeps=500).values
>>> bool(np.allclose(mdp.optimality(values), values))
True
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from derivcheck.models.errors import ShapeError
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
        s, a, n = self.transition.shape[-3:]
        if s != n or self.reward.shape[-2:] != (s, a):
            raise ShapeError("MDP", f"transition (…, S, A, S) and reward (…, {s}, {a})", self.reward.shape)
        if (self.transition < 0).any() or not np.allclose(self.transition.sum(-1), 1.0, atol=1e-12):
            raise ValueError("transition probabilities are non-negative and sum to one")

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
        expected: Array = (self.transition @ values[..., None, :, None])[..., 0]
        out: Array = self.reward + self.discount * expected
        return out

    def optimality(self, values: Array) -> Array:
        """The Bellman optimality operator, ``max_a Q(s, a)``."""
        return np.asarray(self.action_values(values).max(-1))

    def evaluation(self, values: Array, policy: Array) -> Array:
        """The Bellman operator of a policy ``π(a|s)``, shape (…, states, actions)."""
        return np.asarray((policy * self.action_values(values)).sum(-1))

    def action_optimality(self, q: Array) -> Array:
        """The optimality operator on action values, ``r + γ Σ P max_a' Q(s', a')``."""
        return self.action_values(q.max(-1))

    def evaluate(self, policy: Array) -> Array:
        """Exact values of a policy: the solution of ``(I − γ P_π) V = r_π``."""
        p = np.einsum("...sa,...sat->...st", policy, self.transition)
        r = (policy * self.reward).sum(-1)
        return np.asarray(np.linalg.solve(np.eye(self.states) - self.discount * p, r[..., None])[..., 0])

    def greedy(self, values: Array) -> Array:
        """The (first) greedy policy, as probabilities."""
        best = self.action_values(values).argmax(-1)
        return np.asarray(np.eye(self.actions)[best])

    def value_iteration(self, sweeps: int, start: Array | None = None) -> ValueIteration:
        """Repeated optimality operator."""
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
        rng = np.random.default_rng(seed)
        state = np.atleast_1d(np.asarray(start, np.int64))
        chosen, next_state = np.cumsum(policy, -1), np.cumsum(self.transition, -1)
        states, actions, rewards = [state], [], []
        for _ in range(steps):
            action = _draw(chosen[state], rng)
            rewards.append(self.reward[state, action])
            state = _draw(next_state[state, action], rng)
            states.append(state)
            actions.append(action)
        return Rollouts(np.stack(states, -1), np.stack(actions, -1), np.stack(rewards, -1))


def _draw(cumulative: Array, rng: np.random.Generator) -> Array:
    # The last entry may be 1 - 1e-16: it counts as one.
    u = rng.random(len(cumulative)) * cumulative[:, -1]
    return np.asarray((u[:, None] >= cumulative[:, :-1]).sum(-1))


def random_mdp(
    states: int, actions: int, discount: float, seed: int | np.random.Generator = 0, concentration: float = 1.0
) -> MDP:
    """Dirichlet transitions and standard normal rewards."""
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
