"""Differentiation, from graph to graph.

Reverse mode walks a graph backwards and *draws* the gradient with the same primitives, so that a gradient can
be differentiated again (Hessian-vector products, gradient penalties, an inner optimiser's step). Forward mode
walks it forwards.

>>> from derivcheck.models import compile
>>> cube = compile(grad(grad(lambda x: x**3)))
>>> float(cube(2.0))
12.0
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from derivcheck.models.errors import ModelError, ShapeError
from derivcheck.models.functional import broadcast_to, cast, reshape
from derivcheck.models.graph import reachable
from derivcheck.models.tensor import PRIMITIVES, Tensor, as_tensor, constant, labelled, make
from derivcheck.models.tree import flatten, map_tree, unflatten

__all__ = ["grad", "gradients", "hessian_vector_product", "jacobian", "jvp", "tangents", "value_and_grad", "vjp"]


def gradients(outputs: Sequence[Tensor], cotangents: Sequence[Tensor], inputs: Sequence[Tensor]) -> list[Tensor]:
    """Reverse mode: ``Σ cotangent · ∂output/∂input`` for every input, as new nodes."""
    order = reachable(outputs)
    wanted = set(inputs)
    depends: set[Tensor] = set()
    for t in order:
        if t in wanted or any(x in depends for x in t.inputs):
            depends.add(t)
    cotangent: dict[Tensor, Tensor] = {}

    def accumulate(t: Tensor, g: Tensor) -> None:
        cotangent[t] = cotangent[t] + g if t in cotangent else g

    for t, g in zip(outputs, cotangents, strict=True):
        if t in depends:
            accumulate(t, g)
    for t in reversed(order):
        if t not in cotangent or (t in wanted and not t.inputs):
            continue
        rule = PRIMITIVES[t.primitive].vjp if t.inputs else None
        if rule is None or t in wanted:
            continue
        with labelled(t.scope):
            results = rule(cotangent[t], t, *t.inputs, **t.attributes)
        for x, g in zip(t.inputs, results, strict=True):
            if g is not None and x in depends:
                accumulate(x, g)
    return [cotangent.get(x, broadcast_to(0.0, x.shape)) for x in inputs]


def tangents(outputs: Sequence[Tensor], inputs: Sequence[Tensor], directions: Sequence[Tensor]) -> list[Tensor]:
    """Forward mode: the directional derivative of every output, as new nodes."""
    tangent: dict[Tensor, Tensor] = dict(zip(inputs, directions, strict=True))
    for t in reachable(outputs):
        if t in tangent or not any(x in tangent for x in t.inputs):
            continue
        rule = PRIMITIVES[t.primitive].jvp
        if rule is None:
            continue
        with labelled(t.scope):
            out = rule([tangent.get(x) for x in t.inputs], t, *t.inputs, **t.attributes)
        if out is not None:
            tangent[t] = out
    return [tangent.get(t, broadcast_to(0.0, t.shape)) for t in outputs]


def _fresh(tree: Any) -> tuple[Any, list[Tensor]]:
    # An alias stands for the argument inside the function, so that the derivative is taken with respect to
    # the argument and not to whatever else happens to be the same node.
    copies = map_tree(lambda x: make("alias", cast(x)), tree)
    return copies, flatten(copies)[0]


def _scalar(y: Any) -> Tensor:
    if not isinstance(y, (Tensor, np.ndarray, int, float, np.number)):
        raise ModelError(f"gradient: a function to differentiate returns a scalar, not {type(y).__name__}")
    t = as_tensor(y)
    if t.size != 1:
        raise ShapeError("gradient", "a function whose value is a scalar", t.shape)
    return reshape(t, ())


def value_and_grad(
    function: Callable[..., Any], argument: int | tuple[int, ...] = 0, auxiliary: bool = False
) -> Callable[..., Any]:
    """The function that returns a scalar function's value and its gradient.

    Parameters
    ----------
    function : callable
        Of tensors (or trees of them), returning a scalar; with ``auxiliary``, a pair ``(scalar, anything)``.
    argument : int or tuple of int
        Which argument(s) to differentiate with respect to; the gradient has their structure.
    auxiliary : bool
        Whether the function returns something besides the scalar; then the result is
        ``((scalar, anything), gradient)``.
    """

    @functools.wraps(function)
    def both(*arguments: Any) -> Any:
        places = _places(argument, len(arguments))
        filled = list(arguments)
        copies: list[Tensor] = []
        structures = []
        for i in places:
            filled[i], leaves = _fresh(arguments[i])
            copies += leaves
            structures.append(flatten(arguments[i])[1])
        result = function(*filled)
        y = _scalar(result[0] if auxiliary else result)
        flat = gradients([y], [constant(1.0)], copies)
        out, at = [], 0
        for s in structures:
            out.append(unflatten(s, flat[at : at + s.size]))
            at += s.size
        gradient = out[0] if isinstance(argument, int) else tuple(out)
        return ((y, result[1]) if auxiliary else y), gradient

    return both


def _places(argument: Any, count: int) -> tuple[int, ...]:
    places = (argument,) if isinstance(argument, int) else tuple(argument)
    if not all(isinstance(i, int) and -count <= i < count for i in places):
        raise ModelError(f"gradient: argument= counts the function's {count} arguments from 0, given {argument!r}")
    return places


def grad(function: Callable[..., Any], argument: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The gradient of a scalar function with respect to one argument (or several)."""
    both = value_and_grad(function, argument)

    @functools.wraps(function)
    def gradient(*arguments: Any) -> Any:
        return both(*arguments)[1]

    return gradient


