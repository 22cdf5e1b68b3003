"""Chains of a program that threads run abreast: the same numbers in whatever order, and nothing left running.

Thresholds are so low that every small graph has such chains. A race may hide for a long time, so programs are also run
with the lines of their chains shuffled into each other, and their plans are searched for memory that chains share.
"""

from __future__ import annotations

import ast
import itertools
import os
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plain_parts import plain_machine
from test_large_passes import graphs, low_thresholds
from test_passes import agree, with_gradient
from test_whole_steps import NETWORKS, OPTIMISERS, three_steps

import derivcheck.models as m
from derivcheck.models import blas_threads, helping_threads
from derivcheck.models import functional as F
from derivcheck.models.compiled_backend import available
from derivcheck.models.graph import Graph, reachable
from derivcheck.models.helping_threads import abreast
from derivcheck.models.passes import abreast as beside
from derivcheck.models.passes import plan as planning
from derivcheck.models.passes import slab as slabs
from derivcheck.models.passes.abreast import Stretch, stretches
from derivcheck.models.passes.fuse import Group, fuse
from derivcheck.models.passes.host import host_nodes
from derivcheck.models.passes.layout import root
from derivcheck.models.passes.lower import lower
from derivcheck.models.passes.merge import merge
from derivcheck.models.passes.plan import Plan, Slots
from derivcheck.models.passes.simplify import simplify
from derivcheck.models.passes.slab import slab
from derivcheck.models.program import Program, compile_graph, prepare
from derivcheck.models.tensor import Array, Tensor, variable

SEEDS = st.integers(0, 10**9)
BACKENDS = ["numpy", "numba"]
AGAIN = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
Run = Callable[..., tuple[Array, ...]]


