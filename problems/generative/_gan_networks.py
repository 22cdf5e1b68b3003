"""Discriminators trained on samples of two known laws, and the value of the game where training ends.

Each measurement takes a seed and returns what the claim predicts beside what the network did; the tolerances come from
the sampling alone, and wrong predictions stand beside the right one.
"""

import numpy as np

import derivcheck.models as m
from derivcheck.problem import Reading

F = m.functional

#: Two laws on eight points, as shares of a hundred.
DATA = np.array([4, 20, 8, 14, 6, 30, 12, 6]) / 100
MODEL = np.array([16, 5, 8, 25, 12, 6, 20, 8]) / 100
SAMPLES = 40_000


def ratio(p, q):
    """p/(p + q)."""
    return p / (p + q)


def count_range(law, failure):
    """Where the count of each point lies but for a chance of `failure` each, by Bernstein's inequality."""
    level = np.log(2 / failure)
    deviation = level / 3 + np.sqrt(level**2 / 9 + 2 * level * SAMPLES * law * (1 - law))
    return SAMPLES * law - deviation, SAMPLES * law + deviation


#: Chance that one of the sixteen counts leaves its range.
FALSE_ALARM = 3.2e-7
FIT = 1e-3  # how near training comes to the minimum of the loss of its samples


def share_allowance():
    """How far the share of data among the samples at a point may be from p/(p + q): at the ends of both ranges."""
    data, model = count_range(DATA, FALSE_ALARM / 16), count_range(MODEL, FALSE_ALARM / 16)
    exact = ratio(DATA, MODEL)
    return np.maximum(ratio(data[1], model[0]) - exact, exact - ratio(data[0], model[1])) + FIT


def trained_on_eight_points(seed):
    """D at the eight points, of a discriminator with a hidden layer that is trained on samples of both laws."""
    rng = np.random.default_rng(seed)
    points = len(DATA)
    real, fake = rng.multinomial(SAMPLES, DATA), rng.multinomial(SAMPLES, MODEL)
    network = m.Sequential(m.Linear(points, 16), m.Tanh(), m.Linear(16, 1))

    def cross_entropy(parameters, batch, run):
        # The loss of all samples, those at one point gathered.
        logits = network(parameters, batch["point"], run)
        return F.sum(batch["real"] * m.softplus(-logits) + batch["fake"] * m.softplus(logits))

    batch = {
        "point": np.eye(points),
        "real": real[:, None] / (2 * SAMPLES),
        "fake": fake[:, None] / (2 * SAMPLES),
    }
    steps = 800
    trained = m.train(
        cross_entropy, network.init(rng), lambda step: batch, optimiser=m.Adam(m.cosine(0.05, steps)), steps=steps
    )
    return np.asarray(m.compile(lambda t, x: m.sigmoid(network(t, x)))(trained.parameters, np.eye(points)))[:, 0]


def discriminator_on_eight_points(seed):
    """A trained discriminator against p/(p + q), at every point."""
    return Reading(
        predicted=ratio(DATA, MODEL),
        measured=trained_on_eight_points(seed),
        tolerance=share_allowance(),
        near_misses={
            "q/(p + q)": ratio(MODEL, DATA),
            "p/(p + 2q)": ratio(DATA, 2 * MODEL),
            "one half everywhere": np.full(len(DATA), 0.5),
        },
        # Bernstein's inequality for sixteen counts (see count_range); training is a deterministic function of them.
        false_alarm=FALSE_ALARM,
        detail={"points": len(DATA), "samples of each law": SAMPLES},
    )


