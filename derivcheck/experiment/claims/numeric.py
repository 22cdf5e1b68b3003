"""Terms in floating point, many rows at a time: the evaluator of experiments.

It shares nothing with the prover, and with the exact evaluator only the values of the symbols that are not random.  A
real term becomes an array of shape ``(1,)`` or ``(rows,)``; an array term one more axis for each index.

========================  ==============================================================================
numbers                   ``num pi real add neg mul div pow fn max min ind ite factorial binomial``
bound over finite ranges  ``int`` (a sum), ``prod max_over min_over argmax argmin forall exists``
arrays                    ``sym app lam transpose matmul inverse identity diag hadamard scale trace det``
propositions              ``eq le lt not and or implies true false``
definitions               unfold
measured, not evaluated   ``deriv``, an ``int`` over outcomes, and `STATISTICS`: raise `Unmeasured` until
                          a value is given
========================  ==============================================================================
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import product
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from derivcheck.language import INT, REAL, Term, apply, domain_of_measure, domains, instantiate, integer
from derivcheck.language.constructors import affine_parts

Rows = NDArray[np.float64]

#: Definitions that are measured as a whole rather than unfolded: (measure, function of the outcome, ...).
STATISTICS = frozenset({"Expect", "Var", "Cov"})

#: Members of a range, and entries of an array, beyond which nothing is enumerated.
MOST = 100_000


class Unsupported(Exception):
    """The experiment cannot say what this means; the message names it."""


class Unmeasured(Exception):
    """A term whose value has to be measured first."""

    def __init__(self, term: Term) -> None:
        super().__init__(str(term))
        self.term = term


class World(Protocol):
    """Where symbols get their values."""

    def integer(self, symbol: Term) -> int:
        """The value of an integer symbol."""

    def real(self, symbol: Term) -> Rows:
        """The values of a real symbol, shape (1,) or (rows,)."""

    def at(self, symbol: Term, args: tuple[Any, ...]) -> Rows:
        """The value of a function symbol at integers, real rows, or outcomes (None)."""

    def make_equal(self, premise: Term) -> bool:
        """Give a symbol that is free to choose the value that makes an equation true; False if there is none."""


def _function(name: str) -> Callable[[Rows], Rows]:
    simple: dict[str, Callable[[Rows], Rows]] = {
        "exp": np.exp,
        "log": np.log,
        "abs": np.abs,
        "sin": np.sin,
        "cos": np.cos,
        "tanh": np.tanh,
        "atan": np.arctan,
        "sign": np.sign,
    }
    if name in simple:
        return simple[name]
    from scipy import special

    known: dict[str, Callable[[Rows], Rows]] = {
        "erf": special.erf,
        "gamma": special.gamma,
        "loggamma": special.gammaln,
    }
    return known[name]


class Numeric:
    """Evaluates closed terms in a world.

    Parameters
    ----------
    world : World
        The values of the symbols.
    measured : mapping
        The values of measured terms.
    """

    def __init__(self, world: World, measured: Mapping[Term, Rows] | None = None) -> None:
        self.world = world
        self.measured = dict(measured or {})
        self._known: dict[Term, Rows] = {}

    # -------------------------------------------------------------------------------------------------- integers

    def integer(self, term: Term) -> int:
        """The value of an integer term."""
        match term.op:
            case "aff":
                const, parts = affine_parts(term)
                return const + sum(k * self.integer(a) for a, k in parts.items())
            case "sym":
                return self.world.integer(term)
            case "argmax" | "argmin":
                members = self.members(term.args[0])
                values = [self.single(instantiate(term.body, integer(j))) for j in members]
                best = np.argmax(values) if term.op == "argmax" else np.argmin(values)
                return members[int(best)]
            case "app":
                return int(self.single(term))
        raise Unsupported(f"the integer '{term}'")

    def members(self, domain: Term) -> range:
        """The members of a finite range."""
        if domain.op != "range" or domain.args[1].op == "oo":
            raise Unsupported(f"running over '{domain}'")
        out = range(self.integer(domain.args[0]), self.integer(domain.args[1]) + 1)
        if len(out) > MOST:
            raise Unsupported(f"a range of {len(out)} members")
        return out

    # ----------------------------------------------------------------------------------------------------- reals

    def single(self, term: Term) -> float:
        """The value of a term that is the same in every row."""
        value = self.real(term)
        if value.shape != (1,):
            raise Unsupported(f"'{term}' is not the same for every outcome")
        return float(value[0])

    def real(self, term: Term) -> Rows:
        """The values of a real term."""
        known = self._known.get(term)
        if known is None:
            with np.errstate(all="ignore"):
                known = self._known[term] = self._real(term)
        return known

    def _real(self, term: Term) -> Rows:
        if term in self.measured:
            return self.measured[term]
        args = term.args
        match term.op:
            case "num":
                return np.array([float(term.data)])
            case "pi":
                return np.array([math.pi])
            case "real":
                return np.array([float(self.integer(args[0]))])
            case "sym":
                return self.world.real(term)
            case "app":
                return self._at(args[0], args[1:])
            case "add":
                return sum((self.real(a) for a in args[1:]), self.real(args[0]))
            case "neg":
                return -self.real(args[0])
            case "mul":
                return math.prod((self.real(a) for a in args[1:]), start=self.real(args[0]))
            case "div":
                return self.real(args[0]) / self.real(args[1])
            case "pow":
                return self.real(args[0]) ** self.real(args[1])
            case "fn":
                return _function(term.data)(self.real(args[0]))
            case "max" | "min":
                pick = np.maximum if term.op == "max" else np.minimum
                out = self.real(args[0])
                for a in args[1:]:
                    out = pick(out, self.real(a))
                return out
            case "ind":
                return self.truth(args[0]).astype(np.float64)
            case "ite":
                return np.where(self.truth(args[0]), self.real(args[1]), self.real(args[2]))
            case "factorial":
                return np.array([float(math.factorial(self.integer(args[0])))])
            case "binomial":
                n, k = (self.integer(a) for a in args)
                return np.array([float(math.comb(n, k)) if 0 <= k <= n else 0.0])
            case "int":
                return self._integral(term)
            case "prod":
                return math.prod(self._each(term, args[0]), start=np.ones(1))
            case "max_over" | "min_over":
                values = self._each(term, args[0])
                if not values:
                    raise Unsupported("an extremum over nothing")
                pick = np.maximum if term.op == "max_over" else np.minimum
                out = values[0]
                for v in values[1:]:
                    out = pick(out, v)
                return out
            case "deriv":
                raise Unmeasured(term)
            case "matmul" | "trace" | "det":
                return self._scalar_of_arrays(term)
            case "defn":
                if term.data.name in STATISTICS:
                    raise Unmeasured(term)
                return self.real(term.data.unfold(*args))
        raise Unsupported(f"the operator '{term.op}'")

    def _each(self, term: Term, domain: Term) -> list[Rows]:
        return [self.real(instantiate(term.body, integer(j))) for j in self.members(domain)]

    def _integral(self, term: Term) -> Rows:
        measure = term.args[0]
        if measure.op == "counting":
            values = self._each(term, domain_of_measure(measure))
            return sum(values[1:], values[0]) if values else np.zeros(1)
        if measure.op == "sym" and domain_of_measure(measure).op == "space":
            raise Unmeasured(term)
        raise Unsupported(f"an integral against '{measure}'")

    # ------------------------------------------------------------------------------------------------- functions

    def _at(self, f: Term, args: tuple[Term, ...]) -> Rows:
        match f.op:
            case "sym":
                return self.world.at(f, tuple(self._argument(a) for a in args))
            case "defn":
                return self.real(apply(f.data.unfold(*f.args), *args))
            case "add":
                return sum((self._at(g, args) for g in f.args[1:]), self._at(f.args[0], args))
            case "neg":
                return -self._at(f.args[0], args)
            case "scale":
                return self.real(f.args[0]) * self._at(f.args[1], args)
            case "hadamard":
                return self._at(f.args[0], args) * self._at(f.args[1], args)
            case "transpose":
                return self._at(f.args[0], args[::-1])
            case "lam":
                return self.real(apply(f, *args))
        where = tuple(self.integer(a) - 1 for a in args)
        entries = self.array(f)
        if any(not 0 <= i < n for i, n in zip(where, entries.shape[1:], strict=True)):
            raise Unsupported(f"an index outside '{f}'")
        return pick_entry(entries, where)

    def _argument(self, term: Term) -> Any:
        if term.sort == INT:
            return self.integer(term)
        if term.sort == REAL:
            return self.real(term)
        if term.sort.kind == "point" and term.op == "sym":
            return None
        raise Unsupported(f"the argument '{term}'")

    def array(self, term: Term) -> Rows:
        """The entries of an array term, shape (1 or rows, size, ...)."""
        match term.op:
            case "transpose":
                return self.array(term.args[0]).swapaxes(1, 2)
            case "matmul":
                a, b = (self.array(x) for x in term.args)
                return _product(
                    {(3, 3): "nij,njk->nik", (3, 2): "nij,nj->ni", (2, 3): "ni,nij->nj"}[a.ndim, b.ndim], a, b
                )
            case "inverse":
                return np.asarray(np.linalg.inv(self.array(term.args[0])), dtype=np.float64)
            case "identity":
                return np.eye(self.integer(term.args[0]))[None]
            case "diag":
                v = self.array(term.args[0])
                return v[:, :, None] * np.eye(v.shape[1])
            case "add":
                return sum((self.array(x) for x in term.args[1:]), self.array(term.args[0]))
            case "neg":
                return -self.array(term.args[0])
            case "scale":
                a = self.array(term.args[1])
                return self.real(term.args[0]).reshape(-1, *[1] * (a.ndim - 1)) * a
            case "hadamard":
                return self.array(term.args[0]) * self.array(term.args[1])
            case "defn":
                return self.array(term.data.unfold(*term.args))
        ranges = [self.members(d) for d in domains(term)]
        if math.prod(map(len, ranges)) > MOST:
            raise Unsupported(f"an array with {math.prod(map(len, ranges))} entries")
        entries = [self.real(apply(term, *map(integer, at))) for at in product(*ranges)]
        return np.stack(_rows(*entries), axis=-1).reshape(-1, *map(len, ranges))

    def _scalar_of_arrays(self, term: Term) -> Rows:
        if term.op == "matmul":
            left, right = (self.array(x) for x in term.args)
            return _product("ni,ni->n", left, right)
        a = self.array(term.args[0])
        return np.asarray(np.trace(a, axis1=1, axis2=2) if term.op == "trace" else np.linalg.det(a), dtype=np.float64)

    # ---------------------------------------------------------------------------------------------- propositions

    def truth(self, term: Term) -> NDArray[np.bool_]:
        """Whether a proposition holds, row by row."""
        args = term.args
        match term.op:
            case "true" | "false":
                return np.array([term.op == "true"])
            case "eq" | "le" | "lt":
                compare: Callable[[Any, Any], Any] = {"eq": np.equal, "le": np.less_equal, "lt": np.less}[term.op]
                if args[0].sort == INT:
                    return np.array([compare(self.integer(args[0]), self.integer(args[1]))])
                if args[0].sort == REAL:
                    return np.asarray(compare(self.real(args[0]), self.real(args[1])))
            case "not":
                return ~self.truth(args[0])
            case "and" | "or":
                out = self.truth(args[0])
                for a in args[1:]:
                    out = out & self.truth(a) if term.op == "and" else out | self.truth(a)
                return out
            case "implies":
                premise = self.truth(args[0])
                return ~premise | self.truth(args[1]) if premise.any() else ~premise
            case "forall" | "exists":
                each = [self.truth(instantiate(term.body, integer(j))) for j in self.members(args[0])]
                start = np.array([term.op == "forall"])
                for holds in each:
                    start = start & holds if term.op == "forall" else start | holds
                return start
        raise Unsupported(f"the proposition '{term}'")


def pick_entry(entries: Rows, where: tuple[int, ...]) -> Rows:
    """One entry of an array, shape (rows,)."""
    out: Rows = entries[(slice(None), *where)]  # type: ignore[arg-type]
    return out


def _product(sums: str, left: Rows, right: Rows) -> Rows:
    """A product of arrays, row by row."""
    return np.asarray(np.einsum(sums, *_rows(left, right)), dtype=np.float64)


def _rows(*arrays: Rows) -> list[Rows]:
    """The arrays with their first axes made equal."""
    rows = max(a.shape[0] for a in arrays)
    return [np.broadcast_to(a, (rows, *a.shape[1:])) for a in arrays]
