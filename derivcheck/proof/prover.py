"""Displayed proofs: chains of steps, each with the reason a textbook would give.

A `Prover` works in a Context, records the steps that a reader sees, and hands every claim of equality or order to the
kernel.  Nothing here can make a theorem; a wrong tactic can only fail.

>>> from derivcheck.language import *
>>> from derivcheck.proof import Prover, algebra
>>> g = Givens(); n = g.size("n"); z = g.vector("z", n)
>>> pr = Prover(g.context)
>>> pr.chain(Sum(1, n, lambda i: softmax(z)(i))).eq(1, algebra).theorem
 ⊢ sum(softmax(z)[i] for i in 1..n) = 1
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from derivcheck.language import (
    PROP,
    Context,
    Fresh,
    Term,
    Termlike,
    abstract,
    domain_of_measure,
    eq,
    instantiate,
    le,
    make,
    not_,
    num,
    oo_int,
    open_binder,
    range_,
    sort_of_domain,
    unfold,
)
from derivcheck.language.constructors import as_int, as_real
from derivcheck.language.terms import rebuild
from derivcheck.proof import kernel
from derivcheck.proof.kernel import ProofError, Theorem
from derivcheck.proof.normal_form.matching import match

#: From a prover, a goal and the variables opened on the way down to it, to a theorem that states the goal.
Tactic = Callable[["Prover", Term], Theorem]


@dataclass(frozen=True, slots=True)
class Step:
    """One displayed step: what is claimed, and why."""

    statement: Term
    reason: str


@dataclass(frozen=True, slots=True)
class Reason:
    """A tactic with the words that a textbook would use for it."""

    words: str
    tactic: Tactic

    def __call__(self, prover: Prover, goal: Term) -> Theorem:
        return self.tactic(prover, goal)


@dataclass(frozen=True, slots=True)
class Proof:
    """A theorem with the steps that a reader sees."""

    theorem: Theorem
    steps: tuple[Step, ...]

    def certificate(self, name: str = "") -> dict[str, Any]:
        """The proof as plain data that `derivcheck audit` re-checks; `name` is the claim's."""
        from derivcheck.proof.certificate import certificate

        return certificate(self, name)


