"""The structural rules once more, from their inference figures: what a theorem's premises entitle it to say.

Each function takes an inference and returns what the rule derives; `structure` compares that with what is stated.  A
stated theorem may be weaker (more hypotheses, more conditions), never stronger.  A side condition that the author's
kernel discharged is not on paper: it comes back under ``known`` (propositions that must hold in the context unless they
are recorded as conditions) and ``defined`` (terms that the conclusion no longer shows), for `instances` to check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from derivcheck.audit.reading import MARK, Inference
from derivcheck.language import (
    INT,
    MEASURE,
    PROP,
    REAL,
    Context,
    Declaration,
    ForAll,
    Int,
    MaxOver,
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
    integrable,
    le,
    log,
    lt,
    make,
    ne,
    not_,
    num,
    oo_int,
    or_,
    predicate,
    range_,
    reals,
    scalar,
    sort_of_domain,
    substitute,
    subterms,
    symbol,
    unfold,
)
from derivcheck.language.terms import variable_sort


class Refused(Exception):
    """A rule that does not give what is stated."""


@dataclass(frozen=True, slots=True)
class Derived:
    """What a rule gives: the statement, and what is left to show."""

    statement: Term
    hypotheses: frozenset[Term]
    conditions: frozenset[Term]
    known: tuple[Term, ...] = ()
    defined: tuple[Term, ...] = ()


Rule = Callable[[Inference], Derived]
RULES: dict[str, Rule] = {}
#: Rules whose premises live in other contexts than their conclusion; they check the contexts themselves.
MOVES = {"weaken", "generalise", "instance", "induction"}


def rule(function: Rule) -> Rule:
    """Enter a rule under its function's name."""
    RULES[function.__name__] = function
    return function


def need(truth: bool, why: str) -> None:
    """Refuse unless `truth`."""
    if not truth:
        raise Refused(why)


def structure(step: Inference) -> Derived:
    """What the rule of `step` derives, where that covers what is stated.

    Raises
    ------
    Refused
        If it does not.
    """
    need(step.rule in RULES, f"there is no rule '{step.rule}'")
    for premise in step.premises:
        need(step.rule in MOVES or premise.context == step.context, f"premise {premise.number}: another context")
    undeclared = step.context.undeclared(step.statement)
    need(not undeclared, "not declared: " + ", ".join(sorted(str(s.data) for s in undeclared)))
    try:
        out = RULES[step.rule](step)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise Refused(f"premises or parameters that do not fit the rule ({error})") from None
    need(unfold(out.statement) == step.statement, f"the rule gives '{out.statement}'")
    for h in out.hypotheses:
        need(h in step.hypotheses, f"the hypothesis '{h}' is dropped")
    for c in out.conditions:
        need(unfold(c) in step.conditions, f"the condition '{c}' is dropped")
    return out


def _give(step: Inference, statement: Term, **changed: Any) -> Derived:
    """A conclusion that inherits hypotheses and conditions, unless they are `changed`."""
    inherited = {
        "hypotheses": frozenset(h for p in step.premises for h in p.hypotheses),
        "conditions": frozenset(c for p in step.premises for c in p.conditions),
    }
    return Derived(statement, **(inherited | changed))


def _premises(step: Inference, count: int) -> tuple[Inference, ...]:
    need(len(step.premises) == count, f"{len(step.premises)} premises, {count} needed")
    return step.premises


def _only(step: Inference) -> Inference:
    return _premises(step, 1)[0]


def _sides(p: Term, *ops: str) -> tuple[Term, ...]:
    need(p.op in ops, f"'{p}' has not the form needed ({' or '.join(ops)})")
    return p.args


def _occurs(v: Term, context: Context) -> bool:
    return any(v in free_symbols(t) for t in (*context.symbols(), *context.propositions()))


