"""Boxes: how a formula is put together on paper, and three ways to write it down.

A `Box` knows what stands beside, above and below what; it knows nothing of terms.  `to_latex`, `to_unicode` and
`to_mathml` write it; `fill` reads the LaTeX template of a definition into boxes.

>>> print(to_latex(Fraction(name_box("alpha"), row(name_box("x_1"), PLUS, number(2)))))
\\frac{\\alpha}{x_{1} + 2}
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape


@dataclass(frozen=True, slots=True)
class Word:
    """One sign or name.

    ``kind`` is MathML's element: ``mi`` (identifier), ``mn`` (number), ``mo`` (operator) or ``mtext``;
    ``space`` is where Unicode needs blanks: ``''``, ``'after'`` or ``'both'``.
    """

    latex: str
    sign: str
    kind: str = "mi"
    space: str = ""
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Boxes side by side."""

    items: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Scripts:
    """A box with a subscript, a superscript or both."""

    base: Box
    sub: Box | None = None
    sup: Box | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """An operator with what stands under and over it."""

    base: Word
    under: Box | None = None
    over: Box | None = None


@dataclass(frozen=True, slots=True)
class Fraction:
    """One box over another."""

    above: Box
    below: Box
    line: bool = True


@dataclass(frozen=True, slots=True)
class Root:
    """A square root."""

    inner: Box


@dataclass(frozen=True, slots=True)
class Fence:
    """A box between brackets."""

    left: Word
    inner: Box
    right: Word


@dataclass(frozen=True, slots=True)
class Cases:
    """Values with their conditions."""

    rows: tuple[tuple[Box, Box], ...]


Box = Word | Row | Scripts | Limits | Fraction | Root | Fence | Cases

# fmt: off
GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η", "theta": "θ",
    "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ",
    "tau": "τ", "upsilon": "υ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ",
    "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Upsilon": "Υ", "Phi": "Φ", "Psi": "Ψ",
    "Omega": "Ω", "ell": "ℓ",
}
# fmt: on
_GREEK_LETTERS = {letter: name for name, letter in GREEK.items()}
_LATEX_ESCAPES = {c: "\\" + c for c in "&%$#_{}"} | {"~": r"\sim ", "^": r"\hat{}", "\\": r"\backslash "}


def _escaped(name: str) -> str:
    return "".join(_LATEX_ESCAPES.get(c, c) for c in name)


def upright(name: str) -> Word:
    return Word(rf"\mathrm{{{_escaped(name)}}}", name)


def name_box(name: str, bold: bool = False) -> Box:
    """A symbol's name: Greek spelled out, ``x_0`` and ``x1`` with a subscript, primes kept.

    A name of other form stands upright as it is.
    """
    m = re.fullmatch(r"([^\W\d_]+?)(?:_?(\d+)|_([^\W_]+))?('*)", name)
    if m is None:
        return upright(name)
    base, digits, sub, primes = m.groups()
    if base in GREEK or base in _GREEK_LETTERS:
        greek = _GREEK_LETTERS.get(base, base)
        latex, sign = "\\" + greek, GREEK[greek]
    elif len(base) == 1:
        latex, sign = base, base
    else:
        latex, sign = rf"\mathrm{{{base}}}", base
    if bold:
        latex = rf"\boldsymbol{{{latex}}}" if latex.startswith("\\") else rf"\mathbf{{{latex}}}"
    head = Word(latex + primes, sign + "′" * len(primes), bold=bold)
    if digits:
        return Scripts(head, Word(digits, digits, "mn"))
    return Scripts(head, name_box(sub)) if sub else head


def op(latex: str, sign: str, space: str = "") -> Word:
    return Word(latex, sign, "mo", space)


def function(latex: str, sign: str) -> Word:
    return Word(latex, sign, "mi")


PLUS, MINUS = op("+", "+", "both"), op("-", "−", "both")
NEGATIVE = op("-", "−")
TIMES, DOT = op(r"\,", "\u2062"), op(r"\cdot ", "·")
COMMA = op(",", ",", "after")
OPEN, CLOSE = op("(", "("), op(")", ")")
SQUARE_OPEN, SQUARE_CLOSE = op("[", "["), op("]", "]")
BAR = op("|", "|")
INFINITY = Word(r"\infty ", "∞")
PARTIAL = Word(r"\partial ", "∂")
EXPECTATION = Word(r"\mathbb{E}", "𝔼")
IN = op(r"\in ", "∈", "both")
MAPS_TO = op(r"\mapsto ", "↦", "both")
EQUALS = op("=", "=", "both")
LESS = op("<", "<", "both")
AT_MOST = op(r"\le ", "≤", "both")

