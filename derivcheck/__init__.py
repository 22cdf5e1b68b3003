"""derivcheck: checks derivations of machine-learning mathematics.

>>> import derivcheck
>>> derivcheck.verify("softmax-jacobian").verdict  # doctest: +SKIP
<Verdict.PROVED: 'proved'>

Nothing heavy is imported before it is needed: ``derivcheck --help`` loads neither NumPy nor SymPy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from derivcheck.decision.decide import decide as decide
    from derivcheck.engine import verify as verify

__version__ = "0.1.0"
__all__ = ["__version__", "decide", "verify"]

#: Public name -> the module that holds it.
_HOMES = {"verify": "derivcheck.engine", "decide": "derivcheck.decision"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'derivcheck' has no attribute '{name}'")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