class Prover:
    """Proves in a Context and records the displayed steps.

    Parameters
    ----------
    context : Context
        What is given.
    """

    def __init__(
        self,
        context: Context,
        *,
        steps: list[Step] | None = None,
        opened: tuple[Term, ...] = (),
        fresh: Fresh | None = None,
    ) -> None:
        self.context = context
        self.steps = steps if steps is not None else []
        self.variables = opened
        self.fresh = fresh if fresh is not None else Fresh()

    # ---------------------------------------------------------------------------------------------------- variables

    def open(self, domain: Term, hint: str = "v") -> tuple[Prover, Term]:
        """A prover in which a new variable ranges over `domain`, and the variable."""
        v = self.fresh.symbol(hint, sort_of_domain(domain), domain.args[:-1] if domain.op == "functions" else ())
        inner = Prover(
            self.context.extended(kernel.opened(v, domain)), steps=self.steps, opened=(*self.variables, v),
            fresh=self.fresh,
        )  # fmt: skip
        return inner, v

    def for_all(self, domain: Term, prove: Callable[[Prover, Term], Theorem], hint: str = "") -> Theorem:
        """``∀ v ∈ D. p(v)`` from a proof of ``p(v)`` for an arbitrary ``v``."""
        inner, v = self.open(domain, hint or prove.__code__.co_varnames[1])
        return kernel.generalise(prove(inner, v), v, domain)

    def bring(self, th: Theorem) -> Theorem:
        """A theorem of an outer context, here."""
        return th if th.context == self.context else kernel.weaken(th, self.context)

    # --------------------------------------------------------------------------------------------------------- steps

    def note(self, statement: Term, reason: str) -> None:
        """Record a displayed step."""
        self.steps.append(Step(statement, reason))

    def chain(self, start: Termlike) -> Chain:
        """Begin a calculation."""
        return Chain(self, as_real(start))

    def prove(self, goal: Term, *reasons: Reason | Theorem, quiet: bool = False) -> Theorem:
        """Prove one statement; it becomes a displayed step unless `quiet`."""
        reason = _combined(reasons)
        th = self.settle(reason(self, goal), goal)
        if not quiet:
            self.note(goal, reason.words)
        return th

    def settle(self, th: Theorem, goal: Term) -> Theorem:
        """`th` as a theorem that states exactly `goal`."""
        th = self.bring(th)
        if th.statement == goal:
            return th
        if unfold(th.statement) == unfold(goal):
            return kernel.definition(th, goal)
        if goal.op in ("eq", "le", "lt") and th.statement.op in ("eq", "le", "lt"):
            return kernel.linear(self.context, goal, [(th, num(1))])
        raise ProofError(f"'{th.statement}' was proved where '{goal}' is needed")

    def done(self, th: Theorem, statement: Term) -> Proof:
        """The finished proof of `statement`."""
        th = self.settle(th, statement)
        if not self.steps:
            self.note(statement, "immediate")
        return Proof(th, tuple(self.steps))

    # ----------------------------------------------------------------------------------------------- common arguments

    def fact(self, p: Term) -> Theorem:
        """A fact of the context."""
        return kernel.fact(self.context, p)

    def given(self, name: str) -> list[Theorem]:
        """The facts of the context that are called `name` (a property's or an assumption's name)."""
        out = [kernel.fact(self.context, p) for n, p in self.context.facts() if n == name]
        if not out:
            names = ", ".join(sorted({n for n, _ in self.context.facts()}))
            raise ProofError(f"nothing is called '{name}' here; there is: {names}")
        return out

    def assume(self, p: Term) -> Theorem:
        """``p ⊢ p``."""
        return kernel.assume(self.context, p)

    def linear(self, goal: Term, *combination: tuple[Theorem, Termlike]) -> Theorem:
        """A non-negative combination of inequalities."""
        return kernel.linear(self.context, goal, [(self.bring(t), as_real(c)) for t, c in combination])

    def maximum_at_most(self, maximum: Term, prove: Callable[[Prover, Term], Theorem]) -> Theorem:
        """``max_{v} f(v) <= c`` from a proof of ``f(v) <= c`` for an arbitrary ``v``."""
        inner = _head(maximum)
        th = self.for_all(inner.args[0], prove, inner.hint)
        out = kernel.maximum_at_most(th, inner)
        return kernel.definition(out, le(maximum, out.statement.args[1]))

    def induction(
        self,
        statement: Callable[[Term], Term],
        base: Callable[[Prover], Theorem],
        step: Callable[[Prover, Term, Theorem], Theorem],
        hint: str = "t",
    ) -> Theorem:
        """``∀ t >= 0. p(t)`` from ``p(0)`` and from ``p(t+1)`` proved under ``p(t)``."""
        first = base(self)
        zero = statement(as_int(0))
        first = self.settle(first, zero)
        inner, t = self.open(range_(0, oo_int), hint)
        hypothesis = inner.assume(statement(t))
        second = inner.settle(step(inner, t, hypothesis), statement(t + 1))
        return kernel.induction(t, first, second)

    def cases(self, p: Term, yes: Callable[[Theorem], Theorem], no: Callable[[Theorem], Theorem]) -> Theorem:
        """A case distinction."""
        return kernel.cases(yes(self.assume(p)), no(self.assume(not_(p))), p)


