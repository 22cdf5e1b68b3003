"""Nested containers of arrays: what networks call parameters, and what compiled functions take and return.

A *tree* is a leaf, or a ``dict``, ``list`` or ``tuple`` of trees (``None`` is an empty tree). Dictionaries
are walked in the order of their keys' insertion; two trees match when their structures are equal.

>>> leaves, structure = flatten({"weight": 1, "bias": (2, 3)})
>>> leaves
[1, 2, 3]
>>> unflatten(structure, [10, 20, 30])
{'weight': 10, 'bias': (20, 30)}
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

__all__ = ["Structure", "flatten", "leaves", "map_tree", "paths", "unflatten"]


@dataclass(frozen=True)
class Structure:
    """The shape of a tree without its leaves.

    ``kind`` is ``"leaf"``, ``"none"``, ``"dict"``, ``"list"`` or ``"tuple"``.
    """

    kind: str
    keys: tuple[Any, ...] = ()
    children: tuple[Structure, ...] = ()

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        # Looked up at every call of a compiled function; a tree's own would be walked each time.
        return hash((self.kind, self.keys, self.children))

    @property
    def is_row(self) -> bool:
        """Whether this is a sequence of leaves."""
        return self.kind in ("list", "tuple") and set(self.children) == {_LEAF}

    @property
    def size(self) -> int:
        """How many leaves the tree has."""
        return 1 if self.kind == "leaf" else sum(child.size for child in self.children)


_LEAF = Structure("leaf")


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """Leaves of a tree, left to right, and its structure."""
    out: list[Any] = []
    return out, _flatten(tree, out)


def _flatten(tree: Any, out: list[Any]) -> Structure:
    if tree is None:
        return Structure("none")
    if isinstance(tree, dict):
        return Structure("dict", tuple(tree), tuple(_flatten(v, out) for v in tree.values()))
    if isinstance(tree, (list, tuple)):
        kind = "list" if isinstance(tree, list) else "tuple"
        for v in tree:
            if not isinstance(v, np.ndarray):
                break
        else:  # arrays only, as a batch is, at every step: what is made once is found again
            out.extend(tree)
            return _row(kind, len(tree))
        return Structure(kind, (), tuple(_flatten(v, out) for v in tree))
    out.append(tree)
    return _LEAF


@lru_cache(maxsize=64)
def _row(kind: str, count: int) -> Structure:
    """The structure of a sequence of leaves."""
    return Structure(kind, (), (_LEAF,) * count)


def unflatten(structure: Structure, values: Sequence[Any]) -> Any:
    """The tree of this structure with these leaves."""
    if len(values) != structure.size:
        raise ValueError(f"a tree of {structure.size} leaves cannot hold {len(values)}")
    return _unflatten(structure, iter(values))


def _unflatten(structure: Structure, values: Iterator[Any]) -> Any:
    if structure.kind == "leaf":
        return next(values)
    if structure.kind == "none":
        return None
    if structure.kind == "dict":
        return {k: _unflatten(c, values) for k, c in zip(structure.keys, structure.children, strict=True)}
    children = [_unflatten(c, values) for c in structure.children]
    return children if structure.kind == "list" else tuple(children)


def leaves(tree: Any) -> list[Any]:
    """Leaves of a tree, left to right."""
    return flatten(tree)[0]


def map_tree(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Apply a function leaf by leaf to trees of equal structure."""
    first, structure = flatten(tree)
    rest = []
    for other in others:
        values, shape = flatten(other)
        if shape != structure:
            raise ValueError("trees of different structure")
        rest.append(values)
    return unflatten(structure, [function(*row) for row in zip(first, *rest, strict=True)])


def paths(tree: Any, prefix: str = "") -> list[str]:
    """Dotted path of every leaf, left to right: ``["0.weight", "0.bias"]``."""
    if tree is None:
        return []
    if isinstance(tree, dict):
        items: list[tuple[Any, Any]] = list(tree.items())
    elif isinstance(tree, (list, tuple)):
        items = list(enumerate(tree))
    else:
        return [prefix]
    return [p for key, value in items for p in paths(value, f"{prefix}.{key}" if prefix else str(key))]
