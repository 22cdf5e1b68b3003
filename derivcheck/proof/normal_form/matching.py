"""One-way matching of canonical terms, with commutative products."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from derivcheck.language import Term, free_symbols
from derivcheck.language.constructors import affine_parts, int_add, integer
from derivcheck.proof.normal_form.poly import COMMUTATIVE, Unknown, exponent_of

#: Attempts of one match; a product of many like factors would try every permutation.
MAX_STEPS = 2000

Binding = dict[Term, Term]


class _Budget:
    def __init__(self, symmetric: frozenset[Term]) -> None:
        self.left = MAX_STEPS
        self.symmetric = symmetric

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Unknown("matching a fact took too many steps")


def match(
    pattern: Term, term: Term, variables: frozenset[Term], symmetric: frozenset[Term] = frozenset()
) -> Iterator[Binding]:
    """The bindings of `variables` under which `pattern` becomes `term`.

    Up to the order in products and sums, and up to that of the indices of `symmetric` matrices.
    """
    yield from _match(pattern, term, variables, {}, _Budget(symmetric))


def _match(
    p: Term, t: Term, variables: frozenset[Term], binding: Mapping[Term, Term], budget: _Budget
) -> Iterator[Binding]:
    budget.spend()
    if p in variables:
        if p in binding:
            if binding[p] == t:
                yield dict(binding)
        elif t.sort == p.sort and not t.loose:
            yield {**binding, p: t}
        return
    if p == t and not _mentions(p, variables):
        yield dict(binding)
        return
    if p.op == "aff" and t.sort.kind == "int":
        yield from _affine(p, t, variables, binding)
        return
    if p.op == "mul" or (p.op == "pow" and t.op == "mul"):
        yield from _bag(_factors(p), _factors(t), variables, binding, budget)
        return
    if p.op != t.op or p.data != t.data or p.sort != t.sort or len(p.args) != len(t.args):
        return
    if p.op in COMMUTATIVE:
        yield from _bag(list(p.args), list(t.args), variables, binding, budget)
        return
    yield from _sequence(p.args, t.args, variables, binding, budget)
    if p.op == "app" and len(p.args) == 3 and p.args[0] in budget.symmetric and t.args[1] != t.args[2]:
        yield from _sequence(p.args, (t.args[0], t.args[2], t.args[1]), variables, binding, budget)


def _mentions(p: Term, variables: frozenset[Term]) -> bool:
    return not variables.isdisjoint(free_symbols(p))


def _sequence(
    ps: tuple[Term, ...],
    ts: tuple[Term, ...],
    variables: frozenset[Term],
    binding: Mapping[Term, Term],
    budget: _Budget,
) -> Iterator[Binding]:
    if not ps:
        yield dict(binding)
        return
    for found in _match(ps[0], ts[0], variables, binding, budget):
        yield from _sequence(ps[1:], ts[1:], variables, found, budget)


def _factors(t: Term) -> list[Term]:
    """The factors of a product, small whole powers written out."""
    out = []
    for f in t.args if t.op == "mul" else (t,):
        e = exponent_of(f.args[1]) if f.op == "pow" else None
        k = e.integer if e is not None else None
        out.extend([f.args[0]] * k if k is not None and 0 < k <= 8 else [f])
    return out


def _bag(
    ps: list[Term], ts: list[Term], variables: frozenset[Term], binding: Mapping[Term, Term], budget: _Budget
) -> Iterator[Binding]:
    if len(ps) != len(ts):
        return
    if not ps:
        yield dict(binding)
        return
    seen = set()
    for k, t in enumerate(ts):
        if t in seen:
            continue
        seen.add(t)
        for found in _match(ps[0], t, variables, binding, budget):
            yield from _bag(ps[1:], ts[:k] + ts[k + 1 :], variables, found, budget)


def _affine(p: Term, t: Term, variables: frozenset[Term], binding: Mapping[Term, Term]) -> Iterator[Binding]:
    """Solve an affine pattern with one unbound variable of coefficient one."""
    const, coefficients = affine_parts(p)
    if any(a not in variables and _mentions(a, variables) for a in coefficients):
        return  # a variable inside an atom of the pattern, as in i + f(k): not solved here
    known = integer(const)
    free: list[tuple[Term, int]] = []
    for a, c in coefficients.items():
        value = binding.get(a) if a in variables else a
        if value is None:
            free.append((a, c))
        else:
            known = int_add(known, value, c)
    rest = int_add(t, known, -1)
    if not free:
        if rest == integer(0):
            yield dict(binding)
    elif len(free) == 1 and abs(free[0][1]) == 1 and not rest.loose:
        a, c = free[0]
        yield {**binding, a: int_add(integer(0), rest, c)}
