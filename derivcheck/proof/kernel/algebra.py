"""Equations and comparisons by the normal form and by linear combinations."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from derivcheck.language import (
    INT,
    REAL,
    Context,
    Term,
    domains,
    eq,
    ne,
    num,
    real,
    sort_of_domain,
    unfold,
)
from derivcheck.proof.kernel.equality import extensionality
from derivcheck.proof.kernel.logic import weaken
from derivcheck.proof.kernel.quantifiers import generalise, opened
from derivcheck.proof.kernel.theorem import (
    ProofError,
    Theorem,
    conclude,
    failure,
    fresh_names,
    need_closed,
    same_context,
    vanishing,
)
from derivcheck.proof.normal_form import Normaliser, Unknown, to_term
from derivcheck.proof.normal_form.poly import Poly, plus


class Different(ProofError):
    """The sides of an equation have normal forms that differ by `difference`, under `conditions`: no proof."""

    def __init__(self, statement: Term, difference: Poly, conditions: Iterable[Term]) -> None:
        super().__init__()
        self.statement = statement
        self.difference = difference
        self.conditions = tuple(conditions)

    def __str__(self) -> str:
        # Written when somebody reads it: search tries much that fails.
        return f"normal_form: '{self.statement}': the sides differ by '{to_term(self.difference)}'"


def normal_form(context: Context, p: Term, using: Iterable[Theorem] = ()) -> Theorem:
    """``⊢ p`` by the normal form: an equation whose sides have one normal form, or a comparison that follows
    from signs and linear combinations of what is known.

    The statements of `using` are known too; their hypotheses and conditions are inherited.
    """
    using = tuple(using)
    same_context("normal_form", context, using)
    need_closed("normal_form", context, p)
    extra = [t.statement for t in using]
    normaliser = Normaliser(context, extra)
    try:
        if p.op == "eq" and p.args[0].sort == REAL:
            difference = normaliser.nf(unfold(p.args[0]) - unfold(p.args[1]))
            so_far = tuple(normaliser.conditions)
            if not normaliser.is_zero(difference):
                raise Different(p, difference, so_far)
        elif p.op == "eq" and p.args[0].sort.kind == "fun":
            return _pointwise(context, p, using)
        elif not normaliser.facts.holds(unfold(p)):
            raise failure("normal_form", f"'{p}' does not follow from what is known")
    except Unknown as unknown:
        raise failure("normal_form", f"'{p}': {unknown}") from None
    conditions = [c for c in normaliser.conditions if not normaliser.facts.holds(c)]
    conditions += vanishing("normal_form", context, *extra, shown=p)
    return conclude("normal_form", context, p, using, more_conditions=conditions)


def _pointwise(context: Context, p: Term, using: tuple[Theorem, ...]) -> Theorem:
    a, b = p.args
    if domains(a) != domains(b):
        raise failure("normal_form", f"'{p}': the shapes differ")
    fresh = fresh_names(context, p)
    names, inner = [], context
    for d in domains(a):
        v = fresh.symbol("i", sort_of_domain(d), d.args[:-1] if d.op == "functions" else ())
        names.append((v, d))
        inner = inner.extended(opened(v, d))
    th = normal_form(inner, eq(a(*(v for v, _ in names)), b(*(v for v, _ in names))), [weaken(t, inner) for t in using])
    for v, d in reversed(names):
        th = generalise(th, v, d)
    return extensionality(th, p)


def linear(context: Context, goal: Term, combination: Iterable[tuple[Theorem, Term]]) -> Theorem:
    """LIN: ``b − a = Σ cᵢ(bᵢ − aᵢ) + r`` with ``cᵢ >= 0`` and ``r >= 0`` gives ``a <= b`` from ``aᵢ <= bᵢ``.

    Strict where ``r > 0`` or a strict premise has ``cᵢ > 0``.  A premise that is an equation may have any factor.
    """
    combination = tuple(combination)
    premises = tuple(t for t, _ in combination)
    same_context("linear", context, premises)
    if goal.op not in ("le", "lt", "eq"):
        raise failure("linear", f"'{goal}' is not a comparison")
    need_closed("linear", context, goal, *(c for _, c in combination))
    normaliser = Normaliser(context)
    strict = False
    try:
        rest = _difference(normaliser, goal)
        for t, c in combination:
            if t.statement.op not in ("le", "lt", "eq"):
                raise failure("linear", f"the premise '{t.statement}' is not a comparison")
            factor = normaliser.nf(unfold(c))
            if t.statement.op != "eq":
                s = normaliser.facts.sign(unfold(c))
                if s is None or s < 0:
                    raise failure("linear", f"the factor '{c}' is not known to be non-negative")
                strict = strict or (t.statement.op == "lt" and s == 1)
            rest = plus(rest, normaliser.times(factor, _difference(normaliser, t.statement)), Fraction(-1))
        if not normaliser.is_zero(rest):
            s = normaliser.facts.poly_sign(normaliser.reduce(rest)) if goal.op != "eq" else None
            if s is None or s < 0:
                raise failure("linear", f"'{goal}': '{to_term(rest)}' is left over")
            strict = strict or s == 1
    except Unknown as unknown:
        raise failure("linear", f"'{goal}': {unknown}") from None
    if goal.op == "lt" and not strict:
        raise failure("linear", f"'{goal}': no premise with a positive factor is strict")
    if goal.op == "eq" and any(t.statement.op != "eq" for t in premises):
        raise failure("linear", "an equation needs equations")
    conditions = [c for c in normaliser.conditions if not normaliser.facts.holds(c)]
    factors = tuple(c for _, c in combination)
    return conclude("linear", context, goal, premises, more_conditions=conditions, factors=factors)


def _difference(n: Normaliser, p: Term) -> Poly:
    """Right side minus left side."""
    a, b = (unfold(real(x) if x.sort == INT else x) for x in p.args)
    return plus(n.nf(b), n.nf(a), Fraction(-1))


def square_zero(th: Theorem) -> Theorem:
    """``⊢ a² <= 0`` gives ``⊢ a = 0``."""
    p = th.statement
    if p.op != "le" or p.args[1] != num(0) or p.args[0].op != "pow" or p.args[0].args[1] != num(2):
        raise failure("square_zero", f"'{p}' is not a square at most zero")
    return conclude("square_zero", th.context, eq(p.args[0].args[0], 0), [th])


def zero_product(th: Theorem, nonzero: Theorem) -> Theorem:
    """``⊢ c·a = 0`` and ``⊢ c ≠ 0`` give ``⊢ a = 0``."""
    same_context("zero_product", th.context, [nonzero])
    p, q = th.statement, nonzero.statement
    if p.op != "eq" or p.args[1] != num(0) or p.args[0].op != "mul" or len(p.args[0].args) != 2:
        raise failure("zero_product", f"'{p}' is not 'c*a = 0'")
    c, a = p.args[0].args
    if q != ne(c, 0):
        raise failure("zero_product", f"'{q}' does not say that '{c}' is not zero")
    more = vanishing("zero_product", th.context, c, shown=eq(a, 0))
    return conclude("zero_product", th.context, eq(a, 0), [th, nonzero], more_conditions=more)
