"""Products with a matrix that is mostly zeros skip the zeros.

Invariant: the graph computes the same numbers up to the order of additions, where no factor of a zero is infinite or
NaN. The gradient of a maximum over windows is zero at all places but the largest: of four places of a pooling window
three. A weight's gradient, a sum of products of such a matrix and of what the weight was multiplied by, becomes a
correlation (see :mod:`~derivcheck.models.primitives.correlation`), for which the compiled backend collects the entries
that are not zero and adds a row of the other operand for each of them. A tenth more work than the dense product has is
lost if nothing is zero after all; three quarters of it are saved if three quarters are.

Rows must be long and stand in one piece. So the other operand is copied, once, with those axes last that make up a row;
the windows of a convolution then need no copy of their own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from derivcheck.models.functional import reshape, transpose
from derivcheck.models.graph import Graph, rewrite
from derivcheck.models.passes.density import densities
from derivcheck.models.passes.walks import Factor, Factors, refined, walked
from derivcheck.models.tensor import Tensor, make

__all__ = ["sparse"]

#: Largest share of entries other than zero; fewest multiplications (of all entries), in all, for each entry that is
#: copied, and for each of the result.
SHARE, WORK, COPIED, SUMMED = 0.3, 1 << 21, 64, 256

#: Shortest row that is worth adding by itself.
ROW = 32


@dataclass(frozen=True, eq=False)
class _Loop:
    """One loop of a correlation: how it moves either operand (``None``: not at all)."""

    size: int
    sparse: Factor | None
    dense: Factor | None


@dataclass(frozen=True, eq=False)
class _Plan:
    """A product as a correlation.

    Attributes
    ----------
    few, dense : Tensor
        What is mostly zeros, and what is read a row at a time.
    order : tuple of int
        The axes of ``dense`` in memory.
    rows, inner, lanes : list of _Loop
        Loops over ``few`` that stay, and that are summed; loops over a row of ``dense``, in the order of memory.
    drawn : list of _Loop
        The lanes in the order of the product's own axis.
    """

    few: Tensor
    dense: Tensor
    order: tuple[int, ...]
    rows: list[_Loop]
    inner: list[_Loop]
    lanes: list[_Loop]
    drawn: list[_Loop]

    @property
    def copied(self) -> bool:
        return self.order != tuple(sorted(self.order))


def sparse(graph: Graph) -> Graph:
    """Replace the products, and sums of batches of products, for which that pays."""
    if not any(t.primitive == "matmul" and t.size * t.inputs[0].shape[-1] >= WORK for t in graph.nodes):
        return graph
    share = densities(graph)
    few = {t: found for t in graph.nodes if (found := _sparse_operand(graph, t, share)) is not None}
    plans = {t: plan for t, which in few.items() if (plan := _plan(t, t.inputs, which)) is not None}
    wanted = {plan.dense: plan.order for plan in plans.values() if plan.copied}
    copies: dict[tuple[Tensor, tuple[int, ...]], Tensor] = {}

    def rule(t: Tensor, inputs: tuple[Tensor, ...]) -> Tensor | None:
        if t in plans:
            plan = _plan(t, inputs, few[t])
            assert plan is not None  # it depends on shapes only
            source = copies.get((plan.dense, plan.order))
            if source is None:
                source = _copy(plan.dense, plan.order) if plan.copied else plan.dense
            return _correlation(t, plan, few[t], source)
        if t not in wanted:
            return None
        # Copied as soon as it is there, and in the cache.
        new = Tensor(t.primitive, inputs, t.attributes, t.shape, t.kind, t.scope)
        copies[new, wanted[t]] = _copy(new, wanted[t])
        return new

    return rewrite(graph, rule) if plans else graph


def _copy(t: Tensor, order: tuple[int, ...]) -> Tensor:
    """The same with its axes in another order; a join of one part has memory of its own."""
    return make("concatenate", transpose(t, order), axis=0)


def _sparse_operand(graph: Graph, t: Tensor, share: dict[Tensor, float]) -> int | None:
    """Which operand of a product (summed over its batch, or of one matrix) is mostly zeros."""
    product = t.inputs[0] if t.primitive == "sum" else t
    if product.primitive != "matmul" or product.size * product.inputs[0].shape[-1] < WORK:
        return None
    if t.primitive == "sum":
        alone = len(graph.users[product]) == 1 and product not in graph.outputs
        if not alone or t.attributes["axes"] != tuple(range(product.ndim - 2)):
            return None
    elif product.ndim > 2 and max(product.shape[:-2]) > 1:
        return None
    if product.size * product.inputs[0].shape[-1] < SUMMED * t.size:
        return None
    few = [i for i, x in enumerate(product.inputs) if share[x] <= SHARE]
    return few[0] if len(few) == 1 else None


def _plan(t: Tensor, inputs: tuple[Tensor, ...], which: int) -> _Plan | None:
    product = inputs[0] if t.primitive == "sum" else t
    operands = inputs[0].inputs if t.primitive == "sum" else inputs
    few, few_axes = walked(operands[which])
    dense, dense_axes = walked(operands[1 - which])
    # Of (…, n, k) (k, m): summed over the first operand's last axis, the second one's last but one.
    rows_at, lanes_at = (-2, -1) if which == 0 else (-1, -2)
    pairs = [_pairs(f, g, n) for f, g, n in zip(few_axes[:-2], dense_axes[:-2], product.shape[:-2], strict=True)]
    pairs.append(refined(few_axes[lanes_at], dense_axes[rows_at]))
    if any(found is None for found in pairs) or not dense_axes[lanes_at]:
        return None
    inner = [_Loop(f.size, f, g) for found in pairs for f, g in found or ()]
    rows = [_Loop(f.size, f, None) for f in few_axes[rows_at]]
    drawn = [_Loop(f.size, None, f) for f in dense_axes[lanes_at]]
    order = _order(dense, drawn)
    lanes = sorted(drawn, key=lambda loop: -_stride(dense, order, loop.dense))
    work = math.prod(loop.size for loop in (*rows, *inner, *lanes))
    if _run(dense, order, lanes) < ROW or work < COPIED * dense.size:
        return None
    return _Plan(few, dense, order, rows, inner, lanes, drawn)


def _correlation(t: Tensor, plan: _Plan, which: int, source: Tensor) -> Tensor:
    """The product as planned; ``source`` is the dense operand in the order wanted."""
    loops = [*plan.rows, *plan.inner, *plan.lanes]
    kept = [*plan.rows, *plan.lanes]
    y = make(
        "correlate",
        plan.few,
        source,
        sizes=tuple(loop.size for loop in loops),
        left=tuple(_move(loop.sparse, range(plan.few.ndim)) for loop in loops),
        right=tuple(_move(loop.dense, plan.order) for loop in loops),
        kept=tuple(loops.index(loop) for loop in kept),
    )
    wanted = [*plan.rows, *plan.drawn] if which == 0 else [*plan.drawn, *plan.rows]
    return reshape(transpose(y, tuple(kept.index(loop) for loop in wanted)), t.shape)


def _pairs(f: Factors, g: Factors, n: int) -> list[tuple[Factor, Factor]] | None:
    """The factors of a batch axis, along which one operand may be the same everywhere."""
    same = (Factor(n, None, 0),) if n > 1 else ()
    return refined(f or same, g or same)


def _order(dense: Tensor, lanes: Sequence[_Loop]) -> tuple[int, ...]:
    """The axes of the dense operand, last those that lanes move along, at the very end those that lanes walk whole."""
    moved = {loop.dense.axis: loop.size for loop in lanes if loop.dense is not None}

    def place(axis: int) -> int:
        return 0 if axis not in moved else 1 if moved[axis] < dense.shape[axis] else 2

    return tuple(sorted(range(dense.ndim), key=place))


def _stride(dense: Tensor, order: Sequence[int], f: Factor | None) -> int:
    """Entries between two of a factor's, with the axes in this order."""
    if f is None or f.axis is None:
        return 0
    return f.step * math.prod(dense.shape[axis] for axis in order[order.index(f.axis) + 1 :])


def _run(dense: Tensor, order: Sequence[int], lanes: Sequence[_Loop]) -> int:
    """Entries of a row that stand in one piece."""
    count = 1
    for loop in reversed(lanes):
        if _stride(dense, order, loop.dense) != count:
            break
        count *= loop.size
    return count


def _move(f: Factor | None, order: Sequence[int]) -> tuple[int, int] | None:
    return None if f is None or f.axis is None else (order.index(f.axis), f.step)