def _opened(binder: Term, avoid: Iterable[Term], k: int = 0) -> tuple[Term, Term]:
    """A variable that occurs nowhere in the certificate, and the body of the binder for it."""
    v = symbol(f"{MARK}{k}", *variable_sort(binder))
    need(not any(v in free_symbols(t) for t in avoid), "a name that is not new")
    return v, unfold(instantiate(binder.body, v))


def _body(binder: Term, v: Term) -> Term:
    return unfold(instantiate(binder.body, v))


def _infinite(t: Term) -> bool:
    return t.op == "oo" or (t.op == "neg" and t.args[0].op == "oo")


def member(value: Term, domain: Term) -> list[Term]:
    """The propositions that say that `value` lies in `domain`, beyond its sort."""
    if domain.op in ("range", "interval"):
        ends = ((domain.args[0], value), (value, domain.args[1]))
        return [le(a, b) for a, b in ends if not _infinite(a) and not _infinite(b)]
    if domain.op == "functions" and member(symbol(MARK, sort_of_domain(domain.args[-1])), domain.args[-1]):

        def everywhere(f: Term, over: tuple[Term, ...]) -> Term:
            if not over:
                return and_(*member(f, domain.args[-1]))
            return ForAll(over[0], lambda x: everywhere(f(x), over[1:]))

        return [everywhere(value, domain.args[:-1])]
    return []


def opens(d: Declaration, v: Term, domain: Term) -> bool:
    """Does the declaration say of `v` exactly that it lies in `domain`?"""
    if d.symbol != v or v.sort != sort_of_domain(domain) or d.model or d.auxiliary:
        return False
    if domain.op == "functions" and v.args != domain.args[:-1]:
        return False
    kinds = {"range": "index", "interval": "real", "space": "point", "integers": "integer", "functions": "array"}
    facts = member(v, domain) if domain.op != "functions" else []
    if d.kind != kinds[domain.op] or not facts:
        return d.kind == kinds[domain.op] and not d.properties
    return [(p.name, set(p.facts), p.args) for p in d.properties] == [("range", set(facts), domain.args)]


def _universal(v: Term, domain: Term, p: Term) -> Term:
    return make("forall", (domain, abstract(p, v)), None, PROP)


# ------------------------------------------------------------------------------------------------------------ logic


@rule
def assume(step: Inference) -> Derived:
    _premises(step, 0)
    return _give(step, step.statement, hypotheses=frozenset({step.statement}))


@rule
def fact(step: Inference) -> Derived:
    _premises(step, 0)
    need(step.statement in map(unfold, step.context.propositions()), "it is not a fact of the context")
    return _give(step, step.statement)


@rule
def weaken(step: Inference) -> Derived:
    th = _only(step)
    facts = set(map(unfold, step.context.propositions()))
    need(all(unfold(f) in facts for f in th.context.propositions()), "a fact is lost")
    need(set(th.context.symbols()) <= set(step.context.symbols()), "a symbol is lost")
    return _give(step, th.statement)


@rule
def discharge(step: Inference) -> Derived:
    th = _only(step)
    p, _ = _sides(step.statement, "implies")
    conditions = frozenset(unfold(implies(p, c)) for c in th.conditions)
    return _give(step, implies(p, th.statement), hypotheses=th.hypotheses - {p}, conditions=conditions)


@rule
def modus_ponens(step: Inference) -> Derived:
    th, premise = _premises(step, 2)
    p, q = _sides(th.statement, "implies")
    need(p == premise.statement, "the premise is another")
    return _give(step, q, defined=(p,))


@rule
def cut(step: Inference) -> Derived:
    th, lemma = _premises(step, 2)
    hypotheses = (th.hypotheses - {lemma.statement}) | lemma.hypotheses
    return _give(step, th.statement, hypotheses=hypotheses, defined=(lemma.statement,))


@rule
def meet_condition(step: Inference) -> Derived:
    th, lemma = _premises(step, 2)
    conditions = (th.conditions - {lemma.statement}) | lemma.conditions
    return _give(step, th.statement, conditions=conditions, defined=(lemma.statement,))


@rule
def conjunction(step: Inference) -> Derived:
    return _give(step, make("and", [p.statement for p in step.premises], None, PROP))


