"""The kernel: the only place where a `Theorem` is made.

A theorem ``Γ; H ⊢ p  [C]`` says: for every interpretation of the Context ``Γ`` in which the hypotheses ``H`` and the
conditions ``C`` hold, the proposition ``p`` holds wherever its terms are defined.  Each rule below carries its
inference figure; a rule checks what it is given and trusts no caller.  Everything else in ``derivcheck.proof``
(textbook rules, descent, search) calls these functions and cannot make a theorem otherwise.

The normal form (`derivcheck.proof.normal_form`) is the one large trusted piece; it is used here by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from derivcheck.language import (
    INT,
    MEASURE,
    PROP,
    REAL,
    Context,
    Declaration,
    ForAll,
    Fresh,
    Int,
    Property,
    Sort,
    Sum,
    Term,
    abs_,
    abstract,
    and_,
    derivative_at,
    domain_of_measure,
    domains,
    eq,
    free_symbols,
    functions,
    implies,
    instantiate,
    integer,
    le,
    log,
    lt,
    make,
    ne,
    not_,
    num,
    oo_int,
    predicate,
    range_,
    real,
    reals,
    sort_of_domain,
    substitute,
    subterms,
    true,
    unfold,
)
from derivcheck.language.context import for_all_arguments
from derivcheck.language.terms import function_sort, open_binder, rebuild, variable_sort
from derivcheck.proof.definedness import NotKnown, definedness
from derivcheck.proof.normal_form import Normaliser, Unknown, to_term
from derivcheck.proof.normal_form.calculus import generalised
from derivcheck.proof.normal_form.poly import Poly, plus
from derivcheck.proof.words import decide_words


class ProofError(ValueError):
    """A rule that does not apply; the message names the rule and what it was given."""


_KEY = object()


@dataclass(frozen=True, slots=True, init=False)
class Theorem:
    """``context; hypotheses ⊢ statement [conditions]``, with the rule and the premises it came from."""

    context: Context
    hypotheses: frozenset[Term]
    statement: Term
    conditions: frozenset[Term]
    rule: str
    premises: tuple[Theorem, ...]
    parameters: tuple[tuple[str, Any], ...]

    def __init__(self, *_: object) -> None:
        raise ProofError("only the kernel's rules make theorems")

    def __repr__(self) -> str:
        left = ", ".join(sorted(map(str, self.hypotheses)))
        conditions = f"  [{', '.join(sorted(map(str, self.conditions)))}]" if self.conditions else ""
        return f"{left} ⊢ {self.statement}{conditions}"


def _theorem(
    key: object,
    rule: str,
    context: Context,
    statement: Term,
    premises: Iterable[Theorem] = (),
    *,
    hypotheses: Iterable[Term] | None = None,
    conditions: Iterable[Term] | None = None,
    more_conditions: Iterable[Term] = (),
    **parameters: Any,
) -> Theorem:
    if key is not _KEY:
        raise ProofError("only the kernel's rules make theorems")
    premises = tuple(premises)
    for t in premises:
        if not isinstance(t, Theorem):
            raise ProofError(f"{rule}: {t!r} is not a theorem")
    th = object.__new__(Theorem)
    put = object.__setattr__
    put(th, "context", context)
    put(th, "statement", statement)
    inherited = frozenset(h for t in premises for h in t.hypotheses)
    put(th, "hypotheses", inherited if hypotheses is None else frozenset(hypotheses))
    inherited = frozenset(c for t in premises for c in t.conditions)
    put(th, "conditions", (inherited if conditions is None else frozenset(conditions)) | frozenset(more_conditions))
    put(th, "rule", rule)
    put(th, "premises", premises)
    put(th, "parameters", tuple(sorted(parameters.items())))
    return th


def _same_context(rule: str, context: Context, premises: Iterable[Theorem]) -> None:
    for t in premises:
        if t.context != context:
            raise ProofError(f"{rule}: the premise '{t}' lives in another context (use weaken)")


def _vanishing(rule: str, context: Context, *terms: Term, shown: Term) -> list[Term]:
    """The undischarged conditions under which terms that the conclusion `shown` no longer shows are defined.

    A theorem speaks of the points where its own terms are defined, so what `shown` needs is not asked again.
    """
    n = Normaliser(context)
    try:
        implied = definedness(shown, n)
    except NotKnown:
        implied = []
    try:
        return [c for t in terms for c in definedness(t, n) if c not in implied and not n.facts.holds(c)]
    except NotKnown as unknown:
        raise _fail(rule, str(unknown)) from None


def _fail(rule: str, why: str) -> ProofError:
    return ProofError(f"{rule}: {why}")


def _fresh(context: Context, *terms: Term) -> Fresh:
    """A supply of names that occur neither in `context` nor in `terms`: a variable opened here captures nothing."""
    fresh = Fresh()
    for t in (*context.symbols(), *terms):
        for s in free_symbols(t):
            number = str(s.data).rpartition("#")[2]
            if number.isdecimal():
                fresh.count = max(fresh.count, int(number))
    return fresh


def _occurs(v: Term, context: Context) -> bool:
    """Is `v` declared in `context`, or mentioned in its facts or in the domain of one of its symbols?"""
    return any(v in free_symbols(t) for t in (*context.symbols(), *context.propositions()))


def _index(rule: str, value: Term) -> None:
    if value.sort != INT:
        raise _fail(rule, f"'{value}' is a {value.sort}, not an index")


# ------------------------------------------------------------------------------------------------------------ logic


def assume(context: Context, p: Term) -> Theorem:
    """``Γ; p ⊢ p``."""
    _closed("assume", context, p)
    return _theorem(_KEY, "assume", context, p, hypotheses=[p])


def fact(context: Context, p: Term) -> Theorem:
    """``Γ ⊢ p`` where ``p`` is one of the facts of ``Γ``."""
    wanted = unfold(p)
    if not any(unfold(q) == wanted for q in context.propositions()):
        raise _fail("fact", f"'{p}' is not a fact of the context")
    return _theorem(_KEY, "fact", context, p)


def weaken(th: Theorem, context: Context) -> Theorem:
    """``Γ; H ⊢ p`` gives ``Γ'; H ⊢ p`` where every symbol and fact of ``Γ`` is in ``Γ'``."""
    facts = {unfold(q) for q in context.propositions()}
    for q in th.context.propositions():
        if unfold(q) not in facts:
            raise _fail("weaken", f"the fact '{q}' is not in the larger context")
    symbols = {s.data: s for s in context.symbols()}
    for s in th.context.symbols():
        if symbols.get(s.data) != s:
            raise _fail("weaken", f"the symbol '{s}' is not declared alike in the larger context")
    return _theorem(_KEY, "weaken", context, th.statement, [th])


def discharge(th: Theorem, p: Term) -> Theorem:
    """``Γ; H, p ⊢ q`` gives ``Γ; H ⊢ p ⟹ q``."""
    _closed("discharge", th.context, p)
    conditions = [implies(p, c) for c in th.conditions]
    return _theorem(
        _KEY,
        "discharge",
        th.context,
        implies(p, th.statement),
        [th],
        hypotheses=th.hypotheses - {p},
        conditions=conditions,
    )


def modus_ponens(th: Theorem, premise: Theorem) -> Theorem:
    """``⊢ p ⟹ q`` and ``⊢ p`` give ``⊢ q``."""
    _same_context("modus_ponens", th.context, [premise])
    if th.statement.op != "implies" or unfold(th.statement.args[0]) != unfold(premise.statement):
        raise _fail("modus_ponens", f"'{th.statement}' does not have the premise '{premise.statement}'")
    more = _vanishing("modus_ponens", th.context, premise.statement, shown=th.statement.args[1])
    return _theorem(_KEY, "modus_ponens", th.context, th.statement.args[1], [th, premise], more_conditions=more)


def cut(th: Theorem, lemma: Theorem) -> Theorem:
    """``H, p ⊢ q`` and ``G ⊢ p`` give ``H, G ⊢ q``."""
    _same_context("cut", th.context, [lemma])
    return _theorem(
        _KEY,
        "cut",
        th.context,
        th.statement,
        [th, lemma],
        hypotheses=(th.hypotheses - {lemma.statement}) | lemma.hypotheses,
        more_conditions=_vanishing("cut", th.context, lemma.statement, shown=th.statement),
    )


def meet_condition(th: Theorem, lemma: Theorem) -> Theorem:
    """``⊢ q [C, p]`` and ``⊢ p`` give ``⊢ q [C]``."""
    _same_context("meet_condition", th.context, [lemma])
    rest = {c for c in th.conditions if unfold(c) != unfold(lemma.statement)}
    rest |= set(_vanishing("meet_condition", th.context, lemma.statement, shown=th.statement))
    return _theorem(_KEY, "meet_condition", th.context, th.statement, [th, lemma], conditions=rest | lemma.conditions)


def conjunction(*ths: Theorem) -> Theorem:
    """``⊢ p`` and ``⊢ q`` give ``⊢ p ∧ q``."""
    _same_context("conjunction", ths[0].context, ths)
    return _theorem(_KEY, "conjunction", ths[0].context, make("and", [t.statement for t in ths], None, PROP), ths)


def conjunct(th: Theorem, k: int) -> Theorem:
    """``⊢ p₀ ∧ … ∧ pₙ`` gives ``⊢ p_k``."""
    if th.statement.op != "and":
        raise _fail("conjunct", f"'{th.statement}' is not a conjunction")
    more = _vanishing("conjunct", th.context, *th.statement.args, shown=th.statement.args[k])
    return _theorem(_KEY, "conjunct", th.context, th.statement.args[k], [th], more_conditions=more, k=k)


def cases(positive: Theorem, negative: Theorem, p: Term) -> Theorem:
    """``H, p ⊢ q`` and ``G, ¬p ⊢ q`` give ``H, G ⊢ q``."""
    _same_context("cases", positive.context, [negative])
    if positive.statement != negative.statement:
        raise _fail("cases", f"'{positive.statement}' and '{negative.statement}' differ")
    hypotheses = (positive.hypotheses - {p}) | (negative.hypotheses - {not_(p)})
    conditions = [implies(p, c) for c in positive.conditions] + [implies(not_(p), c) for c in negative.conditions]
    return _theorem(
        _KEY, "cases", positive.context, positive.statement, [positive, negative],
        hypotheses=hypotheses, conditions=conditions,
        more_conditions=_vanishing("cases", positive.context, p, shown=positive.statement), on=p,
    )  # fmt: skip


def definition(th: Theorem, statement: Term) -> Theorem:
    """``⊢ p`` gives ``⊢ p'`` where both unfold to one proposition."""
    if unfold(th.statement) != unfold(statement):
        raise _fail("definition", f"'{th.statement}' does not unfold to the same as '{statement}'")
    return _theorem(_KEY, "definition", th.context, statement, [th])


