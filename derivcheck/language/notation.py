"""Mathematical notation: one layout of a term, to be written as LaTeX, as Unicode or as MathML.

`layout` decides once how a term looks: brackets, names, what stands above and below what; `boxes` only writes it down.
Names come from `Lettering`, so that a bound variable is never called like a free symbol or an enclosing variable.

>>> from derivcheck.language import *
>>> from derivcheck.language.printing import latex, unicode
>>> n = Size("n"); z = Vector("z", n); i = Index("i"); k = Index("k")
>>> print(latex(D(softmax(z)(i), z(k))))
\\frac{\\partial {\\operatorname{softmax}(\\mathbf{z})}_{i}}{\\partial z_{k}}
>>> print(unicode(Sum(1, n, lambda j: z(j) ** 2) - Real("alpha")))
∑_{j=1}^{n} zⱼ² − α
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from derivcheck.language.boxes import (
    AT_MOST,
    BAR,
    CLOSE,
    COMMA,
    CONNECTIVES,
    DOT,
    EQUALS,
    EXPECTATION,
    IN,
    INFINITY,
    LESS,
    MAPS_TO,
    MINUS,
    NEGATIVE,
    OPEN,
    PARTIAL,
    PLUS,
    RELATIONS,
    SQUARE_CLOSE,
    SQUARE_OPEN,
    TIMES,
    Box,
    Cases,
    Fence,
    Fraction,
    Limits,
    Root,
    Row,
    Scripts,
    Word,
    brackets,
    fill,
    first_sign,
    last_sign,
    listed,
    name_box,
    named,
    number,
    op,
    row,
    say,
)
from derivcheck.language.constructors import reals
from derivcheck.language.conventions import (
    AND,
    ATOM,
    BIG,
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
from derivcheck.language.lettering import Lettering
from derivcheck.language.terms import (
    INT,
    MEASURE,
    Term,
    domain_of_measure,
    free_symbols,
    sort_of_domain,
)

if TYPE_CHECKING:
    from derivcheck.language.context import Context


def _is_array(t: Term) -> bool:
    return t.sort.kind == "fun" and all(s == INT for s in t.sort.domain_sorts)


EXTREMA = {
    "max_over": Word(r"\max", "max", "mo"),
    "min_over": Word(r"\min", "min", "mo"),
    "argmax": Word(r"\operatorname*{arg\,max}", "arg max", "mo"),
    "argmin": Word(r"\operatorname*{arg\,min}", "arg min", "mo"),
}


#: Stands for what is too large to be shown.
ELLIPSIS = Word(r"\dots ", "…", "mo")


class _Layout:
    """One term being laid out; ``linear`` puts everything on one line."""

    def __init__(self, term: Term, context: Context | None, linear: bool) -> None:
        self.scope = Lettering(term)
        self.context = context
        self.linear = linear
        self.left = LONGEST
        self.measures = {s for s in free_symbols(term) if s.sort == MEASURE}

    # -- Boxes with brackets where they are needed

    def put(self, t: Term, level: int = LOOSE) -> Box:
        box, binds = self.form(t)
        return box if binds >= level else brackets(box)

    def form(self, t: Term) -> tuple[Box, int]:
        self.left -= 1
        if self.left < 0:
            return ELLIPSIS, ATOM
        match t.op:
            case "sym" | "bound":
                return self.scope.letter(t, bold=_is_array(t)), ATOM
            case "pi":
                return Word(r"\pi ", "π"), ATOM
            case "oo":
                return INFINITY, ATOM
            case "true" | "false":
                return Word(rf"\text{{{t.op}}}", t.op, "mtext"), ATOM
            case "num":
                return self.number(t)
            case "aff":
                return self.affine(t)
            case "real":
                return self.form(t.args[0])
            case "add":
                return self.sum(t), SUM
            case "neg":
                return row(NEGATIVE, self.put(t.args[0], BIG)), SIGNED
            case "mul":
                return self.product(t.args)
            case "scale":
                scalar = t.args[0]
                return self.product((*(scalar.args if scalar.op == "mul" else (scalar,)), t.args[1]))
            case "div":
                return self.quotient(*t.args)
            case "pow":
                base, exponent = t.args
                if exponent.op == "num" and exponent.data * 2 == 1:
                    return self.root(base)
                return self.raised(base, self.put(exponent)), POWER
            case "transpose":
                return self.raised(t.args[0], Word(r"\top ", "ᵀ", "mo")), POWER
            case "inverse":
                return self.raised(t.args[0], row(NEGATIVE, number(1))), POWER
            case "matmul":
                left = self.put(t.args[0], PRODUCT if t.args[0].op == "matmul" else POWER)
                return row(left, DOT if self.linear else TIMES, self.put(t.args[1], POWER)), PRODUCT
            case "hadamard":
                return row(self.put(t.args[0], POWER), op(r"\odot ", "⊙", "both"), self.put(t.args[1], POWER)), PRODUCT
            case "identity":
                return Scripts(Word(r"\mathbf{I}", "I", bold=True), self.put(t.args[0])), ATOM
            case "trace":
                return self.call(named("tr"), t.args)
            case "fn" if t.data == "abs":
                return Fence(BAR, self.put(t.args[0]), BAR), ATOM
            case "fn":
                return self.call(named(t.data), t.args)
            case "max" | "min" | "det" | "diag":
                return self.call(named(t.op), t.args)
            case "factorial":
                return row(self.put(t.args[0], ATOM), op("!", "!")), POWER
            case "binomial":
                if self.linear:
                    return self.call(named("binom"), t.args)
                return brackets(Fraction(self.put(t.args[0]), self.put(t.args[1]), line=False)), ATOM
            case "app":
                return self.applied(t)
            case "defn":
                return self.defined(t), POWER
            case "ind":
                return self.indicator(t.args[0]), ATOM
            case "ite":
                return self.choice(t), LOOSE
            case "eq" | "le" | "lt":
                return self.compared(t, RELATIONS[t.op]), COMPARE
            case "not":
                if t.args[0].op == "eq":
                    return self.compared(t.args[0], op(r"\ne ", "≠", "both")), COMPARE
                return row(op(r"\lnot ", "¬"), self.put(t.args[0], NOT)), NOT
            case "and" | "or" if t.args:
                out = [self.put(t.args[0], NOT)]
                for a in t.args[1:]:
                    out += [CONNECTIVES[t.op], self.put(a, NOT)]
                return row(*out), AND if t.op == "and" else OR
            case "and" | "or":
                return say("true" if t.op == "and" else "false"), ATOM
            case "implies":
                left, right = (self.put(a, NOT) for a in t.args)
                return row(left, op(r"\Rightarrow ", "⇒", "both"), right), IMPLIES
            case "forall" | "exists":
                sign = op(r"\forall ", "∀") if t.op == "forall" else op(r"\exists ", "∃")
                domain = self.domain(t.args[0])
                name = self.scope.choose(t.hint)
                with self.scope.opened(name):
                    head = row(sign, name_box(name, bold=_is_array_domain(t.args[0])), IN, domain)
                    return row(head, op(r"\colon\; ", ":", "after"), self.put(t.body)), LOOSE
            case "lam":
                return self.function(t)
            case "int" | "integrable":
                return self.integral(t)
            case "prod":
                return self.ranged(t, op(r"\prod", "∏"))
            case "max_over" | "min_over" | "argmax" | "argmin":
                return self.extremum(t, EXTREMA[t.op])
            case "lim":
                return self.limit(t)
            case "deriv":
                return self.derivative(t)
            case "pred":
                return self.predicate(t)
        if t.sort == MEASURE:
            return self.measure(t), ATOM
        return self.domain(t), ATOM

    # -- Arithmetic

    def number(self, t: Term) -> tuple[Box, int]:
        size = abs(t.data)
        if size.denominator == 1:
            box: Box = number(size)
        elif self.linear:
            box = row(number(size.numerator), op("/", "/"), number(size.denominator))
        else:
            box = Fraction(number(size.numerator), number(size.denominator))
        if t.data < 0:
            return row(NEGATIVE, box), SIGNED
        return box, ATOM if size.denominator == 1 else PRODUCT if self.linear else POWER

    def affine(self, t: Term) -> tuple[Box, int]:
        terms = affine_order(self.scope, t)
        out: list[Box] = []
        for atom, c in terms:
            if c < 0:
                out.append(MINUS if out else NEGATIVE)
            elif out:
                out.append(PLUS)
            if atom is None:
                out.append(number(abs(c)))
                continue
            if abs(c) != 1:
                out += [number(abs(c)), DOT if self.linear else TIMES]
            out.append(self.put(atom, POWER))
        if len(terms) > 1:
            return row(*out), SUM
        return row(*out), SIGNED if terms[0][1] < 0 else ATOM if terms[0][0] is None else PRODUCT

    def sum(self, t: Term) -> Box:
        out: list[Box] = []
        for position, a in enumerate(t.args):
            if position and a.op == "num" and a.data < 0:
                out += [MINUS, self.form(a)[0].items[1]]  # type: ignore[union-attr]
            elif position and a.op == "neg":
                out += [MINUS, self.put(a.args[0], BIG)]
            else:
                out += [PLUS] if position else []
                out.append(self.put(a, BIG if position else SIGNED))
        return row(*out)

    def product(self, args: Sequence[Term]) -> tuple[Box, int]:
        out: list[Box] = []
        binds = PRODUCT
        for position, a in enumerate(args):
            last = position == len(args) - 1
            if not position and a.op == "num" and a.data < 0 and len(args) > 1:
                box, binds = self.form(a)[0], SIGNED
            else:
                box, level = self.form(a)
                if level == BIG and last and position:
                    binds = min(binds, BIG)  # a sum or an integral may end a product without brackets
                elif level < POWER:
                    box = brackets(box)
            if out:
                out.append(self.times(out[-1], box))
            out.append(box)
        return row(*out), binds

    def times(self, left: Box, right: Box) -> Word:
        """Nothing between two factors, but a dot where they could be read as one."""
        before, after = last_sign(left), first_sign(right)
        if self.linear or (after is not None and after.kind == "mn") or (isinstance(right, Fraction) and (
            before is not None and before.kind == "mn"
        )):  # fmt: skip
            return DOT
        return TIMES

    def quotient(self, above: Term, below: Term) -> tuple[Box, int]:
        if not self.linear:
            return Fraction(self.put(above), self.put(below)), POWER
        box, binds = self.form(above)
        signed = binds == SIGNED and above.op in ("num", "mul")
        if binds < POWER and not (above.op == "mul" and binds == PRODUCT) and not signed:
            box = brackets(box)
        return row(box, op("/", "/"), self.put(below, POWER)), SIGNED if signed else PRODUCT

    def root(self, t: Term) -> tuple[Box, int]:
        if self.linear:
            return row(Word(r"\surd", "√", "mo"), self.put(t, ATOM)), POWER
        return Root(self.put(t)), ATOM

    def raised(self, base: Term, exponent: Box) -> Box:
        box = self.put(base, ATOM)
        if isinstance(box, Scripts) and box.sup is None:
            return Scripts(box.base, box.sub, exponent)
        return Scripts(box, None, exponent)

    def call(self, head: Box, args: Sequence[Term]) -> tuple[Box, int]:
        return row(head, brackets(listed(map(self.put, args)))), POWER

    # -- Entries and definitions

    def applied(self, t: Term) -> tuple[Box, int]:
        f, *args = t.args
        sorts = f.sort.domain_sorts
        if args and self.scope.is_silent(args[-1]):
            args = args[:-1]
        # Leading indices stand below, other arguments in brackets.
        count = 0
        while count < len(args) and sorts[count] == INT:
            count += 1
        head = self.scope.letter(f) if f.op in ("sym", "bound") else self.put(f, ATOM if f.op != "defn" else POWER)
        if count:
            index = self.indices(args[:count])
            bare = isinstance(head, Scripts) and (head.sub is None or f.op in ("sym", "bound"))
            if isinstance(head, Scripts) and bare and head.sub is not None:
                head = Scripts(head.base, row(head.sub, COMMA, index))
            else:
                head = Scripts(head if not isinstance(head, Scripts) or bare else brackets(head), index)
        if len(args) > count:
            head = row(head, brackets(listed(self.put(a) for a in args[count:])))
        return head, ATOM

    def indices(self, args: Sequence[Term]) -> Box:
        boxes = [self.put(a) for a in args]
        if all(isinstance(box, Word) and box.kind == "mi" and len(box.sign) == 1 for box in boxes):
            return row(*boxes)  # X_ij; but X_1,2
        return listed(boxes)

    def hides(self, t: Term, measure: Term) -> bool:
        """Whether the outcome that `t` binds can be left out.

        Then its body has no other outcome that is left out.
        """
        if not is_outcome_measure(measure, self.context) or domain_of_measure(measure).op != "space":
            return False
        return not self.scope.silence_in(t.body)

    def random(self, t: Term, measure: Term) -> Box:
        """An argument that is a function of the outcome: shown without it where that is unambiguous."""
        if t.op != "lam" or measure.sort != MEASURE or t.args[0] != domain_of_measure(measure):
            return self.put(t)
        if not self.hides(t, measure):
            return self.put(t)
        with self.scope.opened(self.scope.choose(t.hint), silent=True):
            return self.put(t.body)

    def defined(self, t: Term) -> Box:
        measure = t.args[0] if t.args and t.args[0].sort == MEASURE else None
        boxes = [self.random(a, measure) if measure is not None else self.put(a) for a in t.args]
        if t.data.latex:
            filled = fill(t.data.latex, boxes)
            if filled is not None:
                return filled
        shown = boxes[1:] if measure is not None else boxes
        return row(named(t.data.name), brackets(listed(shown)))

    def indicator(self, p: Term) -> Box:
        if p.op == "eq" and all(a.sort == INT for a in p.args):
            return Scripts(Word(r"\delta ", "δ"), self.indices(p.args))
        return row(Word(r"\mathbb{1}", "𝟙"), Fence(SQUARE_OPEN, self.put(p), SQUARE_CLOSE))

    def choice(self, t: Term) -> Box:
        condition, then, otherwise = t.args
        if self.linear:
            word = (op("", "if", "both"), op("", "else", "both"))
            return row(
                self.put(then, IMPLIES), word[0], self.put(condition, IMPLIES), word[1], self.put(otherwise, IMPLIES)
            )
        return Cases(
            (
                (self.put(then), self.put(condition)),
                (self.put(otherwise), Word(r"\text{otherwise}", "otherwise", "mtext")),
            )
        )

    def compared(self, t: Term, sign: Word) -> Box:
        left, right = (self.put(a, SUM) for a in t.args)
        return row(left, sign, right)

    def predicate(self, t: Term) -> tuple[Box, int]:
        match t.data:
            case "independent" | "same_law":
                sign = op(r"\perp ", "⟂", "both")
                if t.data == "same_law":
                    sign = op(r"\overset{d}{=}", "≗", "both")
                left, right = (self.random(a, t.args[0]) for a in t.args[1:])
                return row(_tight(left), sign, _tight(right)), COMPARE
        words = {"differentiable": "is differentiable", "invertible": "is invertible"}
        return row(self.put(t.args[0], SUM), say(words[t.data])), COMPARE

    # -- Binders

    def function(self, t: Term) -> tuple[Box, int]:
        """A vector or matrix by its entries, or a function by its values."""
        domain = t.args[0]
        name = self.scope.choose(t.hint)
        if domain.op != "range":
            with self.scope.opened(name):
                return row(name_box(name), MAPS_TO, self.put(t.body)), LOOSE
        lo, hi = self.bounds(domain)
        if t.body.op == "lam" and t.body.args[0].op == "range" and not self.linear:
            inner = self.bounds(t.body.args[0], name)
            with self.scope.opened(name):
                second = self.scope.choose(t.body.hint)
                with self.scope.opened(second):
                    body = self.put(t.body.body)
            rows = row(name_box(name), EQUALS, lo, op(r",\dots,", ",…,"), hi)
            columns = row(name_box(second), EQUALS, inner[0], op(r",\dots,", ",…,"), inner[1])
            return Scripts(brackets(body), row(rows, op(r";\;", "; "), columns)), ATOM
        with self.scope.opened(name):
            body = self.put(t.body)
        return Scripts(brackets(body), row(name_box(name), EQUALS, lo), hi), ATOM

    def bounds(self, domain: Term, outer: str | None = None) -> tuple[Box, Box]:
        if outer is None:
            return self.put(domain.args[0]), self.put(domain.args[1])
        with self.scope.opened(outer):
            return self.put(domain.args[0]), self.put(domain.args[1])

    def ranged(self, t: Term, sign: Word) -> tuple[Box, int]:
        """A sum or product over a range of integers."""
        domain = t.args[0] if t.args[0].op != "counting" else t.args[0].args[0]
        name = self.scope.choose(t.hint)
        if domain.op == "range":
            lo, hi = self.bounds(domain)
            head = Limits(sign, row(name_box(name), EQUALS, lo), hi)
        else:
            head = Limits(sign, row(name_box(name), IN, self.domain(domain)))
        with self.scope.opened(name):
            return row(head, self.big_body(t.body)), BIG

    def big_body(self, body: Term) -> Box:
        """What a sum, an integral, a limit or a maximum runs over: a product, or brackets."""
        return self.put(body, BIG)

    def integral(self, t: Term) -> tuple[Box, int]:
        measure = t.args[0]
        absolute = t.op == "integrable"
        if measure.op == "counting":
            if not absolute:
                return self.ranged(t, op(r"\sum", "∑"))
            lo, hi = self.bounds(measure.args[0])
        name = self.scope.choose(t.hint)
        hidden = self.hides(t, measure)
        expectation = is_outcome_measure(measure, self.context)
        # A second measure, or an outcome that is shown, is named at the sign.
        source = self.scope.letter(measure) if measure.op == "sym" else None
        over = self.domain(domain_of_measure(measure)) if measure.op not in ("sym", "counting") else None
        with self.scope.opened(name, silent=hidden):
            body = Fence(BAR, self.put(t.body), BAR) if absolute else None
            inner = body or (self.put(t.body) if expectation else self.big_body(t.body))
        var = name_box(name)
        if expectation and source is not None:
            sign: Box = EXPECTATION
            if not hidden:
                sign = Scripts(sign, row(var, op(r"\sim ", "∼", "both"), source))
            elif len(self.measures) > 1:
                sign = Scripts(sign, source)
            out, binds = row(sign, Fence(SQUARE_OPEN, inner, SQUARE_CLOSE)), ATOM
        elif measure.op == "counting":
            out, binds = row(Limits(op(r"\sum", "∑"), row(var, EQUALS, lo), hi), inner), BIG
        elif source is not None:
            out = row(Limits(op(r"\int", "∫")), inner, op(r"\,", " "), Word("d", "d"), source, brackets(var))
            binds = BIG
        else:
            limits = Limits(op(r"\int", "∫"), over)
            interval = domain_of_measure(measure)
            if interval.op == "interval":
                limits = Limits(op(r"\int", "∫"), self.put(interval.args[0]), self.put(interval.args[1]))
            out, binds = row(limits, inner, op(r"\,", " "), Word("d", "d"), var), BIG
        if absolute:
            return row(out, LESS, INFINITY), COMPARE
        return out, binds

    def extremum(self, t: Term, sign: Word) -> tuple[Box, int]:
        domain = t.args[0]
        name = self.scope.choose(t.hint)
        if domain.op == "range":
            lo, hi = self.bounds(domain)
            under = row(lo, AT_MOST, name_box(name), AT_MOST, hi)
        else:
            under = row(name_box(name), IN, self.domain(domain))
        with self.scope.opened(name):
            return row(Limits(sign, under), self.big_body(t.body)), BIG

    def limit(self, t: Term) -> tuple[Box, int]:
        point = self.put(t.args[0], ATOM)
        if t.data:
            point = Scripts(point, None, op(t.data, t.data))
        name = self.scope.choose(t.hint)
        with self.scope.opened(name):
            head = Limits(Word(r"\lim", "lim", "mo"), row(name_box(name), op(r"\to ", "→", "both"), point))
            return row(head, self.big_body(t.body)), BIG

    def derivative(self, t: Term) -> tuple[Box, int]:
        domain, point, *index = t.args[:-1]
        below_index = self.indices(index) if index else None
        short = differentiates_a_symbol(t)
        name = self.scope.name_of(point) if short else self.scope.choose(t.hint)
        variable = self.scope.letter(point) if short else name_box(name)
        at = None if short else self.put(point)
        below: Box = variable
        if below_index is not None:
            if isinstance(variable, Scripts) and variable.sub is not None:
                below = Scripts(variable.base, row(variable.sub, COMMA, below_index))
            else:
                below = Scripts(variable, below_index)
        with self.scope.opened(name):
            simple = t.body.op in ("sym", "app", "bound")
            body = self.put(t.body, LOOSE if simple else ATOM)
        if simple and not self.linear:
            out: Box = Fraction(row(PARTIAL, body), row(PARTIAL, below))
            binds = POWER
        elif self.linear:
            out, binds = row(PARTIAL, body, op("/", "/"), PARTIAL, below), PRODUCT
        else:
            body = body if isinstance(body, Fence) else brackets(body)
            out, binds = row(Fraction(PARTIAL, row(PARTIAL, below)), body), PRODUCT
        if at is not None:
            bold = name_box(name, bold=_is_array_domain(domain))
            left, right = op(".", ""), op("|", "|")
            out, binds = Scripts(Fence(left, out, right), row(bold, EQUALS, at)), POWER
        return out, binds

    # -- Domains and measures

    def domain(self, t: Term) -> Box:
        match t.op:
            case "range":
                lo, hi = self.bounds(t)
                if self.linear:
                    return row(lo, op("..", ".."), hi)
                return Fence(op(r"\{", "{"), row(lo, op(r",\dots,", ",…,"), hi), op(r"\}", "}"))
            case "integers":
                return Word(r"\mathbb{Z}", "ℤ")
            case "interval":
                if t == reals:
                    return Word(r"\mathbb{R}", "ℝ")
                lo, hi = self.bounds(t)
                left = OPEN if t.args[0].op == "neg" and t.args[0].args[0].op == "oo" else SQUARE_OPEN
                return Fence(left, row(lo, COMMA, hi), CLOSE if t.args[1].op == "oo" else SQUARE_CLOSE)
            case "space":
                return name_box(t.data)
            case "functions":
                into = self.domain(t.args[-1])
                exponent: list[Box] = []
                for d in t.args[:-1]:
                    exponent += [op(r"\times ", "×")] if exponent else []
                    first = d.args[0] if d.op == "range" else None
                    from_one = first is not None and first.op == "aff" and first.data == (1,)
                    exponent.append(self.put(d.args[1], POWER) if from_one else self.domain(d))
                if not isinstance(into, Word):
                    into = brackets(into)
                return Scripts(into, None, row(*exponent))
        return self.put(t)

    def measure(self, t: Term) -> Box:
        if t.op == "counting":
            return row(op(r"\#", "#"), self.domain(t.args[0]))
        return row(Word(r"\operatorname{Leb}", "Leb"), brackets(self.domain(t.args[0])))


def _is_array_domain(domain: Term) -> bool:
    return domain.op == "functions" and all(sort_of_domain(d) == INT for d in domain.args[:-1])


def _tight(box: Box) -> Box:
    """A side of a relation between random variables: in brackets where it has signs of its own."""
    return brackets(box) if isinstance(box, Row) and any(w in (PLUS, MINUS, MAPS_TO) for w in box.items) else box


def layout(term: Term, context: Context | None = None, *, linear: bool = False) -> Box:
    """How `term` looks.

    Parameters
    ----------
    term : Term
        Any term.
    context : Context, optional
        Says which measures are probabilities, so that integrals against them show as expectations.
    linear : bool
        One line, without fractions and big brackets.
    """
    try:
        return _Layout(term, context, linear).put(term)
    except RecursionError:  # as in `printing.text`
        return ELLIPSIS
