"""The grammar of the text form, a method a rule, and `parse`, which reads a text by it."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from derivcheck.language import constructors as b
from derivcheck.language.context import Context
from derivcheck.language.definitions import LIBRARY, Definition
from derivcheck.language.names import DOMAIN_WORDS, KEYWORDS
from derivcheck.language.terms import (
    INT,
    MEASURE,
    PROP,
    REAL,
    Sort,
    Term,
    function_sort,
    make,
    point_sort,
    sort_of_domain,
    symbol,
)
from derivcheck.language.text.calls import CALLS
from derivcheck.language.text.cursor import Cursor, Value
from derivcheck.language.text.tokens import CLOSING

#: Words of binders that run over a domain.
_WORDS = frozenset({"sum", "prod", "integral", "integrable", "max", "min", "argmax", "argmin", "deriv"})


class Reader(Cursor):
    """A cursor that reads terms; each method reads what the grammar calls by its name."""

    def __init__(self, source: str, symbols: Mapping[str, Term], definitions: Mapping[str, Definition]) -> None:
        super().__init__(source, symbols)
        self.definitions = definitions

    def whole(self) -> Value:
        value = self.term()
        if self.tokens[self.at].kind != "end":
            raise self.error("the text should end here")
        return value

    def term(self) -> Value:
        with self.deeper():
            token, following = self.tokens[self.at], self.tokens[min(self.at + 1, len(self.tokens) - 1)]
            if token.kind == "name":
                if token.value == "if":
                    return self.choice()
                if token.value in ("forall", "exists"):
                    return self.quantified(token.value)
                if following.kind == "name" and following.value == "in":
                    return self.function()
            return self.prop()

    def choice(self) -> Term:
        self.need("if")
        at = self.at
        condition = self.wanted(self.prop(), PROP, at)
        branches = []
        for word in ("then", "else"):
            self.need(word)
            at = self.at
            branches.append(self.wanted(self.prop(), REAL, at))
        return make("ite", (condition, *branches), None, REAL)

    def variable_in_domain(self) -> tuple[str, Term]:
        name = self.name()
        self.need("in")
        return name, self.domain()

    def quantified(self, word: str) -> Term:
        self.at += 1
        name, domain = self.variable_in_domain()
        self.need(".")
        inner = self.opened(name, sort_of_domain(domain), _domains_of(domain), self.term, PROP)
        return make(word, (domain, inner), None, PROP, name)

    def function(self) -> Term:
        name, domain = self.variable_in_domain()
        self.need("->")
        sort = sort_of_domain(domain)
        inner = self.opened(name, sort, _domains_of(domain), self.term, None)
        return make("lam", (domain, inner), None, function_sort((sort,), inner.sort), name)

    def prop(self) -> Value:
        at = self.at
        first = self.denial()
        token = self.tokens[self.at]
        if not self.sees("and", "or", "==>"):
            return first
        parts = [self.wanted(first, PROP, at)]
        while self.take(token.value):
            at = self.at
            parts.append(self.wanted(self.denial(), PROP, at))
            if token.value == "==>":
                break
        if self.sees("and", "or", "==>"):
            raise self.error("brackets are needed between different connectives")
        return make("implies" if token.value == "==>" else token.value, parts, None, PROP)

    def denial(self) -> Value:
        denials = 0
        while self.take("not"):
            denials += 1
        at = self.at
        value = self.comparison()
        if denials:
            value = self.wanted(value, PROP, at)
            for _ in range(denials):
                value = make("not", (value,), None, PROP)
        return value

    def comparison(self) -> Value:
        at = self.at
        left = self.sum()
        if not self.sees("=", "!=", "<=", "<"):
            return left
        sign = self.tokens[self.at].value
        self.at += 1
        right = self.sum()
        relate = {"=": b.eq, "!=": b.eq, "<=": b.le, "<": b.lt}[sign]
        if isinstance(left, int) and isinstance(right, int):
            left = b.integer(left)
        out = self.checked(at, lambda: relate(left, right))
        return make("not", (out,), None, PROP) if sign == "!=" else out

    def sum(self) -> Value:
        #: sign, value, whether it is a bare number, where it stands
        parts: list[tuple[int, Value, bool, int]] = []
        sign = 1
        if self.sees("-") and not self.signed_number():
            self.at += 1
            sign = -1
        while True:
            at = self.at
            value, bare = self.product()
            parts.append((sign, value, bare, at))
            if not self.sees("+", "-"):
                break
            sign = 1 if self.tokens[self.at].value == "+" else -1
            self.at += 1
            if self.sees("-"):
                raise self.error("brackets are needed around a second sign")
        if len(parts) == 1 and parts[0][0] > 0:
            return parts[0][1]
        integral = all(isinstance(v, int) or v.sort == INT for _, v, _, _ in parts)
        if integral and any(isinstance(v, Term) for _, v, _, _ in parts):
            out = b.integer(0)
            for sign, value, _, at in parts:
                atom = self.wanted(value, INT, at)
                out = self.checked(at, lambda out=out, atom=atom, sign=sign: b.int_add(out, atom, sign))  # type: ignore[misc]
            return out
        terms = []
        for sign, value, bare, at in parts:
            t = b.as_real(value)
            if t.sort.kind not in ("real", "fun"):
                raise self.error(f"a {t.sort} cannot be added", at)
            if sign < 0:
                t = b.num(-t.data) if bare else make("neg", (t,), None, t.sort)
            terms.append(t)
        if any(t.sort != terms[0].sort for t in terms):
            raise self.error("a sum of different kinds", parts[0][3])
        return terms[0] if len(terms) == 1 else make("add", terms, None, terms[0].sort)

    def signed_number(self) -> bool:
        """Whether a minus sign and a number stand here that is not the base of a power: the number is negative."""
        return self.tokens[self.at + 1].kind == "number" and self.tokens[self.at + 2].value != "^"

    def product(self) -> tuple[Value, bool]:
        """A product, and whether it is nothing but a number."""
        start = self.at
        sign = -1 if self.take("-") else 1
        number = self.rational(sign)
        bare = number is not None
        factors: list[Value] = [self.power() if number is None else number]
        while self.sees("*", "/", "@", ".*"):
            bare = False
            at = self.at
            sign_of = self.tokens[at].value
            self.at += 1
            following = self.power()
            if sign_of == "*":
                factors.append(following)
                continue
            left, right = self.multiplied(factors, start), following
            if sign_of == "/":
                args = (self.wanted(left, REAL, start), self.wanted(right, REAL, at + 1))
                factors = [make("div", args, None, REAL)]
            else:
                combine = b.matmul if sign_of == "@" else b.hadamard
                f, g = self.wanted(left, None, start), self.wanted(right, None, at + 1)
                factors = [self.checked(at, lambda f=f, g=g, combine=combine: combine(f, g))]  # type: ignore[misc]
        return self.multiplied(factors, start), bare

    def rational(self, sign: int) -> Value | None:
        """A leading number or fraction of numbers, unless it is the base of a power."""
        first, slash, second, after = (self.tokens[min(self.at + k, len(self.tokens) - 1)] for k in range(4))
        if first.kind != "number" or slash.value == "^":
            return None
        if slash.value == "/" and second.kind == "number" and after.value != "^" and int(second.value):
            self.at += 3
            return b.num(Fraction(sign * int(first.value), int(second.value)))
        self.at += 1
        return sign * int(first.value)

    def multiplied(self, factors: list[Value], at: int) -> Value:
        """A list of factors as the term that is written so."""
        if len(factors) == 1:
            return factors[0]
        *scalars, last = factors
        if isinstance(last, Term) and last.sort.kind == "fun":
            scalar = self.wanted(self.multiplied(scalars, at), REAL, at)
            return make("scale", (scalar, last), None, last.sort)
        numbers = [f for f in factors if isinstance(f, int)]
        integers = [f for f in factors if isinstance(f, Term) and f.sort == INT]
        if len(factors) == 2 and len(numbers) == 1 and len(integers) == 1:
            return self.checked(at, lambda: b.int_add(b.integer(0), integers[0], numbers[0]))
        return make("mul", [self.wanted(f, REAL, at) for f in factors], None, REAL)

    def power(self) -> Value:
        at = self.at
        base = self.atom()
        if not self.take("^"):
            return base
        exponent = self.atom()
        if self.sees("^"):
            raise self.error("brackets are needed in a tower of powers")
        return make("pow", (self.wanted(base, REAL, at), self.wanted(exponent, REAL, at)), None, REAL)

    def atom(self) -> Value:
        at = self.at
        value = self.primary()
        while self.sees("[", ".T"):
            if isinstance(value, int):
                raise self.error("a number has no entries", at)
            if self.take(".T"):
                f = value
                value = self.checked(at, lambda f=f: b.transpose(f))  # type: ignore[misc]
            else:
                value = self.entry(value, at)
        return value

    def entry(self, f: Term, at: int) -> Term:
        self.need("[")
        if f.sort.kind != "fun":
            raise self.error(f"a {f.sort} cannot be applied", at)
        sorts = f.sort.domain_sorts
        args: list[Term] = []
        while not args or self.take(","):
            if len(args) == len(sorts):
                raise self.error(f"takes {len(sorts)} arguments")
            here = self.at
            args.append(self.wanted(self.term(), sorts[len(args)], here))
        self.need("]")
        assert f.sort.codomain is not None
        return make("app", (f, *args), None, function_sort(sorts[len(args) :], f.sort.codomain))

    def primary(self) -> Value:
        token = self.tokens[self.at]
        following = self.tokens[min(self.at + 1, len(self.tokens) - 1)].value
        if token.kind == "number":
            self.at += 1
            return int(token.value)
        if token.kind == "sign" and token.value in ("(", "["):
            self.at += 1
            at = self.at
            value = self.term()
            self.need(CLOSING[token.value])
            return value if token.value == "(" else make("ind", (self.wanted(value, PROP, at),), None, REAL)
        if token.kind not in ("name", "quoted"):
            raise self.error("a term is needed here")
        if following == "(":
            return self.call(token.value, token.kind == "quoted")
        if following == "{":
            return self.dependent_symbol()
        if token.kind == "name":
            constant = {"pi": b.pi, "oo": b.oo, "true": b.true, "false": b.false}.get(token.value)
            if constant is not None and not (token.value == "pi" and following == "["):
                self.at += 1
                return constant
            if token.value in KEYWORDS and token.value != "pi":
                raise self.error("a term is needed here")
            for name, var in reversed(self.scope):
                if name == token.value:
                    self.at += 1
                    return var
        if token.value not in self.symbols:
            raise self.error(f"'{token.value}' is not declared")
        self.at += 1
        return self.symbols[token.value]

    def dependent_symbol(self) -> Term:
        """A function symbol whose domains hold a bound variable: ``x{1..k}``."""
        name = self.tokens[self.at].value
        self.at += 2
        over = [self.domain()]
        while self.take(","):
            over.append(self.domain())
        values = REAL
        if self.take(":"):
            token = self.tokens[self.at]
            named = {"int": INT, "measure": MEASURE, "prop": PROP} if token.kind == "name" else {}
            values = named.get(token.value, point_sort(token.value))
            self.at += 1
        self.need("}")
        if values == MEASURE:
            return symbol(name, MEASURE, over)
        return symbol(name, function_sort(map(sort_of_domain, over), values), over)

    # --------------------------------------------------------------------------------------- name and brackets

    def call(self, name: str, quoted: bool) -> Term:
        at = self.at
        self.at += 2
        if not quoted:
            if at + 1 in self.fors:
                return self.binder(name, at)
            if name == "D":
                return self.derivative()
            if name in ("counting", "lebesgue", "domain"):
                domain = self.domain()
                self.need(")")
                measures = {"counting": b.counting, "lebesgue": b.lebesgue}
                return self.checked(at, lambda: measures[name](domain) if name in measures else domain)
        args: list[Value] = []
        places: list[int] = []
        while not self.take(")"):
            if args:
                self.need(",")
            places.append(self.at)
            args.append(self.term())

        def given(sort: Sort | None, count: int | None = 1) -> list[Term]:
            if count is not None and len(args) != count:
                raise self.error(f"'{name}' takes {count} arguments, {len(args)} given", at)
            return [self.wanted(a, sort, place) for a, place in zip(args, places, strict=True)]

        if quoted or name not in CALLS:
            definition = self.definitions.get(name) or LIBRARY.get(name)
            if definition is None:
                raise self.error(f"'{name}' is not defined", at)
            terms = given(None, definition.arity)
            return self.checked(at, lambda: definition(*terms))
        return self.checked(at, lambda: CALLS[name](given))

    def derivative(self) -> Term:
        at = self.at
        f = self.wanted(self.term(), REAL, at)
        self.need(",")
        at = self.at
        point = self.wanted(self.atom(), None, at)
        self.need(")")
        return self.checked(at, lambda: b.D(f, point))

    def binder(self, word: str, at: int) -> Term:
        """``word(body for …)``: the variable first, then its body."""
        start, middle = self.at, self.fors[at + 1]
        self.at = middle + 1
        integer = word == "lim" and self.take("integer")
        name = self.name()
        data: str | None = None
        domains: tuple[Term, ...] = ()
        if word == "lim":
            self.need("->")
            here = self.at
            sort = INT if integer else REAL
            head: tuple[Term, ...] = (self.wanted(self.sum(), sort, here),)
            data = ""
            if self.take("from"):
                data = "+" if self.take("above") else "-"
                if data == "-":
                    self.need("below")
        elif self.take("~"):
            here = self.at
            measure = self.wanted(self.atom(), MEASURE, here)
            if word not in ("E", "integral", "integrable"):
                raise self.error(f"'{word}' takes no measure", at)
            domain = measure.args[0]
            head, sort, domains = (measure,), sort_of_domain(domain), _domains_of(domain)
        else:
            self.need("in")
            here = self.at
            domain = self.domain()
            sort, domains = sort_of_domain(domain), _domains_of(domain)
            head = self.heads(word, domain, sort, at, here)
        self.need(")")
        end, self.at = self.at, start
        op = {"sum": "int", "integral": "int", "E": "int", "max": "max_over", "min": "min_over"}.get(word, word)
        inner = self.opened(name, sort, domains, self.term, REAL)
        if self.at != middle:
            raise self.error("'for' is needed here")
        self.at = end
        out = PROP if op == "integrable" else INT if op in ("argmax", "argmin") else REAL
        return make(op, (*head, inner), data, out, name)

    def heads(self, word: str, domain: Term, sort: Sort, at: int, here: int) -> tuple[Term, ...]:
        """The arguments of a binder over a domain that stand outside its scope."""
        ranges = domain.op == "range"
        match word:
            case "sum" if ranges:
                return (b.counting(domain),)
            case "integral" if domain.op == "interval":
                return (b.lebesgue(domain),)
            case "integrable" if ranges or domain.op == "interval":
                return (b.counting(domain) if ranges else b.lebesgue(domain),)
            case "prod" | "argmax" | "argmin" if sort == INT:
                return (domain,)
            case "max" | "min":
                return (domain,)
            case "deriv":
                wanted = [sort, *map(sort_of_domain, _domains_of(domain))]
                self.need("at")
                head = [domain]
                for k, w in enumerate(wanted):
                    if k:
                        self.need(",")
                    place = self.at
                    head.append(self.wanted(self.term(), w, place))
                return tuple(head)
        raise self.error(f"'{word}' does not run over this", here if word in _WORDS else at)

    # -------------------------------------------------------------------------------------------------- domains

    def domain(self) -> Term:
        with self.deeper():
            token, following = self.tokens[self.at], self.tokens[min(self.at + 1, len(self.tokens) - 1)]
            if token.kind == "name" and token.value in DOMAIN_WORDS:
                self.at += 1
                return self.named_domain(token.value)
            if token.kind in ("name", "quoted") and following.value not in ("..", "+", "-", "*", "[", "(", "{"):
                if token.kind == "name" and token.value in KEYWORDS:
                    raise self.error("a domain is needed here")
                self.at += 1
                return b.space(token.value)
            at = self.at
            lo = self.wanted(self.sum(), INT, at)
            self.need("..")
            at = self.at
            return b.range_(lo, self.wanted(self.sum(), INT, at))

    def named_domain(self, word: str) -> Term:
        if word == "reals":
            return b.reals
        if word == "integers":
            return b.integers
        self.need("(")
        if word == "interval":
            ends = []
            for mark in (",", ")"):
                at = self.at
                ends.append(self.wanted(self.term(), REAL, at))
                self.need(mark)
            return b.interval(*ends)
        over = [self.domain()]
        while self.take(","):
            over.append(self.domain())
        into = self.domain() if self.take("->") else b.reals
        self.need(")")
        return b.functions(over, into)


def _domains_of(domain: Term) -> tuple[Term, ...]:
    return domain.args[:-1] if domain.op == "functions" else ()


def parse(
    text: str,
    symbols: Mapping[str, Term] | Context,
    definitions: Mapping[str, Definition] | None = None,
    sort: Sort | None = None,
) -> Term:
    """The term that `text` writes.

    Parameters
    ----------
    text : str
        As written by `derivcheck.language.printing.text`.
    symbols : mapping from names to symbols, or Context
        What the free names stand for (`names.free_names` gives those of a term).
    definitions : mapping from names to Definition, optional
        A problem's own definitions, beside the library's.
    sort : Sort, optional
        The sort of the term, where it must be said: ``3`` and ``n`` are reals where a real is wanted and
        integers where an integer is.  Without it a lone number is a real, and ``n`` what it was declared to be.

    Raises
    ------
    TextError
        If the text cannot be read; the message shows where.
    """
    if isinstance(symbols, Context):
        symbols = {str(s.data): s for s in symbols.symbols()}
    reader = Reader(text, symbols, definitions or {})
    return reader.wanted(reader.whole(), sort, 0)
