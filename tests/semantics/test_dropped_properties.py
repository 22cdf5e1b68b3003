"""A property that is dropped can matter: for every kind of declaration and every property of it, what is drawn without
the property violates it now and then; or the property cannot be violated by an instance, and the reason stands here."""

from __future__ import annotations

import inspect
import re

import pytest

from derivcheck.language import (
    Givens,
    counting,
    givens,
    interval,
    lebesgue,
    neg,
    oo,
    properties,
    random_properties,
    range_,
    reals,
    space,
)
from derivcheck.semantics.cases import NoModel, draw
from derivcheck.semantics.choices import PLANS
from derivcheck.semantics.interpretation import judge_in
from derivcheck.semantics.judgement import Truth

#: Instances that are tried.
TRIES = 64

#: What no instance can violate, or is not built so: property -> why.
STRUCTURAL = {
    "integrable": "an instance's densities are continuous, or live on finitely many points",
    "square integrable": "expectations are taken on finitely many points",
}
#: The same of one declaration.
FIXED = {
    ("N", "mean"): "the third and fourth moments that stay declared leave no other law among those that are built",
    ("N", "variance"): "the same",
    ("P of N", "probability"): "the same",
}

BOUNDS = {"above": 0, "at_least": 0, "below": 1, "at_most": 1}


def _declared():
    """A label and a context for each way to declare a property."""

    def one(declare):
        g = Givens()
        declare(g)
        return g.context

    for key, value in BOUNDS.items():
        bound = {key: value}
        yield key, one(lambda g, bound=bound: g.real("x", **bound))
        yield key, one(lambda g, bound=bound: g.vector("v", g.size("n"), **bound))
        yield key, one(lambda g, bound=bound: g.matrix("M", g.size("n"), 2, **bound))
        yield key, one(lambda g, bound=bound: g.function("f", **bound))
        yield key, one(lambda g, bound=bound: g.function("F", range_(1, 2), reals, **bound))
        yield key, one(lambda g, bound=bound: g.function("t", range_(1, 2), **bound))
    yield "size", one(lambda g: g.size("m", minimum=2))
    yield "nonzero", one(lambda g: g.real("x", nonzero=True))
    yield "nonzero", one(lambda g: g.vector("v", g.size("n"), nonzero=True))
    yield "integer", one(lambda g: g.integer("k", at_least=0))
    yield "integer", one(lambda g: g.integer("k", at_most=3))
    yield "index", one(lambda g: g.index("i", 1, 3))
    yield "choice", one(lambda g: g.choice("c", range_(1, 3), range_(1, 2)))
    structures = "symmetric positive_definite positive_semidefinite invertible full_column_rank orthogonal diagonal"
    for flag in structures.split():
        yield flag, one(lambda g, flag=flag: g.matrix("M", *[g.size("n")] * 2, **{flag: True}))
    for flag in ("differentiable", "convex", "increasing"):
        yield flag, one(lambda g, flag=flag: g.function("f", **{flag: True}))
    yield "measure", one(lambda g: g.probability("P"))
    yield "measure", one(lambda g: g.probability("Q", on=range_(1, 3)))
    for positive in (True, False):
        sign = "positive" if positive else "nonnegative"
        places = {"line": reals, "half": interval(0, oo), "down": interval(neg(oo), 0), "unit": interval(0, 1)}
        for where, on in places.items():
            given = (range_(1, 2),) if where == "half" else ()
            yield (
                f"{sign} density on the {where}",
                one(
                    lambda g, on=on, given=given, pos=positive: g.distribution(
                        "p", lebesgue(on), given=given, positive=pos
                    )
                ),
            )
        yield (
            f"{sign} mass function",
            one(
                lambda g, pos=positive: g.distribution("p", counting(range_(1, 3)), given=(range_(1, 2),), positive=pos)
            ),
        )
        yield (
            f"{sign} density on a space",
            one(lambda g, pos=positive: g.distribution("p", g.measure("m", space("Z")), positive=pos)),
        )

    def on_a_space(declare, name="P"):
        return one(lambda g: declare(g, g.probability(name)))

    def dependent(g, p):
        y = g.random("Y", measure=p, mean=0, variance=1)
        g.random("X", measure=p, mean=1, variance=4, independent_of=(y,))

    def families(g, p):
        e = g.random("E", range_(1, 2), measure=p, mean=0, variance=1, uncorrelated=True)
        g.random("I", range_(1, 2), measure=p, mean=0, variance=1, iid=True, independent_of=(e,))

    yield "two variables", on_a_space(dependent)
    yield "two families", on_a_space(families)
    yield "symmetric law", on_a_space(lambda g, p: g.random("S", measure=p, symmetric=True))
    yield "normal law", on_a_space(lambda g, p: g.random("N", measure=p, mean=0, variance=1, normal=True), "P of N")
    yield "square integrable", on_a_space(lambda g, p: g.random("L", measure=p, square_integrable=True))


CASES = [
    pytest.param(context, d.name, p, id=f"{label}: {d.name} {p.name}")
    for label, context in _declared()
    for d in context.declarations
    for p in d.properties
    if p.name not in STRUCTURAL and (d.name, p.name) not in FIXED
]


def violated(context, declaration, prop):
    """Whether some instance without the property violates it."""
    without = context.without(declaration, prop.name)
    for t in range(TRIES):
        try:
            world = draw(without, t, PLANS[t % len(PLANS)]).world
        except NoModel:
            continue
        if any(judge_in(world, fact, 20_000).truth is Truth.FALSE for fact in prop.facts):
            return True
    return False


@pytest.mark.parametrize(("context", "declaration", "prop"), CASES)
def test_dropping_it_widens_what_is_drawn(context, declaration, prop):
    assert violated(context, declaration, prop)


def test_the_table_names_every_property():
    met = {p.name for _, context in _declared() for d in context.declarations for p in d.properties}
    builders = "".join(map(inspect.getsource, (givens, properties, random_properties)))
    written = set(re.findall(r'Property\(\s*"([a-z ]+)"', builders)) - {"variance"}
    assert written <= met | {"nonnegative"}, written - met