@rule
def conjunct(step: Inference) -> Derived:
    parts = _sides(_only(step).statement, "and")
    return _give(step, parts[step.parameters["k"]], defined=parts)


@rule
def cases(step: Inference) -> Derived:
    yes, no = _premises(step, 2)
    p = step.parameters["on"]
    need(yes.statement == no.statement, "the cases show different things")
    conditions = {implies(p, c) for c in yes.conditions} | {implies(not_(p), c) for c in no.conditions}
    return _give(
        step, yes.statement, hypotheses=(yes.hypotheses - {p}) | (no.hypotheses - {not_(p)}),
        conditions=frozenset(map(unfold, conditions)), defined=(p,),
    )  # fmt: skip


@rule
def definition(step: Inference) -> Derived:
    return _give(step, _only(step).statement)


# ------------------------------------------------------------------------------------------------------ quantifiers


@rule
def generalise(step: Inference) -> Derived:
    th = _only(step)
    v, domain = step.parameters["variable"], step.parameters["domain"]
    need(th.context.declarations[:-1] == step.context.declarations, "more than one variable leaves the context")
    need(opens(th.context.declarations[-1], v, domain), f"'{v}' is not declared as a member of '{domain}'")
    need(not _occurs(v, step.context), f"'{v}' is known outside")
    need(not any(v in free_symbols(t) for t in (domain, *th.hypotheses)), f"'{v}' is free in what is assumed")
    conditions = frozenset(_universal(v, domain, c) if v in free_symbols(c) else c for c in th.conditions)
    return _give(step, _universal(v, domain, th.statement), conditions=conditions)


@rule
def specialise(step: Inference) -> Derived:
    th, value = _only(step), step.parameters["value"]
    domain, body = _sides(th.statement, "forall")
    need(value.sort == sort_of_domain(domain), f"'{value}' is no member of '{domain}'")
    need(domain.op != "functions" or domains(value) == domain.args[:-1], f"'{value}' has another shape")
    return _give(step, instantiate(body, value), known=tuple(member(value, domain)))


@rule
def instance(step: Inference) -> Derived:
    th, *given = step.premises
    need(all(g.context == step.context for g in given), "a premise lives in another context")
    mapping = dict(step.parameters["mapping"])
    first = {s: t for s, t in mapping.items() if s.sort.kind != "fun"}
    need(all(s.op == "sym" and s.sort == t.sort for s, t in mapping.items()), "not a substitution of symbols")
    for s, t in mapping.items():
        need(not step.context.undeclared(t), f"'{t}' mentions what is not declared")
        shape = tuple(substitute(d, first) for d in s.args)
        need(s.sort.kind != "fun" or domains(t) == shape, f"'{t}' has another shape than '{s}'")
        need(s.sort != MEASURE or (domain_of_measure(t),) == shape, f"'{t}' is a measure elsewhere")
    second = {substitute(s, first): t for s, t in mapping.items() if s.sort.kind == "fun"}

    def put(p: Term) -> Term:
        return unfold(substitute(substitute(p, first), second))

    known = set(map(unfold, step.context.propositions())) | {g.statement for g in given}
    return _give(
        step, put(th.statement),
        hypotheses=frozenset(map(put, th.hypotheses)) | {h for g in given for h in g.hypotheses},
        conditions=frozenset(map(put, th.conditions)) | {c for g in given for c in g.conditions},
        known=tuple(r for r in map(put, map(unfold, th.context.propositions())) if r not in known),
    )  # fmt: skip


# --------------------------------------------------------------------------------------------------- equality, order


@rule
def extensionality(step: Inference) -> Derived:
    q = _only(step).statement
    f, g = _sides(step.statement, "eq")
    need(domains(f) == domains(g), "functions on different domains")
    arguments: list[Term] = []
    for k, d in enumerate(domains(f)):
        need(q.op == "forall" and q.args[0] == d, f"the premise does not range over '{d}'")
        v, q = _opened(q, (q, step.statement), k)
        arguments.append(v)
    need(q == unfold(eq(f(*arguments), g(*arguments))), "the premise is not the equation entry by entry")
    return _give(step, step.statement)


