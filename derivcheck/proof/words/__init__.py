"""Matrix words: the second normal form, for products, transposes and inverses of whole matrices.

A matrix expression is a sum of words over letters (a matrix, its transpose, an inverse) with scalar coefficients; each
inverse ``E = G⁻¹`` brings its two equations ``E·G = 1`` and ``G·E = 1``, and a bounded completion draws from them what
follows: push-through, Woodbury and the Kalman gain come out of overlaps, none is built in.
"""

from derivcheck.proof.words.decide import Decision, decide_words

__all__ = ["Decision", "decide_words"]
