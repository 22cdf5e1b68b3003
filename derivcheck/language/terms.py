"""Terms: immutable, hashed by structure, with locally nameless binders.

A `Term` is an operator, its arguments, some plain data and a sort.  Two terms are equal when their structural
digests are equal, so equality does not depend on the names of bound variables, on object identity or on
``PYTHONHASHSEED``.  A binder (the operators in `BINDERS`) binds one variable in its *last* argument, where the
variable is a ``bound`` node holding its de Bruijn index; every other argument is outside its scope.

>>> from derivcheck.language import *
>>> n = Size("n"); x = Vector("x", n); i = Index("i")
>>> Sum(1, n, lambda j: x(j)) == Sum(1, n, lambda k: x(k))
True
>>> free_symbols(Sum(1, n, lambda j: x(j) * x(i))) == {n, x, i}
True
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    pass


class LanguageError(ValueError):
    """A term that cannot be said: wrong sort, wrong number of arguments, an unknown operator."""


@dataclass(frozen=True, slots=True, eq=False)
class Sort:
    """What kind of thing a term denotes.

    ``kind`` is one of ``real``, ``int``, ``prop``, ``domain``, ``measure``, ``point`` (of the space ``name``)
    and ``fun`` (from ``domain_sorts`` to ``codomain``).
    """

    kind: str
    name: str = ""
    domain_sorts: tuple[Sort, ...] = ()
    codomain: Sort | None = None

    def __eq__(self, other: object) -> bool:
        # Sorts are compared at every turn, and most of them are the constants below.
        if self is other:
            return True
        if not isinstance(other, Sort) or self.kind != other.kind or self.name != other.name:
            return False
        return self.domain_sorts == other.domain_sorts and self.codomain == other.codomain

    def __hash__(self) -> int:
        return hash((self.kind, self.name, self.domain_sorts, self.codomain))

    def __str__(self) -> str:
        if self.kind == "fun":
            return f"({' × '.join(map(str, self.domain_sorts))} → {self.codomain})"
        return f"{self.kind} {self.name}" if self.name else self.kind


REAL = Sort("real")
INT = Sort("int")
PROP = Sort("prop")
DOMAIN = Sort("domain")
MEASURE = Sort("measure")


def point_sort(space: str) -> Sort:
    """The sort of the points of the space called `space`."""
    return Sort("point", space)


def function_sort(domain_sorts: Iterable[Sort], codomain: Sort) -> Sort:
    """The uncurried sort of functions; a function-valued codomain is absorbed."""
    sorts = tuple(domain_sorts)
    if not sorts:
        return codomain
    if codomain.kind == "fun":
        assert codomain.codomain is not None
        return Sort("fun", "", sorts + codomain.domain_sorts, codomain.codomain)
    return Sort("fun", "", sorts, codomain)


#: Operators that bind one variable in their last argument.
BINDERS = frozenset(
    {
        "int",  # (measure, body): the integral, sum or expectation
        "prod",  # (domain, body)
        "deriv",  # (domain of the variable, point, index..., body)
        "lim",  # (point, body); data is the side, '' or '+' or '-'
        "max_over",  # (domain, body)
        "min_over",
        "argmax",
        "argmin",
        "lam",  # (domain, body)
        "forall",
        "exists",
        "integrable",  # (measure, body): a proposition
    }
)

_interned: WeakValueDictionary[tuple[bytes, str], Term] = WeakValueDictionary()


class Term:
    """One node: operator `op`, arguments `args`, plain `data`, sort `sort`.

    Attributes
    ----------
    key : bytes
        Structural digest; equal terms have equal keys, and order is order of keys.
    loose : int
        One more than the largest de Bruijn index that reaches outside the term; 0 for a closed term.
    hint : str
        The bound variable's name as the author wrote it; not part of the structure.
    """

    __slots__ = ("__weakref__", "_hash", "args", "data", "hint", "key", "loose", "op", "sort")
    #: So that ``case Term("le", (a, b))`` takes a term apart.
    __match_args__ = ("op", "args", "data")

    op: str
    args: tuple[Term, ...]
    data: Any
    sort: Sort
    key: bytes
    loose: int
    hint: str
    _hash: int

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Term) and self.key == other.key)

    def __hash__(self) -> int:
        return self._hash

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("terms are immutable")

    def __reduce__(self) -> tuple[Any, ...]:
        return (make, (self.op, self.args, self.data, self.sort, self.hint))

    def __repr__(self) -> str:
        from derivcheck.language.printing import text

        return text(self)

    def _repr_latex_(self) -> str:
        from derivcheck.language.printing import latex

        return f"${latex(self)}$"

    def __bool__(self) -> bool:
        if self.sort == PROP:
            raise LanguageError("a proposition has no truth value in Python; hand it to a claim or to decide()")
        return True

    # Operators build unevaluated terms; the meaning lives in `constructors`.
    def __add__(self, other: Termlike) -> Term:
        return _constructors.add(self, other)

    def __radd__(self, other: Termlike) -> Term:
        return _constructors.add(other, self)

    def __sub__(self, other: Termlike) -> Term:
        return _constructors.sub(self, other)

    def __rsub__(self, other: Termlike) -> Term:
        return _constructors.sub(other, self)

    def __mul__(self, other: Termlike) -> Term:
        return _constructors.mul(self, other)

    def __rmul__(self, other: Termlike) -> Term:
        return _constructors.mul(other, self)

    def __truediv__(self, other: Termlike) -> Term:
        return _constructors.div(self, other)

    def __rtruediv__(self, other: Termlike) -> Term:
        return _constructors.div(other, self)

    def __pow__(self, other: Termlike) -> Term:
        return _constructors.pow_(self, other)

    def __rpow__(self, other: Termlike) -> Term:
        return _constructors.pow_(other, self)

    def __matmul__(self, other: Term) -> Term:
        return _constructors.matmul(self, other)

    def __neg__(self) -> Term:
        return _constructors.neg(self)

    def __le__(self, other: Termlike) -> Term:
        return _constructors.le(self, other)

    def __lt__(self, other: Termlike) -> Term:
        return _constructors.lt(self, other)

    def __ge__(self, other: Termlike) -> Term:
        return _constructors.le(other, self)

    def __gt__(self, other: Termlike) -> Term:
        return _constructors.lt(other, self)

    def __call__(self, *args: Termlike) -> Term:
        return _constructors.apply(self, *args)

    @property
    def T(self) -> Term:
        """The transpose of a matrix."""
        return _constructors.transpose(self)

    @property
    def body(self) -> Term:
        """The scope of a binder."""
        if self.op not in BINDERS:
            raise LanguageError(f"'{self.op}' binds nothing")
        return self.args[-1]


Termlike = Term | int | Fraction | float | str


def _data_token(data: Any) -> str:
    """A printable form of plain data that distinguishes everything the operators store."""
    if isinstance(data, tuple):
        return "(" + ",".join(map(_data_token, data)) + ")"
    if isinstance(data, Fraction):
        return f"q{data.numerator}/{data.denominator}"
    if data is None or isinstance(data, str | int | bool):
        return f"{type(data).__name__}:{data!r}"
    token = getattr(data, "token", None)  # a Definition
    if isinstance(token, str):
        return token
    raise LanguageError(f"a term cannot hold {data!r}")


@lru_cache(maxsize=4096)
def _sort_token(sort: Sort) -> str:
    return str(sort)


#: The same terms by the identities of their parts, which a living term keeps alive: quicker than a digest.
_by_parts: WeakValueDictionary[tuple[object, ...], Term] = WeakValueDictionary()


def make(op: str, args: Iterable[Term] = (), data: Any = None, sort: Sort = REAL, hint: str = "") -> Term:
    """Build (or find) a node without any check of sorts; `constructors` holds the checked constructors."""
    args = tuple(args)
    plain = data.as_integer_ratio() if type(data) is Fraction else data
    if plain is None or type(plain) in (str, int) or (type(plain) is tuple and all(type(x) is int for x in plain)):
        parts = (op, id(sort), hint, type(data), plain, *map(id, args))
        known = _by_parts.get(parts)
        if known is None:
            known = _made(op, args, data, sort, hint)
            if known.sort is sort:  # an equal sort that nobody keeps would leave its identity to another
                _by_parts[parts] = known
        return known
    return _made(op, args, data, sort, hint)


def _made(op: str, args: tuple[Term, ...], data: Any, sort: Sort, hint: str) -> Term:
    """The node with this digest."""
    digest = blake2b(digest_size=20)
    digest.update(f"{op}|{_data_token(data)}|{_sort_token(sort)}|{len(args)}|".encode())
    for a in args:
        digest.update(a.key)
    key = digest.digest()
    found = _interned.get((key, hint))
    # The arguments may carry other hints: then this is the same term in other words.
    if found is not None and all(a is b for a, b in zip(found.args, args, strict=True)):
        return found
    term = object.__new__(Term)
    put = object.__setattr__
    put(term, "op", op)
    put(term, "args", args)
    put(term, "data", data)
    put(term, "sort", sort)
    put(term, "hint", hint)
    put(term, "key", key)
    put(term, "_hash", int.from_bytes(key[:8], "big", signed=True))
    if op == "bound":
        loose = int(data) + 1
    elif op in BINDERS:
        loose = max([a.loose for a in args[:-1]] + [args[-1].loose - 1, 0])
    else:
        loose = max([a.loose for a in args], default=0)
    put(term, "loose", loose)
    _interned[(key, hint)] = term
    return term


def symbol(name: str, sort: Sort = REAL, domains: Iterable[Term] = ()) -> Term:
    """A free symbol; a function symbol carries the domains of its arguments."""
    return make("sym", tuple(domains), name, sort)


def bound(index: int, sort: Sort) -> Term:
    """The variable bound by the `index`-th enclosing binder."""
    return make("bound", (), index, sort)


def rebuild(term: Term, args: tuple[Term, ...]) -> Term:
    """`term` with other arguments, re-normalised by the operator's own constructor where it has one."""
    if all(a is b for a, b in zip(args, term.args, strict=True)):
        return term
    if term.op in ("aff", "app", "real", "defn"):
        return _constructors.reconstruct(term, args)
    return make(term.op, args, term.data, term.sort, term.hint)


