"""Optimisers beside PyTorch's, step by step; initialisers beside PyTorch's, number by number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import derivcheck.models as m

__all__ = ["INITIALISERS", "OPTIMISERS", "Initial", "Trajectory"]

STEPS = 20


# --- optimisers -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trajectory:
    """An optimiser of ours, PyTorch's class and its options, and where both start."""

    ours: m.Optimiser
    theirs: str
    options: dict[str, Any]
    start: Any

    def our_iterates(self) -> Any:
        """Parameters after every step, shape (steps, size); for an average, those of the average."""
        averaged = isinstance(self.ours, m.Averaged)
        trainer = m.Trainer(lambda p, batch, run: landscape(m.functional, p), self.start, self.ours)
        found = []
        for _ in range(STEPS):
            trainer.step(0.0)
            now = trainer.result()
            found.append(now.slots["average"] if averaged else now.parameters)
        return np.stack(found)

    def their_iterates(self) -> Any:
        """The same by PyTorch."""
        import torch

        theta = torch.tensor(self.start, requires_grad=True)
        optimiser = getattr(torch.optim, self.theirs)([theta], **self.options)
        averaged = torch.optim.swa_utils.AveragedModel(torch.nn.ParameterList([theta]))
        found = []
        for _ in range(STEPS):
            optimiser.zero_grad()
            landscape(torch, theta).backward()
            optimiser.step()
            averaged.update_parameters(torch.nn.ParameterList([theta]))
            shown = averaged.module[0] if isinstance(self.ours, m.Averaged) else theta
            found.append(shown.detach().numpy().copy())
        return np.stack(found)


def landscape(library: Any, theta: Any) -> Any:
    """A function with many stationary points, for this layer's functions or PyTorch's."""
    return library.sum(library.sin(theta * theta) + 0.1 * theta * theta)


def _descent(momentum: bool, nesterov: bool) -> Callable[[np.random.Generator], Trajectory]:
    def draw(rng: np.random.Generator) -> Trajectory:
        options: dict[str, Any] = {"lr": float(rng.uniform(0.01, 0.2)), "weight_decay": _decay(rng)}
        if momentum:
            options |= {"momentum": float(rng.uniform(0.1, 0.95)), "nesterov": nesterov}
        return Trajectory(m.SGD(**_ours(options)), "SGD", options, _start(rng))

    return draw


def adagrad(rng: np.random.Generator) -> Trajectory:
    options = {"lr": float(rng.uniform(0.01, 0.3)), "weight_decay": _decay(rng), "eps": _epsilon(rng)}
    return Trajectory(m.Adagrad(**_ours(options)), "Adagrad", options, _start(rng))


def rmsprop(rng: np.random.Generator) -> Trajectory:
    options = {"lr": float(rng.uniform(0.01, 0.1)), "weight_decay": _decay(rng), "eps": _epsilon(rng)}
    decay = float(rng.uniform(0.5, 0.99))
    return Trajectory(m.RMSProp(decay=decay, **_ours(options)), "RMSprop", options | {"alpha": decay}, _start(rng))


def _adam(decoupled: bool) -> Callable[[np.random.Generator], Trajectory]:
    def draw(rng: np.random.Generator) -> Trajectory:
        options = {"lr": float(rng.uniform(0.01, 0.3)), "weight_decay": _decay(rng), "eps": _epsilon(rng)}
        betas = float(rng.uniform(0.5, 0.95)), float(rng.uniform(0.9, 0.999))
        ours = m.Adam(beta1=betas[0], beta2=betas[1], decoupled=decoupled, **_ours(options))
        return Trajectory(ours, "AdamW" if decoupled else "Adam", options | {"betas": betas}, _start(rng))

    return draw


def averaged(rng: np.random.Generator) -> Trajectory:
    options = {"lr": float(rng.uniform(0.01, 0.2)), "momentum": float(rng.uniform(0.1, 0.9))}
    return Trajectory(m.Averaged(m.SGD(**_ours(options))), "SGD", options, _start(rng))


def _decay(rng: np.random.Generator) -> float:
    return float(rng.choice([0.0, 0.02, 0.3]))


def _epsilon(rng: np.random.Generator) -> float:
    return float(rng.choice([1e-8, 1e-3]))


def _start(rng: np.random.Generator) -> Any:
    return rng.standard_normal(7)


_NAMES = {"lr": "rate", "eps": "epsilon"}


def _ours(options: dict[str, Any]) -> dict[str, Any]:
    return {_NAMES.get(name, name): value for name, value in options.items()}


