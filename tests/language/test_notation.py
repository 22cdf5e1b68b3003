"""LaTeX, Unicode and MathML: well formed on random terms, and never one notation for two values."""

from __future__ import annotations

import math
import re
from itertools import product
from xml.dom.minidom import parseString

import pytest
from hypothesis import HealthCheck, given, settings

from derivcheck.language import (
    KL,
    D,
    E,
    Givens,
    Index,
    Int,
    Lim,
    Matrix,
    Real,
    Size,
    Sum,
    Var,
    Vector,
    abs_,
    binomial,
    define,
    delta,
    exp,
    factorial,
    function,
    inverse,
    ite,
    log,
    lt,
    make,
    measure_symbol,
    notation,
    num,
    oo_int,
    range_,
    relu,
    softmax,
    space,
    sqrt,
    squared_norm,
    unfold,
)
from derivcheck.language.boxes import fill, number, to_latex
from derivcheck.language.printing import latex, mathml, text, unicode
from tests.language.terms_strategy import terms

n = Size("n")
i, k, t = Index("i"), Index("k"), Index("t")
a, b, c = Real("a"), Real("b"), Real("c")
z = Vector("z", n)
X = Matrix("X", n, n)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(terms())
def test_every_term_prints_well_formed(term):
    written = latex(term)
    plain = re.sub(r"\\[{}_]", "", written)  # escaped signs stand for themselves
    depth = 0
    for sign in plain:
        depth += (sign == "{") - (sign == "}")
        assert depth >= 0, written
    assert depth == 0, written
    assert written.count(r"\left") == written.count(r"\right"), written
    assert re.search(r"(?<!\})[_^][^{]", plain) is None, written  # scripts are always groups
    assert re.search(r"\}_\{[^{}]*\}_|\}\^\{[^{}]*\}\^", plain) is None, written  # no double scripts
    parseString(mathml(term))
    unicode(term)


def _values():
    """Small terms with their values: every nesting of two operators."""
    leaves = [(a, 2.0), (b, 3.0), (c, 5.0), (num(2), 2.0), (num(-2), -2.0)]
    one = [
        (lambda x: make("neg", (x,)), lambda u: -u),
        (lambda x: Sum(1, 2, lambda j: x), lambda u: 2 * u),
        (exp, lambda u: math.exp(u) if u < 50 else math.nan),
        (lambda x: sqrt(x), lambda u: u**0.5 if u >= 0 else math.nan),
        (abs_, abs),
        (lambda x: make("add", (x, num(-1))), lambda u: u - 1),
        (lambda x: ite(lt(0, x), x, 1), lambda u: u if u > 0 else 1.0),
    ]
    two = [
        (lambda x, y: make("add", (x, y)), lambda u, v: u + v),
        (lambda x, y: make("add", (x, make("neg", (y,)))), lambda u, v: u - v),
        (lambda x, y: make("mul", (x, y)), lambda u, v: u * v),
        (lambda x, y: make("div", (x, y)), lambda u, v: u / v if v else math.nan),
        (lambda x, y: make("pow", (x, y)), _power),
    ]
    level = leaves
    inner = [(f(x), g(u)) for (x, u), (f, g) in product(level, one)]
    inner += [(f(x, y), g(u, v)) for (x, u), (y, v), (f, g) in product(level, level, two)]
    outer = [(f(x), g(u)) for (x, u), (f, g) in product(inner, one)]
    few = leaves[:2] + leaves[3:]
    outer += [(f(x, y), g(u, v)) for (x, u), (y, v), (f, g) in product(inner, few, two)]
    outer += [(f(y, x), g(v, u)) for (x, u), (y, v), (f, g) in product(inner, few, two)]
    return inner + outer


def _power(u, v):
    try:
        out = u**v
    except (OverflowError, ZeroDivisionError):
        return math.nan
    return math.nan if isinstance(out, complex) else out


def _collisions(write):
    """Pairs of terms that are written alike and have different values."""
    values: dict[str, tuple[float, object]] = {}
    for term, value in _values():
        written = re.sub(r"\s", "", write(term))
        known, other = values.setdefault(written, (value, term))
        same = known == value or (math.isnan(known) and math.isnan(value)) or abs(known - value) < 1e-9 * abs(value)
        if not same:
            yield written, text(other), text(term)


@pytest.mark.parametrize("write", [text, unicode, latex])
def test_terms_that_print_alike_have_one_value(write):
    assert next(_collisions(write), None) is None


@pytest.mark.parametrize("write", [unicode, latex])
def test_a_lost_pair_of_brackets_is_noticed(write, monkeypatch):
    monkeypatch.setattr(notation, "brackets", lambda box: box)
    assert next(_collisions(write), None) is not None


