"""Value iteration on concrete processes, and a network fitted to backed-up action values.

Each measurement takes a seed and returns what the claim predicts beside what was measured; an upper bound is read as an
equation by bringing the value as near as the bound demands, so that a bound that is too small fails.
"""

import numpy as np

import derivcheck.models as m
from derivcheck.problem import Reading


def bounded_by(value, bound):
    """What an upper bound predicts of a value: the value itself where the bound allows it, else the bound."""
    return np.minimum(value, bound)


def value_iteration_factors(seed):
    """The factor of every sweep of value iteration: attained from V* + c, and at most γ from anywhere else."""
    rng = np.random.default_rng(seed)
    discount, sweeps_taken = 0.9, 12
    attained, anywhere = [], []
    processes = [m.random_mdp(states=6, actions=3, discount=discount, seed=rng) for _ in range(6)]
    processes.append(m.gridworld(4, 4, goal=(3, 3), discount=discount, slip=0.1))
    for decisions in processes:
        best = decisions.optimal()
        above = decisions.value_iteration(sweeps_taken, start=best + 4.0)
        random = decisions.value_iteration(sweeps_taken, start=best + rng.normal(scale=4.0, size=best.shape))
        for run, factors in ((above, attained), (random, anywhere)):
            error = np.abs(run.history - best).max(axis=1)
            factors.append(error[1:] / error[:-1])
    attained, anywhere = np.array(attained), np.array(anywhere)

    def predicted(bound):
        return np.concatenate([bounded_by(attained, bound), bounded_by(anywhere, bound)])

    return Reading(
        predicted=np.concatenate([np.full_like(attained, discount), bounded_by(anywhere, discount)]),
        measured=np.concatenate([attained, anywhere]),
        tolerance=1e-9,  # roundings of values near 10, against errors that stay above 1e-3
        near_misses={
            "γ² for γ": predicted(discount**2),
            "0.9 γ for γ": predicted(0.9 * discount),
            "γ less one part in a million": predicted(discount * (1 - 1e-6)),
            "attained everywhere": np.full((2 * len(processes), sweeps_taken), discount),
        },
        false_alarm=0.0,
        detail={"processes": len(processes), "sweeps": sweeps_taken, "discount": discount},
    )


def expectation_of_the_maximum(decisions, q):
    """r + γ Σ_t P max_b Q(t, b)."""
    return decisions.action_optimality(q)


def maximum_outside(decisions, q):
    """r + γ max_b Σ_t P Q(t, b): wrong, the action would be chosen before the next state is seen."""
    return decisions.reward + decisions.discount * (decisions.transition @ q).max(axis=-1)


def fixed_point(decisions, backup):
    """Where an operator on action values that contracts by the discount ends, up to rounding."""
    q = np.zeros_like(decisions.reward)
    for _ in range(int(np.log(1e-16) / np.log(decisions.discount)) + 10):
        q = backup(decisions, q)
    return q


def fitted_q_iteration(seed, backup=expectation_of_the_maximum):
    """A network fitted to backed-up values, again and again: ‖Q_{k+1} − Q*‖ ≤ γ ‖Q_k − Q*‖ + ε_k at every sweep."""
    rng = np.random.default_rng(seed)
    states, actions, discount, sweeps_taken, steps = 5, 3, 0.7, 14, 250
    decisions = m.random_mdp(states, actions, discount, seed=rng, concentration=0.5)
    exact, wrong = fixed_point(decisions, expectation_of_the_maximum), fixed_point(decisions, maximum_outside)
    network = m.Sequential(m.Linear(states, 24), m.Tanh(), m.Linear(24, actions))
    one_hot = np.eye(states)
    values = m.compile(lambda t, x: network(t, x))

    def fit(parameters, target):
        trained = m.train(
            lambda t, batch, run: m.squared_error(network(t, batch[0], run), batch[1]),
            parameters,
            lambda step: (one_hot, target),
            optimiser=m.Adam(m.cosine(0.03, steps)),
            steps=steps,
        )
        return trained.parameters, np.asarray(values(trained.parameters, one_hot))

    # Starting above Q* by a constant, the first sweeps shrink the error by nearly γ and no more.
    parameters, q = fit(network.init(rng), exact + 6.0)
    before, after, fits = [], [], []
    for _ in range(sweeps_taken):
        target = backup(decisions, q)
        parameters, following = fit(parameters, target)
        before.append(q)
        after.append(following)
        fits.append(np.abs(following - target).max())
        q = following
    before, after, fits = np.array(before), np.array(after), np.array(fits)

    def ball(centre, factor):
        """The values, brought as near to the centre as the inequality demands."""
        radius = factor * np.abs(before - centre).max(axis=(1, 2)) + fits
        return np.clip(after, centre - radius[:, None, None], centre + radius[:, None, None])

    return Reading(
        predicted=ball(exact, discount),
        measured=after,
        tolerance=1e-9,  # roundings of values near ten
        near_misses={
            "γ² for γ": ball(exact, discount**2),
            "0.8 γ for γ": ball(exact, 0.8 * discount),
            "the maximum outside the expectation": ball(wrong, discount),
        },
        false_alarm=0.0,
        detail={
            "states": states,
            "actions": actions,
            "fit errors": fits.tolist(),
            "distances to Q*": np.abs(after - exact).max(axis=(1, 2)).tolist(),
        },
    )