def vjp(function: Callable[..., Any], *arguments: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """Value, and the map from a cotangent (a tree like the value) to the cotangents of all arguments."""
    copies, flat = _fresh(tuple(arguments))
    value = function(*copies)
    outputs, structure = flatten(value)
    outputs = [as_tensor(y) for y in outputs]

    def pull(cotangent: Any) -> tuple[Any, ...]:
        given, other = flatten(cotangent)
        if other != structure:
            raise ValueError("a cotangent must have the structure of the value")
        full = [broadcast_to(g, y.shape) for g, y in zip(given, outputs, strict=True)]
        return tuple(unflatten(flatten(tuple(arguments))[1], gradients(outputs, full, flat)))

    return unflatten(structure, outputs), pull


def jvp(function: Callable[..., Any], arguments: tuple[Any, ...], directions: tuple[Any, ...]) -> tuple[Any, Any]:
    """Value and directional derivative, by forward mode."""
    if not isinstance(arguments, (tuple, list)) or not isinstance(directions, (tuple, list)):
        raise ModelError("jvp: arguments and directions are tuples, jvp(f, (x,), (v,))")
    copies, flat = _fresh(tuple(arguments))
    outputs, structure = flatten(function(*copies))
    outputs = [as_tensor(y) for y in outputs]
    ways, shape = flatten(tuple(directions))
    if shape != flatten(tuple(arguments))[1]:
        raise ModelError("jvp: the directions are a tuple of trees like the arguments, one for each")
    given = [broadcast_to(cast(d), x.shape) for d, x in zip(ways, flat, strict=True)]
    return unflatten(structure, outputs), unflatten(structure, tangents(outputs, flat, given))


def hessian_vector_product(function: Callable[..., Any], x: Any, direction: Any) -> Any:
    """``H v`` of a scalar function of one argument, by forward mode over reverse mode."""
    return jvp(grad(function), (x,), (direction,))[1]


def jacobian(function: Callable[..., Any], argument: int = 0) -> Callable[..., Any]:
    """All first derivatives, shape ``value.shape + argument.shape``, of a function of one tensor to one tensor."""
    from derivcheck.models.replicate import replicated

    @functools.wraps(function)
    def full(*arguments: Any) -> Tensor:
        if isinstance(arguments[argument], (dict, list, tuple)):
            raise ModelError("jacobian: of a function of one tensor, not of a tree of them")
        x = cast(arguments[argument])

        def along(direction: Tensor) -> Tensor:
            def inner(z: Tensor) -> Any:
                return function(*arguments[:argument], z, *arguments[argument + 1 :])

            return as_tensor(jvp(inner, (x,), (direction,))[1])

        basis = constant(np.eye(x.size).reshape(x.size, *x.shape))
        columns = replicated(along, (True,))(basis)
        y_shape = columns.shape[1:]
        moved = make("transpose", columns, axes=(*range(1, columns.ndim), 0)) if y_shape else columns
        return reshape(moved, (*y_shape, *x.shape))

    return full
