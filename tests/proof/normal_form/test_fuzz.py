"""Three fuzzers: a normal form has its term's value, rewritten terms are recognised, derivatives are differences."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from nf_evaluator import Undefined, close
from nf_generator import CONTEXT, B, K, M, Maker, S, X, world
from nf_rewriting import step

from derivcheck.language import D, Prod, Sum, Term, exp, free_symbols
from derivcheck.proof.normal_form import Normaliser, Unknown, to_term
from derivcheck.proof.normal_form.poly import plus

#: Reasons of the evaluator that say nothing about the term.
TOO_HARD = ("too close to compare", "too long", "too large", "exp of a large number", "a large power")


def closed(context_symbols: frozenset[Term], *terms: Term) -> bool:
    return all(free_symbols(t) <= context_symbols for t in terms)


SYMBOLS = frozenset(CONTEXT.symbols())


def check_value(seed: int, size: int) -> tuple[int, bool]:
    """Evaluate a random term and its normal form in random worlds; how many could be compared, and did it answer?"""
    t = Maker(random.Random(seed)).real(size)
    n = Normaliser(CONTEXT)
    try:
        normal = to_term(n.nf(t))
    except Unknown:
        return 0, False
    assert closed(SYMBOLS, normal, *n.conditions), f"{seed}: a variable escapes its binder in the normal form of {t}"
    compared = 0
    for k in range(10):
        w = world(random.Random(f"{seed}-{k}"))
        try:
            if not all(w.truth(c, {}) for c in n.conditions):
                continue
        except Undefined:
            continue
        try:
            value = w.real(t, {})
        except Undefined as e:
            assert str(e) in TOO_HARD, f"{seed}: {t} has no value ({e}) although its conditions hold"
            continue
        try:
            found = w.real(normal, {})
        except Undefined:
            continue
        compared += 1
        assert close(value, found), f"{seed}: {t} is {value}, its normal form {normal} is {found}"
    return compared, True


@pytest.mark.parametrize("block", range(6))
def test_a_normal_form_has_the_value_of_its_term(block: int) -> None:
    results = [check_value(seed, 3) for seed in range(1000 * block, 1000 * block + 70)]
    assert sum(c for c, _ in results) > 200  # the worlds are not all excluded
    assert sum(answered for _, answered in results) > 60


def test_also_for_larger_terms() -> None:
    results = [check_value(seed, 4) for seed in range(50_000, 50_060)]
    assert sum(c for c, _ in results) > 100


def check_derivative(seed: int, size: int) -> int:
    rng = random.Random(seed)
    f = Maker(rng, expectations=False).real(size)
    at = rng.choice([X, X, B(K), S(K, K)])
    f = rng.choice(
        [
            lambda: f,
            lambda: f * X,
            lambda: exp(X * B(K)) * f,
            lambda: Sum(1, M, lambda j: f * B(j) ** 2 * S(j, K)),
            lambda: Prod(1, M, lambda j: X + B(j) ** 2) * f,
        ]
    )()
    n = Normaliser(CONTEXT)
    try:
        normal = to_term(n.nf(D(f, at)))
    except Unknown:
        return 0
    assert closed(SYMBOLS, normal, *n.conditions), f"{seed}: a variable escapes in the derivative of {f}"
    compared = 0
    h = Fraction(1, 2**12)
    for k in range(6):

        def shifted(by: Fraction, k: int = k) -> float:
            w = world(random.Random(f"{seed}-{k}"))
            if at == X:
                w.values["x"] += by
            else:
                name, i = str(at.args[0].data), w.values["k"]
                entry = (i,) if name == "b" else (i, i)
                w.values[name] = {**w.values[name], entry: w.values[name][entry] + by}
            return w.real(f, {})

        w = world(random.Random(f"{seed}-{k}"))
        try:
            if not all(w.truth(c, {}) for c in n.conditions):
                continue
            found = w.real(normal, {})
            wide, narrow = ((shifted(s) - shifted(-s)) / (2 * s) for s in (h, h / 2))
        except Undefined:
            continue
        measured = (4 * narrow - wide) / 3  # Richardson: error O(h⁴)
        compared += 1
        assert abs(measured - found) <= 1e-4 * (1 + abs(measured) + abs(found)), (
            f"{seed}: the derivative of {f} by {at} is {measured}, found {found} = {normal}"
        )
    return compared


def test_a_derivative_is_the_limit_of_differences() -> None:
    assert sum(check_derivative(seed, 2) for seed in range(150)) > 300
    assert sum(check_derivative(seed, 3) for seed in range(1000, 1100)) > 150


def test_equivalent_rewritings_are_recognised() -> None:
    """At least 88 % of random pairs of equal terms; the others are 'unknown', never a wrong answer."""
    recognised = total = 0
    for seed in range(250):
        rng = random.Random(seed)
        t = u = Maker(rng).real(3)
        names = []
        for _ in range(2):
            found = step(u, rng)
            if found is not None:
                u = found[0]
                names.append(found[1])
        if not names:
            continue
        n = Normaliser(CONTEXT)
        try:
            same = n.is_zero(plus(n.nf(t), n.nf(u), Fraction(-1)))
        except Unknown:
            same = False
        total += 1
        recognised += same
    assert total > 200
    assert recognised >= 0.88 * total


def test_near_misses_are_not_recognised() -> None:
    """Adding a term that is not zero is never overlooked."""
    for seed in range(80):
        rng = random.Random(seed)
        t = Maker(rng).real(3)
        n = Normaliser(CONTEXT)
        extra = rng.choice([X, X * B(K), Sum(1, M, lambda j: B(j)), exp(X)])
        try:
            assert not n.is_zero(plus(n.nf(t), n.nf(t + extra), Fraction(-1))), f"{t} = {t + extra}"
        except Unknown:
            continue
