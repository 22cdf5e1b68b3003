"""What binds a variable: sums and integrals, products, extremes, derivatives, limits, functions and their values."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from derivcheck.language.terms import BINDERS, Term
from derivcheck.semantics import numbers as nm
from derivcheck.semantics.arithmetic import extremum
from derivcheck.semantics.limits import limit, series
from derivcheck.semantics.numbers import ONE, ZERO, Dual, Number, Undefined, Unknown
from derivcheck.semantics.polynomials import NotPolynomial, expectation
from derivcheck.semantics.quadrature import integrate_interval
from derivcheck.semantics.values import (
    AtomicMeasure,
    CountingMeasure,
    Function,
    LebesgueMeasure,
    Measure,
    Outcome,
    RangeDomain,
    SpaceDomain,
    Value,
    branches,
    integrate_atoms,
)

if TYPE_CHECKING:
    from derivcheck.semantics.evaluate import Environment, Evaluator, Rule


@lru_cache(maxsize=200_000)
def reaches(term: Term) -> tuple[int, ...]:
    """The de Bruijn indices that reach outside `term`, in order."""
    if not term.loose:
        return ()
    if term.op == "bound":
        return (term.data,)
    out: set[int] = set()
    for position, a in enumerate(term.args):
        inside = term.op in BINDERS and position == len(term.args) - 1
        out.update(i - 1 if inside else i for i in reaches(a) if not (inside and i == 0))
    return tuple(sorted(out))


def _int(ev: Evaluator, t: Term, env: Environment) -> Number:
    measure = ev.measure(t.args[0], env)
    body = t.args[1]
    match measure:
        case CountingMeasure(domain):
            if domain.hi is None:
                ev.extrapolated()
                return series(lambda j: ev.eval(body, (j, *env)), domain.lo, ev.tiring)
            out = ZERO
            for j in domain.members():
                out = nm.add(out, ev.eval(body, (j, *env)))
                ev.charge_for_digits(j, out)
            return out
        case LebesgueMeasure(domain):
            return integrate_interval(ev, lambda x: ev.eval(body, (x, *env)), domain)
        case AtomicMeasure():
            return nm.total(
                [nm.mul(w, ev.eval(body, (x, *env))) for x, w in zip(measure.points, measure.weights, strict=True)]
            )
        case Measure():
            try:
                return expectation(measure, lambda w: ev.eval(body, (w, *env)))
            except NotPolynomial:
                return integrate_atoms(measure, lambda w: ev.eval(body, (w, *env)))
    raise AssertionError(measure)


def _prod(ev: Evaluator, t: Term, env: Environment) -> Number:
    domain = ev.domain(t.args[0], env)
    if not isinstance(domain, RangeDomain):
        raise Unknown("a product over something that is not a range")
    out = ONE
    for j in domain.members():
        out = nm.mul(out, ev.eval(t.args[1], (j, *env)))
        ev.charge_for_digits(j, out)
    return out


def _over(sign: int) -> Callable[[Evaluator, Term, Environment], Number]:
    def rule(ev: Evaluator, t: Term, env: Environment) -> Number:
        domain = ev.domain(t.args[0], env)
        if isinstance(domain, SpaceDomain):
            found = branches(domain.space, lambda w: ev.eval(t.args[1], (w, *env)))
            return extremum(ev, [x for _, x in found], sign)
        if not isinstance(domain, RangeDomain):
            raise Unknown("a supremum over an infinite set")
        return extremum(ev, [ev.eval(t.args[1], (j, *env)) for j in domain.members()], sign)

    return rule


def _arg(sign: int) -> Callable[[Evaluator, Term, Environment], int]:
    def rule(ev: Evaluator, t: Term, env: Environment) -> int:
        domain = ev.domain(t.args[0], env)
        if not isinstance(domain, RangeDomain):
            raise Unknown("an argmax over something that is not a range")
        best: tuple[int, Number] | None = None
        for j in domain.members():
            x = ev.eval(t.args[1], (j, *env))
            if best is None or nm.compare_locally(x, best[1]) * sign > 0:
                best = (j, x)
        if best is None:
            raise Undefined("argmax over nothing")
        return best[0]

    return rule


def _deriv(ev: Evaluator, t: Term, env: Environment) -> Number:
    point = ev.eval(t.args[1], env)
    index = tuple(ev.eval(a, env) for a in t.args[2:-1])
    tag = ev.fresh_tag()
    if not index:
        moved: Value = Dual(tag, point, ONE)
    else:
        moved = _moved(point, index, tag)
    return nm.parts(ev.eval(t.body, (moved, *env)), tag)[1]


def _moved(f: Function, index: tuple[Value, ...], tag: int) -> Function:
    """The array `f` with one entry perturbed."""
    f.at(index)  # the entry exists

    def same(x: Value, y: Value) -> bool:
        if isinstance(x, Outcome):
            return all(x.face(c) == y.face(c) for c in x.space.coins)
        if not isinstance(x, int):
            raise Unknown("a derivative by the value of a function at a real argument")
        return bool(x == y)

    def rule(args: tuple[Value, ...]) -> Number:
        value = f.at(args)
        return Dual(tag, value, ONE) if all(map(same, args, index)) else value

    return Function(f.domains, rule)


def _lim(ev: Evaluator, t: Term, env: Environment) -> Number:
    ev.extrapolated()
    at = t.args[0]
    infinite = 1 if at.op == "oo" else -1 if at.op == "neg" and at.args[0].op == "oo" else 0
    point = None if infinite else ev.eval(at, env)
    return limit(lambda v: ev.eval(t.body, (v, *env)), point, t.data, infinite, at.sort.kind == "int", ev.tiring)


def _lam(ev: Evaluator, t: Term, env: Environment) -> Function:
    domains = [ev.domain(t.args[0], env)]
    body = t.args[1]
    # λ i. λ j. … is one function of several arguments, unless a later domain depends on an earlier argument.
    while body.op == "lam" and not any(i < len(domains) for i in reaches(body.args[0])):
        hidden = (None,) * len(domains)
        domains.append(ev.domain(body.args[0], (*hidden, *env)))
        body = body.args[1]

    def rule(args: tuple[Value, ...]) -> Value:
        return ev.eval(body, (*reversed(args), *env))

    return Function(tuple(domains), rule)


def _app(ev: Evaluator, t: Term, env: Environment) -> Value:
    f = ev.eval(t.args[0], env)
    value = f.at(tuple([ev.eval(a, env) for a in t.args[1:]]))
    if t.sort.kind == "fun" or not isinstance(value, Function):
        return value
    raise Undefined("a function where a number is needed")


RULES: dict[str, Rule] = {
    "int": _int,
    "prod": _prod,
    "max_over": _over(1),
    "min_over": _over(-1),
    "argmax": _arg(1),
    "argmin": _arg(-1),
    "deriv": _deriv,
    "lim": _lim,
    "lam": _lam,
    "app": _app,
}