# ----------------------------------------------------------------------------------------------------- quantifiers


def opened(v: Term, domain: Term) -> Declaration:
    """How a variable that ranges over `domain` is declared while it is open."""
    if v.sort != sort_of_domain(domain):
        raise _fail("opened", f"'{v}' does not range over '{domain}'")
    if domain.op == "range":
        lo, hi = domain.args
        facts = [le(lo, v)] + ([le(v, hi)] if hi.op != "oo" else [])
        return Declaration(v, "index", (Property("range", tuple(facts), (lo, hi)),))
    if domain.op == "interval":
        facts = [
            le(a, b) for a, b in ((domain.args[0], v), (v, domain.args[1])) if not _infinite(a) and not _infinite(b)
        ]
        return Declaration(v, "real", (Property("range", tuple(facts), domain.args),) if facts else ())
    kind = {"space": "point", "integers": "integer", "functions": "array"}.get(domain.op)
    if kind is None:
        raise _fail("opened", f"no variable ranges over '{domain}'")
    if domain.op == "functions" and v.args != domain.args[:-1]:
        raise _fail("opened", f"'{v}' does not range over '{domain}'")
    return Declaration(v, kind)


def _infinite(t: Term) -> bool:
    return t.op == "oo" or (t.op == "neg" and t.args[0].op == "oo")


def generalise(th: Theorem, v: Term, domain: Term) -> Theorem:
    """``Γ, v ∈ D; H ⊢ p`` gives ``Γ; H ⊢ ∀ v ∈ D. p`` where ``v`` is free in neither ``Γ`` nor ``H``."""
    declaration = opened(v, domain)
    if not th.context.declarations or th.context.declarations[-1] != declaration:
        raise _fail("generalise", f"'{v}' in '{domain}' is not the innermost open variable")
    context = Context(th.context.declarations[:-1])
    if _occurs(v, context) or any(v in free_symbols(h) for h in th.hypotheses):
        raise _fail("generalise", f"'{v}' is free in what is assumed")
    if v in free_symbols(domain):
        raise _fail("generalise", f"'{v}' is free in its own domain")
    return _theorem(
        _KEY, "generalise", context, _for_all(v, domain, th.statement), [th],
        conditions=[_for_all(v, domain, c) if v in free_symbols(c) else c for c in th.conditions],
        variable=v, domain=domain,
    )  # fmt: skip


def _for_all(v: Term, domain: Term, p: Term) -> Term:
    return make("forall", (domain, abstract(p, v)), None, PROP, str(v.data).split("#")[0])


