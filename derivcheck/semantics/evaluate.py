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

Work is counted: every node costs one unit of the budget, and running out is `BudgetExceeded`, never a verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from math import comb, factorial
from typing import Protocol

from flint import acb, arb, fmpq

from derivcheck.language.definitions import unfold
from derivcheck.language.terms import BINDERS, REAL, Term, make
from derivcheck.semantics import numbers as nm
from derivcheck.semantics.closed_forms import closed_form
from derivcheck.semantics.judgement import (
    FALSE,
    TRUE,
    Judgement,
    Truth,
    conjunction,
    disjunction,
    guarded,
    implication,
    negation,
    unknown,
)
from derivcheck.semantics.limits import limit, series
from derivcheck.semantics.numbers import (
    ONE,
    ZERO,
    BudgetExceeded,
    Dual,
    Imprecise,
    Kink,
    NotAnalytic,
    Number,
    Undefined,
    Unknown,
)
from derivcheck.semantics.polynomials import NotPolynomial, expectation, identical
from derivcheck.semantics.pools import digest, sample
from derivcheck.semantics.predicates import PREDICATES, integrable
from derivcheck.semantics.quadrature import integrate_interval
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
    array_of,
    branches,
    integrate_atoms,
    matrix_of,
)

#: Two balls that overlap count as agreement only if they are this small (in themselves, if both contain zero).
RELATIVE_WIDTH = arb(2) ** -40
ABSOLUTE_WIDTH = arb(2) ** -60
#: The same for extrapolated values, whose radii are estimates.
EXTRAPOLATED_WIDTH = arb(2) ** -30
#: How many members of an infinite domain a whole nest of quantifiers may try.
SAMPLES = 343
#: How many points of a finite space a quantifier enumerates, and how many it samples where there are more.
MOST_POINTS = 729
SAMPLED_POINTS = 64
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


