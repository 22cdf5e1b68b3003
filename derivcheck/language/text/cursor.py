"""A place in a text that is being read, the variables in scope there, and what every rule of the grammar uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from derivcheck.language import constructors as b
from derivcheck.language.names import KEYWORDS
from derivcheck.language.terms import INT, REAL, LanguageError, Sort, Term, abstract, symbol
from derivcheck.language.text.tokens import TextError, tokenise

#: How deep brackets and binders may nest; far beyond what a page holds, far below the interpreter's stack.
DEPTH = 60

#: A value while it is read: a number that was written as such is an integer or a real, as its place wants.
Value = Term | int


class Cursor:
    """One text being read: tokens, a place among them, and the variables in scope."""

    def __init__(self, source: str, symbols: Mapping[str, Term]) -> None:
        self.source = source
        self.symbols = symbols
        self.at = 0
        self.depth = 0
        self.scope: list[tuple[str, Term]] = []
        #: Where the ``for`` of an opening bracket stands: its body is read after its variable.
        self.tokens, self.fors = tokenise(source)

    def error(self, message: str, at: int | None = None) -> TextError:
        """The error of a token: of the one that is read next, or of the one at a place."""
        return TextError(message, self.source, self.tokens[self.at if at is None else at].position)

    def sees(self, *values: str) -> bool:
        """Is one of these signs or words next?"""
        token = self.tokens[self.at]
        return token.kind in ("sign", "name") and token.value in values

    def take(self, value: str) -> bool:
        """Go past a sign or a word, if it is next."""
        if self.sees(value):
            self.at += 1
            return True
        return False

    def need(self, value: str) -> None:
        """Go past a sign or a word that must be next."""
        if not self.take(value):
            raise self.error(f"'{value}' is needed here")

    def checked(self, at: int, build: Callable[[], Term]) -> Term:
        """What a constructor builds; its complaint gets a position."""
        try:
            return build()
        except TextError:
            raise
        except LanguageError as complaint:
            raise self.error(str(complaint), at) from None

    def wanted(self, value: Value, sort: Sort | None, at: int) -> Term:
        """`value` at a place that wants the sort; ``None`` where nothing says which."""
        if isinstance(value, int):
            return b.integer(value) if sort == INT else self.wanted(b.num(value), sort, at)
        if sort == REAL and value.sort == INT:
            return b.real(value)
        if sort == INT and value == b.oo:
            return b.oo_int
        if sort is not None and value.sort != sort:
            raise self.error(f"a {sort} is needed here, not a {value.sort}", at)
        return value

    def name(self) -> str:
        """Go past a name that must be next."""
        token = self.tokens[self.at]
        if token.kind != "name" or token.value in KEYWORDS:
            raise self.error("a name is needed here")
        self.at += 1
        return token.value

    def opened(
        self, name: str, sort: Sort, domains: Sequence[Term], body: Callable[[], Value], want: Sort | None
    ) -> Term:
        """The body of a binder whose variable is called `name`, abstracted."""
        # No text can write a space in a bare name, and the depth keeps nested variables apart.
        var = symbol(f"{name} {len(self.scope)}", sort, domains)
        at = self.at
        self.scope.append((name, var))
        try:
            return abstract(self.wanted(body(), want, at), var)
        finally:
            self.scope.pop()

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """One more level of nesting, for as long as it lasts."""
        self.depth += 1
        if self.depth > DEPTH:
            raise self.error(f"nested deeper than {DEPTH}")
        try:
            yield
        finally:
            self.depth -= 1