@rule
def transitivity(step: Inference) -> Derived:
    first, second = _premises(step, 2)
    a, b = _sides(first.statement, "eq", "le", "lt")
    middle, c = _sides(second.statement, "eq", "le", "lt")
    need(b == middle, f"'{b}' is not '{middle}'")
    ops = {first.statement.op, second.statement.op}
    relation = "lt" if "lt" in ops else "le" if "le" in ops else "eq"
    evaluated = b.op == "lim" and second.rule in ("limit", "limit_by_continuity")
    return _give(step, make(relation, (a, c), None, PROP), defined=() if evaluated else (b,))


@rule
def antisymmetry(step: Inference) -> Derived:
    below, above = _premises(step, 2)
    a, b = _sides(below.statement, "le")
    need((b, a) == _sides(above.statement, "le"), "the premises are not two directions of one inequality")
    return _give(step, eq(a, b))


@rule
def congruence(step: Inference) -> Derived:
    a, b = _sides(_only(step).statement, "eq")
    pattern, hole = step.parameters["pattern"], step.parameters["hole"]
    need(hole.op == "sym" and hole.sort == a.sort and pattern.sort != PROP, "the hole does not fit")
    need(not any(hole in free_symbols(t) for t in subterms(pattern) if t.op == "deriv"), "it rewrites a derivative")
    need(not any(hole in free_symbols(s) for s in free_symbols(pattern) - {hole}), "the hole is in a symbol's domain")
    return _give(step, eq(unfold(substitute(pattern, {hole: a})), unfold(substitute(pattern, {hole: b}))))


def _under_binder(step: Inference, relation: str) -> Derived:
    left, right = _sides(step.statement, relation)
    need(left.op in ("int", "max_over", "min_over") or (left.op, relation) == ("prod", "eq"), "not such a binder")
    need(left.op == right.op and left.data == right.data and left.args[:-1] == right.args[:-1], "different binders")
    domain = domain_of_measure(left.args[0]) if left.op == "int" else left.args[0]
    q = _only(step).statement
    need(q.op == "forall" and q.args[0] == domain, f"the premise does not range over '{domain}'")
    v, p = _opened(q, (q, left, right))
    a, b = _sides(p, "eq") if relation == "eq" else _sides(p, "eq", "le", "lt")
    need(a == _body(left, v) and b == _body(right, v), "the premise does not compare the bodies")
    known: list[Term] = []
    if left.op == "int" and relation == "le" and not _finite(left):
        known = [integrable(left.args[0], t.body) for t in (left, right)]
    if left.op in ("max_over", "min_over"):
        need(domain.op == "range" or relation == "eq", "a supremum over an infinite set")
        known = [le(*domain.args)] if domain.op == "range" and not _infinite(domain.args[1]) else []
    return _give(step, step.statement, known=tuple(known))


def _finite(t: Term) -> bool:
    return t.op == "int" and t.args[0].op == "counting" and not _infinite(t.args[0].args[0].args[1])


@rule
def binder_congruence(step: Inference) -> Derived:
    return _under_binder(step, "eq")


@rule
def monotone(step: Inference) -> Derived:
    return _under_binder(step, "le")


@rule
def increasing(step: Inference) -> Derived:
    p, f = _only(step).statement, step.parameters["function"]
    a, b = _sides(p, "le", "lt")
    need(f in ("exp", "tanh", "atan", "erf", "log") and a.sort == REAL, f"'{f}' is not known to increase")
    known = (lt(0, a),) if f == "log" else ()
    return _give(step, make(p.op, (scalar(f, a), scalar(f, b)), None, PROP), known=known)


@rule
def absolute_bound(step: Inference) -> Derived:
    upper, lower = _premises(step, 2)
    a, c = _sides(upper.statement, "le")
    need(_sides(lower.statement, "le") == (unfold(-a), c), "the premises are not a <= c and -a <= c")
    return _give(step, le(abs_(a), c))


