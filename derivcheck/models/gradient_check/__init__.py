"""Gradient checks, all perturbations in one batch.

A derivative is compared, entry by entry, with a numerical one: the complex step ``Im f(x + i h)/h``, whose error is
rounding only, wherever every primitive of the graph takes complex numbers; else a central difference of fourth
order. The function runs once, over a replica axis of perturbed arguments, and only what depends on the perturbed
one is repeated.

Where an argument acts through a linear map first (a weight through a product), it is cheaper to perturb the map's
result: the numerical derivative there, applied to the map's value at every unit vector, is the same. No derivative
rule takes part in it.

>>> import numpy as np
>>> from derivcheck.models import functional as F
>>> check = gradient_checker(lambda x: F.sum(F.exp(x) * x))
>>> check(np.array([0.5, 1.0])).ok
True
>>> check(np.array([0.5, 1.0]), derivative=(np.array([2.47308, 5.43657]),)).ok
False
"""

from derivcheck.models.gradient_check.checker import GradientCheck, gradient_checker, numerical_derivative

__all__ = ["GradientCheck", "gradient_checker", "numerical_derivative"]