def specialise(th: Theorem, value: Term) -> Theorem:
    """``⊢ ∀ v ∈ D. p`` gives ``⊢ p[t/v]``, with the condition ``t ∈ D`` where it is not known."""
    if th.statement.op != "forall":
        raise _fail("specialise", f"'{th.statement}' is not universal")
    domain, body = th.statement.args
    sort, _ = variable_sort(th.statement)
    if value.sort != sort:
        raise _fail("specialise", f"'{value}' is a {value.sort}, not a {sort}")
    if domain.op == "functions" and domains(value) != domain.args[:-1]:
        raise _fail("specialise", f"'{value}' is not in '{domain}'")
    _closed("specialise", th.context, value)
    return _theorem(
        _KEY, "specialise", th.context, instantiate(body, value), [th],
        more_conditions=_undischarged(th.context, _membership(value, domain)), value=value,
    )  # fmt: skip


def _membership(value: Term, domain: Term) -> list[Term]:
    if domain.op in ("range", "interval"):
        lo, hi = domain.args
        return [le(a, b) for a, b in ((lo, value), (value, hi)) if not _infinite(a) and not _infinite(b)]
    if domain.op == "functions":
        return [p for p in _values_in(value, domain.args[-1], domain.args[:-1]) if p != true]
    return []


def _values_in(f: Term, codomain: Term, over: tuple[Term, ...]) -> list[Term]:
    """The values of `f` lie in `codomain`, as universal propositions over its arguments."""
    if codomain.op == "functions":
        return _values_in(f, codomain.args[-1], over + codomain.args[:-1])
    if not _membership(Fresh().symbol("value", sort_of_domain(codomain)), codomain):
        return []
    return [for_all_arguments(f, lambda *x: and_(*_membership(f(*x), codomain)), over)]


def _undischarged(context: Context, conditions: Iterable[Term], extra: Iterable[Term] = ()) -> list[Term]:
    facts = Normaliser(context, extra).facts
    return [c for c in conditions if not facts.holds(c)]


def instance(th: Theorem, mapping: Mapping[Term, Term], context: Context, premises: Iterable[Theorem] = ()) -> Theorem:
    """A result proved in ``Γ``, used in ``Γ'`` with terms put for its symbols.

    ``Γ; H ⊢ p`` gives ``Γ'; H[σ] ⊢ p[σ]`` where every fact of ``Γ[σ]`` is known in ``Γ'`` or is among the premises.
    Symbols not in the mapping stay; they must be declared alike.
    """
    premises = tuple(premises)
    _same_context("instance", context, premises)
    given = {unfold(t.statement) for t in premises}
    for old, new in mapping.items():
        if old.sort != new.sort:
            raise _fail("instance", f"'{new}' cannot stand for '{old}'")
        _closed("instance", context, new)
        if old.op != "sym":
            raise _fail("instance", f"'{old}' is not a symbol")
    # Sizes may occur in the domains of other symbols: the symbols themselves change with them.
    sizes = {s: t for s, t in mapping.items() if s.sort.kind != "fun"}
    full = {**{substitute(s, sizes): t for s, t in mapping.items() if s.sort.kind == "fun"}}

    def put(p: Term) -> Term:
        return substitute(substitute(p, sizes), full)

    for old, new in mapping.items():
        over = tuple(substitute(d, sizes) for d in old.args)
        if old.sort.kind == "fun" and domains(new) != over:
            raise _fail("instance", f"'{new}' has another shape than '{old}'")
        if old.sort == MEASURE and (domain_of_measure(new),) != over:
            raise _fail("instance", f"'{new}' is a measure elsewhere than '{old}'")
    facts = Normaliser(context, given).facts
    for name, q in th.context.facts():
        r = put(q)
        if unfold(r) not in given and not facts.holds(r):
            raise _fail("instance", f"'{r}' ({name}) is not known here")
    undeclared = context.undeclared(put(th.statement))
    if undeclared:
        raise _fail("instance", f"undeclared: {', '.join(map(str, undeclared))}")
    return _theorem(
        _KEY, "instance", context, put(th.statement), [th, *premises],
        hypotheses=frozenset(map(put, th.hypotheses)) | frozenset(h for t in premises for h in t.hypotheses),
        conditions=frozenset(map(put, th.conditions)) | frozenset(c for t in premises for c in t.conditions),
        mapping=tuple(mapping.items()),
    )  # fmt: skip


def _closed(rule: str, context: Context, *terms: Term) -> None:
    for t in terms:
        if t.loose:
            raise _fail(rule, f"'{t}' has a loose variable")
        missing = context.undeclared(t)
        if missing:
            raise _fail(rule, f"'{t}' mentions {', '.join(sorted(str(s.data) for s in missing))}, not declared")


# ----------------------------------------------------------------------------------------- equality, order, algebra


def normal_form(context: Context, p: Term, using: Iterable[Theorem] = ()) -> Theorem:
    """``⊢ p`` by the normal form: an equation whose sides have one normal form, or a comparison that follows
    from signs and linear combinations of what is known.

    The statements of `using` are known too; their hypotheses and conditions are inherited.
    """
    using = tuple(using)
    _same_context("normal_form", context, using)
    _closed("normal_form", context, p)
    extra = [t.statement for t in using]
    normaliser = Normaliser(context, extra)
    try:
        if p.op == "eq" and p.args[0].sort == REAL:
            difference = normaliser.nf(unfold(p.args[0]) - unfold(p.args[1]))
            if not normaliser.is_zero(difference):
                raise _fail("normal_form", f"'{p}': the sides differ by '{to_term(difference)}'")
        elif p.op == "eq" and p.args[0].sort.kind == "fun":
            return _pointwise(context, p, using)
        elif not normaliser.facts.holds(unfold(p)):
            raise _fail("normal_form", f"'{p}' does not follow from what is known")
    except Unknown as unknown:
        raise _fail("normal_form", f"'{p}': {unknown}") from None
    conditions = [c for c in normaliser.conditions if not normaliser.facts.holds(c)]
    conditions += _vanishing("normal_form", context, *extra, shown=p)
    return _theorem(_KEY, "normal_form", context, p, using, more_conditions=conditions)


def _pointwise(context: Context, p: Term, using: tuple[Theorem, ...]) -> Theorem:
    a, b = p.args
    if domains(a) != domains(b):
        raise _fail("normal_form", f"'{p}': the shapes differ")
    fresh = _fresh(context, p)
    names, inner = [], context
    for d in domains(a):
        v = fresh.symbol("i", sort_of_domain(d), d.args[:-1] if d.op == "functions" else ())
        names.append((v, d))
        inner = inner.extended(opened(v, d))
    th = normal_form(inner, eq(a(*(v for v, _ in names)), b(*(v for v, _ in names))), [weaken(t, inner) for t in using])
    for v, d in reversed(names):
        th = generalise(th, v, d)
    return extensionality(th, p)


