"""A small evaluator of terms for the tests of the normal form: rationals where possible, else floats.

It shares no code with the normal form.  An entry outside its array's range has *some* value (a function of name and
index), so that identities of the normal form are tried on it too; an operation without a value raises `Undefined`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import blake2b
from typing import Any

from derivcheck.language import INT, REAL, Term, domains, instantiate, symbol, unfold
from derivcheck.language.terms import variable_sort

Number = Fraction | float


class Undefined(Exception):
    """An operation outside its domain, or a number too large to tell."""


def junk(name: str, index: tuple[Any, ...]) -> Fraction:
    """A reproducible small number."""
    h = blake2b(repr((name, index)).encode(), digest_size=2).digest()
    return Fraction(int.from_bytes(h, "big") % 13 - 6, 2)


@dataclass
class World:
    """Values: integers and reals by name, arrays as functions of their indices, spaces with weights of their points."""

    values: Mapping[str, Any]
    weights: list[Fraction] = field(default_factory=list)
    count: int = 0
    steps: int = 0

    def variable(self, sort: Any, doms: tuple[Term, ...] = ()) -> Term:
        self.count += 1
        return symbol(f"evaluated {self.count}", sort, doms)

    # ------------------------------------------------------------------------------------------------- entrances

    def real(self, t: Term, env: dict[Term, Any]) -> Number:
        """The value of a closed real term."""
        self.steps += 1
        if self.steps > 200_000:
            raise Undefined("too long")
        try:
            v = self._real(t, env)
        except OverflowError:
            raise Undefined("too large") from None
        if isinstance(v, float) and (math.isnan(v) or abs(v) > 1e60):
            raise Undefined("too large")
        if isinstance(v, Fraction) and v.numerator.bit_length() + v.denominator.bit_length() > 4000:
            raise Undefined("too large")
        return v

    def integer(self, t: Term, env: dict[Term, Any]) -> int:
        match t.op:
            case "aff":
                return t.data[0] + sum(c * self.integer(a, env) for a, c in zip(t.args, t.data[1:], strict=True))
            case "sym":
                return env[t] if t in env else self.values[t.data]
            case "argmax" | "argmin":
                best = max if t.op == "argmax" else min
                vs = [(self.at(t, k, env), k) for k in self.members(t.args[0], env)]
                if not vs:
                    raise Undefined("argmax of nothing")
                top = best(v for v, _ in vs)
                return next(k for v, k in vs if v == top)
        raise Undefined(t.op)

    def members(self, domain: Term, env: dict[Term, Any]) -> range:
        if domain.op == "space":
            return range(len(self.weights))
        if domain.op != "range" or domain.args[1].op == "oo":
            raise Undefined("an infinite domain")
        return range(self.integer(domain.args[0], env), self.integer(domain.args[1], env) + 1)

    def at(self, binder: Term, value: Any, env: dict[Term, Any]) -> Any:
        """The body of a binder at a value of its variable."""
        v = self.variable(*variable_sort(binder))
        body = instantiate(binder.body, v)
        inner = {**env, v: value}
        if body.sort == REAL:
            return self.real(body, inner)
        return self.truth(body, inner) if body.sort.kind == "prop" else self.integer(body, inner)

    # ----------------------------------------------------------------------------------------------------- reals

    def _real(self, t: Term, env: dict[Term, Any]) -> Number:
        match t.op:
            case "num":
                return t.data
            case "pi":
                return math.pi
            case "real":
                return Fraction(self.integer(t.args[0], env))
            case "sym":
                return env[t] if t in env else self.values[t.data]
            case "add":
                return sum((self.real(a, env) for a in t.args), Fraction(0))
            case "neg":
                return -self.real(t.args[0], env)
            case "mul":
                out: Number = Fraction(1)
                for a in t.args:
                    out = out * self.real(a, env)
                return out
            case "div":
                b = self.real(t.args[1], env)
                if abs(b) < 1e-9:
                    raise Undefined("division by zero")
                return self.real(t.args[0], env) / b
            case "pow":
                return self.power(self.real(t.args[0], env), self.real(t.args[1], env))
            case "fn":
                return self.function(t.data, self.real(t.args[0], env))
            case "max" | "min":
                return (max if t.op == "max" else min)(self.real(a, env) for a in t.args)
            case "ind":
                return Fraction(self.truth(t.args[0], env))
            case "ite":
                return self.real(t.args[1 if self.truth(t.args[0], env) else 2], env)
            case "defn":
                return self.real(unfold(t), env)
            case "factorial":
                k = self.integer(t.args[0], env)
                if k < 0 or k > 30:
                    raise Undefined("factorial")
                return Fraction(math.factorial(k))
            case "binomial":
                n, k = (self.integer(a, env) for a in t.args)
                if n < 0:
                    raise Undefined("binomial")
                return Fraction(math.comb(n, k) if 0 <= k <= n else 0)
            case "int":
                return self.integral(t, env)
            case "prod":
                out = Fraction(1)
                for k in self.members(t.args[0], env):
                    out = out * self.at(t, k, env)
                return out
            case "max_over" | "min_over":
                vs = [self.at(t, k, env) for k in self.members(t.args[0], env)]
                if not vs:
                    raise Undefined("max of nothing")
                return (max if t.op == "max_over" else min)(vs)
            case "app":
                return self.entry(t.args[0], t.args[1:], env)
            case "trace":
                (d, _) = domains(t.args[0])
                return sum((self.matrix_entry(t.args[0], (k, k), env) for k in self.members(d, env)), Fraction(0))
            case "matmul":
                a, b = t.args
                return sum(
                    (
                        self.matrix_entry(a, (k,), env) * self.matrix_entry(b, (k,), env)
                        for k in self.members(domains(a)[0], env)
                    ),
                    Fraction(0),
                )
            case "det":
                return determinant(self.table(t.args[0], env))
        raise Undefined(t.op)

    def power(self, a: Number, e: Number) -> Number:
        if isinstance(e, Fraction) and e.denominator == 1:
            if e < 0 and abs(a) < 1e-9:
                raise Undefined("a negative power of zero")
            if abs(e) > 60:
                raise Undefined("a large power")
            return a ** int(e)
        if a < -1e-12 or (a <= 1e-12 and e <= 0):
            raise Undefined("a power")
        return max(float(a), 0.0) ** float(e)

    def function(self, name: str, x: Number) -> Number:
        if name == "abs":
            return abs(x)
        if name == "sign":
            return Fraction((x > 0) - (x < 0))
        if name == "exp":
            if abs(x) > 40:
                raise Undefined("exp of a large number")
            return Fraction(1) if x == 0 else math.exp(x)
        if name in ("log", "loggamma", "gamma"):
            if x <= 1e-12:
                raise Undefined(name)
            return {"log": math.log, "loggamma": math.lgamma, "gamma": math.gamma}[name](float(x))
        table = {"sin": math.sin, "cos": math.cos, "tanh": math.tanh, "atan": math.atan, "erf": math.erf}
        return table[name](float(x))

    def integral(self, t: Term, env: dict[Term, Any]) -> Number:
        measure = t.args[0]
        if measure.op == "counting":
            return sum((self.at(t, k, env) for k in self.members(measure.args[0], env)), Fraction(0))
        if measure.op == "sym" and self.weights:
            return sum((w * self.at(t, k, env) for k, w in enumerate(self.weights)), Fraction(0))
        raise Undefined("an integral")

    # ---------------------------------------------------------------------------------------------------- arrays

    def entry(self, f: Term, args: tuple[Term, ...], env: dict[Term, Any]) -> Number:
        values = tuple(
            self.real(a, env)
            if a.sort == REAL
            else (self.integer(a, env) if a.sort == INT else (env[a] if a in env else self.values[a.data]))
            for a in args
        )
        return self.matrix_entry(f, values, env)

    def matrix_entry(self, f: Term, values: tuple[Any, ...], env: dict[Term, Any]) -> Number:
        match f.op:
            case "sym":
                table = env[f] if f in env else self.values[f.data]
                if callable(table):
                    return table(*values)
                found = table.get(values)
                return junk(str(f.data), values) if found is None else found
            case "app":
                # an array with some indices given
                first = tuple(self.integer(a, env) for a in f.args[1:])
                return self.matrix_entry(f.args[0], first + values, env)
            case "lam":
                v = self.variable(*variable_sort(f))
                body, inner = instantiate(f.body, v), {**env, v: values[0]}
                return self.real(body, inner) if len(values) == 1 else self.matrix_entry(body, values[1:], inner)
            case "add":
                return sum((self.matrix_entry(a, values, env) for a in f.args), Fraction(0))
            case "neg":
                return -self.matrix_entry(f.args[0], values, env)
            case "scale":
                return self.real(f.args[0], env) * self.matrix_entry(f.args[1], values, env)
            case "hadamard":
                return self.matrix_entry(f.args[0], values, env) * self.matrix_entry(f.args[1], values, env)
            case "transpose":
                return self.matrix_entry(f.args[0], values[::-1], env)
            case "identity":
                return Fraction(values[0] == values[1])
            case "diag":
                return self.matrix_entry(f.args[0], values[:1], env) if values[0] == values[1] else Fraction(0)
            case "matmul":
                a, b = f.args
                rows = len(domains(a)) - 1
                return sum(
                    (
                        self.matrix_entry(a, (*values[:rows], k), env) * self.matrix_entry(b, (k, *values[rows:]), env)
                        for k in self.members(domains(a)[-1], env)
                    ),
                    Fraction(0),
                )
            case "inverse":
                i, j = values
                m = inverse(self.table(f.args[0], env))
                if not (1 <= i <= len(m) and 1 <= j <= len(m)):
                    raise Undefined("an entry outside an inverse")
                return m[i - 1][j - 1]
            case "defn":
                return self.matrix_entry(unfold(f), values, env)
        raise Undefined(f.op)

    def table(self, a: Term, env: dict[Term, Any]) -> list[list[Number]]:
        rows, columns = (self.members(d, env) for d in domains(a))
        return [[self.matrix_entry(a, (i, j), env) for j in columns] for i in rows]

    # ---------------------------------------------------------------------------------------------- propositions

    def truth(self, p: Term, env: dict[Term, Any]) -> bool:
        match p.op:
            case "true":
                return True
            case "false":
                return False
            case "and":
                return all([self.truth(q, env) for q in p.args])
            case "or":
                return any([self.truth(q, env) for q in p.args])
            case "not":
                return not self.truth(p.args[0], env)
            case "implies":
                return not self.truth(p.args[0], env) or self.truth(p.args[1], env)
            case "le" | "lt" | "eq":
                a, b = p.args
                if a.sort == INT:
                    x, y = self.integer(a, env), self.integer(b, env)
                elif a.sort == REAL:
                    x, y = self.real(a, env), self.real(b, env)
                    if (isinstance(x, float) or isinstance(y, float)) and abs(x - y) < 1e-7 * (1 + abs(x)):
                        raise Undefined("too close to compare")
                else:
                    raise Undefined("a comparison")
                return x <= y if p.op == "le" else x < y if p.op == "lt" else x == y
            case "forall":
                return all(self.at(p, k, env) for k in self.members(p.args[0], env))
            case "exists":
                return any(self.at(p, k, env) for k in self.members(p.args[0], env))
            case "integrable":
                return True  # the spaces are finite
            case "pred" if p.data == "invertible":
                return abs(determinant(self.table(p.args[0], env))) > 1e-9
        raise Undefined(p.op)


def determinant(m: list[list[Number]]) -> Number:
    """Laplace expansion; the sizes are tiny."""
    if not m:
        return Fraction(1)
    return sum(
        ((-1) ** j * m[0][j] * determinant([row[:j] + row[j + 1 :] for row in m[1:]]) for j in range(len(m))),
        Fraction(0),
    )


def inverse(m: list[list[Number]]) -> list[list[Number]]:
    """By cofactors."""
    d = determinant(m)
    if abs(d) < 1e-9:
        raise Undefined("a singular matrix")
    n = range(len(m))

    def minor(i: int, j: int) -> Number:
        return determinant([[m[a][b] for b in n if b != j] for a in n if a != i])

    return [[(-1) ** (i + j) * minor(j, i) / d for j in n] for i in n]


def close(a: Number, b: Number, tolerance: float = 1e-6) -> bool:
    """Equal exactly, or up to rounding where a float is in it."""
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a == b
    return abs(a - b) <= tolerance * (1 + abs(a) + abs(b))
