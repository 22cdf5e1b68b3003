"""Buffer planning: every result gets a place in a workspace that is made once and reused.

Invariant: no node's memory is written again while a later node still reads it (through whatever views), and
what a program returns is memory of its own.

The workspace consists of slots of bytes. A slot is free again after the last reader of its node has run;
an elementwise result may take over the slot of an operand that it is the last to read. Groups too large for
the cache run block by block: what only the group itself reads then needs a block's memory only. While threads run
chains of groups abreast, "after" holds within a chain only: what one chain leaves free, no other one takes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from derivcheck.models.graph import Graph, as_kind
from derivcheck.models.passes.abreast import Stretch
from derivcheck.models.passes.fuse import Group
from derivcheck.models.passes.layout import contiguous, is_view, root
from derivcheck.models.passes.places import places
from derivcheck.models.tensor import PRIMITIVES, Array, Shape, Tensor

__all__ = ["CACHE", "Block", "Plan", "Slots", "plan", "uncut"]

#: Bytes of one operand of a block. Half a dozen operands of this size fit a core's second-level cache.
CACHE = 1 << 17


def uncut(dtype: Any) -> int:
    """Entries of the largest elementwise group that is not cut into blocks."""
    return 2 * CACHE // int(np.dtype(dtype).itemsize)


#: Primitives of which an operand's memory may become the result's.
_IN_PLACE = frozenset(
    {"add", "sub", "mul", "div", "maximum", "minimum", "neg", "exp", "expm1", "log", "log1p", "sqrt", "square"}
    | {"reciprocal", "tanh", "sin", "cos", "power"}
)


@dataclass(frozen=True)
class Block:
    """``size`` entries at a time along an axis."""

    axis: int
    size: int


@dataclass(frozen=True, eq=False)
class Plan:
    """Where everything stands.

    Attributes
    ----------
    graph : Graph
    groups : tuple of Group
    dtype : numpy.dtype
        Of the float kind.
    static : dict
        Arrays known before the call: constants, workspace, views of either.
    scratch : set
        Nodes whose array holds one block only.
    blocks : dict
        For every group that runs block by block (by its first node): how.
    results : dict
        Nodes that are computed straight into a fresh array: position among the outputs.
    resident : dict
        Inputs whose arrays live in the program.
    host : frozenset
        Scalars computed as Python floats.
    placed : frozenset
        Nodes computed right into their part of a concatenation or fold.
    workspace : int
        Bytes.
    arena : array or None
        The whole workspace, if it was asked for in one piece.
    slots : Slots
        What the workspace was made of.
    abreast : tuple of Stretch
        Stretches whose chains use no memory that another chain of theirs writes.
    """

    graph: Graph
    groups: tuple[Group, ...]
    dtype: np.dtype[Any]
    static: dict[Tensor, Array]
    scratch: frozenset[Tensor]
    blocks: dict[Tensor, Block]
    results: dict[Tensor, int]
    resident: dict[Tensor, Array]
    host: frozenset[Tensor]
    placed: frozenset[Tensor]
    workspace: int
    arena: Array | None
    slots: Slots
    abreast: tuple[Stretch, ...]

    def zeros(self, name: str, shape: Shape) -> Array:
        """Memory outside the workspace that begins as zeros, the same for all programs that share the workspace."""
        return self.slots.kept.setdefault((name, shape, self.dtype), np.zeros(shape, self.dtype))

    def runs_in_blocks(self, t: Tensor) -> bool:
        """Whether a node is computed block by block."""
        return any(t in group.nodes for group in self.groups if group.nodes[0] in self.blocks)


@dataclass
class Slots:
    """A workspace: pieces of memory that are free, and the bytes of all.

    Attributes
    ----------
    free : list of array
    total : int
    own : list of array, optional
        Pieces that are free again for the chain at work only, while another one may still be using them.
    arena : array, optional
        Where all pieces are cut from, one after the other; by default each is memory of its own.
    arenas, kept : dict
        Such pieces by their size, and arrays outside the workspace by name, shape and type: all programs share them.
    """

    free: list[Array] = field(default_factory=list)
    total: int = 0
    own: list[Array] | None = None
    arena: Array | None = None
    arenas: dict[int, Array] = field(default_factory=dict)
    kept: dict[tuple[str, Shape, np.dtype[Any]], Array] = field(default_factory=dict)

    def within(self, size: int) -> Slots:
        """Slots that are cut from one piece of memory, shared by all programs that ask for this size."""
        if size not in self.arenas:
            self.arenas[size] = _aligned(size)
        return Slots(arena=self.arenas[size], kept=self.kept)

    def take(self, size: int, common: bool = False) -> Array:
        """A piece of memory; for what several chains write (``common``), none that one of them has used."""
        for free in (self.own or [], self.free):
            fitting = [] if common and free is self.own else [s for s in free if s.nbytes >= size]
            if not fitting:
                continue
            best = min(reversed(fitting), key=lambda s: s.nbytes)  # of equals the one that was used last
            # A slot far too large is left to those that need it.
            if best.nbytes <= 4 * size + 4096:
                free[:] = [s for s in free if s is not best]
                return best
        rounded = max(64, -(-size // 64) * 64)
        self.total += rounded
        return _aligned(rounded) if self.arena is None else self.arena[self.total - rounded : self.total]

    def give(self, slot: Array) -> None:
        """Memory that is free again."""
        (self.free if self.own is None else self.own).append(slot)


def _share_memory(a: Array, b: Array) -> bool:
    """Whether two arrays have an entry in common, or it would take long to tell."""
    try:
        # NumPy's types do not know that this may be any number.
        return np.may_share_memory(a, b) and bool(np.shares_memory(a, b, max_work=1000))  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True


def _aligned(size: int) -> Array:
    raw = np.zeros(size + 64, np.uint8)
    start = -raw.ctypes.data % 64  # SIMD loads want aligned rows
    return raw[start : start + size]


def plan(
    graph: Graph,
    groups: tuple[Group, ...],
    dtype: Any,
    resident: dict[Tensor, Array] | None = None,
    updates: dict[int, Tensor] | None = None,
    host: frozenset[Tensor] = frozenset(),
    slots: Slots | None = None,
    whole: Callable[[Group], bool] = lambda group: False,
    abreast: tuple[Stretch, ...] = (),
) -> Plan:
    """Assign memory.

    Parameters
    ----------
    graph, groups
        From :func:`fuse`.
    dtype
        NumPy type of the float kind.
    resident : dict, optional
        Inputs that live in the program, with their arrays.
    updates : dict, optional
        Output position → resident input into whose array it is stored at the end of a call.
    host : frozenset
        From :func:`~derivcheck.models.passes.host.host_nodes`.
    slots : Slots, optional
        Workspace to use (and to enlarge); everything in it is free again afterwards.
    whole : callable
        Whether a group runs as one loop nest: no memory that it reads is then given to it to write, unless entry by
        entry.
    abreast : tuple of Stretch
        What threads are to run at the same time.
    """
    given = resident or {}, updates or {}, host, slots or Slots(), whole, abreast
    return _Planner(graph, groups, np.dtype(dtype), *given).run()


class _Planner:
    def __init__(
        self,
        graph: Graph,
        groups: tuple[Group, ...],
        dtype: np.dtype[Any],
        resident: dict[Tensor, Array],
        updates: dict[int, Tensor],
        host: frozenset[Tensor],
        slots: Slots,
        whole: Callable[[Group], bool],
        abreast: tuple[Stretch, ...],
    ) -> None:
        self.graph, self.groups, self.dtype, self.host = graph, groups, dtype, host
        self.abreast = abreast
        #: For every group of a stretch: the stretch, and which of its chains.
        self.chain = {i: (s, k) for s in abreast for k, chain in enumerate(s.chains) for i in chain}
        #: Memory that is free at the end of the stretch at work, for each of its chains, and for none of them.
        self.owned: list[list[Array]] = []
        self.parked: list[Array] = []
        self.static: dict[Tensor, Array] = dict(resident)
        self.resident = resident
        self.scratch: set[Tensor] = set()
        self.placed: set[Tensor] = set()
        self.blocks: dict[Tensor, Block] = {}
        self.results: dict[Tensor, int] = {}
        self.slots, self.whole = slots, whole
        self.slot: dict[Tensor, Array] = {}
        self.group_of = {t: i for i, g in enumerate(groups) for t in g.nodes}
        position = 0
        self.position: dict[Tensor, int] = {}
        for g in groups:
            for t in g.nodes:
                self.position[t] = position
                position += 1
        self.end = position
        for k, t in enumerate(graph.outputs):
            if t in self.position and t not in self.results and k not in updates:
                self.results[t] = k
        self.places = places(graph, self.position, self.results)
        #: The groups that read a node's memory.
        self.reading: dict[Tensor, set[int]] = {}
        self.last = self._last_uses()
        self._in_place_updates(updates)

    def _last_uses(self) -> dict[Tensor, int]:
        last: dict[Tensor, int] = {}
        for t in self.graph.nodes:
            if t in self.position:
                for x in t.inputs:
                    r = self._owner(x)
                    last[r] = max(last.get(r, -1), self.position[t])
                    self.reading.setdefault(r, set()).add(self.group_of[t])
        for t in self.graph.outputs:
            if t not in self.results:
                last[self._owner(t)] = self.end
        return last

    def _owner(self, t: Tensor) -> Tensor:
        r = root(t)
        while r in self.places:
            r = self.places[r].whole
        return r

    def _in_place_updates(self, updates: dict[int, Tensor]) -> None:
        # A new parameter may be computed right into the old one's memory if nothing reads the old one later; and so may
        # an operand of its that nobody else reads, such as a slot times its decay.
        taken: set[Tensor] = set()
        for k, v in updates.items():
            t = self.graph.outputs[k]
            found = [t] if t in self.position and t not in taken and t not in self.results else []
            while fitting := [x for x in found if self._may_replace(x, v)]:
                t = next((x for x in fitting if v in x.inputs), fitting[0])
                self.static[t] = self.resident[v]
                taken.add(t)
                found = [x for x in t.inputs if self._is_private(x, t)]

    def _may_replace(self, t: Tensor, v: Tensor) -> bool:
        """Whether a node may stand where a resident input stood, as far as the order of reading goes."""
        group = self.groups[self.group_of[t]]
        if t.shape != v.shape or t.kind != v.kind or self.last.get(v, -1) > self.position[t]:
            return False
        if self._is_read_abreast(v, self.group_of[t]):
            return False
        return group.shape is not None and t.primitive in _IN_PLACE and not self._read_otherwise(v, t, group)

    def _is_private(self, x: Tensor, reader: Tensor) -> bool:
        """Whether an operand is computed in its reader's group for it alone."""
        same = self.group_of.get(x) == self.group_of[reader] and x.shape == reader.shape
        return same and self.graph.users[x] == [reader] and x not in self.graph.outputs and x not in self.places

    def run(self) -> Plan:
        for t in self.graph.nodes:
            # A number stays text in elementwise lines; elsewhere it must be an array.
            literal = t.ndim == 0 and t.kind == "float"
            literal = literal and all(PRIMITIVES[u.primitive].elementwise for u in self.graph.users[t])
            if t.primitive == "constant" and not literal:
                self.static[t] = np.array(as_kind(t.attributes["value"], t.kind, self.dtype), order="C")
        self._views()
        for i, group in enumerate(self.groups):
            self._begin(i)
            self._place(i, group)
            self._end(i)
        self._views()
        for slot in self.slot.values():
            self.slots.give(slot)
        return Plan(
            self.graph,
            self.groups,
            self.dtype,
            self.static,
            frozenset(self.scratch),
            self.blocks,
            self.results,
            self.resident,
            self.host,
            frozenset(self.placed),
            self.slots.total,
            self.slots.arena,
            self.slots,
            tuple(s for s in self.abreast if self._is_apart(s)),
        )

    # --- chains that run abreast -------------------------------------------------------------------------------

    def _begin(self, i: int) -> None:
        if i in self.chain:
            stretch, k = self.chain[i]
            if i == stretch.start:
                self.owned = [[] for _ in stretch.chains]
            self.slots.own = self.owned[k]

    def _end(self, i: int) -> None:
        self.slots.own = None
        if i in self.chain and i + 1 == self.chain[i][0].end:
            for slot in (*(slot for own in self.owned for slot in own), *self.parked):
                self.slots.give(slot)
            self.owned, self.parked = [], []

    def _is_read_abreast(self, x: Tensor, i: int) -> bool:
        """Whether another chain reads a node while group ``i`` runs."""
        if i not in self.chain:
            return False
        stretch, k = self.chain[i]
        beside = (self.chain[j] for j in self.reading.get(x, ()) if j in self.chain)
        return any(other is stretch and chain != k for other, chain in beside)

    def _is_apart(self, stretch: Stretch) -> bool:
        """Whether no chain writes memory that another one reads or writes."""
        nodes = [[t for i in chain for t in self.groups[i].nodes] for chain in stretch.chains]
        written = [self._memory(t for t in ts if not self._stands(t)) for ts in nodes]
        used = [self._memory(x for t in ts for x in (t, *t.inputs)) for ts in nodes]
        pairs = ((a, b) for w, u in itertools.permutations(range(len(nodes)), 2) for a in written[w] for b in used[u])
        return not any(_share_memory(a, b) for a, b in pairs)

    def _stands(self, t: Tensor) -> bool:
        """Whether a node only joins what has been computed where it is to stand."""
        parts = [root(x) for x in t.inputs]
        return all(x in self.placed and self.places[x].whole is t for x in parts)

    def _memory(self, nodes: Iterable[Tensor]) -> list[Array]:
        return [self.static[t] for t in dict.fromkeys(nodes) if t in self.static]

    def _views(self) -> None:
        for t in self.graph.nodes:
            if t not in self.static and t.inputs and is_view(t) and t.inputs[0] in self.static:
                x = self.static[t.inputs[0]]
                self.static[t] = PRIMITIVES[t.primitive].evaluate(x, **t.attributes)

    def _item(self, t: Tensor) -> np.dtype[Any]:
        return {"float": self.dtype, "int": np.dtype(np.int64), "bool": np.dtype(np.bool_)}[t.kind]

    def _bytes(self, t: Tensor, shape: Shape) -> int:
        return int(np.prod(shape, dtype=np.int64)) * self._item(t).itemsize

    def _store(self, t: Tensor, shape: Shape, slot: Array) -> None:
        self.slot[t] = slot
        self.static[t] = slot[: self._bytes(t, shape)].view(self._item(t)).reshape(shape)

    def _place(self, i: int, group: Group) -> None:
        for t in group.nodes:
            if t in self.places and t not in self.static:
                self._place_part(t)
        one_loop = self.whole(group)
        blocked = None if one_loop else self._block(group)
        if blocked is not None:
            self.blocks[group.nodes[0]] = blocked
        local: set[Tensor] = set()
        if blocked is not None:
            local = {t for t in group.nodes if self._local(t, i)}
        held: list[Array] = []  # slots that may be reused only after the whole (blocked) group
        inner = Slots(total=0)
        for t in group.nodes:
            here = self.position[t]
            dying = [x for x in dict.fromkeys(self._owner(x) for x in t.inputs) if self.last.get(x) == here]
            mine = [x for x in dying if x in self.slot]
            heirless = [x for x in mine if self._is_read_abreast(x, i)]
            if t not in self.results and t not in self.static:
                shape = t.shape
                if blocked is not None and t in local:
                    shape = (*shape[: blocked.axis], blocked.size, *shape[blocked.axis + 1 :])
                heir = self._heir(t, [x for x in mine if x not in heirless], local, group)
                if heir is not None:
                    mine.remove(heir)
                    self._store(t, shape, self.slot.pop(heir))
                elif t in local:
                    self._store(t, shape, inner.take(self._bytes(t, shape)))
                else:
                    self._store(t, shape, self.slots.take(self._bytes(t, shape)))
                if t in local:
                    self.scratch.add(t)
            for x in mine:
                slot = self.slot.pop(x)
                if x in self.scratch:
                    inner.give(slot)
                elif x in heirless:
                    self.parked.append(slot)
                elif blocked is not None or one_loop:
                    held.append(slot)
                else:
                    self.slots.give(slot)
        for slot in (*held, *inner.free):
            self.slots.give(slot)
        self.slots.total += inner.total

    def _place_part(self, t: Tensor) -> None:
        place = self.places[t]
        if place.whole in self.places and place.whole not in self.static:
            self._place_part(place.whole)
        if place.whole not in self.static:
            size = self._bytes(place.whole, place.whole.shape)
            self._store(place.whole, place.whole.shape, self.slots.take(size, common=True))
        memory = self.static[place.whole]
        for x, strides in ((t, place.strides), *place.views):
            self.static[x] = place.part(memory, x.shape, strides)
        self.placed.add(t)

    def _local(self, t: Tensor, group: int) -> bool:
        if t in self.results or t in self.static or t in self.graph.outputs:
            return False
        return all(self.group_of.get(u) == group for u in self.graph.users[t])

    def _read_otherwise(self, x: Tensor, t: Tensor, group: Group) -> bool:
        # Blocks of a transposed (or shifted) view are not blocks of the memory: a later block would read what
        # an earlier one has overwritten. So would a loop that reads a part of it at another place. A view that
        # only reshapes has every entry where the result will have it.
        read = (y for u in group.nodes for y in u.inputs if self._owner(y) is x)
        return any(root(y) is not x or y.shape != t.shape or y.size != x.size or not contiguous(y) for y in read)

    def _heir(self, t: Tensor, dying: list[Tensor], local: set[Tensor], group: Group) -> Tensor | None:
        if t.primitive not in _IN_PLACE:
            return None
        for x in dying:
            same = x.size == t.size and x.kind == t.kind and (x in self.scratch) == (t in local)
            if same and not self._read_otherwise(x, t, group):
                return x
        return None

    def _block(self, group: Group) -> Block | None:
        """How to cut a group whose operands do not fit the cache."""
        if group.shape is None or len(group.nodes) < 2:
            return None
        count = int(np.prod(group.shape, dtype=np.int64))
        if count <= uncut(self.dtype):
            return None
        whole = self.dtype.itemsize * count
        # Along the first axis that makes pieces small enough; never along the last, whose entries stay together,
        # unless there is no other.
        axes = [a for a in range(max(1, len(group.shape) - 1)) if group.shape[a] > 1]
        if not axes:
            return None
        axis = next((a for a in axes if whole <= 2 * CACHE * group.shape[a]), max(axes, key=group.shape.__getitem__))
        count = group.shape[axis]
        return Block(axis, max(1, min(count, CACHE * count // whole)))
