"""Layers made of layers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from derivcheck.models.errors import ModelError, ShapeError
from derivcheck.models.functional import reshape, uniform, where
from derivcheck.models.layers.base import Layer, Run
from derivcheck.models.tensor import Tensor

__all__ = ["Composite", "Dropout", "Flatten", "Lambda", "Reshape", "Residual", "Sequential"]


class Composite(Layer):
    """A layer with named children; a subclass writes ``forward`` with :meth:`child`.

    Parameters
    ----------
    **children : Layer
    """

    def __init__(self, **children: Layer) -> None:
        for name, child in children.items():
            if not isinstance(child, Layer):
                hint = f"write {child.__name__}()" if inspect.isclass(child) else "wrap a function of tensors in Lambda"
                raise TypeError(f"{type(self).__name__}: child {name!r} is {child!r}, no layer: {hint}")
        self.children = children

    def parameters(self) -> dict[str, Any]:
        return {k: spec for k, c in self.children.items() if (spec := c.parameters())}

    def states(self) -> dict[str, Any]:
        return {k: spec for k, c in self.children.items() if (spec := c.states())}

    def child(self, name: str, p: Any, x: Any, run: Run) -> Any:
        """Value of a child at its own parameters."""
        with run.inside(name):
            return self.children[name](p.get(name, {}), x, run)


class Sequential(Composite):
    """Layers one after the other; parameters are keyed ``"0"``, ``"1"``, …"""

    def __init__(self, *layers: Layer) -> None:
        super().__init__(**{str(i): layer for i, layer in enumerate(layers)})

    def forward(self, p: Any, x: Any, run: Run) -> Any:
        for name in self.children:
            x = self.child(name, p, x, run)
        return x


class Residual(Composite):
    """``y = x + body(x)``."""

    def __init__(self, body: Layer) -> None:
        super().__init__(body=body)

    def forward(self, p: Any, x: Tensor, run: Run) -> Tensor:
        y: Tensor = self.child("body", p, x, run)
        if y.shape != x.shape:
            raise ShapeError("the body's result", x.shape, y.shape)
        return x + y


class Lambda(Layer):
    """A function of tensors without parameters."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        self.function = function

    def forward(self, p: Any, x: Tensor, run: Run) -> Tensor:
        return self.function(x)


class Flatten(Layer):
    """All axes but the first become one."""

    def forward(self, p: Any, x: Tensor, run: Run) -> Tensor:
        return reshape(x, (x.shape[0], -1))


class Reshape(Layer):
    """All axes but the first take another shape."""

    def __init__(self, *shape: int) -> None:
        self.shape = shape

    def forward(self, p: Any, x: Tensor, run: Run) -> Tensor:
        return reshape(x, (x.shape[0], *self.shape))


class Dropout(Layer):
    """Each entry is zero with probability ``rate`` while training, else divided by ``1 - rate``."""

    def __init__(self, rate: float = 0.5) -> None:
        if not 0.0 <= rate < 1.0:
            raise ValueError(f"a dropout rate lies in [0, 1), not {rate}")
        self.rate = rate

    def forward(self, p: Any, x: Tensor, run: Run) -> Tensor:
        if not run.training or self.rate == 0.0:
            return x
        if run.generator is None:
            raise ModelError(
                f"{self.label(run)}: training needs random numbers: Run(training=True, generator=stream), "
                "where `stream` is a numpy.random.Generator among the arguments of the compiled function"
            )
        keep = uniform(run.generator, x.shape) >= self.rate
        return where(keep, x * (1.0 / (1.0 - self.rate)), 0.0)
