"""The replica axis: one program, many independently initialised networks or data sets.

:func:`replicated` turns a function of tensors into the function of tensors that carry a leading axis of
replicas. It rewrites the graph, primitive by primitive, by the tables' ``replicate`` rules; what does not
depend on a replicated argument is computed once and shared.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from derivcheck.models.errors import ModelError, ShapeError
from derivcheck.models.graph import reachable
from derivcheck.models.primitives.joins import repeated
from derivcheck.models.tensor import PRIMITIVES, Tensor, as_tensor, labelled, variable
from derivcheck.models.tree import Structure, flatten, unflatten

__all__ = ["flags_for", "replicate_nodes", "replicated"]


def flags_for(axes: Any, trees: Sequence[Any]) -> list[bool]:
    """One flag a leaf: ``axes`` is a flag for each argument, or a tree of flags that is a prefix of it."""
    out: list[bool] = []

    def walk(flag: Any, structure: Structure) -> None:
        if isinstance(flag, (bool, int)) or flag is None:
            out.extend([bool(flag)] * structure.size)
            return
        children = list(flag.values()) if isinstance(flag, dict) else list(flag)
        for f, child in zip(children, structure.children, strict=True):
            walk(f, child)

    if not isinstance(axes, (tuple, list)) or len(axes) != len(trees):
        raise ModelError(f"replicas: one flag for each of the {len(trees)} arguments, as (True, False), not {axes!r}")
    for flag, tree in zip(axes, trees, strict=True):
        walk(flag, flatten(tree)[1])
    return out


def replicate_nodes(outputs: Sequence[Tensor], replaced: dict[Tensor, Tensor], count: int) -> list[Tensor]:
    """Outputs with a leading replica axis, given what replaces some of the variables below them."""
    new: dict[Tensor, tuple[Tensor, bool]] = {t: (r, True) for t, r in replaced.items()}
    for t in reachable(outputs):
        if t in new:
            continue
        inputs = [new[x] for x in t.inputs]
        if not any(flag for _, flag in inputs):
            new[t] = (t, False)
            continue
        rule = PRIMITIVES[t.primitive].replicate
        with labelled(t.scope):
            new[t] = (rule([x for x, _ in inputs], [f for _, f in inputs], count, **t.attributes), True)
    return [repeated(*new[t], count) for t in outputs]


def replicated(function: Callable[..., Any], axes: Sequence[Any], count: int | None = None) -> Callable[..., Any]:
    """The function over a leading axis of replicas.

    Parameters
    ----------
    function : callable
        Of tensors or trees, for one replica.
    axes : sequence
        For each argument ``True`` (its leaves carry a leading replica axis) or ``False`` (shared), or a tree
        of such flags. A generator that is replicated gives every replica its own numbers.
    count : int, optional
        Number of replicas; needed only where no array says it.

    Returns
    -------
    callable
        Every result has a leading replica axis.
    """

    @functools.wraps(function)
    def outer(*arguments: Any) -> Any:
        flat, structure = flatten(tuple(arguments))
        flags = flags_for(axes, arguments)
        tensors = [as_tensor(x) for x in flat]
        counts = {t.shape[0] for t, f in zip(tensors, flags, strict=True) if f and t.kind != "generator"}
        if count is not None:
            counts.add(count)
        if len(counts) != 1:
            raise ShapeError("replicated", "one number of replicas for all replicated arguments", f"{sorted(counts)}")
        replicas = counts.pop()
        inner: list[Tensor] = []
        replaced: dict[Tensor, Tensor] = {}
        for t, f in zip(tensors, flags, strict=True):
            if not f:
                inner.append(t)
                continue
            v = variable(() if t.kind == "generator" else t.shape[1:], t.kind)
            inner.append(v)
            replaced[v] = t
        results, out = flatten(function(*unflatten(structure, inner)))
        return unflatten(out, replicate_nodes([as_tensor(y) for y in results], replaced, replicas))

    return outer