class Chain:
    """A calculation ``a = b <= c …``; each step is displayed and proved against the one before."""

    def __init__(self, prover: Prover, start: Term) -> None:
        self.prover = prover
        self.start = start
        self.last = start
        self.links: list[Theorem] = []

    def _step(self, op: str, right: Termlike, reasons: tuple[Reason | Theorem, ...]) -> Chain:
        goal = make(op, (self.last, as_real(right)), None, PROP)
        self.links.append(self.prover.prove(goal, *reasons))
        self.last = goal.args[1]
        return self

    def eq(self, right: Termlike, *reasons: Reason | Theorem) -> Chain:
        """``= right``."""
        return self._step("eq", right, reasons)

    def le(self, right: Termlike, *reasons: Reason | Theorem) -> Chain:
        """``<= right``."""
        return self._step("le", right, reasons)

    def lt(self, right: Termlike, *reasons: Reason | Theorem) -> Chain:
        """``< right``."""
        return self._step("lt", right, reasons)

    @property
    def theorem(self) -> Theorem:
        """The first side against the last, in the strictest relation that the steps give."""
        if not self.links:
            raise ProofError("a calculation without steps")
        out = self.links[0]
        for link in self.links[1:]:
            out = kernel.transitivity(out, link)
        return out


# -------------------------------------------------------------------------------------------------------------- descent


def _head(t: Term) -> Term:
    """`t` with a definition at its head unfolded."""
    while t.op == "defn" or (t.op == "app" and t.args[0].op == "defn"):
        t = unfold(t)
    return t


def descend(prover: Prover, goal: Term, leaf: Tactic) -> Theorem:
    """Walk two sides to where they differ and let `leaf` prove the difference there.

    Raises
    ------
    ProofError
        With the innermost difference that `leaf` could not prove.
    """
    op = goal.op
    if op not in ("eq", "le", "lt"):
        raise ProofError(f"'{goal}' is not an equation or an inequality")
    left, right = goal.args
    if op != "lt" and left == right:
        return kernel.normal_form(prover.context, goal)
    try:
        return prover.settle(leaf(prover, goal), goal)
    except ProofError as failure:
        reason = failure
    a, b = _head(left), _head(right)
    inner_goal = make(op, (a, b), None, PROP)
    try:
        th = _descend_into(prover, inner_goal, leaf)
    except _Leaf:
        try:
            return kernel.normal_form(prover.context, goal)
        except ProofError:
            raise reason from None
    return th if (a, b) == (left, right) else kernel.definition(th, goal)


class _Leaf(Exception):
    """The two sides differ at the head: there is nothing to walk into."""


def _descend_into(prover: Prover, goal: Term, leaf: Tactic) -> Theorem:
    op, (a, b) = goal.op, goal.args
    if a.op != b.op or a.data != b.data or len(a.args) != len(b.args):
        raise _Leaf
    differing = [k for k, (x, y) in enumerate(zip(a.args, b.args, strict=True)) if x != y]
    match a.op:
        case "int" | "max_over" | "min_over" | "prod":
            if differing != [len(a.args) - 1] or op == "lt":
                raise _Leaf
            domain = domain_of_measure(a.args[0]) if a.op == "int" else a.args[0]
            inner, v = prover.open(domain, a.hint)
            sub = descend(inner, make(op, (instantiate(a.body, v), instantiate(b.body, v)), None, PROP), leaf)
            th = kernel.generalise(sub, v, domain)
            out = kernel.binder_congruence(th, a) if op == "eq" else kernel.monotone(th, a)
            return prover.settle(out, goal)
        case "add":
            subs = [descend(prover, make(_weak(op), (a.args[k], b.args[k]), None, PROP), leaf) for k in differing]
            return prover.linear(goal, *((s, 1) for s in subs))
        case "neg":
            sub = descend(prover, make(op, (b.args[0], a.args[0]), None, PROP), leaf)
            return prover.linear(goal, (sub, 1))
        case "mul" if len(differing) == 1:
            (k,) = differing
            sub = descend(prover, make(op, (a.args[k], b.args[k]), None, PROP), leaf)
            others = [x for j, x in enumerate(a.args) if j != k]
            return prover.linear(goal, (sub, others[0] if len(others) == 1 else make("mul", others, None, a.sort)))
        case "div" if differing == [0]:
            sub = descend(prover, make(op, (a.args[0], b.args[0]), None, PROP), leaf)
            return prover.linear(goal, (sub, 1 / a.args[1]))
        case "fn" if op in ("le", "lt") and a.data in kernel.INCREASING:
            sub = descend(prover, make(op, (a.args[0], b.args[0]), None, PROP), leaf)
            return prover.settle(kernel.increasing(sub, a.data), goal)
    if op == "eq" and len(differing) == 1 and a.sort.kind == "real":
        (k,) = differing
        x, y = a.args[k], b.args[k]
        if x.sort.kind == "real" and not (x.loose or y.loose):
            sub = descend(prover, eq(x, y), leaf)
            hole = prover.fresh.symbol("hole", x.sort)
            pattern = rebuild(a, (*a.args[:k], hole, *a.args[k + 1 :]))
            return prover.settle(kernel.congruence(sub, pattern, hole), goal)
    raise _Leaf