@rule
def absolute_value(step: Inference) -> Derived:
    _premises(step, 0)
    a = step.parameters["term"]
    return _give(step, le(a, abs_(a)))


@rule
def square_zero(step: Inference) -> Derived:
    square, zero = _sides(_only(step).statement, "le")
    base, exponent = _sides(square, "pow")
    need(zero == num(0) and exponent == num(2), "not a square at most zero")
    return _give(step, eq(base, 0))


@rule
def zero_product(step: Inference) -> Derived:
    th, nonzero = _premises(step, 2)
    product, zero = _sides(th.statement, "eq")
    c, a = _sides(product, "mul")
    need(zero == num(0) and nonzero.statement == ne(c, 0), "not c·a = 0 with c other than zero")
    return _give(step, eq(a, 0), defined=(c,))


# ---------------------------------------------------------------------------------------------- finite sets and sums


def _over_finite_range(t: Term, op: str) -> Term:
    domain: Term = _sides(t, op)[0]
    need(domain.op == "range" and not _infinite(domain.args[1]), f"'{domain}' is not a finite range")
    return domain


@rule
def at_most_maximum(step: Inference) -> Derived:
    _premises(step, 0)
    maximum, value = step.parameters["maximum"], step.parameters["value"]
    domain = _over_finite_range(maximum, "max_over")
    need(value.sort == INT, f"'{value}' is not an index")
    return _give(step, le(_body(maximum, value), maximum), known=tuple(member(value, domain)))


@rule
def maximum_at_most(step: Inference) -> Derived:
    maximum, bound = _sides(step.statement, "le")
    domain = _over_finite_range(maximum, "max_over")
    q = _only(step).statement
    need(q.op == "forall" and q.args[0] == domain, "the premise ranges over something else")
    v, p = _opened(q, (q, step.statement))
    need(p == le(_body(maximum, v), bound), "the premise does not bound every value")
    return _give(step, step.statement, known=(le(*domain.args),))


@rule
def maximiser(step: Inference) -> Derived:
    _premises(step, 0)
    argmax = step.parameters["argmax"]
    domain = _over_finite_range(argmax, "argmax")
    maximum = MaxOver(domain, argmax.body)
    return _give(step, eq(_body(argmax, argmax), maximum), known=(le(*domain.args),))


@rule
def term_at_most_sum(step: Inference) -> Derived:
    total, value = step.parameters["total"], step.parameters["value"]
    need(_finite(total) and value.sort == INT, "not a term of a finite sum")
    domain = domain_of_measure(total.args[0])
    q = _only(step).statement
    need(q.op == "forall" and q.args[0] == domain, "the premise ranges over something else")
    v, p = _opened(q, (q, total))
    need(p == le(num(0), _body(total, v)), "the premise does not say that the summands are not negative")
    return _give(step, le(_body(total, value), total), known=tuple(member(value, domain)))


@rule
def induction(step: Inference) -> Derived:
    base, following = _premises(step, 2)
    t = step.parameters["variable"]
    naturals = range_(0, oo_int)
    need(step.statement.op == "forall" and step.statement.args[0] == naturals, "it does not range over 0, 1, 2, ...")
    inner = following.context.declarations
    need(base.context == step.context and inner[:-1] == base.context.declarations, "other contexts")
    need(opens(inner[-1], t, naturals) and not _occurs(t, base.context), f"'{t}' is not open from 0")

    def p(value: Term) -> Term:
        return _body(step.statement, value)

    need(base.statement == p(integer(0)), "the base is not the case 0")
    need(following.statement == p(t + 1), "the step is not the next case")
    rest = following.hypotheses - {p(t)}
    need(not any(t in free_symbols(h) for h in rest), f"'{t}' is free in another hypothesis")
    conditions = set(base.conditions)
    for c in following.conditions:
        under = implies(p(t), c)
        conditions.add(_universal(t, naturals, under) if t in free_symbols(under) else c)
    return _give(step, step.statement, hypotheses=base.hypotheses | rest, conditions=frozenset(conditions))