def matrix_words(context: Context, p: Term, using: Iterable[Theorem] = ()) -> Theorem:
    """``⊢ A = B`` for matrices, where the defining equations of the inverses in them rewrite both to one sum of words.

    The bounded completion is `derivcheck.proof.words`; the inverses' existence is a condition.
    """
    rule, using = "matrix_words", tuple(using)
    _same_context(rule, context, using)
    _closed(rule, context, p)
    if p.op != "eq" or p.args[0].sort not in (_array(1), _array(2), REAL):
        raise _fail(rule, f"'{p}' is not an equation of matrices")
    extra = [t.statement for t in using]
    try:
        left, right = p.args
        found = decide_words(left, right, context, extra)
    except Unknown as unknown:
        raise _fail(rule, f"'{p}': {unknown}") from None
    if not found.equal:
        raise _fail(rule, f"'{p}' does not follow from what the inverses mean")
    conditions = [*found.conditions, *_vanishing(rule, context, *extra, shown=p)]
    return _theorem(_KEY, rule, context, p, using, more_conditions=conditions)


def _array(rank: int) -> Sort:
    return function_sort((INT,) * rank, REAL)


def extensionality(th: Theorem, p: Term) -> Theorem:
    """``⊢ ∀ i, …. f(i, …) = g(i, …)`` gives ``⊢ f = g``."""
    if p.op != "eq" or p.args[0].sort.kind != "fun":
        raise _fail("extensionality", f"'{p}' is not an equation of functions")
    f, g = p.args
    if domains(f) != domains(g):
        raise _fail("extensionality", f"'{p}': the shapes differ")
    fresh = _fresh(th.context, p, th.statement)
    q = th.statement
    names = []
    for d in domains(f):
        if q.op != "forall" or q.args[0] != d:
            raise _fail("extensionality", f"'{th.statement}' does not range over the arguments of '{f}'")
        v, q = open_binder(q, fresh)
        names.append(v)
    if unfold(q) != unfold(eq(f(*names), g(*names))):
        raise _fail("extensionality", f"'{th.statement}' does not say that '{p}' holds entrywise")
    return _theorem(_KEY, "extensionality", th.context, p, [th])


def linear(context: Context, goal: Term, combination: Iterable[tuple[Theorem, Term]]) -> Theorem:
    """LIN: ``b − a = Σ cᵢ(bᵢ − aᵢ) + r`` with ``cᵢ >= 0`` and ``r >= 0`` gives ``a <= b`` from ``aᵢ <= bᵢ``.

    Strict where ``r > 0`` or a strict premise has ``cᵢ > 0``.  A premise that is an equation may have any factor.
    """
    combination = tuple(combination)
    premises = tuple(t for t, _ in combination)
    _same_context("linear", context, premises)
    if goal.op not in ("le", "lt", "eq"):
        raise _fail("linear", f"'{goal}' is not a comparison")
    _closed("linear", context, goal, *(c for _, c in combination))
    normaliser = Normaliser(context)
    strict = False
    try:
        rest = _difference(normaliser, goal)
        for t, c in combination:
            if t.statement.op not in ("le", "lt", "eq"):
                raise _fail("linear", f"the premise '{t.statement}' is not a comparison")
            factor = normaliser.nf(unfold(c))
            if t.statement.op != "eq":
                s = normaliser.facts.sign(unfold(c))
                if s is None or s < 0:
                    raise _fail("linear", f"the factor '{c}' is not known to be non-negative")
                strict = strict or (t.statement.op == "lt" and s == 1)
            rest = plus(rest, normaliser.times(factor, _difference(normaliser, t.statement)), Fraction(-1))
        if not normaliser.is_zero(rest):
            s = normaliser.facts.poly_sign(normaliser.reduce(rest)) if goal.op != "eq" else None
            if s is None or s < 0:
                raise _fail("linear", f"'{goal}': '{to_term(rest)}' is left over")
            strict = strict or s == 1
    except Unknown as unknown:
        raise _fail("linear", f"'{goal}': {unknown}") from None
    if goal.op == "lt" and not strict:
        raise _fail("linear", f"'{goal}': no premise with a positive factor is strict")
    if goal.op == "eq" and any(t.statement.op != "eq" for t in premises):
        raise _fail("linear", "an equation needs equations")
    conditions = [c for c in normaliser.conditions if not normaliser.facts.holds(c)]
    factors = tuple(c for _, c in combination)
    return _theorem(_KEY, "linear", context, goal, premises, more_conditions=conditions, factors=factors)


def _difference(n: Normaliser, p: Term) -> Poly:
    """Right side minus left side."""
    a, b = (unfold(real(x) if x.sort == INT else x) for x in p.args)
    return plus(n.nf(b), n.nf(a), Fraction(-1))


#: The relation that two relations in a row give.
_COMPOSED = {("eq", "eq"): "eq", ("eq", "le"): "le", ("le", "eq"): "le", ("le", "le"): "le"}


def transitivity(first: Theorem, second: Theorem) -> Theorem:
    """``⊢ a R b`` and ``⊢ b S c`` give ``⊢ a T c``, where the ``b`` that disappears is defined.

    ``T`` is ``<`` if one relation is strict, else ``<=`` if one is, else ``=``.  That a limit in the middle exists is
    known if one of the premises evaluates it.
    """
    _same_context("transitivity", first.context, [second])
    p, q = first.statement, second.statement
    if p.op not in ("eq", "le", "lt") or q.op not in ("eq", "le", "lt"):
        raise _fail("transitivity", f"'{p}' and '{q}' are not comparisons")
    if unfold(p.args[1]) != unfold(q.args[0]):
        raise _fail("transitivity", f"'{p.args[1]}' is not '{q.args[0]}'")
    middle = p.args[1]
    evaluated = middle.op == "lim" and second.rule in ("limit", "limit_by_continuity")
    op = _COMPOSED.get((p.op, q.op), "lt")
    statement = make(op, (p.args[0], q.args[1]), None, PROP)
    more = [] if evaluated else _vanishing("transitivity", first.context, middle, shown=statement)
    return _theorem(_KEY, "transitivity", first.context, statement, [first, second], more_conditions=more)


def antisymmetry(below: Theorem, above: Theorem) -> Theorem:
    """``⊢ a <= b`` and ``⊢ b <= a`` give ``⊢ a = b``."""
    _same_context("antisymmetry", below.context, [above])
    p, q = below.statement, above.statement
    if p.op != "le" or q.op != "le" or p.args != q.args[::-1]:
        raise _fail("antisymmetry", f"'{p}' and '{q}'")
    return _theorem(_KEY, "antisymmetry", below.context, eq(*p.args), [below, above])


