"""Random steps that keep a term's value wherever both sides are defined (sizes large enough for each step)."""

from __future__ import annotations

import random
from collections.abc import Callable

from derivcheck.language import (
    INT,
    REAL,
    Term,
    abs_,
    counting,
    exp,
    free_symbols,
    instantiate,
    integer,
    ite,
    le,
    log,
    make,
    matmul,
    max_,
    min_,
    pow_,
    range_,
    sqrt,
    symbol,
    unfold,
)
from derivcheck.language.constructors import add, int_add, mul, real
from derivcheck.language.terms import BINDERS, abstract, rebuild, variable_sort

Rule = Callable[[Term, random.Random], Term | None]


def is_sum(t: Term) -> bool:
    return t.op == "int" and t.args[0].op == "counting" and t.args[0].args[0].args[1].op != "oo"


def opened(t: Term, name: str) -> tuple[Term, Term, Term, Term]:
    """Index, lower and upper bound, and body of a sum."""
    v = symbol(name, INT)
    lo, hi = t.args[0].args[0].args
    return v, lo, hi, instantiate(t.body, v)


def total(v: Term, lo: Term, hi: Term, body: Term) -> Term:
    return make("int", (counting(range_(lo, hi)), abstract(body, v)), None, REAL, "s")


def commute(t: Term, r: random.Random) -> Term | None:
    if t.op in ("add", "mul", "max", "min"):
        args = list(t.args)
        r.shuffle(args)
        return make(t.op, args, None, REAL)
    return None


def distribute(t: Term, r: random.Random) -> Term | None:
    if t.op != "mul":
        return None
    for k, a in enumerate(t.args):
        if a.op == "add":
            rest = [b for j, b in enumerate(t.args) if j != k]
            return add(*(mul(b, *rest) if True else b for b in a.args))
    return None


def additive(t: Term, r: random.Random) -> Term | None:
    if is_sum(t):
        v, lo, hi, body = opened(t, "rewritten 1")
        if body.op == "add":
            return add(*(total(v, lo, hi, b) for b in body.args))
    return None


def factor_out(t: Term, r: random.Random) -> Term | None:
    if is_sum(t):
        v, lo, hi, body = opened(t, "rewritten 2")
        if body.op == "mul":
            out = [b for b in body.args if v not in free_symbols(b)]
            rest = [b for b in body.args if v in free_symbols(b)]
            if out and rest:
                return mul(*out, total(v, lo, hi, mul(*rest) if len(rest) > 1 else rest[0]))
    return None


def factor_in(t: Term, r: random.Random) -> Term | None:
    if t.op == "mul":
        for k, a in enumerate(t.args):
            if is_sum(a):
                v, lo, hi, body = opened(a, "rewritten 3")
                rest = [b for j, b in enumerate(t.args) if j != k]
                return total(v, lo, hi, mul(*rest, body))
    return None


def reverse(t: Term, r: random.Random) -> Term | None:
    if is_sum(t):
        v, lo, hi, body = opened(t, "rewritten 4")
        w = int_add(int_add(lo, hi), v, -1)
        return total(v, lo, hi, instantiate(abstract(body, v), w))
    return None


def shift(t: Term, r: random.Random) -> Term | None:
    if is_sum(t):
        v, lo, hi, body = opened(t, "rewritten 5")
        by = integer(r.choice([-2, -1, 1, 2]))
        return total(v, int_add(lo, by), int_add(hi, by), instantiate(abstract(body, v), int_add(v, by, -1)))
    return None


def split_last(t: Term, r: random.Random) -> Term | None:
    if is_sum(t):
        v, lo, hi, body = opened(t, "rewritten 6")
        return total(v, lo, int_add(hi, integer(-1)), body) + instantiate(abstract(body, v), hi)
    return None


def split_first(t: Term, r: random.Random) -> Term | None:
    if is_sum(t):
        v, lo, hi, body = opened(t, "rewritten 7")
        return instantiate(abstract(body, v), lo) + total(v, int_add(lo, integer(1)), hi, body)
    return None


def swap(t: Term, r: random.Random) -> Term | None:
    if is_sum(t):
        v, lo, hi, body = opened(t, "rewritten 8")
        if is_sum(body):
            w, lo2, hi2, inner = opened(body, "rewritten 9")
            if v not in free_symbols(lo2) | free_symbols(hi2):
                return total(w, lo2, hi2, total(v, lo, hi, inner))
            if lo == lo2 == integer(1) and hi2 == v:
                return total(w, lo, hi, total(v, w, hi, inner))
    return None


