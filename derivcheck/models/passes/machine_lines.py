"""What a primitive is in a compiled part: a table, a helper or a few each.

What has no entry here is left to NumPy. Elementwise primitives are in the table of :mod:`loops`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from derivcheck.models.passes.layout import strides
from derivcheck.models.passes.loops import Operand, Strides, collapse, index
from derivcheck.models.passes.machine_correlate import correlate
from derivcheck.models.passes.nest import fold_strides, sum_strides, through_views, tiles
from derivcheck.models.passes.pieces import matrix, pieces
from derivcheck.models.passes.writer import Helper, Writer, zero
from derivcheck.models.tensor import Tensor

__all__ = ["EMITTERS", "added_product", "is_product"]


def _sum(w: Writer, t: Tensor) -> None:
    w.fill(t, zero(t))
    w.reduce(t, w.walk(t.inputs[0]), w.walk(t).over(sum_strides(t)), t.inputs[0].shape)


def _max(w: Writer, t: Tensor) -> None:
    w.fill(t, "real(-inf)" if t.kind == "float" else str(np.iinfo(np.int64).min))
    w.reduce(t, w.walk(t.inputs[0]), w.walk(t).over(sum_strides(t)), t.inputs[0].shape, largest=True)


def _argmax(w: Writer, t: Tensor) -> None:
    x, axis = t.inputs[0], t.attributes["axis"]
    source, out = w.walk(x), w.walk(t)
    others = [i for i in range(x.ndim) if i != axis]
    helper = Helper()
    shape = tuple(x.shape[i] for i in others)
    to, of = helper.array(out, shape), helper.array(source, x.shape)
    first = index(tuple(source.strides[i] for i in others), helper.start(source))
    step, count = source.strides[axis], x.shape[axis]
    body = [
        f"at, best = 0, {of}[{first}]",
        f"for j in range(1, {count}):",
        f"    x = {of}[{first} + j * {step}]",
        "    if x > best or (x != x and best == best):",  # the first NaN counts as the largest
        "        at, best = j, x",
        f"{to}[{index(out.strides, helper.start(out))}] = at",
    ]
    w.emit("argmax", helper, helper.loops(shape, body), t)


def _reshape(w: Writer, t: Tensor) -> None:
    source = t.inputs[0]
    w.copy(w.walk(source), w.walk(t).over(_c_order(source.shape)), source.shape, t)


def _c_order(shape: Sequence[int]) -> Strides:
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


def _concatenate(w: Writer, t: Tensor) -> None:
    axis, at = t.attributes["axis"], 0
    whole = w.walk(t)
    steps = _c_order(t.shape)
    for x in t.inputs:
        source = w.walk(x)
        target = Operand(whole.memory, whole.offset + at * steps[axis], steps)
        at += x.shape[axis]
        here = source.memory == target.memory and source.offset == target.offset
        if not here or any(a != b and n > 1 for a, b, n in zip(source.strides, steps, x.shape, strict=True)):
            w.copy(source, target, x.shape, t)


def _embed(w: Writer, t: Tensor) -> None:
    x, slices = t.inputs[0], t.attributes["slices"]
    whole, steps = w.walk(t), _c_order(t.shape)
    offset = whole.offset + sum(a * s for (a, _, _), s in zip(slices, steps, strict=True))
    inner = tuple(k * s for (_, _, k), s in zip(slices, steps, strict=True))
    w.fill(t, zero(t))
    w.copy(w.walk(x), Operand(whole.memory, offset, inner), x.shape, t)


def _fold(w: Writer, t: Tensor) -> None:
    # The sum goes into the view of the result's memory whose transpose it is.
    if t.inputs[0] in w.plan.placed:
        return
    x, target = t.inputs[0], w.walk(t).over(fold_strides(t))
    if tiles(t):
        w.copy(w.walk(x), target, x.shape, t)
        return
    w.fill(t, zero(t))
    w.reduce(t, w.walk(x), target, x.shape)


def is_product(t: Tensor) -> bool:
    return all(matrix(x.shape, strides(x)) is not None for x in t.inputs)


def _product(w: Writer, t: Tensor, out: Operand, beta: str) -> None:
    a, b = t.inputs
    left, right = w.walk(a), w.walk(b)
    (ta, lda), (tb, ldb) = (matrix(x.shape, strides(x)) or (False, 1) for x in (a, b))
    n, k, m = a.shape[-2], a.shape[-1], b.shape[-1]
    down, across = out.strides[-2:]
    if across != 1 and m > 1:  # its place is transposed: Cᵀ = Bᵀ Aᵀ
        left, right, n, m, down = right, left, m, n, across
        ta, lda, tb, ldb = not tb, ldb, not ta, lda
    ldc = max(down, m)
    sizes, (sa, sb, sc) = collapse(t.shape[:-2] or (1,), [x.strides[:-2] or (0,) for x in (left, right, out)])
    helper = Helper(blas=True)
    names = [helper.array(x.over((0,)), (1,)) for x in (left, right, out)]
    alone = sizes == (1,)
    i, j, o = (_shifted(f"o{x[1:]}", () if alone else s) for x, s in zip(names, (sa, sb, sc), strict=True))
    rows, columns = pieces(n, m, k, ta, tb)
    some, loops = [str(n), str(m)], []
    if rows < n:
        loops.append(f"for p in range(0, {n}, {rows}):")
        some[0] = f"min({rows}, {n} - p)" if n % rows else str(rows)
        i, o = f"{i} + p" + ("" if ta else f" * {lda}"), f"{o} + p * {ldc}"
    if columns < m:
        loops.append(f"for q in range(0, {m}, {columns}):")
        some[1] = f"min({columns}, {m} - q)" if m % columns else str(columns)
        j, o = f"{j} + q" + (f" * {ldb}" if tb else ""), f"{o} + q"
    line = (
        f"product(blas, {some[0]}, {some[1]}, {k}, {names[0]}, {i}, {lda}, {ta}, "
        f"{names[1]}, {j}, {ldb}, {tb}, {names[2]}, {o}, {ldc}, {beta})"
    )
    lines = [f"{'    ' * d}{text}" for d, text in enumerate((*loops, line))]
    w.emit("product", helper, lines if alone else helper.loops(sizes, lines), t)


def _matmul(w: Writer, t: Tensor) -> None:
    _product(w, t, w.walk(t), "zero")


def added_product(w: Writer, t: Tensor, y: Tensor) -> None:
    """A product whose entries are added into the memory of a sum or a fold."""
    steps = through_views(y.inputs[0], t, sum_strides(y) if y.primitive == "sum" else fold_strides(y))
    assert steps is not None
    w.fill(y, "zero")
    _product(w, t, w.walk(y).over(steps), "one")


def _shifted(start: str, steps: Strides) -> str:
    moved = index(steps)
    return start if moved == "0" else f"{start} + {moved}"


def _indexed(w: Writer, t: Tensor, indices: Tensor, count: int) -> None:
    """A check that all indices are in range; negative ones count from the end, as in NumPy."""
    walked = w.walk(indices)
    shape = indices.shape or (1,)
    helper = Helper()
    array = helper.array(walked, indices.shape)
    lowest = 0 if t.primitive == "one_hot" else -count
    place = f"{array}[{index(walked.strides, helper.start(walked))}]"
    body = helper.loops(shape, [f"j = {place}", f"if j < {lowest} or j >= {count}:", "    return False"])
    w.checked.append(t)
    w.emit("in_range", helper, [*body, "return True"], t, check=len(w.checked))


def _one_hot(w: Writer, t: Tensor) -> None:
    indices, count = t.inputs[0], t.attributes["count"]
    _indexed(w, t, indices, count)
    w.fill(t, "zero")
    walked, out = w.walk(indices), w.walk(t)
    helper = Helper()
    to, of = helper.array(out, t.shape), helper.array(walked, indices.shape)
    place = index(out.strides[:-1], helper.start(out))
    line = f"{to}[{place} + {of}[{index(walked.strides, helper.start(walked))}]] = one"
    w.emit("one_hot", helper, helper.loops(indices.shape, [line]), t)


def _rows(w: Writer, t: Tensor, add: bool) -> None:
    # Entry [before, i, after] of one array is entry [before, indices[i], after] of the other.
    x, indices = t.inputs
    axis, many = t.attributes["axis"], indices.ndim
    table, entries = (t, x) if add else (x, t)
    count = table.shape[axis]
    _indexed(w, t, indices, count)
    helper = Helper()
    rows, values, numbers = w.walk(table), w.walk(entries), w.walk(indices)
    names = [helper.array(o, s) for o, s in ((rows, table.shape), (values, entries.shape), (numbers, indices.shape))]
    shape = entries.shape
    split = axis + many
    number = index((0,) * axis + numbers.strides, helper.start(numbers))
    along = rows.strides[:axis] + (0,) * many + rows.strides[axis + 1 :]
    place = f"{names[0]}[{index(along, helper.start(rows))} + j * {rows.strides[axis]}]"
    value = f"{names[1]}[{index(values.strides, helper.start(values))}]"
    inner = helper.loops(shape[split:], [f"{place} += {value}" if add else f"{value} = {place}"], split)
    wrap = [f"j = {names[2]}[{number}]", "if j < 0:", f"    j += {count}"]
    w.emit("scatter_add" if add else "take", helper, helper.loops(shape[:split], [*wrap, *inner]), t)


def _take(w: Writer, t: Tensor) -> None:
    _rows(w, t, add=False)


def _scatter_add(w: Writer, t: Tensor) -> None:
    w.fill(t, "zero")
    _rows(w, t, add=True)


EMITTERS: dict[str, Callable[[Writer, Tensor], None]] = {
    "sum": _sum,
    "count": _sum,
    "max": _max,
    "argmax": _argmax,
    "reshape": _reshape,
    "concatenate": _concatenate,
    "embed": _embed,
    "fold": _fold,
    "matmul": _matmul,
    "correlate": correlate,
    "one_hot": _one_hot,
    "take": _take,
    "scatter_add": _scatter_add,
}
