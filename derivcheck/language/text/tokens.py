"""A text as tokens, and the error that shows where a text cannot be read."""

from __future__ import annotations

import re
from dataclasses import dataclass

from derivcheck.language.terms import LanguageError

#: How long a text may be, in characters.
LENGTH = 200_000

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>[0-9]+)
      | (?P<name>[^\W\d]\w*'*(?:[@#]+\d+)*(?:~\d+)?)
      | `(?P<quoted>(?:[^`]|``)*)`
      | (?P<sign>==>|->|<=|!=|\.\.|\.\*|\.T(?![\w'])|[-+*/^@()\[\]{},.:=<~])
    )""",
    re.VERBOSE,
)

#: Opening brackets and what closes them.
CLOSING = {"(": ")", "[": "]", "{": "}"}


class TextError(LanguageError):
    """A text that cannot be read; ``position`` is the offset of the offending character."""

    def __init__(self, message: str, source: str, position: int) -> None:
        self.position = position
        start = source.rfind("\n", 0, position) + 1
        end = source.find("\n", position)
        line = source[start : end if end >= 0 else len(source)]
        # A long line is shown around the place.
        left = max(0, position - start - 60)
        super().__init__(f"{message}\n  {line[left : left + 100]}\n  {' ' * (position - start - left)}^")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a text: a number, a name, a quoted name, a sign, or the end; and its offset."""

    kind: str
    value: str
    position: int


def tokenise(source: str) -> tuple[list[Token], dict[int, int]]:
    """The tokens of a text, an ``end`` last, and where the ``for`` of each opening bracket stands.

    Raises
    ------
    TextError
        If the text is too long, holds a strange character, or its brackets do not match.
    """
    if len(source) > LENGTH:
        raise TextError(f"the text is longer than {LENGTH} characters", source[:1], 0)
    tokens: list[Token] = []
    fors: dict[int, int] = {}
    position = 0
    opened: list[int] = []
    end = len(source.rstrip())
    while position < end:
        m = _TOKEN.match(source, position)
        if m is None or m.lastgroup is None:
            skipped = len(source[position:]) - len(source[position:].lstrip())
            raise TextError("this character does not belong here", source, position + skipped)
        kind = m.lastgroup
        value = m[kind]
        start = m.start(kind) - (kind == "quoted")
        if kind == "quoted":
            value = value.replace("``", "`")
        elif kind == "sign":
            if value in CLOSING:
                opened.append(len(tokens))
            elif value in CLOSING.values() and (not opened or CLOSING[tokens[opened.pop()].value] != value):
                raise TextError("this bracket closes nothing", source, start)
        elif value == "for" and opened:
            if opened[-1] in fors:
                raise TextError("a second 'for' in one pair of brackets", source, start)
            fors[opened[-1]] = len(tokens)
        tokens.append(Token(kind, value, start))
        position = m.end()
    if opened:
        raise TextError("the bracket is not closed", source, tokens[opened[-1]].position)
    tokens.append(Token("end", "", len(source)))
    return tokens, fors