def _weak(op: str) -> str:
    return "le" if op == "lt" else op


# -------------------------------------------------------------------------------------------------------------- reasons


def _combined(reasons: tuple[Reason | Theorem, ...]) -> Reason:
    """One reason from several: theorems among them are what the others may use."""
    if not reasons:
        return algebra
    theorems = [r for r in reasons if isinstance(r, Theorem)]
    rest = [r for r in reasons if isinstance(r, Reason)]
    if not rest:
        return using(*theorems)
    if theorems:
        extra = using(*theorems)
        rest = [Reason(rest[0].words, rest[0].tactic), *rest[1:], Reason(rest[0].words, extra.tactic)]
    if len(rest) == 1:
        return rest[0]

    def first_that_works(prover: Prover, goal: Term) -> Theorem:
        failure: ProofError | None = None
        for r in rest:
            try:
                return r(prover, goal)
            except ProofError as error:
                failure = failure or error
        assert failure is not None
        raise failure

    return Reason(rest[0].words, first_that_works)


def _algebra(prover: Prover, goal: Term) -> Theorem:
    try:
        return kernel.normal_form(prover.context, goal)
    except ProofError as by_entries:
        if goal.op != "eq" or goal.args[0].sort.kind != "fun":
            raise
        # Between several inverses entries do not see what words do (push-through, Woodbury).
        try:
            return kernel.matrix_words(prover.context, goal)
        except ProofError:
            raise by_entries from None


#: Both sides have one normal form, or a comparison follows from signs and what is given.
algebra = Reason("algebra", _algebra)


def using(*theorems: Theorem, words: str = "what was shown") -> Reason:
    """Algebra that may also use these theorems (equations rewrite, comparisons combine)."""

    def tactic(prover: Prover, goal: Term) -> Theorem:
        brought = [prover.bring(t) for t in theorems]
        for t in brought:
            if unfold(t.statement) == unfold(goal):
                return t
        try:
            return kernel.normal_form(prover.context, goal, brought)
        except ProofError:
            for t in brought:
                try:
                    return kernel.linear(prover.context, goal, [(t, num(1))])
                except ProofError:
                    continue
            raise

    return Reason(words, tactic)


def reason(words: str, base: Reason) -> Reason:
    """The same tactic in other words."""
    return Reason(words, base.tactic)


def inside(base: Reason, words: str = "") -> Reason:
    """Apply a reason where the two sides differ, below sums, products and monotone functions."""
    return Reason(words or base.words, lambda prover, goal: descend(prover, goal, base.tactic))


def tactic(words: str, prove: Callable[..., Theorem]) -> Reason:
    """A reason of one's own: ``prove(prover, goal, *variables)``, the variables being those opened on the way down."""

    def run(prover: Prover, goal: Term) -> Theorem:
        wanted = prove.__code__.co_argcount - 2
        return prove(prover, goal, *(prover.variables[-wanted:] if wanted else ()))

    return Reason(words, run)


