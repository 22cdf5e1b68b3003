"""Recurrences of hypergeometric sums: Zeilberger's method, with its certificate checked by the normal form.

For ``S(n) = Σ_{j=lo}^{hi(n)} F(n, j)`` one looks for polynomials ``a(n)``, ``b(n)`` and a rational function ``R(n, j)``
such that, with ``G = R·F``,

    a(n)·F(n+1, j) + b(n)·F(n, j) = G(n, j+1) − G(n, j)        for lo <= j < hi(n).

Summed over ``j`` this gives ``S(n+1)`` in terms of ``S(n)`` and of summands at the ends.  The search (the form of
Gosper and Petkovšek of the ratio of neighbours, then linear equations) uses SymPy's polynomials and is not trusted: the
equation that it finds is proved by the caller, with every condition, for a ``j`` of which nothing is known but its
range.

After M. Petkovšek, H. Wilf, D. Zeilberger, *A = B* (1996), chapters 5 and 6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any

from derivcheck.decision.expand import expanded
from derivcheck.language import (
    INT,
    Context,
    Fresh,
    Term,
    free_symbols,
    instantiate,
    integer,
    le,
    mul,
    ne,
    num,
    range_,
    real,
    substitute,
)
from derivcheck.language.constructors import affine_parts, int_add
from derivcheck.proof.kernel.quantifiers import opened
from derivcheck.proof.normal_form import Normaliser, Poly, Unknown, to_term
from derivcheck.proof.normal_form.poly import ONE, Lin, Mono, factor_term, mono_times, poly_of

#: The most summands that are added to a sum when `n` grows by one, and the highest degree of an unknown polynomial.
MAX_GROWTH, MAX_DEGREE = 4, 12

Conditions = tuple[Term, ...]
Prove = Callable[[Context, Term, Term], Conditions | None]


class _NotFound(Exception):
    """The summand is not of the kind, or there is no recurrence of order one."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """``S(n+1) = factor·S(n) + rest`` under the `conditions`."""

    factor: Term
    rest: Term
    conditions: Conditions


def recurrence(context: Context, s: Term, n: Term, prove: Prove) -> Recurrence | None:
    """A recurrence in `n` of the finite sum `s`, proved in the context by `prove`; None if none is found."""
    lo, hi = s.args[0].args[0].args
    growth = affine_parts(hi)[1].get(n, 0)
    if n in free_symbols(lo) or not 0 <= growth <= MAX_GROWTH or n not in free_symbols(s.body):
        return None
    if not Normaliser(context).facts.holds(le(lo, hi)):
        return None
    v = Fresh().symbol(s.hint or "j", INT)
    inside = context.extended(opened(v, range_(lo, int_add(hi, integer(-1)))))
    here = instantiate(s.body, v)
    above, after = substitute(here, {n: n + 1}), instantiate(s.body, v + 1)
    try:
        a, b, *certificates = _certificate(inside, here, above, after, n, v)
    except (_NotFound, Unknown):
        return None
    for certificate in certificates:
        first, last, here_too, next_too = (substitute(certificate, {v: at}) for at in (lo, hi, v, v + 1))
        proved = prove(inside, a * above + b * here, next_too - here_too)
        if proved is not None and not any(v in free_symbols(c) for c in proved):
            break
    else:
        return None
    divisor = ne(a, 0)
    needs = () if Normaliser(context).facts.holds(divisor) else (divisor,)
    next_body = substitute(s.body, {n: n + 1})
    added = [instantiate(next_body, int_add(hi, integer(k))) for k in range(growth + 1)]
    rest = last - first + a * sum(added[1:], added[0]) + b * instantiate(s.body, hi)
    return Recurrence(-b / a, rest / a, (*proved, *needs))


def ratio(context: Context, t: Term, n: Term) -> Term | None:
    """A rational function that may be ``t(n + 1)/t(n)``, for a term without sums; None if none is found."""
    try:
        rewritten, _ = expanded(context, (t, substitute(t, {n: n + 1})))
        normaliser = Normaliser(context)
        polys = [normaliser.nf(u) for u in rewritten]
        rationals = _Rationals(n, n, polys)
        (kernel, here), (same, above) = (rationals.split(p) for p in polys)
    except (_NotFound, Unknown):
        return None
    return rationals.term(above / here) if kernel == same else None


# ---------------------------------------------------------------------------------------------------------- the search


def _certificate(
    context: Context, here: Term, above: Term, after: Term, n: Term, v: Term
) -> tuple[Term, Term, Term, Term]:
    """``a``, ``b`` and ``G`` in two ways: as a multiple of the summand, and of its factorials and powers alone.

    The one may divide by a factor of the summand that vanishes, the other contain factorials of negative numbers.
    """
    rewritten, _ = expanded(context, (here, above, after))
    normaliser = Normaliser(context)
    polys = [normaliser.nf(t) for t in rewritten]
    rationals = _Rationals(n, v, polys)
    parts = [rationals.split(p) for p in polys]
    kernel = parts[0][0]
    if any(k != kernel for k, _ in parts):
        raise _NotFound
    values = [value for _, value in parts]
    a, b, r = _solved(rationals, *values)
    multiples = (mul(rationals.term(r / values[0]), here), mul(rationals.term(r), to_term({kernel: Fraction(1)})))
    return rationals.term(a), rationals.term(b), *multiples


class _Rationals:
    """Rational functions of `v`, `n` and whatever else the polynomials contain that does not depend on these."""

    def __init__(self, n: Term, v: Term, polys: Iterable[Poly]) -> None:
        from sympy import QQ
        from sympy.polys.fields import FracField

        self.moving = frozenset((n, v))
        atoms: dict[Term, None] = {real(v): None, real(n): None}
        for p in polys:
            self._collect(p, atoms)
        self.atoms = list(atoms)
        self.field = FracField([f"a{k}" for k in range(len(self.atoms))], QQ)
        self.values = dict(zip(self.atoms, self.field.gens, strict=True))

    def _fixed(self, t: Term) -> bool:
        return not self.moving & free_symbols(t)

    def _collect(self, p: Poly, atoms: dict[Term, None]) -> None:
        for m in p:
            for a, e in m:
                if a.op == "add" and e.integer is not None:
                    self._collect(poly_of(a), atoms)
                elif (f := self._generator(a, e)) is not None:
                    atoms[f] = None

    def _generator(self, a: Term, e: Lin) -> Term | None:
        """What a factor contributes to the coefficients: itself or its base; None for a number and for the kernel."""
        if a.op == "num":
            return None
        if e.terms:
            fixed = self._fixed(e.term()) and self._fixed(a)
            return factor_term(a, Lin(Fraction(0), e.terms)) if fixed else a if self._fixed(a) else None
        if a.op == "real" and self.moving & free_symbols(a):
            return a if a.args[0].op == "sym" else None
        return a if self._fixed(a) else None

    def split(self, p: Poly) -> tuple[Mono, Any]:
        """The kernel that all monomials share, and what it is multiplied by."""
        total, kernel = self.field.zero, None
        for m, c in p.items():
            k, value = self._mono(m)
            if kernel is not None and k != kernel:
                raise _NotFound
            kernel = k
            total += value * self._number(c)
        if kernel is None or not total:
            raise _NotFound
        return kernel, total

    def _mono(self, m: Mono) -> tuple[Mono, Any]:
        kernel, value = ONE, self.field.one
        for a, e in m:
            whole = e.integer
            if a.op == "add" and whole is not None:
                k, base = self.split(poly_of(a))
                if k != ONE:
                    raise _NotFound
                value *= base**whole
                continue
            f = self._generator(a, e)
            if e.terms:
                if f is not None and f != a:
                    value *= self.values[f]
                else:
                    kernel = mono_times(kernel, ((a, Lin(Fraction(0), e.terms)),))
                if e.const:
                    value *= self._power(a, e.const)
            elif f is not None or a.op == "num":
                value *= self._power(a, e.const)
            else:
                kernel = mono_times(kernel, ((a, e),))
        return kernel, value

    def _power(self, a: Term, e: Fraction) -> Any:
        if e.denominator != 1:
            raise _NotFound
        return (self._number(Fraction(a.data)) if a.op == "num" else self.values[a]) ** int(e)

    def _number(self, c: Fraction) -> Any:
        return self.field.domain(c.numerator) / self.field.domain(c.denominator) * self.field.one

    def term(self, f: Any) -> Term:
        """A rational function as a term."""
        top, bottom = self._factored(f.numer), self._factored(f.denom)
        return top if bottom == num(1) else top / bottom

    def _factored(self, p: Any) -> Term:
        """A polynomial as the product of its factors, whose signs are easier to see."""
        unit, factors = p.factor_list()
        constant = num(Fraction(int(unit.numerator), int(unit.denominator)))
        parts = [t if k == 1 else t**k for t, k in ((self._polynomial(f), k) for f, k in factors)]
        if constant != num(1) or not parts:
            parts.insert(0, constant)
        return parts[0] if len(parts) == 1 else mul(*parts)

    def _polynomial(self, p: Any) -> Term:
        summands = []
        for exponents, c in p.terms():
            factors = [a if k == 1 else a ** int(k) for a, k in zip(self.atoms, exponents, strict=True) if k]
            value = Fraction(int(c.numerator), int(c.denominator))
            if value != 1 or not factors:
                factors.insert(0, num(value))
            summands.append(factors[0] if len(factors) == 1 else mul(*factors))
        return sum(summands[1:], summands[0]) if summands else num(0)


def _solved(rationals: _Rationals, here: Any, above: Any, after: Any) -> tuple[Any, Any, Any]:
    """``a``, ``b`` and the factor of the kernel in ``G``."""
    ring = rationals.field.ring
    j = ring.gens[0]

    def moved(p: Any, h: int) -> Any:
        return p.compose(j, j + h)

    common = here.denom.lcm(above.denom)
    top_here, top_above = (x.numer * common.exquo(x.denom) for x in (here, above))
    ratio = after / here * rationals.field(top_here) / rationals.field(moved(top_here, 1))
    a_, b_, c_ = _gosper_form(ratio.numer, ratio.denom, j, moved)
    # A(j)·x(j+1) − B(j−1)·x(j) = C(j)·(a·N₁(j) + b·N₀(j))
    behind = moved(b_, -1)
    degree = c_.degree(j) + max(top_here.degree(j), top_above.degree(j)) - max(a_.degree(j), behind.degree(j)) + 1
    if degree > MAX_DEGREE:
        raise _NotFound
    unknowns = [a_ * moved(j**k, 1) - behind * j**k for k in range(max(degree, 0) + 1)]
    solution = _dependency([-c_ * top_above, -c_ * top_here, *unknowns])
    if solution is None:
        raise _NotFound
    field = rationals.field
    a, b, *x = (field(s.numer.set_ring(ring)) / field(s.denom.set_ring(ring)) for s in solution)
    polynomial = reduce(lambda total, kx: total + kx[1] * field(j ** kx[0]), enumerate(x), field.zero)
    scale = reduce(lambda u, w: u.lcm(w), (s.denom for s in (a, b)), ring.one)
    whole = [(s * field(scale)).numer for s in (a, b)]
    factor = field(scale) / field(whole[0].gcd(whole[1]))
    return a * factor, b * factor, factor * field(behind) * polynomial / field(c_ * common)


def _gosper_form(top: Any, bottom: Any, j: Any, moved: Callable[[Any, int], Any]) -> tuple[Any, Any, Any]:
    """``top/bottom = A(j)/B(j)·C(j+1)/C(j)``, where no factor of `A` is one of `B` moved forward by a whole number."""
    a_, b_, c_ = top, bottom, top.ring.one
    for f, _ in top.factor_list()[1]:
        for g, _ in bottom.factor_list()[1]:
            h = _distance(f, g, j)
            if h is None or h < 0:
                continue
            shifted = moved(g, h)
            if shifted.monic() != f.monic():
                continue
            while not a_.rem(f) and not b_.rem(g):
                a_, b_ = a_.exquo(f), b_.exquo(g)
                unit = f.LC / shifted.LC
                a_ = a_ * unit
                for k in range(1, h + 1):
                    c_ *= moved(f, -k)
    return a_, b_, c_


def _distance(f: Any, g: Any, j: Any) -> int | None:
    """The whole number ``h`` that makes the two leading coefficients of ``g(j+h)`` and ``f(j)`` proportional."""
    d = f.degree(j)
    if d < 1 or g.degree(j) != d:
        return None
    (f1, f0), (g1, g0) = ((p.coeff_wrt(j, d), p.coeff_wrt(j, d - 1)) for p in (f, g))
    # g1·(j+h)^d + g0·j^(d−1): the next coefficient is g0 + d·h·g1
    above, below = f0 * g1 - g0 * f1, d * f1 * g1
    h, remainder = divmod(above, below)
    if remainder or not h.is_ground:
        return None
    value = h.coeff(1)
    return int(value) if value == int(value) else None


def _dependency(polys: list[Any]) -> list[Any] | None:
    """A combination of the polynomials that vanishes, with coefficients free of the first variable.

    The first coefficient of it is not zero.
    """
    from sympy.polys.matrices import DomainMatrix

    ring = polys[0].ring
    j = ring.gens[0]
    field = ring.drop(j).to_field() if len(ring.gens) > 1 else None
    if field is None:
        return None
    height = max(p.degree(j) for p in polys)
    rows = [[field(p.coeff_wrt(j, k).drop(j)) for p in polys] for k in range(height + 1)]
    domain = field.to_domain()
    kernel = DomainMatrix([[domain.convert(x) for x in row] for row in rows], (len(rows), len(polys)), domain)
    for vector in kernel.nullspace().to_list():
        if vector[0]:
            return list(vector)
    return None