def value_on_eight_points(seed):
    """The value of the game at a trained discriminator, against −log 4 + 2 JSD."""
    found = trained_on_eight_points(seed)
    measured = (DATA * np.log(found) + MODEL * np.log(1 - found)).sum()
    middle = (DATA + MODEL) / 2
    divergence = (DATA * np.log(DATA / middle) + MODEL * np.log(MODEL / middle)).sum() / 2
    # V(D*) − V(D) = Σ (p + q) KL(D*‖D), and KL(D*‖D) ≤ (D* − D)²/(D (1 − D)).
    exact, allowance = ratio(DATA, MODEL), share_allowance()
    low, high = exact - allowance, exact + allowance
    narrow = np.minimum(low * (1 - low), high * (1 - high))
    return Reading(
        predicted=np.array([-np.log(4) + 2 * divergence]),
        measured=np.array([measured]),
        tolerance=float(((DATA + MODEL) * allowance**2 / narrow).sum()),
        near_misses={
            "the divergence once": np.array([-np.log(4) + divergence]),
            "log 2 for log 4": np.array([-np.log(2) + 2 * divergence]),
            "no divergence": np.array([-np.log(4)]),
        },
        false_alarm=FALSE_ALARM,
        detail={"divergence": divergence, "samples of each law": SAMPLES},
    )


def discriminator_of_two_normal_densities(seed):
    """A discriminator on x and x², trained on samples of two normal densities, against p/(p + q) on a grid."""
    rng = np.random.default_rng(seed)
    count, steps = 4_000, 300
    (mean_p, scale_p), (mean_q, scale_q) = (0.6, 0.8), (-0.4, 1.2)

    def features(x):
        return np.stack([x, x**2], axis=-1)

    def density(x, mean, scale):
        return np.exp(-(((x - mean) / scale) ** 2) / 2) / (scale * np.sqrt(2 * np.pi))

    x = np.concatenate([mean_p + scale_p * rng.normal(size=count), mean_q + scale_q * rng.normal(size=count)])
    labels = np.repeat([1.0, 0.0], count)[:, None]
    network = m.Linear(2, 1)
    trained = m.train(
        lambda t, batch, run: m.binary_cross_entropy(network(t, batch[0], run), batch[1]),
        network.init(rng),
        lambda step: (features(x), labels),
        optimiser=m.Adam(m.cosine(0.1, steps)),
        steps=steps,
    )
    grid = np.linspace(-1.5, 2.0, 8)
    measured = np.asarray(m.compile(lambda t, x: m.sigmoid(network(t, x)))(trained.parameters, features(grid)))[:, 0]

    # log p/q is quadratic, so this network can be p/(p + q) exactly; the error of its parameters is that of maximum
    # likelihood, with the information of the two known densities (the class sizes are fixed, which makes it smaller).
    fine = np.linspace(-8, 8, 4001)
    p, q = density(fine, mean_p, scale_p), density(fine, mean_q, scale_q)
    design = np.concatenate([np.ones((len(fine), 1)), features(fine)], axis=1)
    weight = count * p * q / (p + q) * (fine[1] - fine[0])
    covariance = np.linalg.inv((design * weight[:, None]).T @ design)
    at = np.concatenate([np.ones((len(grid), 1)), features(grid)], axis=1)
    p, q = density(grid, mean_p, scale_p), density(grid, mean_q, scale_q)
    exact = ratio(p, q)
    logit_error = 6.5 * np.sqrt(np.einsum("ij,jk,ik->i", at, covariance, at))
    return Reading(
        predicted=exact,
        measured=measured,
        # The sigmoid's slope and its curvature (at most 0.0963) over so many standard errors; what training leaves.
        tolerance=exact * (1 - exact) * logit_error + 0.0963 / 2 * logit_error**2 + FIT,
        near_misses={
            "q/(p + q)": 1 - exact,
            "p/(p + 2q)": ratio(p, 2 * q),
            "one half everywhere": np.full(len(grid), 0.5),
        },
        # Eight comparisons at 6.5 standard errors: 7e-10 for a normal law; the central limit theorem is not certified.
        false_alarm=7e-10,
        detail={"samples of each density": count, "steps": steps, "grid": grid.tolist()},
    )
