"""How much work would a term be?  Estimated before anything is evaluated, so that nothing enormous is begun."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, prod

from derivcheck.language import BINDERS, DOMAIN, MEASURE, Term, subterms
from derivcheck.language.constructors import affine_parts

#: Terms whose estimate is at most this are decided in the caller's process.
MODEST = 3_000.0
#: What stands for "more than any machine".
ENORMOUS = 1e18
#: Whole numbers beyond this are not handed to factorials and binomials.
LARGE = 5_000


def estimate(t: Term) -> float:
    """An upper estimate of the number of monomials that `t` may become, `ENORMOUS` where it is out of reach."""
    memo: dict[Term, float] = {}

    def go(t: Term) -> float:
        if t not in memo:
            memo[t] = min(_estimate(t, go), ENORMOUS)
        return memo[t]

    return go(t)


def _estimate(t: Term, size: Callable[[Term], float]) -> float:
    match t.op:
        case "num":
            return 1.0 if abs(t.data.numerator).bit_length() + t.data.denominator.bit_length() < 4096 else ENORMOUS
        case "add":
            return sum(size(a) for a in t.args)
        case "mul" | "matmul" | "hadamard" | "scale":
            out = 1.0
            for a in t.args:
                out = min(out * size(a), ENORMOUS)
            return out
        case "pow":
            base, e = t.args
            inner = size(base)
            k = magnitude(e)
            if k is None:
                return inner + size(e)
            if k > LARGE:
                return ENORMOUS
            return inner if k != int(k) else min(_power(inner, int(k)), ENORMOUS)
        case "factorial" | "binomial":
            constants = [affine_parts(a) for a in t.args]
            if any(abs(c) > (50 if rest else LARGE) for c, rest in constants):
                return ENORMOUS
            return 1.0
        case "fn" if t.data in ("gamma", "loggamma") and t.args[0].op == "num" and abs(t.args[0].data) > LARGE:
            return ENORMOUS
    if t.op in BINDERS:
        inside = max((size(a) for a in t.args), default=1.0)
        return inside * _length(t)
    return max((size(a) for a in t.args), default=1.0) + len(t.args)


def is_analytic(t: Term) -> bool:
    """Does it contain an integral, a limit or an infinite sum?  Counted nodes do not bound the work that these are."""
    for s in subterms(t):
        if s.op == "lim" or (s.op == "int" and s.args[0].op != "counting"):
            return True
        if s.op == "int" and s.args[0].args[0].op == "range" and s.args[0].args[0].args[1].op == "oo":
            return True
    return False


def magnitude(t: Term) -> float | None:
    """An upper estimate of the absolute value of a term made of numbers alone; None for any other term."""
    if t.op == "num":
        return float(abs(t.data)) if abs(t.data) < 10**18 else inf
    if t.op not in ("add", "neg", "mul", "div", "pow"):
        return None
    sizes = [magnitude(a) for a in t.args]
    known = [s for s in sizes if s is not None]
    if len(known) < len(sizes):
        return None
    match t.op:
        case "mul":
            return prod(known)
        case "div":
            return known[0] / known[1] if known[1] else inf
        case "pow":
            return _whole_power(*known)
    return sum(known)


def _whole_power(base: float, exponent: float) -> float:
    try:
        return float(max(base, 1.0) ** exponent)
    except OverflowError:
        return inf


def _power(base: float, k: int) -> float:
    out = 1.0
    for _ in range(k if base > 1 else 0):
        out *= base
        if out > ENORMOUS:
            return ENORMOUS
    return out


def _length(t: Term) -> float:
    """How many terms a sum, product or maximum with explicit bounds has; 1 where they are symbolic."""
    domain = t.args[0]
    if domain.sort == MEASURE and domain.op == "counting":
        domain = domain.args[0]
    if domain.sort != DOMAIN or domain.op != "range":
        return 1.0
    (lo, a), (hi, b) = (affine_parts(x) for x in domain.args)
    return 1.0 if a or b or domain.args[1].op == "oo" else float(max(hi - lo + 1, 1))