@lru_cache(maxsize=200_000)
def _reaches(term: Term) -> tuple[int, ...]:
    """The de Bruijn indices that reach outside `term`, in order."""
    if not term.loose:
        return ()
    if term.op == "bound":
        return (term.data,)
    out: set[int] = set()
    for position, a in enumerate(term.args):
        inside = term.op in BINDERS and position == len(term.args) - 1
        out.update(i - 1 if inside else i for i in _reaches(a) if not (inside and i == 0))
    return tuple(sorted(out))


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
        self._quantifiers = 0

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
        self.charge()
        rule = _RULES.get(term.op)
        if rule is None:
            raise Unknown(f"no meaning is implemented for '{term.op}'")
        if term.op not in _REMEMBERED or self.state.analytic is not None:
            return rule(self, term, env)
        used = tuple(env[i] for i in _reaches(term))
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
                return guarded(lambda: self._compared(p, env))
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
                return guarded(lambda: self._for_all(p, env))
            case "exists":
                return guarded(lambda: self._exists(p, env))
            case "integrable":
                return guarded(lambda: integrable(self, p, env))
            case "pred":
                return guarded(lambda: PREDICATES[p.data](self, p, env))
        return unknown(f"no meaning is implemented for the proposition '{p.op}'")

    def _compared(self, p: Term, env: Environment) -> Judgement:
        j = self.compared(p.op, self.eval(p.args[0], env), self.eval(p.args[1], env))
        tie = j.truth is Truth.SUPPORTED and j.evidence == "balls" and p.args[0].sort == REAL
        return self._tie(p, env, j) if tie else j

    def _tie(self, p: Term, env: Environment, j: Judgement) -> Judgement:
        """The exact judgement of a comparison whose balls overlap, where both sides are the same closed form."""
        left = closed_form(self, p.args[0], env)
        if left is None or left != closed_form(self, p.args[1], env):
            return j
        return Judgement(Truth.FALSE if p.op == "lt" else Truth.TRUE, "exact", sides=j.sides)

    def compared(self, op: str, x: Value, y: Value) -> Judgement:
        """The judgement of ``x op y`` for two values; functions are compared at every argument."""
        if isinstance(x, int) and isinstance(y, int):
            ok = x == y if op == "eq" else x <= y if op == "le" else x < y
            return Judgement(Truth.TRUE if ok else Truth.FALSE, sides=(str(x), str(y)))
        if isinstance(x, Outcome):
            same = all(x.face(c) == y.face(c) for c in x.space.coins)
            return TRUE if same else FALSE
        if isinstance(x, Function):
            return self._functions_equal(op, x, y)
        return self._numbers_compared(op, x, y)

    def _functions_equal(self, op: str, f: Function, g: Function) -> Judgement:
        d = f.domains[0]
        infinite = not isinstance(d, SpaceDomain) and not (isinstance(d, RangeDomain) and d.hi is not None)
        if isinstance(d, SpaceDomain):
            found = (j for _, j in branches(d.space, lambda w: self.compared(op, f.at((w,)), g.at((w,)))))
            return conjunction(found)
        members = sample(d, self.sample_size(1), self.world.salt) if infinite else d.members()  # type: ignore[union-attr]
        j = conjunction(guarded(lambda v=v: self.compared(op, f.at((v,)), g.at((v,)))) for v in members)  # type: ignore[misc]
        return Judgement(Truth.SUPPORTED, "sampled") if infinite and j.truth is Truth.TRUE else j

    def _numbers_compared(self, op: str, x: Number, y: Number) -> Judgement:
        x, y = nm.primal(x), nm.primal(y)
        numeric = self.state.numeric or self.world.numeric
        sides = (nm.shown(x), nm.shown(y))
        if isinstance(x, fmpq) and isinstance(y, fmpq) and not numeric:
            ok = x == y if op == "eq" else x <= y if op == "le" else x < y
            return Judgement(Truth.TRUE if ok else Truth.FALSE, "exact", sides=sides)
        a, b = nm.as_ball(x), nm.as_ball(y)
        if not (a.is_finite() and b.is_finite()):
            return unknown("a value could not be enclosed")
        evidence = "numeric" if numeric else "balls"
        if a.overlaps(b):
            radius = a.rad() + b.rad()
            # Against the side that is certainly not zero, if there is one: agreement must not depend on the scale.
            scale = a.abs_lower().max(b.abs_lower())
            if scale > 0:
                allowed = scale / 1000 if numeric else RELATIVE_WIDTH * scale
            else:
                allowed = EXTRAPOLATED_WIDTH if numeric else ABSOLUTE_WIDTH
            if radius > allowed:
                raise Imprecise("two numbers cannot be told apart at this precision")
            if op == "lt" and a.is_exact() and b.is_exact() and evidence == "balls":
                return Judgement(Truth.FALSE, "exact", sides=sides)
            return Judgement(Truth.SUPPORTED, evidence, sides=sides)
        if numeric and not ((a - b).abs_lower() > 100 * (a.rad() + b.rad()) and _settled(a) and _settled(b)):
            return unknown("two extrapolated numbers are too uncertain to tell apart")
        ok = op != "eq" and bool(a < b)
        if self.state.guessed and not ok:
            return unknown("two sides differ by an integral estimated from points only")
        if numeric and ok:
            return Judgement(Truth.SUPPORTED, evidence, sides=sides)
        # An order between balls that do not meet is certain.
        return Judgement(Truth.TRUE if ok else Truth.FALSE, evidence, sides=sides)

    # -------------------------------------------------------------------------------------------------- quantifiers

    def sample_size(self, nested: int) -> int:
        """How many members of an infinite domain to try, in a nest of `nested` such quantifiers."""
        size: int = round(self.state.samples ** (1 / nested))
        return max(3, size)

    def members(self, p: Term, env: Environment) -> tuple[Iterable[Value], bool]:
        """The members of a quantifier's domain to try, and whether they are all of them."""
        domain = self.domain(p.args[0], env)
        if isinstance(domain, RangeDomain) and domain.hi is not None and domain.hi - domain.lo < 4096:
            return domain.members(), True
        nested, body = 1, p.args[-1]
        while body.op == p.op and body.args[0].op in ("interval", "integers", "functions"):
            nested, body = nested + 1, body.args[-1]
        salt = digest(self.world.salt, nested)
        # An outer quantifier of the same nest has already divided the samples among its members.
        return sample(domain, self.sample_size(nested + self._quantifiers), salt), False

    def _for_all(self, p: Term, env: Environment) -> Judgement:
        domain = self.domain(p.args[0], env)
        if isinstance(domain, SpaceDomain):
            return self._for_all_points(domain.space, p, env)
        members, complete = self.members(p, env)
        self._quantifiers += not complete
        try:
            j = conjunction(self._instance(p, v, env) for v in members)
        finally:
            self._quantifiers -= not complete
        if not complete and j.truth is Truth.TRUE:
            return replace(j, truth=Truth.SUPPORTED, evidence="sampled")
        return j

    def _for_all_points(self, space: Space, p: Term, env: Environment) -> Judgement:
        """By polynomials in coins where the body is an equation of such, else by enumeration, else by samples."""
        body = p.args[1]
        if body.op == "eq":
            try:
                if identical(space, lambda w: (self.eval(body.args[0], (w, *env)), self.eval(body.args[1], (w, *env)))):
                    return TRUE
            except NotPolynomial:
                pass  # then point by point
        found = branches(space, lambda w: self.holds(body, (w, *env)))
        first = [j for _, j in islice(found, MOST_POINTS)]
        j = conjunction(first)
        if j.truth is Truth.FALSE or len(first) < MOST_POINTS:
            return j
        points = sample(SpaceDomain(space), SAMPLED_POINTS, self.world.salt)
        j = conjunction([j, *(self.holds(body, (w, *env)) for w in points)])
        return replace(j, truth=Truth.SUPPORTED, evidence="sampled") if j.truth is Truth.TRUE else j

    def _instance(self, p: Term, v: Value, env: Environment) -> Judgement:
        j = self.holds(p.args[1], (v, *env))
        if j.truth not in (Truth.FALSE, Truth.UNDEFINED):
            return j
        name = p.hint.split("@")[0] or "v"
        shown = str(v) if isinstance(v, int) else nm.shown(v) if not isinstance(v, Function | Outcome) else show(v)
        return Judgement(j.truth, j.evidence, j.reason, j.sides, ((name, shown), *j.witness), j.kink)

    def _exists(self, p: Term, env: Environment) -> Judgement:
        domain = self.domain(p.args[0], env)
        if isinstance(domain, SpaceDomain):
            found = branches(domain.space, lambda w: self.holds(p.args[1], (w, *env)))
            return disjunction(j for _, j in found)
        members, complete = self.members(p, env)
        self._quantifiers += not complete
        try:
            j = disjunction(self.holds(p.args[1], (v, *env)) for v in members)
        finally:
            self._quantifiers -= not complete
        if not complete and j.truth is not Truth.TRUE:
            return unknown("no witness of an existence statement was found among the samples")
        return j

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


