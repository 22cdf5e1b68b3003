"""Counterexamples, and simpler ones near a given one: small sizes first, then simple values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from derivcheck.language.context import Context
from derivcheck.language.terms import Term
from derivcheck.semantics.cases import Case, positions, refuted_at


@dataclass(frozen=True, slots=True)
class Counterexample:
    """An interpretation at which a statement fails (or has no value).

    Attributes
    ----------
    values : tuple of (str, str)
        The author's symbols.
    witness : tuple of (str, str)
        The bound variables of universal quantifiers.
    sides : tuple of str
        Both sides of the comparison that fails.
    evidence, reason : str
        As in `Judgement`.
    record : dict
        Label -> position in its pool.
    context, statement : Context, Term
        What `judge_record` replays the record with: the author's, or their opened form (see `premises`).
    """

    values: tuple[tuple[str, str], ...]
    witness: tuple[tuple[str, str], ...]
    sides: tuple[str, ...]
    evidence: str
    reason: str
    record: Mapping[str, int]
    context: Context = field(repr=False)
    statement: Term = field(repr=False)

    def __str__(self) -> str:
        where = ", ".join(f"{name} = {value}" for name, value in (*self.values, *self.witness))
        if self.sides:
            return f"{where}: {' against '.join(self.sides)}"
        return f"{where}: {self.reason}" if self.reason else where


def described(case: Case) -> Counterexample:
    """What a reader is told of a judged interpretation."""
    j, world = case.judgement, case.world
    where = positions(world.choices), world.context, case.statement
    return Counterexample(world.description(), j.witness, j.sides, j.evidence, j.reason, *where)


def simplified(found: Counterexample, tries: int, budget: int = 200_000) -> Counterexample:
    """A simpler interpretation near `found` at which the statement still fails, or `found` itself.

    Parameters
    ----------
    tries : int
        How many candidates may be judged.  Sizes come first, since every later candidate is cheaper on a small one;
        then all other choices at once, their halves, quarters, ..., and at last each alone.
    """
    search = _Search(found, tries, budget, thorough=False)
    if search.run() is None:
        return found
    # The universal hypotheses are judged at the end; where one fails there, the search has to heed them at every step.
    case = refuted_at(found.context, found.statement, search.best, budget)
    case = case or _Search(found, tries, budget, thorough=True).run()
    return described(case) if case is not None else found


class _Search:
    """The simplest record seen so far at which the statement fails."""

    def __init__(self, found: Counterexample, tries: int, budget: int, thorough: bool) -> None:
        self.context, self.statement, self.budget, self.thorough = found.context, found.statement, budget, thorough
        self.best, self.left = dict(found.record), tries
        self.case: Case | None = None
        #: Successful steps.
        self.steps = 0

    def run(self) -> Case | None:
        """The simplest case that is found; None if nothing is simpler."""
        sizes = {d.name for d in self.context.declarations if d.kind in ("size", "integer", "index")}
        before = -1
        while self.left and self.steps > before:
            before = self.steps
            for label in sorted(sizes & self.best.keys()):
                self.lower(label)
            self.clear(sorted(self.best.keys() - sizes - {"salt"}))
        return self.case

    def attempt(self, changes: Mapping[str, int]) -> bool:
        """Whether the statement still fails with these choices changed; if so, they stay."""
        if not self.left:
            return False
        self.left -= 1
        record = {**self.best, **changes}
        case = refuted_at(self.context, self.statement, record, self.budget, thorough=self.thorough)
        if case is None:
            return False
        self.case, self.best = case, positions(case.world.choices)
        self.steps += 1
        return True

    def lower(self, label: str) -> None:
        """Lower one choice: pools are ordered by simplicity, and signs alternate in them."""
        position = self.best.get(label, 0)
        candidates = sorted({0, 1, 2, position // 2, position - 2, position - 1})
        any(self.attempt({label: p}) for p in candidates if 0 <= p < position)

    def clear(self, labels: list[str]) -> None:
        """Make these choices the simplest at once, or else each half of them."""
        raised = [label for label in labels if self.best.get(label, 0)]
        if len(raised) == 1:
            self.lower(raised[0])
        if len(raised) < 2 or not self.left or self.attempt(dict.fromkeys(raised, 0)):
            return
        middle = len(raised) // 2
        self.clear(raised[:middle])
        self.clear(raised[middle:])