@pytest.fixture
def low(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chains in every small graph; compiled parts run as plain Python."""
    low_thresholds(monkeypatch)
    monkeypatch.setattr(beside, "WAKING", 0.0)
    monkeypatch.setattr(beside, "BUSY", 0.0)
    monkeypatch.setattr(slabs, "WORTH", 1)
    monkeypatch.setattr("derivcheck.models.program.machine_for", plain_machine)


@pytest.fixture(params=[2, 3])
def threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """So many threads, whatever this machine has; the interpreter goes from one to the other all the time."""
    count = int(request.param)
    monkeypatch.setattr(blas_threads, "allowed", lambda: count)
    monkeypatch.setattr("derivcheck.models.program.spare", lambda nodes, dtype: count)
    return count


@pytest.fixture
def hurried() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def random_branches(seed: int) -> tuple[Graph, list[np.ndarray]]:
    """Branches that read the same arrays, and now and then each other, and are joined along some axis."""
    rng = np.random.default_rng(seed)
    x, b = variable((4, 6, 6), "float", "x"), variable((6,), "float", "b")
    weights = [variable((6, 6), "float", f"w{i}") for i in range(3)]
    steps: list[Callable[[Tensor, Tensor], Tensor]] = [
        lambda y, w: F.tanh(y @ w),
        lambda y, w: y @ F.tanh(w).T * 0.3,
        lambda y, w: F.sin(y) * y + b,
        lambda y, w: y - F.max(y, 1, keepdims=True),
        lambda y, w: F.transpose(F.tanh(F.transpose(y, (0, 2, 1)) * 0.5), (0, 2, 1)),
        lambda y, w: F.square(F.tanh(y)) * F.sum(w) + w,
        lambda y, w: F.concatenate([F.sin(y[:, :2]), F.tanh(y[:, 2:])], 1),
    ]
    made: list[Tensor] = [x]
    for _ in range(int(rng.integers(2, 5))):
        y = made[int(rng.integers(len(made)))] if rng.random() < 0.3 else x
        for _ in range(int(rng.integers(1, 5))):
            y = steps[int(rng.integers(len(steps)))](y, weights[int(rng.integers(3))])
        made.append(y)
    joined = F.concatenate(made[1:], int(rng.integers(0, 3)))
    outputs = [F.tanh(joined) if rng.random() < 0.5 else joined, F.sum(F.square(joined))]
    outputs += [y for y in made[1:] if rng.random() < 0.3]
    inputs = (x, b, *weights)
    return with_gradient(Graph(inputs, tuple(outputs))), [rng.standard_normal(v.shape) for v in inputs]


def any_graph(seed: int) -> tuple[Graph, list[np.ndarray]]:
    return random_branches(seed) if seed % 2 else graphs(seed // 2)


def names_of(graph: Graph) -> list[str]:
    return [f"x{i}" for i in range(len(graph.inputs))]


# --- the emitted text, taken apart -----------------------------------------------------------------------------------


def chains_of(program: Program) -> list[tuple[list[ast.stmt], ...]]:
    """The statements of the chains of every stretch; the first are those of the body."""
    (run,) = ast.parse(program.emitted.source).body
    assert isinstance(run, ast.FunctionDef)
    functions = {s.name: s.body for s in run.body if isinstance(s, ast.FunctionDef)}
    found = []
    for s in run.body:
        if isinstance(s, ast.With):
            call = s.items[0].context_expr
            assert isinstance(call, ast.Call)
            found.append((s.body, *(functions[a.id] for a in call.args if isinstance(a, ast.Name))))
    return found


def shuffled(program: Program, choose: Callable[[int], int]) -> Run:
    """The program in one thread, its chains' statements in another order; ``choose`` picks one of so many chains."""
    tree = ast.parse(program.emitted.source)
    run = tree.body[0]
    assert isinstance(run, ast.FunctionDef)
    stretches = iter(chains_of(program))
    lines: list[ast.stmt] = []
    for s in run.body:
        if isinstance(s, ast.With):
            waiting = [list(chain) for chain in next(stretches)]
            while waiting:
                k = choose(len(waiting))
                lines.append(waiting[k].pop(0))
                waiting = [chain for chain in waiting if chain]
        elif not isinstance(s, ast.FunctionDef):
            lines.append(s)
    run.body = lines
    names = dict(program.emitted.names)
    exec(compile(ast.fix_missing_locations(tree), "<shuffled>", "exec"), names)
    quiet: Run = np.errstate(all="ignore")(names["run"])
    return quiet


def orders(program: Program, seed: int) -> list[Run]:
    """The program with the body first, with the body last, and with lines at random."""
    rng = np.random.default_rng(seed)
    choices: list[Callable[[int], int]] = [
        lambda count: 0, lambda count: count - 1, *[lambda count: int(rng.integers(count))] * 3
    ]  # fmt: skip
    return [shuffled(program, choose) for choose in choices]


# --- the plan, entry by entry ----------------------------------------------------------------------------------------


def entries(array: Array) -> set[int]:
    """The addresses of an array's bytes."""
    places = np.array([array.ctypes.data])
    for n, step in zip((*array.shape, array.itemsize), (*array.strides, 1), strict=True):
        places = np.unique(places[:, None] + step * np.arange(n))
    return set(places.tolist())


def shared_bytes(plan: Plan, stretch: Stretch) -> int:
    """How many bytes some chain of a stretch writes while another one reads or writes them."""

    def at(t: Tensor) -> set[int]:
        return entries(plan.static[t]) if t in plan.static else set()

    written, used = [], []
    for chain in stretch.chains:
        nodes = [t for i in chain for t in plan.groups[i].nodes]
        into: set[int] = set()
        for t in nodes:  # a part that stands in the whole already is not written by the whole
            parts = [at(x) for x in t.inputs if root(x) in plan.placed and t.primitive in ("concatenate", "fold")]
            into |= at(t).difference(*parts)
        written.append(into)
        used.append(into.union(*(at(x) for t in nodes for x in t.inputs)))
    return sum(len(w & u) for i, w in enumerate(written) for j, u in enumerate(used) if i != j)


# --- the same numbers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
@AGAIN
@given(seed=SEEDS)
def test_threads_compute_the_same(low: None, hurried: None, threads: int, backend: str, seed: int) -> None:
    graph, arguments = any_graph(seed)
    program = compile_graph(graph, names_of(graph), backend=backend, threads=threads)
    first = program.run(*arguments)
    agree(graph.evaluate(arguments), list(first))
    others = [np.asarray(x + 0.25) for x in arguments]
    agree(graph.evaluate(others), list(program.run(*others)))
    for x, y in zip(first, program.run(*arguments), strict=True):  # a run repeats bit by bit
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("backend", BACKENDS)
@AGAIN
@given(seed=SEEDS)
def test_chains_may_run_in_any_order(low: None, threads: int, backend: str, seed: int) -> None:
    graph, arguments = any_graph(seed)
    program = compile_graph(graph, names_of(graph), backend=backend, threads=threads)
    expected = graph.evaluate(arguments)
    for run in orders(program, seed):
        agree(expected, list(run(*arguments)))


@pytest.mark.parametrize("backend", BACKENDS)
@AGAIN
@given(seed=SEEDS)
def test_no_chain_writes_what_another_one_uses(low: None, threads: int, backend: str, seed: int) -> None:
    graph, _ = any_graph(seed)
    plan = compile_graph(graph, names_of(graph), backend=backend, threads=threads).plan
    assert [shared_bytes(plan, stretch) for stretch in plan.abreast] == [0] * len(plan.abreast)


@pytest.mark.parametrize("backend", BACKENDS)
@AGAIN
@given(seed=SEEDS)
def test_parameters_are_updated_where_they_stand(low: None, threads: int, backend: str, seed: int) -> None:
    """What lives in the program is read by some chains, and written over by the last that reads it."""
    graph, arguments = any_graph(seed)
    new = [x - 0.1 * F.tanh(g) for x, g in zip(graph.inputs, graph.outputs[-len(graph.inputs) :], strict=True)]
    rng = np.random.default_rng(seed)
    changed = [i for i in range(len(graph.inputs)) if rng.random() < 0.8]
    graph = Graph(graph.inputs, (*graph.outputs[:1], *(new[i] for i in changed)))
    given = [x.copy() for x in arguments]
    resident = {graph.inputs[i]: given[i] for i in changed}
    updates = {k: graph.inputs[i] for k, i in enumerate(changed, 1)}
    prepared = prepare(graph, names_of(graph), backend=backend, threads=threads)
    program = prepared.program(resident, updates)
    assert [shared_bytes(program.plan, stretch) for stretch in program.plan.abreast] == [0] * len(program.plan.abreast)
    once = graph.evaluate(arguments)
    after = list(arguments)
    for i, y in zip(changed, once[1:], strict=True):
        after[i] = y
    twice = graph.evaluate(after)
    for run in (program.run, *orders(program, seed)):
        for x, start in zip(given, arguments, strict=True):
            x[...] = start
        others = [x for i, x in enumerate(given) if i not in changed]
        for expected in (once, twice):
            (got,) = run(*others)
            agree(expected, [got, *(given[i] for i in changed)])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", NETWORKS)
def test_training_steps(low: None, threads: int, name: str, backend: str) -> None:
    pairs = zip(OPTIMISERS, itertools.cycle((None, 3)), strict=False)
    found = [three_steps(name, optimiser, replicas, backend) for optimiser, replicas in pairs]
    assert all(program.plan.abreast and "with abreast(" in program.source for program in found)
    for program in found:
        assert not any(shared_bytes(program.plan, stretch) for stretch in program.plan.abreast)


@pytest.mark.parametrize("backend", ["numpy", *(["numba"] if available() else [])])
def test_large_branches_in_threads(threads: int, backend: str) -> None:
    """As it comes: with the thresholds of every day, in arrays that are worth a second thread."""
    x, *ws = variable((300, 250), "float", "x"), *(variable((250, 320), "float", f"w{i}") for i in range(3))
    graph = Graph((x, *ws), tuple(F.sum(F.tanh(F.sin(x @ w)), i % 2) for i, w in enumerate(ws)))
    rng = np.random.default_rng(0)
    arguments = [rng.standard_normal(v.shape) for v in graph.inputs]
    expected = graph.evaluate(arguments)
    program = compile_graph(graph, names_of(graph), backend=backend, threads=threads)
    assert program.plan.abreast
    for _ in range(20):
        agree(expected, list(program.run(*arguments)))


def test_chains_have_factors_of_outer_products_of_their_own(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """BLAS gets them in arrays outside of the workspace."""
    monkeypatch.setattr(beside, "WAKING", 0.0)
    monkeypatch.setattr(beside, "BUSY", 0.0)
    xs = [variable((9, 20, 1), "float", f"x{i}") for i in range(3)]
    ys = [variable((9, 1, 10), "float", f"y{i}") for i in range(3)]
    graph = Graph((*xs, *ys), tuple(F.tanh(F.sin(x) * F.sin(y)) for x, y in zip(xs, ys, strict=True)))
    rng = np.random.default_rng(0)
    arguments = [rng.standard_normal(v.shape) for v in graph.inputs]
    program = compile_graph(graph, names_of(graph), threads=threads)
    assert program.plan.abreast and program.source.count("np.matmul") == 3
    for run in (program.run, *orders(program, 0)):
        agree(graph.evaluate(arguments), list(run(*arguments)))


# --- which stretches -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [2, 3, 5])
@AGAIN
@given(seed=SEEDS)
def test_chains_are_the_groups_of_a_stretch(low: None, count: int, seed: int) -> None:
    graph, _ = any_graph(seed)
    graph = merge(simplify(lower(graph)))
    groups = fuse(graph)
    found = stretches(groups, (), 8, count)
    for a, b in itertools.pairwise(found):
        assert a.end <= b.start
    for stretch in found:
        assert 2 <= len(stretch.chains) <= count
        assert sorted(i for chain in stretch.chains for i in chain) == list(range(stretch.start, stretch.end))
        assert all(chain and list(chain) == sorted(chain) for chain in stretch.chains)
        nodes = [{t for i in chain for t in groups[i].nodes} for chain in stretch.chains]
        for k, mine in enumerate(nodes):
            needed = set(reachable(list(mine)))
            assert not any(needed & other for j, other in enumerate(nodes) if j != k)
    assert stretches(groups, (), 8, 1) == ()


def test_draws_and_readers_of_host_scalars_stay_outside(low: None) -> None:
    generator = variable((), "generator", "g")
    x, s = variable((4, 3), "float", "x"), variable((), "float", "s")
    noise = [F.normal(generator, (4, 3)) for _ in range(3)]
    rate = F.sqrt(s * 2.0)
    outputs = [F.sin(x[1:]), F.tanh(x.T), *noise, x * rate, F.square(x[:, 1:]), F.exp(x[:2]), F.sin(noise[1].T)]
    graph = Graph((generator, x, s), tuple(outputs))
    host = host_nodes(graph)
    assert rate in host
    groups = fuse(graph, host)
    found = stretches(groups, host, 8, 2)
    inside = {t for stretch in found for chain in stretch.chains for i in chain for t in groups[i].nodes}
    assert len(inside) >= 4
    assert not inside & set(noise) and outputs[5] not in inside
    one, two = (np.random.default_rng(0) for _ in range(2))
    value = np.ones((4, 3))
    program = compile_graph(graph, ["g", "x", "s"], threads=2)
    assert program.plan.abreast
    agree(graph.evaluate([one, value, np.array(2.0)]), list(program.run(two, value, np.array(2.0))))


def _schedule(monkeypatch: pytest.MonkeyPatch, seconds: list[float], needs: dict[int, int]) -> tuple[Group, ...]:
    """Groups that take so long, some of which read another one."""
    x = variable((3,), "float", "x")
    nodes: list[Tensor] = []
    for i in range(len(seconds)):
        nodes.append(F.tanh(nodes[needs[i]] if i in needs else x))
    groups = tuple(Group((t,), t.shape) for t in nodes)
    times = dict(zip(groups, seconds, strict=True))
    monkeypatch.setattr(beside, "_seconds", lambda group, itemsize: times[group])
    return groups


def test_the_stretches_that_save_most_together_are_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "LONGEST", 2)
    groups = _schedule(monkeypatch, [1.0, 10.0, 10.0, 1.0], {})
    assert stretches(groups, (), 8, 2) == (Stretch(((1,), (2,))),)  # the first two would save a second only
    groups = _schedule(monkeypatch, [10.0, 9.0, 10.0, 9.0], {})
    assert stretches(groups, (), 8, 2) == (Stretch(((0,), (1,))), Stretch(((2,), (3,))))


def test_a_stretch_must_be_worth_waking_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    short = beside.WAKING / 4
    assert stretches(_schedule(monkeypatch, [short] * 2, {}), (), 8, 2) == ()
    assert stretches(_schedule(monkeypatch, [short] * 16, {}), (), 8, 2) == (
        Stretch((tuple(range(8)), tuple(range(8, 16)))),
    )


def test_what_needs_each_other_is_one_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = _schedule(monkeypatch, [1.0] * 6, {2: 0, 3: 1, 4: 2, 5: 3})
    assert stretches(groups, (), 8, 2) == (Stretch(((0, 2, 4), (1, 3, 5))),)
    assert stretches(_schedule(monkeypatch, [1.0] * 4, {1: 0, 2: 1, 3: 2}), (), 8, 2) == ()
    three = stretches(_schedule(monkeypatch, [3.0, 1.0, 1.0, 1.0, 3.0], {}), (), 8, 3)
    assert three == (Stretch(((0,), (1, 2, 3), (4,))),)  # neighbours together


# --- memory ----------------------------------------------------------------------------------------------------------


def _checked(monkeypatch: pytest.MonkeyPatch) -> Counter[bool]:
    """Count how often a stretch is found apart, or not."""
    seen: Counter[bool] = Counter()
    right = planning._Planner._is_apart

    def counted(self: planning._Planner, stretch: Stretch) -> bool:
        found = right(self, stretch)
        seen[found] += 1
        return found

    monkeypatch.setattr(planning._Planner, "_is_apart", counted)
    return seen


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_planner_takes_care(low: None, threads: int, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No stretch is dropped because its chains share memory after all."""
    seen = _checked(monkeypatch)
    for seed in range(60 if backend == "numpy" else 30):
        graph, _ = any_graph(seed)
        compile_graph(graph, names_of(graph), backend=backend, threads=threads)
    assert seen[True] > 100 and not seen[False]


BROKEN = {
    "what a chain frees": (Slots, "give", lambda self, slot: self.free.append(slot)),
    "what another chain still reads": (planning._Planner, "_is_read_abreast", lambda self, x, i: False),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_stretch_whose_chains_share_memory_is_dropped(
    low: None, threads: int, backend: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planner without its care: the net below it is tight."""
    seen = _checked(monkeypatch)
    monkeypatch.setattr(*BROKEN[name])
    for seed in range(16):
        graph, arguments = any_graph(seed)
        program = compile_graph(graph, names_of(graph), backend=backend, threads=threads)
        assert not any(shared_bytes(program.plan, stretch) for stretch in program.plan.abreast)
        expected = graph.evaluate(arguments)
        for run in (program.run, *orders(program, seed)):
            agree(expected, list(run(*arguments)))
    assert seen[False] > 5


def test_the_comparisons_notice_shared_memory(low: None, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests above can fail: without care and without the net, other orders give other numbers."""
    monkeypatch.setattr(*BROKEN["what a chain frees"])
    monkeypatch.setattr(planning._Planner, "_is_apart", lambda self, stretch: True)
    wrong = shared = 0
    for seed in range(20):
        graph, arguments = any_graph(seed)
        program = compile_graph(graph, names_of(graph), threads=threads)
        shared += any(shared_bytes(program.plan, stretch) for stretch in program.plan.abreast)
        try:
            for run in orders(program, seed):
                agree(graph.evaluate(arguments), list(run(*arguments)))
        except AssertionError:
            wrong += 1
    assert wrong >= 5 and shared >= wrong


def test_parts_that_stand_in_a_whole_may_be_read_while_it_is_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written then."""
    monkeypatch.setattr(beside, "WAKING", 0.0)
    monkeypatch.setattr(beside, "BUSY", 0.0)
    x, y = variable((2, 3), "float", "x"), variable((2, 3), "float", "y")
    a, b = F.tanh(x), F.tanh(y)
    joined = F.concatenate([a, b], 0)
    graph = Graph((x, y), (F.sum(F.sin(a)), F.sum(joined @ joined.T), F.sum(F.sin(b) * 2.0)))
    program = compile_graph(graph, ["x", "y"], threads=3)
    assert len(program.plan.placed) == 2 and [len(s.chains) for s in program.plan.abreast] == [3]
    arguments = [np.random.default_rng(0).standard_normal((2, 3)) for _ in range(2)]
    for run in orders(program, 0):
        agree(graph.evaluate(arguments), list(run(*arguments)))


def test_a_parameter_that_another_chain_reads_is_not_written_over() -> None:
    """Its new value is stored behind the stretch, and the stretch is kept."""
    x, w = variable((400, 400), "float", "x"), variable((400, 400), "float", "w")
    product, total = x @ w, F.sum(F.tanh(x @ w))  # drawn first
    new = w - 0.1 * F.sin(F.tanh(F.sin(w)))
    prepared = prepare(Graph((x, w), (product, new)), ["x", "w"], threads=2)
    start = np.random.default_rng(0).standard_normal((400, 400))
    held = start.copy()
    program = prepared.program({w: held}, {1: w})
    assert program.plan.abreast and not shared_bytes(program.plan, program.plan.abreast[0])
    agree(Graph((x, w), (product, new)).evaluate([start, start]), [*program.run(start), held])
    # What an earlier stretch has read is no hindrance.
    earlier = Graph((x, w), (total, new))
    program = prepare(earlier, ["x", "w"], threads=2).program({w: held}, {1: w})
    assert len(program.plan.abreast) == 2 and "np.copyto(w" not in program.source
    held[...] = start
    agree(earlier.evaluate([start, start]), [*program.run(start), held])


# --- the emitted text ------------------------------------------------------------------------------------------------

#: What a line of a chain assigns for itself, right before it is read.
OWN = {"lo", "hi", "target", "place"}


@pytest.mark.parametrize("backend", BACKENDS)
@AGAIN
@given(seed=SEEDS)
def test_no_name_is_assigned_in_a_chain_and_read_outside(low: None, threads: int, backend: str, seed: int) -> None:
    graph, _ = any_graph(seed)
    program = compile_graph(graph, names_of(graph), backend=backend, threads=threads)
    found = chains_of(program)
    assert len(found) == len([s for s in program.plan.abreast if _has_lines(program, s)])
    for stretch in found:
        assert len(stretch) > 1 and all(stretch)
        for chain in stretch:
            assigned = {
                n.id for s in chain for n in ast.walk(s) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
            }
            assert assigned <= OWN and not assigned & set(program.emitted.names)


def _has_lines(program: Program, stretch: Stretch) -> bool:
    return f"def chain_{stretch.start}_" in program.emitted.source


def test_a_chain_of_what_stands_already_is_no_chain() -> None:
    """Windows that tile a fold are computed in it: nothing is left to do for the fold but to wait."""
    x, a, s = variable((1000, 800), "float", "x"), variable((800, 1000), "float", "a"), variable((), "float", "s")
    windows = F.tanh(F.windows(x, (1,), (2,), (2,), (1,))) * (s * 2.0)  # outside: it reads a host scalar
    folded = F.fold(windows, x.shape, (1,), (2,), (2,), (1,))
    graph = Graph((x, a, s), (F.matmul(folded, F.tanh(F.sin(a))),))
    program = compile_graph(graph, ["x", "a", "s"], threads=2)
    assert program.plan.abreast and "abreast" not in program.source
    rng = np.random.default_rng(0)
    arguments = [rng.standard_normal(v.shape) for v in graph.inputs]
    agree(graph.evaluate(arguments), list(program.run(*arguments)))


def test_arguments_may_be_called_as_chains_are(low: None, threads: int) -> None:
    x = [variable((3, 4), "float", f"x{i}") for i in range(4)]
    graph = Graph(tuple(x), tuple(F.sum(F.tanh(F.sin(v)), i % 2) for i, v in enumerate(x)))
    program = compile_graph(graph, ["chain_0_1", "abreast", "chain_1_1", "chain_2_1"], threads=threads)
    assert "with abreast(chain_" in program.source
    arguments = [np.random.default_rng(i).standard_normal((3, 4)) for i in range(4)]
    agree(graph.evaluate(arguments), list(program.run(*arguments)))


# --- at run time -----------------------------------------------------------------------------------------------------


def test_with_one_thread_chains_run_in_their_order_before_the_body(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas_threads, "allowed", lambda: 1)
    seen: list[Any] = []

    def note(name: str) -> Callable[[], None]:
        return lambda: seen.append((name, threading.get_ident()))

    with abreast(note("first"), note("second")):
        note("body")()
    assert seen == [(name, threading.get_ident()) for name in ("first", "second", "body")]


def test_a_chain_runs_while_the_body_does(threads: int) -> None:
    """Each waits for the other; neither could do so in one thread."""
    meeting = threading.Barrier(threads, timeout=60)
    seen: list[int] = []

    def chain() -> None:
        meeting.wait()
        seen.append(threading.get_ident())

    with abreast(*[chain] * (threads - 1)):
        chain()
    assert len(set(seen)) == threads


def test_more_chains_than_threads_all_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program may have been compiled for more threads than BLAS is given now."""
    monkeypatch.setattr(blas_threads, "allowed", lambda: 2)
    seen: list[int] = []
    with abreast(*[lambda i=i: seen.append(i) for i in range(5)]):  # type: ignore[misc]
        pass
    assert sorted(seen) == list(range(5))


class Wrong(Exception):
    pass


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_failing_chain_reaches_the_caller_when_all_have_ended(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas_threads, "allowed", lambda: count)
    monkeypatch.setattr(helping_threads, "_idle", deque())
    monkeypatch.setattr(helping_threads, "_all", [])
    ended: list[str] = []

    def fails() -> None:
        raise Wrong("chain")

    def slow() -> None:
        time.sleep(0.05)
        ended.append("slow")

    with pytest.raises(Wrong, match="chain"), abreast(slow, fails, slow):
        ended.append("body")
    assert ended.count("slow") == (2 if count == 4 else 1)  # in the caller's thread nothing runs after an error
    assert ended.count("body") == (count == 4)


def test_of_two_failing_chains_the_first_one_is_named(threads: int) -> None:
    def late() -> None:
        time.sleep(0.05)
        raise Wrong("first")

    def soon() -> None:
        raise Wrong("second")

    with pytest.raises(Wrong, match="first"), abreast(late, soon):
        pass


def test_the_bodys_own_exception_wins(threads: int) -> None:
    ended: list[str] = []

    def slow() -> None:
        time.sleep(0.05)
        ended.append("slow")
        raise Wrong("chain")

    with pytest.raises(Wrong, match="body") as caught, abreast(slow, slow):
        raise Wrong("body")
    assert ended == ["slow"] * 2
    assert caught.value.__context__ is None
    with abreast(lambda: ended.clear()):  # and the threads go on
        pass
    assert not ended


def test_helping_threads_are_quiet(threads: int) -> None:
    """And so is a program, whatever its caller wants to hear of."""

    def overflows() -> None:
        np.exp(np.array([1e4])) * np.zeros(1) / np.zeros(1)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            with abreast(*[overflows] * (threads - 1)):
                pass
        xs = [variable((500, 500), "float", f"x{i}") for i in range(4)]
        graph = Graph(tuple(xs), tuple(F.sum(F.tanh(F.exp(x) - F.exp(x * 2.0))) for x in xs))
        program = compile_graph(graph, names_of(graph), threads=threads)
        assert program.plan.abreast
        with np.errstate(all="raise"):
            values = program.run(*[np.full((500, 500), 1e4)] * 4)
    assert np.isnan(values).all()


def test_chains_run_here_when_there_are_no_more_threads(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As at the end of the interpreter."""
    here = threading.get_ident()
    seen: list[int] = []

    def none(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread at interpreter shutdown")

    monkeypatch.setattr(helping_threads, "_idle", deque())
    monkeypatch.setattr(helping_threads, "_all", [])
    monkeypatch.setattr(helping_threads._Helper, "start", none)
    with abreast(*[lambda: seen.append(threading.get_ident())] * 2):
        assert seen == [here, here]

    def fails() -> None:
        raise Wrong("chain")

    with pytest.raises(Wrong, match="chain"), abreast(fails):
        seen.append(0)
    assert seen == [here, here]


def test_a_statement_takes_no_thread_that_another_one_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas_threads, "allowed", lambda: 2)
    monkeypatch.setattr(helping_threads, "_idle", deque())
    monkeypatch.setattr(helping_threads, "_all", [])
    seen: list[tuple[str, int]] = []
    ready, go = threading.Event(), threading.Event()

    def note(name: str) -> None:
        seen.append((name, threading.get_ident()))

    def busy() -> None:
        ready.set()
        assert go.wait(60)
        note("busy")

    with abreast(busy):
        assert ready.wait(60)
        with abreast(lambda: note("inner")):
            note("body")
        go.set()
    (inner, a), (body, b), (outer, c) = seen
    assert (inner, body, outer) == ("inner", "body", "busy") and a == b != c
    with abreast(lambda: note("again")):  # and afterwards it is to be had again
        pass
    assert seen[-1] == ("again", c) and len(helping_threads._all) == 1


def test_a_failing_chain_of_the_caller_waits_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas_threads, "allowed", lambda: 2)
    monkeypatch.setattr(helping_threads, "_idle", deque())
    monkeypatch.setattr(helping_threads, "_all", [])
    ended: list[str] = []

    def slow() -> None:
        time.sleep(0.05)
        ended.append("slow")

    def fails() -> None:
        raise Wrong("here")

    with pytest.raises(Wrong, match="here"), abreast(slow, fails):
        ended.append("body")
    assert ended == ["slow"]


HEAD = """
import atexit, os, sys, threading, time
import numpy as np, derivcheck.models as m
from derivcheck.models import blas_threads, program
from derivcheck.models import functional as F
blas_threads.allowed = lambda: 2
program.spare = lambda nodes, dtype: 2
f = m.compile(lambda x, y: (F.sum(F.tanh(F.sin(x))), F.sum(F.tanh(F.sin(y)))))
x = np.linspace(0.0, 1.0, 90_000).reshape(300, 300)
expected = [float(v) for v in f(x, x + 1.0)]
assert "with abreast(" in f.source
def same():
    return [float(v) for v in f(x, x + 1.0)] == expected
"""

FORK = """
for _ in range(3):
    child = os.fork()
    if not child:
        os._exit(0 if same() and same() and threading.active_count() == 2 else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert same()
print("done")
"""

END = """
def late():
    time.sleep(0.2)
    print("thread", same())
threading.Thread(target=late).start()
atexit.register(lambda: print("exit", same()))
"""


@pytest.mark.parametrize(
    ("script", "printed"),
    [
        pytest.param(
            FORK, "done", marks=pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork"), id="fork"
        ),
        pytest.param(END, "thread True exit True", id="end"),
    ],
)
def test_a_program_in_a_child_and_at_the_end_of_its_process(script: str, printed: str) -> None:
    done = subprocess.run([sys.executable, "-c", HEAD + script], capture_output=True, text=True, timeout=120)
    assert (done.stdout.split(), done.returncode) == (printed.split(), 0), done.stderr


@pytest.mark.parametrize("backend", BACKENDS)
def test_two_programs_in_two_threads_of_the_user(low: None, hurried: None, threads: int, backend: str) -> None:
    made = []
    for seed in (1, 3, 5):
        graph, arguments = random_branches(seed)
        program = compile_graph(graph, names_of(graph), backend=backend, threads=threads)
        assert program.plan.abreast
        made.append((program, arguments, graph.evaluate(arguments)))
    failed: list[BaseException] = []

    def work(program: Program, arguments: list[np.ndarray], expected: list[np.ndarray]) -> None:
        try:
            for _ in range(30):
                agree(expected, list(program.run(*arguments)))
        except BaseException as error:
            failed.append(error)

    users = [threading.Thread(target=work, args=one) for one in made]
    for user in users:
        user.start()
    for user in users:
        user.join(300)
    assert not failed and not any(user.is_alive() for user in users)


def test_a_program_that_runs_meanwhile_does_not_say_how_many_threads_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    count = [3]
    library = blas_threads._Library(lambda: count[0], lambda n: count.__setitem__(0, n))
    monkeypatch.setattr(blas_threads, "_found", {"here": library})
    monkeypatch.setattr(blas_threads, "_loaded", lambda: [library])
    x = variable((100, 100), "float", "x")
    graph = Graph((x,), (x @ x,))
    library.begin()
    assert count == [1] and blas_threads.allowed() == 3 and blas_threads.spare(graph.nodes) == 3
    library.end()
    assert count == [3] and blas_threads.allowed() == 3
    monkeypatch.setattr(blas_threads, "SMALL", 1)  # then BLAS divides the product itself
    assert blas_threads.spare(graph.nodes) == 1
    monkeypatch.setattr(blas_threads, "_found", {"nothing": None})
    assert blas_threads.allowed() == 1


# --- products cut for threads ----------------------------------------------------------------------------------------

PRODUCTS: dict[str, tuple[list[tuple[int, ...]], Callable[..., Tensor]]] = {
    "rows": ([(6, 5), (5, 7)], lambda x, w: F.tanh(x @ w)),
    "square": ([(6, 6), (6, 6)], lambda x, w: F.tanh(x @ w)),
    "itself": ([(6, 6)], lambda x: F.tanh(x @ x)),
    "transposed": ([(6, 6)], lambda x: F.tanh(x.T @ x)),
    "transposed too": ([(5, 6), (7, 5)], lambda x, w: F.tanh(x.T @ w.T)),
    "batch": ([(6, 3, 4), (6, 4, 2)], lambda x, w: F.tanh(x @ w)),
    "batch of squares": ([(6, 6, 6)], lambda x: F.sin(F.tanh(x @ x) * 2.0)),
    "one matrix for all": ([(6, 3, 4), (1, 4, 2)], lambda x, w: F.sum(F.tanh(x @ F.broadcast_to(w, (6, 4, 2))), 0)),
    "two batch axes": ([(2, 6, 3, 3), (2, 6, 3, 3)], lambda x, w: F.tanh(F.sum(x @ w, 2))),
}


@pytest.mark.parametrize("name", PRODUCTS)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_long_product_is_cut_into_a_slab_for_each_thread(
    name: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slabs, "WORTH", 1)
    shapes, function = PRODUCTS[name]
    xs = [variable(s, "float", f"x{i}") for i, s in enumerate(shapes)]
    graph = Graph(tuple(xs), (function(*xs),))
    after = slab(graph, 8, count)
    products = [t for t in after.nodes if t.primitive == "matmul"]
    assert len(products) == count and len({t.shape for t in products}) == 1
    arguments = [np.random.default_rng(i).standard_normal(s) for i, s in enumerate(shapes)]
    agree(graph.evaluate(arguments), after.evaluate(arguments))
    assert (after is graph) == (count == 1)
    program = compile_graph(graph, names_of(graph), threads=count)
    agree(graph.evaluate(arguments), list(program.run(*arguments)))


def test_what_is_no_long_product_stays_whole() -> None:
    x, w = variable((300, 300), "float", "x"), variable((300, 300), "float", "w")
    short = variable((1, 9000), "float", "short")
    for out, products in (
        (F.tanh(x @ w), 2),
        (x @ w, 1),  # a result has memory of its own
        (F.tanh(x[:90] @ w[:, :90]), 1),  # not worth it
        (F.tanh(short @ F.broadcast_to(w[:1, :1], (9000, 9000))), 1),  # one row
    ):
        after = slab(Graph((x, w, short), (out,)), 8, 2)
        assert sum(t.primitive == "matmul" for t in after.nodes) == products


@AGAIN
@given(seed=SEEDS, count=st.integers(2, 5))
def test_slabs_for_threads_keep_the_values(low: None, seed: int, count: int) -> None:
    graph, arguments = any_graph(seed)
    graph = merge(simplify(lower(graph)))
    agree(graph.evaluate(arguments), slab(graph, 8, count).evaluate(arguments))


def test_one_thread_gets_the_slabs_of_the_cache_and_many_get_as_many_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slabs, "LARGE", 64)
    monkeypatch.setattr(slabs, "SLAB", 8 * 5 * 4)  # four rows
    x = variable((9, 5), "float", "x")
    graph = Graph((x,), (F.max(F.tanh(x), 1),))

    def rows(count: int) -> list[int]:
        return [t.shape[0] for t in slab(graph, 8, count).nodes if t.primitive == "tanh"]

    assert rows(1) == [4, 4, 1]
    assert rows(2) == [3, 3, 3]
    assert rows(3) == [3, 3, 3]


# --- indices out of range --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("machine", ["numpy", "plain", "numba"])
@pytest.mark.parametrize("which", [0, 1])
def test_an_index_out_of_range_in_a_chain_is_named(
    low: None, threads: int, which: int, machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if machine == "numba":
        pytest.importorskip("numba")
        from derivcheck.models.compiled_backend import machine_for

        monkeypatch.setattr("derivcheck.models.program.machine_for", machine_for)
    layer = m.Embedding(5, 3)
    p = layer.init(0)
    f = m.compile(
        lambda p, i, j: [F.sum(F.tanh(layer(p, k)), 0) for k in (i, j)],
        backend="numpy" if machine == "numpy" else "numba",
    )
    rows = np.array([[0, 4], [1, 2]])
    expected = [np.tanh(np.asarray(m.flatten(p)[0][0])[k]).sum(0) for k in (rows, rows.T)]
    agree(expected, f(p, rows, rows.T))
    assert "with abreast(" in f.source
    for wrong in (5, -6):
        given = [rows, rows]
        given[which] = np.array([[0, wrong], [1, 2]])
        with pytest.raises(IndexError, match=f"{wrong}.*5"):
            f(p, *given)
    agree(expected, f(p, rows, rows.T))  # and the program is as good as before