def combined(p: Term, parts: Iterable[Judgement]) -> Judgement:
    """The judgement of `p`, a conjunction or a single statement, from those of its parts.

    Of an implication and its converse, one tests the other where both premises are false: that is not vacuous.
    """
    j = conjunction(parts)
    if p.op == "and" and j.vacuous:
        converses = {make("implies", q.args[::-1], None, q.sort) for q in p.args if q.op == "implies"}
        return replace(j, vacuous=converses.isdisjoint(p.args))
    return j


def _settled(x: Number) -> bool:
    """Whether an extrapolated number is known to a few digits."""
    return bool(x.rad() < EXTRAPOLATED_WIDTH or x.rad() < abs(x.mid()) / 10_000)


# --------------------------------------------------------------------------------------------------- rules, by node


def _sym(ev: Evaluator, t: Term, env: Environment) -> Value:
    return ev.world.symbol(t)


def _bound(ev: Evaluator, t: Term, env: Environment) -> Value:
    return env[t.data]


def _aff(ev: Evaluator, t: Term, env: Environment) -> int:
    out: int = t.data[0]
    for atom, c in zip(t.args, t.data[1:], strict=True):
        out += c * ev.integer(atom, env)
    return out


def _real(ev: Evaluator, t: Term, env: Environment) -> Number:
    return fmpq(ev.integer(t.args[0], env))


