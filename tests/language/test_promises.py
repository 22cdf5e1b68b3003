"""A property without the facts that its name promises is found; a property dropped as a whole is not missed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_serial import everything

from derivcheck.language import Context, Givens, Real, counting, eq, le, num, range_
from derivcheck.language.context import Declaration
from derivcheck.language.promises import unpromised
from derivcheck.language.serial import SerialError, dumps, loads

WHOLE = everything()
PROPERTIES = [(k, p.name) for k, d in enumerate(WHOLE.declarations) if d.symbol is not None for p in d.properties]


def changed(place: int, declaration: Declaration) -> Context:
    return Context((*WHOLE.declarations[:place], declaration, *WHOLE.declarations[place + 1 :]))


def test_what_givens_writes_keeps_its_promises() -> None:
    assert not list(unpromised(WHOLE))


@pytest.mark.parametrize(("place", "name"), PROPERTIES)
def test_a_name_without_its_facts_is_found(place: int, name: str) -> None:
    d = WHOLE.declarations[place]
    empty = tuple(replace(p, facts=()) if p.name == name else p for p in d.properties)
    (complaint,) = unpromised(changed(place, replace(d, properties=empty)))
    assert d.name in complaint
    with pytest.raises(SerialError, match="promise"):
        loads(dumps(changed(place, replace(d, properties=empty))))


@pytest.mark.parametrize(("place", "name"), PROPERTIES)
def test_a_name_with_another_fact_is_found(place: int, name: str) -> None:
    d = WHOLE.declarations[place]
    other = tuple(replace(p, facts=(*p.facts, le(0, 1))) if p.name == name else p for p in d.properties)
    assert list(unpromised(changed(place, replace(d, properties=other))))


@pytest.mark.parametrize(
    ("declared", "prop"), [("n", "minimum"), ("X", "full column rank"), ("S", "positive definite")]
)
def test_a_property_may_be_dropped_as_a_whole(declared: str, prop: str) -> None:
    assert not list(unpromised(WHOLE.without(declared, prop)))


def test_a_model_belongs_to_an_assumption_that_states_something() -> None:
    g = Givens()
    x = g.real("x")
    g.assume("nothing", model={x: num(1)})
    assert "states nothing" in "".join(unpromised(g.context))
    modelled = Declaration(Real("y"), "real", model=((x, num(1)),))
    assert "carries a model" in "".join(unpromised(Context((modelled,))))


def test_a_density_is_normalised_against_the_measure_that_it_names() -> None:
    g = Givens()
    n = g.size("n")
    p = g.distribution("p", counting(range_(1, n)))
    assert not list(unpromised(g.context))
    d = g.context.declarations[-1]
    wrong = tuple(replace(q, facts=(eq(p(1), 1),)) if q.name == "normalised" else q for q in d.properties)
    assert list(unpromised(Context((g.context.declarations[0], replace(d, properties=wrong)))))
