"""What terms denote, numbers aside: domains, functions (arrays), finite spaces, outcomes and measures.

A finite probability space is a product of *coins*, each with finitely many faces.  An `Outcome` learns the face of a
coin only when somebody looks at it; an integral tosses exactly the coins that its integrand looks at, so a family of
a thousand independent variables costs nothing until it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from derivcheck.semantics.numbers import ONE, ZERO, Number, Undefined, Unknown, add, compare, mul, total

#: Anything that a term denotes: a number, an int, a domain, a function, an outcome, a measure.
Value = Any


# --------------------------------------------------------------------------------------------------------- domains


@dataclass(frozen=True, slots=True)
class RangeDomain:
    """The integers from `lo` to `hi`; ``hi is None`` is infinity."""

    lo: int
    hi: int | None

    def members(self) -> range:
        """The members of a finite range, in order.

        Raises
        ------
        Unknown
            If the range is infinite.
        """
        if self.hi is None:
            raise Unknown("a range without end")
        return range(self.lo, self.hi + 1)

    def check(self, x: Value) -> None:
        """Refuse an index outside: indices never wrap."""
        if x < self.lo or (self.hi is not None and x > self.hi):
            raise Undefined(f"index {x} is outside {self.lo}..{'' if self.hi is None else self.hi}")


@dataclass(frozen=True, slots=True)
class IntegersDomain:
    """All integers."""

    def check(self, x: Value) -> None:
        """Every integer belongs."""


@dataclass(frozen=True, slots=True)
class IntervalDomain:
    """A real interval; ``None`` is an infinite end."""

    lo: Number | None
    hi: Number | None

    def check(self, x: Value) -> None:
        """Refuse a point that certainly lies outside (a complex box belongs to an integrator that knows better)."""
        from flint import acb

        from derivcheck.semantics.numbers import primal

        v = primal(x)
        if isinstance(v, acb):
            return
        if (self.lo is not None and v < primal(self.lo)) or (self.hi is not None and v > primal(self.hi)):
            raise Undefined("argument outside the interval")


@dataclass(frozen=True, slots=True)
class SpaceDomain:
    """The points of a finite space."""

    space: Space

    def check(self, x: Value) -> None:
        """Refuse a point of another space."""
        if not isinstance(x, Outcome) or x.space is not self.space:
            raise Undefined(f"not a point of {self.space.name}")


@dataclass(frozen=True, slots=True)
class FunctionsDomain:
    """The functions from a product of domains to a domain."""

    domains: tuple[Domain, ...]
    codomain: Domain

    def check(self, x: Value) -> None:
        """Shapes are checked when terms are built."""


Domain = RangeDomain | IntegersDomain | IntervalDomain | SpaceDomain | FunctionsDomain


# ------------------------------------------------------------------------------------------------------- functions


#: Stands for an entry of an array while it is computed.
UNDERWAY = object()


class Function:
    """A function of ``len(domains)`` arguments, uncurried; an array when the domains are ranges.

    Parameters
    ----------
    domains : tuple of Domain
        Where the arguments live; every call is checked against them.
    rule : callable
        From a tuple of that many arguments to the value.
    smooth : bool or None
        Whether it is differentiable everywhere, where the builder knows.
    """

    __slots__ = ("_known", "domains", "rule", "smooth")

    def __init__(
        self,
        domains: tuple[Domain, ...],
        rule: Callable[[tuple[Value, ...]], Value],
        smooth: bool | None = None,
    ) -> None:
        self.domains = domains
        self.rule = rule
        self.smooth = smooth
        self._known: dict[tuple[int, ...], Value] = {}

    def at(self, args: tuple[Value, ...]) -> Value:
        """The value at `args`; a function of the rest when there are fewer.

        Raises
        ------
        Undefined
            If an argument is outside its domain.
        Unknown
            If the value at these indices is needed to compute itself.
        """
        arity = len(self.domains)
        if len(args) < arity:
            return Function(self.domains[len(args) :], lambda rest: self.at(args + rest))
        head = args[:arity]
        indexed = all([type(a) is int for a in head])
        value = self._known.get(head) if indexed else None
        if value is UNDERWAY:
            raise Unknown("a value that is defined by itself")
        if value is None:
            for d, a in zip(self.domains, head, strict=True):
                d.check(a)
            if not indexed:
                value = self.rule(head)
            else:
                self._known[head] = UNDERWAY
                try:
                    value = self._known[head] = self.rule(head)
                finally:
                    if self._known[head] is UNDERWAY:
                        del self._known[head]
        return value.at(args[arity:]) if len(args) > arity else value

    def known(self) -> dict[tuple[int, ...], Value]:
        """The entries of an array that have been looked at."""
        return dict(self._known)

    def shape(self) -> tuple[RangeDomain, ...]:
        """The ranges of an array's indices.

        Raises
        ------
        Unknown
            If some argument is not an index.
        """
        for d in self.domains:
            if not isinstance(d, RangeDomain):
                raise Unknown("an array over something that is not a range")
        return self.domains  # type: ignore[return-value]

    def rows(self) -> list[list[Number]]:
        """The entries of a matrix."""
        r, c = self.shape()
        return [[self.at((i, j)) for j in c.members()] for i in r.members()]

    def entries(self) -> list[Number]:
        """The entries of a vector."""
        (r,) = self.shape()
        return [self.at((i,)) for i in r.members()]


def array_of(domains: tuple[RangeDomain, ...], table: Mapping[tuple[int, ...], Number]) -> Function:
    """The array with the given table of entries."""
    return Function(domains, lambda args: table[args])


def pointwise(combine: Callable[..., Number], *fs: Function) -> Function:
    """The function whose values are combined from those of functions of one shape."""

    def rule(args: tuple[Value, ...]) -> Value:
        values = [f.at(args) for f in fs]
        return pointwise(combine, *values) if isinstance(values[0], Function) else combine(*values)

    if any(f.domains != fs[0].domains for f in fs):
        raise Undefined("arrays of different shapes")
    return Function(fs[0].domains, rule)


def matrix_of(rows: list[list[Number]], shape: tuple[RangeDomain, RangeDomain]) -> Function:
    """The matrix with the given rows."""
    r, c = shape
    return Function(shape, lambda ij: rows[ij[0] - r.lo][ij[1] - c.lo])


# ----------------------------------------------------------------------------------- finite spaces and their measures


class Coin:
    """One factor of a finite space, with `faces` faces."""

    __slots__ = ("faces", "name")

    def __init__(self, name: str, faces: int) -> None:
        self.name = name
        self.faces = faces

    def __repr__(self) -> str:
        return f"coin {self.name}"


class Space:
    """A finite space: the product of its coins.  The first coin is what densities and tables depend on."""

    __slots__ = ("atom", "coins", "name")

    def __init__(self, name: str, faces: int) -> None:
        self.name = name
        self.atom = Coin(f"{name}.atom", faces)
        self.coins = [self.atom]

    def coin(self, name: str, faces: int) -> Coin:
        """One more factor."""
        self.coins.append(Coin(f"{self.name}.{name}", faces))
        return self.coins[-1]


class NeedsCoin(Exception):
    """Somebody looked at a coin that has not been tossed."""

    def __init__(self, coin: Coin, outcome: Outcome) -> None:
        self.coin = coin
        self.outcome = outcome


class Outcome:
    """A point of a space: the faces of the coins tossed so far."""

    __slots__ = ("faces", "space", "toss")

    def __init__(self, space: Space, faces: dict[Coin, int], toss: Callable[[Coin], int] | None = None) -> None:
        self.space = space
        self.faces = faces
        #: How a coin that nobody has looked at is tossed; None hands the question to the integral above.
        self.toss = toss

    def face(self, coin: Coin) -> int:
        """The face that `coin` shows."""
        known = self.faces.get(coin)
        if known is not None:
            return known
        if self.toss is None:
            raise NeedsCoin(coin, self)
        self.faces[coin] = self.toss(coin)
        return self.faces[coin]

    def pick(self, coin: Coin, values: Sequence[Number]) -> Number:
        """The value that belongs to the face that `coin` shows."""
        return values[self.face(coin)]


@dataclass(slots=True)
class Measure:
    """A finite measure on a space, the product of weights on its coins.

    Only the space's first coin may have a total weight other than 1; `weigh` supplies the weights of a coin when it is
    first needed.
    """

    space: Space
    weigh: Callable[[Coin], list[Number]]
    _weights: dict[Coin, list[Number]] = field(default_factory=dict)

    def weights(self, coin: Coin) -> list[Number]:
        """The weights of a coin's faces."""
        known = self._weights.get(coin)
        if known is None:
            known = self._weights[coin] = self.weigh(coin)
        return known

    def weighed(self, coin: Coin) -> bool:
        """Whether the weights of a coin's faces are known already."""
        return coin in self._weights

    def set_weights(self, coin: Coin, weights: list[Number]) -> None:
        """Fix the weights of a coin."""
        self._weights[coin] = weights

    def mass(self) -> Number:
        """The measure of the whole space."""
        return total(self.weights(self.space.atom))


