"""What is written as a name and brackets, apart from binders and definitions: a table."""

from __future__ import annotations

from collections.abc import Callable

from derivcheck.language import constructors as b
from derivcheck.language.terms import INT, PROP, REAL, LanguageError, Sort, Term, make

#: The arguments that were read, each of the wanted sort and as many as wanted: ``given(sort, count)``.
Given = Callable[..., list[Term]]


def _calls() -> dict[str, Callable[[Given], Term]]:
    """The table: from a name to what its arguments make."""

    def scalar(name: str) -> Callable[[Given], Term]:
        return lambda given: b.scalar(name, *given(REAL))

    def predicate(name: str, count: int) -> Callable[[Given], Term]:
        return lambda given: b.predicate(name, *given(None, count))

    def constant(given: Given) -> Term:
        (out,) = given(INT)
        if out.op != "aff" or out.args:
            raise LanguageError("'integer(…)' holds a number")
        return out

    def raw(op: str, sort: Sort | None, out: Sort | None, count: int | None = 1) -> Callable[[Given], Term]:
        def call(given: Given) -> Term:
            args = given(sort, count)
            return make(op, args, None, out if out is not None else args[0].sort)

        return call

    return {
        **{name: scalar(name) for name in b.SCALAR_FUNCTIONS},
        **{name: predicate(name, count) for name, count in b.PREDICATES.items()},
        "sqrt": lambda given: b.sqrt(*given(REAL)),
        "max": raw("max", REAL, REAL, None),
        "min": raw("min", REAL, REAL, None),
        "add": raw("add", None, None),
        "mul": raw("mul", None, REAL),
        "and": raw("and", PROP, PROP, None),
        "or": raw("or", PROP, PROP, None),
        "real": lambda given: b.as_real(*given(None)),
        "integer": constant,
        "factorial": raw("factorial", INT, REAL),
        "binomial": raw("binomial", INT, REAL, 2),
        "inverse": lambda given: b.inverse(*given(None)),
        "identity": lambda given: b.identity(*given(INT)),
        "diag": lambda given: b.diag(*given(None)),
        "trace": lambda given: b.trace(*given(None)),
        "det": lambda given: b.det(*given(None)),
    }


CALLS = _calls()