def _num(ev: Evaluator, t: Term, env: Environment) -> Number:
    return nm.rational(t.data)


def _pi(ev: Evaluator, t: Term, env: Environment) -> Number:
    return arb.pi()


def _oo(ev: Evaluator, t: Term, env: Environment) -> Number:
    raise Undefined("infinity is not a number")


def _pointwise(combine: Callable[..., Number], *fs: Function) -> Function:
    """The function whose values are combined from those of functions of one shape."""

    def rule(args: tuple[Value, ...]) -> Value:
        values = [f.at(args) for f in fs]
        return _pointwise(combine, *values) if isinstance(values[0], Function) else combine(*values)

    if any(f.domains != fs[0].domains for f in fs):
        raise Undefined("arrays of different shapes")
    return Function(fs[0].domains, rule)


def _add(ev: Evaluator, t: Term, env: Environment) -> Value:
    values = [ev.eval(a, env) for a in t.args]
    if isinstance(values[0], Function):
        return _pointwise(lambda *xs: nm.total(list(xs)), *values)
    return nm.total(values)


def _neg(ev: Evaluator, t: Term, env: Environment) -> Value:
    x = ev.eval(t.args[0], env)
    return _pointwise(nm.neg, x) if isinstance(x, Function) else nm.neg(x)


def _mul(ev: Evaluator, t: Term, env: Environment) -> Number:
    out = ev.eval(t.args[0], env)
    for a in t.args[1:]:
        out = nm.mul(out, ev.eval(a, env))
    return out


def _scale(ev: Evaluator, t: Term, env: Environment) -> Function:
    c, f = ev.eval(t.args[0], env), ev.eval(t.args[1], env)
    return _pointwise(lambda x: nm.mul(c, x), f)


def _div(ev: Evaluator, t: Term, env: Environment) -> Number:
    return nm.div(ev.eval(t.args[0], env), ev.eval(t.args[1], env))


def _pow(ev: Evaluator, t: Term, env: Environment) -> Number:
    return nm.power(ev.eval(t.args[0], env), ev.eval(t.args[1], env))


def _fn(ev: Evaluator, t: Term, env: Environment) -> Number:
    x = ev.eval(t.args[0], env)
    if t.data == "abs":
        return ev.absolute(x)
    if t.data == "sign":
        nm.refuse_boundary_terms(x, corner=False)
        return ev.enclosure(lambda: nm.sign(x), lambda: acb(arb(0, 1)))
    return nm.SCALAR[t.data](x)


def _extreme(sign: int) -> Callable[[Evaluator, Term, Environment], Number]:
    def rule(ev: Evaluator, t: Term, env: Environment) -> Number:
        return _extremum(ev, [ev.eval(a, env) for a in t.args], sign)

    return rule


def _extremum(ev: Evaluator, xs: list[Number], sign: int) -> Number:
    if ev.state.analytic is None:
        return nm.maximum(xs, sign)
    out = nm.maximum(xs[:1], sign)
    for x in xs[1:]:
        out = ev.enclosure(
            lambda x=x, y=out: nm.maximum([y, x], sign),  # type: ignore[misc]
            lambda x=x, y=out: nm.wide_extremum(y, x, sign),  # type: ignore[misc]
        )
    return out


def _ind(ev: Evaluator, t: Term, env: Environment) -> Number:
    def bracket() -> Number:
        return ONE if ev.decide(t.args[0], env) else ZERO

    return ev.enclosure(bracket, lambda: acb(arb(0.5, 0.5)))