RELATIONS = {"eq": EQUALS, "le": AT_MOST, "lt": LESS}
CONNECTIVES = {"and": op(r"\land ", "∧", "both"), "or": op(r"\lor ", "∨", "both")}

#: Scalar functions that are not printed as an operator name of their own.
FUNCTIONS = {
    **{name: function("\\" + name, name) for name in ("exp", "log", "sin", "cos", "tanh", "det", "max", "min")},
    "atan": function(r"\arctan", "arctan"),
    "gamma": function(r"\Gamma", "Γ"),
    "loggamma": function(r"\log\Gamma", "log Γ"),
}


def named(name: str) -> Word:
    return FUNCTIONS.get(name, function(rf"\operatorname{{{_escaped(name)}}}", name))


def number(value: object) -> Word:
    return Word(str(value), str(value), "mn")


def say(words: str) -> Word:
    return Word(rf"\text{{ {words}}}", f" {words}", "mtext")


def row(*items: Box) -> Box:
    flat: list[Box] = []
    for item in items:
        flat.extend(item.items if isinstance(item, Row) else (item,))
    return flat[0] if len(flat) == 1 else Row(tuple(flat))


def brackets(inner: Box) -> Box:
    return Fence(OPEN, inner, CLOSE)


def listed(items: Iterable[Box]) -> Box:
    out: list[Box] = []
    for item in items:
        out += [COMMA, item] if out else [item]
    return row(*out)


def first_sign(box: Box) -> Word | None:
    """The leftmost sign of a box."""
    while not isinstance(box, Word):
        match box:
            case Row(items):
                box = items[0]
            case Scripts(base) | Limits(base):
                box = base
            case Fence(left):
                box = left
            case _:
                return None
    return box


def last_sign(box: Box) -> Word | None:
    """The rightmost sign of a box where it stands on the line."""
    while isinstance(box, Row):
        box = box.items[-1]
    return box if isinstance(box, Word) else None


# -------------------------------------------------------------------------------- definitions' LaTeX templates

_TEMPLATE_TOKEN = re.compile(r"\\([A-Za-z]+\*?|.)|([\ue000-\uefff])|([{}_^])|(\d+)|(\s+)|(.)", re.DOTALL)
_TEMPLATE_WORDS = {
    "|": op(r"\|", "‖"), ",": op(r"\,", ""), ";": op(r"\;", " "), " ": op(r"\ ", " "),
    "infty": INFINITY, "mid": op(r"\mid ", "|", "both"), "odot": op(r"\odot ", "⊙", "both"),
    "top": op(r"\top ", "ᵀ"), "partial": PARTIAL, "nabla": Word(r"\nabla ", "∇"), "cdot": DOT,
    "ell": Word(r"\ell ", "ℓ"), "star": op(r"\star ", "⋆"), "circ": op(r"\circ ", "∘"), "prime": op(r"\prime ", "′"),
    "left": op("", ""), "right": op("", ""),
    **{name: Word(f"\\{name} ", sign) for name, sign in GREEK.items()},
}  # fmt: skip
_STYLES = {"operatorname", "operatorname*", "mathrm", "mathbb", "mathcal", "mathbf", "text", "boldsymbol"}
_DOUBLE_STRUCK = {"E": "𝔼", "P": "ℙ", "R": "ℝ", "N": "ℕ", "Z": "ℤ"}


def fill(template: str, boxes: Sequence[Box]) -> Box | None:
    """A definition's LaTeX template with boxes for ``{0}``, ``{1}``, …

    Other braces are LaTeX's, single or doubled.  None where the template uses what is not known here.
    """
    source = re.sub(r"(?<!\{)\{(\d)\}(?!\})", lambda m: chr(0xE000 + int(m[1])), template)
    if "{{" in template:  # braces doubled, as for str.format
        source = source.replace("{{", "{").replace("}}", "}")
    tokens = [m.groups() for m in _TEMPLATE_TOKEN.finditer(source)]
    try:
        box, rest = _filled(tokens, 0, boxes, closing=False)
    except (LookupError, ValueError):
        return None
    return box if rest == len(tokens) else None


_Tokens = list[tuple[str | None, ...]]


