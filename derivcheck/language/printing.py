"""Printing a term as text or LaTeX."""

from __future__ import annotations

from derivcheck.language.terms import Term


def text(term: Term) -> str:
    return f"{term.op}({', '.join([getattr(term.data,'name',None) or repr(term.data)] * (term.data is not None) + [text(a) for a in term.args])})"


def latex(term: Term) -> str:
    return text(term)
