"""Scalar activations, written as SymPy expressions; their derivatives are derived.

Each entry of the table is the textbook's formula. Slopes at kinks are the convention of
:func:`~derivcheck.models.scalar.interpret`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from derivcheck.models.scalar import ScalarFunction
from derivcheck.models.tensor import Tensor

__all__ = [
    "TABLE",
    "activation",
    "elu",
    "gelu",
    "gelu_tanh",
    "hard_tanh",
    "leaky_relu",
    "log_sigmoid",
    "mish",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softplus",
    "softsign",
    "tanh",
]

#: Self-normalising constants of Klambauer et al. (2017).
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805

# fmt: off
#: name → expression, given the module ``sympy`` and the symbol
TABLE: dict[str, Callable[[Any, Any], Any]] = {
    "relu":        lambda s, x: s.Max(0, x),
    "leaky_relu":  lambda s, x: s.Piecewise((x, x > 0), (s.Rational(1, 100) * x, True)),
    "elu":         lambda s, x: s.Piecewise((x, x > 0), (s.exp(x) - 1, True)),
    "selu":        lambda s, x: s.Float(_SELU_SCALE) * s.Piecewise((x, x > 0), (_SELU_ALPHA * (s.exp(x) - 1), True)),
    "sigmoid":     lambda s, x: 1 / (1 + s.exp(-x)),
    "log_sigmoid": lambda s, x: -s.log(1 + s.exp(-x)),
    "softplus":    lambda s, x: s.log(1 + s.exp(x)),
    "silu":        lambda s, x: x / (1 + s.exp(-x)),
    "mish":        lambda s, x: x * s.tanh(s.log(1 + s.exp(x))),
    "tanh":        lambda s, x: s.tanh(x),
    "hard_tanh":   lambda s, x: s.Max(-1, s.Min(1, x)),
    "softsign":    lambda s, x: x / (1 + s.Abs(x)),
    "gelu":        lambda s, x: x * (1 + s.erf(x / s.sqrt(2))) / 2,
    "gelu_tanh":   lambda s, x: x * (1 + s.tanh(s.sqrt(2 / s.pi) * (x + s.Rational(44715, 1000000) * x**3))) / 2,
}
# fmt: on


@lru_cache(maxsize=64)
def activation(name: str) -> ScalarFunction:
    """The activation of this name, as a scalar function."""
    if name not in TABLE:
        raise ValueError(f"no activation {name!r}; there are {', '.join(TABLE)}")
    import sympy

    x = sympy.Symbol("x", real=True)
    return ScalarFunction(name, (x,), TABLE[name](sympy, x))


def _apply(name: str) -> Callable[[Any], Tensor]:
    def function(x: Any) -> Tensor:
        return activation(name)(x)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"The activation ``{name}`` of :data:`TABLE`, entry by entry."
    return function


relu = _apply("relu")
leaky_relu = _apply("leaky_relu")
elu = _apply("elu")
selu = _apply("selu")
sigmoid = _apply("sigmoid")
log_sigmoid = _apply("log_sigmoid")
softplus = _apply("softplus")
silu = _apply("silu")
mish = _apply("mish")
tanh = _apply("tanh")
hard_tanh = _apply("hard_tanh")
softsign = _apply("softsign")
gelu = _apply("gelu")
gelu_tanh = _apply("gelu_tanh")
