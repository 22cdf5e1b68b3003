"""`decide` on questions that other systems answer wrongly, and on ones that may not end."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import sympy as s

import derivcheck
from derivcheck.decision import Decision, decide
from derivcheck.language import (
    D,
    Givens,
    Index,
    LanguageError,
    Real,
    Size,
    Sum,
    Vector,
    abs_,
    delta,
    exp,
    log,
    max_,
    num,
    real,
    softmax,
    sqrt,
)

x, y = s.symbols("x y", real=True)
p, q = s.symbols("p q", positive=True)
n, k, m = s.symbols("n k m", integer=True, positive=True)
t = s.Symbol("t", integer=True, nonnegative=True)
i, j = s.symbols("i j", integer=True)
bare = s.Symbol("z")

EQUAL = [
    (s.sin(x + y), s.sin(x) * s.cos(y) + s.cos(x) * s.sin(y)),
    (s.cos(3 * x), 4 * s.cos(x) ** 3 - 3 * s.cos(x)),
    (s.sin(x / 2) ** 2, (1 - s.cos(x)) / 2),
    (s.sin(x + s.pi / 6), s.sqrt(3) / 2 * s.sin(x) + s.cos(x) / 2),
    (s.cosh(x) ** 2 - s.sinh(x) ** 2, 1),
    (s.log(p * q), s.log(p) + s.log(q)),
    (s.log(x * y), s.log(x) + s.log(y)),  # both are defined only for positive x and y
    (s.sqrt(x**2), s.Abs(x)),
    (s.Max(x, y) + s.Min(x, y), x + y),
    (s.Max(x, y), (x + y + s.Abs(x - y)) / 2),
    (s.Piecewise((x, x > 0), (-x, True)), s.Abs(x)),
    (s.Piecewise((0, x < 0), (1, x < 1), (2, True)), s.Heaviside(x, 1) + s.Heaviside(x - 1, 1)),
    (s.Abs(x * y), s.Abs(x) * s.Abs(y)),
    (s.sign(x) * s.Abs(x), x),
    (s.Sum(i, (i, 1, n)), n * (n + 1) / 2),
    (s.Sum(p**i, (i, 0, n - 1)), (1 - p**n) / (1 - p)),
    (s.Sum(1 / (i * (i + 1)), (i, 1, n)), n / (n + 1)),
    (s.Sum(s.binomial(t, i), (i, 0, t)), 2**t),
    (s.Sum(i * s.factorial(i), (i, 1, n)), s.factorial(n + 1) - 1),
    (s.Product(i, (i, 1, n)), s.factorial(n)),
    (s.binomial(n + 1, k), s.binomial(n, k) + s.binomial(n, k - 1)),
    (s.binomial(n, 2), n * (n - 1) / 2),
    (s.binomial(n, i), s.binomial(n, n - i)),  # inside the triangle and outside
    (i * s.binomial(n, i), n * s.binomial(n - 1, i - 1)),
    (s.binomial(n, m) * s.binomial(m, k), s.binomial(n, k) * s.binomial(n - k, m - k)),
    (s.gamma(p + 2), p * (p + 1) * s.gamma(p)),
    (s.gamma(n), s.factorial(n - 1)),
    (
        s.exp(-((x - 1) ** 2) / p) * s.exp(-((x + 1) ** 2) / q),
        s.exp(-((q * (x - 1) ** 2) + p * (x + 1) ** 2) / (p * q)),
    ),
    (s.sqrt(2) * s.sqrt(3), s.sqrt(6)),
    (s.Derivative(s.tanh(x), x), 1 - s.tanh(x) ** 2),
    (s.cos(s.pi * n), (-1) ** n),
]

DIFFERENT = [
    (s.sqrt(x**2), x),
    (s.sqrt(bare**2), bare),
    (s.log(x**2), 2 * s.log(s.Abs(x)) + x),
    (s.Sum(1, (i, 1, m - 3)), m - 3),  # an empty sum is 0
    (s.Sum(1, (i, 1, -1)), -1),  # Karr's convention
    (s.Product(2, (i, 1, -1)), s.Rational(1, 2)),
    (180 * s.acos(s.Rational(7823207, 7823209)) / s.pi, s.Rational(410, 10007)),
    (s.atan(x) + s.atan(1 / x), s.pi / 2),
    (s.Max(x, y), x),
    (s.Piecewise((x, x >= 0), (x**2, True)), s.Abs(x)),
    (s.Heaviside(x, 1), s.Heaviside(x, s.Rational(1, 2))),
    (s.Sum(i * p**i, (i, 1, n)), p * (1 - n * p**n + n * p ** (n + 1)) / (1 - p) ** 2),
    (s.binomial(n + 1, k), s.binomial(n, k) + s.binomial(n, k + 1)),
    (s.binomial(n, i), s.binomial(n, n - i - 1)),
    (i * s.binomial(n, i), n * s.binomial(n - 1, i)),
    (s.gamma(p + 1), p * s.gamma(p + 1)),
    (s.cos(s.pi * n), 1),
    (p**x * p**y, p ** (x * y)),
]


@pytest.mark.parametrize(("left", "right"), EQUAL)
def test_true(left: object, right: object) -> None:
    decision = decide(left, right)
    assert decision.verdict == "equal", decision
    assert decision.decider


@pytest.mark.parametrize(("left", "right"), EQUAL)
def test_a_planted_error_is_seen(left: object, right: object) -> None:
    decision = decide(left, right + s.Rational(1, 10**9))  # type: ignore[operator]
    assert decision.verdict == "different", decision


@pytest.mark.parametrize(("left", "right"), DIFFERENT)
def test_false(left: object, right: object) -> None:
    decision = decide(left, right)
    assert decision.verdict == "different", decision
    assert decision.counterexample


def test_terms_with_symbolic_size_need_no_context() -> None:
    size = Size("n")
    z, a, b = Vector("z", size), Index("i"), Index("k")
    right = softmax(z)(a) * (delta(a, b) - softmax(z)(b))
    assert decide(D(softmax(z)(a), z(b)), right).verdict == "equal"
    assert decide(D(softmax(z)(a), z(b)), softmax(z)(a) * (delta(a, b) + softmax(z)(b))).verdict == "different"


def power_sum(v: object, size: object, k: int) -> object:
    return Sum(1, size, lambda j: v(j) ** k)  # type: ignore[operator,arg-type]


def test_identities_that_vanish_at_small_sizes_only() -> None:
    g = Givens()
    size = g.size("n")
    v = g.vector("x", size)
    p1, p2, p3, p4 = (power_sum(v, size, k) for k in (1, 2, 3, 4))
    newton = p1**4 - 6 * p1**2 * p2 + 3 * p2**2 + 8 * p1 * p3 - 6 * p4  # type: ignore[operator]
    assert decide(newton, 0, g.context).verdict == "different"
    assert decide((size - 1) * (real(size) - 2) * (real(size) - 3) * p1, 0, g.context).verdict == "different"
    assert decide(p1**3 + 2 * p3, 3 * p1 * p2, g.context).verdict == "different"  # type: ignore[operator]


def test_conditions_are_listed_and_assumptions_discharge_them() -> None:
    a = Real("a")
    assert decide(exp(log(a)), a).conditions == ("0 < a",)
    g = Givens()
    positive = g.real("a", above=0)
    assert decide(exp(log(positive)), positive, g.context).conditions == ()
    assert decide(sqrt(positive**2), positive, g.context).verdict == "equal"
    assert decide(sqrt(a**2), a).verdict == "different"


def test_a_condition_that_is_no_definedness_is_looked_behind() -> None:
    left = s.Piecewise((t, y >= 1), (s.Sum((-1) ** j, (j, 1, t - 1)), True))
    right = s.Piecewise((t, y >= 1), (-((-1) ** t) / 2 - s.Rational(1, 2), True))
    decision = decide(left, right)  # equal for every t but 0
    assert decision.verdict == "different", decision
    assert "t = 0" in str(decision.counterexample)
    alternating = (-1) ** m / 2 - (-1) ** (t + 1) / 2
    assert decide(s.Max(y, s.Sum((-1) ** j, (j, m, t))), s.Max(y, alternating)).verdict == "different"
    assert decide(same(x, 1) / x * s.exp(s.log(x)), x).verdict == "equal"


def test_nothing_is_equal_where_nothing_is_defined() -> None:
    a = Real("a")
    assert decide(log(a) + log(-a), num(7)).verdict == "undecided"


def test_a_context_and_sympy_symbols_of_one_name_are_one() -> None:
    g = Givens()
    size = g.size("n")
    assert (
        decide(Sum(1, size, lambda j: real(j)), s.Symbol("n") * (s.Symbol("n") + 1) / 2, g.context).verdict == "equal"
    )
    g.real("c", above=1)
    assert decide(abs_(Real("c") - 1), s.Symbol("c", real=True) - 1, g.context).verdict == "equal"


def tower(*levels: int) -> object:
    out: object = s.Integer(levels[-1])
    for base in reversed(levels[:-1]):
        out = s.Pow(base, out, evaluate=False)
    return out


def term_tower(*levels: int) -> object:
    out: object = num(levels[-1])
    for base in reversed(levels[:-1]):
        out = num(base) ** out  # type: ignore[operator]
    return out


def test_enormous_numbers_do_not_freeze() -> None:
    assert decide(tower(9, 9, 9, 9), tower(9, 9, 9, 9)).verdict == "equal"
    for right in (tower(9, 9, 9, 8), 7):
        assert decide(tower(9, 9, 9, 9), right, deadline=2).verdict in ("different", "undecided")
    assert decide(term_tower(9, 9, 9, 9), term_tower(9, 9, 9, 9) + num(1), deadline=2).verdict in (  # type: ignore[operator]
        "different",
        "undecided",
    )
    big = s.factorial(10**12, evaluate=False)
    assert isinstance(decide(big, big + 1, deadline=2), Decision)


def test_large_expansions_end() -> None:
    a, b, c, d = (Real(name) for name in "abcd")
    total = a + b + c + d + max_(a, b)
    assert decide(total**60, total**59 * total, deadline=3).verdict in ("equal", "undecided")
    assert decide(total**60, total**59 * total + 1, deadline=3).verdict in ("different", "undecided")
    nested = a
    for _ in range(300):
        nested = exp(nested) - nested
    assert isinstance(decide(nested, a, deadline=3), Decision)


def test_what_cannot_be_said_is_undecided_with_the_reason() -> None:
    decision = decide(s.I * x, x)
    assert decision.verdict == "undecided"
    assert "ImaginaryUnit" in decision.notes[0]
    assert decide(s.zeta(p), s.zeta(p)).verdict == "undecided"
    assert decide(s.floor(x), x).verdict == "undecided"


def test_a_symbol_without_assumptions_is_read_as_real_and_that_is_said() -> None:
    decision = decide(s.Abs(bare) ** 2, bare**2)
    assert any("real" in note for note in decision.notes)
    assert decision.conditions == ("z is real",)


def test_questions_that_are_not_well_formed() -> None:
    with pytest.raises(TypeError):
        decide("x", 1)
    with pytest.raises(LanguageError):
        decide(Vector("v", 3), Real("a"))
    with pytest.raises(LanguageError):
        decide(Real("a") <= 1, Real("a") <= 1)


def test_a_decision_is_not_a_truth_value() -> None:
    with pytest.raises(TypeError):
        bool(decide(1, 1))


def test_numbers() -> None:
    assert decide(Fraction(1, 3), num(Fraction(2, 6))).verdict == "equal"
    assert decide(0.5, Fraction(1, 2)).verdict == "equal"
    assert decide(0.1, Fraction(1, 10)).verdict == "different"


def test_the_same_question_has_the_same_answer() -> None:
    assert decide(s.sqrt(x**2), x) == decide(s.sqrt(x**2), x)


def same(base: object, exponent: object) -> object:
    return s.Pow(base, exponent, evaluate=False)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (s.sqrt(2) + s.sqrt(3), s.sqrt(5 + 2 * s.sqrt(6))),
        (s.cbrt(7 + 5 * s.sqrt(2)), 1 + s.sqrt(2)),
        (s.sqrt(4 + s.sqrt(7)) - s.sqrt(4 - s.sqrt(7)), s.sqrt(2)),
        (s.cbrt(s.cbrt(2) - 1), (1 - s.cbrt(2) + s.cbrt(4)) / s.cbrt(9)),
    ],
)
def test_nested_roots_of_numbers(left: s.Expr, right: s.Expr) -> None:
    assert decide(left, right).decider == "separation bound"
    assert decide(left, right + s.Rational(1, 10**900)).verdict == "different"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (s.tanh(s.Integer(500)), 1),
        (s.exp(1) + s.Rational(1, 10**400), s.exp(1)),
        (s.exp(s.pi * s.sqrt(163)), 262537412640768744),
        (s.sqrt(10**400 + 1), 10**200),
    ],
)
def test_numbers_that_differ_far_behind_the_point(left: object, right: object) -> None:
    decision = decide(left, right)
    assert decision.verdict == "different", decision
    assert decision.counterexample and not decision.counterexample.startswith(":")


def test_an_undecided_question_without_symbols_speaks_of_numbers() -> None:
    (note,) = decide(s.exp(s.pi), s.exp(s.pi) + s.exp(-s.exp(9))).notes
    assert "instances" not in note and "numbers agree" in note


@pytest.mark.parametrize(
    "left", [same(0, -1), same(s.Add(x, -x, evaluate=False), -1), same(x - x - 2, s.Rational(1, 2))]
)
def test_what_has_no_value_is_not_even_equal_to_itself(left: object) -> None:
    assert decide(left, left).verdict == "undecided"


def test_an_integral_that_does_not_exist_has_a_deadline() -> None:
    decision = decide(s.Integral(1 / x, (x, -1, 1)), 0, deadline=1)
    assert (decision.verdict, "not finished" in decision.notes[0]) == ("undecided", True)


def test_sums_over_the_upper_index_of_a_binomial_break_nothing() -> None:
    assert not any("Error" in note for note in decide(s.Sum(s.binomial(j, t), (j, t, t + n)), t).notes)


def test_whole_numbers_of_other_libraries() -> None:
    assert decide(np.int64(3), s.Integer(3)).verdict == "equal"


def test_it_is_at_the_front_door() -> None:
    assert derivcheck.decide(x + x, 2 * x).verdict == "equal"


def test_contradictory_hypotheses_prove_nothing() -> None:
    g = Givens()
    a = g.real("a", above=1, below=0)
    assert decide(a, a + 1, g.context).verdict == "undecided"
    assert decide((a + 1) ** 2, a**2 + 2 * a + 1, g.context).verdict == "undecided"


def test_a_known_limit_is_left_open_and_never_called_different() -> None:
    # Two nested inductions over binomial sums: true, and not always found.
    mean = s.Sum(i * s.binomial(t, i), (i, 0, t))
    assert decide(mean, t * 2 ** (t - 1)).verdict in ("equal", "undecided")
    assert decide(mean, t * 2**t).verdict == "different"
