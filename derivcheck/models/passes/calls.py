"""The calls that make up a compiled part, as text; a sequence of calls that is repeated becomes a loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Call", "lines_of"]


@dataclass(frozen=True)
class Call:
    """A line of ``part``: a helper, what it is given (entries as integers), a comment, the number of a check."""

    helper: str
    given: tuple[str | int, ...]
    comment: str
    check: int = 0


def lines_of(calls: Sequence[Call]) -> list[str]:
    """The calls as text; a sequence of calls that is repeated becomes a loop."""
    lines: list[str] = []
    at = 0
    while at < len(calls):
        period, count = _repeated(calls, at)
        if not period:
            lines += _line(calls[at], calls[at].given)
            at += 1
            continue
        lines.append(f"for k in range({count}):")
        for i in range(at, at + period):
            given = [
                _along(column) for column in zip(*(calls[i + r * period].given for r in range(count)), strict=True)
            ]
            lines += [f"    {line}" for line in _line(calls[i], given)]
        at += period * count
    return lines


def _line(call: Call, given: Sequence[str | int]) -> list[str]:
    # Plain integers would make Numba compile a helper anew for each of them.
    text = f"{call.helper}({', '.join(f'at({x})' if isinstance(x, int) else x for x in given)})"
    if call.check:
        return [f"if not {text}:{call.comment}", f"    return {call.check}"]
    return [text + call.comment]


#: Longest sequence of calls that is looked for again right after it.
_PERIOD = 24


def _repeated(calls: Sequence[Call], start: int) -> tuple[int, int]:
    """Length and number (three or more) of equal sequences from here on, up to entries that move evenly; 0 if none."""
    best = 0, 0
    for period in range(1, _PERIOD + 1):
        count = 1
        while _matches(calls, start, period, count):
            count += 1
        if count > 2 and period * count > best[0] * best[1]:
            best = period, count
    return best


def _matches(calls: Sequence[Call], start: int, period: int, count: int) -> bool:
    # Whether the sequence number `count` continues the ones before.
    lo = start + period * count
    if lo + period > len(calls):
        return False
    for i in range(period):
        first, new = calls[start + i], calls[lo + i]
        if first.helper != new.helper or first.check:
            return False
        second = calls[start + period + i].given
        for a, b, c in zip(first.given, second, new.given, strict=True):
            if isinstance(a, int) and isinstance(b, int) and isinstance(c, int):
                if c - a != count * (b - a):
                    return False
            elif a != c:
                return False
    return True


def _along(column: Sequence[str | int]) -> str | int:
    first, second = column[0], column[1]
    if first == second or isinstance(first, str) or isinstance(second, str):
        return first
    return f"{first} + k * {second - first}" if second > first else f"{first} - k * {first - second}"
