"""Names as they look in mathematical notation: none looks like another, and an outcome may go without one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from derivcheck.language.boxes import Box, name_box, to_latex, upright
from derivcheck.language.conventions import mentions
from derivcheck.language.names import Scope
from derivcheck.language.terms import Term, free_symbols


class Lettering(Scope):
    """The names in use while a term is laid out from the outside in."""

    __slots__ = ("plain", "shown", "silent")

    def __init__(self, term: Term) -> None:
        super().__init__(term)
        #: The outcomes that are not shown, as levels of the scope.
        self.silent: set[int] = set()
        arrays = {self.name_of(s) for s in free_symbols(term) if s.sort.kind == "fun"}
        #: Names whose usual form could be taken for another symbol or for an entry of an array.
        self.plain: set[str] = set()
        shown: dict[str, str] = {}
        for name in sorted(self.free.values()):
            usual = to_latex(name_box(name))
            base = re.split(r"_|\d", name)[0]
            if usual in shown or (base != name and base in arrays):
                self.plain.add(name)
            shown.setdefault(usual, name)
        #: How the free symbols look.
        self.shown = set(shown)

    def letter(self, t: Term, bold: bool = False) -> Box:
        """How a free symbol or a bound variable is written."""
        name = self.name_of(t)
        return upright(name) if name in self.plain else name_box(name, bold)

    def choose(self, hint: str) -> str:
        """A bound variable's name; it must not look like another's, or like an entry of an array."""
        name = super().choose(re.sub(r"(?<=[^\W\d_])[\d_].*", "", hint))
        taken = self.shown | {to_latex(name_box(other)) for other in self.bound}
        while to_latex(name_box(name)) in taken or name in self.taken:
            name += "'"
        return name

    @contextmanager
    def opened(self, name: str, silent: bool = False) -> Iterator[str]:
        """`name` stands for the innermost bound variable inside the ``with`` block; a `silent` one is not shown."""
        level = len(self.bound)
        if silent:
            self.silent.add(level)
        try:
            with super().opened(name):
                yield name
        finally:
            self.silent.discard(level)

    def is_silent(self, t: Term) -> bool:
        """Is `t` an outcome that is not shown?"""
        return t.op == "bound" and len(self.bound) - 1 - t.data in self.silent

    def silence_in(self, body: Term) -> bool:
        """Does the body of the next binder mention an outcome that is not shown?"""
        depth = len(self.bound)
        return any(mentions(body, depth - level) for level in self.silent)
