"""Hypothesis strategies from a Context: interpretations that satisfy it by construction, and shrink.

Hypothesis chooses what the instances of `derivcheck.semantics` draw at random, from the same pools ordered by
simplicity; so a failing example shrinks to small sizes and simple numbers and still satisfies the hypotheses.

>>> from hypothesis import given
>>> from derivcheck.language import Givens, le
>>> g = Givens(); x = g.real("x", above=0)
>>> @given(interpretations(g.context))
... def test_square_is_positive(world):
...     assert holds(world, le(0, x * x))
>>> test_square_is_positive()
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from hypothesis import reject
from hypothesis import strategies as st

from derivcheck.language import Context, Term
from derivcheck.semantics import Interpretation, Truth
from derivcheck.semantics.cases import interpret
from derivcheck.semantics.choices import Choices, SeededChoices
from derivcheck.semantics.interpretation import Reject, judge_in

T = TypeVar("T")

#: Evaluated nodes that one judgement may cost.
BUDGET = 200_000


class _HypothesisChoices:
    """Choices made by Hypothesis while an example is built, and from a seed afterwards.

    Functions on infinite domains ask for values when a test looks at them, after the strategy has returned.
    """

    def __init__(self, draw: Callable[[st.SearchStrategy[int]], int]) -> None:
        self.record: dict[str, tuple[int, int]] = {}
        self._draw: Callable[[st.SearchStrategy[int]], int] | None = draw
        self._later: Choices = SeededChoices(draw(st.integers(0, 255)))

    def finish(self) -> None:
        """From here on choices come from the seed."""
        self._draw = None

    def choose(self, label: str, pool: Sequence[T], kind: str = "", rare: int = 0) -> T:
        """See `derivcheck.semantics.choices.Choices`."""
        if label not in self.record:
            if self._draw is None:
                value = self._later.choose(label, pool, kind, rare)
                self.record[label] = self._later.record[label]
                return value
            self.record[label] = (self._draw(st.integers(0, len(pool) - 1)), len(pool))
        return pool[min(self.record[label][0], len(pool) - 1)]


@st.composite
def interpretations(draw: Callable[[st.SearchStrategy[int]], int], context: Context) -> Interpretation:
    """Interpretations of a Context: a value for every symbol, with every fact of the Context true.

    Parameters
    ----------
    context : Context
        What is given.
    """
    choices = _HypothesisChoices(draw)
    try:
        world, _ = interpret(context, choices, budget=BUDGET)
    except Reject:
        reject()
    choices.finish()
    return world


def holds(world: Interpretation, proposition: Term) -> bool:
    """Whether a proposition is true in an interpretation, exactly or within rigorous balls.

    Where it has no value, or cannot be judged within the budget, it does not hold.
    """
    return judge_in(world, proposition, BUDGET).truth in (Truth.TRUE, Truth.SUPPORTED)