def congruence(th: Theorem, pattern: Term, hole: Term) -> Theorem:
    """``⊢ a = b`` gives ``⊢ C[a] = C[b]`` where the hole is not below a binder of ``C`` that ``a`` or ``b`` mention.

    `pattern` is ``C`` with the symbol `hole` in it; ``a`` and ``b`` are closed, so nothing can be captured.
    """
    if th.statement.op != "eq":
        raise _fail("congruence", f"'{th.statement}' is not an equation")
    a, b = th.statement.args
    if hole.sort != a.sort or pattern.sort == PROP:
        raise _fail("congruence", f"'{hole}' does not fit")
    if any(hole in free_symbols(s) for s in free_symbols(pattern) if s != hole):
        raise _fail("congruence", "the hole stands in the domain of a symbol")
    if any(t.op == "deriv" and hole in free_symbols(t) for t in subterms(pattern)):
        raise _fail("congruence", "an equation at a point says nothing of derivatives")
    left, right = substitute(pattern, {hole: a}), substitute(pattern, {hole: b})
    _closed("congruence", th.context, left, right)
    return _theorem(_KEY, "congruence", th.context, eq(left, right), [th], pattern=pattern, hole=hole)


def binder_congruence(th: Theorem, left: Term) -> Theorem:
    """``⊢ ∀ v ∈ D. a = b`` gives ``⊢ B v ∈ D. a = B v ∈ D. b`` for a sum, integral, product, maximum or minimum.

    A derivative or a limit at a point is not such a binder: there an equation must hold near the point.
    """
    return _under_binder("binder_congruence", th, left, "eq")


def monotone(th: Theorem, left: Term) -> Theorem:
    """``⊢ ∀ v ∈ D. a <= b`` gives ``⊢ ∫ a dμ <= ∫ b dμ`` (both integrable), and likewise for max and min.

    A finite sum needs no condition; a maximum or minimum needs a range that is not empty.
    """
    return _under_binder("monotone", th, left, "le")


def _under_binder(rule: str, th: Theorem, left: Term, relation: str) -> Theorem:
    allowed = ("int", "max_over", "min_over") if relation == "le" else ("int", "max_over", "min_over", "prod")
    if left.op not in allowed:
        raise _fail(rule, f"'{left}' is not a sum, integral, maximum or minimum")
    q = th.statement
    domain = domain_of_measure(left.args[0]) if left.op == "int" else left.args[0]
    if q.op != "forall" or q.args[0] != domain:
        raise _fail(rule, f"'{q}' does not range over '{domain}'")
    fresh = _fresh(th.context, q, left)
    v, p = open_binder(q, fresh)
    if p.op not in ({"le": ("le", "lt", "eq"), "eq": ("eq",)}[relation]):
        raise _fail(rule, f"'{p}' is not a comparison")
    a, b = p.args
    if unfold(instantiate(left.body, v)) != unfold(a):
        raise _fail(rule, f"the body of '{left}' is not '{a}'")
    right = rebuild(left, (*left.args[:-1], abstract(b, v)))
    more: list[Term] = []
    if left.op == "int" and not _finite_sum(left) and relation == "le":
        more = [make("integrable", (left.args[0], abstract(x, v)), None, PROP, left.hint) for x in (a, b)]
    if left.op in ("max_over", "min_over"):
        more = [le(*domain.args)] if domain.op == "range" else []
        if domain.op != "range" and relation == "le":
            raise _fail(rule, "a supremum over an infinite set")
    return _theorem(
        _KEY, rule, th.context, make(relation, (left, right), None, PROP), [th],
        more_conditions=_undischarged(th.context, more),
    )  # fmt: skip


def _finite_sum(t: Term) -> bool:
    return t.op == "int" and t.args[0].op == "counting" and t.args[0].args[0].args[1].op != "oo"


#: Increasing scalar functions, with where they are defined as a condition on an argument.
INCREASING = {
    "exp": None,
    "tanh": None,
    "atan": None,
    "erf": None,
    "log": lambda x: lt(0, x),
}


def increasing(th: Theorem, name: str) -> Theorem:
    """``⊢ a <= b`` gives ``⊢ f(a) <= f(b)`` for an increasing scalar function (strict for strict)."""
    if name not in INCREASING or th.statement.op not in ("le", "lt") or th.statement.args[0].sort != REAL:
        raise _fail("increasing", f"'{name}' of '{th.statement}'")
    condition = INCREASING[name]
    a, b = th.statement.args
    more = [condition(a)] if condition is not None else []
    statement = make(th.statement.op, (make("fn", (a,), name, REAL), make("fn", (b,), name, REAL)), None, PROP)
    return _theorem(
        _KEY, "increasing", th.context, statement, [th], more_conditions=_undischarged(th.context, more), function=name
    )


def absolute_bound(upper: Theorem, lower: Theorem) -> Theorem:
    """``⊢ a <= c`` and ``⊢ −a <= c`` give ``⊢ |a| <= c``."""
    _same_context("absolute_bound", upper.context, [lower])
    p, q = upper.statement, lower.statement
    if p.op != "le" or q.op != "le" or q.args[0] != -p.args[0] or p.args[1] != q.args[1]:
        raise _fail("absolute_bound", f"'{p}' and '{q}'")
    return _theorem(_KEY, "absolute_bound", upper.context, le(abs_(p.args[0]), p.args[1]), [upper, lower])


def absolute_value(context: Context, a: Term) -> Theorem:
    """``⊢ a <= |a|``."""
    _closed("absolute_value", context, a)
    return _theorem(_KEY, "absolute_value", context, le(a, abs_(a)), term=a)


def square_zero(th: Theorem) -> Theorem:
    """``⊢ a² <= 0`` gives ``⊢ a = 0``."""
    p = th.statement
    if p.op != "le" or p.args[1] != num(0) or p.args[0].op != "pow" or p.args[0].args[1] != num(2):
        raise _fail("square_zero", f"'{p}' is not a square at most zero")
    return _theorem(_KEY, "square_zero", th.context, eq(p.args[0].args[0], 0), [th])


def zero_product(th: Theorem, nonzero: Theorem) -> Theorem:
    """``⊢ c·a = 0`` and ``⊢ c ≠ 0`` give ``⊢ a = 0``."""
    _same_context("zero_product", th.context, [nonzero])
    p, q = th.statement, nonzero.statement
    if p.op != "eq" or p.args[1] != num(0) or p.args[0].op != "mul" or len(p.args[0].args) != 2:
        raise _fail("zero_product", f"'{p}' is not 'c*a = 0'")
    c, a = p.args[0].args
    if q != ne(c, 0):
        raise _fail("zero_product", f"'{q}' does not say that '{c}' is not zero")
    more = _vanishing("zero_product", th.context, c, shown=eq(a, 0))
    return _theorem(_KEY, "zero_product", th.context, eq(a, 0), [th, nonzero], more_conditions=more)


