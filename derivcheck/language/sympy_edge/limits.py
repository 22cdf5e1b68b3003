"""How large a thing is converted or put to SymPy, and the errors for what cannot be said on the other side."""

from __future__ import annotations

from derivcheck.language.terms import LanguageError

#: Larger expressions are not converted: nothing of this size stands in a derivation.
LARGEST = 4000

#: Larger statements are not put to SymPy, whose simplifier has no other bound inside one process.
LARGEST_OPINION = 200

#: Longer numbers are not converted, in bits.
LONGEST_NUMBER = 20_000

#: Longer sums over numbers, and larger factorials, are not put to SymPy, which would write them out.
LONGEST_RANGE = 1000

#: Higher powers of sums are not put to SymPy's simplifier, which would multiply them out.
HIGHEST_POWER = 24

#: The highest derivative that is written out.
HIGHEST_DERIVATIVE = 12


class NotScalar(LanguageError):
    """A term that SymPy's scalars cannot say."""


class Unsupported(LanguageError):
    """A SymPy expression that the language cannot say; the message names its head."""