def _map_bound(term: Term, depth: int, leaf: Callable[[Term, int], Term | None], memo: dict[Any, Term]) -> Term:
    """Rebuild `term`, replacing each node on which `leaf(node, depth)` answers with a term."""
    memo_key = (term, term.hint, depth)
    done = memo.get(memo_key)
    if done is not None:
        return done
    out = leaf(term, depth)
    if out is None:
        if not term.args:
            out = term
        elif term.op in BINDERS:
            head = tuple(_map_bound(a, depth, leaf, memo) for a in term.args[:-1])
            out = rebuild(term, (*head, _map_bound(term.args[-1], depth + 1, leaf, memo)))
        else:
            out = rebuild(term, tuple(_map_bound(a, depth, leaf, memo) for a in term.args))
    memo[memo_key] = out
    return out


def instantiate(body: Term, value: Term) -> Term:
    """Put the closed term `value` for the outermost bound variable of `body`.

    Raises
    ------
    LanguageError
        If `value` is not closed (it would be captured).
    """
    if value.loose:
        raise LanguageError("only a closed term may replace a bound variable")

    def leaf(node: Term, depth: int) -> Term | None:
        if node.loose <= depth:
            return node
        if node.op == "bound":
            if node.data == depth:
                return value
            return bound(node.data - 1, node.sort)
        return None

    return _map_bound(body, 0, leaf, {})