def power(t: Term, r: random.Random) -> Term | None:
    if t.op == "pow":
        a, e = t.args
        if e.op == "num" and e.data == 2:
            return a * a
        if e.op == "num" and e.data == 3:
            return a * pow_(a, 2)
        if e.op == "real":
            return pow_(a, real(int_add(e.args[0], integer(-1)))) * a
    return None


def functions(t: Term, r: random.Random) -> Term | None:
    if t.op == "fn":
        (x,) = t.args
        if t.data == "exp" and x.op == "add":
            return mul(*(exp(a) for a in x.args))
        if t.data == "log" and x.op == "mul" and all(a.op == "sym" for a in x.args):
            return add(*(log(a) for a in x.args))
        if t.data == "abs":
            return r.choice([max_(x, -x), sqrt(pow_(x, 2))])
        if t.data == "tanh":
            return (exp(2 * x) - 1) / (exp(2 * x) + 1)
    return None


def extremes(t: Term, r: random.Random) -> Term | None:
    if t.op in ("max", "min") and len(t.args) == 2:
        a, b = t.args
        other = min_ if t.op == "max" else max_
        same = max_ if t.op == "max" else min_
        return r.choice(
            [
                lambda: -other(-a, -b),
                lambda: a + b - other(a, b),
                lambda: a + same(b - a, 0),
                lambda: ite(le(a, b), b if t.op == "max" else a, a if t.op == "max" else b),
                lambda: (a + b + (1 if t.op == "max" else -1) * abs_(a - b)) / 2,
            ]
        )()
    return None


def quotient(t: Term, r: random.Random) -> Term | None:
    if t.op == "div":
        a, b = t.args
        return r.choice([a * pow_(b, -1), (2 * a) / (2 * b), (a + b) / b - 1])
    if t.op == "ite":
        p, a, b = t.args
        from derivcheck.language import ind, not_

        return ind(p) * a + ind(not_(p)) * b
    if t.op == "prod":
        v = symbol("rewritten 10", INT)
        lo, hi = t.args[0].args
        body = instantiate(t.body, v)
        if body.op == "mul":
            return mul(*(make("prod", (t.args[0], abstract(b, v)), None, REAL, "s") for b in body.args))
        last = make("prod", (range_(lo, int_add(hi, integer(-1))), abstract(body, v)), None, REAL, "s")
        return last * instantiate(abstract(body, v), hi)
    if t.op == "app" and t.args[0].op not in ("sym", "app", "lam", "bound", "inverse", "defn"):
        from derivcheck.proof.normal_form.arrays import entry

        return entry(t.args[0], t.args[1:])
    if t.op == "trace" and t.args[0].op == "matmul":
        a, b = t.args[0].args
        return make("trace", (matmul(b, a),), None, REAL)
    if t.op == "defn":
        return unfold(t)
    return None


RULES: tuple[Rule, ...] = (
    commute,
    distribute,
    additive,
    factor_out,
    factor_in,
    reverse,
    shift,
    split_last,
    split_first,
    swap,
    power,
    functions,
    extremes,
    quotient,
)


def step(t: Term, rng: random.Random) -> tuple[Term, str] | None:
    """One random step somewhere in `t`, with its name; None if the place drawn admits none."""
    places: list[tuple[tuple[int, ...], Term]] = []

    def collect(u: Term, path: tuple[int, ...]) -> None:
        if u.sort == REAL:
            places.append((path, u))
        for k, a in enumerate(u.args):
            if u.op in BINDERS and k == len(u.args) - 1:
                v = symbol(f"at {len(path)}", *variable_sort(u))
                collect(instantiate(a, v), (*path, k))
            elif a.sort == REAL or u.op in ("ind", "ite") or a.sort.kind == "fun":
                collect(a, (*path, k))

    collect(t, ())
    candidates = [(p, u, rule) for p, u in places for rule in RULES]
    rng.shuffle(candidates)
    for path, u, rule in candidates[:60]:
        new = rule(u, rng)
        if new is not None and new != u:
            return _put(t, path, new, 0), rule.__name__
    return None


def _put(t: Term, path: tuple[int, ...], new: Term, depth: int) -> Term:
    if not path:
        return new
    k = path[0]
    args = list(t.args)
    if t.op in BINDERS and k == len(args) - 1:
        v = symbol(f"at {depth}", *variable_sort(t))
        args[k] = abstract(_put(instantiate(args[k], v), path[1:], new, depth + 1), v)
    else:
        args[k] = _put(args[k], path[1:], new, depth + 1)
    return rebuild(t, tuple(args))