def _ite(ev: Evaluator, t: Term, env: Environment) -> Number:
    def choose() -> Number:
        return ev.eval(t.args[1] if ev.decide(t.args[0], env) else t.args[2], env)

    def both() -> Number:
        return nm.union(ev.eval(t.args[1], env), ev.eval(t.args[2], env))

    return ev.enclosure(choose, both)


def _factorial(ev: Evaluator, t: Term, env: Environment) -> Number:
    k = ev.integer(t.args[0], env)
    if k < 0:
        raise Undefined("factorial of a negative integer")
    if k > 3000:
        raise Unknown("a factorial too large to write out")
    return fmpq(factorial(k))


def _binomial(ev: Evaluator, t: Term, env: Environment) -> Number:
    n, k = (ev.integer(a, env) for a in t.args)
    if n < 0:
        raise Undefined("binomial coefficient of a negative integer")
    if n > 5000:
        raise Unknown("a binomial coefficient too large to write out")
    return fmpq(comb(n, k)) if 0 <= k <= n else ZERO


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
            return _extremum(ev, [x for _, x in found], sign)
        if not isinstance(domain, RangeDomain):
            raise Unknown("a supremum over an infinite set")
        return _extremum(ev, [ev.eval(t.args[1], (j, *env)) for j in domain.members()], sign)

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
    while body.op == "lam" and not any(i < len(domains) for i in _reaches(body.args[0])):
        hidden = (None,) * len(domains)
        domains.append(ev.domain(body.args[0], (*hidden, *env)))
        body = body.args[1]

    def rule(args: tuple[Value, ...]) -> Value:
        return ev.eval(body, (*reversed(args), *env))

    return Function(tuple(domains), rule)


def _app(ev: Evaluator, t: Term, env: Environment) -> Value:
    f = ev.eval(t.args[0], env)
    value = f.at(tuple(ev.eval(a, env) for a in t.args[1:]))
    if t.sort.kind == "fun" or not isinstance(value, Function):
        return value
    raise Undefined("a function where a number is needed")


# ------------------------------------------------------------------------------------------------------- linear algebra


def _shape2(m: Function) -> tuple[RangeDomain, RangeDomain]:
    r, c = m.shape()
    return r, c


def _matmul(ev: Evaluator, t: Term, env: Environment) -> Value:
    a, b = (ev.eval(x, env) for x in t.args)
    left, right = a.shape(), b.shape()
    if left[-1] != right[0]:
        raise Undefined("inner sizes differ")
    inner = left[-1].members()

    def rule(args: tuple[Value, ...]) -> Number:
        i, j = args[: len(left) - 1], args[len(left) - 1 :]
        ev.charge(len(inner))
        return nm.total([nm.mul(a.at((*i, k)), b.at((k, *j))) for k in inner])

    outer = left[:-1] + right[1:]
    return Function(outer, rule) if outer else rule(())


def _transpose(ev: Evaluator, t: Term, env: Environment) -> Function:
    a = ev.eval(t.args[0], env)
    r, c = _shape2(a)
    return Function((c, r), lambda ij: a.at((ij[1], ij[0])))


def _square(ev: Evaluator, a: Function) -> list[list[Number]]:
    r, c = _shape2(a)
    n = len(r.members())
    if n != len(c.members()):
        raise Undefined("a square matrix is needed")
    rows = a.rows()
    # Without rationals a determinant is expanded over subsets of columns.
    exact = all(isinstance(x, fmpq) for row in rows for x in row)
    ev.charge(n**3 if exact else n**3 << min(n, 60))
    return rows


def _inverse(ev: Evaluator, t: Term, env: Environment) -> Function:
    a = ev.eval(t.args[0], env)
    r, c = _shape2(a)
    return matrix_of(nm.inverse_matrix(_square(ev, a)), (c, r))


def _det(ev: Evaluator, t: Term, env: Environment) -> Number:
    return nm.determinant(_square(ev, ev.eval(t.args[0], env)))


