"""An interpretation: a concrete value for every symbol of a Context, satisfying it by construction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from derivcheck.language import free_symbols, subterms
from derivcheck.language.context import Context, Declaration
from derivcheck.language.terms import Term
from derivcheck.semantics.choices import Choices
from derivcheck.semantics.evaluate import SAMPLES, Evaluator
from derivcheck.semantics.judgement import Judgement, Truth, unknown
from derivcheck.semantics.numbers import BudgetExceeded, Unknown
from derivcheck.semantics.showing import show
from derivcheck.semantics.values import Function, Measure, RangeDomain, Space, Value

#: Facts that hold by construction are sampled lightly.
FACT_SAMPLES = 64


class Reject(Exception):
    """These choices give no interpretation (an empty range, contradictory bounds): try others."""


@dataclass(frozen=True, slots=True)
class CheckedFact:
    """A fact of the Context, as judged on an interpretation."""

    name: str
    fact: Term
    judgement: Judgement
    #: Whether the value was built so that the fact holds (a property), or merely hoped for (an assumption).
    constructed: bool


class Interpretation:
    """Values for the symbols of `context`, drawn through `choices`.

    Symbols are built when they are first needed, so that a bound may mention other symbols.  Use `build` to have all of
    them and `check` to judge the facts.

    A model may mention the very symbol that it defines.  In a number it stands for the value that its declaration
    draws, which the model replaces where it likes; in a function, for the function itself: a sequence is defined by its
    first member and by each next one, ``V(k) = ite(k = 0, start, step(V(k − 1)))``.

    Raises
    ------
    Reject
        From `build`, when these choices do not lead to an interpretation.
    """

    def __init__(self, context: Context, choices: Choices, budget: int = 200_000) -> None:
        self.context = context
        self.choices = choices
        self.salt = choices.choose("salt", range(64))
        self.numeric = False
        self.evaluator = Evaluator(self, budget, definitions=True)
        self.values: dict[Term, Value] = {}
        self.spaces: dict[str, Space] = {}
        self.declared: dict[Term, Declaration] = {}
        self.definitions: dict[Term, Term] = {}
        #: Symbols whose square root will be taken: the variances of normal laws.
        self.square_symbols: set[Term] = set()
        self._building: list[Term] = []
        for d in all_declarations(context.declarations):
            if d.symbol is not None:
                self.declared[d.symbol] = d
            self.definitions.update(d.model)
            variance = d.property("variance") if d.property("normal") is not None else None
            if variance is not None:
                self.square_symbols.update(_bare_symbols(variance.args[0]))

    # ---------------------------------------------------------------------------------------- what evaluation asks

    def symbol(self, term: Term) -> Value:
        """The value of a symbol, built on first use."""
        if term in self.values:
            return self.values[term]
        declaration = self.declared.get(term)
        if declaration is None and term not in self.definitions:
            raise Unknown(f"'{term.data}' is not declared")
        if term in self._building:
            if declaration is not None and self._building[-1] == term:
                return self._drawn(declaration)
            raise Unknown("definitions that depend on each other: " + ", ".join(str(s.data) for s in self._building))
        self._building.append(term)
        try:
            if term in self.definitions:
                value = self.evaluator.value(self.definitions[term])
                if isinstance(value, Function) and term in free_symbols(self.definitions[term]):
                    value = _from_the_first(value)
            else:
                assert declaration is not None
                value = self._drawn(declaration)
        finally:
            self._building.pop()
        self.values[term] = value
        return value

    def _drawn(self, declaration: Declaration) -> Value:
        """A value with the declared properties."""
        from derivcheck.semantics.construct import construct

        return construct(self, declaration)

    def space(self, name: str) -> Space:
        """The finite space of that name."""
        if name not in self.spaces:
            faces = self.choices.choose(f"points of {name}", (1, 2, 3, 4), "points")
            self.spaces[name] = Space(name, faces)
        return self.spaces[name]

    # -------------------------------------------------------------------------------------------- building, checking

    def build(self) -> None:
        """Build every declared symbol."""
        from derivcheck.semantics.random_requirements import constraint_rank

        for d in sorted(self.declared.values(), key=constraint_rank):
            assert d.symbol is not None
            self.symbol(d.symbol)

    def check(self, budget: int = 120_000, *, universal: bool | None = None) -> Iterator[CheckedFact]:
        """Judge the facts of the context here, each with its own budget; first the short ones merely hoped for.

        Parameters
        ----------
        universal : bool or None
            Only those that are universal statements, or only those that are not; by default all.
        """
        for name, fact, built in _facts(self.context):
            if universal in (None, fact.op == "forall"):
                yield CheckedFact(name, fact, judge_in(self, fact, budget, FACT_SAMPLES), built)

    def __repr__(self) -> str:
        return "Interpretation(" + ", ".join(f"{name} = {value}" for name, value in self.description()) + ")"

    def description(self) -> tuple[tuple[str, str], ...]:
        """The author's symbols with their values, for a reader; a measure that says nothing is left out."""
        measures = {m.space: m for m in self.values.values() if isinstance(m, Measure)}
        return tuple(
            (d.name, show(self.values[d.symbol], measures))
            for d in self.context.declarations
            if d.symbol is not None and d.symbol in self.values and not _says_nothing(self.values[d.symbol])
        )


