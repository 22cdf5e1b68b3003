"""Networks that show the evidence lower bound: a linear-Gaussian autoencoder, an encoder, one of digits, gradients.

Each measurement takes a seed and returns what the claim predicts beside what the network did; the tolerances are stated
before anything is measured, and wrong predictions stand beside the right one.
"""

from types import SimpleNamespace

import numpy as np

import derivcheck.models as m
from derivcheck.problem import NotRun, Reading

F = m.functional


def cubature(size):
    """Points ±√size e_j with equal weights: exact for the mean of a quadratic under a standard normal."""
    return np.concatenate([np.sqrt(size) * np.eye(size), -np.sqrt(size) * np.eye(size)])


def log_gaussian(x, mean, covariance):
    """Log-densities of the rows of `x`."""
    inverse = np.linalg.inv(covariance)
    residual = x - mean
    _, logdet = np.linalg.slogdet(2 * np.pi * covariance)
    return -0.5 * (logdet + np.einsum("ni,ij,nj->n", residual, inverse, residual))


def gaussian_divergence(mean_1, covariance_1, mean_2, covariance_2):
    """KL of Gaussians with full covariances, for rows of means and stacks of covariances."""
    inverse = np.linalg.inv(covariance_2)
    shift = mean_2 - mean_1
    return 0.5 * (
        np.trace(inverse @ covariance_1, axis1=-2, axis2=-1)
        + np.einsum("ni,nij,nj->n", shift, np.broadcast_to(inverse, covariance_1.shape), shift)
        - mean_1.shape[1]
        + np.linalg.slogdet(covariance_2)[1]
        - np.linalg.slogdet(covariance_1)[1]
    )


class LinearGaussian:
    """A variational autoencoder with a linear decoder and fixed noise: p(x) and the posterior are Gaussian."""

    latent, observed, noise = 2, 5, 0.3

    def __init__(self):
        k = self.latent
        self.encoder = m.Linear(self.observed, 2 * k)
        self.decoder = m.Linear(k, self.observed)
        log_noise = np.full(self.observed, np.log(self.noise))

        def parts(p, x, eps):
            code = self.encoder(p["encoder"], x)
            mean, log_variance = code[:, :k], code[:, k:]
            z = mean + F.exp(0.5 * log_variance) * eps
            fit = m.gaussian_log_likelihood(x, self.decoder(p["decoder"], z), log_noise)
            return fit, m.gaussian_kl(mean, log_variance), mean, log_variance

        self.parts = parts
        self.compiled = m.compile(parts)

    def init(self, rng):
        return {"encoder": self.encoder.init(rng), "decoder": self.decoder.init(rng)}

    def trained(self, parameters, x, seed):
        def loss(p, batch, run):
            fit, kl, _, _ = self.parts(p, batch, F.normal(run.generator, (batch.shape[0], self.latent)))
            return F.mean(kl - fit)

        run = m.train(loss, parameters, lambda step: x, optimiser=m.Adam(0.02), steps=300, seed=seed)
        return run.parameters

    def read(self, p, x):
        """The network's reconstruction term and KL, and the exact log p(x), posterior and gaps, per example."""
        points = cubature(self.latent)
        runs = [
            [np.array(a) for a in self.compiled(p, x, np.broadcast_to(e, (len(x), self.latent)).copy())] for e in points
        ]
        fit = np.mean([r[0] for r in runs], axis=0)
        _, kl, mean, log_variance = runs[0]
        W, bias = np.asarray(p["decoder"]["weight"]), np.asarray(p["decoder"]["bias"])
        covariance = np.linalg.inv(np.eye(self.latent) + W.T @ W / self.noise)
        posterior_mean = (x - bias) @ W @ covariance / self.noise
        own = np.exp(log_variance)[:, :, None] * np.eye(self.latent)
        target = np.broadcast_to(covariance, own.shape)
        return SimpleNamespace(
            fit=fit,
            kl=kl,
            entropy=0.5 * np.sum(log_variance + np.log(2 * np.pi * np.e), axis=1),
            evidence=log_gaussian(x, bias, W @ W.T + self.noise * np.eye(self.observed)),
            gap=gaussian_divergence(mean, own, posterior_mean, target),
            reversed_gap=gaussian_divergence(posterior_mean, target, mean, own),
        )


