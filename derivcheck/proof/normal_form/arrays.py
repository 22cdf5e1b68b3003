"""Entries of matrix expressions: the bridge from matrix notation to indices."""

from __future__ import annotations

from derivcheck.language import Sum, Term, delta, domains
from derivcheck.language.constructors import apply


def entry(f: Term, args: tuple[Term, ...]) -> Term:
    """The entry of an array-valued term, one operator unfolded.

    ``f`` is returned applied where it has no entries of its own (a symbol, an inverse).
    """
    match f.op:
        case "lam":
            return apply(f, *args)
        case "add":
            first, *rest = (apply(a, *args) for a in f.args)
            for r in rest:
                first = first + r
            return first
        case "neg":
            return -apply(f.args[0], *args)
        case "scale":
            return f.args[0] * apply(f.args[1], *args)
        case "hadamard":
            return apply(f.args[0], *args) * apply(f.args[1], *args)
        case "transpose":
            return apply(f.args[0], *args[::-1])
        case "identity":
            return delta(*args)
        case "diag":
            return delta(*args) * apply(f.args[0], args[0])
        case "matmul":
            a, b = f.args
            rows = len(domains(a)) - 1
            left, right = args[:rows], args[rows:]
            inner = domains(a)[-1].args[1]
            return Sum(1, inner, lambda k: apply(a, *left, k) * apply(b, k, *right))
    return apply(f, *args)
