"""What structure cannot show, checked on interpretations: does the step hold where its context does?

A step of the normal form claims that its statement follows from the facts of the context and the statements of its
premises, for all sizes and values.  Here the statement is judged on interpretations of the context, drawn afresh.
Where it is false, or has no value, only three things excuse it: a recorded condition that fails there, a premise that
fails there, and a corner of a derivative.  A step whose premises sampling cannot meet (an equation as hypothesis) is
tried once more with the equations put in; failing that it is *taken as stated*, and says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from derivcheck.audit.reading import MARK, Inference
from derivcheck.language import (
    INT,
    Context,
    Term,
    abstract,
    and_,
    domains,
    eq,
    free_symbols,
    instantiate,
    lam,
    le,
    lt,
    num,
    or_,
    real,
    substitute,
    symbol,
    unfold,
)
from derivcheck.language.terms import variable_sort
from derivcheck.semantics import Judgement, Truth
from derivcheck.semantics.cases import NoModel, draw, judge_drawn
from derivcheck.semantics.choices import PLANS
from derivcheck.semantics.pools import digest

#: Interpretations tried for every step, and for one whose premises or conditions excuse most of those.
FEW, MANY = 16, 64
#: On how many interpretations a step must hold with its premises true and nothing excused.
ENOUGH = 3
#: After how many plans without an interpretation there is none.
FRUITLESS = 5
#: Nodes that one judgement may evaluate.
BUDGET = 100_000

HOLDS = (Truth.TRUE, Truth.SUPPORTED)
FAILS = (Truth.FALSE, Truth.UNDEFINED)


class Refuted(Exception):
    """An interpretation at which a step fails."""


class Unchecked(Exception):
    """A step that instances could not check; the text says why."""


class World:
    """One interpretation of a context; what was judged on it is remembered."""

    def __init__(self, context: Context, seed: int, number: int) -> None:
        self._context = context
        plan = PLANS[number // 2 % len(PLANS)]
        # Every other one is made of zeros, ones and ties: that is where a dropped `x != 0` shows.
        self.plan = plan if number % 2 else replace(plan, ties=True, wide=False)
        self._drawn = draw(context, digest(seed, "audit", number), self.plan, budget=BUDGET, attempts=20)
        self._judged: dict[Term, Judgement] = {}

    def judge(self, p: Term) -> Judgement:
        """Whether `p` holds here."""
        if p not in self._judged:
            case = judge_drawn(self._context, p, self._drawn, budget=BUDGET)
            judgement = case.judgement
            if judgement.truth is Truth.FALSE and not case.trusted:
                judgement = Judgement(Truth.UNKNOWN, reason="some facts of the context could not be judged")
            self._judged[p] = judgement
            vague = p.op == "lt" and judgement.truth is Truth.SUPPORTED and not self.plan.wide
            if vague and self.judge(le(p.args[1], p.args[0])).truth is Truth.SUPPORTED:
                # Numbers of everyday size that agree to some hundred bits are equal, as far as an audit can tell.
                self._judged[p] = replace(judgement, truth=Truth.FALSE)
        return self._judged[p]

    def holds(self, p: Term) -> bool:
        """Whether `p` is true, as far as can be told."""
        return self.judge(p).truth in HOLDS

    def fails(self, p: Term) -> bool:
        """Whether `p` is certainly false or without a value."""
        return self.judge(p).truth in FAILS

    def __str__(self) -> str:
        return ", ".join(f"{name} = {value}" for name, value in self._drawn.world.description())


@dataclass(frozen=True, slots=True)
class Question:
    """``premises ⟹ goal``, wherever the conditions hold; `decisive` if a failure refutes the step."""

    premises: tuple[Term, ...]
    goal: Term
    decisive: bool = True


class Instances:
    """Checks steps on interpretations; those of one context are drawn once."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._worlds: dict[Context, list[World | str]] = {}
        self._settings: dict[Context, tuple[Context, tuple[Term, ...]]] = {}

    def worlds(self, context: Context, count: int) -> Iterator[World]:
        """Interpretations of a context, at most `count`.

        Raises
        ------
        Unchecked
            If there is none.
        """
        drawn = self._worlds.setdefault(context, [])
        for number in range(count):
            if number == len(drawn):
                try:
                    drawn.append(World(context, self.seed, number))
                except NoModel as none:
                    drawn.append(str(none))
            found = drawn[number]
            if isinstance(found, World):
                yield found
            elif number >= FRUITLESS and not any(isinstance(w, World) for w in drawn):
                raise Unchecked(found)

    def setting(self, context: Context) -> tuple[Context, tuple[Term, ...]]:
        """A context that has interpretations, and the facts of the given one that they need not satisfy.

        Assumptions that come without a model are hard to meet by sampling; as premises they at least need not be met
        where a step holds without them.
        """
        if context not in self._settings:
            bare = [d for d in context.declarations if d.symbol is None and not d.model]
            dropped: tuple[Term, ...] = ()
            try:
                next(self.worlds(context, FRUITLESS + 1))
            except Unchecked:
                if not bare:
                    raise
                dropped = tuple(unfold(f) for d in bare for p in d.properties for f in p.facts)
            kept = Context(tuple(d for d in context.declarations if d not in bare)) if dropped else context
            self._settings[context] = kept, dropped
        return self._settings[context]

    # ------------------------------------------------------------------------------------------------ what is asked

    def step(self, step: Inference) -> None:
        """Check a step of the normal form, a linear combination or a limit.

        Raises
        ------
        Refuted, Unchecked
            If it fails somewhere, or could not be checked.
        """
        if step.rule == "linear":
            return self.ask(step, Question((), _combination(step)))
        question = Question(tuple(p.statement for p in step.premises), step.statement)
        try:
            return self.ask(step, _implications(question))
        except Unchecked as unchecked:
            for other in _with_equations_put_in(question, step.context):
                try:
                    return self.ask(step, other)
                except Unchecked:
                    continue
            raise unchecked from None

    def known(self, step: Inference, p: Term) -> None:
        """Check a side condition that was not recorded."""
        if unfold(p) not in step.conditions:
            self.ask(step, Question((), p))

    def defined(self, step: Inference, t: Term) -> None:
        """Check that a term which the conclusion no longer shows has a value where conclusion and conditions have one.

        Raises
        ------
        Refuted
            If it has none somewhere.
        """
        shown = t if t.sort.kind == "prop" else eq(t, t)
        context, dropped = self.setting(step.context)
        for world in self.worlds(context, FEW):
            found = world.judge(shown)
            if found.truth is not Truth.UNDEFINED or found.kink or any(map(world.fails, step.conditions)):
                continue
            if not all(map(world.holds, dropped)):
                continue
            if world.judge(step.statement).truth is not Truth.UNDEFINED:
                raise Refuted(f"'{t}' has no value at {world}: {found.reason}")

    def ask(self, step: Inference, question: Question) -> None:
        """Judge a question on interpretations of the step's context.

        Raises
        ------
        Refuted, Unchecked
            As the answers say.
        """
        tried = good = solid = excused = unmet = 0
        unknown = ""
        context, dropped = self.setting(step.context)
        premises = (*question.premises, *dropped)
        for world in self.worlds(context, MANY):
            if tried >= FEW and (solid >= ENOUGH or unknown):
                break
            if step.rule == "limit" and world.plan.wide:
                continue  # 0.999999^t has hardly begun to fall where its limit is judged
            tried += 1
            found = world.judge(question.goal)
            if found.truth in HOLDS:
                good += 1
                solid += all(map(world.holds, premises)) and not any(map(world.fails, step.conditions))
            elif found.truth is Truth.UNKNOWN or found.kink:
                unknown = unknown or found.reason
            elif any(map(world.fails, step.conditions)):
                excused += 1
            elif not all(map(world.holds, premises)):
                unmet += 1
            elif all(map(world.holds, step.conditions)):
                sides = " against ".join(side[:80] for side in found.sides) or found.reason
                if not question.decisive:
                    raise Unchecked("it does not follow from the equations put in")
                raise Refuted(f"'{question.goal}' fails at {world}: {sides}")
        if solid >= ENOUGH or (good == tried >= FEW and not step.conditions):
            return
        if unknown:
            raise Unchecked(unknown)
        raise Unchecked(f"of {tried} instances, conditions fail on {excused} and premises on {unmet}: too few are left")