def linear_gaussian_gap(seed):
    """ELBO + KL(q ‖ posterior) = log p(x) in a linear-Gaussian autoencoder, at random and at trained parameters."""
    rng = np.random.default_rng(seed)
    net = LinearGaussian()
    x = rng.normal(size=(40, 2)) @ rng.normal(size=(2, 5)) + 0.5 * rng.normal(size=(40, 5))
    start = net.init(rng)
    readings = [net.read(p, x) for p in (start, net.trained(start, x, int(rng.integers(2**31))))]

    def stacked(value):
        return np.concatenate([value(r) for r in readings])

    predicted = stacked(lambda r: r.evidence)
    return Reading(
        predicted=predicted,
        measured=stacked(lambda r: r.fit - r.kl + r.gap),
        # Roundings of numbers of order a hundred: the points of the noise make the expectation exact.
        tolerance=1e-9,
        near_misses={
            "twice the KL": stacked(lambda r: r.evidence + r.kl),
            "half the KL": stacked(lambda r: r.evidence - r.kl / 2),
            "no gap": stacked(lambda r: r.evidence + r.gap),
            "the gap turned round": stacked(lambda r: r.evidence + r.gap - r.reversed_gap),
            "the entropy of q forgotten": stacked(lambda r: r.evidence + r.entropy),
            "one part in a million too large": predicted * (1 + 1e-6),
        },
        false_alarm=0.0,
        detail={
            "mean gap, random parameters": float(readings[0].gap.mean()),
            "mean gap, trained parameters": float(readings[1].gap.mean()),
        },
    )


def posterior_as_encoder(seed):
    """With the exact posterior as the encoder, the network's ELBO is log p(x)."""
    rng = np.random.default_rng(seed)
    net = LinearGaussian()
    # Orthogonal columns: the posterior's covariance is diagonal, so that a diagonal encoder can be the posterior.
    columns, _ = np.linalg.qr(rng.normal(size=(net.observed, net.latent)))
    W, bias = columns * np.array([1.5, 0.7]), rng.normal(size=net.observed)
    variance = 1 / (1 + np.sum(W**2, axis=0) / net.noise)
    to_mean = variance[:, None] * W.T / net.noise
    encoder = {
        "weight": np.concatenate([to_mean, np.zeros_like(to_mean)]),
        "bias": np.concatenate([-to_mean @ bias, np.log(variance)]),
    }
    decoder = {"weight": W, "bias": bias}
    x = rng.normal(size=(30, net.latent)) @ W.T + bias + np.sqrt(net.noise) * rng.normal(size=(30, net.observed))
    exact = net.read({"encoder": encoder, "decoder": decoder}, x)
    wide = net.read({"encoder": encoder | {"bias": encoder["bias"] + [0, 0, 1e-2, 0]}, "decoder": decoder}, x)
    return Reading(
        predicted=exact.evidence,
        measured=exact.fit - exact.kl,
        tolerance=1e-9,
        near_misses={
            "a variance that is one part in a hundred too large is as good": 2 * exact.evidence - (wide.fit - wide.kl),
            "half the KL": exact.evidence - exact.kl / 2,
            "twice the KL": exact.evidence + exact.kl,
            "the reconstruction alone": exact.evidence - exact.kl,
        },
        false_alarm=0.0,
        detail={"examples": len(x)},
    )


