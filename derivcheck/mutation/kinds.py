"""The table of near misses: kinds of mistakes that people make, one rule each.

A rule takes a place of a statement and what surrounds it, and yields (note, other term for that place).  A rule keeps
the sort of the term, so that its result can always be put there; whether shapes still fit is asked later.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from derivcheck.language import (
    INT,
    MEASURE,
    REAL,
    Context,
    Fresh,
    Int,
    Sort,
    Term,
    abs_,
    counting,
    domain_of_measure,
    domains,
    integer,
    le,
    log,
    lt,
    make,
    neg,
    num,
    open_binder,
    pow_,
    range_,
    real,
    substitute,
    transpose,
)
from derivcheck.language.constructors import div, int_add, mul
from derivcheck.language.definitions import LIBRARY
from derivcheck.language.terms import BINDERS, abstract, free_symbols, rebuild
from derivcheck.mutation.places import Place

Variants = Iterator[tuple[str, Term]]

#: By how much the side of an inequality is moved towards the other.
SLACK = Fraction(1, 1000)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a rule may ask about the names in a statement."""

    context: Context

    def indices(self, place: Place, domain: Term) -> list[Term]:
        """The declared indices and bound variables that range over `domain`."""
        out = [v for v, d in place.scope if d == domain]
        for d in self.context.declarations:
            p = d.property("range") if d.kind == "index" else None
            if d.symbol is not None and p is not None and range_(*p.args) == domain:
                out.append(d.symbol)
        return out

    def kind(self, symbol: Term) -> str:
        """The kind of a symbol's declaration."""
        d = self.context.find(symbol)
        return d.kind if d is not None else ""


def say(t: Term) -> str:
    """A term for a note: opened variables under the author's names, long ones cut."""
    text = re.sub(r"#\d+", "", str(t))
    return text if len(text) <= 60 else text[:57] + "..."


def _with(t: Term, k: int, new: Term) -> Term:
    return rebuild(t, (*t.args[:k], new, *t.args[k + 1 :]))


def _without(t: Term, k: int) -> Term:
    rest = (*t.args[:k], *t.args[k + 1 :])
    return rest[0] if len(rest) == 1 else make(t.op, rest, t.data, t.sort)


def _is_number(t: Term, value: int) -> bool:
    return t.op == "num" and t.data == value


# ----------------------------------------------------------------------------------------------------------- arithmetic


def sign(place: Place, given: Surroundings) -> Variants:
    """A summand, a side of an equation or the argument of an exponential with the other sign."""
    t = place.term
    if t.op == "add":
        for k, a in enumerate(t.args):
            yield f"sign of the summand '{say(a)}'", _with(t, k, a.args[0] if a.op == "neg" else neg(a))
    elif t.op == "neg" and place.parent != "add":
        yield f"sign of '{say(t)}'", t.args[0]
    elif t.op == "eq" and t.args[1].sort.kind in ("real", "fun") and t.args[1].op != "neg" and not _is_zero_side(t):
        yield "sign of the right side", _with(t, 1, neg(t.args[1]))
    elif t.op == "fn" and t.data == "exp" and t.args[0].op not in ("neg", "add"):
        yield f"sign in the exponent '{say(t)}'", _with(t, 0, neg(t.args[0]))


def _is_zero_side(t: Term) -> bool:
    return any(_is_number(a, 0) for a in t.args) or t.args[1].sort == INT


def factor(place: Place, given: Surroundings) -> Variants:
    """A summand, a side of an equation or the argument of a function, twice or half as large."""
    t = place.term
    if t.op == "add":
        parts, where = range(len(t.args)), "summand"
    elif t.op == "eq" and not _is_zero_side(t) and t.args[1].sort.kind in ("real", "fun"):
        parts, where = range(1, 2), "side"
    elif t.op == "fn" and t.args[0].op != "num":
        parts, where = range(1), "argument"
    else:
        return
    for k in parts:
        for c in (Fraction(2), Fraction(1, 2)):
            a = t.args[k]
            yield f"{c} times the {where} '{say(a)}'", _with(t, k, num(c * a.data) if a.op == "num" else mul(c, a))