def _triangle(prover: Prover, goal: Term) -> Theorem:
    """``|∫ f| <= ∫ g`` where ``|f| = g``, and ``|a + b + …| <= |a| + |b| + …``."""
    if goal.op != "le" or goal.args[0].op != "fn" or goal.args[0].data != "abs":
        raise ProofError(f"'{goal}' is not a triangle inequality")
    a, c = _head(goal.args[0].args[0]), _head(goal.args[1])
    if a.op == "int" and c.op == "int" and a.args[0] == c.args[0]:
        domain = domain_of_measure(a.args[0])
        bounds = []
        for sign in (1, -1):

            def below(inner: Prover, v: Term, sign: int = sign) -> Theorem:
                f = instantiate(a.body, v)
                signed = f if sign == 1 else -f
                return inner.linear(
                    le(signed, instantiate(c.body, v)), (kernel.absolute_value(inner.context, signed), 1)
                )

            everywhere = prover.for_all(domain, below, a.hint)
            _, v = prover.open(domain, a.hint)
            f = instantiate(a.body, v)
            left = make("int", (a.args[0], abstract(f if sign == 1 else -f, v)), None, a.sort, a.hint)
            integrated = kernel.monotone(everywhere, left)
            bounds.append(prover.linear(le(a if sign == 1 else -a, c), (integrated, 1)))
    elif a.op == "add":
        bounds = []
        for sign in (1, -1):
            parts = [kernel.absolute_value(prover.context, x if sign == 1 else -x) for x in a.args]
            bounds.append(prover.linear(le(a if sign == 1 else -a, c), *((p, 1) for p in parts)))
    else:
        raise ProofError(f"'{goal}': '{a}' is not a sum")
    out = kernel.absolute_bound(*bounds)
    return kernel.definition(out, goal)


#: The absolute value of a sum is at most the sum of the absolute values.
triangle = Reason("triangle inequality", lambda prover, goal: descend(prover, goal, _triangle))


def _bounded_by_max(prover: Prover, goal: Term) -> Theorem:
    """``f(t) <= max f``: find ``t``."""
    if goal.op != "le":
        raise ProofError(f"'{goal}' is not a bound")
    maximum = _head(goal.args[1])
    if maximum.op != "max_over":
        raise ProofError(f"'{goal.args[1]}' is not a maximum")
    v = prover.fresh.symbol("pattern", sort_of_domain(maximum.args[0]))
    pattern = unfold(instantiate(maximum.body, v))
    for binding in match(pattern, unfold(goal.args[0]), frozenset({v})):
        if v in binding:
            return kernel.definition(kernel.at_most_maximum(prover.context, maximum, binding[v]), goal)
    raise ProofError(f"'{goal.args[0]}' is not a value of '{maximum.body}'")


#: A value is at most the maximum.
bounded_by_max = Reason("a value is at most the maximum", lambda prover, goal: descend(prover, goal, _bounded_by_max))


def _log_bound(prover: Prover, goal: Term) -> Theorem:
    if goal.op not in ("le", "lt") or goal.args[0].op != "fn" or goal.args[0].data != "log":
        raise ProofError(f"'{goal.args[0]}' is not a logarithm")
    rule = kernel.log_bound if goal.op == "le" else kernel.log_bound_strict
    return rule(prover.context, goal.args[0].args[0])


#: ``log y <= y − 1``.
log_bound = Reason("log y ≤ y − 1", lambda prover, goal: descend(prover, goal, _log_bound))


def monotonicity(*theorems: Theorem, words: str = "monotonicity") -> Reason:
    """Use known (perhaps universal) inequalities below sums, products and monotone functions."""
    return Reason(words, lambda prover, goal: descend(prover, goal, lambda p, g: _by_known(p, g, theorems)))


def _by_known(prover: Prover, goal: Term, theorems: Iterable[Theorem]) -> Theorem:
    for th in theorems:
        th = prover.bring(th)
        pattern, variables = th.statement, []
        fresh = prover.fresh
        while pattern.op == "forall":
            v, pattern = open_binder(pattern, fresh)
            variables.append(v)
        for binding in match(unfold(pattern), unfold(goal), frozenset(variables)):
            out = th
            for v in variables:
                if v not in binding:
                    break
                out = kernel.specialise(out, binding[v])
            else:
                return kernel.definition(out, goal)
    raise ProofError(f"'{goal}' is not an instance of what was shown")
