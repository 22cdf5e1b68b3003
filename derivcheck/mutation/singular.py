"""Where does a value cease to exist?  A scalar is solved for, so that a matrix is singular or a denominator zero.

``I − γP`` is singular only where 1/γ is an eigenvalue of P, which draws do not meet.  With all else drawn, its
determinant is a polynomial in γ: it is found by interpolation, its rational roots are exact, and at each of them the
hypotheses and the statement are judged like anywhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import islice

from flint import fmpq, fmpq_mat, fmpq_poly

from derivcheck.language import Context, Declaration, Term, det, free_symbols, num, unfold
from derivcheck.language.terms import subterms
from derivcheck.semantics.cases import Case, Drawn, drawn, judge_record, positions
from derivcheck.semantics.choices import PLANS, ReplayedChoices
from derivcheck.semantics.counterexamples import described
from derivcheck.semantics.evaluate import Evaluator
from derivcheck.semantics.interpretation import Interpretation, Reject
from derivcheck.semantics.judgement import Truth
from derivcheck.semantics.numbers import EvaluationError
from derivcheck.semantics.pools import digest

#: Interpretations in which a scalar is solved for; those of `instances.check` with the same seed.
DRAWS = 128
#: How many failures are found before the shortest is shown.
FOUND = 4
#: The most pairs of a scalar and a term that is made zero.
MOST = 4
#: Polynomials of a higher degree are not looked for; one more value than it takes must agree.
DEGREE = 6


def search(
    context: Context, statement: Term, seed: int, *, safe: Term | None = None, budget: int = 200_000
) -> Case | None:
    """An interpretation at which `statement` fails or has no value, where something in it vanishes.

    Of the first few that are found, the one that is shortest to write.

    Parameters
    ----------
    safe : Term or None
        A statement that is known to have a value here: what must not vanish in it does not.
    """
    known = set(subterms(unfold(safe))) if safe is not None else set()
    pairs = dict.fromkeys(_pairs(context, (part for part in subterms(unfold(statement)) if part not in known)))
    cases = islice(_cases(context, statement, list(pairs)[:MOST], seed, budget), FOUND)
    return min(cases, key=lambda case: len(str(described(case))), default=None)


def _cases(context: Context, statement: Term, pairs: list[tuple[Term, Term]], seed: int, budget: int) -> Iterator[Case]:
    for t in range(DRAWS if pairs else 0):
        found = drawn(context, digest(seed, "instance", t), PLANS[t % len(PLANS)], budget, thorough=False)
        if isinstance(found, str):
            continue
        for scalar, term in pairs:
            for root in _roots(found, scalar, term, budget):
                there = context.extended(_defined(scalar, root))
                try:
                    case = judge_record(there, statement, positions(found.choices), budget=budget, then=found.choices)
                except Reject:
                    continue
                fails = case.judgement.truth in (Truth.FALSE, Truth.UNDEFINED) and not case.judgement.kink
                if fails and case.hypotheses.trusted:
                    yield case


def _pairs(context: Context, parts: Iterable[Term]) -> Iterator[tuple[Term, Term]]:
    """A declared scalar, and a number that must not be zero and depends on it."""
    scalars = [d.symbol for d in context.declarations if d.kind == "real"]
    for part in parts:
        if part.loose:
            continue
        match part.op:
            case "inverse":
                needed = det(part.args[0])
            case "pred" if part.data == "invertible":
                needed = det(part.args[0])
            case "div":
                needed = part.args[1]
            case "pow" if part.args[1].op != "num" or part.args[1].data < 0:
                needed = part.args[0]
            case _:
                continue
        inside = free_symbols(needed)
        yield from ((s, needed) for s in scalars if s is not None and s in inside)


def _defined(scalar: Term, value: fmpq) -> Declaration:
    """The assumption that a scalar has a value; it overrides the scalar's model, and the facts are judged anew."""
    number = num(Fraction(int(value.p), int(value.q)))
    return Declaration(None, "assumption", (), "solved", ((scalar, number),))


def _roots(found: Drawn, scalar: Term, term: Term, budget: int) -> list[fmpq]:
    """The rationals at which `term` is zero, if it is a polynomial in `scalar` where all else is as drawn."""
    values: list[tuple[fmpq, fmpq]] = []
    for k in range(DEGREE + 2):
        x = fmpq((k + 1) // 2 * (1 if k % 2 else -1))
        world = Interpretation(
            found.world.context.extended(_defined(scalar, x)),
            ReplayedChoices(positions(found.choices), found.choices),
            budget,
        )
        try:
            y = Evaluator(world, budget).value(term)
        except (EvaluationError, Reject):  # entries that nothing has looked at yet may be impossible
            return []
        if not isinstance(y, fmpq):
            return []
        values.append((x, y))
    powers = fmpq_mat([[x**k for k in range(DEGREE + 1)] for x, _ in values[:-1]])
    polynomial = fmpq_poly(powers.solve(fmpq_mat([[y] for _, y in values[:-1]])).entries())
    x, y = values[-1]
    if polynomial(x) != y or polynomial.degree() < 1:
        return []
    return [root for root, _ in polynomial.roots()]
