"""Where is an inequality nearly an equation?  There one that is too strong fails, and rarely elsewhere.

Random instances are rarely tight.  The sides are made to coincide (`at_a_tie`), or the relative slack is lowered one
recorded choice at a time, from several starts (`search`).
"""

from __future__ import annotations

from collections.abc import Mapping

from derivcheck.language import Context, Term
from derivcheck.mutation.ties import beside, ties
from derivcheck.semantics import Counterexample, instances
from derivcheck.semantics.cases import drawn, positions, refuted_at
from derivcheck.semantics.choices import PLANS, ReplayedChoices
from derivcheck.semantics.counterexamples import described
from derivcheck.semantics.evaluate import Evaluator
from derivcheck.semantics.interpretation import Interpretation, Reject
from derivcheck.semantics.numbers import EvaluationError, midpoint
from derivcheck.semantics.pools import digest
from derivcheck.semantics.premises import opened

#: Interpretations of each tie.
AT_A_TIE = 8
#: How many simpler counterexamples at a tie are tried.
SHRINKS = 20
#: Starting points of the search.
STARTS = 6
#: With at most so many choices, every member of a pool is tried.
FEW = 8
#: The most members of one pool that are tried.
LARGEST_POOL = 40


def at_a_tie(
    context: Context, statement: Term, claimed: Term, seed: int, *, budget: int = 200_000
) -> tuple[Counterexample | None, int]:
    """A counterexample to `statement` where two sides coincide, its own or those of `claimed`, and the instances tried.

    Where the claim that it resembles is an equation, a statement with another left or right side is no inequality.
    """
    tried = 0
    contexts = dict.fromkeys((*ties(context, claimed), *ties(context, statement)))
    for k, tied in enumerate(contexts):
        for there in (tied, *beside(tied)):
            result = instances.check(
                there,
                statement,
                digest(seed, "tie", k),
                budget=budget,
                instances=AT_A_TIE,
                shrink=SHRINKS,
                thorough=False,
            )
            tried += result.tried
            if result.counterexample is not None:
                return result.counterexample, tried
            if result.exact + result.supported:
                break  # judged at the tie itself
    return None, tried


def search(
    context: Context, statement: Term, seed: int, *, budget: int = 200_000, evaluations: int = 240
) -> tuple[Counterexample | None, int]:
    """A counterexample to the inequality `statement` found by making its slack small, and the evaluations it took."""
    where = opened(context, statement)
    if where is not None:
        context, statement = where.context, where.statement
    inequality = statement.args[1] if statement.op == "implies" else statement
    if inequality.op not in ("le", "lt"):
        return None, 0
    spent = 0
    starts: list[tuple[float, dict[str, int], dict[str, int]]] = []
    for t in range(STARTS):
        start = drawn(context, digest(seed, "instance", t), PLANS[t % len(PLANS)], budget, thorough=False)
        if isinstance(start, str):
            continue
        found = _slack(context, inequality, positions(start.choices), budget)
        spent += 1
        if found is not None:
            starts.append(found)
    starts.sort(key=lambda s: s[0])
    for best, record, sizes in starts[:3]:
        improved = True
        while improved and spent < evaluations:
            improved = False
            for label in sorted(record):
                if label == "salt" or label not in sizes:
                    continue
                for position in _others(record[label], sizes[label], thorough=len(sizes) <= FEW):
                    if spent >= evaluations:
                        break
                    spent += 1
                    found = _slack(context, inequality, {**record, label: position}, budget)
                    if found is not None and found[0] < best:
                        best, record, sizes = found
                        improved = True
                        break
                if best <= 0:
                    case = refuted_at(context, statement, record, budget)
                    if case is not None:
                        return described(case), spent
    return None, spent


def _others(position: int, size: int, thorough: bool) -> list[int]:
    """Other positions in a pool: the simplest, the most extreme, those beside it; where asked, all of them."""
    near = (0, size - 1, position - 1, position + 1, position // 2, (position + size) // 2, 1, 2)
    more = range(min(size, LARGEST_POOL)) if thorough else ()
    return [k for k in dict.fromkeys((*near, *more)) if 0 <= k < size and k != position]


def _slack(
    context: Context, inequality: Term, record: Mapping[str, int], budget: int
) -> tuple[float, dict[str, int], dict[str, int]] | None:
    """The relative slack at a record, the record as completed, and the sizes of its pools."""
    a, b = inequality.args
    try:
        world = Interpretation(context, ReplayedChoices(record), budget)
        world.build()
        left, right = (midpoint(Evaluator(world, budget).value(x)) for x in (a, b))
    except (EvaluationError, Reject, OverflowError):
        return None
    size = abs(left) + abs(right)
    made = world.choices.record
    relative = (right - left) / size if size else 0.0
    return relative, {k: p for k, (p, _) in made.items()}, {k: n for k, (_, n) in made.items()}
