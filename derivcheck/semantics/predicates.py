"""The primitive predicates of the language, decided on finite spaces.

Independence and equality of laws are checked on the joint law, exactly.  When two families provably look at disjoint
sets of coins, nothing needs to be enumerated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from flint import fmpq

from derivcheck.language.terms import Term, subterms
from derivcheck.semantics import numbers as nm
from derivcheck.semantics.judgement import FALSE, TRUE, Judgement, Truth, unknown
from derivcheck.semantics.numbers import Dual, Kink, Number, Undefined, Unknown
from derivcheck.semantics.polynomials import NotPolynomial, expectation
from derivcheck.semantics.pools import sample
from derivcheck.semantics.values import (
    AtomicMeasure,
    Coin,
    CountingMeasure,
    Function,
    IntervalDomain,
    LebesgueMeasure,
    Measure,
    Outcome,
    RangeDomain,
    branches,
    integrate_atoms,
    joint_law,
)

if TYPE_CHECKING:
    from derivcheck.semantics.evaluate import Environment, Evaluator

#: Nodes that may skip an argument, so that one outcome does not show every coin that a term can look at.
_SKIPPING = frozenset({"ite", "ind", "argmax", "argmin", "forall", "exists"})
#: A joint law with more branches than this is not enumerated.
MOST_BRANCHES = 20_000


def integrable(ev: Evaluator, p: Term, env: Environment) -> Judgement:
    """Sums over finite sets are finite wherever their terms exist; over an interval, a finite integral supports it."""
    measure = ev.measure(p.args[0], env)
    body = p.args[1]
    match measure:
        case CountingMeasure(domain):
            if domain.hi is None:
                return _finite_series(ev, p, env, domain)
            for j in domain.members():
                ev.eval(body, (j, *env))
            return TRUE
        case AtomicMeasure():
            for x in measure.points:
                ev.eval(body, (x, *env))
            return TRUE
        case Measure():
            try:  # the body must exist wherever there is mass
                expectation(measure, lambda w: ev.eval(body, (w, *env)))
            except NotPolynomial:
                integrate_atoms(measure, lambda w: ev.eval(body, (w, *env)))
            return TRUE
        case LebesgueMeasure(domain):
            from derivcheck.semantics.quadrature import integrate_interval

            value = integrate_interval(ev, lambda x: ev.absolute(ev.eval(body, (x, *env))), domain)
            if nm.primal(value).rad() < 1e-6:
                return Judgement(Truth.SUPPORTED, "numeric" if ev.state.numeric else "balls")
            return unknown("the integral of the absolute value does not settle")
    raise AssertionError(measure)


def _finite_series(ev: Evaluator, p: Term, env: Environment, domain: RangeDomain) -> Judgement:
    from derivcheck.semantics.limits import series

    ev.extrapolated()
    value = series(lambda j: nm.absolute(ev.eval(p.args[1], (j, *env))), domain.lo, ev.tiring)
    if value.rad() < 1e-6:
        return Judgement(Truth.SUPPORTED, "numeric")
    return unknown("the sum of the absolute values does not settle")


def _flat(value: object) -> tuple[Number, ...]:
    """The numbers of a scalar or of a whole family."""
    if isinstance(value, Function):
        (d, *_) = value.shape()
        return tuple(x for j in d.members() for x in _flat(value.at((j,))))
    return (value,)


def _coins(f: Function, t: Term, measure: Measure) -> frozenset[Coin]:
    """Every coin that `f`, the value of `t`, looks at."""
    space = measure.space
    if not any(node.op in _SKIPPING for node in subterms(t)):
        seen = Outcome(space, {}, lambda coin: 0)
        _flat(f.at((seen,)))
        return frozenset(seen.faces)
    out: set[Coin] = set()
    for count, (faces, _) in enumerate(branches(space, lambda w: _flat(f.at((w,))))):
        out.update(faces)
        if count > MOST_BRANCHES:
            raise Unknown("a law with too many outcomes")
    return frozenset(out)


def _law(
    ev: Evaluator, measure: Measure, f: Callable[[Outcome], tuple[Number, ...]]
) -> dict[tuple[Number, ...], Number]:
    count = 0

    def visit(w: Outcome) -> tuple[Number, ...]:
        nonlocal count
        value = f(w)
        count += 1
        ev.charge()
        if count > MOST_BRANCHES:
            raise Unknown("a law with too many outcomes")
        if not all(isinstance(x, fmpq | int) for x in value):
            raise Unknown("a law with irrational values")
        return value

    return joint_law(measure, visit)


def independent(ev: Evaluator, p: Term, env: Environment) -> Judgement:
    """``P(X = x, Y = y)·P(Ω) = P(X = x)·P(Y = y)`` for all values."""
    measure = ev.measure(p.args[0], env)
    if not isinstance(measure, Measure):
        raise Unknown("independence under a measure that is not finite")
    x, y = ev.eval(p.args[1], env), ev.eval(p.args[2], env)
    if not _coins(x, p.args[1], measure) & _coins(y, p.args[2], measure):
        return TRUE
    # Joint values are hashed by their rationals; a family with irrational values is told apart by disjoint coins only.
    size = 0

    def both(w: Outcome) -> tuple[Number, ...]:
        nonlocal size
        left = _flat(x.at((w,)))
        size = len(left)
        return left + _flat(y.at((w,)))

    joint = _law(ev, measure, both)
    left: dict[tuple[Number, ...], Number] = {}
    right: dict[tuple[Number, ...], Number] = {}
    for value, w in joint.items():
        left[value[:size]] = nm.add(left.get(value[:size], nm.ZERO), w)
        right[value[size:]] = nm.add(right.get(value[size:], nm.ZERO), w)
    mass = measure.mass()
    for a, wa in left.items():
        for b, wb in right.items():
            if nm.compare(nm.mul(joint.get(a + b, nm.ZERO), mass), nm.mul(wa, wb)) != 0:
                return FALSE
    return TRUE


def same_law(ev: Evaluator, p: Term, env: Environment) -> Judgement:
    """The two families take the same values with the same weights."""
    measure = ev.measure(p.args[0], env)
    if not isinstance(measure, Measure):
        raise Unknown("a law under a measure that is not finite")
    x, y = ev.eval(p.args[1], env), ev.eval(p.args[2], env)
    a = _law(ev, measure, lambda w: _flat(x.at((w,))))
    b = _law(ev, measure, lambda w: _flat(y.at((w,))))
    if a.keys() != b.keys():
        return FALSE
    return TRUE if all(nm.compare(a[k], b[k]) == 0 for k in a) else FALSE


def differentiable(ev: Evaluator, p: Term, env: Environment) -> Judgement:
    """Known of functions built for an instance; else a dual number is sent through at sample points."""
    f = ev.eval(p.args[0], env)
    if f.smooth is not None:
        return TRUE if f.smooth else FALSE
    d = f.domains[0]
    if not isinstance(d, IntervalDomain):
        raise Unknown("differentiability over something that is not an interval")
    tag = ev.fresh_tag()
    for x in sample(d, 12, ev.world.salt):
        try:
            f.at((Dual(tag, x, nm.ONE),))
        except Kink:
            return FALSE
    return Judgement(Truth.SUPPORTED, "sampled")


def invertible(ev: Evaluator, p: Term, env: Environment) -> Judgement:
    """The determinant is not zero."""
    a = ev.eval(p.args[0], env)
    rows = a.rows()
    if any(len(row) != len(rows) for row in rows):
        raise Undefined("a square matrix is needed")
    ev.charge(len(rows) ** 3)
    d = nm.primal(nm.determinant(rows))
    if isinstance(d, fmpq):
        return TRUE if d != 0 else FALSE
    if not d.contains(0):
        return Judgement(Truth.TRUE, "balls")
    raise nm.Imprecise("cannot tell whether a matrix is invertible")


PREDICATES: dict[str, Callable[[Evaluator, Term, Environment], Judgement]] = {
    "independent": independent,
    "same_law": same_law,
    "differentiable": differentiable,
    "invertible": invertible,
}
