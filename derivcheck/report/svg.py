"""Small plots as inline SVG, in the page's own colours: curves, and measured against predicted."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

WIDTH, HEIGHT = 460, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 12, 12, 34
#: One class a curve; the page's style sheet gives them colours for light and dark.
_CLASSES = ("c0", "c1", "c2", "c3", "c4", "c5")


def curves(series: Mapping[str, Sequence[float | None]], label: str = "") -> str:
    """Curves over their positions 1, 2, …; a logarithmic axis where positive values span three decades or more."""
    values = [v for ys in series.values() for v in ys if v is not None]
    if not values:
        return ""
    log = min(values) > 0 and max(values) / min(values) >= 1e3
    longest = max(len(ys) for ys in series.values())
    x = _Scale(1, max(longest, 2), _LEFT, WIDTH - _RIGHT)
    y = _Scale(min(values), max(values), HEIGHT - _BOTTOM, _TOP, log)
    marks = []
    for number, ys in enumerate(series.values()):
        css = _CLASSES[number % len(_CLASSES)]
        points = [f"{x(i):.1f},{y(v):.1f}" for i, v in enumerate(ys, 1) if v is not None]
        marks.append(f'<polyline class="{css}" points="{" ".join(points)}"/>')
    return _frame(x, y, marks, label or ", ".join(series), list(series))


def against(
    predicted: Sequence[float | None], measured: Sequence[float | None], tolerance: Sequence[float | None]
) -> str:
    """Measured over predicted with the tolerance as a bar; agreement is the diagonal."""
    points = [
        (p, m, t)
        for p, m, t in zip(predicted, measured, tolerance, strict=True)
        if p is not None and m is not None and t is not None
    ]
    if not points:
        return ""
    low = min(min(p - t, m) for p, m, t in points)
    high = max(max(p + t, m) for p, m, t in points)
    x = _Scale(low, high, _LEFT, WIDTH - _RIGHT)
    y = _Scale(low, high, HEIGHT - _BOTTOM, _TOP)
    marks = [f'<line class="axis" x1="{x(low):.1f}" y1="{y(low):.1f}" x2="{x(high):.1f}" y2="{y(high):.1f}"/>']
    for p, m, t in points:
        marks.append(f'<line class="c1" x1="{x(p):.1f}" x2="{x(p):.1f}" y1="{y(p - t):.1f}" y2="{y(p + t):.1f}"/>')
        marks.append(f'<circle class="c0" cx="{x(p):.1f}" cy="{y(m):.1f}" r="2.5"/>')
    return _frame(x, y, marks, "measured (dots) over predicted, with the tolerance (bars)", [])


class _Scale:
    """From values to positions, linear or logarithmic."""

    def __init__(self, low: float, high: float, start: float, end: float, log: bool = False) -> None:
        self.log = log
        low, high = (math.log10(low), math.log10(high)) if log else (low, high)
        if high - low < 1e-12 * max(abs(low), abs(high), 1e-300):
            pad = abs(low) * 0.05 or 1.0
            low, high = low - pad, high + pad
        self.low, self.high, self.start, self.end = low, high, start, end

    def __call__(self, value: float) -> float:
        v = math.log10(value) if self.log else value
        return self.start + (v - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> list[tuple[float, str]]:
        """About four round positions with their labels."""
        span = self.high - self.low
        if self.log:
            step = max(1, round(span / 4))
            exponents = range(math.ceil(self.low), math.floor(self.high) + 1, step)
            return [(self(10.0**e), f"1e{e}") for e in exponents]
        step = 10 ** math.floor(math.log10(span / 4))
        step *= next(k for k in (1, 2, 5, 10) if span / (step * k) <= 5)
        first = math.ceil(self.low / step)
        count = math.floor(self.high / step) - first + 1
        return [(self((first + i) * step), f"{(first + i) * step:.6g}") for i in range(count)]


def _frame(x: _Scale, y: _Scale, marks: Sequence[str], label: str, legend: Sequence[str]) -> str:
    parts = [f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(label)}">']
    base, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    parts.append(f'<path class="axis" d="M{_LEFT} {_TOP}V{base}H{right}"/>')
    for at, text in y.ticks():
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{at + 3.5:.1f}" text-anchor="end">{text}</text>')
    for at, text in x.ticks():
        parts.append(f'<text x="{at:.1f}" y="{base + 15}" text-anchor="middle">{text}</text>')
    parts.extend(marks)
    if len(legend) > 1:
        for number, name in enumerate(legend):
            css = _CLASSES[number % len(_CLASSES)]
            at = _TOP + 12 + 14 * number
            parts.append(f'<line class="{css}" x1="{right - 22}" x2="{right - 4}" y1="{at - 4}" y2="{at - 4}"/>')
            parts.append(f'<text x="{right - 28}" y="{at}" text-anchor="end">{html.escape(name)}</text>')
    parts.append(
        f'<text x="{(_LEFT + right) / 2}" y="{HEIGHT - 4}" text-anchor="middle">{html.escape(label)}</text></svg>'
    )
    return "".join(parts)
