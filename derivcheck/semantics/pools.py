"""Pools of values, simplest first: what the variables of an instance and of a sampled quantifier are drawn from.

Why they look like this: instances made of 0, 1 and uniform laws hide a third of all errors; skewed weights, signs,
wide ranges and kinked functions find them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from hashlib import blake2b
from itertools import count, product

from derivcheck.semantics.numbers import (
    ONE,
    ZERO,
    Number,
    absolute,
    add,
    compare,
    div,
    exp,
    integer_power,
    maximum,
    mul,
    neg,
    rational,
)
from derivcheck.semantics.values import (
    Domain,
    Function,
    FunctionsDomain,
    IntegersDomain,
    IntervalDomain,
    Outcome,
    RangeDomain,
    Space,
    SpaceDomain,
    Value,
)


def _q(*texts: str) -> list[Number]:
    return [rational(Fraction(t)) for t in texts]


#: Rationals by simplicity, of either sign and of several magnitudes.
RATIONALS: list[Number] = _q(
    *[
        "0",
        "1",
        "-1",
        "2",
        "-2",
        "1/2",
        "-1/2",
        "3",
        "-3",
        "3/2",
        "-3/2",
        "1/3",
        "-2/3",
        "5",
        "-4",
        "7/3",
        "-7/4",
        "10",
        "-12",
        "1/10",
        "-1/7",
    ]
)
#: Values that make ranges wide; kept apart because they dominate a sum.
WIDE: list[Number] = _q(*["100", "-100", "1/100", "1000", "-1/1000", "1000000", "1/1000000"])
#: Fractions of an interval strictly between its ends.
INNER: list[Number] = _q(*["1/2", "1/3", "2/3", "1/4", "3/4", "1/10", "9/10", "1/100", "99/100"])
#: Distances from a single bound.
BEYOND: list[Number] = _q(*["1", "2", "1/2", "3", "1/3", "5", "3/2", "10", "1/10", "7/3", "1/100", "100"])
#: Weights of the atoms of a law before they are normalised.
WEIGHTS: list[Number] = _q(*["1", "2", "3", "1/2", "5", "1/3", "7", "10", "1/10", "30"])
WIDE_WEIGHTS: list[Number] = _q(*["1000", "1/1000", "1000000", "1/1000000"])
#: Perfect squares, for variances whose root must be rational.
SQUARES: list[Number] = _q(*["1", "4", "1/4", "9", "9/4", "1/9", "16", "25/4", "1/100"])
SIZES: list[int] = [1, 2, 3, 4]
INTEGERS: list[int] = [0, 1, 2, -1, 3, -2, 5, -3, 7, 10]


def digest(*parts: object) -> int:
    """A 64-bit number that depends on the parts and on nothing else (not on ``PYTHONHASHSEED``)."""
    h = blake2b("|".join(map(str, parts)).encode(), digest_size=8)
    return int.from_bytes(h.digest(), "big")


def within(domain: IntervalDomain) -> list[Number]:
    """Rationals of an interval (its ends included where they are finite), simplest first."""
    lo, hi = domain.lo, domain.hi
    if lo is not None and hi is not None:
        width = add(hi, neg(lo))
        return [lo, hi] + [add(lo, mul(width, t)) for t in INNER]
    inside = [x for x in RATIONALS if (lo is None or compare(x, lo) >= 0) and (hi is None or compare(x, hi) <= 0)]
    if lo is not None:
        inside += [lo] + [add(lo, t) for t in BEYOND]
    if hi is not None:
        inside += [hi] + [add(hi, neg(t)) for t in BEYOND]
    return inside if lo is not None or hi is not None else inside + WIDE[:3]


def _polynomial(*coefficients: Number) -> Function:
    def rule(args: tuple[Value, ...]) -> Number:
        out = ZERO
        for k, c in enumerate(coefficients):
            out = add(out, mul(c, integer_power(args[0], k)))
        return out

    return Function((IntervalDomain(None, None),), rule, smooth=True)


def real_functions() -> Iterator[Function]:
    """Functions of one real variable for a sampled quantifier: constant, linear, kinked, quadratic, quartic, exp."""
    line = (IntervalDomain(None, None),)
    yield _polynomial(ONE)
    yield _polynomial(ONE, rational(2))
    yield Function(line, lambda a: absolute(a[0]), smooth=False)
    yield _polynomial(rational(-1), ONE, ONE)
    yield Function(line, lambda a: maximum([a[0], ONE]), smooth=False)
    yield _polynomial(ZERO, rational(-1), ZERO, ONE)
    yield Function(line, lambda a: exp(a[0]), smooth=True)
    yield Function(line, lambda a: div(ONE, add(ONE, mul(a[0], a[0]))), smooth=True)


def sample(domain: Domain, size: int, salt: int) -> list[Value]:
    """At most `size` members of a domain too large to enumerate; the simplest first, then scattered by `salt`."""
    match domain:
        case IntervalDomain():
            return _scatter(within(domain), size, salt)
        case IntegersDomain():
            return _scatter(INTEGERS, size, salt)
        case RangeDomain():
            last = domain.hi if domain.hi is not None else domain.lo + 40
            near = [domain.lo + k for k in (0, 1, 2, 3, 5, 8, 13, 21, 40) if domain.lo + k <= last]
            return _scatter(near, size, salt)
        case SpaceDomain():
            space = domain.space
            return [_sample_point(space, k, salt) for k in range(size)]
        case FunctionsDomain():
            return [_sample_function(domain, k, salt) for k in range(size)]
    raise AssertionError(domain)


def _sample_point(space: Space, k: int, salt: int) -> Outcome:
    return Outcome(space, {}, lambda coin: digest(salt, k, coin.name) % coin.faces)


def _scatter(pool: Sequence[Value], size: int, salt: int) -> list[Value]:
    if len(pool) <= size:
        return list(pool)
    simple = min(2, size)
    rest = list(pool[simple:])
    rest.sort(key=lambda x: digest(salt, x))
    return list(pool[:simple]) + rest[: size - simple]


def _sample_function(domain: FunctionsDomain, k: int, salt: int) -> Function:
    """The `k`-th sample: unit arrays first, then scattered entries; polynomials and kinks on the real line."""
    if all(isinstance(d, IntervalDomain) for d in domain.domains) and len(domain.domains) == 1:
        pool = list(real_functions())
        f = pool[k % len(pool)]
        return Function(domain.domains, f.rule, f.smooth)
    target = domain.codomain
    values = within(target) if isinstance(target, IntervalDomain) else sample(target, 6, salt)
    free = isinstance(target, IntervalDomain) and target.lo is None and target.hi is None

    def rule(args: tuple[Value, ...]) -> Value:
        key = tuple(a.face(a.space.atom) if isinstance(a, Outcome) else a for a in args)
        if free and k < 3 and all(isinstance(x, int) for x in key):
            return (ONE if key == _kth_index(domain, k) else ZERO) if k else ONE
        return values[digest(salt, k, key) % len(values)]

    return Function(domain.domains, rule)


def _kth_index(domain: FunctionsDomain, k: int) -> tuple[int, ...]:
    ranges = [d.members() if isinstance(d, RangeDomain) else range(8) for d in domain.domains]
    for place, index in zip(count(1), product(*ranges), strict=False):
        if place == k:
            return index
    return ()
