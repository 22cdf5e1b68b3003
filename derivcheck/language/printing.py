"""Printing: a term as text that reads back, and as LaTeX, Unicode and MathML for readers.

What a reader believes is what is printed, so this module is part of the trusted base.  `text` is exact: bound
variables are renamed apart from every free symbol and every enclosing bound variable, brackets are put
wherever two terms could be confused, and ``parse(text(t), free_names(t), sort=t.sort) == t`` (see
`derivcheck.language.text`) is a property of the test suite. `latex`, `unicode` and `mathml` are for the eye:
they share the names, and one layout (see `derivcheck.language.notation`).

>>> from derivcheck.language import *
>>> n = Size("n"); x = Vector("x", n); j = Index("j"); t = Index("t"); a = Real("a")
>>> Sum(1, n, lambda j: x(j)) * x(j)
sum(x[j'] for j' in 1..n)*x[j]
>>> -(a + 1) ** 2 + a ** (2 * t)
-(a + 1)^2 + a^(2*t)
>>> D(a ** 2 / (2 * a), a)
D(a^2/(2*a), a)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from derivcheck.language.constructors import PREDICATES, SCALAR_FUNCTIONS, reals
from derivcheck.language.conventions import (
    AND,
    ATOM,
    COMPARE,
    IMPLIES,
    LONGEST,
    LOOSE,
    NOT,
    OR,
    POWER,
    PRODUCT,
    SIGNED,
    SUM,
    affine_order,
    differentiates_a_symbol,
    is_outcome_measure,
)
from derivcheck.language.names import KEYWORDS, Scope, quoted
from derivcheck.language.terms import BINDERS, DOMAIN, INT, MEASURE, REAL, Term

if TYPE_CHECKING:
    from derivcheck.language.context import Context

#: Operators written as a name and round brackets; a definition of such a name is written between backquotes.
# fmt: off
CALLS = frozenset({
    *SCALAR_FUNCTIONS, *PREDICATES,
    "sqrt", "max", "min", "sum", "prod", "integral", "E", "argmax", "argmin", "deriv", "D", "lim",
    "integrable", "real", "domain", "factorial", "binomial", "inverse", "identity", "diag", "trace", "det",
    "add", "mul", "counting", "lebesgue",
})
# fmt: on


def _looks_integer(t: Term) -> bool:
    """Whether a real term, its sign aside, is written like an integer one, so that they could be confused."""
    if t.op == "neg":
        t = t.args[0]
    return t.op == "real" or (t.op == "num" and t.data.denominator == 1)


class _Text:
    """One printing as text."""

    __slots__ = ("context", "left", "scope")

    def __init__(self, term: Term, context: Context | None) -> None:
        self.scope = Scope(term)
        self.context = context
        self.left = LONGEST

    def put(self, t: Term, level: int = LOOSE, cast: bool = True) -> str:
        """`t` with brackets unless it binds at least as tightly as `level`.

        `cast` says that the place takes reals, so that an integer there needs no ``real(...)``.
        """
        s, binds = self.form(t, cast)
        return s if binds >= level else f"({s})"

    def compact(self, t: Term, level: int = LOOSE) -> str:
        """`t` without spaces where it is a simple index: ``t-1``."""
        s = self.put(t, level)
        if t.op == "aff" and all(a.op in ("sym", "bound") for a in t.args) and "`" not in s:
            return s.replace(" ", "")
        return s

    def open_place(self, t: Term, level: int = LOOSE) -> str:
        """`t` where nothing says which sort is wanted: an argument of a definition, a function's body."""
        if t.op == "aff" and not t.args:
            return f"integer({t.data[0]})"
        if t.sort == DOMAIN:
            return f"domain({self.put(t)})"
        return self.put(t, level, cast=False)

    def form(self, t: Term, cast: bool) -> tuple[str, int]:
        """The text of `t` and how tightly it binds."""
        self.left -= 1
        if self.left < 0:
            return "…", ATOM
        match t.op:
            case "sym":
                return self.symbol(t), ATOM
            case "bound":
                # In D(f, x) the variable bears the name of the symbol x, which may need its quotes.
                name = self.scope.name_of(t)
                return name if name.startswith("?") else quoted(name), ATOM
            case "pi" | "oo" | "true" | "false":
                return t.op, ATOM
            case "num":
                if t.data < 0:
                    return str(t.data), SIGNED
                return str(t.data), ATOM if t.data.denominator == 1 else PRODUCT
            case "aff":
                return self.affine(t)
            case "real":
                if cast:
                    return self.form(t.args[0], True)
                return f"real({self.put(t.args[0])})", ATOM
            case "add" if len(t.args) > 1:
                return self.sum(t), SUM
            case "neg":
                # "-2*x" is (-2)*x, so a number that follows a sign of its own is bracketed.
                s = self.put(t.args[0], PRODUCT, cast=t.args[0].op != "real")
                return (f"-({s})" if s[0].isdigit() else f"-{s}"), SIGNED
            case "mul" if len(t.args) > 1:
                return self.product(t)
            case "scale":
                return self.scaled(t)
            case "div":
                return self.quotient(t)
            case "pow":
                base, exponent = t.args
                if exponent.op == "num" and exponent.data * 2 == 1:
                    return f"sqrt({self.put(base)})", ATOM
                return f"{self.put(base, ATOM)}^{self.put(exponent, ATOM)}", POWER
            case "matmul" | "hadamard":
                left, right = t.args
                sign = " @ " if t.op == "matmul" else " .* "
                return self.put(left, PRODUCT if left.op == t.op else POWER) + sign + self.put(right, POWER), PRODUCT
            case "transpose":
                return self.put(t.args[0], ATOM) + ".T", ATOM
            case "app":
                return self.applied(t), ATOM
            case "fn" | "pred":
                head = self.put if t.op == "fn" else self.open_place
                return f"{t.data}({', '.join(head(a) for a in t.args)})", ATOM
            case "defn":
                name = quoted(t.data.name, CALLS | KEYWORDS)
                return f"{name}({', '.join(self.open_place(a) for a in t.args)})", ATOM
            case "ind":
                return f"[{self.put(t.args[0])}]", ATOM
            case "ite":
                condition, then, otherwise = (self.put(a, IMPLIES) for a in t.args)
                return f"if {condition} then {then} else {otherwise}", LOOSE
            case "eq" | "le" | "lt":
                return self.compared(t, {"eq": "=", "le": "<=", "lt": "<"}[t.op]), COMPARE
            case "not":
                if t.args[0].op == "eq":
                    return self.compared(t.args[0], "!="), COMPARE
                return "not " + self.put(t.args[0], NOT), NOT
            case "and" | "or" if len(t.args) > 1:
                return f" {t.op} ".join(self.put(a, NOT) for a in t.args), AND if t.op == "and" else OR
            case "implies":
                return " ==> ".join(self.put(a, NOT) for a in t.args), IMPLIES
            case "range":
                lo, hi = (self.compact(a, SUM) for a in t.args)
                return f"{lo}..{hi}", ATOM
            case "interval":
                return ("reals" if t == reals else f"interval({self.put(t.args[0])}, {self.put(t.args[1])})"), ATOM
            case "integers":
                return "integers", ATOM
            case "space":
                return quoted(t.data), ATOM
            case "functions":
                over = ", ".join(self.put(a) for a in t.args[:-1])
                into = "" if t.args[-1] == reals else " -> " + self.put(t.args[-1])
                return f"functions({over}{into})", ATOM
            case "add" | "mul":  # of one summand or factor, as rewriting may leave it
                return f"{t.op}({', '.join(map(self.open_place, t.args))})", ATOM
        if t.op in BINDERS:
            return self.binder(t)
        return f"{t.op}({', '.join(self.put(a) for a in t.args)})", ATOM

    def symbol(self, t: Term) -> str:
        name = quoted(self.scope.name_of(t))
        if not t.loose:
            return name
        over = ", ".join(self.put(a) for a in t.args)
        values = t.sort if t.sort.codomain is None else t.sort.codomain
        kind = "" if values == REAL else f": {quoted(values.name) if values.kind == 'point' else values.kind}"
        return f"{name}{{{over}{kind}}}"

    def affine(self, t: Term) -> tuple[str, int]:
        out = ""
        terms = affine_order(self.scope, t)
        for atom, c in terms:
            size = str(abs(c))
            if atom is not None:
                size = ("" if abs(c) == 1 else size + "*") + self.put(atom, POWER)
            out += (" - " if c < 0 else " + ") + size if out else ("-" if c < 0 else "") + size
        if len(terms) > 1:
            return out, SUM
        return out, SIGNED if terms[0][1] < 0 else ATOM if terms[0][0] is None else PRODUCT

    def sum(self, t: Term) -> str:
        # i + 1 of integers is an integer; the sum of i and 1 as reals says so.
        explicit = next((a for a in t.args if a.op == "real" or (a.op == "neg" and a.args[0].op == "real")), None)
        if not all(map(_looks_integer, t.args)):
            explicit = None
        out = ""
        for position, a in enumerate(t.args):
            cast = a is not explicit
            explicit = explicit if cast else None
            if position and a.op == "num" and a.data < 0:
                out += f" - {-a.data}"
            elif a.op == "neg":
                inner = a.args[0]
                s = self.put(inner, PRODUCT, cast)
                bracket = inner.op == "num" or (not position and s[0].isdigit())
                out += (" - " if position else "-") + (f"({s})" if bracket else s)
            else:
                out += (" + " if position else "") + self.put(a, PRODUCT if position else SIGNED, cast)
        return out

    def factors(self, args: tuple[Term, ...]) -> tuple[str, int]:
        # 2*i of an integer is an integer; the product of 2 and i as reals says so.
        kinds = {a.op for a in args}
        clash = len(args) == 2 and kinds == {"num", "real"} and all(map(_looks_integer, args))
        first = args[0]
        if first.op == "num" and first.data < 0 and first.data.denominator == 1:
            out, binds = str(first.data), SIGNED
        else:
            out, binds = self.put(first, POWER, not clash), PRODUCT
        for a in args[1:]:
            out += "*" + self.put(a, POWER, not clash)
        return out, binds

    def product(self, t: Term) -> tuple[str, int]:
        return self.factors(t.args)

    def scaled(self, t: Term) -> tuple[str, int]:
        scalar, array = t.args
        s, binds = self.factors(scalar.args if scalar.op == "mul" and len(scalar.args) > 1 else (scalar,))
        return f"{s}*{self.put(array, POWER)}", binds

    def quotient(self, t: Term) -> tuple[str, int]:
        above, below = t.args
        s, binds = self.factors(above.args if above.op == "mul" and len(above.args) > 1 else (above,))
        d = self.put(below, POWER)
        if above.op == "num" and above.data.denominator == 1 and d[0].isdigit():
            s, binds = f"({s})", PRODUCT  # "2/3" is the number
        return f"{s}/{d}", binds

    def applied(self, t: Term) -> str:
        f, *args = t.args
        name = self.scope.name_of(f) if f.op == "sym" else ""
        head = name if name == "pi" and not f.loose else self.put(f, ATOM, cast=False)
        given = [self.compact(a) for a in args]
        return f"{head}[{(', ' if any(' ' in g for g in given) else ',').join(given)}]"

    def compared(self, t: Term, sign: str) -> str:
        left, right = t.args
        # Two integers are compared as integers; as reals where that is said.
        clash = left.sort == REAL and all(a.op in ("real", "num") and _looks_integer(a) for a in t.args)
        s = f"real({self.put(left)})" if clash else self.put(left, SUM)
        return f"{s} {sign} {self.put(right, SUM)}"

    def binder(self, t: Term) -> tuple[str, int]:
        if t.op == "deriv" and differentiates_a_symbol(t):
            return self.derivative(t), ATOM
        heads = [self.put(a) for a in t.args[:-1] if a.sort != MEASURE]
        name = self.scope.choose(t.hint)
        match t.op:
            case "int" | "integrable":
                word, source = self.measured(t)
            case "lim":
                word = "lim"
                side = {"": "", "+": " from above", "-": " from below"}[t.data]
                source = f"{'integer ' if t.args[0].sort == INT else ''}{name} -> {heads[0]}{side}"
            case "deriv":
                word, source = "deriv", f"{name} in {heads[0]} at {', '.join(heads[1:])}"
            case "lam" | "forall" | "exists":
                with self.scope.opened(name):
                    inner = self.open_place(t.body) if t.op == "lam" else self.put(t.body)
                if t.op == "lam":
                    return f"{name} in {heads[0]} -> {inner}", LOOSE
                return f"{t.op} {name} in {heads[0]}. {inner}", LOOSE
            case _:
                word, source = t.op.removesuffix("_over"), f"{name} in {heads[0]}"
        with self.scope.opened(name):
            return f"{word}({self.put(t.body)} for {source})", ATOM

    def measured(self, t: Term) -> tuple[str, str]:
        """The word of an integral and where its variable comes from."""
        measure = t.args[0]
        name = self.scope.choose(t.hint)
        source = f"{name} ~ {self.put(measure)}"
        word = "E" if is_outcome_measure(measure, self.context) else "integral"
        if measure.op in ("counting", "lebesgue"):
            source = f"{name} in {self.put(measure.args[0])}"
            word = "sum" if measure.op == "counting" else "integral"
        return ("integrable" if t.op == "integrable" else word), source

    def derivative(self, t: Term) -> str:
        point, index = t.args[1], t.args[2:-1]
        name = self.scope.name_of(point)
        by = self.put(point, ATOM)
        if index:
            by += f"[{','.join(map(self.compact, index))}]"
        with self.scope.opened(name):
            return f"D({self.put(t.body)}, {by})"