# --------------------------------------------------------------------------------------------- finite sets and sums


def at_most_maximum(context: Context, maximum: Term, value: Term) -> Theorem:
    """``⊢ f(t) <= max_{v ∈ D} f(v)`` for ``t ∈ D`` and a finite range."""
    _closed("at_most_maximum", context, maximum, value)
    _index("at_most_maximum", value)
    if maximum.op != "max_over" or maximum.args[0].op != "range" or maximum.args[0].args[1].op == "oo":
        raise _fail("at_most_maximum", f"'{maximum}' is not a maximum over a finite range")
    statement = le(instantiate(maximum.body, value), maximum)
    more = _undischarged(context, _membership(value, maximum.args[0]))
    return _theorem(_KEY, "at_most_maximum", context, statement, more_conditions=more, maximum=maximum, value=value)


def maximum_at_most(th: Theorem, maximum: Term) -> Theorem:
    """``⊢ ∀ v ∈ D. f(v) <= c`` gives ``⊢ max_{v ∈ D} f(v) <= c`` for a finite range that is not empty."""
    q = th.statement
    if maximum.op != "max_over" or maximum.args[0].op != "range" or maximum.args[0].args[1].op == "oo":
        raise _fail("maximum_at_most", f"'{maximum}' is not a maximum over a finite range")
    if q.op != "forall" or q.args[0] != maximum.args[0]:
        raise _fail("maximum_at_most", f"'{q}' does not range over '{maximum.args[0]}'")
    v, p = open_binder(q, _fresh(th.context, q, maximum))
    if p.op != "le" or unfold(p.args[0]) != unfold(instantiate(maximum.body, v)):
        raise _fail("maximum_at_most", f"'{p}' does not bound the body of '{maximum}'")
    if v in free_symbols(p.args[1]):
        raise _fail("maximum_at_most", f"the bound '{p.args[1]}' depends on the index")
    more = _undischarged(th.context, [le(*maximum.args[0].args)])
    return _theorem(_KEY, "maximum_at_most", th.context, le(maximum, p.args[1]), [th], more_conditions=more)


def maximiser(context: Context, argmax: Term) -> Theorem:
    """``⊢ f(argmax_{v ∈ D} f(v)) = max_{v ∈ D} f(v)`` for a finite range that is not empty."""
    _closed("maximiser", context, argmax)
    if argmax.op != "argmax" or argmax.args[0].op != "range" or argmax.args[0].args[1].op == "oo":
        raise _fail("maximiser", f"'{argmax}' is not a maximiser over a finite range")
    maximum = make("max_over", argmax.args, None, REAL, argmax.hint)
    more = _undischarged(context, [le(*argmax.args[0].args)])
    return _theorem(
        _KEY, "maximiser", context, eq(instantiate(argmax.body, argmax), maximum), more_conditions=more, argmax=argmax
    )


def term_at_most_sum(th: Theorem, total: Term, value: Term) -> Theorem:
    """``⊢ ∀ v ∈ D. 0 <= f(v)`` gives ``⊢ f(t) <= Σ_{v ∈ D} f(v)`` for ``t ∈ D``."""
    q = th.statement
    if not _finite_sum(total):
        raise _fail("term_at_most_sum", f"'{total}' is not a finite sum")
    domain = total.args[0].args[0]
    if q.op != "forall" or q.args[0] != domain:
        raise _fail("term_at_most_sum", f"'{q}' does not range over '{domain}'")
    v, p = open_binder(q, _fresh(th.context, q, total))
    if p.op != "le" or p.args[0] != num(0) or unfold(p.args[1]) != unfold(instantiate(total.body, v)):
        raise _fail("term_at_most_sum", f"'{p}' does not say that the summands are not negative")
    _closed("term_at_most_sum", th.context, value)
    _index("term_at_most_sum", value)
    more = _undischarged(th.context, _membership(value, domain))
    return _theorem(
        _KEY, "term_at_most_sum", th.context, le(instantiate(total.body, value), total), [th],
        more_conditions=more, total=total, value=value,
    )  # fmt: skip


def induction(t: Term, base: Theorem, step: Theorem) -> Theorem:
    """``⊢ p(0)`` and ``t >= 0; p(t) ⊢ p(t+1)`` give ``⊢ ∀ t >= 0. p(t)``.

    `step` lives in the context of `base` with ``t`` open from 0; ``t`` is free in no other hypothesis.
    """
    naturals = range_(0, oo_int)
    declaration = opened(t, naturals)
    if _occurs(t, base.context):
        raise _fail("induction", f"'{t}' is not new in the context of the base")
    if step.context != base.context.extended(declaration):
        raise _fail("induction", f"the step is not stated for '{t}' open from 0 in the context of the base")
    following = step.statement
    candidates = [h for h in step.hypotheses if substitute(h, {t: t + 1}) == following]
    if len(candidates) != 1:
        raise _fail("induction", f"no hypothesis becomes '{following}' for the successor of '{t}'")
    (p,) = candidates
    if any(t in free_symbols(h) for h in step.hypotheses if h != p):
        raise _fail("induction", f"'{t}' is free in another hypothesis")
    if unfold(substitute(p, {t: integer(0)})) != unfold(base.statement):
        raise _fail("induction", f"'{base.statement}' is not the case 0 of '{p}'")
    return _theorem(
        _KEY, "induction", base.context, _for_all(t, naturals, p), [base, step],
        hypotheses=base.hypotheses | (step.hypotheses - {p}),
        conditions=base.conditions
        | {_for_all(t, naturals, implies(p, c)) if t in free_symbols(implies(p, c)) else c for c in step.conditions},
        variable=t,
    )  # fmt: skip


# --------------------------------------------------------------------------------------------------------- analysis


def log_bound(context: Context, y: Term) -> Theorem:
    """``⊢ log y <= y − 1`` for ``y > 0``."""
    _closed("log_bound", context, y)
    more = _undischarged(context, [lt(0, y)])
    return _theorem(_KEY, "log_bound", context, le(log(y), y - 1), more_conditions=more, term=y)


def log_bound_strict(context: Context, y: Term) -> Theorem:
    """``⊢ log y < y − 1`` for ``y > 0`` and ``y ≠ 1``."""
    _closed("log_bound_strict", context, y)
    more = _undischarged(context, [lt(0, y), ne(y, 1)])
    return _theorem(_KEY, "log_bound_strict", context, lt(log(y), y - 1), more_conditions=more, term=y)


