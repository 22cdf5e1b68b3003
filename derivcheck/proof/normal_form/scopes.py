"""The scope of an opened variable: what is known inside, and how conditions leave it."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from derivcheck.language import (
    INT,
    Term,
    integers,
    reals,
)
from derivcheck.proof.normal_form.calculus import generalised
from derivcheck.proof.normal_form.labelling import (
    outermost_first,
)
from derivcheck.proof.normal_form.names import mentioned
from derivcheck.proof.normal_form.poly import (
    Lin,
)

if TYPE_CHECKING:
    from derivcheck.proof.normal_form.normalise import Normaliser

Group = list[tuple[Term, Term]]


class Under:
    """The scope of an opened variable: its range is known inside; conditions leave it discharged or generalised.

    Inside, the range is known *not to be empty*.  So only the body of a sum may be worked out in the scope of its
    index; what replaces the whole sum (a closed form, the summand at a delta) is worked out outside.
    """

    def __init__(self, n: Normaliser, v: Term, domain: Term | None) -> None:
        self.n = n
        self.v = v
        self.domain = domain

    def __enter__(self) -> Under:
        n = self.n
        self.outer = n.conditions
        n.conditions = []
        n._memo = ChainMap({}, *getattr(n._memo, "maps", [n._memo]))  # type: ignore[assignment]
        n.facts.push(self.v, self.domain)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        n = self.n
        inner = n.conditions
        if kind is None:
            inner = [c for c in inner if not n.facts.holds(c)]
        n.facts.pop()
        n._memo = n._memo.parents  # type: ignore[attr-defined]
        n.conditions = self.outer
        domain = self.domain if self.domain is not None else (integers if self.v.sort == INT else reals)
        for c in inner:
            n.need(generalised(c, self.v, domain))


@contextmanager
def scoped(n: Normaliser, variables: Group) -> Iterator[None]:
    """The scope of a whole group; an index comes after those that its range mentions."""
    ranges = dict(variables)
    with ExitStack() as stack:
        for v in outermost_first(list(ranges), ranges):
            stack.enter_context(Under(n, v, ranges[v]))
        yield


def depends(mono_factor: tuple[Term, Lin], v: Term) -> bool:
    a, e = mono_factor
    return v in mentioned(a) or any(v in mentioned(x) for x, _ in e.terms)
