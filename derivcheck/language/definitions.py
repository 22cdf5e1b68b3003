"""Named definitions: notions that unfold into other terms.

A definition is a Python function from argument terms to a term, so what it means is written once, in the language.
An application stays folded in a statement (it prints as the author wrote it, and near misses are made before it
unfolds) until a prover or an evaluator calls `unfold`.

>>> from derivcheck.language import *
>>> n = Size("n"); z = Vector("z", n); i = Index("i")
>>> softmax(z)(i)
softmax(z)[i]
>>> unfold(softmax(z)(i))
exp(z[i])/sum(exp(z[j]) for j in 1..n)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from derivcheck.language import constructors as b
from derivcheck.language.terms import (
    BINDERS,
    INT,
    REAL,
    LanguageError,
    Sort,
    Term,
    Termlike,
    abstract,
    domain_of_measure,
    free_symbols,
    instantiate,
    make,
    rebuild,
    substitute,
    symbol,
    variable_sort,
)


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """A named notion.

    Attributes
    ----------
    name : str
        The field's name for it; unique among the definitions of one term.
    body : callable
        From the argument terms to the term it stands for.
    arity : int
        How many argument terms it takes.
    latex : str
        How it prints, with ``{0}``, ``{1}``, ... for the arguments; empty for ``\\operatorname{name}(…)``.
    """

    name: str
    body: Callable[..., Term]
    arity: int
    latex: str = ""
    #: Distinguishes two definitions of one name by what they mean (see `define`).
    token: str = field(default="")

    def unfold(self, *args: Term) -> Term:
        """What an application to closed terms stands for.

        The body is written down once for arguments of one shape, and they are put into that: to unfold and to
        substitute may then be done in either order.
        """
        template, places = _written(self, tuple(map(_shape, args)))
        return substitute(template, {p: a for p, a in zip(places, args, strict=True) if p is not a})

    def __call__(self, *args: Termlike) -> Term:
        terms = [a if isinstance(a, Term) else b.as_real(a) for a in args]
        if len(terms) != self.arity:
            raise LanguageError(f"'{self.name}' takes {self.arity} arguments, {len(terms)} given")
        value = self.unfold(*terms)
        # A symbol hidden in the body would escape substitution and every check of what is free.
        hidden = free_symbols(value).difference(*map(free_symbols, terms))
        if hidden:
            names = ", ".join(sorted(str(s.data) for s in hidden))
            raise LanguageError(f"the definition '{self.name}' uses {names}: pass it as an argument")
        return make("defn", terms, self, value.sort)

    def __reduce__(self) -> str | tuple[object, ...]:
        if self.name in LIBRARY and LIBRARY[self.name] is self:
            return (_library, (self.name,))
        raise LanguageError(f"the definition '{self.name}' belongs to a problem file and cannot be sent elsewhere")


#: What a definition may know of an argument before it is put in: its sort and its domains; else (a measure) all of it.
Shape = tuple[Sort, tuple[Term, ...]] | Term


def _shape(a: Term) -> Shape:
    if a.sort in (REAL, INT):
        return a.sort, ()
    if a.sort.kind != "fun":
        return a
    try:
        return a.sort, b.domains(a)
    except LanguageError:
        return a


@lru_cache(maxsize=4096)
def _written(definition: Definition, shapes: tuple[Shape, ...]) -> tuple[Term, tuple[Term, ...]]:
    """The body of a definition for arguments of these shapes, and the symbols that stand for them in it."""
    places = tuple(s if isinstance(s, Term) else symbol(f"argument@{k}", *s) for k, s in enumerate(shapes))
    return definition.body(*places), places


LIBRARY: dict[str, Definition] = {}


def _library(name: str) -> Definition:
    return LIBRARY[name]


#: How often a name was defined: two definitions of one name are two notions.
_defined: dict[str, int] = {}


def define(name: str, body: Callable[..., Term], latex: str = "", *, scope: str = "") -> Definition:
    """A definition of a problem's own; `scope` (the problem's id) keeps equal names of two problems apart.

    Everything that the body mentions must be among its arguments; a hidden symbol is refused when it is applied.
    """
    token = f"def {scope}:{name}"
    _defined[token] = _defined.get(token, 0) + 1
    if _defined[token] > 1:
        token += f"#{_defined[token]}"
    return Definition(name, body, body.__code__.co_argcount, latex, token)


def _standard(name: str, latex: str = "") -> Callable[[Callable[..., Term]], Definition]:
    def register(body: Callable[..., Term]) -> Definition:
        d = Definition(name, body, body.__code__.co_argcount, latex, f"std {name}")
        LIBRARY[name] = d
        return d

    return register


def size_of(x: Term, axis: int = 0) -> Term:
    """The number of entries of an array along an axis (arrays start at 1)."""
    return b.domains(x)[axis].args[1]


@lru_cache(maxsize=100_000)
def unfold(term: Term) -> Term:
    """The closed `term` with every definition unfolded, all the way down."""
    if not term.args:
        return term
    if term.op in BINDERS:
        head = tuple(unfold(a) for a in term.args[:-1])
        sort, doms = variable_sort(term)
        var = symbol(f"{term.hint}@@{_nesting(term.body)}", sort, doms)
        return rebuild(term, (*head, abstract(unfold(instantiate(term.body, var)), var)))
    args = tuple(unfold(a) for a in term.args)
    if term.op == "defn":
        return unfold(term.data.unfold(*args))
    return rebuild(term, args)


def _nesting(body: Term) -> int:
    """A number larger than that of every variable that an enclosing `unfold` has opened in `body`."""
    opened = (s.data.rpartition("@@") for s in free_symbols(body))
    return 1 + max((int(n) for _, mark, n in opened if mark), default=0)


# ------------------------------------------------------------------------------------------------ the field's notions


@_standard("sigmoid", r"\sigma({0})")
def sigmoid(x: Term) -> Term:
    """The logistic function."""
    return b.div(1, b.add(1, b.exp(b.neg(x))))


@_standard("relu", r"\operatorname{ReLU}({0})")
def relu(x: Term) -> Term:
    """The positive part."""
    return b.max_(x, 0)


@_standard("softplus", r"\operatorname{softplus}({0})")
def softplus(x: Term) -> Term:
    """log(1 + e^x)."""
    return b.log(b.add(1, b.exp(x)))


@_standard("softmax", r"\operatorname{softmax}({0})")
def softmax(z: Term) -> Term:
    """The vector of normalised exponentials."""
    n = size_of(z)
    return b.vector(n, lambda i: b.div(b.exp(z(i)), b.Sum(1, n, lambda j: b.exp(z(j)))))


@_standard("logsumexp", r"\operatorname{LSE}({0})")
def logsumexp(z: Term) -> Term:
    """The logarithm of the sum of exponentials."""
    return b.log(b.Sum(1, size_of(z), lambda j: b.exp(z(j))))


@_standard("squared_norm", r"\|{0}\|_2^2")
def squared_norm(x: Term) -> Term:
    """The squared Euclidean norm of a vector."""
    return b.Sum(1, size_of(x), lambda j: x(j) ** 2)


@_standard("sup_norm", r"\|{0}\|_\infty")
def sup_norm(f: Term) -> Term:
    """The largest absolute value of a function on a finite set."""
    return b.MaxOver(b.domains(f)[0], lambda s: b.abs_(f(s)))


@_standard("Expect", r"\mathbb{E}[{1}]")
def _expect(measure: Term, x: Term) -> Term:
    """The expectation of a random variable given as a function on the space of `measure`."""
    return b.Int(measure, lambda w: x(w))


@_standard("Var", r"\operatorname{Var}[{1}]")
def _variance(measure: Term, x: Term) -> Term:
    """The variance of a random variable given as a function on the space of `measure`."""
    return b.Int(measure, lambda w: (x(w) - b.Int(measure, lambda v: x(v))) ** 2)


@_standard("Cov", r"\operatorname{Cov}[{1}, {2}]")
def _covariance(measure: Term, x: Term, y: Term) -> Term:
    """The covariance of two random variables."""
    return b.Int(
        measure,
        lambda w: (x(w) - b.Int(measure, lambda v: x(v))) * (y(w) - b.Int(measure, lambda v: y(v))),
    )


def _random(measure: Term, body: b.Body) -> Term:
    return b.lam(domain_of_measure(measure), body)


def E(measure: Term, body: b.Body) -> Term:
    """The expectation of a function of the outcome."""
    return _expect(measure, _random(measure, body))


def Var(measure: Term, body: b.Body) -> Term:
    """The variance of a function of the outcome."""
    return _variance(measure, _random(measure, body))


def Cov(measure: Term, left: b.Body, right: b.Body) -> Term:
    """The covariance of two functions of the outcome."""
    return _covariance(measure, _random(measure, left), _random(measure, right))


@_standard("KL", r"D_{{\mathrm{{KL}}}}({1}\,\|\,{2})")
def _kl(measure: Term, q: Term, p: Term) -> Term:
    """The Kullback-Leibler divergence of two densities against `measure`."""
    return b.Int(measure, lambda z: q(z) * b.log(q(z) / p(z)))


@_standard("JSD", r"\operatorname{JSD}({1}, {2})")
def _jsd(measure: Term, p: Term, q: Term) -> Term:
    """The Jensen-Shannon divergence of two densities against `measure`."""
    half = Fraction(1, 2)
    return b.Int(
        measure,
        lambda x: half * (p(x) * b.log(2 * p(x) / (p(x) + q(x))) + q(x) * b.log(2 * q(x) / (p(x) + q(x)))),
    )


def KL(measure: Term, q: Term, p: Term) -> Term:
    """The Kullback-Leibler divergence of the densities `q` and `p` against `measure`."""
    return _kl(measure, q, p)


def JSD(measure: Term, p: Term, q: Term) -> Term:
    """The Jensen-Shannon divergence of the densities `p` and `q` against `measure`."""
    return _jsd(measure, p, q)


@_standard("cross_entropy", r"H({0}, {1})")
def cross_entropy(y: Term, p: Term) -> Term:
    """The cross-entropy of a target distribution and a predicted one."""
    return b.neg(b.Sum(1, size_of(p), lambda i: y(i) * b.log(p(i))))
