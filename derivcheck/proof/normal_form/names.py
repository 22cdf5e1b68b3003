"""Names for opened variables that meet no symbol of an author, of a caller, or of an enclosing scope."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from derivcheck.language import Fresh, Sort, Term, free_symbols, substitute, symbol

#: Marks the names made here: a private-use character, which no source text and no other supply of names contains.
MARK = "\ue000"


class Supply(Fresh):
    """Fresh symbols of one normaliser; a caller's own opened variables (``i#1``) are other names."""

    __slots__ = ()

    def symbol(self, hint: str, sort: Sort, domains: Iterable[Term] = ()) -> Term:
        self.count += 1
        return symbol(f"{hint.split(MARK)[0] or 'v'}{MARK}{self.count}", sort, domains)


def is_opened(s: Term) -> bool:
    """Was the symbol made by a `Supply`?"""
    return MARK in str(s.data)


def number(s: Term) -> int:
    """When an opened symbol was made: earlier ones have smaller numbers."""
    return int(str(s.data).rpartition(MARK)[2].partition(":")[0])


def label(kind: str, level: int, number: int = 0) -> str:
    """A canonical name for a variable at a nesting level; names of different levels do not meet."""
    return f"{kind}{MARK}{level}:{number}"


def plain(s: Term) -> str:
    """The author's part of an opened symbol's name."""
    return str(s.data).split(MARK)[0].split("#")[0]


def put_indices(t: Term, names: Mapping[Term, Term]) -> Term:
    """Replace integer symbols in `t`; the shape of an array that mentions one stays, it is the same array."""
    arrays = {s: s for s in free_symbols(t) if s.args}
    return substitute(t, {**arrays, **names})


@lru_cache(maxsize=200_000)
def mentioned(t: Term) -> frozenset[Term]:
    """The free symbols of `t`, without those that only an array's shape mentions."""
    if t.op == "sym":
        return frozenset((t,))
    return frozenset().union(*(mentioned(a) for a in t.args))