def text(term: Term, context: Context | None = None) -> str:
    """`term` as one line of plain text that reads back (see `derivcheck.language.text.parse`).

    Parameters
    ----------
    term : Term
        Any term.
    context : Context, optional
        Says which measures are probabilities; only the word (``E`` or ``integral``) depends on it.

    Notes
    -----
    A term of more than `LONGEST` nodes, written out, or nested deeper than the interpreter allows is cut off with an
    ellipsis, which does not read back.
    """
    try:
        return _Text(term, context).put(term)
    except RecursionError:  # nothing that deep is read by anybody; a message must not fail over it
        return "…"


def latex(term: Term, context: Context | None = None) -> str:
    """`term` as LaTeX for mathematics mode."""
    from derivcheck.language import boxes, notation

    return boxes.to_latex(notation.layout(term, context))


def unicode(term: Term, context: Context | None = None) -> str:
    """`term` as one line with mathematical signs, for a terminal."""
    from derivcheck.language import boxes, notation

    return boxes.to_unicode(notation.layout(term, context, linear=True))


def mathml(term: Term, context: Context | None = None, *, display: bool = False) -> str:
    """`term` as a ``<math>`` element of presentation MathML."""
    from derivcheck.language import boxes, notation

    return boxes.to_mathml(notation.layout(term, context), display=display)