def abstract(term: Term, sym: Term) -> Term:
    """The body of a binder: `term` with the symbol `sym` turned into the outermost bound variable."""

    def leaf(node: Term, depth: int) -> Term | None:
        if node == sym:
            return bound(depth, sym.sort)
        if node.op == "bound" and node.data >= depth:
            return bound(node.data + 1, node.sort)
        return None

    return _map_bound(term, 0, leaf, {})


def substitute(term: Term, mapping: Mapping[Term, Term]) -> Term:
    """Replace whole subterms (usually symbols) by closed terms, everywhere and simultaneously."""
    for new in mapping.values():
        if new.loose:
            raise LanguageError("only closed terms may be substituted")

    def leaf(node: Term, depth: int) -> Term | None:
        return mapping.get(node)

    return _map_bound(term, 0, leaf, {}) if mapping else term


@lru_cache(maxsize=200_000)
def free_symbols(term: Term) -> frozenset[Term]:
    """Every free symbol of `term`, those in the domains of its function symbols included."""
    out: set[Term] = set()
    if term.op == "sym":
        out.add(term)
    for a in term.args:
        out |= free_symbols(a)
    return frozenset(out)


def subterms(term: Term) -> Iterator[Term]:
    """Every node once, outermost first; bodies are entered with their variables still bound."""
    seen: set[Term] = set()
    stack = [term]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        yield node
        stack.extend(reversed(node.args))


class Fresh:
    """A supply of names that no author can write, so that an opened variable never meets a free one."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0

    def symbol(self, hint: str, sort: Sort, domains: Iterable[Term] = ()) -> Term:
        self.count += 1
        return symbol(f"{hint.split('#')[0] or 'v'}#{self.count}", sort, domains)


def domain_of_binder(term: Term) -> Term:
    """What the variable of the binder `term` ranges over; a limit has no such domain."""
    return term.args[0] if term.args[0].sort == DOMAIN else domain_of_measure(term.args[0])


def variable_sort(term: Term) -> tuple[Sort, tuple[Term, ...]]:
    """The sort of the variable that the binder `term` binds, and its domains if it is a function."""
    if term.op == "lim":
        return term.args[0].sort, ()
    domain = domain_of_binder(term)
    return sort_of_domain(domain), (domain.args[:-1] if domain.op == "functions" else ())


def sort_of_domain(domain: Term) -> Sort:
    """The sort of a domain's members."""
    match domain.op:
        case "range" | "integers":
            return INT
        case "interval":
            return REAL
        case "space":
            return point_sort(domain.data)
        case "functions":
            return function_sort(map(sort_of_domain, domain.args[:-1]), sort_of_domain(domain.args[-1]))
    hint = f"; write range_(1, {domain})" if domain.sort == INT else ""
    raise LanguageError(f"'{domain}' is not a domain{hint}")


def domain_of_measure(measure: Term) -> Term:
    """Where a measure lives: the range of a counting measure, an interval, or a space."""
    if measure.sort != MEASURE:
        raise LanguageError(f"'{measure}' is not a measure")
    return measure.args[0]


def open_binder(term: Term, fresh: Fresh) -> tuple[Term, Term]:
    """A fresh symbol for the variable of the binder `term`, and the body with it put in."""
    sort, domains = variable_sort(term)
    sym = fresh.symbol(term.hint, sort, domains)
    return sym, instantiate(term.body, sym)


# Terms and their constructors need each other: an operator on a term is a constructor's call.
import derivcheck.language.constructors as _constructors  # noqa: E402