@lru_cache(maxsize=256)
def _facts(context: Context) -> tuple[tuple[str, Term, bool], ...]:
    """The facts with their names, and whether they are built in: what is most likely to fail, and soonest seen to."""
    modelled = {s for d in all_declarations(context.declarations) for s, _ in d.model}
    facts = [
        (f"{d.name} {p.name}" if d.symbol is not None else p.name, fact, d.symbol not in (None, *modelled))
        for d in context.declarations
        for p in d.properties
        for fact in p.facts
    ]
    return tuple(sorted(facts, key=lambda f: (f[2], 0 if f[2] else sum(1 for _ in subterms(f[1])))))


def _says_nothing(value: Value) -> bool:
    """Whether it is a probability measure on one point: the random variables have coins of their own."""
    return isinstance(value, Measure) and value.space.atom.faces == 1 and value.mass() == 1


def _from_the_first(f: Function) -> Function:
    """A function of an integer that is defined by recursion, its members computed in order: deep calls end early."""
    first = f.domains[0]
    if not isinstance(first, RangeDomain):
        return f

    reached: dict[tuple[Value, ...], int] = {}

    def rule(args: tuple[Value, ...]) -> Value:
        last, rest = args[0], args[1:]
        for k in range(reached.get(rest, first.lo), last):
            f.at((k, *rest))
            reached[rest] = k + 1
        return f.at(args)

    return Function(f.domains, rule, f.smooth)


def all_declarations(declarations: tuple[Declaration, ...]) -> Iterator[Declaration]:
    """Those declarations, each after the auxiliary ones that its model is made from."""
    for d in declarations:
        yield from all_declarations(d.auxiliary)
        yield d


def _bare_symbols(variance: Term) -> Iterator[Term]:
    """The symbol that a variance consists of: ``v``, or the array ``v`` in ``v(i)``."""
    while variance.op == "lam":
        variance = variance.args[-1]
    if variance.op == "app":
        variance = variance.args[0]
    if variance.op == "sym":
        yield variance


def judge_in(world: Interpretation, proposition: Term, budget: int, samples: int = SAMPLES) -> Judgement:
    """The judgement of a proposition in an interpretation; a budget that runs out is `Truth.UNKNOWN`."""
    evaluator = Evaluator(world, budget, samples=samples)
    world.evaluator.state = evaluator.state  # values that are built on the way count towards this judgement
    try:
        return evaluator.judge(proposition)
    except BudgetExceeded as error:
        return replace(unknown(str(error)), exhausted=True)


def violated(facts: Iterator[CheckedFact]) -> tuple[CheckedFact | None, tuple[CheckedFact, ...]]:
    """The first fact that fails (or has no value), and those that could not be judged."""
    open_facts = []
    for f in facts:
        if f.judgement.truth in (Truth.FALSE, Truth.UNDEFINED):
            return f, ()
        if f.judgement.truth is Truth.UNKNOWN:
            open_facts.append(f)
    return None, tuple(open_facts)
