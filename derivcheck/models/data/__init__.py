"""Data sets: handwritten digits and synthetic ones."""

from derivcheck.models.data.digits import Digits, digits, read_idx
from derivcheck.models.data.synthetic import gaussian_mixture, linear_regression, two_moons

__all__ = ["Digits", "digits", "gaussian_mixture", "linear_regression", "read_idx", "two_moons"]
