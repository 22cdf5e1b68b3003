"""Networks that show how layers carry second moments: one layer both ways, and deep stacks, freshly initialised."""

import numpy as np

import derivcheck.models as m
from derivcheck.problem import Reading

F = m.functional


def stack(width, depth, variance, activation):
    """Layers of one width, without biases and with weights of the given variance, each with an activation behind it."""
    layers = []
    for _ in range(depth):
        layers.append(m.Linear(width, width, bias=False, weight_initialiser=m.Variance("normal", variance)))
        layers.append(activation())
    return m.Sequential(*layers)


def second_moments(seed, network, width, depth, runs):
    """The mean square behind every activation of a `stack` fed with ones, over many initialisations."""

    def one(generator, x):
        run = m.Run()
        network(network.init(generator), x, run)
        return F.stack([F.mean(F.square(run.outputs[str(2 * k + 1)])) for k in range(depth)])

    sweep = m.compile(one, replicas=(True, False), count=runs, dtype=np.float32)
    squares = sweep(np.random.default_rng(seed), np.ones((1, width), dtype=np.float32))
    return np.asarray(squares, dtype=np.float64).mean(axis=0)


def relu_depth_sweep(seed):
    """The second moment behind each ReLU layer, over many initialisations, against (D·v/2)^depth."""
    width, depth, runs, gain = 256, 4, 2_000, 1.5  # D·v = 3: every layer multiplies E a² by 3/2
    measured = second_moments(seed, stack(width, depth, 2 * gain / width, m.ReLU), width, depth, runs)
    layers = np.arange(1, depth + 1)
    # Given a layer's input, the squares behind the ReLU are independent with relative variance 5 (E relu⁴ = 3σ⁴/2
    # against (σ²/2)²): the product over layers has relative variance (1 + 5/width)^layer − 1 in one run.
    error = np.sqrt(((1 + 5 / width) ** layers - 1) / runs)
    predicted = gain**layers
    return Reading(
        predicted=predicted,
        measured=measured,
        tolerance=6.5 * error * predicted,
        near_misses={
            "without the half": (2 * gain) ** layers,
            "the variance of relu(z) in place of its second moment": (gain * (1 - 1 / np.pi)) ** layers,
            "one layer fewer": gain ** (layers - 1),
            "one part in fifty per layer": (1.02 * gain) ** layers,
        },
        # Four comparisons at 6.5 standard errors: 3.2e-10 for a normal law; the central limit theorem is not certified.
        false_alarm=4e-10,
        detail={"width": width, "depth": depth, "runs": runs, "D·v": 2 * gain},
    )


def one_layer_both_ways(seed):
    """Var z of a rectangular layer and the second moment of the pulled-back cotangent, over many initialisations."""
    n_in_layer, n_out_layer, runs = 48, 80, 20_000
    rng_input, rng_runs = (np.random.default_rng(s) for s in seed.spawn(2))
    v_layer = 2 / (n_in_layer + n_out_layer)
    layer_ = m.Linear(n_in_layer, n_out_layer, bias=False, weight_initialiser=m.Variance("normal", v_layer))
    x = rng_input.uniform(0.5, 2.0, (1, n_in_layer))  # far from mean zero: Var a is not E a²
    cot = rng_input.normal(size=(1, n_out_layer))

    def one(generator, x, c):
        p = layer_.init(generator)
        value, pull = m.value_and_grad(lambda x: F.sum(layer_(p, x) * c))(x)
        return F.stack([F.mean(F.square(layer_(p, x))), F.mean(F.square(pull)), 0 * value])

    sweep = m.compile(one, replicas=(True, False, False), count=runs)
    seen = np.asarray(sweep(rng_runs, x, cot))[:, :2]
    predicted = v_layer * np.array([np.sum(x**2), np.sum(cot**2)])
    # Sums of n independent squares of normal variables: relative variance 2/n in one run.
    error = predicted * np.sqrt(np.array([2 / n_out_layer, 2 / n_in_layer]) / runs)
    return Reading(
        predicted=predicted,
        measured=seen.mean(axis=0),
        tolerance=6.5 * error,
        near_misses={
            "Var a for E a²": predicted * np.array([x.var() / np.mean(x**2), 1]),
            "sizes exchanged": predicted * np.array([n_out_layer / n_in_layer, n_in_layer / n_out_layer]),
            "one part in fifty": predicted * 1.02,
        },
        false_alarm=2e-10,
        detail={"D_a": n_in_layer, "D_z": n_out_layer, "runs": runs},
    )