def digits_bound(seed):
    """A small autoencoder of digits: its ELBO against sampled log-weights, and against an importance-weighted bound.

    The three estimates use independent noise.  An inequality is read as an equation: the importance-weighted estimate
    is the larger of itself and of the ELBO.
    """
    try:
        digits = m.digits()
    except m.MissingDataError as missing:
        raise NotRun(str(missing)) from None
    k, hidden, pixels, test, draws, group = 4, 32, 196, 200, 64, 8
    start, train_seed, *noise_seeds = seed.spawn(6)
    rng = np.random.default_rng(start)
    pooled = digits.images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4))  # a quarter of the pixels, for speed
    images = (pooled.reshape(-1, pixels) > 0.3).astype(np.float32)
    order = rng.permutation(len(images))
    held_out, training = images[order[:test]], images[order[test:]]
    encoder = m.Sequential(m.Linear(pixels, hidden), m.Tanh(), m.Linear(hidden, 2 * k))
    decoder = m.Sequential(m.Linear(k, hidden), m.Tanh(), m.Linear(hidden, pixels))

    def parts(p, x, eps):
        code = encoder(p["encoder"], x)
        mean, log_variance = code[:, :k], code[:, k:]
        z = mean + F.exp(0.5 * log_variance) * eps
        fit = m.bernoulli_log_likelihood(x, decoder(p["decoder"], z))
        kl = m.gaussian_kl(mean, log_variance)
        zero = np.zeros(k, dtype=np.float32)
        log_weight = fit + m.gaussian_log_likelihood(z, zero, zero) - m.gaussian_log_likelihood(z, mean, log_variance)
        return fit, kl, log_weight

    def loss(p, batch, run):
        fit, kl, _ = parts(p, batch, F.normal(run.generator, (batch.shape[0], k)))
        return F.mean(kl - fit)

    parameters = {"encoder": encoder.init(rng), "decoder": decoder.init(rng)}
    fitted = m.train(
        loss, parameters, m.Batches(training, 32, seed=1), optimiser=m.Adam(3e-3), steps=600, dtype=np.float32,
        seed=int(np.random.default_rng(train_seed).integers(2**31)),
    ).parameters  # fmt: skip
    evaluate = m.compile(parts, dtype=np.float32)

    def sampled(noise_seed):
        """Reconstruction terms and log-weights, (draws, test) each, and the KL of every example."""
        draw = np.random.default_rng(noise_seed)
        runs = [
            [np.array(a, dtype=float) for a in evaluate(fitted, held_out, draw.standard_normal((test, k)))]
            for _ in range(draws)
        ]
        return np.array([r[0] for r in runs]), np.array([r[2] for r in runs]), runs[0][1]

    def importance(log_weights):
        """log of the mean weight in groups of independent draws, (draws/group, test)."""
        grouped = log_weights.reshape(draws // group, group, test)
        top = grouped.max(axis=1, keepdims=True)
        return np.log(np.mean(np.exp(grouped - top), axis=1)) + top[:, 0]

    pilot, one, two, three = (sampled(s) for s in noise_seeds)

    def error(values):
        """The standard error of the mean over the draws and examples, from the pilot's noise alone."""
        return np.sqrt(np.sum(values.var(axis=0, ddof=1) / len(values))) / test

    fit, kl = one[0].mean(), one[2].mean()
    log_weight, bound_iw = two[1].mean(), importance(three[1]).mean()

    def prediction(factor):
        lower = fit - factor * kl
        return np.array([lower, max(lower, bound_iw)])

    errors = np.array(
        [np.hypot(error(pilot[0]), error(pilot[1])), np.hypot(error(pilot[0]), error(importance(pilot[1])))]
    )
    return Reading(
        predicted=prediction(1),
        measured=np.array([log_weight, bound_iw]),
        # Estimated on the pilot's noise, which neither side uses; the single precision of sums of 196 terms is 1e-3.
        tolerance=6.5 * errors + 1e-3,
        near_misses={
            "half the KL": prediction(0.5),
            "twice the KL": prediction(2),
            "no KL": prediction(0),
            "the KL with the wrong sign": prediction(-1),
            "a tenth more of the KL": prediction(1.1),
        },
        # Two comparisons at 6.5 standard errors: 1.6e-10 for a normal law; the central limit theorem is not certified.
        false_alarm=2e-10,
        detail={
            "test digits": test,
            "draws": draws,
            "ELBO": float(fit - kl),
            "importance-weighted bound": float(bound_iw),
            "KL": float(kl),
        },
    )


def gaussian_kl_of_an_encoder(seed):
    """The mean log-ratio of an encoder's Gaussian to another one, exact by cubature, against the closed form."""
    rng = np.random.default_rng(seed)
    size, batch = 3, 20
    encoder = m.Sequential(m.Linear(6, 10), m.Tanh(), m.Linear(10, 2 * size))
    p = encoder.init(rng)
    x = 2 * rng.normal(size=(batch, 6))
    prior_mean, prior_log = rng.normal(size=size), rng.normal(size=size)

    def log_ratio_at(p, x, eps):
        code = encoder(p, x)
        mean, log_variance = code[:, :size], code[:, size:]
        z = mean + F.exp(0.5 * log_variance) * eps
        ratio = m.gaussian_log_likelihood(z, mean, log_variance) - m.gaussian_log_likelihood(z, prior_mean, prior_log)
        return ratio, code

    run = m.compile(log_ratio_at)
    runs = [run(p, x, np.broadcast_to(e, (batch, size)).copy()) for e in cubature(size)]
    measured = np.mean([np.array(r[0]) for r in runs], axis=0)
    code = np.array(runs[0][1])
    mean, log_variance = code[:, :size], code[:, size:]
    quotient = np.exp(log_variance - prior_log)
    moved = (mean - prior_mean) ** 2 / np.exp(prior_log)

    def closed(trace=1.0, shift=1.0, one=1.0, log_term=1.0):
        return 0.5 * np.sum(trace * quotient + shift * moved - one - log_term * (log_variance - prior_log), axis=1)

    return Reading(
        predicted=closed(),
        measured=measured,
        tolerance=1e-10,  # roundings of a few numbers of order ten
        near_misses={
            "without the half": 2 * closed(),
            "the logarithm with the wrong sign": closed(log_term=-1.0),
            "standard deviations under the logarithm": closed(log_term=0.5),
            "the dimension forgotten": closed(one=0.0),
            "one part in a million too large": closed() * (1 + 1e-6),
        },
        false_alarm=0.0,
        detail={"dimension": size, "examples": batch},
    )


def network_gradients(seed):
    """Three gradients of E f(μ + σ ε) for a small network f, by quadrature: pathwise, score function, and by hand."""
    rng = np.random.default_rng(seed)
    net = m.Sequential(m.Linear(1, 8), m.Tanh(), m.Linear(8, 1))
    p = net.init(rng)
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    at = np.array([rng.normal(), 0.6])

    def expected(theta):
        z = theta[0] + theta[1] * nodes
        return F.sum(weights * net(p, F.reshape(z, (-1, 1)))[:, 0])

    def surrogate(theta, z):
        values = F.stop_gradient(net(p, F.reshape(z, (-1, 1)))[:, 0])
        log_density = -0.5 * F.square((z - theta[0]) / theta[1]) - F.log(theta[1])
        return F.sum(weights * values * log_density)

    z = at[0] + at[1] * nodes
    pathwise_gradient = np.array(m.compile(m.grad(expected))(at))
    score_gradient = np.array(m.compile(m.grad(surrogate))(at, z))
    slopes = np.array(m.compile(m.grad(lambda z: F.sum(net(p, F.reshape(z, (-1, 1))))))(z))
    values = np.array(m.compile(lambda z: net(p, F.reshape(z, (-1, 1)))[:, 0])(z))
    return SimpleNamespace(
        at=at, nodes=nodes, weights=weights, pathwise=pathwise_gradient, score=score_gradient, slopes=slopes,
        values=values,
    )  # fmt: skip


def pathwise_in_a_network(seed):
    """Back-propagation through z = μ + σ ε into (μ, σ), against E f'(z) and E f'(z) ε."""
    r = network_gradients(seed)
    predicted = np.array([np.sum(r.weights * r.slopes), np.sum(r.weights * r.slopes * r.nodes)])
    return Reading(
        predicted=predicted,
        measured=r.pathwise,
        tolerance=1e-12,  # eighty summands of order one
        near_misses={
            "σ in front": predicted * r.at[1],
            "ε forgotten": np.full(2, predicted[0]),
            "the slope at the mean": np.array([r.slopes[len(r.slopes) // 2], 0.0]),
            "one part in a million too large": predicted * (1 + 1e-6),
        },
        false_alarm=0.0,
        detail={"quadrature nodes": len(r.nodes)},
    )


def score_function_in_a_network(seed):
    """Back-propagation through log q alone, f held fixed, against the pathwise gradient of the same expectation."""
    r = network_gradients(seed)
    return Reading(
        predicted=r.pathwise,
        measured=r.score,
        # Quadrature with 80 nodes of a network whose nearest pole is several σ away: far below this.
        tolerance=1e-8,
        near_misses={
            "the sign turned": -r.pathwise,
            "σ forgotten in the score": r.pathwise * r.at[1],
            "a sum over the draws in place of the mean": r.pathwise * len(r.nodes),
            "one part in ten thousand too large": r.pathwise * (1 + 1e-4),
        },
        false_alarm=0.0,
        detail={"quadrature nodes": len(r.nodes)},
    )
