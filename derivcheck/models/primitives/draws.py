"""Random numbers from a stream."""

from __future__ import annotations

import numpy as np

from derivcheck.models.tensor import PRIMITIVES, Array, Primitive, Shape, make

__all__: list[str] = []


def _random(generator: np.random.Generator, shape: Shape, law: str, draw: int) -> Array:
    return generator.standard_normal(shape) if law == "normal" else generator.random(shape)


PRIMITIVES["random"] = Primitive(
    name="random",
    infer=lambda generator, shape, law, draw: (shape, "float"),
    evaluate=_random,
    vjp=None,
    jvp=None,
    replicate=lambda inputs, flags, count, shape, **a: make("random", inputs[0], shape=(count, *shape), **a),
)