def exponent(place: Place, given: Surroundings) -> Variants:
    """An exponent one larger, one smaller or twice as large."""
    t = place.term
    if t.op != "pow":
        return
    base, e = t.args
    if e.op == "num":
        for value in (e.data + 1, e.data - 1, 2 * e.data):
            yield f"exponent of '{say(t)}'", base if value == 1 else pow_(base, value)
    elif e.op == "real":
        for step in (1, -1):
            yield f"exponent of '{say(t)}'", pow_(base, real(int_add(e.args[0], integer(step))))


def dropped(place: Place, given: Surroundings) -> Variants:
    """A summand, a factor, a denominator left out."""
    t = place.term
    if t.op in ("add", "mul"):
        what = "summand" if t.op == "add" else "factor"
        for k, a in enumerate(t.args):
            yield f"without the {what} '{say(a)}'", _without(t, k)
    elif t.op == "div" and not _is_number(t.args[0], 1):
        yield f"without the denominator '{say(t.args[1])}'", t.args[0]
    elif t.op == "scale":
        yield f"without the factor '{say(t.args[0])}'", t.args[1]


def missing(place: Place, given: Surroundings) -> Variants:
    """A square, root, absolute value or function forgotten."""
    t = place.term
    if t.op == "pow" and t.args[1].op == "num" and t.args[1].data in (2, Fraction(1, 2)):
        yield f"{'square' if t.args[1].data == 2 else 'root'} missing in '{say(t)}'", t.args[0]
    elif t.op == "fn" or (t.op == "defn" and len(t.args) == 1 and t.args[0].sort == t.sort == REAL):
        name = t.data if t.op == "fn" else t.data.name
        yield f"'{name}' missing in '{say(t)}'", t.args[0]


def count(place: Place, given: Surroundings) -> Variants:
    """1/n for 1/(n−1), and the like."""
    t = place.term
    if t.op != "real":
        return
    for s in sorted(free_symbols(t), key=lambda s: s.key):
        if given.kind(s) == "size":
            less = int_add(t.args[0], integer(1), -1 if t.args[0] == s else 1)
            yield f"'{say(real(less))}' for '{say(t)}'", real(less)


# ----------------------------------------------------------------------------------------------------- indices, arrays


def index(place: Place, given: Surroundings) -> Variants:
    """Another index of the same range; the indices of an entry exchanged; an index off by one."""
    t = place.term
    if t.op == "app" and t.args[0].op in ("sym", "defn"):
        f, *args = t.args
        for k, a in enumerate(args):
            if a.sort != INT:
                continue
            for other in given.indices(place, domains(f)[k]):
                if other != a:
                    yield f"index '{say(other)}' for '{say(a)}' in '{say(t)}'", _with(t, k + 1, other)
            if a.op == "aff" and a.args:
                yield f"index off by one in '{say(t)}'", _with(t, k + 1, int_add(a, integer(1)))
        if given.kind(f) == "array":
            yield from _exchanged(t, 1, "indices exchanged in")
    elif t.op == "ind" and t.args[0].op == "eq" and t.args[0].args[0].sort == INT:
        p = t.args[0]
        for k, a in enumerate(p.args):
            domain = dict(place.scope).get(a) or _declared_range(given, a)
            for other in given.indices(place, domain) if domain is not None else ():
                if other not in p.args:
                    yield f"index '{say(other)}' for '{say(a)}' in '{say(t)}'", _with(t, 0, _with(p, k, other))
    elif t.op == "deriv":
        for k in range(2, len(t.args) - 1):
            for other in given.indices(place, t.args[0].args[k - 2]):
                if other != t.args[k]:
                    yield f"derivative by entry '{say(other)}' for '{say(t.args[k])}'", _with(t, k, other)


def _declared_range(given: Surroundings, a: Term) -> Term | None:
    d = given.context.find(a)
    p = d.property("range") if d is not None and d.kind == "index" else None
    return range_(*p.args) if p is not None else None


