"""The estimator in a network: the running mean of a batch-normalisation layer, fed with the means of its batches."""

import numpy as np

import derivcheck.models as m
from derivcheck.problem import Reading


def training_step(layer, rng):
    """What a batch makes of the state of `layer`, whose weights stay as they are drawn."""
    weights = layer.init(rng)

    def step(state, x):
        run = m.Run(training=True, state=state)
        layer(weights, x, run)
        return run.state

    return step


def batch_norm_running_mean(seed):
    """Mean and variance of a batch-normalisation layer's running mean, over many runs with frozen weights."""
    data_seed, run_seed = seed.spawn(2)
    rng = np.random.default_rng(data_seed)
    step_size, steps_taken, batch, runs, begin = 0.2, 3, 4, 20_000, 1.5
    network = m.Linear(3, 1)
    weights = network.init(rng)
    # A skewed population, drawn from with replacement: the batches are independent and identically distributed.
    population = rng.exponential(size=(64, 3)) ** 1.5
    features = np.asarray(m.compile(lambda p, x: network(p, x))(weights, population))
    layer = m.BatchNorm(1, step_size=step_size, averaging="exponential")
    advance = m.compile(training_step(layer, rng), replicas=(True, True), count=runs)
    state = layer.init_state(replicas=runs)
    state["mean"] = np.full_like(state["mean"], begin)
    draw = np.random.default_rng(run_seed)
    for _ in range(steps_taken):
        state = advance(state, features[draw.integers(0, len(features), (runs, batch))])
    running = np.asarray(state["mean"]).reshape(runs)

    centre, spread = features.mean(), features.var()
    weight = step_size * (1 - step_size) ** np.arange(steps_taken)
    keep = (1 - step_size) ** steps_taken

    def moments(variance_of_one, keep_start):
        mean = centre + keep_start * (begin - centre)
        finite = step_size * variance_of_one / (2 - step_size) * (1 - (1 - step_size) ** (2 * steps_taken))
        return np.array([mean, finite])

    predicted = moments(spread / batch, keep)
    # Excess kurtosis of the running mean, from the population's: it widens the error of the sample variance.
    excess = (((features - centre) ** 4).mean() / spread**2 - 3) / batch * (weight**4).sum() / (weight**2).sum() ** 2
    error = np.array([np.sqrt(predicted[1] / runs), predicted[1] * np.sqrt((2 + excess) / runs)])
    return Reading(
        predicted=predicted,
        measured=np.array([running.mean(), running.var(ddof=1)]),
        tolerance=6.5 * error,
        near_misses={
            "the variance of one example in place of a batch mean's": moments(spread, keep),
            "the variance in the limit": np.array([predicted[0], step_size * spread / batch / (2 - step_size)]),
            "2 + α for 2 − α": predicted * np.array([1, (2 - step_size) / (2 + step_size)]),
            "no bias at finite t": moments(spread / batch, 0.0),
            "one step fewer": moments(spread / batch, (1 - step_size) ** (steps_taken - 1)),
        },
        # Two comparisons at 6.5 standard errors: 1.6e-10 for a normal law; the central limit theorem is not certified.
        false_alarm=2e-10,
        detail={"runs": runs, "batch": batch, "steps": steps_taken, "step size": step_size},
    )


def recursion_in_a_layer(seed):
    """The running mean of a batch-normalisation layer, batch by batch, against the unrolled form."""
    rng = np.random.default_rng(seed)
    step_size, count = 0.3, 12
    layer = m.BatchNorm(2, step_size=step_size, averaging="exponential")
    advance = m.compile(training_step(layer, rng))
    state = layer.init_state()
    begin = np.asarray(state["mean"])
    batches = rng.normal(size=(count, 5, 2))
    measured = []
    for x in batches:
        state = advance(state, x)
        measured.append(np.array(state["mean"]))
    means = batches.mean(axis=1)

    def closed(keep, shift=0):
        return np.array(
            [
                keep**s * begin + step_size * sum(keep ** (i + shift) * means[s - 1 - i] for i in range(s))
                for s in range(1, count + 1)
            ]
        )

    return Reading(
        predicted=closed(1 - step_size),
        measured=np.array(measured),
        tolerance=1e-12,  # a dozen roundings of numbers of order one
        near_misses={
            "weights shifted by one": closed(1 - step_size, 1),
            "α for 1 − α": closed(step_size),
            "newest and oldest exchanged": np.array(
                [
                    (1 - step_size) ** s * begin + step_size * sum((1 - step_size) ** i * means[i] for i in range(s))
                    for s in range(1, count + 1)
                ]
            ),
        },
        false_alarm=0.0,
        detail={"batches": count, "step size": step_size},
    )
