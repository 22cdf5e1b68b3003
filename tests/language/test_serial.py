"""Terms and Contexts survive JSON, and a tampered document is rejected."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from derivcheck.language import (
    KL,
    Context,
    E,
    Givens,
    Index,
    LanguageError,
    Real,
    Size,
    Sum,
    Vector,
    bound,
    define,
    eq,
    log,
    make,
    matrix,
    num,
    range_,
    relu,
    softmax,
    space,
    subterms,
    unfold,
)
from derivcheck.language.printing import text
from derivcheck.language.serial import (
    FORMAT,
    Nodes,
    SerialError,
    Table,
    document,
    dumps,
    loads,
    read_context,
    read_document,
)
from derivcheck.language.terms import INT, PROP, REAL
from tests.language.terms_strategy import terms

n = Size("n")
a = Real("a")
x = Vector("x", n)


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(terms())
def test_terms_survive(term):
    term = unfold(term)
    back = loads(dumps(term))
    assert back == term
    assert text(back) == text(term)  # the names of bound variables too


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(terms())
def test_definitions_are_unfolded(term):
    assert loads(dumps(term)) == unfold(term)


def test_a_problems_own_definition_is_unfolded():
    twice = define("twice", lambda v: 2 * v)
    assert loads(dumps(twice(a))) == 2 * a


def everything() -> Context:
    g = Givens()
    size, width = g.size("n"), g.size("m")
    i = g.index("i", size)
    g.real("alpha", above=0, at_most=1, nonzero=True)
    g.matrix("X", size, width, full_column_rank=True)
    S = g.matrix("S", width, width, positive_definite=True)
    g.vector("z", size, at_least=-1)
    g.choice("c", range_(1, size), range_(1, width))
    P = g.probability()
    W = g.random("W", range_(1, size), measure=P, mean=0, variance=1, iid=True, normal=True)
    g.random("V", measure=P, symmetric=True, mean=1, variance=2, independent_of=(W,))
    mu = g.measure("mu", space("Z"))
    p, q = g.distribution("p", mu, positive=True), g.distribution("q", mu)
    g.point("z0", space("Z"))
    g.function("f", convex=True, differentiable=True, increasing=True)
    y = g.vector("y", size)
    g.assume(
        "labels",
        eq(y(i), relu(y(i)) + KL(mu, q, p) + E(P, lambda w: W(i, w))),
        model={y: softmax(Vector("t", size))},
        auxiliary=lambda inner: (inner.vector("t", size), None)[1],
    )
    assert S.sort.kind == "fun"
    return g.context


def test_a_context_survives():
    context = everything()
    back = loads(dumps(context))
    assert isinstance(back, Context)
    assert back.symbols() == context.symbols()
    assert back.propositions() == tuple(map(unfold, context.propositions()))
    assert [d.kind for d in back.declarations] == [d.kind for d in context.declarations]
    assert [name for name, _ in back.facts()] == [name for name, _ in context.facts()]
    last = back.declarations[-1]
    assert last.model == tuple((left, unfold(right)) for left, right in context.declarations[-1].model)
    assert last.auxiliary == context.declarations[-1].auxiliary
    assert dumps(back) == dumps(loads(dumps(back)))


def test_nodes_are_shared_between_terms():
    table = Table()
    first = table.add(x(1) + a)
    before = len(table.nodes)
    second = table.add(log(x(1) + a))
    assert len(table.nodes) == before + 1
    nodes = Nodes(json.loads(json.dumps(table.nodes)))
    assert nodes.term(first, REAL) == x(1) + a
    assert nodes.term(second) == log(x(1) + a)
    with pytest.raises(SerialError, match="a prop is needed"):
        nodes.term(first, PROP)


def test_one_hundred_thousand_nodes_are_no_trouble():
    deep = a
    for _ in range(100_000):
        deep = make("neg", (deep,))
    assert loads(dumps(deep)) == deep
    wide = make("add", [num(k) * a for k in range(10_000)])
    assert loads(dumps(wide)) == wide
    # A graph that would be 2^1000 nodes as a tree.
    shared = a
    for _ in range(1000):
        shared = make("mul", (shared, shared))
    assert len(document(shared)["nodes"]) == 1001
    assert loads(dumps(shared)) == shared


def node(op, sort="real", **rest):
    return {"op": op, "sort": sort, **rest}


ONE = node("num", data="1")
VECTOR = ["fun", ["int"], "real"]
N = node("sym", "int", data="n")
SQUARE = ["fun", ["int", "int"], "real"]
TAMPERED = {
    "unknown operator": ([node("system", data="rm")], "not an operator"),
    "a definition": ([ONE, node("defn", data="softmax", args=[0])], "unfolded"),
    "itself": ([node("neg", args=[0])], "does not stand before"),
    "a later node": ([node("neg", args=[1]), ONE], "does not stand before"),
    "a negative index": ([ONE, node("neg", args=[-1])], "does not stand before"),
    "true as an index": ([ONE, ONE, node("neg", args=[True])], "does not stand before"),
    "wrong sort": ([node("num", "prop", data="1")], "it is a real, not a prop"),
    "no sort": ([{"op": "pi"}], "not a sort"),
    "unknown sort": ([node("pi", "complex")], "not a sort"),
    "extra field": ([node("pi", extra=1)], "a node is an object"),
    "not an object": ([3], "a node is an object"),
    "too few arguments": ([ONE, node("div", args=[0])], "takes 2 arguments"),
    "a proposition as a number": ([node("true", "prop"), node("neg", args=[0])], "does not apply to a prop"),
    "a number as a proposition": ([ONE, node("not", "prop", args=[0])], "a prop is needed"),
    "data where none belongs": ([node("pi", data=3)], "holds no data"),
    "a float": ([node("num", data=0.5)], "a number is not"),
    "not lowest terms": ([node("num", data="2/4")], "lowest terms"),
    "zero denominator": ([node("num", data="1/0")], "denominator is zero"),
    "an exponent": ([node("num", data="1e9")], "not a rational"),
    "a fraction of nothing": ([node("num", data="/2")], "not a rational"),
    "other digits": ([node("num", data="१")], "not a rational"),
    "an unknown function": ([ONE, node("fn", data="eval", args=[0])], "not known"),
    "a hint on a number": ([node("num", data="1", hint="x")], "only a binder"),
    "a hint that is no text": ([node("pi", hint=3)], "hint is not"),
    "not closed": ([node("bound", data=0)], "not closed"),
    "a negative bound variable": ([node("bound", data=-1)], "number of binders"),
    "affine, zero coefficient": ([N, node("aff", "int", data=[1, 0], args=[0])], "canonical"),
    "affine, one atom": ([N, node("aff", "int", data=[0, 1], args=[0])], "canonical"),
    "affine, twice": ([N, node("aff", "int", data=[0, 1, 1], args=[0, 0])], "canonical"),
    "affine, too short": ([N, node("aff", "int", data=[0], args=[0])], "takes 0 arguments"),
    "a number as an integer": ([node("aff", "int", data=[3]), node("real", args=[0])], "written as a number"),
    "an empty name": ([node("sym", data="")], "a name is empty"),
    "a name that is no text": ([node("sym", data=["x"])], "a name is not"),
    "a domain as symbol": ([node("sym", "domain", data="D")], "a domain is not a symbol"),
    "a function without domains": ([node("sym", VECTOR, data="x")], "it is a real"),
    "counting on reals": (
        [node("oo"), node("interval", "domain", args=[0, 0]), node("counting", "measure", args=[1])],
        "lives on a range",
    ),
    "a curried sort": ([node("sym", ["fun", ["int"], VECTOR], data="x")], "listed together"),
    "a bound variable of another sort": (
        [N, node("range", "domain", args=[0, 0]), node("bound", "real", data=0),
         node("lam", VECTOR, args=[1, 2], hint="i")],
        "its variable is a int",
    ),
    "one variable, two sorts": (
        [node("bound", "real", data=0), node("bound", "int", data=0), node("real", args=[1]),
         node("add", args=[0, 2])],
        "taken for",
    ),
    "inner sizes": (
        [node("aff", "int", data=[1]), N, node("sym", "int", data="m"), node("range", "domain", args=[0, 1]),
         node("range", "domain", args=[0, 2]), node("sym", SQUARE, data="A", args=[3, 4]),
         node("matmul", SQUARE, args=[5, 5])],
        "inner sizes",
    ),
    "inverse of no square": (
        [node("aff", "int", data=[1]), N, node("sym", "int", data="m"), node("range", "domain", args=[0, 1]),
         node("range", "domain", args=[0, 2]), node("sym", SQUARE, data="A", args=[3, 4]),
         node("inverse", SQUARE, args=[5])],
        "inner sizes",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERED)
def test_a_tampered_table_is_rejected(name):
    nodes, complaint = TAMPERED[name]
    with pytest.raises(SerialError, match=complaint):
        read_document({"format": FORMAT, "nodes": nodes, "term": len(nodes) - 1})


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(terms(3), st.data())
def test_a_changed_node_is_rejected_or_is_another_well_formed_term(term, data):
    """Whatever is changed: an error that names the node, or a term that survives in turn; never a crash."""
    written = document(term)
    nodes = written["nodes"]
    victim = data.draw(st.sampled_from(nodes))
    field = data.draw(st.sampled_from(["op", "sort", "data", "args", "hint"]))
    junk = [
        None,
        0,
        -1,
        "x",
        "real",
        "int",
        [0],
        [],
        ["point", "Z"],
        {},
        True,
        1.5,
        "neg",
        "add",
        "bound",
        "1/3",
        [1, 2],
    ]
    victim[field] = data.draw(st.sampled_from(junk))
    try:
        read = read_document(written)
    except SerialError:
        return
    assert loads(dumps(read)) == read


def test_a_tampered_context_is_rejected():
    written = json.loads(dumps(everything()))

    def changed(change):
        out = copy.deepcopy(written)
        change(out["context"])
        return out

    assert isinstance(read_document(changed(lambda c: None)), Context)
    first_fact = written["context"][0]["properties"][0]["facts"][0]
    symbol = written["context"][0]["symbol"]
    bad = [
        lambda c: c[0].update(kind="oracle"),
        lambda c: c[0].update(kind="assumption"),
        lambda c: c[0].update(symbol=first_fact),
        lambda c: c[0].update(symbol=10**9),
        lambda c: c[0].update(symbol=None),
        lambda c: c[0].pop("note"),
        lambda c: c[0]["properties"][0].update(facts=[symbol]),
        lambda c: c[0]["properties"][0].update(facts=first_fact),
        lambda c: c.append(c[0]),
        lambda c: c[-1].update(model=[[symbol]]),
        lambda c: c[-1].update(model=[[symbol, first_fact]]),
    ]
    for change in bad:
        with pytest.raises(SerialError):
            read_document(changed(change))
    with pytest.raises(SerialError, match="a list of declarations"):
        read_context(Nodes(written["nodes"]), {})


@pytest.mark.parametrize(
    "source, complaint",
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("3", "not a document"),
        ("{}", "not a document"),
        ('{"format": "derivcheck-terms-0", "nodes": [], "term": 0}', "not a document"),
        (f'{{"format": "{FORMAT}", "nodes": [], "term": 0}}', "not the index"),
        (f'{{"format": "{FORMAT}", "nodes": {{}}, "term": 0}}', "not a list"),
        (f'{{"format": "{FORMAT}", "nodes": [], "term": 0, "more": 1}}', "with the fields"),
        (f'{{"format": "{FORMAT}", "nodes": [{{"op": "num", "sort": "real", "data": NaN}}], "term": 0}}', "NaN"),
        (f'{{"format": "{FORMAT}", "nodes": [{{"op": "pi", "op": "oo", "sort": "real"}}], "term": 0}}', "twice"),
    ],
)
def test_what_is_no_document_is_rejected(source, complaint):
    with pytest.raises(SerialError, match=complaint):
        loads(source)


def test_an_open_term_is_not_written():
    with pytest.raises(LanguageError, match="closed"):
        dumps(bound(0, INT))


def test_the_same_document_whatever_the_order_of_hashing():
    term = Sum(1, n, lambda j: x(j) * matrix(n, n, lambda i, k: a)(j, Index("i")))
    first = document(term)
    assert first == document(loads(dumps(term)))
    assert len(first["nodes"]) == len(set(json.dumps(node) for node in first["nodes"]))
    assert len(first["nodes"]) >= sum(1 for _ in subterms(term))


def test_the_names_of_variables_that_are_open_for_a_moment_are_reserved():
    """A symbol called 'i@1' would be captured when a binder is built below another."""
    with pytest.raises(SerialError, match="reserved"):
        loads(dumps(Index("i@1")))
