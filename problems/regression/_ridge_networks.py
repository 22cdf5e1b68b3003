"""Networks that show ridge regression: linear layers trained on freshly noised inputs, and with weight decay.

The tolerances are stated from the design of the measurement, and wrong predictions stand beside the right one.
"""

import numpy as np

import derivcheck.models as m
from derivcheck.problem import Reading

F = m.functional


def regression_data(rng, examples, features):
    """Correlated inputs and labels that no linear model fits."""
    inputs = rng.normal(size=(examples, features)) @ (np.eye(features) + 0.5 * rng.normal(size=(features, features)))
    labels = inputs @ rng.normal(size=features) + rng.normal(size=examples)
    return inputs, labels


def sgd_on_noised_inputs(seed):
    """A linear layer trained on freshly noised inputs, iterates averaged, against (XᵀX + nΣ)⁻¹Xᵀy."""
    data_seed, noise_seed, train_seed = seed.spawn(3)
    rng = np.random.default_rng(data_seed)
    examples, features, steps, burn_in, rate = 40, 3, 12_000, 500, 0.02
    inputs, labels = regression_data(rng, examples, features)
    deviations = np.array([0.4, 0.8, 1.2])
    Sigma = np.diag(deviations**2)
    second = inputs.T @ inputs

    def solution(covariance):
        return np.linalg.solve(second + covariance, inputs.T @ labels)

    predicted = solution(examples * Sigma)
    network = m.Linear(features, 1, bias=False)

    def loss(p, batch, run):
        x, y = batch
        noised = x + F.normal(run.generator, x.shape) * deviations
        return F.mean(F.square(network(p, noised, run)[:, 0] - y))

    trained = m.train(
        loss,
        network.init(np.random.default_rng(train_seed)),
        lambda step: (inputs, labels),
        optimiser=m.Averaged(m.SGD(rate), start_step=burn_in),
        steps=steps,
        dtype=np.float64,
        seed=int(train_seed.generate_state(1)[0]),
    )
    measured = np.asarray(trained.slots["average"]["weight"]).reshape(features)
    # Averaged stochastic gradients on a quadratic: covariance H⁻¹ S H⁻¹ / T, S the covariance of the gradient at the
    # solution (here from draws of its own), H the Hessian; a fifth more for the finite step size.
    draw = np.random.default_rng(noise_seed)
    noised = inputs + draw.normal(size=(20_000, examples, features)) * deviations
    residual = noised @ predicted - labels
    gradients = 2 / examples * np.einsum("rij,ri->rj", noised, residual)
    hessian = 2 * (second / examples + Sigma)
    inverse_hessian = np.linalg.inv(hessian)
    covariance = inverse_hessian @ np.cov(gradients.T) @ inverse_hessian / (steps - burn_in)
    return Reading(
        predicted=predicted,
        measured=measured,
        tolerance=1.2 * 7 * np.sqrt(np.diag(covariance)),
        near_misses={
            "the noise forgotten": solution(0 * Sigma),
            "Σ for nΣ": solution(Sigma),
            "2nΣ for nΣ": solution(2 * examples * Sigma),
            "the deviations for the variances": solution(examples * np.diag(deviations)),
        },
        # Three comparisons at 7 standard errors: 8e-12 for a normal law; the central limit theorem is not certified.
        false_alarm=1e-11,
        detail={"examples": examples, "steps": steps, "rate": rate},
    )


def gradient_descent_with_weight_decay(seed):
    """A linear layer trained with weight decay against ridge regression."""
    rng = np.random.default_rng(seed)
    examples, features, penalty = 30, 4, 3.0
    inputs, labels = regression_data(rng, examples, features)
    second = inputs.T @ inputs
    rate = 0.5 / np.linalg.eigvalsh(second)[-1]
    network = m.Linear(features, 1, bias=False)
    trained = m.train(
        lambda p, batch, run: F.sum(F.square(network(p, batch[0], run)[:, 0] - batch[1])),
        network.init(rng),
        lambda step: (inputs, labels),
        # The penalty λ‖a‖² has the gradient 2λa.
        optimiser=m.SGD(rate, weight_decay=2 * penalty),
        steps=4_000,
        dtype=np.float64,
        seed=0,
    )

    def solution(strength):
        return np.linalg.solve(second + strength * np.eye(features), inputs.T @ labels)

    return Reading(
        predicted=solution(penalty),
        measured=np.asarray(trained.parameters["weight"]).reshape(features),
        # Every step contracts by at most 1 − rate·2·(smallest eigenvalue + λ): after 4,000 steps far below this.
        tolerance=1e-9,
        near_misses={
            "no decay": solution(0.0),
            "λ/2 for λ": solution(penalty / 2),
            "nλ for λ": solution(examples * penalty),
            "one part in a million": solution(penalty * (1 + 1e-6)),
        },
        false_alarm=0.0,
        detail={"examples": examples, "penalty": penalty, "steps": 4_000},
    )