# --------------------------------------------------------------------------------------------------------- analysis


@rule
def derivative_congruence(step: Inference) -> Derived:
    left, right = _sides(step.statement, "eq")
    need(left.op == right.op == "deriv" and left.args[:-1] == right.args[:-1], "not two derivatives at one point")
    domain, q = left.args[0], _only(step).statement
    need(domain == reals or (domain.op == "functions" and domain.args[-1] == reals), "not all that x can be")
    need(q.op == "forall" and q.args[0] == domain, f"the premise does not range over all of '{domain}'")
    x, p = _opened(q, (q, step.statement))
    need(p == eq(_body(left, x), _body(right, x)), "the premise does not equate what is differentiated")
    return _give(step, step.statement)


@rule
def antiderivative(step: Inference) -> Derived:
    _premises(step, 0)
    integral, primitive = step.parameters["integral"], step.parameters["primitive"]
    need(integral.op == "int" and integral.args[0].op == "lebesgue", "not an integral over an interval")
    domain = domain_of_measure(integral.args[0])
    lo, hi = domain.args
    need(not _infinite(lo) and not _infinite(hi), "not a bounded interval")
    need(primitive.op == "lam" and primitive.args[0].op == "interval", "not a function of a real variable")
    x, body = _opened(integral, (step.statement, primitive))
    slope = eq(derivative_at(primitive.body, x), body)
    known = [_universal(x, domain, c) for c in (slope, *_continuous(body, x))]
    return _give(step, eq(integral, primitive(hi) - primitive(lo)), known=(*known, le(lo, hi)))


@rule
def dominated(step: Inference) -> Derived:
    q, measure = _only(step).statement, step.parameters["measure"]
    need(measure.sort == MEASURE and q.op == "forall" and q.args[0] == domain_of_measure(measure), "another domain")
    f, g = _sides(q.body, "le", "lt")
    need(f.op == "fn" and f.data == "abs", "the premise does not bound an absolute value")
    return _give(step, integrable(measure, f.args[0]), known=(integrable(measure, g),))


@rule
def log_bound(step: Inference) -> Derived:
    _premises(step, 0)
    y = step.parameters["term"]
    return _give(step, le(log(y), y - 1), known=(lt(0, y),))


@rule
def log_bound_strict(step: Inference) -> Derived:
    _premises(step, 0)
    y = step.parameters["term"]
    return _give(step, lt(log(y), y - 1), known=(lt(0, y), ne(y, 1)))


@rule
def same_law(step: Inference) -> Derived:
    p, g = _only(step).statement, step.parameters["function"]
    need(p.op == "pred" and p.data == "same_law" and g.op == "lam", "not a function of variables of one law")
    measure, x, y = p.args
    w = symbol(MARK, sort_of_domain(domain_of_measure(measure)))
    need(x(w).sort == variable_sort(g)[0] and x.sort == y.sort, "the function takes other values")
    left, right = (Int(measure, abstract(_body(g, z(w)), w)) for z in (x, y))
    return _give(step, eq(left, right))


@rule
def limit_by_continuity(step: Inference) -> Derived:
    _premises(step, 0)
    lim, value = _sides(step.statement, "eq")
    need(lim.op == "lim" and lim.args[0].sort == REAL and not _infinite(lim.args[0]), "not a limit at a real point")
    x, body = _opened(lim, (step.statement,))
    known = [substitute(c, {x: lim.args[0]}) for c in _continuous(body, x)]
    return _give(step, step.statement, known=(eq(_body(lim, lim.args[0]), value), *known))


