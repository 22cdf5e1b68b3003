"""What a sum of products along any steps is in a compiled part: a loop over the entries that are not zero.

Each of the first operand's rows is read once, into a list of the entries other than zero; for each of these a run of
the second operand, times the entry, is added to sums that stay in registers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from derivcheck.models.passes.loops import Operand, Strides, collapse, index
from derivcheck.models.passes.writer import Helper, Writer
from derivcheck.models.tensor import Shape, Tensor

__all__ = ["correlate"]

#: Bytes of sums that a compiler can keep in registers (of 32 bytes: it likes the longer ones less than processors do),
#: and most entries of a list of those that are not zero.
REGISTERS, LISTED = 768, 256

#: Entries whose runs are added at once: the sums are stored once for all of them.
TOGETHER = 2


def correlate(w: Writer, t: Tensor) -> None:
    """Row by row: list the entries of the first operand that are not zero; add as many rows of the second one."""
    few, dense = t.inputs
    a, shape = t.attributes, t.attributes["sizes"]
    out, places = w.walk(t), {loop: axis for axis, loop in enumerate(a["kept"])}
    left, right = (_moved(w.walk(x), moves) for x, moves in ((few, a["left"]), (dense, a["right"])))
    target = out.over(tuple(out.strides[places[i]] if i in places else 0 for i in range(len(shape))))
    helper = Helper()
    x, y, z = (helper.array(o, shape) for o in (left, right, target))
    rows = [i for i in places if a["left"][i] is not None]
    inner = sorted((i for i in range(len(shape)) if i not in places), key=lambda i: -right.strides[i])
    blocks, listed = _parted(inner, shape, LISTED)
    lanes, steps = collapse(*_over([i for i in places if a["left"][i] is None], shape, (right, target)))
    # The innermost lanes are summed in registers: their sizes are numbers, which the compiler knows.
    apart, held = _parted(range(len(lanes)), lanes, REGISTERS // w.plan.dtype.itemsize)
    row, sums = (_lanes(s, lanes, apart, held) for s in steps)

    def added(count: int) -> list[str]:
        lines = []
        for i in range(count):
            first = _at(right, (*rows, *blocks), helper.start(right))
            lines.append(f"j = {_sum_of(row.start, first, f'places[k + {i}]')}")
            lines.append(f"row_{i} = {y}[j : j + {row.reach}]")
        terms = " + ".join(f"values[k + {i}] * row_{i}[{row.place}]" for i in range(count))
        return [f"    {line}" for line in (*lines, *_nested("l", lanes, held, [f"sums[{sums.place}] += {terms}"]))]

    body = [
        "count = 0",
        *_nested("i", shape, listed, [
            f"x = {x}[{_at(left, (*rows, *blocks, *listed), helper.start(left))}]",
            f"places[count], values[count] = {_at(right, listed)}, x",
            "count += 1 if x != zero else 0",
        ]),
        *_nested("l", lanes, apart, [
            f"j = {_sum_of(sums.start, _at(target, rows))}",
            f"sums = {z}[j : j + {sums.reach}]",
            f"for k in range(0, count - count % {TOGETHER}, {TOGETHER}):",
            *added(TOGETHER),
            f"for k in range(count - count % {TOGETHER}, count):",
            *added(1),
        ]),
    ]  # fmt: skip
    most = math.prod(shape[i] for i in listed)
    lines = [
        f"places, values = empty({most}, at), empty({most}, real)",
        *_nested("i", shape, (*rows, *blocks), body),
    ]
    w.fill(t, "zero")
    w.emit("correlate", helper, lines, t)


@dataclass(frozen=True)
class _Lane:
    """Where the lowest entry of a row of lanes is, how far the row reaches, and the entry in it."""

    start: str
    reach: int
    place: str


def _lanes(steps: Strides, sizes: Sequence[int], apart: Sequence[int], held: Sequence[int]) -> _Lane:
    def text(loops: Sequence[int]) -> str:
        return _sum_of(*(f"l{i}" if steps[i] == 1 else f"l{i} * {steps[i]}" for i in loops))

    ends = [(sizes[i] - 1) * steps[i] for i in held]
    below = sum(-min(0, end) for end in ends)  # a lane may be read backwards
    return _Lane(_sum_of(text(apart), str(-below)), 1 + sum(map(abs, ends)), _sum_of(text(held), str(below)))


def _over(loops: Sequence[int], shape: Sequence[int], operands: Sequence[Operand]) -> tuple[Shape, list[Strides]]:
    """Sizes and strides of some of the loops."""
    return tuple(shape[i] for i in loops), [tuple(o.strides[i] for i in loops) for o in operands]


def _at(x: Operand, loops: Sequence[int], start: int = 0) -> str:
    """Text of the entry at which these loops' variables point."""
    return index(tuple(s if i in loops else 0 for i, s in enumerate(x.strides)), start)


def _moved(x: Operand, moves: Sequence[tuple[int, int] | None]) -> Operand:
    return x.over(tuple(0 if m is None else x.strides[m[0]] * m[1] for m in moves))


def _sum_of(*terms: str) -> str:
    return " + ".join(term for term in terms if term != "0") or "0"


def _parted(loops: Sequence[int], sizes: Sequence[int], most: int) -> tuple[list[int], list[int]]:
    """The loops ahead of, and in, the longest tail that makes at most so many entries; the last is always in it."""
    start, count = len(loops), 1
    while start and (start == len(loops) or count * sizes[loops[start - 1]] <= most):
        start -= 1
        count *= sizes[loops[start]]
    return list(loops[:start]), list(loops[start:])


def _nested(name: str, sizes: Sequence[int], loops: Sequence[int], body: Sequence[str]) -> list[str]:
    """The body in a loop for each of some axes."""
    lines = [f"{'    ' * k}for {name}{i} in range({sizes[i]}):" for k, i in enumerate(loops)]
    return lines + [f"{'    ' * len(loops)}{line}" for line in body]
