"""Emission for the compiled backend: a run of groups as one function of loops and BLAS calls.

Invariant: the function computes what the NumPy lines of its groups compute, up to rounding, in the same planned memory.

Every group becomes a call of a *helper*, a loop nest that knows sizes and strides but not where its operands stand;
repeated parts of a network share one helper. The calls make up the function ``part``: with its helpers it is the text
of a module, which :mod:`~derivcheck.models.compiled_backend` hands to Numba. Which primitives have an emitter is said
by the table of :mod:`machine_lines`; a group that has none stays with NumPy, between two parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from derivcheck.models.passes.fuse import Group
from derivcheck.models.passes.loops import expression
from derivcheck.models.passes.machine_lines import EMITTERS, added_product, is_product
from derivcheck.models.passes.plan import Plan
from derivcheck.models.passes.writer import Part, Writer
from derivcheck.models.tensor import PRIMITIVES, Array, Tensor

__all__ = ["Part", "compilable", "part_of"]


def compilable(group: Group) -> bool:
    """Whether every node of the group has an emitter."""
    if any(0 in t.shape or any(0 in x.shape for x in t.inputs) for t in group.nodes):
        return False
    return all(_has_emitter(t) for t in group.nodes)


def _has_emitter(t: Tensor) -> bool:
    if PRIMITIVES[t.primitive].elementwise:
        return expression(t, ["x"] * len(t.inputs)) is not None
    return t.primitive in EMITTERS and (t.primitive != "matmul" or is_product(t))


def part_of(
    plan: Plan, groups: Sequence[Group], name: Callable[[Tensor], str], bases: Sequence[tuple[str, Array]]
) -> Part:
    """Emit groups, all of which are :func:`compilable`.

    Parameters
    ----------
    plan : Plan
    groups : sequence of Group
    name : callable
        Name, in the program, of a node that is no static array (an argument, a result, a number).
    bases : sequence of (name, flat array)
        The memory in which the plan's static arrays stand.
    """
    writer = Writer(plan, name, bases)
    for group in groups:
        _write(writer, group)
    return writer.part()


def _write(writer: Writer, group: Group) -> None:
    if PRIMITIVES[group.nodes[0].primitive].elementwise or group.lanes:
        writer.nest(group)
    elif len(group.nodes) == 2:
        added_product(writer, *group.nodes)
    else:
        EMITTERS[group.nodes[0].primitive](writer, group.nodes[0])