def same_law(th: Theorem, function: Term) -> Theorem:
    """``⊢ X ~ Y`` gives ``⊢ E g(X) = E g(Y)`` for a function ``g`` of the value alone.

    `function` is ``λ x. g(x)`` as a term; it must not mention the outcome.
    """
    p = th.statement
    if p.op != "pred" or p.data != "same_law":
        raise _fail("same_law", f"'{p}' does not say that two laws are equal")
    measure, x, y = p.args
    if function.op != "lam":
        raise _fail("same_law", f"'{function}' is not a function")
    _closed("same_law", th.context, function)
    sort, _ = variable_sort(function)
    outcome = _fresh(th.context, p, function)
    w = outcome.symbol("w", sort_of_domain(domain_of_measure(measure)))
    if x(w).sort != sort or x.sort != y.sort:
        raise _fail("same_law", f"'{function}' does not take the values of '{x}'")
    left = Int(measure, abstract(instantiate(function.body, x(w)), w))
    right = Int(measure, abstract(instantiate(function.body, y(w)), w))
    return _theorem(_KEY, "same_law", th.context, eq(left, right), [th], function=function)


def limit(context: Context, p: Term) -> Theorem:
    """``⊢ lim_{t → ∞} (c + Σ cᵢ tᵏ aᵢ^{kᵢt + …}) = c`` where ``|aᵢ| < 1`` and ``kᵢ > 0``.

    The body is brought to normal form; every monomial that depends on the integer ``t`` must vanish in the limit: a
    power ``a^{kt}`` with ``−1 < a < 1`` known and ``k > 0`` (times any power of ``t``), or a negative power of ``t``.
    """
    if p.op != "eq" or p.args[0].op != "lim" or p.args[0].args[0].op != "oo" or p.args[0].args[0].sort != INT:
        raise _fail("limit", f"'{p}' is not a limit over the integers")
    _closed("limit", context, p)
    t, body = open_binder(p.args[0], _fresh(context, p))
    inner = context.extended(opened(t, range_(1, oo_int)))
    n = Normaliser(inner)
    try:
        value = n.nf(unfold(body))
        kept: Poly = {}
        for m, c in value.items():
            if not any(_mentions(f, t) for f in m):
                kept = plus(kept, {m: c})
            elif not _vanishes(n, m, t):
                raise _fail("limit", f"'{to_term({m: c})}' is not known to vanish")
        difference = plus(kept, n.nf(unfold(p.args[1])), Fraction(-1))
    except Unknown as unknown:
        raise _fail("limit", str(unknown)) from None
    if not n.is_zero(difference):
        raise _fail("limit", f"the limit is '{to_term(kept)}'")
    conditions = [c for c in n.conditions if not n.facts.holds(c)]
    conditions = [_for_all(t, range_(1, oo_int), c) if t in free_symbols(c) else c for c in conditions]
    return _theorem(_KEY, "limit", context, p, more_conditions=conditions)


def _mentions(factor: tuple[Term, Any], t: Term) -> bool:
    a, e = factor
    return t in free_symbols(a) or any(t in free_symbols(x) for x, _ in e.terms)


def _vanishes(n: Normaliser, m: Any, t: Term) -> bool:
    """Does a monomial tend to 0 with the integer `t`?"""
    geometric, polynomial = False, Fraction(0)
    for a, e in m:
        if not _mentions((a, e), t):
            continue
        if a == real(t) and not e.terms:
            polynomial += e.const
            continue
        slope = dict(e.terms).get(t, Fraction(0))
        if t in free_symbols(a) or slope <= 0 or any(t in free_symbols(x) for x, _ in e.terms if x != t):
            return False
        if not (n.facts.holds(lt(-1, a)) and n.facts.holds(lt(a, 1))):
            return False
        geometric = True
    return geometric or polynomial < 0


def limit_by_continuity(context: Context, p: Term) -> Theorem:
    """``⊢ lim_{x → a} f(x) = f(a)`` where ``f`` is continuous at ``a`` by its form.

    Sums, products, whole powers, exp, sin, cos, tanh and finite sums over a fixed range are continuous; a quotient is
    where its denominator is not zero, a logarithm or a root where its argument is positive.
    """
    if p.op != "eq" or p.args[0].op != "lim" or p.args[0].args[0].sort != REAL or _infinite(p.args[0].args[0]):
        raise _fail("limit_by_continuity", f"'{p}' is not a limit at a real point")
    _closed("limit_by_continuity", context, p)
    at = p.args[0].args[0]
    fresh = _fresh(context, p)
    x, body = open_binder(p.args[0], fresh)
    needs: list[Term] = []
    _continuous(unfold(body), x, fresh, needs)
    n = Normaliser(context)
    needs = [substitute(c, {x: at}) for c in needs]
    try:
        difference = n.nf(substitute(unfold(body), {x: at}) - unfold(p.args[1]))
    except Unknown as unknown:
        raise _fail("limit_by_continuity", str(unknown)) from None
    if not n.is_zero(difference):
        raise _fail("limit_by_continuity", f"the value there differs by '{to_term(difference)}'")
    conditions = [c for c in (*n.conditions, *needs) if not n.facts.holds(c)]
    return _theorem(_KEY, "limit_by_continuity", context, p, more_conditions=conditions)


def _continuous(t: Term, x: Term, fresh: Fresh, needs: list[Term]) -> None:
    """Collect what makes `t` continuous in `x` at the point; raise where its form does not."""
    if x not in free_symbols(t):
        return
    if t == x:
        return
    if t.op in ("add", "neg", "mul", "max", "min") or (
        t.op == "fn" and t.data in ("exp", "sin", "cos", "tanh", "abs", "erf", "atan")
    ):
        pass
    elif t.op == "div":
        needs.append(ne(t.args[1], 0))
    elif t.op == "fn" and t.data == "log":
        needs.append(lt(0, t.args[0]))
    elif t.op == "pow" and x not in free_symbols(t.args[1]):
        e = t.args[1]
        whole = (e.op == "num" and e.data.denominator == 1) or e.op == "real"
        needs.append(
            le(0, e)
            if whole and e.op == "real"
            else (lt(0, t.args[0]) if not whole else (num(0) <= e if e.data >= 0 else ne(t.args[0], 0)))
        )
    elif _finite_sum(t) and x not in free_symbols(t.args[0]):
        v, body = open_binder(t, fresh)
        inner: list[Term] = []
        _continuous(body, x, fresh, inner)
        needs.extend(generalised(c, v, t.args[0].args[0]) for c in inner)
        return
    else:
        raise _fail("limit_by_continuity", f"'{t}' is not continuous by its form")
    for a in t.args:
        _continuous(a, x, fresh, needs)


