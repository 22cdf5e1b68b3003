"""The normal form: decides equality of scalar terms with symbolic sizes."""

from derivcheck.proof.normal_form.normalise import Normaliser
from derivcheck.proof.normal_form.poly import Poly, Unknown, to_term

__all__ = ["Normaliser", "Poly", "Unknown", "to_term"]