# ---------------------------------------------------------------------------------------------- what a step amounts to


def _combination(step: Inference) -> Term:
    """``Σ cᵢ(bᵢ − aᵢ) <= b − a`` with ``cᵢ >= 0``: what makes a linear combination sound, without its premises."""

    def gap(p: Term) -> Term:
        a, b = (real(x) if x.sort == INT else x for x in p.args)
        return b - a

    factors = step.parameters["factors"]
    used = [(p.statement, c) for p, c in zip(step.premises, factors, strict=True)]
    goal, needs = step.statement, [le(0, c) for p, c in used if p.op != "eq"]
    if goal.args[0].sort.kind not in ("real", "int"):
        raise Unchecked("a combination of equations between functions or points")
    total = num(0)
    for p, c in used:
        total = total + c * gap(p)
    if goal.op == "eq":
        return eq(total, gap(goal))
    if goal.op == "lt":
        needs.append(or_(lt(total, gap(goal)), *(lt(0, c) for p, c in used if p.op == "lt")))
    return unfold(and_(le(total, gap(goal)), *needs))


def _implications(question: Question) -> Question:
    """``p ⟹ q`` as a premise and a goal, so that instances which fail ``p`` do not count."""
    premises, goal = question.premises, question.goal
    while goal.op == "implies":
        premises, goal = (*premises, goal.args[0]), goal.args[1]
    return Question(premises, goal, question.decisive)