def _trace(ev: Evaluator, t: Term, env: Environment) -> Number:
    rows = _square(ev, ev.eval(t.args[0], env))
    return nm.total([row[i] for i, row in enumerate(rows)])


def _identity_matrix(ev: Evaluator, t: Term, env: Environment) -> Function:
    n = RangeDomain(1, ev.integer(t.args[0], env))
    return Function((n, n), lambda ij: ONE if ij[0] == ij[1] else ZERO)


def _diag(ev: Evaluator, t: Term, env: Environment) -> Function:
    v = ev.eval(t.args[0], env)
    (r,) = v.shape()
    return Function((r, r), lambda ij: v.at((ij[0],)) if ij[0] == ij[1] else ZERO)


def _hadamard(ev: Evaluator, t: Term, env: Environment) -> Function:
    return _pointwise(nm.mul, *(ev.eval(a, env) for a in t.args))


Rule = Callable[[Evaluator, Term, Environment], Value]

_RULES: dict[str, Rule] = {
    "sym": _sym,
    "bound": _bound,
    "aff": _aff,
    "real": _real,
    "num": _num,
    "pi": _pi,
    "oo": _oo,
    "add": _add,
    "neg": _neg,
    "mul": _mul,
    "scale": _scale,
    "div": _div,
    "pow": _pow,
    "fn": _fn,
    "max": _extreme(1),
    "min": _extreme(-1),
    "ind": _ind,
    "ite": _ite,
    "factorial": _factorial,
    "binomial": _binomial,
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
    "matmul": _matmul,
    "transpose": _transpose,
    "inverse": _inverse,
    "det": _det,
    "trace": _trace,
    "identity": _identity_matrix,
    "diag": _diag,
    "hadamard": _hadamard,
}

#: Nodes whose values are remembered for the bound values they depend on.
_REMEMBERED = frozenset(
    {"int", "prod", "max_over", "min_over", "argmax", "argmin", "deriv", "lim", "lam", "matmul", "transpose"}
    | {"inverse", "det", "trace", "fn", "scale", "hadamard"}
)


def show(value: Value) -> str:
    """A value for a reader."""
    match value:
        case int():
            return str(value)
        case Outcome():
            return (
                "{" + ", ".join(f"{c.name}={f}" for c, f in sorted(value.faces.items(), key=lambda x: x[0].name)) + "}"
            )
        case Measure():
            return "weights " + ", ".join(nm.shown(w) for w in value.weights(value.space.atom))
        case AtomicMeasure():
            atoms = zip(value.points, value.weights, strict=True)
            return "weights " + ", ".join(f"{nm.shown(w)} at {show(x)}" for x, w in atoms)
        case Function():
            return _show_function(value)
    return nm.shown(value)


def _show_function(f: Function) -> str:
    d = f.domains[0]
    try:
        if isinstance(d, RangeDomain):
            if d.hi is not None and d.hi - d.lo < 12:
                return "(" + ", ".join(show(f.at((j,))) for j in d.members()) + ")"
            # Only what has been looked at: showing must not draw further entries.
            known = sorted(f.known().items())
            return "(" + ", ".join(f"{', '.join(map(str, k))} ↦ {show(v)}" for k, v in known[:12]) + ")"
        if isinstance(d, SpaceDomain):
            found = [v for _, v in branches(d.space, lambda w: show(f.at((w,))))]
            return "[" + "; ".join(found[:27]) + (" ..." if len(found) > 27 else "") + "]"
        if isinstance(d, IntervalDomain) and len(f.domains) == 1:
            inside = [x for x in map(nm.rational, (0, 1, -1, 2)) if _inside(d, x)]
            return ", ".join(f"{nm.shown(x)} ↦ {show(f.at((x,)))}" for x in inside)
    except (Unknown, Undefined):
        return "a function without a value somewhere"
    return "a function"


def _inside(d: IntervalDomain, x: Number) -> bool:
    try:
        d.check(x)
    except Undefined:
        return False
    return True


__all__ = ["Evaluator", "World", "array_of", "show"]