CASES = [
    (Sum(1, n, lambda j: z(j)) * z(Index("j")), r"(\sum_{j' = 1}^{n} z_{j'})\,z_{j}", "(∑_{j′=1}^{n} z_{j′})·zⱼ"),
    (D(z(i) ** 2, z(k)), r"\frac{\partial}{\partial z_{k}}(z_{i}^{2})", "∂(zᵢ²)/∂zₖ"),
    (D(function("f", z.args[0])(i), z(k)), r"\frac{\partial f_{i}}{\partial z_{k}}", "∂fᵢ/∂zₖ"),
    ((a + b) / (a * b), r"\frac{a + b}{a\,b}", "(a + b)/(a·b)"),
    (-((a + b) ** 2), r"-(a + b)^{2}", "−(a + b)²"),
    (a ** (2 * t), r"a^{2\,t}", "a^{2·t}"),
    (a - (b - c), "a - (b - c)", "a − (b − c)"),
    (inverse(X.T @ X)(1, 2), r"((\mathbf{X}^{\top}\,\mathbf{X})^{-1})_{1, 2}", "((Xᵀ·X)⁻¹)_{1,2}"),
    (delta(i, k), r"\delta_{ik}", "δᵢₖ"),
    (Lim(oo_int, lambda t: a**t), r"\lim_{t \to \infty} a^{t}", "lim_{t→∞} aᵗ"),
    (binomial(n, 2) * factorial(n), None, "binom(n, 2)·n!"),
    (log(a) ** 2, r"(\log(a))^{2}", "(log(a))²"),
    (Real("f_0") * Real("alpha"), r"f_{0}\,\alpha", "f₀·α"),
    (squared_norm(z), r"\|\mathbf{z}\|_{2}^{2}", "‖z‖₂²"),
    (relu(a), r"\operatorname{ReLU}(a)", "ReLU(a)"),
    (softmax(z)(i), r"{\operatorname{softmax}(\mathbf{z})}_{i}", "softmax(z)ᵢ"),
]


@pytest.mark.parametrize("term, as_latex, as_unicode", CASES, ids=[text(case[0]) for case in CASES])
def test_notation_of_the_field(term, as_latex, as_unicode):
    if as_latex is not None:
        assert latex(term) == as_latex
    assert unicode(term) == as_unicode


def test_the_outcome_is_left_out_only_where_that_is_unambiguous():
    g = Givens()
    size = g.size("n")
    P = g.probability()
    W = g.random("W", range_(1, size), measure=P)
    assert unicode(E(P, lambda w: W(1, w))) == "𝔼[W_{1}]".replace("_{1}", "₁")
    assert unicode(unfold(Var(P, lambda w: W(1, w)))) == "𝔼[(W₁ − 𝔼[W₁])²]"
    # An independent copy: the second outcome is shown.
    twice = Int(P, lambda w: Int(P, lambda v: W(1, w) * W(1, v)))
    assert unicode(twice) == "𝔼[𝔼_{v∼P}[W₁·W₁(v)]]"


def test_a_measure_that_is_no_probability_is_an_integral():
    g = Givens()
    Z = space("Z")
    mu = g.measure("mu", Z)
    p, q = g.distribution("p", mu), g.distribution("q", mu)
    assert unicode(KL(mu, q, p)) == "D_{KL}(q‖p)"
    assert unicode(unfold(KL(mu, q, p)), g.context) == "∫ q(z)·log(q(z)/p(z)) dμ(z)"
    nu = measure_symbol("nu", space("Omega"))
    f = function("f", space("Omega"))
    shown = Int(nu, lambda w: f(w))
    assert unicode(shown) == "𝔼[f]"
    h = Givens()
    h.measure("nu", space("Omega"))
    assert unicode(shown, h.context) == "∫ f(w) dν(w)"


def test_names_that_would_look_alike_are_told_apart():
    x = Vector("x", n)
    assert latex(Real("x_1") * x(1)) == r"\mathrm{x\_1}\,x_{1}"
    assert len({latex(Real(name) * Real("y_1") - Real("y1")) for name in ("y_1", "y1")}) == 2
    # a bound variable that would print like the symbol
    alpha = Real("α")
    bound = Sum(1, n, lambda alpha: Real("α") * z(alpha))
    assert latex(bound) == r"\sum_{\alpha' = 1}^{n} \alpha\,z_{\alpha'}"
    assert latex(alpha) == r"\alpha"


def test_a_template_is_read_into_boxes():
    assert to_latex(fill(r"\mathcal{T}_{0}^{{2}}", [number(7)])) == r"\mathcal{T}_{7}^{2}"
    assert fill(r"\unknowncommand({0})", [number(7)]) is None
    assert fill(r"{0", [number(7)]) is None
    d = define("T", lambda x: x, r"\unknowncommand({0})")
    assert latex(d(a)) == r"\operatorname{T}(a)"


def test_a_huge_shared_graph_is_cut_off_and_does_not_read_back():
    term = a
    for _ in range(40):
        term = make("mul", (term, term))
    assert "…" in text(term)
    assert "…" in unicode(term)


def test_a_term_nested_too_deep_is_cut_off():
    term = a
    for _ in range(100_000):
        term = make("neg", (term,))
    assert text(term) == latex(term).replace(r"\dots", "…") == unicode(term) == "…"
    assert repr(term) == "…"
    parseString(mathml(term))
