"""Does a changed statement still make sense?  The shape checks of the constructors, run again on a whole term."""

from __future__ import annotations

from collections.abc import Callable

from derivcheck.language import BINDERS, Fresh, LanguageError, Term, domains, open_binder
from derivcheck.language import constructors as b

#: Operators whose constructors compare the shapes of their arguments.
_CHECKED: dict[str, Callable[..., Term]] = {
    "matmul": b.matmul,
    "inverse": b.inverse,
    "transpose": b.transpose,
}


def require_shapes(term: Term, fresh: Fresh | None = None) -> None:
    """Check the shapes of every array in `term`.

    Raises
    ------
    LanguageError
        With what does not fit.
    """
    fresh = fresh if fresh is not None else Fresh()
    if term.op in BINDERS:
        for a in term.args[:-1]:
            require_shapes(a, fresh)
        require_shapes(open_binder(term, fresh)[1], fresh)
        return
    for a in term.args:
        require_shapes(a, fresh)
    if term.op in _CHECKED:
        _CHECKED[term.op](*term.args)
    elif term.op in ("trace", "det"):
        rows, columns = domains(term.args[0])
        if rows != columns:
            raise LanguageError(f"'{term.args[0]}' is not square")
    elif term.op in ("add", "hadamard", "eq") and term.args[0].sort.kind == "fun":
        first = domains(term.args[0])
        for a in term.args[1:]:
            if domains(a) != first:
                raise LanguageError(f"'{term.args[0]}' and '{a}' have different shapes")
    elif term.op == "defn":
        require_shapes(term.data.unfold(*term.args), fresh)
