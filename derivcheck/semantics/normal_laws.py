"""What instances can say of normal laws: only what the first five moments decide.

An instance gives a normal family finitely many values with the right moments up to the fifth.  The expectation of a
polynomial of degree five is then exact; any other expectation would be that of the stand-in, not of the normal law.
"""

from __future__ import annotations

from functools import lru_cache
from math import inf

from derivcheck.language import Context, Term, domain_of_measure, free_symbols, subterms, unfold

#: The largest degree whose expectation the stand-in gets right.
MOMENTS = 5


def beyond_the_moments(context: Context, statement: Term) -> str | None:
    """Why instances must abstain from `statement`, or None where the moments of its normal families decide it."""
    families = frozenset(
        d.symbol for d in context.declarations if d.symbol is not None and d.property("normal") is not None
    )
    if not families:
        return None
    for t in subterms(unfold(statement)):
        if t.op == "int" and domain_of_measure(t.args[0]).op == "space":
            degree = _degree(t.body, families)
            if degree > MOMENTS:
                names = ", ".join(sorted(str(f.data) for f in families))
                shown = "that is not a polynomial" if degree == inf else f"of degree {degree:g}"
                return f"an instance has the first {MOMENTS} moments of the normal {names}; here stands a body {shown}"
    return None


@lru_cache(maxsize=10_000)
def _degree(t: Term, families: frozenset[Term]) -> float:
    """The degree of a body as a polynomial in the entries of the families; infinite where it is none."""
    if families.isdisjoint(free_symbols(t)):
        return 0
    match t.op:
        case "app" if t.args[0] in families:
            return 1
        case "app" if t.args[0].op == "sym":
            return inf
        case "add" | "neg" | "scale" | "app" | "transpose" | "diag" | "trace":
            if t.op == "scale":
                return sum(_degree(a, families) for a in t.args)
            return max(_degree(a, families) for a in t.args)
        case "mul" | "matmul" | "hadamard":
            return sum(_degree(a, families) for a in t.args)
        case "div" if _degree(t.args[1], families) == 0:
            return _degree(t.args[0], families)
        case "pow" if t.args[1].op == "num" and t.args[1].data.denominator == 1 and t.args[1].data >= 0:
            return float(t.args[1].data) * _degree(t.args[0], families)
        case "int" if t.args[0].op == "counting" or domain_of_measure(t.args[0]).op == "space":
            # Below an inner expectation the outcome is another one: that expectation is judged on its own.
            return _degree(t.body, families) if t.args[0].op == "counting" else 0
        case "lam":
            return _degree(t.body, families)
    return inf
