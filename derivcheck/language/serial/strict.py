"""Strictness: what a document may not say, whatever it is about, and the error that says so."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from derivcheck.language.terms import LanguageError

#: The longest number, name or hint, in characters, that is read.
LONGEST_TEXT = 4000

#: How deep the sort of a function or the auxiliary declarations of an assumption may nest.
DEPTH = 8


class SerialError(LanguageError):
    """A document that does not say a well-formed term or Context."""


def is_int(value: object) -> bool:
    """Is it an integer, and no truth value?"""
    return isinstance(value, int) and not isinstance(value, bool)


def short_text(value: object, what: str) -> str:
    """What was read, if it is a text that is not too long."""
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise SerialError(f"{what} is not a (reasonably short) text")
    return value


def listed(written: object, what: str, length: int | None = None) -> list[Any]:
    """What was read, if it is a list (of the given length)."""
    if not isinstance(written, list) or (length is not None and len(written) != length):
        raise SerialError(f"{what} is needed, not {written!r:.40}")
    return written


def fields(written: object, *names: str) -> dict[str, Any]:
    """What was read, if it is an object with exactly these fields."""
    if not isinstance(written, dict) or set(written) != set(names):
        raise SerialError(f"an object with the fields {', '.join(names)} is needed")
    return written


def _no_constant(name: str) -> Any:
    raise SerialError(f"{name} is not a number of the language")


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in pairs:
        if key in out:
            raise SerialError(f"the field {key!r:.40} stands twice in one object")
        out[key] = value
    return out


def read_json(text: str) -> Any:
    """Strict JSON: no NaN, no infinity, no field twice.

    Raises
    ------
    SerialError
        If `text` is anything else, or nests too deep.
    """
    try:
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_unique)
    except RecursionError:
        raise SerialError("not JSON: it nests too deep") from None
    except ValueError as complaint:
        raise complaint if isinstance(complaint, SerialError) else SerialError(f"not JSON: {complaint}") from None
