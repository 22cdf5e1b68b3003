"""What the properties of numbers, arrays and functions stand for: each is made here, with its facts.

>>> from derivcheck.language import *
>>> a = Matrix("A", 2, 2)
>>> symmetric(a).facts
(forall i in 1..2. forall i' in 1..2. A[i,i'] = A[i',i],)
>>> [p.name for p in bounds(lambda compared: for_all_arguments(a, lambda *ix: compared(a(*ix))), above=0, at_most=1)]
['above', 'at most']
"""

from __future__ import annotations

from collections.abc import Callable

from derivcheck.language import constructors as b
from derivcheck.language.context import Property
from derivcheck.language.terms import Term, Termlike


def for_all_arguments(f: Term, body: Callable[..., Term], doms: tuple[Term, ...] | None = None) -> Term:
    """``∀ i ∈ D₁, j ∈ D₂, … body(i, j, …)`` over the domains of `f` (or over `doms`)."""
    doms = b.domains(f) if doms is None else doms

    def go(k: int, args: tuple[Term, ...]) -> Term:
        if k == len(doms):
            return body(*args)
        return b.ForAll(doms[k], lambda i: go(k + 1, (*args, i)))

    return go(0, ())


def bounds(
    wrap: Callable[[Callable[[Term], Term]], Term],
    *,
    above: Termlike | None = None,
    at_least: Termlike | None = None,
    below: Termlike | None = None,
    at_most: Termlike | None = None,
    nonzero: bool = False,
    cast: Callable[[Termlike], Term] = b.as_real,
) -> list[Property]:
    """Comparison properties of a symbol (or, through `wrap`, of each entry of an array)."""
    out = []
    if above is not None:
        lo = cast(above)
        out.append(Property("above", (wrap(lambda x: b.lt(lo, x)),), (lo,)))
    if at_least is not None:
        lo = cast(at_least)
        out.append(Property("at least", (wrap(lambda x: b.le(lo, x)),), (lo,)))
    if below is not None:
        hi = cast(below)
        out.append(Property("below", (wrap(lambda x: b.lt(x, hi)),), (hi,)))
    if at_most is not None:
        hi = cast(at_most)
        out.append(Property("at most", (wrap(lambda x: b.le(x, hi)),), (hi,)))
    if nonzero:
        out.append(Property("nonzero", (wrap(lambda x: b.ne(x, 0)),)))
    return out


# -------------------------------------------------------------------------------------------------------------- arrays


def injective(a: Term) -> Term:
    """Only zero is mapped to zero by the matrix `a`: ``∀ v. (∀ i. Σ_j a_ij v_j = 0) ⟹ ∀ j. v_j = 0``."""
    rows, columns = b.domains(a)

    def zero(over: Term, entry: Callable[[Term], Term]) -> Term:
        return b.ForAll(over, lambda i: b.eq(entry(i), 0))

    def image(v: Term) -> Callable[[Term], Term]:
        return lambda i: b.Int(b.counting(columns), lambda j: a(i, j) * v(j))

    return b.ForAll(b.functions((columns,)), lambda v: b.implies(zero(rows, image(v)), zero(columns, v)))


def symmetric(a: Term) -> Property:
    """``A = Aᵀ``."""
    return Property("symmetric", (for_all_arguments(a, lambda i, j: b.eq(a(i, j), a(j, i))),))


def positive_definite(a: Term) -> Property:
    """``vᵀ A v > 0`` for every ``v ≠ 0``; such a matrix is invertible."""
    n = _size(a)

    def definite(v: Term) -> Term:
        return b.implies(b.Exists(b.range_(1, n), lambda i: b.ne(v(i), 0)), b.lt(0, _form(a, v)))

    return Property("positive definite", (b.ForAll(_vectors(n), definite), b.predicate("invertible", a)))


def positive_semidefinite(a: Term) -> Property:
    """``vᵀ A v ≥ 0``."""
    fact = b.ForAll(_vectors(_size(a)), lambda v: b.le(0, _form(a, v)))
    return Property("positive semidefinite", (fact,))


def _size(a: Term) -> Term:
    return b.domains(a)[0].args[1]


def _vectors(n: Term) -> Term:
    return b.functions((b.range_(1, n),))


def _form(a: Term, v: Term) -> Term:
    n = _size(a)
    return b.Sum(1, n, lambda i: b.Sum(1, n, lambda j: v(i) * a(i, j) * v(j)))


def invertible(a: Term) -> Property:
    """``A⁻¹`` exists."""
    return Property("invertible", (b.predicate("invertible", a),))


def full_column_rank(a: Term) -> Property:
    """``A v = 0`` for ``v = 0`` alone; then ``AᵀA`` is invertible."""
    return Property("full column rank", (injective(a), b.predicate("invertible", b.matmul(a.T, a))))


def orthogonal(a: Term) -> Property:
    """``AᵀA = I`` and ``A Aᵀ = I``."""
    n = _size(a)
    columns = for_all_arguments(a, lambda i, j: b.eq(b.Sum(1, n, lambda k: a(k, i) * a(k, j)), b.delta(i, j)))
    rows = for_all_arguments(a, lambda i, j: b.eq(b.Sum(1, n, lambda k: a(i, k) * a(j, k)), b.delta(i, j)))
    return Property("orthogonal", (columns, rows))


def diagonal(a: Term) -> Property:
    """``A_ij = 0`` for ``i ≠ j``."""
    return Property("diagonal", (for_all_arguments(a, lambda i, j: b.implies(b.ne(i, j), b.eq(a(i, j), 0))),))


# ----------------------------------------------------------------------------------------------------------- functions


def differentiable(f: Term) -> Property:
    """``f′`` exists everywhere."""
    return Property("differentiable", (b.predicate("differentiable", f),))


def convex(f: Term) -> Property:
    """``f(t x + (1−t) y) ≤ t f(x) + (1−t) f(y)`` for ``0 ≤ t ≤ 1``."""

    def below_the_chord(x: Term, y: Term) -> Term:
        return b.ForAll(b.interval(0, 1), lambda t: b.le(f(t * x + (1 - t) * y), t * f(x) + (1 - t) * f(y)))

    return Property("convex", (b.ForAll(b.reals, lambda x: b.ForAll(b.reals, lambda y: below_the_chord(x, y))),))


def increasing(f: Term) -> Property:
    """``f(x) ≤ f(y)`` for ``x ≤ y``."""
    fact = b.ForAll(b.reals, lambda x: b.ForAll(b.reals, lambda y: b.implies(b.le(x, y), b.le(f(x), f(y)))))
    return Property("increasing", (fact,))