def _exchanged(t: Term, first: int, words: str) -> Variants:
    """Two arguments of one sort exchanged."""
    args = t.args[first:]
    for j in range(len(args)):
        for k in range(j + 1, len(args)):
            if args[j] != args[k] and args[j].sort == args[k].sort and args[j].sort != MEASURE:
                new = list(args)
                new[j], new[k] = new[k], new[j]
                yield f"{words} '{say(t)}'", rebuild(t, (*t.args[:first], *new))


def swapped(place: Place, given: Surroundings) -> Variants:
    """The arguments of a divergence, a conditional, a quotient or a product exchanged."""
    t = place.term
    if t.op == "div" and not _is_number(t.args[1], 0):
        yield f"'{say(t)}' upside down", div(t.args[1], t.args[0])
    elif t.op == "defn":
        yield from _exchanged(t, 0, "arguments exchanged in")
    elif t.op == "app" and t.args[0].op == "sym" and given.kind(t.args[0]) != "array":
        yield from _exchanged(t, 1, "arguments exchanged in")
    elif t.op == "matmul" and t.args[0] != t.args[1]:
        yield f"factors exchanged in '{say(t)}'", make("matmul", t.args[::-1], None, t.sort)


_MATRIX = Sort("fun", "", (INT, INT), REAL)


def transposed(place: Place, given: Surroundings) -> Variants:
    """A transpose or an inverse too few, a transpose too many."""
    t = place.term
    if t.sort != _MATRIX:
        return
    if t.op in ("transpose", "inverse"):
        yield f"'{say(t.args[0])}' for '{say(t)}'", t.args[0]
    elif t.op == "sym" and place.parent != "transpose":
        yield f"'{say(t)}' transposed", transpose(t)


def bound(place: Place, given: Surroundings) -> Variants:
    """The bound of a sum, product or maximum off by one."""
    t = place.term
    if t.op == "int" and t.args[0].op == "counting":
        domain = t.args[0].args[0]
    elif t.op in ("prod", "max_over", "min_over", "argmax", "argmin") and t.args[0].op == "range":
        domain = t.args[0]
    else:
        return
    lo, hi = domain.args
    one = integer(1)
    changed = [("lower bound one larger", int_add(lo, one), hi)]
    if hi.op != "oo":
        changed += [
            ("upper bound one smaller", lo, int_add(hi, one, -1)),
            ("upper bound one larger", lo, int_add(hi, one)),
        ]
    for words, new_lo, new_hi in changed:
        d = range_(new_lo, new_hi)
        yield f"{words} in '{say(t)}'", rebuild(t, (counting(d) if t.op == "int" else d, t.args[1]))


# ------------------------------------------------------------------------------------------------------- inequalities


def slack(place: Place, given: Surroundings) -> Variants:
    """An inequality made stronger by its slack: strict, or one side moved by a thousandth; or reversed."""
    t = place.term
    if t.op not in ("le", "lt") or t.args[0].sort != REAL:
        return
    a, b = t.args
    yield "the inequality reversed", le(b, a) if t.op == "le" else lt(b, a)
    if t.op == "le":
        yield "strict", lt(a, b)
    if not _is_number(a, 0) and not _is_number(b, 0):
        moved = b - SLACK * (num(abs(b.data)) if b.op == "num" else abs_(b))
        yield "the upper side a thousandth smaller", make(t.op, (a, moved), None, t.sort)


def extremum(place: Place, given: Surroundings) -> Variants:
    """The smallest for the largest."""
    t = place.term
    other = {"max": "min", "max_over": "min_over", "argmax": "argmin"}
    other |= {v: k for k, v in other.items()}
    if t.op in other and len(t.args) > 1:
        yield (
            f"'{other[t.op].split('_')[0]}' for '{t.op.split('_')[0]}'",
            make(other[t.op], t.args, t.data, t.sort, t.hint),
        )


# -------------------------------------------------------------------------------------------------------- expectations


def _expectation(t: Term) -> tuple[Term, Term, Term] | None:
    """(measure, outcome, body) of an expectation against a measure known by name."""
    if t.op == "int" and t.args[0].op == "sym":
        w, body = open_binder(t, Fresh())
        return t.args[0], w, body
    if t.op == "defn" and t.data.name == "Expect" and t.args[0].op == "sym" and t.args[1].op == "lam":
        w, body = open_binder(t.args[1], Fresh())
        return t.args[0], w, body
    return None


