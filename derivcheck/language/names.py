"""Names on paper: of free symbols, of bound variables, and the words that are no names.

>>> from derivcheck.language import *
>>> x = Real("x"); scope = Scope(x + Vector("x", Size("n"))(1))
>>> sorted(scope.free.values())
['n', 'x', 'x~2']
>>> scope.choose("x"), scope.choose("j")
("x'", 'j')
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from derivcheck.language.terms import Term, free_symbols

#: Words that name domains.
DOMAIN_WORDS = frozenset({"reals", "integers", "interval", "functions"})

#: Words of the text form; a symbol or a space of such a name is written between backquotes.
# fmt: off
KEYWORDS = DOMAIN_WORDS | {
    "for", "in", "and", "or", "not", "if", "then", "else", "forall", "exists", "pi", "oo", "true", "false",
    "from", "above", "below", "at", "integer",
}
# fmt: on

#: A name that needs no backquotes: letters, digits, primes, and the marks of opened and of equally named
#: symbols.
NAME = re.compile(r"[^\W\d]\w*'*(?:[@#]+\d+)*(?:~\d+)?")


def quoted(name: str, reserved: frozenset[str] = KEYWORDS) -> str:
    """`name` as it stands in text: between backquotes unless it reads as a name."""
    if NAME.fullmatch(name) and name not in reserved:
        return name
    return "`" + name.replace("`", "``") + "`"


def free_names(term: Term) -> dict[str, Term]:
    """The names under which the free symbols of `term` are printed.

    Two different symbols of one name (``x`` the number and ``x`` the vector) are told apart as ``x`` and
    ``x~2``.
    """
    out: dict[str, Term] = {}
    for s in sorted(free_symbols(term), key=lambda s: (str(s.data), s.key)):
        if s.loose:
            continue  # a symbol whose domain holds a bound variable is written with its domain
        name, k = str(s.data), 1
        while name in out:
            k += 1
            name = f"{s.data}~{k}"
        out[name] = s
    return out


class Scope:
    """The names in use while a term is printed from the outside in."""

    __slots__ = ("bound", "free", "taken")

    def __init__(self, term: Term) -> None:
        names = free_names(term)
        self.free = {s: name for name, s in names.items()}
        self.taken = set(names) | {str(s.data) for s in free_symbols(term)}
        self.bound: list[str] = []

    def name_of(self, term: Term) -> str:
        """The name of a free symbol or of a bound variable.

        A variable that is bound outside of what is printed is ``?k``.
        """
        if term.op == "bound":
            k = int(term.data)
            return self.bound[-1 - k] if k < len(self.bound) else f"?{k - len(self.bound)}"
        return self.free.get(term, str(term.data))

    def choose(self, hint: str) -> str:
        """A name for the next bound variable: the author's, with primes where it is taken."""
        base = re.split("[@#~]", hint)[0].rstrip("'")
        if not NAME.fullmatch(base):
            base = "v"
        name = base
        while name in KEYWORDS or name in self.taken or name in self.bound:
            name += "'"
        return name

    @contextmanager
    def opened(self, name: str) -> Iterator[str]:
        """`name` stands for the innermost bound variable inside the ``with`` block."""
        self.bound.append(name)
        try:
            yield name
        finally:
            self.bound.pop()
