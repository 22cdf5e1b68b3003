"""Recorded choices: what an interpretation is made from.

Every value of an interpretation is drawn from a pool ordered by simplicity, under a label that names what it is for.
The record (label -> position in the pool) *is* the interpretation: replaying it gives the same values, and replaying it
with smaller positions gives a simpler interpretation that satisfies the same hypotheses, because the hypotheses are
built in, not filtered for.  Choices depend on labels and not on their order, so values may be drawn lazily.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from derivcheck.semantics.pools import digest

T = TypeVar("T")


class Choices(Protocol):
    """A source of choices: random, replayed, or a property-testing library's."""

    #: Label -> (position chosen, length of the pool).
    record: dict[str, tuple[int, int]]

    def choose(self, label: str, pool: Sequence[T], kind: str = "", rare: int = 0) -> T:
        """One member of `pool` (simplest first); the last `rare` members are for wide-range instances only."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one instance is to cover: errors hide where all instances look alike.

    ``sizes`` is ``any``, ``one``, ``two``, ``square``, ``rectangular``, ``large`` or ``least``; ``indices`` is ``any``,
    ``equal`` or ``distinct``; ``wide`` allows magnitudes from 1e-6 to 1e6; ``ties`` prefers the simplest values, so
    that ties and kinks occur; ``pattern`` is what most arrays and reals look like: ``zero``, ``cancelling`` (the
    entries of a row sum to 0), ``coincident`` (equal entries, a real equal to an earlier one), or ``any``.
    """

    sizes: str = "any"
    indices: str = "any"
    wide: bool = False
    ties: bool = False
    pattern: str = "any"


#: The plans of successive instances; small general ones first, because they refute soonest.
PLANS: tuple[Plan, ...] = (
    Plan("two", "distinct"),
    Plan("square", "equal"),
    Plan("rectangular", "distinct"),
    Plan("one", "equal"),
    Plan("large", "distinct"),
    Plan("square", "distinct", ties=True),
    Plan("rectangular", "equal", wide=True),
    Plan("least", "any", pattern="zero"),
    Plan("any", "any"),
    Plan("two", "distinct", wide=True),
    Plan("square", "distinct"),
    Plan("any", "equal", ties=True, pattern="cancelling"),
    Plan("large", "any", wide=True),
    Plan("rectangular", "any"),
    Plan("any", "distinct", pattern="coincident"),
    Plan("any", "any", wide=True),
)


class SeededChoices:
    """Pseudo-random choices that follow a `Plan`; equal seeds and labels give equal choices."""

    def __init__(self, seed: int, plan: Plan | None = None) -> None:
        self.seed = seed
        self.plan = plan or Plan()
        self.record: dict[str, tuple[int, int]] = {}
        self._last: dict[str, Any] = {}
        self._laws: dict[str, int] = {}

    def choose(self, label: str, pool: Sequence[T], kind: str = "", rare: int = 0) -> T:
        """See `Choices.choose`."""
        if label in self.record:
            return pool[min(self.record[label][0], len(pool) - 1)]
        position = self._position(label, pool, kind, rare)
        self.record[label] = (position, len(pool))
        if kind in ("size", "index"):  # built in one fixed order; everything else may be drawn in any order
            self._last[kind] = pool[position]
        return pool[position]

    def _position(self, label: str, pool: Sequence[T], kind: str, rare: int) -> int:
        wanted = [k for k, x in enumerate(pool) if self._wanted(x, pool, kind)]
        draw = digest(self.seed, label)
        if rare and len(pool) > rare:
            usual = len(pool) - rare
            if self.plan.wide and kind == "weight" and draw % 8:
                # The two extremes in turn along the last index, successive laws in opposite phase: nearly disjoint.
                head, place = _last_index(label)
                phase = self._laws.setdefault(head, len(self._laws))
                wanted = [len(pool) - 2 + (phase + place) % 2]
            elif self.plan.wide and draw % 2:
                wanted = [k for k in wanted if k >= usual]
            else:
                wanted = [k for k in wanted if k < usual]
        if kind == "entry" and self.plan.ties and draw % 5:
            # 0 and 1, and for some -1, where they are allowed: ties, kinks, zeros.
            wanted = wanted[: 2 + (draw >> 40) % 2]
        if kind == "weight" and self.plan.ties and draw % 2:
            wanted = wanted[:2]  # 1, and 0 where it is allowed
        if kind == "pattern" and self.plan.pattern in pool and draw % 4:
            wanted = [k for k, x in enumerate(pool) if x == self.plan.pattern]
        if not wanted:
            wanted = list(range(len(pool)))
        return wanted[(draw >> 8) % len(wanted)]

    def _wanted(self, x: Any, pool: Sequence[Any], kind: str) -> bool:
        last = self._last.get(kind)
        if kind == "size":
            match self.plan.sizes:
                case "one":
                    return bool(x == min((y for y in pool if y >= 1), default=min(pool)))
                case "two":
                    return bool(x in (2, 3))
                case "square":
                    return bool(x == last if last in pool else x in (2, 3))
                case "rectangular":
                    return bool(x >= 2 and x != last)
                case "large":
                    return bool(x == max(pool))
                case "least":
                    return bool(x == min(pool))
        if kind == "points" and self.plan.wide:
            return bool(x == 2)
        if kind == "index" and last is not None:
            if self.plan.indices == "equal" and last in pool:
                return bool(x == last)
            if self.plan.indices == "distinct":
                return bool(x != last)
        return True


def _last_index(label: str) -> tuple[str, int]:
    """A label without the number it ends in, and that number."""
    bare = label.rstrip("]")
    head = bare.rstrip("0123456789")
    return head, int(bare[len(head) :] or 0)


class ReplayedChoices:
    """The choices of a record; what it does not mention comes from `then`, or else is the simplest."""

    def __init__(self, record: Mapping[str, int], then: Choices | None = None) -> None:
        self._positions = dict(record)
        self._then = then
        self.record: dict[str, tuple[int, int]] = {}

    def choose(self, label: str, pool: Sequence[T], kind: str = "", rare: int = 0) -> T:
        """See `Choices.choose`."""
        if label not in self._positions and self._then is not None:
            value = self._then.choose(label, pool, kind, rare)
            self.record[label] = self._then.record[label]
            return value
        position = min(self._positions.get(label, 0), len(pool) - 1)
        self.record[label] = (position, len(pool))
        return pool[position]
