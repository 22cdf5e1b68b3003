"""Least squares, label noise, input noise and ridge regression.

Source: assignment A1.3 (a)–(d) and bonus.

(a) The normal equations and their unique minimiser.  (b) Noise on the labels adds its variance to the expected loss and
moves no minimiser.  (c) The variance of a prediction that label noise causes.  (d) Noise on the inputs adds aᵀΣa to the
expected loss and moves the minimiser to (XᵀX + nΣ)⁻¹Xᵀy; with Σ = (λ/n)·I that is ridge regression, and for λ > 0 the
inverse exists whatever X is.  Shown for symbolic n and m, on exact instances, by simulation, and by linear layers that
are trained with stochastic gradients on freshly noised inputs and with weight decay.
"""

from _ridge_input_noise import (
    input_noise_gradient,
    input_noise_gradient_printed,
    input_noise_loss,
    input_noise_minimiser,
    input_noise_normal_equations,
)
from _ridge_label_noise import label_noise_loss, label_noise_minimiser, prediction_mean, prediction_variance
from _ridge_least_squares import gradient, hessian, least_squares_minimiser, least_squares_unique, normal_equations
from _ridge_line import input_noise_line
from _ridge_penalty import ridge_invertible, ridge_is_input_noise, ridge_minimiser

from derivcheck.problem import Problem

problem = Problem(
    id="ridge-from-noise",
    title="Ridge regression from noise",
    topic="regression",
    summary="Least squares, and what noise on the labels and on the inputs does to loss, minimiser and predictions.",
    sources=(
        "least-squares-normal-equations",
        "label-noise-expected-loss",
        "label-noise-prediction-variance",
        "input-noise-ridge",
        "ridge-equals-input-noise",
        "udl-input-noise-is-ridge",
    ),
    claims=(
        # (a) Least squares.
        gradient,
        hessian,
        normal_equations,
        least_squares_minimiser,
        least_squares_unique,
        # (b), (c) Noise on the labels.
        label_noise_loss,
        label_noise_minimiser,
        prediction_mean,
        prediction_variance,
        # (d) Noise on the inputs.
        input_noise_loss,
        input_noise_gradient,
        input_noise_gradient_printed,
        input_noise_normal_equations,
        input_noise_minimiser,
        input_noise_line,
        # Ridge.
        ridge_invertible,
        ridge_minimiser,
        ridge_is_input_noise,
    ),
)
