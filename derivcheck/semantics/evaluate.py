"""The evaluator: what every term of the language denotes in an interpretation.

It knows meanings and no algebra, and shares nothing with the prover.  The nodes it understands:

================================  ==================================================================================
``sym`` ``bound``                 what the interpretation, or the binder, says
``aff`` ``real`` ``num`` ``pi``   integers, their embedding, rationals, a ball around the circle constant
``add neg mul div pow scale``     arithmetic; sums and multiples of functions entry by entry
``fn max min``                    scalar functions (`numbers.SCALAR`), largest and smallest
``ind ite``                       Iverson's bracket; a choice that evaluates one branch only
``factorial binomial``            exact integers
``int``                           a sum over a range, an enumeration of a finite space, a rigorous integral
``prod max_over min_over``        over finite ranges (largest and smallest also over finite spaces)
``argmax argmin``                 the first index at which the value is extremal
``deriv``                         dual numbers, by a real or by one entry of an array; nested for higher derivatives
``lim``                           extrapolation on a geometric grid: numeric, never rigorous
``lam app``                       functions and arrays; every argument is checked against its domain
``matmul transpose inverse``      exact linear algebra, as are ``identity diag hadamard trace det``
``defn``                          unfolded by the language before evaluation
``eq le lt and or not implies``   propositions, to a `Judgement`
``forall exists``                 enumerated over finite domains, else sampled: then they refute or support only
``integrable pred true false``    see `predicates`
``range interval space ...``      domains and measures
================================  ==================================================================================

Values are computed by the rules in `arithmetic`, `binders` and `linear_algebra`, propositions judged by those in
`comparison`, `quantifiers` and `predicates`.  Work is counted: every node costs one unit of the budget, and
running out is `BudgetExceeded`, never a verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from flint import fmpq

from derivcheck.language.definitions import unfold
from derivcheck.language.terms import Term
from derivcheck.semantics import arithmetic, binders, linear_algebra
from derivcheck.semantics import numbers as nm
from derivcheck.semantics.binders import reaches
from derivcheck.semantics.comparison import comparison
from derivcheck.semantics.judgement import (
    FALSE,
    TRUE,
    Judgement,
    Truth,
    combined,
    disjunction,
    guarded,
    implication,
    negation,
    unknown,
)
from derivcheck.semantics.numbers import BudgetExceeded, Imprecise, Kink, NotAnalytic, Number, Undefined, Unknown
from derivcheck.semantics.predicates import PREDICATES, integrable
from derivcheck.semantics.quantifiers import exists, for_all
from derivcheck.semantics.values import (
    AtomicMeasure,
    CountingMeasure,
    Domain,
    Function,
    FunctionsDomain,
    IntegersDomain,
    IntervalDomain,
    LebesgueMeasure,
    Measure,
    Outcome,
    RangeDomain,
    Space,
    SpaceDomain,
    Value,
)

#: How many members of an infinite domain a whole nest of quantifiers may try.
SAMPLES = 343
#: Size at which the memo is emptied.
MOST_REMEMBERED = 50_000

Environment = tuple[Value, ...]


@dataclass(slots=True)
class State:
    """What one judgement shares with everything that is evaluated on its way."""

    budget: int
    #: How many members of an infinite domain a whole nest of quantifiers may try.
    samples: int
    spent: int = 0
    #: A limit, a series or an improper integral has been extrapolated: no later comparison is rigorous.
    numeric: bool = False
    #: An integral has been estimated from values at points, which may miss a narrow peak: nothing is refuted by it.
    guessed: bool = False
    #: Inside an integrand: whether Arb demands analyticity on the box; None elsewhere.
    analytic: bool | None = None
    #: How many derivatives have been begun; nested ones must not share a tag.
    tags: int = 0


class World(Protocol):
    """What the evaluator asks of an interpretation."""

    #: Scatters the samples of quantifiers over infinite domains.
    salt: int
    #: Some value of the interpretation was itself extrapolated.
    numeric: bool

    def symbol(self, term: Term) -> Value:
        """The value of a free symbol."""

    def space(self, name: str) -> Space:
        """The finite space of that name."""


def _identity(value: Value) -> object:
    """What the memo knows a bound variable's value by; numbers and points by value, the rest by object."""
    if type(value) is Outcome and value.toss is None:
        return (id(value.space), frozenset(value.faces.items()))
    return _same_object(value)


def _same_object(value: Value) -> object:
    """The same for a function that is evaluated later: it keeps hold of the outcome whose coins it will ask for."""
    return value if isinstance(value, int | fmpq) else id(value)


