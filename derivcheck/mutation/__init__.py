"""Near misses: wrong variants of a claim, made to show that its checks can fail.

`near_misses` makes them from the statement as its author wrote it (before definitions unfold) and from its conditions;
`judge` says what becomes of one; `sensitivity` says how small a planted error is caught.

>>> from derivcheck.language import *
>>> from derivcheck.mutation import judge, near_misses
>>> from derivcheck.problem import Claim
>>> g = Givens(); n = g.size("n"); x = g.vector("x", n)
>>> total = Sum(1, n, lambda j: real(j))
>>> claim = Claim("triangular numbers", "", g.context, eq(total, real(n) * (n + 1) / 2))
>>> {judge(m, seed=1).fate.value for m in near_misses(claim)}
{'killed'}
"""

from derivcheck.mutation.judge import judge
from derivcheck.mutation.kinds import KINDS
from derivcheck.mutation.lemmas import Lemmas
from derivcheck.mutation.records import Caught, Change, Fate, Judged, NearMiss
from derivcheck.mutation.sensitivity import sensitivity
from derivcheck.mutation.variants import near_misses

__all__ = ["KINDS", "Caught", "Change", "Fate", "Judged", "Lemmas", "NearMiss", "judge", "near_misses", "sensitivity"]
