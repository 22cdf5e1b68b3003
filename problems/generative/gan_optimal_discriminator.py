"""The optimal discriminator of an adversarial game, and the value of the game.

Source: discussion 11 (adversarial games, problem 1); the course's summary sheet, generative adversarial networks;
Prince, Understanding Deep Learning, problems 15.1 and 15.2; lecture notes, section 2.4.3.

For densities p (data) and q (generator) against one measure μ, the discriminator that maximises
V(D) = ∫ p log D + q log(1 − D) dμ is D* = p/(p + q), and V(D*) = −log 4 + 2 JSD(p, q) with 0 ≤ JSD ≤ log 2, and
JSD = 0 for equal laws alone.  The measure is any: sums over finite sets and integrals of densities are one proof.

The densities are positive throughout: where one of them vanishes, 0 · log 0 has no value in this language, and the
best D lies at the boundary of (0, 1).  The integral of a sum is split only where both parts are assumed integrable:
∫ p log p may not exist although the divergence does.  That JSD = 0 forces equal laws is shown for finite sets; for
densities the integrand is shown to be positive wherever p ≠ q.
"""

from _gan_discriminators import (
    cross_entropy_of_balanced_labels,
    cross_entropy_printed,
    divergence_from_the_discriminator,
    generated_law,
    optimal_discriminator,
)
from _gan_divergence import (
    divergence_at_most_log_two,
    divergence_by_entropies,
    divergence_integrand,
    divergence_not_negative,
    divergence_of_equal_laws,
    divergence_separates,
    divergence_symmetric,
)
from _gan_loss import loss_and_divergence, loss_and_divergence_printed, loss_at_equality
from _gan_pointwise import (
    best_of_equal_densities,
    curvature_of_the_payoff,
    density_ratio,
    first_order,
    pointwise_maximum,
    pointwise_unique,
    second_derivative_printed,
    second_order,
)
from _gan_value import (
    discriminator_cost,
    divergence_below_log_two,
    divergence_up_to_constant_printed,
    game_value_lower,
    game_value_upper,
    generator_maximises_printed,
    value_of_the_game,
)

from derivcheck.problem import Problem

problem = Problem(
    id="gan-optimal-discriminator",
    title="Optimal discriminator",
    topic="generative",
    summary="The best discriminator of an adversarial game point by point, the game's value and its bounds.",
    sources=(
        "gan-optimal-discriminator",
        "gan-jensen-shannon",
        "gan-minimax-value",
        "gan-discriminator-cost",
        "density-ratio-from-discriminator",
        "cs-log-mixture-maximiser",
        "cs-gan-discriminator-loss",
        "cs-gan-value-function",
        "notes-gan-minimax",
        "cs-gan-optimal-discriminator",
        "cs-gan-global-optimum",
        "cs-jsd-properties",
        "udl-gan-loss-at-equality",
        "udl-gan-loss-jsd-relation",
    ),
    claims=(
        # At one point.
        pointwise_maximum,
        pointwise_unique,
        first_order,
        curvature_of_the_payoff,
        second_order,
        density_ratio,
        best_of_equal_densities,
        # What the best discriminator knows.
        divergence_from_the_discriminator,
        generated_law,
        # The game, its value and the divergence.
        divergence_integrand,
        value_of_the_game,
        optimal_discriminator,
        cross_entropy_of_balanced_labels,
        cross_entropy_printed,
        divergence_not_negative,
        divergence_symmetric,
        divergence_at_most_log_two,
        divergence_below_log_two,
        divergence_of_equal_laws,
        divergence_by_entropies,
        divergence_separates,
        # What follows for both players.
        game_value_lower,
        game_value_upper,
        discriminator_cost,
        loss_and_divergence,
        loss_at_equality,
        # As printed.
        loss_and_divergence_printed,
        divergence_up_to_constant_printed,
        generator_maximises_printed,
        second_derivative_printed,
    ),
)
