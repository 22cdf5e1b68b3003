"""Where a graph is cut, so that few perturbations stand for many arguments.

An argument that acts through a linear map alone (a weight through a product) need not be perturbed: the map's result
is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from derivcheck.models.compiler import Compiled
from derivcheck.models.compiler import compile as compile_function
from derivcheck.models.functional import reshape
from derivcheck.models.graph import Graph, substitute
from derivcheck.models.tensor import Tensor

__all__ = ["Cut", "cut_at", "frontier"]


@dataclass(frozen=True)
class Cut:
    """A node whose perturbation stands for that of the arguments that act through it alone.

    ``value`` maps all leaves to it; ``after`` maps (it, all leaves) to the result; ``through[i]`` maps (leaf i, all
    leaves, the node's value at leaf i = 0, derivative at the node) to the derivative along leaf i. For an argument
    that is perturbed itself, ``through`` is empty.
    """

    value: Compiled
    after: Compiled
    through: dict[int, Compiled]
    leaf: int


_LINEAR = frozenset(
    {"reshape", "transpose", "slice", "sum", "neg", "alias", "embed", "windows", "fold", "take", "flip", "broadcast_to"}
)


def frontier(graph: Graph, leaf: Tensor) -> Tensor:
    """The last node of the chain of affine maps through which alone a leaf acts."""
    depends = {leaf}
    for t in graph.nodes:
        if any(x in depends for x in t.inputs):
            depends.add(t)
    node = leaf
    while node in graph.users and len(graph.users[node]) == 1 and node not in graph.outputs:
        user = graph.users[node][0]
        others = [x for x in user.inputs if x is not node]
        alone = len(others) == len(user.inputs) - 1 and not any(x in depends for x in others)
        affine = user.primitive in _LINEAR or user.primitive in ("mul", "matmul", "add", "sub")
        if not alone or not (affine or (user.primitive == "div" and user.inputs[0] is node)):
            break
        node = user
    return node


def cut_at(graph: Graph, node: Tensor, members: list[int], dtype: Any) -> Cut:
    (y,) = graph.outputs

    def value(*leaves: Any) -> Any:
        return substitute([node], dict(zip(graph.inputs, leaves, strict=True)))[0]

    def after(at: Any, leaves: Any) -> Any:
        return substitute([y], {**dict(zip(graph.inputs, leaves, strict=True)), node: at})[0]

    def along(i: int) -> Callable[..., Any]:
        def linear(unit: Any, leaves: Any, offset: Any, slopes: Any) -> Any:
            image = value(*(unit if j == i else x for j, x in enumerate(leaves)))
            return reshape(image - offset, (1, -1)) @ slopes

        return linear

    direct = graph.inputs[members[0]] is node
    shared = (True, False, False, False)
    through = {} if direct else {i: compile_function(along(i), replicas=shared) for i in members}
    return Cut(
        compile_function(value), compile_function(after, dtype=dtype, replicas=(True, False)), through, members[0]
    )
