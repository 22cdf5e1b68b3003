"""Pictures as SVG text: graphs and training curves. They need nothing but a browser."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from derivcheck.models.graph import Graph
from derivcheck.models.tensor import Array, Tensor

__all__ = ["curves_svg", "graph_svg"]

_COLOURS = ("#1f6f8b", "#c8553d", "#588157", "#7b5ea7", "#b8860b", "#5c677d")

_BOX, _GAP, _ROW = 128, 16, 54


def graph_svg(graph: Graph, limit: int = 400) -> str:
    """A graph from inputs (top) to outputs (bottom); boxes are coloured by the layer in which they were made.

    Parameters
    ----------
    graph : Graph
    limit : int
        Most nodes that are drawn; the picture of a larger graph says how many were left out.
    """
    nodes = [t for t in graph.nodes if t.primitive != "constant"]
    left_out = len(nodes) - limit
    nodes = nodes[-limit:] if left_out > 0 else nodes
    drawn = set(nodes)
    level: dict[Tensor, int] = {}
    for t in nodes:
        level[t] = 1 + max((level[x] for x in t.inputs if x in drawn), default=-1)
    rows: dict[int, list[Tensor]] = {}
    for t in nodes:
        rows.setdefault(level[t], []).append(t)
    place: dict[Tensor, tuple[float, float]] = {}
    for depth, row in sorted(rows.items()):
        # Near the middle of what they read: few lines cross.
        row.sort(key=lambda t: _middle(t, place))
        for i, t in enumerate(row):
            place[t] = (i - (len(row) - 1) / 2) * (_BOX + _GAP), depth * _ROW
    width = max(len(r) for r in rows.values()) * (_BOX + _GAP) + _GAP if rows else _BOX
    height = len(rows) * _ROW + 40
    scopes = list(dict.fromkeys(t.scope for t in nodes if t.scope))
    body = [_edge(place[x], place[t]) for t in nodes for x in t.inputs if x in drawn]
    body += [_box(t, place[t], t in graph.outputs, scopes) for t in nodes]
    note = f"{left_out} earlier nodes are not drawn" if left_out > 0 else f"{len(nodes)} nodes"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{-width / 2:.0f} -30 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" font-family="sans-serif" font-size="10">'
        f'<text x="{-width / 2 + 6:.0f}" y="-16" fill="#555">{escape(note)}</text>{"".join(body)}</svg>'
    )


def _middle(t: Tensor, place: Mapping[Tensor, tuple[float, float]]) -> float:
    known = [place[x][0] for x in t.inputs if x in place]
    return sum(known) / len(known) if known else 0.0


def _edge(a: tuple[float, float], b: tuple[float, float]) -> str:
    return f'<line x1="{a[0]:.0f}" y1="{a[1] + 13:.0f}" x2="{b[0]:.0f}" y2="{b[1] - 13:.0f}" stroke="#bbb"/>'


def _box(t: Tensor, at: tuple[float, float], output: bool, scopes: Sequence[str]) -> str:
    name = t.attributes["name"] or "input" if t.primitive == "variable" else t.primitive
    if t.primitive == "scalar":
        name = t.attributes["function"].name
    colour = _COLOURS[scopes.index(t.scope) % len(_COLOURS)] if t.scope else "#444"
    shape = "×".join(map(str, t.shape)) or "scalar"
    x, y = at
    return (
        f"<g><title>{escape(f'{name} {t.shape} {t.kind} {t.scope}'.strip())}</title>"
        f'<rect x="{x - _BOX / 2:.0f}" y="{y - 13:.0f}" width="{_BOX}" height="26" rx="4" fill="#fff" '
        f'stroke="{colour}" stroke-width="{3 if output else 1}"/>'
        f'<text x="{x:.0f}" y="{y - 2:.0f}" text-anchor="middle" fill="{colour}">{escape(str(name)[:22])}</text>'
        f'<text x="{x:.0f}" y="{y + 9:.0f}" text-anchor="middle" fill="#777" font-size="8">{escape(shape)}</text></g>'
    )


def curves_svg(
    curves: Mapping[str, Any] | Any, title: str = "", logarithmic: bool = False, width: int = 480, height: int = 280
) -> str:
    """Training curves, a line each, over the step.

    Parameters
    ----------
    curves : mapping of str to array, or array
        Each of shape (steps,), or (steps, replicas), of which the median is drawn.
    title : str
    logarithmic : bool
        Vertical axis; values that are not positive are left out.
    """
    if not isinstance(curves, Mapping):
        curves = {"": curves}
    series = {name: _series(values, logarithmic) for name, values in curves.items()}
    finite = np.concatenate([y[np.isfinite(y)] for y in series.values()] or [np.zeros(0)])
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    high = high if high > low else low + 1.0
    steps = max((len(y) for y in series.values()), default=1)
    left, right, top, bottom = 62, width - 12, 28, height - 34

    def point(i: int, y: float) -> str:
        x = left + (right - left) * i / max(steps - 1, 1)
        return f"{x:.1f},{bottom - (bottom - top) * (y - low) / (high - low):.1f}"

    parts = [f'<text x="{width / 2:.0f}" y="16" text-anchor="middle">{escape(title)}</text>']
    for k in range(5):
        value = low + (high - low) * k / 4
        y = bottom - (bottom - top) * k / 4
        shown = f"{10**value:.3g}" if logarithmic else f"{value:.3g}"
        parts.append(f'<line x1="{left}" y1="{y:.0f}" x2="{right}" y2="{y:.0f}" stroke="#eee"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 3:.0f}" text-anchor="end" fill="#555">{shown}</text>')
    parts.append(f'<text x="{right}" y="{bottom + 16}" text-anchor="end" fill="#555">step {steps}</text>')
    for k, (name, values) in enumerate(series.items()):
        colour = _COLOURS[k % len(_COLOURS)]
        # No screen shows more points than this.
        stride = max(1, math.ceil(len(values) / 1000))
        points = " ".join(point(i, float(values[i])) for i in range(0, len(values), stride) if np.isfinite(values[i]))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}"/>')
        parts.append(f'<text x="{left + 8 + 110 * k}" y="{bottom + 16}" fill="{colour}">{escape(name)}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="11">{"".join(parts)}</svg>'
    )


def _series(values: Any, logarithmic: bool) -> Array:
    y = np.asarray(values, float)
    y = np.median(y, axis=tuple(range(1, y.ndim))) if y.ndim > 1 else y
    if not logarithmic:
        return y
    return np.log10(np.where(y > 0, y, np.nan))