class Evaluator:
    """Evaluates closed terms in a `World`.

    Parameters
    ----------
    world : World
        The values of symbols and spaces.
    budget : int
        How many nodes may be evaluated before `BudgetExceeded`.
    samples : int
        How many members of an infinite domain a nest of quantifiers may try.
    definitions : bool
        Whether this is the evaluator by which the world builds its own values; it then joins the `State` of whatever
        judgement is under way.
    """

    def __init__(
        self, world: World, budget: int = 200_000, *, samples: int = SAMPLES, definitions: bool = False
    ) -> None:
        self.world = world
        self.state = State(budget, samples)
        self._definitions = definitions
        self._memo: dict[object, tuple[Value, Environment]] = {}
        #: Sampled quantifiers under way: a nest of them shares its samples.
        self.sampling = 0

    # ------------------------------------------------------------------------------------------------- entry points

    def value(self, term: Term) -> Value:
        """What the closed `term` denotes.

        Raises
        ------
        Undefined
            If it denotes nothing here.
        Unknown
            If that cannot be computed.
        """
        return self.eval(unfold(term), ())

    def judge(self, proposition: Term) -> Judgement:
        """Whether the closed `proposition` holds here.

        Raises
        ------
        BudgetExceeded
            If the work runs out.
        """
        return self.holds(unfold(proposition), ())

    # ----------------------------------------------------------------------------------------------------- the core

    def charge(self, amount: int = 1) -> None:
        """Count work."""
        state = self.state
        state.spent += amount
        if state.spent > state.budget:
            raise BudgetExceeded(f"the budget of {state.budget} nodes ran out")

    def charge_for_digits(self, step: int, x: Number) -> None:
        """Count the length of a rational that grows in a loop: adding long fractions is the work then."""
        if step % 32 == 0 and isinstance(x, fmpq):
            self.charge(int(x.q).bit_length() // 64 + int(abs(x.p)).bit_length() // 64)

    def tiring(self) -> bool:
        """Whether half of the budget is gone: an extrapolation then makes do with what it has."""
        return self.state.spent > self.state.budget // 2

    def extrapolated(self) -> None:
        """Note that a value is not rigorous."""
        self.state.numeric = True
        if self._definitions:
            self.world.numeric = True

    def eval(self, term: Term, env: Environment) -> Value:
        """The value of an unfolded term whose bound variables are given by `env`, innermost first."""
        state = self.state
        state.spent += 1  # what `charge` does, in the innermost of all loops
        if state.spent > state.budget:
            self.charge(0)
        rule = _RULES.get(term.op)
        if rule is None:
            raise Unknown(f"no meaning is implemented for '{term.op}'")
        if term.op not in _REMEMBERED or state.analytic is not None:
            return rule(self, term, env)
        used = tuple(env[i] for i in reaches(term))
        key = (term, tuple(map(_same_object if term.sort.kind == "fun" else _identity, used)))
        known = self._memo.get(key)
        if known is not None:
            return known[0]
        value = rule(self, term, env)
        if len(self._memo) > MOST_REMEMBERED:
            self._memo.clear()
        # The values used are kept alive, so that their identities stay theirs.
        self._memo[key] = (value, used)
        return value

    def integer(self, term: Term, env: Environment) -> int:
        """The value of an integer term."""
        value = self.eval(term, env)
        if not isinstance(value, int):
            raise Unknown(f"'{term.op}' is not an integer here")
        return value

    def enclosure(self, compute: Callable[[], Number], wide: Callable[[], Number]) -> Number:
        """`compute`, or the enclosure `wide` where a box straddles a corner and Arb does not ask for analyticity."""
        try:
            return compute()
        except NotAnalytic:
            if self.state.analytic is False:
                return wide()
            raise

    def absolute(self, x: Number) -> Number:
        """The absolute value, also of a box that straddles zero."""
        return self.enclosure(lambda: nm.absolute(x), lambda: nm.wide_extremum(x, nm.neg(x), 1))

    def guess(self) -> None:
        """Note that an integral is estimated from points only.

        Raises
        ------
        Unknown
            If the value would become part of the interpretation.
        """
        if self._definitions:
            raise Unknown("an integral that Arb cannot enclose")
        self.state.guessed = True

    def fresh_tag(self) -> int:
        """A tag for one more derivative."""
        self.state.tags += 1
        return self.state.tags

    # ------------------------------------------------------------------------------------------------- propositions

    def decide(self, p: Term, env: Environment) -> bool:
        """The truth of a condition inside a value.

        Raises
        ------
        Unknown, Undefined
            If there is no certain answer.
        """
        self.charge()
        match p.op:
            case "eq" | "le" | "lt":
                x, y = self.eval(p.args[0], env), self.eval(p.args[1], env)
                if isinstance(x, int) and isinstance(y, int):
                    sign = (x > y) - (x < y)
                elif isinstance(x, Outcome | Function):
                    return self._certain(p, env)
                else:
                    sign = nm.compare_locally(x, y)
                return sign == 0 if p.op == "eq" else sign <= 0 if p.op == "le" else sign < 0
            case "and":
                return all(self.decide(q, env) for q in p.args)
            case "or":
                return any(self.decide(q, env) for q in p.args)
            case "not":
                return not self.decide(p.args[0], env)
            case "implies":
                return not self.decide(p.args[0], env) or self.decide(p.args[1], env)
            case "true" | "false":
                return p.op == "true"
            case "forall" | "exists":
                domain = self.domain(p.args[0], env)
                if isinstance(domain, RangeDomain):
                    combine = all if p.op == "forall" else any
                    return combine(self.decide(p.args[1], (v, *env)) for v in domain.members())
        return self._certain(p, env)

    def _certain(self, p: Term, env: Environment) -> bool:
        j = self.holds(p, env)
        match j.truth:
            case Truth.TRUE:
                return True
            case Truth.FALSE:
                return False
            case Truth.UNDEFINED:
                raise Kink(j.reason) if j.kink else Undefined(j.reason)
        raise Imprecise(j.reason or "a condition is only supported")

    def holds(self, p: Term, env: Environment) -> Judgement:
        """The judgement of a proposition."""
        self.charge()
        match p.op:
            case "eq" | "le" | "lt":
                return guarded(lambda: comparison(self, p, env))
            case "and":
                return combined(p, (self.holds(q, env) for q in p.args))
            case "or":
                return disjunction(self.holds(q, env) for q in p.args)
            case "not":
                return negation(self.holds(p.args[0], env))
            case "implies":
                return implication(self.holds(p.args[0], env), lambda: self.holds(p.args[1], env))
            case "true":
                return TRUE
            case "false":
                return FALSE
            case "forall":
                return guarded(lambda: for_all(self, p, env))
            case "exists":
                return guarded(lambda: exists(self, p, env))
            case "integrable":
                return guarded(lambda: integrable(self, p, env))
            case "pred":
                return guarded(lambda: PREDICATES[p.data](self, p, env))
        return unknown(f"no meaning is implemented for the proposition '{p.op}'")

    # ------------------------------------------------------------------------------------------ domains and measures

    def domain(self, d: Term, env: Environment) -> Domain:
        """The domain that a term denotes."""
        match d.op:
            case "range":
                hi = d.args[1]
                return RangeDomain(self.integer(d.args[0], env), None if hi.op == "oo" else self.integer(hi, env))
            case "interval":
                return IntervalDomain(self._end(d.args[0], env), self._end(d.args[1], env))
            case "integers":
                return IntegersDomain()
            case "space":
                return SpaceDomain(self.world.space(d.data))
            case "functions":
                return FunctionsDomain(tuple(self.domain(a, env) for a in d.args[:-1]), self.domain(d.args[-1], env))
        raise Unknown(f"no meaning is implemented for the domain '{d.op}'")

    def _end(self, x: Term, env: Environment) -> Number | None:
        if x.op == "oo" or (x.op == "neg" and x.args[0].op == "oo"):
            return None
        value: Number = self.eval(x, env)
        return value

    def measure(self, m: Term, env: Environment) -> CountingMeasure | LebesgueMeasure | AtomicMeasure | Measure:
        """The measure that a term denotes."""
        match m.op:
            case "counting":
                domain = self.domain(m.args[0], env)
                assert isinstance(domain, RangeDomain)
                return CountingMeasure(domain)
            case "lebesgue":
                interval = self.domain(m.args[0], env)
                assert isinstance(interval, IntervalDomain)
                return LebesgueMeasure(interval)
            case "sym":
                value = self.world.symbol(m)
                assert isinstance(value, Measure | AtomicMeasure)
                return value
        raise Unknown(f"no meaning is implemented for the measure '{m.op}'")


Rule = Callable[[Evaluator, Term, Environment], Value]

#: What each node denotes.
_RULES: dict[str, Rule] = {**arithmetic.RULES, **binders.RULES, **linear_algebra.RULES}

#: Nodes whose values are remembered for the bound values they depend on.
_REMEMBERED = frozenset(
    {"int", "prod", "max_over", "min_over", "argmax", "argmin", "deriv", "lim", "lam", "matmul", "transpose"}
    | {"inverse", "det", "trace", "fn", "scale", "hadamard"}
)
