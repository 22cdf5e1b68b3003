"""The rules once more, as a table of inference figures.

Rules that discharge a hypothesis or leave a context first carry their premises to where the conclusion is (`_carried`);
then every rule is a figure (`_figure`).  A stated theorem may be weaker (more hypotheses, more conditions), never
stronger.  Algebra, and side conditions that the author's kernel discharged, come back for `instances` to judge.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from derivcheck.language import INT, PROP, REAL, Context, LanguageError, Term, abstract, free_symbols, instantiate, make
from derivcheck.language import constructors as b
from derivcheck.language.certificates import Inference
from derivcheck.language.definitions import unfold
from derivcheck.language.membership import INFINITE, members, opened
from derivcheck.language.properties import for_all_arguments, injective
from derivcheck.language.terms import bound, domain_of_binder, domain_of_measure, substitute, subterms, symbol

#: Rules whose statements are judged on instances; of the others, the figure says all but side conditions.
JUDGED = ("normal_form", "matrix_words", "linear", "antiderivative", "limit_by_continuity", "limit")
NATURALS = b.range_(0, b.oo_int)


class Rejected(Exception):
    """A theorem that its rule does not give, or that fails somewhere."""


class Figure(NamedTuple):
    """What the premises must say, what follows, what is left to judge, and the terms that are no longer shown."""

    premises: Iterable[Term]
    statement: Term
    known: Iterable[Term] = ()
    vanishing: Iterable[Term] = ()


def derive(step: Inference) -> list[Term]:
    """What is left to judge, where the rule gives what is stated; else `Rejected` says why it does not."""
    try:
        premises = _carried(step)
        figure = _figure(step, [th.statement for th in premises])
        wanted, statement = [unfold(p) for p in figure.premises], unfold(figure.statement)
        known = [p for p in map(unfold, figure.known) if p not in step.conditions]
        # What is no longer shown must have a value wherever the conclusion has one.
        known += [b.implies(_has_value(statement), _has_value(t)) for t in figure.vanishing]
    except (LanguageError, LookupError, TypeError, AttributeError, ValueError) as error:
        raise Rejected(f"premises or parameters that do not fit the rule ({error})") from None
    _need(all(th.context == step.context for th in premises), "a premise lives in another context")
    _need(statement == step.statement, f"the rule gives '{statement}'")
    _need(wanted == [th.statement for th in premises], "the rule needs " + " and ".join(f"'{p}'" for p in wanted))
    for h in {h for th in premises for h in th.hypotheses} | ({statement} if step.rule == "assume" else set()):
        _need(h in step.hypotheses, f"the hypothesis '{h}' is dropped")
    for c in {c for th in premises for c in th.conditions}:
        _need(c in step.conditions, f"the condition '{c}' is dropped")
    _need(not step.context.undeclared(statement, *known), "it speaks of what is not declared")
    return known


def _need(truth: bool, why: str) -> None:
    if not truth:
        raise Rejected(why)


def _carried(step: Inference) -> Sequence[Inference]:
    """The premises with their hypotheses discharged, their variables closed or their symbols replaced."""
    match step.rule, step.premises, step.parameters:
        case "discharge", [th], _:
            return [_discharged(th, step.statement.args[0])]
        case "cases", [yes, no], {"on": p}:
            return [_discharged(yes, p), _discharged(no, b.not_(p))]
        case "cut", [th, lemma], _:
            return [replace(th, hypotheses=th.hypotheses - {lemma.statement}), lemma]
        case "meet_condition", [th, lemma], _:
            return [replace(th, conditions=th.conditions - {lemma.statement}), lemma]
        case "generalise", [th], {"variable": v, "domain": domain}:
            return [_closed(th, v, domain, step.context)]
        case "induction", [base, following], {"variable": t}:
            case = unfold(instantiate(step.statement.body, t))
            return [base, _closed(_discharged(following, case), t, NATURALS, step.context)]
        case "weaken", [th], _:
            kept = {*th.context.symbols()} <= {*step.context.symbols()} and _facts(th.context) <= _facts(step.context)
            _need(kept, "a fact or a symbol is lost")
            return [replace(th, context=step.context)]
        case "instance", [th, *given], {"mapping": mapping}:
            _need(not step.context.undeclared(*(new for _, new in mapping)), "it puts in what is not declared")
            put = b.substitution(dict(mapping))
            hypotheses, conditions = (frozenset(unfold(put(p)) for p in ps) for ps in (th.hypotheses, th.conditions))
            said = unfold(put(th.statement))
            return [Inference(th.number, th.rule, (), step.context, hypotheses, said, conditions, {}), *given]
    return step.premises


def _discharged(th: Inference, p: Term) -> Inference:
    """``H, p ⊢ q`` gives ``H ⊢ p ⟹ q``; what was needed for ``q`` is needed under ``p`` only."""
    conditions = frozenset(b.implies(p, c) for c in th.conditions)
    return replace(th, hypotheses=th.hypotheses - {p}, statement=b.implies(p, th.statement), conditions=conditions)


def _closed(th: Inference, v: Term, domain: Term, context: Context) -> Inference:
    """``Γ, v ∈ D; H ⊢ p`` gives ``Γ; H ⊢ ∀ v ∈ D. p`` where ``v`` is free in neither ``Γ`` nor ``H``."""
    _need(th.context == context.extended(opened(v, domain)), f"'{v}' is not the variable that is open in '{domain}'")
    assumed = (*context.symbols(), *context.propositions(), *th.hypotheses, domain)
    _need(not any(v in free_symbols(t) for t in assumed), f"'{v}' is free in what is assumed")
    every = {p: _prop("forall", domain, abstract(p, v)) for p in (th.statement, *th.conditions)}
    conditions = frozenset(every[c] if v in free_symbols(c) else c for c in th.conditions)
    return replace(th, context=context, statement=every[th.statement], conditions=conditions)


def _figure(step: Inference, said: list[Term]) -> Figure:
    """The table: the rule, what its (carried) premises say, and the conclusion."""
    of = step.parameters
    match step.rule, said, step.statement:
        # logic and quantifiers
        case (("discharge" | "generalise" | "weaken" | "definition"), [p], _):
            return Figure(said, p)
        case "assume" | "fact", [], p if step.rule == "assume" or p in _facts(step.context):
            return Figure([], p)
        case "conjunction", ps, _:
            return Figure(ps, _prop("and", *ps))
        case "conjunct", [Term("and", ps)], _:
            return Figure(said, ps[of["k"]], vanishing=ps)
        case "modus_ponens", [_, p], q:
            return Figure([b.implies(p, q), p], q, vanishing=[p])
        case "cut" | "meet_condition", [q, p], _:
            return Figure(said, q, vanishing=[p])
        case "cases", _, q:
            return Figure([b.implies(p, q) for p in (of["on"], b.not_(of["on"]))], q, vanishing=[of["on"]])
        case "specialise", [Term("forall", (domain, body))], _:
            return Figure(said, instantiate(body, of["value"]), members(of["value"], domain))
        case "induction", _, Term("forall", (naturals, p)) as q if naturals == NATURALS:
            following = b.ForAll(naturals, lambda t: b.implies(instantiate(p, t), instantiate(p, t + 1)))
            return Figure([instantiate(p, b.integer(0)), following], q)
        case "instance", [p, *given], _:
            put, here = b.substitution(dict(of["mapping"])), _facts(step.context) | {*given}
            facts = {unfold(put(q)) for q in step.premises[0].context.propositions()}
            return Figure(said, p, sorted(facts - here, key=str))
        # equality
        case "extensionality", _, Term("eq", (f, g)) if b.domains(f) == b.domains(g):
            return Figure([for_all_arguments(f, lambda *x: b.eq(f(*x), g(*x)))], b.eq(f, g))
        case "transitivity", [Term("eq" | "le" | "lt" as r, (a, m)), Term("eq" | "le" | "lt" as s, (_, c))], _:
            # That a limit in the middle exists is known where a premise evaluates it.
            exists = m.op == "lim" and step.premises[1].rule in ("limit", "limit_by_continuity")
            strongest = max(r, s, key=("eq", "le", "lt").index)
            return Figure([said[0], _prop(s, m, c)], _prop(strongest, a, c), vanishing=[] if exists else [m])
        case "antisymmetry", _, Term("eq", (a, c)):
            return Figure([b.le(a, c), b.le(c, a)], b.eq(a, c))
        case "congruence", [Term("eq", (a, c))], _:
            pattern, hole = of["pattern"], of["hole"]
            fixed = [t for t in subterms(pattern) if t.op == "deriv" or (t.op == "sym" and t != hole)]
            _need(hole.op == "sym" and hole.sort == a.sort and pattern.sort != PROP, "the hole does not fit")
            _need(not any(hole in free_symbols(t) for t in fixed), "it rewrites a derivative or a domain")
            return Figure(said, b.eq(substitute(pattern, {hole: a}), substitute(pattern, {hole: c})))
        case "binder_congruence", _, Term("eq", (Term("int" | "prod" | "max_over" | "min_over") as f, g)):
            return Figure([_bodies("eq", f, g)], b.eq(f, g))
        case "derivative_congruence", _, Term("eq", (Term("deriv", (domain, *_)) as f, g)) if f == of["left"]:
            _need(b.reals in (domain, domain.args[-1]), "not all that x can be")
            return Figure([_bodies("eq", f, g)], b.eq(f, g))
        case "same_law", [Term("pred", (measure, x, y), "same_law")], _:
            g, w = of["function"], symbol("w@", x.sort.domain_sorts[0])
            _need(g.op == "lam" and x(w).sort == g.sort.domain_sorts[0], "the function takes other values")
            means = [b.Int(measure, abstract(instantiate(g.body, z(w)), w)) for z in (x, y)]
            return Figure(said, b.eq(*means))
        # comparison
        case "monotone", [Term(_, (domain, Term("eq" | "le" | "lt" as r)))], Term("le", (f, g)):
            _need(f.op == "int" or (f.op in ("max_over", "min_over") and domain.op == "range"), "not such a binder")
            endless = [f, g] if f.op == "int" and not _finite(f) else []
            return Figure([_bodies(r, f, g)], b.le(f, g), [_prop("integrable", t.args[0], t.body) for t in endless])
        case "increasing", [Term("le" | "lt" as r, (a, c))], _:
            f = of["function"]
            _need(f in ("exp", "tanh", "atan", "erf", "log"), f"'{f}' is not known to increase")
            return Figure(said, _prop(r, b.scalar(f, a), b.scalar(f, c)), [b.lt(0, a)] if f == "log" else [])
        case "absolute_bound", _, Term("le", (Term("fn", (a,), "abs"), c)):
            return Figure([b.le(a, c), b.le(-a, c)], b.le(b.abs_(a), c))
        case "absolute_value", [], _:
            return Figure([], b.le(of["term"], b.abs_(of["term"])))
        case "square_zero", _, Term("eq", (a, _)):
            return Figure([b.le(a**2, 0)], b.eq(a, 0))
        case "zero_product", [Term("eq", (Term("mul", (c, a)) as product, _)), _], _:
            return Figure([b.eq(product, 0), b.ne(c, 0)], b.eq(a, 0), vanishing=[c])
        case "log_bound", [], _:
            return Figure([], b.le(b.log(of["term"]), of["term"] - 1), [b.lt(0, of["term"])])
        case "log_bound_strict", [], _:
            return Figure([], b.lt(b.log(of["term"]), of["term"] - 1), [b.lt(0, of["term"]), b.ne(of["term"], 1)])
        # finite sets and sums
        case "at_most_maximum", [], Term("le", (_, Term("max_over", (domain, f)) as m)) if m == of["maximum"]:
            _need(_finite(m), "not over a finite range")
            return Figure([], b.le(instantiate(f, of["value"]), m), members(of["value"], domain))
        case "maximum_at_most", _, Term("le", (Term("max_over", (domain, f)) as m, c)) if _finite(m):
            return Figure([_prop("forall", domain, _prop("le", f, c))], b.le(m, c), [b.le(*domain.args)])
        case "maximiser", [], Term("eq", (_, Term("max_over", (domain, f)) as m)) if _finite(m):
            _need(of["argmax"] == make("argmax", m.args, None, INT), "another maximiser")
            return Figure([], b.eq(instantiate(f, of["argmax"]), m), [b.le(*domain.args)])
        case "term_at_most_sum", _, Term("le", (_, Term("int", (_, f)) as total)) if total == of["total"]:
            _need(_finite(total), "not a finite sum")
            domain, positive = domain_of_binder(total), _prop("le", b.num(0), f)
            largest = b.le(instantiate(f, of["value"]), total)
            return Figure([_prop("forall", domain, positive)], largest, members(of["value"], domain))
        # analysis
        case "dominated", [Term("forall", (_, Term("le" | "lt", (Term("fn", (f,), "abs"), g)) as p))], _:
            of_f, of_g = (_prop("integrable", of["measure"], t) for t in (f, g))
            return Figure([_prop("forall", domain_of_measure(of["measure"]), p)], of_f, [of_g])
        case "limit_congruence", [Term("forall", (domain, q))], Term("eq", (Term("lim", (at, f), "+"), g)) as p:
            there = at == domain.args[0] and at.sort == REAL and at not in INFINITE
            _need(there and g == make("lim", (at, g.body), "+"), "not two limits from the right at one real point")
            same = _prop("eq", f, g.body)
            near = _prop("implies", _prop("lt", at, bound(0, REAL)), same) if q.op == "implies" else same
            return Figure([_prop("forall", domain, near)], p, [b.lt(at, domain.args[1])])
        case "invertible_if_injective", _, Term("pred", (a,), "invertible") as p if a == of["matrix"]:
            _need(b.domains(a)[0] == b.domains(a)[1], "not a square matrix")
            return Figure([injective(a)], p)
        # what only instances can show
        case "normal_form" | "matrix_words", _, p if step.rule == "normal_form" or p.op == "eq":
            return Figure(said, p, [b.implies(b.and_(*said), p)], said)
        case "linear", _, Term("eq" | "le" | "lt" as r) as p:
            _need({q.op for q in said} <= ({"eq"} if r == "eq" else {"eq", "le", "lt"}), "an equation needs equations")
            return Figure(said, p, [_combination(list(zip(said, of["factors"], strict=True)), p)])
        case "antiderivative", [], Term("eq", (integral, _)) if integral == of["integral"]:
            lower, upper = domain_of_binder(integral).args
            p = b.eq(integral, of["primitive"](upper) - of["primitive"](lower))
            return Figure([], p, [p, b.le(lower, upper)])
        case "limit_by_continuity", [], Term("eq", (Term("lim", (at, f)), value)) as p if at not in INFINITE:
            return Figure([], p, [b.eq(instantiate(f, at), value), p])
        case "limit", [], Term("eq", (Term("lim", (at, f)), value)) as p if at == b.oo_int:
            # That the distance shrinks is judged exactly; it does for t^k a^t with |a| <= 99/100 and k <= 5, and 1/t.
            far, farther = (b.abs_(instantiate(f, b.integer(t)) - value) for t in (512, 2048))
            nearer = b.or_(b.le(farther, Fraction(9, 10) * far), b.le(farther, Fraction(1, 10**9)))
            return Figure([], p, [nearer, p])
    raise Rejected(f"no rule '{step.rule}' gives '{step.statement}' from such premises")


def _prop(op: str, *args: Term) -> Term:
    return make(op, args, None, PROP)


def _facts(context: Context) -> set[Term]:
    return {*map(unfold, context.propositions())}


def _has_value(t: Term) -> Term:
    return b.or_(t, b.not_(t)) if t.sort == PROP else b.eq(t, t)


def _bodies(relation: str, f: Term, g: Term) -> Term:
    """``∀ v ∈ D. f(v) R g(v)`` for the bodies of two binders that differ in nothing else."""
    _need((f.op, f.data, f.args[:-1]) == (g.op, g.data, g.args[:-1]), "different binders")
    return _prop("forall", domain_of_binder(f), _prop(relation, f.body, g.body))


def _finite(binder: Term) -> bool:
    """Is it a sum, a maximum or a minimum over a range with an end?"""
    domain, counts = domain_of_binder(binder), binder.op != "int" or binder.args[0].op == "counting"
    return counts and domain.op == "range" and domain.args[1] not in INFINITE


def _combination(used: list[tuple[Term, Term]], goal: Term) -> Term:
    """``Σ cᵢ(bᵢ − aᵢ) <= b − a`` with ``cᵢ >= 0``: what makes a linear combination sound, whatever its premises."""

    def gap(p: Term) -> Term:
        return b.as_real(p.args[1]) - b.as_real(p.args[0])

    total, rest = sum((c * gap(p) for p, c in used), b.num(0)), gap(goal)
    needs = [b.le(0, c) for p, c in used if p.op != "eq"]
    if goal.op == "lt":
        needs.append(b.or_(b.lt(total, rest), *(b.lt(0, c) for p, c in used if p.op == "lt")))
    return b.eq(total, rest) if goal.op == "eq" else b.and_(b.le(total, rest), *needs)
