"""Which neighbours in the schedule threads run abreast.

Invariant: the chains of a stretch are its groups, each once and in their order, and no group needs what another chain
makes. That no chain writes memory which another one uses, :mod:`~derivcheck.models.passes.plan` sees to.

Slabs of a large result are such chains, and so are the products of a layer's two gradients. Threads are given chains
that follow each other, so that what one of them leaves in its cache is mostly what it reads next.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from derivcheck.models.passes.fuse import Group
from derivcheck.models.passes.layout import root
from derivcheck.models.tensor import PRIMITIVES, Tensor

__all__ = ["Stretch", "stretches"]

#: Seconds for which a stretch must keep more than one thread busy: they wake, and wait for each other.
WAKING = 1.5e-4

#: Estimated seconds of a group from which on other threads can run meanwhile: below, the interpreter is what is busy.
BUSY = 5e-6

#: Most groups in a stretch.
LONGEST = 64

#: Estimated seconds of a multiplication in a product, of an entry of a cheap function, of a costly one, and of an entry
#: that is copied or added up; for four bytes.
PRODUCT, CHEAP, COSTLY, MOVED = 2.5e-11, 2.5e-10, 2e-9, 4e-10

_COSTLY = frozenset({"exp", "expm1", "log", "log1p", "tanh", "sin", "cos", "erf", "power", "scalar_power", "random"})


@dataclass(frozen=True)
class Stretch:
    """Consecutive groups that threads run abreast.

    Attributes
    ----------
    chains : tuple of tuple of int
        Positions of groups in the schedule, one chain a thread, none empty.
    """

    chains: tuple[tuple[int, ...], ...]

    @property
    def start(self) -> int:
        """Position of the first group."""
        return min(chain[0] for chain in self.chains)

    @property
    def end(self) -> int:
        """Position after the last group."""
        return 1 + max(chain[-1] for chain in self.chains)


def stretches(groups: Sequence[Group], host: Container[Tensor], itemsize: int, threads: int) -> tuple[Stretch, ...]:
    """Find the stretches that are worth more than one thread.

    Parameters
    ----------
    groups : sequence of Group
        The schedule.
    host : container of nodes
        Scalars computed as Python floats: what reads one stays outside.
    itemsize : int
        Bytes of the float kind.
    threads : int
    """
    if threads < 2:
        return ()
    seconds = [_seconds(group, itemsize) for group in groups]
    needs = _needs(groups)
    alone = [any(t.primitive == "random" or any(map(host.__contains__, t.inputs)) for t in g.nodes) for g in groups]
    # The stretches that save most together: from the end on, with the best for all groups behind.
    saved: list[float] = [0.0] * (len(groups) + 1)
    chosen: list[Stretch | None] = [None] * len(groups)
    for i in reversed(range(len(groups))):
        saved[i] = saved[i + 1]
        for stretch, gain in _from(i, seconds, needs, alone, threads) if seconds[i] else ():
            if gain + saved[stretch.end] > saved[i]:
                saved[i], chosen[i] = gain + saved[stretch.end], stretch
    found: list[Stretch] = []
    at = 0
    while at < len(groups):
        best = chosen[at]
        found += [] if best is None else [best]
        at = at + 1 if best is None else best.end
    return tuple(found)


def _needs(groups: Sequence[Group]) -> list[set[int]]:
    """For every group the earlier ones whose results it reads."""
    made: dict[Tensor, int] = {}
    needs: list[set[int]] = []
    for i, group in enumerate(groups):
        needs.append({made[r] for t in group.nodes for x in t.inputs if (r := root(x)) in made})
        made.update((t, i) for t in group.nodes)
    return needs


def _from(
    first: int, seconds: Sequence[float], needs: Sequence[set[int]], alone: Sequence[bool], threads: int
) -> Iterator[tuple[Stretch, float]]:
    """The stretches that begin with a group and are worth it, and the seconds that each saves."""
    tied: list[list[int]] = []  # groups of which one needs another, by the first of them
    for i in range(first, min(len(seconds), first + LONGEST)):
        if alone[i]:
            return
        mine = [other for other in tied if not needs[i].isdisjoint(other)]
        tied = [other for other in tied if not any(other is m for m in mine)]
        tied.append(sorted([i, *(j for other in mine for j in other)]))
        tied.sort(key=lambda other: other[0])
        if len(tied) < 2 or not seconds[i]:
            continue
        chains = _dealt(tied, seconds, threads)
        times = [sum(seconds[j] for j in chain) for chain in chains]
        gain = sum(times) - max(times) - WAKING
        if gain > 0:
            yield Stretch(tuple(map(tuple, chains))), gain


def _dealt(tied: Sequence[Sequence[int]], seconds: Sequence[float], threads: int) -> list[list[int]]:
    """Neighbours among what is tied together to the same thread, all threads busy for about the same time."""
    times = [sum(seconds[j] for j in other) for other in tied]
    total, before = sum(times), 0.0
    chains: list[list[int]] = [[] for _ in range(threads)]
    for other, time in zip(tied, times, strict=True):
        chains[min(threads - 1, int(threads * (before + time / 2) / total))] += other
        before += time
    return [sorted(chain) for chain in chains if chain]


def _seconds(group: Group, itemsize: int) -> float:
    total = sum(map(_work, group.nodes)) * itemsize / 4
    return total if total >= BUSY else 0.0


def _work(t: Tensor) -> float:
    if t.primitive == "matmul":
        return PRODUCT * t.size * t.inputs[0].shape[-1]
    if t.primitive in _COSTLY:
        return COSTLY * t.size
    if PRIMITIVES[t.primitive].elementwise:
        return CHEAP * t.size
    if t.primitive == "concatenate":  # its parts are mostly computed where they are to stand
        return 0.0
    return MOVED * max(t.size, *(x.size for x in t.inputs))