def tanh_mean_field(seed):
    """Second moments along a deep tanh network against the mean-field recursion q' = v D E tanh²(√q u)."""
    width, depth, runs, start = 200, 6, 1_000, 1.0
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()

    def recursion(scale):
        q, out = scale * start, []
        for _ in range(depth):
            after = float((weights * np.tanh(np.sqrt(q) * nodes) ** 2).sum())
            out.append(after)
            q = scale * after
        return np.array(out)

    scale = 1.5
    measured = second_moments(seed, stack(width, depth, scale / width, m.Tanh), width, depth, runs)
    predicted = recursion(scale)
    return Reading(
        predicted=predicted,
        measured=measured,
        # The mean-field recursion is exact as the width grows; at finite width its bias is of order 1/width per layer.
        # Allowed: 3/width per layer, and 6.5 standard errors of a mean of squares that are at most one.
        tolerance=3 / width * np.arange(1, depth + 1) * predicted + 6.5 * np.sqrt(predicted / (width * runs)),
        near_misses={
            "a linear network": start * scale ** np.arange(1, depth + 1),
            "the variance of one layer for all": np.full(depth, predicted[0]),
            "scale one in place of 1.5": recursion(1.0),
        },
        false_alarm=6e-10,
        detail={"width": width, "depth": depth, "runs": runs, "D·v": scale, "finite-width allowance": 3 / width},
    )


def saturation_explodes_the_gradient(seed):
    """At a large scale tanh units saturate and yet the gradient grows from layer to layer, at rate χ = v D E tanh′²."""
    width, depth, runs, scale = 200, 8, 400, 16.0
    rng = np.random.default_rng(seed)
    network = stack(width, depth, scale / width, m.Tanh)

    def one(generator, x, c):
        p = network.init(generator)

        def f(shifts):
            h = x
            for k in range(depth):
                h = m.tanh(h @ p[str(2 * k)]["weight"].T + shifts[k])
            return F.sum(h * c)

        pulled = m.grad(f)([F.zeros((1, width)) for _ in range(depth)])
        return F.stack([F.mean(F.square(g)) for g in pulled])

    sweep = m.compile(one, replicas=(True, False, False), count=runs)
    squares = np.asarray(sweep(rng, np.ones((1, width)), rng.normal(size=(1, width)))).mean(axis=0)
    growth = np.log(squares[1] / squares[depth - 2]) / (depth - 3)
    # A fine grid: where the units saturate, tanh′ is a narrow peak that Gauss-Hermite nodes would miss.
    nodes = np.linspace(-10, 10, 20_001)
    weights = np.exp(-(nodes**2) / 2)
    weights = weights / weights.sum()
    q = scale
    for _ in range(60):
        q = scale * float((weights * np.tanh(np.sqrt(q) * nodes) ** 2).sum())
    chi = scale * float((weights * (1 - np.tanh(np.sqrt(q) * nodes) ** 2) ** 2).sum())
    return Reading(
        predicted=np.array([np.log(chi)]),
        measured=np.array([growth]),
        # The rate per layer holds as the width grows; allowed: 15 % of it, for finite width and the ends of the stack.
        tolerance=0.15 * abs(np.log(chi)),
        near_misses={
            "saturation kills the gradient": np.array([-np.log(chi)]),
            "the gradient keeps its size": np.array([0.0]),
            "the linear rate v D": np.array([np.log(scale)]),
        },
        false_alarm=1e-9,
        detail={"width": width, "depth": depth, "runs": runs, "D·v": scale, "rate per layer": chi},
    )