def derivative_congruence(th: Theorem, left: Term) -> Theorem:
    """``⊢ ∀ x ∈ D. f(x) = g(x)`` gives ``⊢ ∂f/∂x at a = ∂g/∂x at a``, where ``D`` is all that ``x`` can be.

    An equation at one point would say nothing of derivatives: the premise must hold on the whole domain, which is the
    real line or all arrays of one shape.
    """
    rule = "derivative_congruence"
    if left.op != "deriv":
        raise _fail(rule, f"'{left}' is not a derivative")
    domain = left.args[0]
    whole = domain == reals or (domain.op == "functions" and domain.args[-1] == reals)
    q = th.statement
    if not whole or q.op != "forall" or q.args[0] != domain:
        raise _fail(rule, f"'{q}' does not range over all of '{domain}'")
    _closed(rule, th.context, left)
    x, p = open_binder(q, _fresh(th.context, left, q))
    if p.op != "eq" or unfold(p.args[0]) != unfold(instantiate(left.body, x)):
        raise _fail(rule, f"'{p}' does not equate what '{left}' differentiates")
    right = rebuild(left, (*left.args[:-1], abstract(p.args[1], x)))
    return _theorem(_KEY, rule, th.context, eq(left, right), [th], left=left)


def antiderivative(context: Context, integral: Term, primitive: Term) -> Theorem:
    """``F' = f`` on ``[a, b]`` and ``f`` continuous there by its form give ``⊢ ∫_a^b f(x) dx = F(b) − F(a)``.

    `primitive` is ``λ x. F(x)``; the ends are finite and ``a <= b``.
    """
    rule = "antiderivative"
    if integral.op != "int" or integral.args[0].op != "lebesgue" or any(map(_infinite, integral.args[0].args[0].args)):
        raise _fail(rule, f"'{integral}' is not an integral over a bounded interval")
    if primitive.op != "lam" or primitive.args[0].op != "interval" or primitive.body.sort != REAL:
        raise _fail(rule, f"'{primitive}' is not a function of a real variable")
    _closed(rule, context, integral, primitive)
    domain = integral.args[0].args[0]
    lo, hi = domain.args
    fresh = _fresh(context, integral, primitive)
    x, body = open_binder(integral, fresh)
    inner = context.extended(opened(x, domain))
    n = Normaliser(inner)
    needs: list[Term] = []
    _continuous(unfold(body), x, fresh, needs)
    try:
        slope = n.nf(unfold(derivative_at(lambda y: primitive(y), x)))
        if not n.is_zero(plus(slope, n.nf(unfold(body)), Fraction(-1))):
            raise _fail(rule, f"the derivative of '{primitive}' is '{to_term(slope)}', not '{body}'")
    except Unknown as unknown:
        raise _fail(rule, str(unknown)) from None
    open_conditions = [c for c in (*n.conditions, *needs) if not n.facts.holds(c)]
    conditions = [_for_all(x, domain, c) if x in free_symbols(c) else c for c in open_conditions]
    conditions += _undischarged(context, [le(lo, hi)])
    statement = eq(integral, primitive(hi) - primitive(lo))
    return _theorem(_KEY, rule, context, statement, more_conditions=conditions, integral=integral, primitive=primitive)


def dominated(th: Theorem, measure: Term) -> Theorem:
    """``⊢ ∀ v. |f| <= g`` gives ``⊢ f integrable`` under the condition that ``g`` is."""
    q = th.statement
    if measure.sort != MEASURE or q.op != "forall" or q.args[0] != domain_of_measure(measure):
        raise _fail("dominated", f"'{q}' does not range over the domain of '{measure}'")
    p = q.body
    if p.op not in ("le", "lt") or p.args[0].op != "fn" or p.args[0].data != "abs":
        raise _fail("dominated", f"'{q}' does not bound an absolute value")
    f, g = p.args[0].args[0], p.args[1]
    statement, bound = (make("integrable", (measure, t), None, PROP, q.hint) for t in (f, g))
    more = _undischarged(th.context, [bound])
    return _theorem(_KEY, "dominated", th.context, statement, [th], more_conditions=more, measure=measure)


def limit_congruence(th: Theorem, p: Term) -> Theorem:
    """``⊢ ∀ x ∈ (a, a+δ). f(x) = g(x)`` gives ``⊢ lim_{x → a⁺} f = L`` from ``⊢ lim_{x → a⁺} g = L``.

    `th` is the equation for all ``x`` of an interval with implication premises ``a < x`` allowed; ``p`` is the equation
    of the two limits, ``lim f = lim g``.
    """
    if p.op != "eq" or any(a.op != "lim" for a in p.args) or p.args[0].args[0] != p.args[1].args[0]:
        raise _fail("limit_congruence", f"'{p}' is not an equation of two limits at one point")
    f, g = p.args
    at = f.args[0]
    if f.data != g.data or f.data != "+" or at.sort != REAL or _infinite(at):
        raise _fail("limit_congruence", "the limits are not from the right at a real point")
    q = th.statement
    if q.op != "forall" or q.args[0].op != "interval" or q.args[0].args[0] != at:
        raise _fail("limit_congruence", f"'{q}' does not range over an interval that starts at '{at}'")
    _closed("limit_congruence", th.context, p)
    x, inner = open_binder(q, _fresh(th.context, q, p))
    if inner.op == "implies":
        if inner.args[0] != lt(at, x):
            raise _fail("limit_congruence", f"the premise '{inner.args[0]}' may fail near '{at}'")
        inner = inner.args[1]
    if unfold(inner) != unfold(eq(instantiate(f.body, x), instantiate(g.body, x))):
        raise _fail("limit_congruence", f"'{inner}' does not equate the bodies of the limits")
    more = _undischarged(th.context, [lt(at, q.args[0].args[1])])
    return _theorem(_KEY, "limit_congruence", th.context, p, [th], more_conditions=more)


def invertible_if_injective(th: Theorem, matrix: Term) -> Theorem:
    """``⊢ ∀ v. (∀ i. Σ_j A_ij v_j = 0) ⟹ ∀ j. v_j = 0`` gives ``⊢ A invertible`` for a square matrix."""
    ds = domains(matrix)
    if len(ds) != 2 or ds[0] != ds[1] or ds[0].op != "range":
        raise _fail("invertible_if_injective", f"'{matrix}' is not square")
    n = ds[0].args[1]
    wanted = ForAll(
        functions((ds[0],)),
        lambda v: implies(
            ForAll(ds[0], lambda i: eq(Sum(1, n, lambda j: matrix(i, j) * v(j)), 0)),
            ForAll(ds[0], lambda j: eq(v(j), 0)),
        ),
    )
    if unfold(th.statement) != unfold(wanted):
        raise _fail("invertible_if_injective", f"'{th.statement}' is not '{wanted}'")
    return _theorem(_KEY, "invertible_if_injective", th.context, predicate("invertible", matrix), [th], matrix=matrix)