def _continuous(t: Term, x: Term, depth: int = 1) -> Iterator[Term]:
    """What makes `t` continuous in `x`, beside the continuity of its operations."""
    if x not in free_symbols(t) or t == x:
        return
    if _finite(t) and x not in free_symbols(t.args[0]):
        domain = domain_of_measure(t.args[0])
        v, body = _opened(t, (t,), depth)
        yield from (_universal(v, domain, c) for c in _continuous(body, x, depth + 1))
        return
    everywhere = ("exp", "sin", "cos", "tanh", "abs", "erf", "atan")
    if t.op == "div":
        yield ne(t.args[1], 0)
    elif t.op == "pow":
        base, e = t.args
        need(x not in free_symbols(e), f"'{t}': the exponent moves")
        if e.op == "real":
            yield le(0, e)
        elif e.op != "num" or e.data.denominator != 1:
            yield lt(0, base)
        elif e.data < 0:
            yield ne(base, 0)
    elif t.op == "fn" and t.data == "log":
        yield lt(0, t.args[0])
    else:
        simple = t.op in ("add", "neg", "mul", "max", "min") or (t.op == "fn" and t.data in everywhere)
        need(simple, f"'{t}' is not continuous by its form")
    for a in t.args:
        yield from _continuous(a, x, depth)


@rule
def limit_congruence(step: Inference) -> Derived:
    f, g = _sides(step.statement, "eq")
    need(f.op == g.op == "lim" and f.data == g.data == "+", "not two limits from the right")
    at = f.args[0]
    need(at == g.args[0] and at.sort == REAL and not _infinite(at), "not limits at one real point")
    q = _only(step).statement
    need(q.op == "forall" and q.args[0].op == "interval" and q.args[0].args[0] == at, "not an interval from there")
    x, p = _opened(q, (q, step.statement))
    if p.op == "implies":
        need(p.args[0] == lt(at, x), "the premise may fail near the point")
        p = p.args[1]
    need(p == eq(_body(f, x), _body(g, x)), "the premise does not equate the bodies")
    return _give(step, step.statement, known=(lt(at, q.args[0].args[1]),))


@rule
def invertible_if_injective(step: Inference) -> Derived:
    a = step.parameters["matrix"]
    rows, columns = domains(a)
    need(rows == columns and rows.op == "range", "not a square matrix")
    injective = ForAll(
        functions((rows,)),
        lambda v: implies(
            ForAll(rows, lambda i: eq(Sum(1, rows.args[1], lambda j: a(i, j) * v(j)), 0)),
            ForAll(rows, lambda j: eq(v(j), 0)),
        ),
    )
    need(_only(step).statement == unfold(injective), "the premise does not say that the matrix is injective")
    return _give(step, predicate("invertible", a))


# ------------------------------------------------------------------------------------- what only instances can check


@rule
def normal_form(step: Inference) -> Derived:
    return _give(step, step.statement, defined=tuple(p.statement for p in step.premises))


@rule
def matrix_words(step: Inference) -> Derived:
    need(step.statement.op == "eq", "not an equation")
    return _give(step, step.statement, defined=tuple(p.statement for p in step.premises))


@rule
def linear(step: Inference) -> Derived:
    need(len(step.parameters["factors"]) == len(step.premises), "a factor for each premise is needed")
    relations = [p.statement.op for p in step.premises]
    need(all(r in ("eq", "le", "lt") for r in (step.statement.op, *relations)), "not comparisons")
    need(step.statement.op != "eq" or set(relations) <= {"eq"}, "an equation needs equations")
    return _give(step, step.statement)


@rule
def limit(step: Inference) -> Derived:
    _premises(step, 0)
    lim, value = _sides(step.statement, "eq")
    need(lim.op == "lim" and lim.args[0] == oo_int, "not a limit over the integers")
    # An extrapolation that does not settle says nothing; that the distance shrinks can be judged exactly.  It does for
    # t^k a^t with |a| <= 99/100 and k <= 5, and for 1/t.
    far, farther = (abs_(_body(lim, integer(t)) - value) for t in (512, 2048))
    nearer = or_(le(farther, Fraction(9, 10) * far), le(farther, Fraction(1, 10**9)))
    return _give(step, step.statement, known=(nearer,))