def _with_equations_put_in(question: Question, context: Context) -> Iterator[Question]:
    """The question with its equational premises used up: symbols defined by them, then sides replaced by each other."""
    question = _implications(question)
    premises, goal = list(question.premises), question.goal
    facts = list(map(unfold, context.propositions()))
    for p in question.premises:
        if (found := _definition(p)) is None or p not in premises:
            continue
        name, _ = found
        premises = [unfold(substitute(q, dict([found]))) for q in premises if q != p]
        # The interpretation gives the symbol a value of its own: what the context says of it must be asked again.
        premises += [unfold(substitute(f, dict([found]))) for f in facts if name in free_symbols(f)]
        goal = unfold(substitute(goal, dict([found])))
    if goal != question.goal:
        yield Question(tuple(premises), goal)
    equations = [p.args for p in premises if p.op == "eq"]
    rest = tuple(p for p in premises if p.op != "eq")
    for rules in (equations, [(b, a) for a, b in equations]):
        put: Mapping[Term, Term] = {a: b for a, b in rules if a.op not in ("num", "aff")}
        rewritten = goal
        for _ in equations:
            rewritten = unfold(substitute(rewritten, put))
        if rewritten != goal:
            yield Question(rest, rewritten, decisive=False)


def _definition(p: Term) -> tuple[Term, Term] | None:
    """The symbol and its value, where `p` says ``x = t`` or ``∀ i, …. x(i, …) = t``."""
    variables: list[Term] = []
    over: list[Term] = []
    while p.op == "forall":
        variables.append(symbol(f"{MARK}{len(variables)}", *variable_sort(p)))
        over.append(p.args[0])
        p = instantiate(p.body, variables[-1])
    if p.op != "eq":
        return None
    for head, value in (p.args, p.args[::-1]):
        name = head.args[0] if head.op == "app" else head
        whole = list(head.args[1:]) == variables if head.op == "app" else not variables
        if name.op != "sym" or not whole or name in free_symbols(value) or value.sort.kind == "fun":
            continue
        if variables and list(domains(name)) != over:
            continue
        for v, domain in zip(reversed(variables), reversed(over), strict=True):
            value = lam(domain, abstract(value, v))
        return name, unfold(value)
    return None