def _filled(tokens: _Tokens, at: int, boxes: Sequence[Box], closing: bool) -> tuple[Box, int]:
    out: list[Box] = []
    while at < len(tokens):
        if tokens[at][2] == "}":
            if not closing:
                raise ValueError("a brace closes nothing")
            return row(*out), at + 1
        if tokens[at][2] in ("_", "^"):
            base = out.pop()
            below = tokens[at][2] == "_"
            script, at = _one(tokens, at + 1, boxes)
            old = base if isinstance(base, Scripts) else Scripts(base)
            fits = (old.sub if below else old.sup) is None and isinstance(base, Scripts)
            old = old if fits else Scripts(base)
            out.append(Scripts(old.base, script if below else old.sub, old.sup if below else script))
            continue
        box, at = _one(tokens, at, boxes)
        out.append(box)
    if closing:
        raise ValueError("a brace is not closed")
    return row(*out) if out else op("", ""), at


def _one(tokens: _Tokens, at: int, boxes: Sequence[Box]) -> tuple[Box, int]:
    """One token or one group in braces."""
    command, slot, mark, digits, blank, char = tokens[at]
    if command in _STYLES:
        if tokens[at + 1][2] != "{":
            raise ValueError("a group is needed")
        end = next(k for k in range(at, len(tokens)) if tokens[k][2] == "}")
        inner = "".join(next(g for g in group if g is not None) for group in tokens[at + 2 : end])
        sign = _DOUBLE_STRUCK.get(inner, inner) if command == "mathbb" else inner
        return Word(rf"\{command}{{{_escaped(inner)}}}", sign), end + 1
    if command is not None:
        return _TEMPLATE_WORDS[command], at + 1
    if slot is not None:
        return boxes[ord(slot) - 0xE000], at + 1
    if mark == "{":
        return _filled(tokens, at + 1, boxes, closing=True)
    if digits is not None:
        return number(digits), at + 1
    if blank is not None:
        return op(" ", " "), at + 1
    if char is None:
        raise ValueError("a script without a base")
    return (Word(char, char) if char.isalpha() else op(char, char, "after" if char == "," else "")), at + 1


def to_latex(box: Box) -> str:
    """A box as LaTeX for mathematics mode."""
    return re.sub(r"\s+([}\])_^])", r"\1", _latex(box)).strip()


def _latex(box: Box) -> str:
    match box:
        case Word(latex):
            return latex
        case Row(items):
            out = ""
            for item in items:
                piece = _latex(item)
                if out and piece and (
                    (re.search(r"\\[A-Za-z]+$", out) and piece[0].isalpha())
                    or (isinstance(item, Word) and item.space == "both")
                    or (out[-1] not in " " and piece[0] == " ")
                ):  # fmt: skip
                    out = out.rstrip() + " "
                out += piece
                if isinstance(item, Word) and item.space and not out.endswith(" "):
                    out += " "
            return out
        case Scripts(base, sub, sup):
            inner = _latex(base).rstrip()
            if isinstance(base, Row | Fraction | Scripts) or (isinstance(base, Word) and "'" in base.latex):
                inner = f"{{{inner}}}"
            return (
                inner
                + (f"_{{{to_latex(sub)}}}" if sub is not None else "")
                + (f"^{{{to_latex(sup)}}}" if sup is not None else "")
            )
        case Limits(base, under, over):
            return (
                base.latex
                + (f"_{{{to_latex(under)}}}" if under is not None else "")
                + (f"^{{{to_latex(over)}}}" if over is not None else "")
                + " "
            )
        case Fraction(above, below, line):
            if line:
                return rf"\frac{{{to_latex(above)}}}{{{to_latex(below)}}}"
            return rf"\genfrac{{}}{{}}{{0pt}}{{}}{{{to_latex(above)}}}{{{to_latex(below)}}}"
        case Root(inner_box):
            return rf"\sqrt{{{to_latex(inner_box)}}}"
        case Fence(left, inner_box, right):
            inner = to_latex(inner_box)
            if re.search(r"\\(frac|sum|prod|int|genfrac|begin|left|lim|max|min)\b", inner) or left.latex == ".":
                return rf"\left{left.latex} {inner} \right{right.latex}"
            if left is BAR:
                return rf"\lvert {inner} \rvert"
            return f"{left.latex}{inner}{right.latex}"
        case Cases(rows):
            lines = r" \\ ".join(f"{to_latex(value)} & {_condition(when)}" for value, when in rows)
            return rf"\begin{{cases}} {lines} \end{{cases}}"


