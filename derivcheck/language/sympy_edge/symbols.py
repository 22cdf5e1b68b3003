"""SymPy's symbols, arrays and functions as declared symbols, with what SymPy knows of them."""

from __future__ import annotations

from typing import Any

import sympy

from derivcheck.language import constructors as b
from derivcheck.language.givens import Givens
from derivcheck.language.sympy_edge.limits import Unsupported
from derivcheck.language.terms import Term

#: Assumptions of SymPy that a Context of reals or integers states, or that follow from them.
# fmt: off
_UNDERSTOOD = frozenset({
    "algebraic", "commutative", "complex", "finite", "hermitian", "integer", "negative", "nonnegative", "nonpositive",
    "nonzero", "positive", "rational", "real", "zero", "extended_negative", "extended_nonnegative",
    "extended_nonpositive", "extended_nonzero", "extended_positive", "extended_real",
})
# fmt: on


def _known_of(s: Any) -> dict[str, bool | None]:
    """What SymPy knows of a symbol."""
    if type(s) in (sympy.Symbol, sympy.Dummy):
        return dict(s.assumptions0)
    return {fact: getattr(s, f"is_{fact}") for fact in _UNDERSTOOD}


class Symbols:
    """The symbols of one conversion: each is declared once, and two things of one name are refused."""

    def __init__(self) -> None:
        self.givens = Givens()
        self.symbols: dict[Any, Term] = {}
        self.functions: dict[tuple[str, int], Term] = {}
        self.kinds: dict[str, object] = {}
        self.scope: list[tuple[Any, Term]] = []
        self.notes: dict[str, None] = {}
        self.conditions: dict[str, None] = {}

    def note(self, words: str) -> None:
        self.notes[words] = None

    def symbol(self, s: Any) -> Term:
        term: Term
        for var, term in reversed(self.scope):
            if var == s:
                return term
        if s not in self.symbols:
            self.symbols[s] = self.declared(s)
        return self.symbols[s]

    def claim_name(self, name: str, thing: object) -> None:
        if self.kinds.setdefault(name, thing) != thing:
            raise Unsupported(f"two different things are called '{name}' (symbols with different assumptions?)")

    def declared(self, s: Any) -> Term:
        self.claim_name(s.name, s)
        # What an author wrote, not what SymPy derived from it.
        written: dict[str, bool] = {k: v for k, v in s._assumptions_orig.items() if v is not None}
        strange = [k for k, v in written.items() if k not in _UNDERSTOOD or (v is False and k != "zero")]
        if strange or s.is_commutative is False:
            raise Unsupported(f"Symbol '{s}' with the assumption {', '.join(sorted(strange)) or 'commutative=False'}")
        known = _known_of(s)
        if known.get("real") is None and known.get("extended_real") is None:
            self.note(f"'{s}' has no assumptions in SymPy (it is complex there); it is read as real")
            self.conditions[f"{s} is real"] = None
        positive, negative, nonzero = (bool(known.get(fact)) for fact in ("positive", "negative", "nonzero"))
        if known.get("zero"):
            return b.integer(0) if known.get("integer") else b.num(0)
        if known.get("integer"):
            least = 1 if positive else 0 if known.get("nonnegative") else None
            most = -1 if negative else 0 if known.get("nonpositive") else None
            out = self.givens.integer(s.name, at_least=least, at_most=most)
            if nonzero and least != 1 and most != -1:
                self.givens.assume(f"{s.name} nonzero", b.ne(out, 0))
            return out
        if known.get("rational"):
            self.note(f"'{s}' is rational in SymPy; it is read as real")
        return self.givens.real(
            s.name,
            above=0 if positive else None,
            at_least=0 if known.get("nonnegative") and not positive else None,
            below=0 if negative else None,
            at_most=0 if known.get("nonpositive") and not negative else None,
            nonzero=nonzero and not positive and not negative,
        )

    def array(self, base: Any, rank: int) -> Term:
        key = (str(base.label), rank)
        if key not in self.functions:
            self.claim_name(key[0], (sympy.Indexed, base))
            if base.is_positive is None and base.is_real is None:
                self.note(f"the entries of '{base}' have no assumptions in SymPy; they are read as real")
                self.conditions[f"the entries of {base} are real"] = None
            self.note(f"'{base}' is an array over all integers: SymPy says nothing of where its indices begin")
            bounds: dict[str, Any] = {"above": 0} if base.is_positive else {}
            if base.is_nonnegative and not base.is_positive:
                bounds = {"at_least": 0}
            self.functions[key] = self.givens.function(key[0], *(b.integers,) * rank, **bounds)
        return self.functions[key]

    def function(self, e: Any) -> Term:
        name, rank = e.func.__name__, len(e.args)
        if (name, rank) not in self.functions:
            self.claim_name(name, e.func)
            if e.is_real is None:
                self.note(f"the function '{name}' has no assumptions in SymPy; its values are read as real")
                self.conditions[f"the values of {name} are real"] = None
            bounds: dict[str, Any] = {"above": 0} if e.is_positive else {}
            if e.is_nonnegative and not e.is_positive:
                bounds = {"at_least": 0}
            self.functions[name, rank] = self.givens.function(name, *(b.reals,) * rank, **bounds)
        return self.functions[name, rank]
