"""From a statement to comparisons of two real terms, and the measured terms in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from derivcheck.experiment.claims.numeric import Numeric, Rows, Unmeasured, Unsupported
from derivcheck.language import REAL, Term, apply, domains, instantiate, integer, subterms

#: Measured terms that one comparison may hold.
MOST_MEASURED = 64


@dataclass(frozen=True, slots=True)
class Comparison:
    """``left = right`` (``==``), or ``left <= right`` (``<=``)."""

    left: Term
    right: Term
    relation: str


def comparisons(statement: Term, numeric: Numeric) -> Iterator[Comparison]:
    """The comparisons that a statement consists of, for the values of a world.

    Raises
    ------
    Unsupported
        For a statement of another form.
    """
    match statement.op:
        case "and":
            for part in statement.args:
                yield from comparisons(part, numeric)
        case "forall":
            for j in numeric.members(statement.args[0]):
                yield from comparisons(instantiate(statement.body, integer(j)), numeric)
        case "implies":
            premise, conclusion = statement.args
            if numeric.truth(premise).all() or numeric.world.make_equal(premise):
                yield from comparisons(conclusion, type(numeric)(numeric.world, numeric.measured))
        case "eq" | "le" | "lt":
            left, right = statement.args
            relation = "==" if statement.op == "eq" else "<="
            if left.sort == REAL:
                yield Comparison(left, right, relation)
            elif left.sort.kind == "fun":
                ranges = [numeric.members(d) for d in domains(left)]
                for at in product(*ranges):
                    index = tuple(map(integer, at))
                    yield Comparison(apply(left, *index), apply(right, *index), relation)
            else:
                raise Unsupported(f"a comparison of {left.sort}s")
        case _:
            raise Unsupported(f"a statement of the form '{statement.op}'")


def measured_terms(numeric: Numeric, *terms: Term) -> list[Term]:
    """The terms whose values must be measured before `terms` can be evaluated.

    Raises
    ------
    Unsupported
        If the terms cannot be evaluated for another reason.
    """
    found: dict[Term, Rows] = dict(numeric.measured)
    new: list[Term] = []
    while True:
        trial = type(numeric)(numeric.world, found)
        try:
            for term in terms:
                trial.real(term)
            return new
        except Unmeasured as missing:
            found[missing.term] = np.array([0.5])
            new.append(missing.term)
            if len(new) > MOST_MEASURED:
                raise Unsupported(f"more than {MOST_MEASURED} measured terms") from None


def kinds(statement: Term) -> frozenset[str]:
    """What in a statement can be measured: ``derivative``, ``expectation``, ``limit``."""
    out = set()
    for t in subterms(statement):
        if t.op == "deriv":
            out.add("derivative")
        elif t.op == "lim":
            out.add("limit")
        elif t.op == "defn":
            if t.data.name in ("Expect", "Var", "Cov"):
                out.add("expectation")
            elif not t.loose:
                out |= kinds(t.data.unfold(*t.args))
        elif t.op == "int" and t.args[0].op == "sym" and t.args[0].args[0].op == "space":
            out.add("expectation")
    return frozenset(out)
