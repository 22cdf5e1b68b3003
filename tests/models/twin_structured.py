"""Attention, positions, graph convolution and flows: PyTorch's module where it has one, else its primitives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from twin_cases import Case, Family, Function

import derivcheck.models as m

__all__ = ["STRUCTURED"]


# --- attention ----------------------------------------------------------------------------------------------


def _masked(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """True where a key may be seen; every query sees one at least (PyTorch gives NaN where there is none)."""
    mask = rng.random(shape) < 0.6
    mask[..., 0] = True
    return mask


def scaled_dot_product_attention(rng: np.random.Generator) -> Case:
    batch, heads, queries, keys, size, width = (int(n) for n in rng.integers(1, 5, 6))
    shapes = ((batch, heads, queries, size), (batch, heads, keys, size), (batch, heads, keys, width))
    mask = _masked(rng, ((batch, 1, queries, keys), (queries, keys))[int(rng.integers(0, 2))])
    masked = bool(rng.integers(0, 3))

    def call(module: Any, x: Any) -> Any:
        import torch

        return torch.nn.functional.scaled_dot_product_attention(*x, attn_mask=torch.tensor(mask) if masked else None)

    return Case(
        Function(lambda x: m.attention(*x, mask if masked else None)),
        [rng.standard_normal(s) for s in shapes],
        lambda t: (t.nn.Identity(), call, {}),
    )


def causal_attention(rng: np.random.Generator) -> Case:
    length, size = (int(n) for n in rng.integers(1, 6, 2))

    def call(module: Any, x: Any) -> Any:
        import torch

        return torch.nn.functional.scaled_dot_product_attention(*x, is_causal=True)

    return Case(
        Function(lambda x: m.attention(*x, m.causal_mask(length))),
        [rng.standard_normal((2, 3, length, size)) for _ in range(3)],
        lambda t: (t.nn.Identity(), call, {}),
    )


_JOINT = {
    "in_weight": "in_proj_weight",
    "in_bias": "in_proj_bias",
    "out_weight": "out_proj.weight",
    "out_bias": "out_proj.bias",
}


def _multi_head(rng: np.random.Generator, masking: str, cross: bool) -> Case:
    """``masking``: ``"none"``, ``"causal"``, ``"lengths"`` (padding), ``"mask"``, or two of the last with a ``+``."""
    batch, heads, each, queries, other = (int(n) for n in rng.integers(1, 5, 5))
    size, bias, keys = heads * each, bool(rng.integers(0, 4)), other if cross else queries
    x: dict[str, Any] = {"query": rng.standard_normal((batch, queries, size))}
    if cross:
        x["key"] = rng.standard_normal((batch, keys, size))
        if rng.integers(0, 2):
            x["value"] = rng.standard_normal((batch, keys, size))
    lengths = rng.integers(1, keys + 1, batch) if "lengths" in masking else None
    mask = _masked(rng, (batch, heads, queries, keys)) if "mask" in masking else None
    causal = "causal" in masking

    def forward(given: Any) -> Any:
        return given | ({} if lengths is None else {"lengths": lengths}) | ({} if mask is None else {"mask": mask})

    def call(module: Any, x: Any) -> Any:
        import torch

        query = x["query"]
        key = x.get("key", query)
        hidden = ~torch.tril(torch.ones(queries, keys)).bool() if causal else None
        if mask is not None:
            hidden = ~torch.tensor(mask).reshape(batch * heads, queries, keys)
        padded = None if lengths is None else torch.arange(keys)[None] >= torch.tensor(lengths)[:, None]
        options: dict[str, Any] = {"attn_mask": hidden, "key_padding_mask": padded, "need_weights": False}
        return module(query, key, x.get("value", key), **options)[0]

    names = _JOINT if bias else {k: v for k, v in _JOINT.items() if "weight" in k}
    layer = m.MultiHeadAttention(size, heads, causal, bias)
    return Case(
        Given(layer, forward),
        x,
        lambda t: (t.nn.MultiheadAttention(size, heads, bias=bias, batch_first=True), call, names),
    )


class Given(m.Layer):
    """A layer whose input is completed by what is not differentiated."""

    def __init__(self, inner: m.Layer, complete: Any) -> None:
        self.inner, self.complete = inner, complete

    def parameters(self) -> dict[str, Any]:
        return self.inner.parameters()

    def forward(self, p: Any, x: Any, run: m.Run) -> Any:
        return self.inner(p, self.complete(x), run)


def attention(rng: np.random.Generator) -> Case:
    return _multi_head(rng, str(rng.choice(["none", "causal"])), cross=False)


def attention_with_padding(rng: np.random.Generator) -> Case:
    return _multi_head(rng, str(rng.choice(["lengths", "lengths+causal"])), cross=False)


def attention_with_mask(rng: np.random.Generator) -> Case:
    return _multi_head(rng, "mask", cross=False)


def cross_attention(rng: np.random.Generator) -> Case:
    return _multi_head(rng, str(rng.choice(["none", "lengths", "mask"])), cross=True)


# --- positions ------------------------------------------------------------------------------------------------


def sinusoidal_positions(rng: np.random.Generator) -> Case:
    length, size = (int(n) for n in rng.integers(1, 9, 2))

    def call(module: Any, x: Any) -> Any:
        import torch

        place = torch.arange(length, dtype=torch.float64)[:, None]
        rate = torch.exp(torch.arange(0, size, 2, dtype=torch.float64) * (-math.log(10000.0) / size))
        table = torch.zeros(length, size, dtype=torch.float64)
        table[:, 0::2] = torch.sin(place * rate)
        table[:, 1::2] = torch.cos(place * rate)[:, : size // 2]
        return x + table

    return Case(m.SinusoidalPositions(), rng.standard_normal((2, length, size)), lambda t: (t.nn.Identity(), call, {}))


def learned_positions(rng: np.random.Generator) -> Case:
    length, size = (int(n) for n in rng.integers(1, 6, 2))
    used = int(rng.integers(1, length + 1))

    def call(module: Any, x: Any) -> Any:
        import torch

        return x + module(torch.arange(used))

    return Case(
        m.LearnedPositions(length, size),
        rng.standard_normal((2, used, size)),
        lambda t: (t.nn.Embedding(length, size), call, {"weight": "weight"}),
    )


# --- graphs ---------------------------------------------------------------------------------------------------


def graph_convolution(rng: np.random.Generator) -> Case:
    a, b, n = (int(k) for k in rng.integers(1, 6, 3))
    lead = tuple(int(k) for k in rng.integers(1, 4, int(rng.integers(0, 2))))
    edges = rng.random((*lead[: int(rng.integers(0, 2))], n, n)) * (rng.random((n, n)) < 0.6)  # weighted
    adjacency = edges + np.swapaxes(edges, -1, -2)
    adjacency[..., np.arange(n), np.arange(n)] = 0.0

    def call(module: Any, x: Any) -> Any:
        import torch

        looped = x["adjacency"] + torch.eye(n, dtype=torch.float64)
        degree = torch.diag_embed(looped.sum(-1) ** -0.5)
        return degree @ looped @ degree @ x["nodes"] @ module.weight.T + module.bias

    return Case(
        m.GraphConvolution(a, b),
        {"nodes": rng.standard_normal((*lead, n, a)), "adjacency": adjacency},
        lambda t: (t.nn.Linear(a, b), call, {"weight": "weight", "bias": "bias"}),
    )


# --- flows ----------------------------------------------------------------------------------------------------


class _Coupling:
    """One coupling of a random kind, in both libraries."""

    def __init__(self, rng: np.random.Generator, size: int, kind: str) -> None:
        self.size, self.affine, self.flipped = size, kind == "affine", bool(rng.integers(0, 2))
        self.hidden = int(rng.integers(1, 5))
        half = size // 2
        self.fixed = size - half if self.flipped else half
        self.parts = ("scale", "shift") if self.affine else ("shift",)

    def ours(self) -> Any:
        a, b, h = self.fixed, self.size - self.fixed, self.hidden
        nets = {k: m.Sequential(m.Linear(a, h), m.Tanh(), m.Linear(h, b)) for k in self.parts}
        return (m.AffineCoupling if self.affine else m.AdditiveCoupling)(self.size, flipped=self.flipped, **nets)

    def torchs(self, t: Any) -> Any:
        a, b, h = self.fixed, self.size - self.fixed, self.hidden
        nets = {k: t.nn.Sequential(t.nn.Linear(a, h), t.nn.Tanh(), t.nn.Linear(h, b)) for k in self.parts}
        return t.nn.ModuleDict(nets)

    def names(self, prefix: str = "") -> dict[str, str]:
        found = [f"{prefix}{k}.{i}.{p}" for k in self.parts for i in (0, 2) for p in ("weight", "bias")]
        return {name: name for name in found}

    def apply(self, module: Any, x: Any, inverse: bool = False) -> Any:
        import torch

        keep = torch.arange(self.size) < self.size // 2
        keep = ~keep if self.flipped else keep
        fixed, moved = x[:, keep], x[:, ~keep]
        scale = torch.exp(module["scale"](fixed)) if self.affine else torch.ones_like(moved)
        shift = module["shift"](fixed)
        out = torch.empty_like(x)
        out[:, keep] = fixed
        out[:, ~keep] = (moved - shift) / scale if inverse else moved * scale + shift
        return out


def _log_determinant(y: Any, x: Any) -> Any:
    """``log |det ∂y/∂x|`` of every example, from the whole Jacobian."""
    import torch

    rows = [torch.autograd.grad(y[:, i].sum(), x, create_graph=True)[0] for i in range(y.shape[1])]
    return torch.linalg.slogdet(torch.stack(rows, 1)).logabsdet


def _one_coupling(rng: np.random.Generator, kind: str) -> Case:
    size = int(rng.integers(2, 6))
    coupling = _Coupling(rng, size, kind)

    def call(module: Any, x: Any) -> Any:
        y = coupling.apply(module, x)
        return y, _log_determinant(y, x)

    x = rng.standard_normal((int(rng.integers(1, 4)), size))
    return Case(coupling.ours(), x, lambda t: (coupling.torchs(t), call, coupling.names()))


def additive_coupling(rng: np.random.Generator) -> Case:
    return _one_coupling(rng, "additive")


def affine_coupling(rng: np.random.Generator) -> Case:
    return _one_coupling(rng, "affine")


class _Inverse(m.Layer):
    """The inverse of a flow, or of one coupling."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def parameters(self) -> dict[str, Any]:
        return self.inner.parameters()  # type: ignore[no-any-return]

    def forward(self, p: Any, x: Any, run: m.Run) -> Any:
        return self.inner.inverse(p, x)


