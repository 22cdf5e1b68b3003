"""Bellman operators of a finite Markov decision process.

Source: discussion 9 (Bellman equations); Prince, Understanding Deep Learning, problems 19.2 and 19.5; the course's
summary sheet, classical reinforcement learning.

For rewards r(s, a), transition laws P(s, a, ·), a policy π(s, ·) and a discount γ,

    (T_π V)(s) = Σ_a π(s, a) (r(s, a) + γ Σ_t P(s, a, t) V(t)),    (T V)(s) = max_a (r(s, a) + γ Σ_t P(s, a, t) V(t)).

Both are γ-contractions of the maximum norm on every finite process.  The inequality itself, and with it the bound
‖V_k − V*‖ ≤ γ^k ‖V_0 − V*‖, need γ ≥ 0 alone; that there is one fixed point, and the error bounds with 1 − γ in the
denominator, need γ < 1: at γ = 1 a constant can be added to every fixed point.  A policy that is greedy for the value
of another is at least as good, in every state.
"""

from _bellman_action_values import (
    action_value_contraction,
    action_values,
    evaluation_equation_printed,
    first_reward_printed,
    maxima_are_close,
    maxima_printed,
    optimality_equation_printed,
    policy_action_values,
)
from _bellman_closed_form import value_in_closed_form, value_invertible
from _bellman_contraction import (
    evaluation_contraction,
    evaluation_derivative,
    evaluation_derivative_row,
    evaluation_shift,
    optimality_contraction,
    optimality_shift,
    strict_contraction_printed,
)
from _bellman_fixed_points import evaluation_undiscounted, evaluation_unique, optimality_undiscounted, optimality_unique
from _bellman_improvement import (
    greedy_improvement,
    greedy_look_ahead,
    greedy_policy_printed,
    greedy_step,
    greedy_strict_improvement,
    improvement,
    improvement_printed,
)
from _bellman_optimal_policies import no_improvement, optimal_policy, optimal_value
from _bellman_sweeps import (
    evaluation_first_step,
    evaluation_sweeps,
    largest_change_of_all_sweeps,
    largest_change_printed,
    optimality_first_step,
    optimality_last_step,
    optimality_sweeps,
)

from derivcheck.problem import Problem

problem = Problem(
    id="bellman-contraction",
    title="Bellman operators contract",
    topic="reinforcement_learning",
    summary="Bellman operators of a finite process: contraction, fixed points, error bounds, greedy improvement.",
    sources=(
        "bellman-equation-v",
        "bellman-equation-q",
        "bellman-optimality-equation",
        "cs-bellman-expectation",
        "cs-bellman-optimality",
        "cs-greedy-policy",
        "cs-greedy-improvement",
        "cs-value-iteration-algorithm",
        "cs-value-iteration-convergence",
        "udl-policy-improvement-theorem",
        "udl-q-learning-contraction",
    ),
    claims=(
        # Both operators contract.
        evaluation_contraction,
        optimality_contraction,
        evaluation_shift,
        optimality_shift,
        evaluation_derivative,
        evaluation_derivative_row,
        maxima_are_close,
        # Their fixed points.
        evaluation_unique,
        optimality_unique,
        evaluation_undiscounted,
        optimality_undiscounted,
        # Sweeps.
        evaluation_sweeps,
        optimality_sweeps,
        evaluation_first_step,
        optimality_first_step,
        optimality_last_step,
        # Better policies, and the best.
        improvement,
        greedy_step,
        greedy_improvement,
        greedy_look_ahead,
        greedy_strict_improvement,
        no_improvement,
        optimal_value,
        optimal_policy,
        # A policy's value in closed form.
        value_invertible,
        value_in_closed_form,
        # Action values.
        action_values,
        policy_action_values,
        action_value_contraction,
        # As printed, and one correction.
        first_reward_printed,
        largest_change_of_all_sweeps,
        largest_change_printed,
        strict_contraction_printed,
        maxima_printed,
        evaluation_equation_printed,
        optimality_equation_printed,
        greedy_policy_printed,
        improvement_printed,
    ),
)
