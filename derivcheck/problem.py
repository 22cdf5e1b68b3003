"""The one record that authors fill in: a problem, its claims, and the networks that show them.

A problem file ends with ``problem = Problem(...)``.  A claim is stated once, as a term in a Context; instances,
experiments and near misses are derived from the statement.  By hand an author writes the proof's displayed steps and,
where a network shows the claim, a `Measurement`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from derivcheck.language import PROP, Context, LanguageError, Term

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: The four kinds of witness, in the order of a report.
WITNESSES = ("proof", "instances", "experiment", "network")


@dataclass(frozen=True, slots=True)
class Reading:
    """What one network measurement saw, beside what the claim predicts.

    Attributes
    ----------
    predicted, measured : array of float, same shape
        The claim's prediction and the network's numbers.
    tolerance : array of float, broadcastable to `predicted`
        The allowance that was stated beforehand (from the design of the measurement, never from `measured`).
    near_misses : mapping from a name to an array like `predicted`
        Wrong predictions; each must fail this same measurement, or the measurement shows nothing.
    false_alarm : float
        The probability that a true claim fails the tolerance (0 for a deterministic measurement).
    detail : mapping
        Anything worth showing: sizes, epochs, replicas, curves to plot (lists of numbers).
    """

    predicted: NDArray[np.float64]
    measured: NDArray[np.float64]
    tolerance: NDArray[np.float64] | float
    near_misses: Mapping[str, NDArray[np.float64]]
    false_alarm: float
    detail: Mapping[str, Any] = field(default_factory=dict)


class NotRun(Exception):
    """Raised by a measurement that cannot run here; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """A real network, run and measured as a witness of a claim.

    ``run(seed)`` takes a ``numpy.random.SeedSequence`` spawned for this measurement and returns a `Reading`; it raises
    `NotRun` where something that it needs is not installed.
    """

    name: str
    summary: str
    run: Callable[[np.random.SeedSequence], Reading]


@dataclass(frozen=True, slots=True)
class Misconception:
    """A wrong variant that people of the field really believe; it must be refuted."""

    name: str
    statement: Term
    context: Context | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement of a result.

    Attributes
    ----------
    name : str
        Unique in its problem; a slug such as ``jacobian-entries``.
    summary : str
        The statement in words.
    context : Context
        What is given.
    statement : Term
        The proposition that is claimed.
    proof : callable, optional
        From this claim to a `derivcheck.proof.Proof` whose theorem is the statement.
    as_printed : bool
        True where a source prints it like this although it is wrong: it is expected to be refuted.
    networks : tuple of Measurement
        The real networks that show it.
    not_applicable : mapping from a witness to a reason
        Witnesses that make no sense for this claim.
    misconceptions : tuple of Misconception
        Named wrong variants, beside the near misses that are made automatically.
    assumptions : tuple of str
        Names of analytic facts of the context that a textbook leaves unsaid; shown beside the claim.
    """

    name: str
    summary: str
    context: Context
    statement: Term
    proof: Callable[[Claim], Any] | None = None
    as_printed: bool = False
    networks: tuple[Measurement, ...] = ()
    not_applicable: Mapping[str, str] = field(default_factory=dict)
    misconceptions: tuple[Misconception, ...] = ()
    assumptions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.statement.sort != PROP:
            raise LanguageError(f"claim '{self.name}': '{self.statement}' is not a proposition")
        undeclared = self.context.undeclared(self.statement)
        if undeclared:
            names = ", ".join(sorted(str(s.data) for s in undeclared))
            raise LanguageError(f"claim '{self.name}': not declared: {names}")
        unknown = set(self.not_applicable) - set(WITNESSES)
        if unknown:
            raise LanguageError(f"claim '{self.name}': no witness is called {', '.join(sorted(unknown))}")


@dataclass(frozen=True, slots=True)
class Problem:
    """A textbook result: one file in ``problems/<topic>/``.

    Attributes
    ----------
    id : str
        A slug, unique among all problems.
    title, topic, summary : str
        For the reader; the topic is the folder's name.
    sources : tuple of str
        The identifiers of the inventory's entries that it serves.
    claims : tuple of Claim
        Its statements, in the textbook's order.
    """

    id: str
    title: str
    topic: str
    summary: str
    sources: tuple[str, ...]
    claims: tuple[Claim, ...]

    def __post_init__(self) -> None:
        names = [c.name for c in self.claims]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise LanguageError(f"problem '{self.id}': two claims are called {', '.join(twice)}")
        if not names:
            raise LanguageError(f"problem '{self.id}' claims nothing")

    def claim(self, name: str) -> Claim:
        """The claim called `name`."""
        return next(c for c in self.claims if c.name == name)