def _condition(when: Box) -> str:
    said = isinstance(when, Word) and when.kind == "mtext"
    return to_latex(when) if said else rf"\text{{if}}\ {to_latex(when)}"


_SUB = dict(zip("0123456789+−()aehijklmnoprstuvxβγρφχ", "₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ", strict=True))
_SUP = dict(zip("0123456789+−()nitkmᵀ", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱᵗᵏᵐᵀ", strict=True))


def to_unicode(box: Box) -> str:
    """A box as one line; it should be laid out with ``linear=True``."""
    return re.sub(r"  +", " ", _unicode(box)).strip()


def _unicode(box: Box) -> str:
    match box:
        case Word(_, sign, _, space):
            before, after = " " if space == "both" else "", " " if space else ""
            return before + sign.replace("\u2062", " ") + after
        case Row(items):
            return "".join(map(_unicode, items))
        case Scripts(base, sub, sup):
            out = _unicode(base)
            if isinstance(base, Row):
                out = f"({out})" if " " in out else out
            return out + _script(sub, _SUB, "_") + _script(sup, _SUP, "^")
        case Limits(base, under, over):
            return base.sign + _braced(under, "_") + _braced(over, "^") + " "
        case Fraction(above, below):
            return f"({_unicode(above)})/({_unicode(below)})"
        case Root(inner):
            return f"√({_unicode(inner)})"
        case Fence(left, inner, right):
            return f"{left.sign}{_unicode(inner)}{right.sign}"
        case Cases(rows):
            return "{" + "; ".join(f"{_unicode(value)} if {_unicode(when)}" for value, when in rows) + "}"


def _braced(box: Box | None, mark: str) -> str:
    return "" if box is None else f"{mark}{{{to_unicode(box).replace(' ', '')}}}"


def _script(box: Box | None, signs: dict[str, str], mark: str) -> str:
    """A script in small signs where there are such, else behind a mark."""
    if box is None:
        return ""
    inside = to_unicode(box).replace(" ", "")
    if all(c in signs for c in inside):
        return "".join(signs[c] for c in inside)
    return mark + inside if len(inside) == 1 else f"{mark}{{{inside}}}"


def to_mathml(box: Box, *, display: bool = False) -> str:
    """A box as a ``<math>`` element of presentation MathML."""
    kind = ' display="block"' if display else ""
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML"{kind}>{_mathml(box)}</math>'


def _mathml(box: Box) -> str:
    match box:
        case Word(_, sign, kind, _, bold):
            variant = ' mathvariant="bold"' if bold else ""
            return f"<{kind}{variant}>{escape(sign)}</{kind}>"
        case Row(items):
            return f"<mrow>{''.join(map(_mathml, items))}</mrow>"
        case Scripts(base, sub, sup):
            inside = "".join(_mathml(b) for b in (base, sub, sup) if b is not None)
            if sub is None and sup is None:
                return inside
            tag = "msubsup" if sub is not None and sup is not None else "msub" if sub is not None else "msup"
            return f"<{tag}>{inside}</{tag}>"
        case Limits(base, under, over):
            inside = "".join(_mathml(b) for b in (base, under, over) if b is not None)
            if under is None and over is None:
                return inside
            both = under is not None and over is not None
            tag = "munderover" if both else "munder" if under is not None else "mover"
            return f"<{tag}>{inside}</{tag}>"
        case Fraction(above, below, line):
            thin = "" if line else ' linethickness="0"'
            return f"<mfrac{thin}>{_mathml(above)}{_mathml(below)}</mfrac>"
        case Root(inner):
            return f"<msqrt>{_mathml(inner)}</msqrt>"
        case Fence(left, inner, right):
            ends = [
                f'<mo fence="true" form="{form}">{escape(w.sign)}</mo>'
                for w, form in ((left, "prefix"), (right, "postfix"))
            ]
            return f"<mrow>{ends[0]}{_mathml(inner)}{ends[1]}</mrow>"
        case Cases(rows):
            cells = "".join(
                f"<mtr><mtd>{_mathml(value)}</mtd><mtd>{_mathml_condition(when)}</mtd></mtr>" for value, when in rows
            )
            table = f'<mtable columnalign="left">{cells}</mtable>'
            return f'<mrow><mo fence="true" form="prefix">{{</mo>{table}</mrow>'


def _mathml_condition(when: Box) -> str:
    said = isinstance(when, Word) and when.kind == "mtext"
    return _mathml(when) if said else f"<mrow><mtext>if </mtext>{_mathml(when)}</mrow>"
