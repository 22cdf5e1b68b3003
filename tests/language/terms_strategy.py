"""A Hypothesis strategy of random well-sorted terms: every operator, nested binders, clashing names, shadowing."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from derivcheck.language import (
    INT,
    JSD,
    KL,
    PROP,
    REAL,
    Cov,
    Index,
    Matrix,
    Real,
    Size,
    Sort,
    Term,
    Var,
    Vector,
    abstract,
    counting,
    function,
    lebesgue,
    logsumexp,
    measure_symbol,
    range_,
    relu,
    sigmoid,
    softmax,
    space,
    symbol,
)
from derivcheck.language import constructors as b
from derivcheck.language.terms import domain_of_measure, function_sort, make, sort_of_domain

N, M = Size("n"), Size("m")
OMEGA, LATENT = space("Omega"), space("Z")
P, MU = measure_symbol("P", OMEGA), measure_symbol("mu", LATENT)

#: Names on purpose unkind: constants, keywords, primes, one name for two symbols, marks of opened variables.
INTEGERS = (N, M, Index("i"), Index("k"), Index("j'"), Index("for"), Index("pi"), Index("x"))
REALS = (Real("x"), Real("alpha"), Real("gamma"), Real("lambda"), Real("j"), Real("oo"), Real("a b"), Real("v#3"))
VECTORS = (Vector("z", N), Vector("x", N), Vector("y", N), Vector("f_0", N))
SQUARE = (Matrix("A", N, N), Matrix("S", N, N))
MATRICES = (Matrix("X", N, M), Matrix("B", N, M))
FUNCTIONS = (function("f", b.reals), function("pi", b.reals), function("sum", b.reals))
CHOICE = function("c", range_(1, N), codomain=INT)
NOISE = function("W", range_(1, N), OMEGA)
DENSITIES = (function("p", LATENT), function("q", LATENT))
HINTS = ("i", "j", "k", "x", "n", "z", "pi", "sum", "t", "for", "w", "v#7", "x@1", "λ")


@dataclass(frozen=True)
class Scope:
    """The variables that may be used besides the free symbols."""

    variables: tuple[Term, ...] = ()
    opened: int = 0

    def of(self, sort: Sort) -> list[Term]:
        return [v for v in self.variables if v.sort == sort]

    def enter(self, domain: Term) -> tuple[Term, Scope]:
        over = domain.args[:-1] if domain.op == "functions" else ()
        var = symbol(f"bound variable {self.opened}", sort_of_domain(domain), over)
        return var, replace(self, variables=(*self.variables, var), opened=self.opened + 1)


class Maker:
    """Draws terms of a given sort; `size` bounds the depth."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw

    def pick(self, *options: object) -> object:
        return self.draw(st.sampled_from(options))

    def leaf(self, sort: Sort, scope: Scope, *free: Term) -> Term:
        inside = scope.of(sort)
        return self.pick(*inside) if inside and self.draw(st.integers(0, 2)) else self.pick(*free)

    def integer(self, size: int, scope: Scope) -> Term:
        kind = self.pick("symbol", "symbol", "number", "affine", "affine", "entry", "argmax")
        if size <= 0 or kind == "symbol":
            return self.leaf(INT, scope, *INTEGERS)
        if kind == "number":
            return b.integer(self.draw(st.integers(-3, 5)))
        if kind == "affine":
            first, second = self.integer(size - 1, scope), self.integer(size - 1, scope)
            return b.int_add(first, second, self.draw(st.integers(-3, 3)))
        if kind == "entry":
            return CHOICE(self.integer(size - 1, scope))
        domain = self.range(size - 1, scope)
        return self.bind(self.pick("argmax", "argmin"), (domain,), domain, size, scope, INT)

    def range(self, size: int, scope: Scope) -> Term:
        lo = self.pick(b.integer(1), self.integer(size - 1, scope))
        return range_(lo, self.pick(N, M, self.integer(size - 1, scope), b.oo_int))

    def interval(self, size: int, scope: Scope) -> Term:
        return self.pick(b.reals, b.interval(0, b.oo), b.interval(self.real(size - 1, scope), 1))

    def domain(self, size: int, scope: Scope) -> Term:
        kind = self.pick("range", "range", "interval", "space", "integers", "functions", "array")
        match kind:
            case "range":
                return self.range(size, scope)
            case "interval":
                return self.interval(size, scope)
            case "space":
                return self.pick(OMEGA, LATENT, space("reals"))
            case "integers":
                return b.integers
            case "functions":
                return b.functions((self.range(size, scope), OMEGA), self.pick(b.reals, b.interval(0, 1)))
        return b.functions((range_(1, N),))

    def measure(self, size: int, scope: Scope) -> Term:
        kind = self.pick(0, 1, 2, 3)
        if kind == 0:
            return counting(self.range(size, scope))
        if kind == 1:
            return lebesgue(self.interval(size, scope))
        return P if kind == 2 else MU

    def point(self, name: str, scope: Scope) -> Term:
        sort = sort_of_domain(space(name))
        return self.leaf(sort, scope, symbol(f"{name}0", sort))

    def bind(
        self, op: str, head: tuple[Term, ...], domain: Term, size: int, scope: Scope, sort: object,
        data: object = None, want: object = REAL,
    ) -> Term:  # fmt: skip
        var, inner = scope.enter(domain)
        body = self.prop(size - 1, inner) if want == PROP else self.real(size - 1, inner)
        return make(op, (*head, abstract(body, var)), data, sort, self.pick(*HINTS))

    def vector(self, size: int, scope: Scope) -> Term:
        if size <= 0:
            return self.leaf(VECTORS[0].sort, scope, *VECTORS)
        here = size - 1
        match self.pick("symbol", "add", "neg", "scale", "matmul", "softmax", "lam", "row", "hadamard"):
            case "add":
                return b.add(self.vector(here, scope), self.vector(here, scope), self.vector(0, scope))
            case "neg":
                return b.neg(self.vector(here, scope))
            case "scale":
                return b.mul(self.real(here, scope), self.vector(here, scope))
            case "matmul":
                return b.matmul(self.square(here, scope), self.vector(here, scope))
            case "softmax":
                return softmax(self.vector(here, scope))
            case "hadamard":
                return b.hadamard(self.vector(here, scope), self.vector(here, scope))
            case "row":
                return b.apply(self.pick(*SQUARE), self.integer(here, scope))
            case "lam":
                domain = range_(1, N)
                out = self.bind("lam", (domain,), domain, here, scope, None)
                return make("lam", out.args, None, function_sort((INT,), REAL), out.hint)
        return self.pick(*VECTORS)

    def square(self, size: int, scope: Scope) -> Term:
        if size <= 0:
            return self.pick(*SQUARE)
        here = size - 1
        match self.pick("symbol", "add", "scale", "matmul", "T", "inverse", "identity", "diag", "XXT"):
            case "add":
                return b.sub(self.square(here, scope), self.square(here, scope))
            case "scale":
                return b.div(self.square(here, scope), self.real(here, scope))
            case "matmul":
                return b.matmul(self.square(here, scope), self.square(here, scope))
            case "T":
                return self.square(here, scope).T
            case "inverse":
                return b.inverse(self.square(here, scope))
            case "identity":
                return b.identity(N)
            case "diag":
                return b.diag(self.vector(here, scope))
            case "XXT":
                return self.pick(*MATRICES) @ self.pick(*MATRICES).T
        return self.pick(*SQUARE)

    def number(self) -> Term:
        return b.num(self.draw(st.one_of(st.integers(-4, 12), st.fractions(max_denominator=9))))

    def real(self, size: int, scope: Scope) -> Term:
        here = size - 1
        if size <= 0:
            others = (*REALS, b.real(self.leaf(INT, scope, *INTEGERS)), self.number(), b.pi)
            return self.leaf(REAL, scope, *others)
        r = lambda: self.real(here, scope)  # noqa: E731
        match self.pick(
            "leaf", "add", "add", "sub", "neg", "mul", "mul", "div", "div", "pow", "pow", "root", "fn", "max",
            "ind", "ite", "real", "combinatorial", "entry", "entry", "apply", "noise", "density", "int", "int",
            "int", "prod", "deriv", "D", "Dz", "at", "lim", "extremum", "defn", "law", "trace", "inner", "raw",
        ):  # fmt: skip
            case "add":
                return b.add(*[r() for _ in range(self.draw(st.integers(1, 3)))])
            case "sub":
                return b.add(b.as_real(r()), b.neg(r()))
            case "neg":
                return make("neg", (r(),), None, REAL)
            case "mul":
                return make("mul", [r() for _ in range(self.draw(st.integers(1, 3)))], None, REAL)
            case "div":
                return make("div", (r(), r()), None, REAL)
            case "pow":
                return b.pow_(r(), r())
            case "root":
                return b.sqrt(r())
            case "fn":
                return b.scalar(self.pick(*b.SCALAR_FUNCTIONS), r())
            case "max":
                return self.pick(b.max_, b.min_)(*[r() for _ in range(self.draw(st.integers(0, 3)))])
            case "ind":
                return b.ind(self.prop(here, scope))
            case "ite":
                return b.ite(self.prop(here, scope), r(), r())
            case "real":
                return b.real(self.integer(here, scope))
            case "combinatorial":
                if self.draw(st.booleans()):
                    return b.factorial(self.integer(here, scope))
                return b.binomial(self.integer(here, scope), self.integer(here, scope))
            case "entry":
                if self.draw(st.booleans()):
                    return b.apply(self.vector(here, scope), self.integer(here, scope))
                return b.apply(self.square(here, scope), self.integer(here, scope), self.integer(here, scope))
            case "apply":
                return b.apply(self.pick(*FUNCTIONS), r())
            case "noise":
                return NOISE(self.integer(here, scope), self.point("Omega", scope))
            case "density":
                return self.pick(*DENSITIES)(self.point("Z", scope))
            case "int":
                measure = self.measure(here, scope)
                return self.bind("int", (measure,), domain_of_measure(measure), size, scope, REAL)
            case "prod":
                domain = self.range(here, scope)
                return self.bind("prod", (domain,), domain, size, scope, REAL)
            case "deriv":
                # at a point that the body may mention, so that the short form is impossible
                return self.bind("deriv", (b.reals, r()), b.reals, size, scope, REAL)
            case "D":
                return b.D(r(), self.leaf(REAL, scope, *REALS))
            case "Dz":
                return b.D(r(), self.pick(*VECTORS)(self.integer(here, scope)))
            case "at":
                domain = b.functions((range_(1, N),))
                head = (domain, self.vector(here, scope), self.integer(here, scope))
                return self.bind("deriv", head, domain, size, scope, REAL)
            case "lim":
                if self.draw(st.booleans()):
                    return self.bind("lim", (b.oo_int,), b.integers, size, scope, REAL, self.pick("", "+", "-"))
                return self.bind("lim", (self.pick(b.oo, r()),), b.reals, size, scope, REAL, self.pick("", "+", "-"))
            case "extremum":
                domain = self.domain(here, scope)
                return self.bind(self.pick("max_over", "min_over"), (domain,), domain, size, scope, REAL)
            case "defn":
                if self.draw(st.booleans()):
                    return self.pick(sigmoid, relu)(r())
                return logsumexp(self.vector(here, scope))
            case "law":
                if self.draw(st.booleans()):
                    return self.pick(KL, JSD)(MU, *DENSITIES)
                inner = lambda w: self.real(here, replace(scope, variables=(*scope.variables, w)))  # noqa: E731
                return self.pick(Var(P, inner), Cov(P, inner, inner))
            case "trace":
                return self.pick(b.trace, b.det)(self.square(here, scope))
            case "inner":
                return b.matmul(self.vector(here, scope), self.vector(here, scope))
            case "raw":
                # what rewriting may leave behind: sums in sums, negated numbers, fractions of numbers
                op = self.pick("add", "mul")
                inside = make(op, (r(), r()), None, REAL)
                return make(self.pick("add", "mul"), (inside, self.number()), None, REAL)
        return self.real(0, scope)

    def prop(self, size: int, scope: Scope) -> Term:
        here = size - 1
        p = lambda: self.prop(here, scope)  # noqa: E731
        relations = ("eq", "le", "lt", "ints", "ne")
        kinds = ("and", "or", "not", "implies", "forall", "exists", "integrable", "arrays", "pred", "true")
        kind = self.pick(*relations) if size <= 0 else self.pick(*relations, *kinds)
        match kind:
            case "ints":
                return self.pick(b.eq, b.le, b.lt)(self.integer(here, scope), self.integer(here, scope))
            case "and" | "or":
                return make(kind, [p() for _ in range(self.draw(st.integers(0, 3)))], None, PROP)
            case "not":
                return make("not", (p(),), None, PROP)
            case "implies":
                return b.implies(p(), p())
            case "forall" | "exists":
                domain = self.domain(here, scope)
                return self.bind(kind, (domain,), domain, size, scope, PROP, want=PROP)
            case "integrable":
                measure = self.measure(here, scope)
                return self.bind("integrable", (measure,), domain_of_measure(measure), size, scope, PROP)
            case "arrays":
                return b.eq(self.vector(here, scope), self.vector(here, scope))
            case "pred":
                if self.draw(st.booleans()):
                    return b.predicate("invertible", self.square(here, scope))
                return b.predicate("independent", P, b.apply(NOISE, N), b.apply(NOISE, self.integer(here, scope)))
            case "true":
                return self.pick(b.true, b.false)
            case "ne":
                return b.ne(self.real(here, scope), self.real(here, scope))
        left, right = self.real(here, scope), self.real(here, scope)
        return make(kind, (left, right), None, PROP)


@st.composite
def terms(draw: st.DrawFn, size: int = 4) -> Term:
    """A closed term of sort real, integer or proposition, or an array."""
    maker = Maker(draw)
    kind = draw(st.sampled_from(["real", "real", "prop", "integer", "vector", "square"]))
    return getattr(maker, kind)(draw(st.integers(0, size)), Scope())


@st.composite
def reals(draw: st.DrawFn, size: int = 4) -> Term:
    """A closed real term."""
    return Maker(draw).real(draw(st.integers(0, size)), Scope())
