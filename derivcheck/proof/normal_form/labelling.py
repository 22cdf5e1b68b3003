"""Canonical names for the bound indices of a contraction.

A contraction ``Σ_{i,j,…} f₁ f₂ …`` does not depend on what its indices are called or in which order they are summed.
Colour refinement tells indices apart by where they occur; ties are broken by trying each member of the smallest tied
class and keeping the least result.  The search is capped: beyond the cap the answer is `Unknown`, never a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from hashlib import blake2b

from derivcheck.language import (
    BINDERS,
    INT,
    MEASURE,
    REAL,
    Fresh,
    Term,
    abstract,
    free_symbols,
    instantiate,
    make,
    open_binder,
    symbol,
)
from derivcheck.language.terms import rebuild, variable_sort
from derivcheck.proof.normal_form.names import label, put_indices
from derivcheck.proof.normal_form.poly import (
    COMMUTATIVE,
    Mono,
    Unknown,
    canonical_order,
    factor_term,
    mono_of,
    mono_term,
    mono_times,
    sorted_node,
)

#: Leaves of the search for a least labelling; machine-learning identities needed at most two.
MAX_LEAVES = 256


@lru_cache(maxsize=200_000)
def canonical(t: Term, symmetric: frozenset[Term] = frozenset()) -> Term:
    """`t` with commutative arguments sorted and contractions labelled afresh, bottom up.

    For terms that are canonical up to a renaming of free symbols (as after a substitution of names).
    """
    if not t.args or t.op == "sym":
        return t
    if is_contraction(t):
        # Names by nesting, as everywhere below: an inner sum is opened while the outer's names are free in it.
        level, body = _depth(t), t
        variables: list[tuple[Term, Term]] = []
        while is_contraction(body):
            v = symbol(label("o", level, len(variables)), INT)
            variables.append((v, body.args[0].args[0]))
            body = instantiate(body.body, v)
        mono, c = mono_of(canonical(body, symmetric))
        out = contraction(variables, mono, symmetric)
        return out if c == 1 else sorted_node("mul", (make("num", (), c, REAL), out))
    if t.op in BINDERS:
        name = symbol(label("c", _depth(t)), *variable_sort(t))
        head = tuple(canonical(a, symmetric) for a in t.args[:-1])
        body = canonical(instantiate(t.body, name), symmetric)
        return rebuild(t, (*head, canonical_order(abstract(body, name), symmetric)))
    args = tuple(canonical(a, symmetric) for a in t.args)
    if t.op == "app" and len(args) == 3 and args[0] in symmetric:
        return rebuild(t, (args[0], *sorted(args[1:], key=lambda a: a.key)))
    return sorted_node(t.op, args, t) if t.op in COMMUTATIVE else rebuild(t, args)


@lru_cache(maxsize=200_000)
def _depth(t: Term) -> int:
    """The nesting of binders below and at `t`: names chosen by it do not meet."""
    return max((_depth(a) for a in t.args), default=0) + (t.op in BINDERS)


def is_contraction(t: Term) -> bool:
    """Is `t` a finite sum?  (An infinite one may be neither reordered nor split without more.)"""
    return t.op == "int" and t.args[0].op == "counting" and t.args[0].args[0].args[1].op != "oo"


def open_contraction(t: Term, fresh: Fresh) -> tuple[list[tuple[Term, Term]], Term]:
    """Open all nested sums at the top of `t` at once: [(index, range)], body."""
    variables = []
    while is_contraction(t):
        domain = t.args[0].args[0]
        v, t = open_binder(t, fresh)
        variables.append((v, domain))
    return variables, t


def _digest(*parts: bytes) -> bytes:
    h = blake2b(digest_size=12)
    for p in parts:
        h.update(len(p).to_bytes(4, "big") + p)
    return h.digest()


def _renamed(t: Term, names: Mapping[Term, Term], symmetric: frozenset[Term]) -> Term:
    return canonical(put_indices(t, names), symmetric)


def contraction(variables: list[tuple[Term, Term]], mono: Mono, symmetric: frozenset[Term] = frozenset()) -> Term:
    """The canonical term of ``Σ_{variables} mono``; every variable occurs in `mono`, which is connected.

    A range may mention another index of the group; then that index is summed further out.
    """
    factors = [factor_term(a, e) for a, e in mono]
    syms = [v for v, _ in variables]
    ranges = dict(variables)
    # Names by nesting: an inner contraction is labelled while the outer's labels are free in it.
    level = 1 + max((_depth(f) for f in factors), default=0)
    best: Term | None = None
    leaves = 0

    def refine(colour: dict[Term, bytes]) -> dict[Term, bytes]:
        while True:
            names = {v: symbol(label("h" + colour[v].hex(), level), INT) for v in syms}
            star = symbol(label("star", level), INT)
            new = {}
            for v in syms:
                marked = {**names, v: star}
                seen = sorted(_renamed(f, marked, symmetric).key for f in factors)
                seen += [_renamed(ranges[u], marked, symmetric).key for u in syms if u != v]
                new[v] = _digest(colour[v], _renamed(ranges[v], marked, symmetric).key, *sorted(seen))
            if len(set(new.values())) == len(set(colour.values())):
                return new
            colour = new

    def build(colour: dict[Term, bytes]) -> Term:
        order = outermost_first(sorted(syms, key=lambda v: colour[v]), ranges)
        names = {v: symbol(label("l", level, k), INT) for k, v in enumerate(order)}
        t = canonical_product([_renamed(f, names, symmetric) for f in factors])
        for k in reversed(range(len(order))):
            name = symbol(label("l", level, k), INT)
            domain = put_indices(ranges[order[k]], names)
            t = make(
                "int",
                (make("counting", (domain,), None, MEASURE), canonical_order(abstract(t, name), symmetric)),
                None,
                REAL,
                "ijklmnpqrstuv"[k % 13],
            )
        return t

    def search(colour: dict[Term, bytes]) -> None:
        nonlocal best, leaves
        colour = refine(colour)
        classes: dict[bytes, list[Term]] = {}
        for v in syms:
            classes.setdefault(colour[v], []).append(v)
        tied = min(
            (vs for vs in classes.values() if len(vs) > 1),
            key=lambda vs: (len(vs), colour[vs[0]]),
            default=None,
        )
        if tied is None:
            leaves += 1
            if leaves > MAX_LEAVES:
                raise Unknown("too many symmetric indices to label")
            t = build(colour)
            if best is None or t.key < best.key:
                best = t
            return
        for v in tied:
            search({**colour, v: _digest(colour[v], b"!")})

    if len(syms) == 1:
        return build({syms[0]: b""})
    search(dict.fromkeys(syms, b""))
    assert best is not None
    return best


def canonical_product(factors: list[Term]) -> Term:
    """The product of canonical factors as a canonical term."""
    out: Mono = ()
    c = Fraction(1)
    for f in factors:
        m, k = mono_of(f)
        out = mono_times(out, m)
        c *= k
    return mono_term(out, c)


def outermost_first(order: list[Term], ranges: dict[Term, Term]) -> list[Term]:
    """`order`, stably rearranged so that an index comes after those in its range."""
    out: list[Term] = []
    rest = list(order)
    while rest:
        ready = next((v for v in rest if not any(u in free_symbols(ranges[v]) for u in rest if u != v)), None)
        if ready is None:
            raise Unknown("index ranges that depend on one another")
        out.append(ready)
        rest.remove(ready)
    return out
