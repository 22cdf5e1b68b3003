"""From terms to words, and the decision of an equation between them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from derivcheck.language import (
    REAL,
    Context,
    Term,
    div,
    domains,
    identity,
    make,
    matmul,
    predicate,
    transpose,
    true,
    unfold,
)
from derivcheck.proof.normal_form import Normaliser, Unknown, to_term
from derivcheck.proof.normal_form.poly import Poly, constant, from_integer
from derivcheck.proof.words.algebra import Letter, Sum, Word, added, one, product, weight
from derivcheck.proof.words.completion import System


@dataclass(frozen=True, slots=True)
class Decision:
    """What was found about an equation of matrices.

    Attributes
    ----------
    equal : bool
        True if the equation follows; False means *not found*, never *different*.
    conditions : tuple of Term
        Propositions under which it follows: the inverses exist, coefficients divided by are not zero.
    rules : int
        How many rewriting rules the completion held in the end.
    """

    equal: bool
    conditions: tuple[Term, ...] = ()
    rules: int = 0


def decide_words(lhs: Term, rhs: Term, context: Context, extra: Iterable[Term] = ()) -> Decision:
    """Does ``lhs = rhs`` follow, between matrices, vectors or scalars made of them?

    Sound under `Decision.conditions`; not complete: the completion is bounded, entries are not looked at.

    Raises
    ------
    Unknown
        If an expression is not one of words, or a bound on work is reached.
    """
    left, right = unfold(lhs), unfold(rhs)
    if left.sort != right.sort or (left.sort != REAL and domains(left) != domains(right)):
        return Decision(False)
    reader = _Reader(context, extra)
    n = reader.n
    difference = added(reader.read(left), reader.read(right), constant(-1), n)
    # Every inverse that was met is defined by its two equations; transposing them costs nothing and saves overlaps.
    for inverse, g in reader.inverses.items():
        e: Sum = {(Letter(inverse),): constant(1)}
        for equation in (product(e, g, n), product(g, e, n)):
            p = added(equation, one(), constant(-1), n)
            reader.system.add(p)
            reader.system.add(reader.transposed(p))
    rest = reader.system.reduced(difference)
    if left.sort == REAL:
        rest = reader.scalars(rest)
    conditions = tuple(c for c in n.conditions if not n.facts.holds(c))
    return Decision(not rest, conditions, len(reader.system.rules))


class _Reader:
    """Reads terms as sums of words and remembers the inverses in them."""

    def __init__(self, context: Context, extra: Iterable[Term]) -> None:
        self.n = Normaliser(context, extra)
        self.inverses: dict[Term, Sum] = {}
        self.system = System(self.n)

    def read(self, t: Term) -> Sum:
        """A matrix; a vector as a column; a scalar as a sum of 1×1 words and traces."""
        match t.op:
            case "add":
                out: Sum = {}
                for a in t.args:
                    out = added(out, self.read(a), constant(1), self.n)
                return out
            case "neg":
                return added({}, self.read(t.args[0]), constant(-1), self.n)
            case "scale":
                return added({}, self.read(t.args[1]), self.n.nf(t.args[0]), self.n)
            case "identity":
                return one()
            case "transpose":
                return self.transposed(self.read(t.args[0]))
            case "matmul":
                a, b = t.args
                first, second = self.read(a), self.read(b)
                if len(domains(a)) == 1:
                    # a vector on the left stands as a row; a row times a matrix is again written as a column
                    if len(domains(b)) == 1:
                        return product(self.transposed(first), second, self.n)
                    return product(self.transposed(second), first, self.n)
                return product(first, second, self.n)
            case "inverse":
                return self._inverse(t)
            case "trace":
                mark = _trace_of(domains(t.args[0])[0].args[1])
                return {(mark, *w): c for w, c in self.read(t.args[0]).items()}
            case "mul" | "num" | "div" if t.sort == REAL:
                return self._scalar_product(t)
        if t.sort == REAL:
            return self._coefficient(self.n.nf(t))
        if len(domains(t)) > 2:
            raise Unknown("an array with more than two indices")
        matrix = self.n.array(t)
        return {(Letter(matrix),): constant(1)}

    def _coefficient(self, c: Poly) -> Sum:
        return {(_SCALAR,): c} if c else {}

    def _scalar_product(self, t: Term) -> Sum:
        """A scalar product in which at most one factor is made of matrices."""
        if t.op == "num":
            return self._coefficient(self.n.nf(t))
        if t.op == "div":
            a, b = t.args
            return added({}, self.read(a), self.n.nf(div(1, b)), self.n)
        shaped = [a for a in t.args if _has_words(a)]
        if len(shaped) > 1:
            return self._coefficient(self.n.nf(t))
        c = constant(1)
        for a in t.args:
            if a not in shaped:
                c = self.n.times(c, self.n.nf(a))
        return added({}, self.read(shaped[0]), c, self.n) if shaped else self._coefficient(c)

    def _inverse(self, t: Term) -> Sum:
        inner = self.read(t.args[0])
        key = make("inverse", (self._canonical(inner, t.args[0]),), None, t.sort)
        self.n.need(predicate("invertible", t.args[0]))
        self.inverses.setdefault(key, inner)
        return {(Letter(key),): constant(1)}

    def _canonical(self, p: Sum, t: Term) -> Term:
        """The inverted matrix in canonical words, so that equal sums give one letter."""
        out: Term | None = None
        for w, c in sorted(p.items(), key=lambda wc: weight(wc[0])):
            value: Term | None = None
            for x in w:
                m = transpose(x.matrix) if x.transposed else x.matrix
                value = m if value is None else matmul(value, m)
            if value is None:
                value = identity(domains(t)[0].args[1])
            value = value if c == constant(1) else to_term(c) * value
            out = value if out is None else out + value
        if out is None:
            raise Unknown("the inverse of zero")
        return out

    def transposed(self, p: Sum) -> Sum:
        """The transpose: words reversed, letters flipped, symmetric letters kept."""
        return {tuple(self._flipped(x) for x in reversed(w)): c for w, c in p.items()}

    def _flipped(self, x: Letter) -> Letter:
        if x == _SCALAR:
            return x
        if x.matrix in self.n.symmetric or self._is_own_transpose(x):
            return x
        return Letter(x.matrix, not x.transposed)

    def _is_own_transpose(self, x: Letter) -> bool:
        """An inverse of a symmetric sum, a diagonal matrix, or another matrix with symmetric entries."""
        if x.is_inverse:
            g = self.inverses.get(x.matrix)
            return g is not None and self.transposed(g) == g
        return len(domains(x.matrix)) == 2 and self.n.is_symmetric(x.matrix)

    def scalars(self, p: Sum) -> Sum:
        """Scalars that are equal become one: ``aᵀb = bᵀa``, ``tr(AB) = tr(BA)``, ``tr(A) = tr(Aᵀ)``, ``tr(1) = n``."""
        for _ in range(MAX_TURNS):
            out: Sum = {}
            for w, c in p.items():
                out = added(out, self._least(w), c, self.n)
            p = self.system.reduced(out)
            if p == out:
                return p
        raise Unknown("traces that do not settle")

    def _least(self, w: Word) -> Sum:
        if w == (_SCALAR,):
            return {w: constant(1)}
        if not _is_trace(w):
            return {min(w, self._reversed(w), key=weight): constant(1)}
        mark, body = w[0], w[1:]
        if not body:
            return self._coefficient(from_integer(mark.matrix.args[0]))
        turns = [v[k:] + v[:k] for v in (body, self._reversed(body)) for k in range(len(v))]
        reducible = [v for v in turns if self.system.reduced({v: constant(1)}) != {v: constant(1)}]
        best = min(reducible or turns, key=weight)
        axis = -1 if best[0].transposed else 0
        return {(_trace_of(domains(best[0].matrix)[axis].args[1]), *best): constant(1)}

    def _reversed(self, w: Word) -> Word:
        return tuple(self._flipped(x) for x in reversed(w))


#: Rotations of traces that make a rule apply, in a row.
MAX_TURNS = 20

#: The word of a plain number.
_SCALAR = Letter(true)


def _trace_of(size: Term) -> Letter:
    """The mark before a word whose trace is meant; it holds the number of rows, for the trace of the identity."""
    return Letter(make("true", (size,), "trace", true.sort))


def _is_trace(w: Word) -> bool:
    return w[0].matrix.op == "true" and w[0].matrix.data == "trace"


def _has_words(t: Term) -> bool:
    return t.op in ("matmul", "trace") or (t.op in ("mul", "neg", "add", "div") and any(_has_words(a) for a in t.args))
