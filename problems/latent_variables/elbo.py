"""The evidence lower bound of a latent-variable model.

Source: discussion 10 (variational autoencoders, problems 3 to 6, sections 4.1 and 4.2); Prince, Understanding Deep
Learning, problems 15.5, 17.4, 17.5 and 18.8; the course's summary sheet, variational autoencoder.

A latent z has the prior p(z), the observation x the likelihood l(z) = p(x | z), so that p(x) = ∫ p(z) l(z) dμ(z).  For
any law q of z,

    log p(x) = ELBO + KL(q ‖ p(·|x)),        ELBO = E_q log l − KL(q ‖ p) ≤ log p(x),

with equality where q is the posterior p(z) l(z) / p(x).  One proof serves every measure μ: sums over K latents,
densities on a line, or anything else.  What integrals need is stated: each part of the logarithm is integrable
under q, and 0 < p(x) < ∞.  The gradients (pathwise, score function, decoder) rest on exchanging ∂ with ∫; that exchange
is stated as the exact equation that is used.  Shown by exact sums over small latents, by a linear-Gaussian model whose
p(x) is known, and by a small model of real digits.
"""

from _elbo_bound import bound_by_the_law_finite, bound_finite, data_set_bound, gap_not_negative
from _elbo_bound_for_densities import bound, bound_by_the_law, kl_not_negative
from _elbo_decoder import decoder_gradient, decoder_gradient_as_printed
from _elbo_equality import tight_at_the_posterior, tight_only_at_the_posterior
from _elbo_gaussian import (
    gaussian_cross_entropy,
    gaussian_cross_entropy_as_printed,
    gaussian_kl,
    gaussian_kl_gradient,
    gaussian_kl_to_the_standard_normal,
    gaussian_kl_univariate,
)
from _elbo_identity import entropy, identity, identity_finite, joint_form, three_terms_as_printed
from _elbo_pathwise import pathwise_mean, pathwise_scale, pathwise_square, pathwise_square_variance
from _elbo_score import score_function, score_function_as_printed, score_has_mean_zero

from derivcheck.problem import Problem

problem = Problem(
    id="elbo",
    title="Evidence lower bound",
    topic="latent_variables",
    summary="The bound, its gap, when it is tight, the Gaussian KL in closed form, and the gradients that train it.",
    sources=(
        "elbo-kl-form",
        "elbo-jensen",
        "elbo-sampling-distribution",
        "entropy-kl-identity",
        "reparameterization-trick",
        "reparameterization-gaussian-square",
        "score-function-gradient",
        "vae-encoder-decoder-bernoulli",
        "udl-elbo-from-posterior-kl",
        "udl-score-function-estimator",
        "udl-gaussian-kl-univariate",
        "udl-gaussian-kl-multivariate-diffusion",
        "cs-vae-objective",
        "cs-elbo-derivation",
        "cs-elbo-joint-form",
        "cs-elbo-decoder-gradient",
        "cs-kl-nonnegative",
        "cs-gaussian-kl-diagonal",
        "cs-gaussian-cross-entropy-diagonal",
        "cs-reparameterised-gradient",
    ),
    claims=(
        # Any measure: sums and densities alike.
        identity,
        bound,
        bound_by_the_law,
        gap_not_negative,
        kl_not_negative,
        entropy,
        joint_form,
        three_terms_as_printed,
        # K latents: nothing has to be assumed.
        identity_finite,
        bound_finite,
        bound_by_the_law_finite,
        # Where the bound is tight, and its sum over the data.
        tight_at_the_posterior,
        tight_only_at_the_posterior,
        data_set_bound,
        # The KL of Gaussians.
        gaussian_kl,
        gaussian_kl_univariate,
        gaussian_kl_gradient,
        gaussian_kl_to_the_standard_normal,
        gaussian_cross_entropy,
        gaussian_cross_entropy_as_printed,
        # What trains it.
        pathwise_mean,
        pathwise_scale,
        pathwise_square,
        pathwise_square_variance,
        score_function,
        score_has_mean_zero,
        score_function_as_printed,
        decoder_gradient,
        decoder_gradient_as_printed,
    ),
)