def jensen(place: Place, given: Surroundings) -> Variants:
    """An expectation pulled through a function: f(E X) for E f(X)."""
    found = _expectation(place.term)
    if found is None:
        return
    measure, w, body = found
    pulled = _pulled(body, w, measure, Fresh())
    if body.op != "app" and w not in free_symbols(pulled) and pulled != body:
        yield f"the expectation taken inside '{say(body)}'", pulled


def _pulled(t: Term, w: Term, measure: Term, fresh: Fresh) -> Term:
    if w not in free_symbols(t):
        return t
    if t.op == "app" and t.args[-1] == w:
        return Int(measure, lambda omega: substitute(t, {w: omega}))
    if t.op in BINDERS:
        head = tuple(_pulled(a, w, measure, fresh) for a in t.args[:-1])
        v, body = open_binder(t, fresh)
        return rebuild(t, (*head, abstract(_pulled(body, w, measure, fresh), v)))
    return rebuild(t, tuple(_pulled(a, w, measure, fresh) for a in t.args))


def variance(place: Place, given: Surroundings) -> Variants:
    """A variance for the mean of the square, and the other way round."""
    t = place.term
    if t.op == "defn" and t.data.name == "Var":
        measure, x = t.args
        yield f"mean of the square for '{say(t)}'", Int(measure, lambda w: x(w) ** 2)
        return
    found = _expectation(t)
    if found is not None and found[2].op == "pow" and _is_number(found[2].args[1], 2):
        measure, w, body = found
        function = make(
            "lam",
            (domain_of_measure(measure), abstract(body.args[0], w)),
            None,
            Sort("fun", "", (w.sort,), REAL),
            "w",
        )
        yield f"variance for '{say(t)}'", LIBRARY["Var"](measure, function)


def misconception(place: Place, given: Surroundings) -> Variants:
    """A function taken for a linear one, and the rules that students make of it."""
    t = place.term
    inner = t.args[0] if t.args else t
    if t.op == "fn" and t.data == "log" and inner.op == "add":
        yield f"the logarithm of a sum as the sum of logarithms in '{say(t)}'", _with_each(inner, lambda a: log(a))
    elif t.op == "pow" and inner.op == "add" and _is_number(t.args[1], 2):
        yield f"the square of a sum as the sum of squares in '{say(t)}'", _with_each(inner, lambda a: pow_(a, 2))
    elif t.op == "div" and t.args[1].op == "add":
        yield f"a denominator split in '{say(t)}'", _with_each(t.args[1], lambda a: div(t.args[0], a))
    elif t.op == "inverse" and inner.op == "add":
        inverses = [make("inverse", (a,), None, t.sort) for a in inner.args]
        yield f"the inverse of a sum as the sum of inverses in '{say(t)}'", make("add", inverses, None, t.sort)
    elif t.op in ("transpose", "inverse") and inner.op == "matmul":
        factors = [make(t.op, (a,), None, a.sort) for a in inner.args]
        if all(a.sort == _MATRIX for a in inner.args):
            yield f"the factors not exchanged in '{say(t)}'", make("matmul", factors, None, t.sort)


def _with_each(total: Term, change: Callable[[Term], Term]) -> Term:
    first, *rest = (change(a) for a in total.args)
    return sum(rest, first)


def condition(place: Place, given: Surroundings) -> Variants:
    """A premise left out."""
    t = place.term
    if t.op == "implies":
        yield f"without the premise '{say(t.args[0])}'", t.args[1]


Rule = Callable[[Place, Surroundings], Variants]

#: Kind -> rule, in the order in which near misses are listed.
KINDS: dict[str, Rule] = {
    "sign": sign,
    "factor": factor,
    "missing": missing,
    "exponent": exponent,
    "index": index,
    "dropped": dropped,
    "swapped": swapped,
    "transposed": transposed,
    "bound": bound,
    "slack": slack,
    "extremum": extremum,
    "jensen": jensen,
    "variance": variance,
    "count": count,
    "misconception": misconception,
    "condition": condition,
}