def _flow(rng: np.random.Generator, inverse: bool) -> Case:
    size = int(rng.integers(2, 6))
    kinds = [str(k) for k in rng.choice(["additive", "affine"], int(rng.integers(1, 4)))]
    couplings = [_Coupling(rng, size, kind) for kind in kinds]

    def call(modules: Any, x: Any) -> Any:
        y, steps = x, list(zip(couplings, modules, strict=True))
        for coupling, module in reversed(steps) if inverse else steps:
            y = coupling.apply(module, y, inverse)
        return y if inverse else (y, _log_determinant(y, x))

    flow = m.Flow(*(c.ours() for c in couplings))
    names = {k: v for i, c in enumerate(couplings) for k, v in c.names(f"{i}.").items()}
    x = rng.standard_normal((int(rng.integers(1, 4)), size))
    modules = lambda t: (t.nn.ModuleList(c.torchs(t) for c in couplings), call, names)  # noqa: E731
    return Case(_Inverse(flow) if inverse else flow, x, modules)


def flow(rng: np.random.Generator) -> Case:
    return _flow(rng, inverse=False)


def flow_inverse(rng: np.random.Generator) -> Case:
    return _flow(rng, inverse=True)


def coupling_inverse(rng: np.random.Generator) -> Case:
    size = int(rng.integers(2, 6))
    coupling = _Coupling(rng, size, str(rng.choice(["additive", "affine"])))

    def call(module: Any, x: Any) -> Any:
        return coupling.apply(module, x, inverse=True)

    x = rng.standard_normal((2, size))
    return Case(_Inverse(coupling.ours()), x, lambda t: (coupling.torchs(t), call, coupling.names()))


STRUCTURED: dict[str, Family] = {
    f.__name__: f
    for f in (
        scaled_dot_product_attention, causal_attention, attention, attention_with_padding, attention_with_mask,
        cross_attention, sinusoidal_positions, learned_positions, graph_convolution, additive_coupling, affine_coupling,
        coupling_inverse, flow, flow_inverse,
    )
}  # fmt: skip
