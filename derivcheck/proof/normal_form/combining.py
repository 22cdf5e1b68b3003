"""Sums over one range as one sum of a rational summand, for the zero test: ``Σ x/(x+y) + Σ y/(x+y) = n``."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from derivcheck.language import INT, Term, instantiate
from derivcheck.proof.normal_form.groups import group
from derivcheck.proof.normal_form.labelling import is_contraction
from derivcheck.proof.normal_form.poly import UNIT, Lin, Mono, Poly, constant, mono_times, plus, poly_of, scaled
from derivcheck.proof.normal_form.scopes import Under

if TYPE_CHECKING:
    from derivcheck.proof.normal_form.normalise import Normaliser


def combined(n: Normaliser, p: Poly) -> Poly | None:
    """`p` with sums over one range taken together, where their summands add up to a number; else None."""
    together: dict[tuple[Mono, Term], list[tuple[Term, Fraction]]] = {}
    for m, c in p.items():
        for k, (a, e) in enumerate(m):
            if e == UNIT and is_contraction(a):
                together.setdefault((m[:k] + m[k + 1 :], a.args[0]), []).append((a, c))
    for (rest, measure), items in together.items():
        if len(items) < 2:
            continue
        v, domain = n.fresh.symbol("i", INT), measure.args[0]
        body: Poly = {}
        with Under(n, v, domain):
            for a, c in items:
                body = plus(body, n.nf(instantiate(a.body, v)), c)
            value = _number(n, body)
        if value is not None:
            out = n.times({rest: Fraction(1)}, group(n, [(v, domain)], constant(value)))
            for a, c in items:
                out = plus(out, {mono_times(rest, ((a, UNIT),)): c}, Fraction(-1))
            return plus(p, out)
    return None


def _number(n: Normaliser, p: Poly) -> Fraction | None:
    """The number that a rational expression is equal to, its denominators multiplied out."""
    lows: dict[Term, int] = {}
    for m in p:
        for a, e in m:
            k = e.integer
            if a.op == "add" and (k is None or k < 0):
                if k is None:
                    return None
                lows[a] = min(lows.get(a, 0), k)
    denominator = constant(1)
    for a, k in lows.items():
        denominator = n.times(denominator, n.power_of_sum(poly_of(a), -k))
    lift = tuple((a, Lin(Fraction(-k))) for a, k in sorted(lows.items(), key=lambda ak: ak[0].key))
    numerator: Poly = {}
    for m, c in p.items():
        numerator = plus(numerator, n.settle(mono_times(m, lift)), c)
    numerator = n.reduce(numerator)
    if not numerator:
        return Fraction(0)
    if not lows or numerator.keys() != denominator.keys():
        return None
    first = next(iter(numerator))
    ratio = numerator[first] / denominator[first]
    return ratio if not plus(numerator, scaled(denominator, ratio), Fraction(-1)) else None