OPTIMISERS: dict[str, Callable[[np.random.Generator], Trajectory]] = {
    "sgd": _descent(momentum=False, nesterov=False),
    "momentum": _descent(momentum=True, nesterov=False),
    "nesterov": _descent(momentum=True, nesterov=True),
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "adam": _adam(decoupled=False),
    "adamw": _adam(decoupled=True),
    "averaged": averaged,
}


# --- initialisers -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Initial:
    """An initialiser of ours, and PyTorch's: ``theirs(init, tensor, generator)`` fills the tensor."""

    ours: m.Initialiser
    theirs: Callable[[Any, Any, Any], Any]
    shape: tuple[int, ...]

    def source(self, seed: int) -> Any:
        """Raw numbers of PyTorch's stream: standard normal ones, or uniform on [0, 1)."""
        import torch

        raw = torch.empty(self.shape, dtype=torch.float64)
        stream = torch.Generator().manual_seed(seed)
        return (raw.uniform_ if getattr(self.ours, "law", "") == "uniform" else raw.normal_)(generator=stream).numpy()

    def their_values(self, seed: int) -> Any:
        """What PyTorch makes of its stream."""
        import torch

        out = torch.empty(self.shape, dtype=torch.float64)
        self.theirs(torch.nn.init, out, torch.Generator().manual_seed(seed))
        return out.numpy()

    def our_values(self, source: Any) -> Any:
        """What our initialiser makes of the same raw numbers."""
        return self.ours.draw(_Replayed(source), self.shape)


class _Replayed:
    """A generator whose numbers are known."""

    def __init__(self, source: Any) -> None:
        self.source = source

    def standard_normal(self, shape: tuple[int, ...]) -> Any:
        flat = self.source.reshape(self.source.shape[0], -1)
        # PyTorch draws a wide matrix as it stands and transposes it; ours asks for a tall one.
        return self.source.reshape(shape) if shape == self.source.shape else (
            flat.T if shape == flat.T.shape else flat
        ).copy()  # fmt: skip

    def uniform(self, low: float, high: float, shape: tuple[int, ...]) -> Any:
        assert shape == self.source.shape
        return low + (high - low) * self.source


def _shape(rng: np.random.Generator) -> tuple[int, ...]:
    return tuple(int(n) for n in rng.integers(2, 7, int(rng.integers(2, 5))))


def _simple(
    ours: Callable[[], m.Initialiser], theirs: Callable[[Any, Any, Any], Any]
) -> Callable[[np.random.Generator], Initial]:
    return lambda rng: Initial(ours(), theirs, _shape(rng))


def _xavier(law: str) -> Callable[[np.random.Generator], Initial]:
    def draw(rng: np.random.Generator) -> Initial:
        gain = float(rng.uniform(0.5, 2.0))
        return Initial(
            m.Xavier(law, gain), lambda init, w, g: getattr(init, f"xavier_{law}_")(w, gain, generator=g), _shape(rng)
        )

    return draw


def variance(rng: np.random.Generator) -> Initial:
    value = float(rng.uniform(0.01, 4.0))
    return Initial(
        m.Variance("normal", value), lambda init, w, g: init.normal_(w, 0.0, value**0.5, generator=g), _shape(rng)
    )


def variance_uniform(rng: np.random.Generator) -> Initial:
    value = float(rng.uniform(0.01, 4.0))
    limit = (3.0 * value) ** 0.5
    return Initial(
        m.Variance("uniform", value), lambda init, w, g: init.uniform_(w, -limit, limit, generator=g), _shape(rng)
    )


def orthogonal(rng: np.random.Generator) -> Initial:
    gain = float(rng.uniform(0.5, 2.0))
    return Initial(m.Orthogonal(gain=gain), lambda init, w, g: init.orthogonal_(w, gain, generator=g), _shape(rng))


def constant(rng: np.random.Generator) -> Initial:
    value = float(rng.standard_normal())
    return Initial(m.Constant(value=value), lambda init, w, g: init.constant_(w, value), _shape(rng))


INITIALISERS: dict[str, Callable[[np.random.Generator], Initial]] = {
    "xavier": _xavier("normal"),
    "xavier_uniform": _xavier("uniform"),
    "he": _simple(m.He, lambda init, w, g: init.kaiming_normal_(w, nonlinearity="relu", generator=g)),
    "he_uniform": _simple(
        lambda: m.He("uniform"), lambda init, w, g: init.kaiming_uniform_(w, nonlinearity="relu", generator=g)
    ),
    "lecun": _simple(m.LeCun, lambda init, w, g: init.kaiming_normal_(w, nonlinearity="linear", generator=g)),
    "linear_layers": _simple(m.Uniform, lambda init, w, g: init.kaiming_uniform_(w, a=5**0.5, generator=g)),
    "variance": variance,
    "variance_uniform": variance_uniform,
    "orthogonal": orthogonal,
    "constant": constant,
}