@dataclass(frozen=True, slots=True)
class CountingMeasure:
    """Weight 1 at every member of a range."""

    domain: RangeDomain


@dataclass(frozen=True, slots=True)
class LebesgueMeasure:
    """Length."""

    domain: IntervalDomain


@dataclass(frozen=True, slots=True)
class AtomicMeasure:
    """Finitely many weighted points of a range or an interval."""

    domain: Domain
    points: list[Value]
    weights: list[Number]


def branches(space: Space, visit: Callable[[Outcome], Value]) -> Iterator[tuple[dict[Coin, int], Value]]:
    """Toss exactly the coins that `visit` looks at: each combination of their faces with the value found."""
    stack: list[dict[Coin, int]] = [{}]
    while stack:
        faces = stack.pop()
        outcome = Outcome(space, faces)
        try:
            value = visit(outcome)
        except NeedsCoin as question:
            if question.outcome is not outcome:
                raise  # an enclosing integral's outcome: its own loop tosses the coin
            coin = question.coin
            stack.extend({**faces, coin: f} for f in reversed(range(coin.faces)))
            continue
        yield faces, value


def weight(measure: Measure, faces: Mapping[Coin, int]) -> Number:
    """The measure of the outcomes that show `faces`."""
    out = ONE
    for coin, face in faces.items():
        out = mul(out, measure.weights(coin)[face])
    if measure.space.atom not in faces:
        out = mul(out, measure.mass())
    return out


def integrate_atoms(measure: Measure, visit: Callable[[Outcome], Number]) -> Number:
    """The integral of `visit` by enumeration of the coins it looks at."""
    out = ZERO
    for faces, value in branches(measure.space, visit):
        out = add(out, mul(weight(measure, faces), value))
    return out


def joint_law(measure: Measure, visit: Callable[[Outcome], tuple[Number, ...]]) -> dict[tuple[Number, ...], Number]:
    """The law of a tuple of exact numbers: value -> weight, zero weights left out."""
    law: dict[tuple[Number, ...], Number] = {}
    for faces, value in branches(measure.space, visit):
        w = weight(measure, faces)
        if compare(w, ZERO) != 0:
            law[value] = add(law.get(value, ZERO), w)
    return law
