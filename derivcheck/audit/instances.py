"""What figures cannot show, judged on interpretations: does a proposition hold wherever its context does?

Where it is false, or has no value, only a recorded condition or a premise that fails there, or a derivative that meets
a corner, excuses it.  Premises and assumptions that sampling hardly meets are dropped (what holds without them holds
with them) or met by construction; failing that, the theorem is *taken as stated*.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from derivcheck.audit.rules import Rejected
from derivcheck.language import Context, Term, free_symbols, le, unfold
from derivcheck.language.certificates import Inference
from derivcheck.language.context import Declaration, Property
from derivcheck.semantics import Judgement, Truth
from derivcheck.semantics.cases import NoModel, draw, judge_drawn
from derivcheck.semantics.choices import PLANS
from derivcheck.semantics.normal_laws import beyond_the_moments
from derivcheck.semantics.pools import digest

#: Interpretations tried for a question, for one that most of those do not answer, and before there are said to be none.
FEW, MANY, FRUITLESS = 16, 64, 6
#: On how many it must hold with its premises true and nothing excused; on how many nothing may be told before we stop.
ENOUGH, MOST_VAGUE = 3, 4
#: Nodes that one judgement may evaluate.
BUDGET = 60_000
HOLDS, FAILS = (Truth.TRUE, Truth.SUPPORTED), (Truth.FALSE, Truth.UNDEFINED)


class Unchecked(Exception):
    """What instances could not check; the text says why."""


class World:
    """One interpretation of a context; what was judged on it is remembered."""

    def __init__(self, context: Context, seed: int, number: int) -> None:
        plan = PLANS[number // 2 % len(PLANS)]
        # Every other one is made of zeros, ones and ties: that is where a dropped `x != 0` shows.
        self.plan = plan if number % 2 else replace(plan, ties=True, wide=False)
        self.drawn = draw(context, digest(seed, "audit", number), self.plan, budget=BUDGET, attempts=20)
        self._judged: dict[Term, Judgement] = {}

    def judge(self, p: Term) -> Judgement:
        """Whether `p` holds here."""
        if p not in self._judged:
            case = judge_drawn(self.drawn.world.context, p, self.drawn, budget=BUDGET)
            found = case.judgement if case.hypotheses.trusted else case.judgement.untrusted()
            if p.op == "lt" and found.truth is Truth.SUPPORTED and not self.plan.wide and self.holds(le(*p.args[::-1])):
                # Numbers of everyday size that agree to some hundred bits are equal, as far as an audit can tell.
                found = replace(found, truth=Truth.FALSE)
            self._judged[p] = found
        return self._judged[p]

    def holds(self, *ps: Term) -> bool:
        """Whether all are true, as far as can be told."""
        return all(self.judge(p).truth in HOLDS for p in ps)


class Instances:
    """Judges on interpretations that start at a seed; those of one context are drawn once."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._worlds: dict[Context, list[World | str]] = {}

    def worlds(self, context: Context) -> Iterator[World]:
        """Interpretations of a context; `Unchecked` if there is none."""
        drawn = self._worlds.setdefault(context, [])
        for number in range(MANY):
            if number == len(drawn):
                try:
                    drawn.append(World(context, self.seed, number))
                except NoModel as none:
                    drawn.append(str(none))
            if not isinstance(found := drawn[number], str):
                yield found
            elif number >= FRUITLESS and all(isinstance(w, str) for w in drawn):
                raise Unchecked(found)

    def ask(self, step: Inference, p: Term) -> None:
        """Judge what must hold in a step's context wherever its conditions do: nothing, `Rejected` or `Unchecked`."""
        if (blind := beyond_the_moments(step.context, p)) is not None:
            raise Unchecked(blind)
        premises, reasons = list[Term](), list[str]()
        while p.op == "implies":
            premises += p.args[0].args if p.args[0].op == "and" else [p.args[0]]
            p = p.args[1]
        for context, given, decisive in _settings(step.context, premises):
            try:
                return self._judge(step, context, given, p, decisive)
            except Unchecked as unchecked:
                reasons.append(str(unchecked))
        raise Unchecked(reasons[0])

    def _judge(self, step: Inference, context: Context, premises: list[Term], goal: Term, decisive: bool) -> None:
        tried, good, solid, vague, unknown = 0, 0, 0, 0, ""
        for world in self.worlds(context):
            if (tried >= FEW and (solid >= ENOUGH or unknown)) or vague >= MOST_VAGUE:
                break
            if step.rule == "limit" and world.plan.wide:
                continue  # 0.999999^t has hardly begun to fall where its limit is judged
            tried, found = tried + 1, world.judge(goal)
            excused = any(world.judge(c).truth in FAILS for c in step.conditions) or not world.holds(*premises)
            if found.truth in HOLDS:
                good, solid = good + 1, solid + (not excused)
            elif found.truth is Truth.UNKNOWN or found.kink:
                vague, unknown = vague + (not found.kink), unknown or found.reason
            elif not excused and world.holds(*step.conditions):
                values = ", ".join(f"{name} = {value}" for name, value in world.drawn.world.description())
                sides = " against ".join(side[:80] for side in found.sides) or found.reason
                raise (Rejected if decisive else Unchecked)(f"'{goal}' fails at {values}: {sides}")
        if solid < ENOUGH and not good == tried >= FEW:
            raise Unchecked(unknown or f"of {tried} instances, {tried - good} are excused: too few are left")


def _settings(context: Context, premises: list[Term]) -> Iterator[tuple[Context, list[Term], bool]]:
    """Where a question is asked: the context, the premises that excuse a failure, and whether a failure decides.

    First as it stands; then with less given, where only success says something; then with premises and assumptions met
    by construction (an equation that defines a symbol is its own model).
    """
    yield context, premises, True
    assumptions = [d for d in context.declarations if d.symbol is None]
    bare = [d for d in assumptions if not d.model]
    fewer, fewest = (Context(tuple(d for d in context.declarations if d not in ds)) for ds in (bare, assumptions))
    yield from ((less, premises, False) for less in dict.fromkeys((fewer, fewest)) if less != context)
    given = [*(unfold(f) for d in bare for p in d.properties for f in p.facts), *premises]
    if given:
        models: dict[Term, Term] = {}
        for a, b in (sides for p in given if p.op == "eq" for sides in (p.args, p.args[::-1])):
            if a.op == "sym" and not {a, *models} & free_symbols(b):
                models.setdefault(a, b)
        met = Declaration(None, "assumption", (Property("given", tuple(given)),), "given", tuple(models.items()))
        yield fewer.extended(met), [], True
        yield fewer, given, True
