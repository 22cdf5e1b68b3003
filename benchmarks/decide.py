"""`derivcheck.decide` against ``sympy.simplify(a - b) == 0``: 40 true and 40 false identities of machine learning.

Each identity comes with a wrong variant that people write.  SymPy gets a process for each question, which is killed at
the cap and counted at the cap; `decide` runs as a user calls it.  The two take turns, so that both see the same
machine, but SymPy's processes are forked from one of their own: a fork would leave `decide` with memory to be copied
again.  Run it with ``python -m benchmarks.decide``.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from typing import Any

import sympy as s
from sympy import (
    Abs,
    Derivative,
    Max,
    Min,
    Piecewise,
    Rational,
    Sum,
    binomial,
    erf,
    exp,
    factorial,
    gamma,
    log,
    sqrt,
    tanh,
)

#: Seconds after which SymPy is stopped.
CAP = 20.0


@dataclass(frozen=True, slots=True)
class Identity:
    """A true equation, and a wrong right side that is easily taken for it."""

    name: str
    left: Any
    right: Any
    wrong: Any


@dataclass(frozen=True, slots=True)
class Row:
    """One question and what both answered; times in seconds.

    ``sympy`` is None where SymPy was not asked.
    """

    workload: str
    truth: bool
    ours: float
    verdict: str
    decider: str
    sympy: float | None
    sympy_answer: str
    unit: str = "s"


def sigmoid(x: Any) -> Any:
    """The logistic function."""
    return 1 / (1 + exp(-x))


def identities() -> Iterator[Identity]:
    """The 40 identities."""
    yield from _softmax()
    yield from _activations()
    yield from _cells()
    yield from _normalisation()
    yield from _gaussians()
    yield from _averages()
    yield from _counting()
    yield from _kinks()


def _softmax() -> Iterator[Identity]:
    z = s.symbols("z1:4", real=True)
    c = s.Symbol("c", real=True)
    y = s.symbols("y1:4", real=True)
    total = sum(map(exp, z))
    p = [exp(v) / total for v in z]
    yield Identity("softmax Jacobian, diagonal", Derivative(p[0], z[0]), p[0] * (1 - p[0]), p[0] * (1 + p[0]))
    yield Identity("softmax Jacobian, off the diagonal", Derivative(p[0], z[1]), -p[0] * p[1], p[0] * p[1])
    yield Identity("log-sum-exp gradient", Derivative(log(total), z[0]), p[0], 1 - p[0])
    yield Identity("log-sum-exp Hessian", Derivative(log(total), z[0], z[1]), -p[0] * p[1], -(p[0] ** 2))
    yield Identity("log-sum-exp shift", log(sum(exp(v + c) for v in z)), c + log(total), 3 * c + log(total))
    loss = -sum(t * log(q) for t, q in zip(y, p, strict=True))
    yield Identity("cross-entropy gradient", Derivative(loss, z[0]), p[0] * sum(y) - y[0], p[0] - y[0])
    entropy = -sum(q * log(q) for q in p)
    yield Identity(
        "entropy of the softmax",
        entropy,
        log(total) - sum(q * v for q, v in zip(p, z, strict=True)),
        log(total) + sum(q * v for q, v in zip(p, z, strict=True)),
    )


def _activations() -> Iterator[Identity]:
    x, y = s.symbols("x y", real=True)
    yield Identity("softmax of two is a sigmoid", exp(x) / (exp(x) + exp(y)), sigmoid(x - y), sigmoid(y - x))
    yield Identity("sigmoid derivative", Derivative(sigmoid(x), x), sigmoid(x) * sigmoid(-x), sigmoid(x) ** 2)
    yield Identity("tanh is a sigmoid", tanh(x), 2 * sigmoid(2 * x) - 1, 2 * sigmoid(x) - 1)
    yield Identity("log-sigmoid", log(sigmoid(x)), -log(1 + exp(-x)), -log(1 + exp(x)))
    yield Identity("softplus reflected", log(1 + exp(x)) - log(1 + exp(-x)), x, 2 * x)
    yield Identity(
        "tanh of a sum",
        tanh(x + y),
        (tanh(x) + tanh(y)) / (1 + tanh(x) * tanh(y)),
        (tanh(x) + tanh(y)) / (1 - tanh(x) * tanh(y)),
    )
    yield Identity(
        "swish derivative",
        Derivative(x * sigmoid(x), x),
        sigmoid(x) * (1 + x * (1 - sigmoid(x))),
        sigmoid(x) * (1 + x * sigmoid(x)),
    )
    gelu = x / 2 * (1 + erf(x / sqrt(2)))
    density = exp(-(x**2) / 2) / sqrt(2 * s.pi)
    yield Identity("GELU derivative", Derivative(gelu, x), gelu / x + x * density, gelu / x + density)
    yield Identity("log cosh", log(s.cosh(x)), x + log(1 + exp(-2 * x)) - log(2), x + log(1 + exp(-x)) - log(2))


def _cells() -> Iterator[Identity]:
    f, i, g, o, c = s.symbols("f i g o c", real=True)
    u, r, w, v, h = s.symbols("u r w v h", real=True)
    cell = sigmoid(f) * c + sigmoid(i) * tanh(g)
    hidden = sigmoid(o) * tanh(cell)
    through = sigmoid(o) * (1 - tanh(cell) ** 2)
    yield Identity(
        "LSTM, forget gate",
        Derivative(hidden, f),
        through * sigmoid(f) * (1 - sigmoid(f)) * c,
        through * sigmoid(f) * (1 - sigmoid(f)) * cell,
    )
    yield Identity(
        "LSTM, candidate",
        Derivative(hidden, g),
        through * sigmoid(i) * (1 - tanh(g) ** 2),
        through * sigmoid(i) * (1 - tanh(g)),
    )
    candidate = tanh(w + sigmoid(r) * v * h)
    state = (1 - sigmoid(u)) * h + sigmoid(u) * candidate
    slope = 1 - candidate**2
    yield Identity(
        "GRU, reset gate",
        Derivative(state, r),
        sigmoid(u) * slope * v * h * sigmoid(r) * (1 - sigmoid(r)),
        sigmoid(u) * slope * v * sigmoid(r) * (1 - sigmoid(r)),
    )
    yield Identity(
        "GRU, state",
        Derivative(state, h),
        1 - sigmoid(u) + sigmoid(u) * slope * v * sigmoid(r),
        1 - sigmoid(u) + slope * v * sigmoid(r),
    )


def _normalisation() -> Iterator[Identity]:
    x = s.symbols("x1:4", real=True)
    eps = s.Symbol("epsilon", positive=True)
    mean = sum(x) / 3
    variance = sum((v - mean) ** 2 for v in x) / 3
    scale = sqrt(variance + eps)
    hat = [(v - mean) / scale for v in x]
    yield Identity(
        "batch norm backward, diagonal",
        Derivative(hat[0], x[0]),
        (1 - Rational(1, 3) - hat[0] ** 2 / 3) / scale,
        (1 - Rational(1, 3)) / scale,
    )
    yield Identity(
        "batch norm backward, off the diagonal",
        Derivative(hat[0], x[1]),
        -(1 + hat[0] * hat[1]) / (3 * scale),
        -(1 - hat[0] * hat[1]) / (3 * scale),
    )
    yield Identity("normalised second moment", sum(v**2 for v in hat), 3 - 3 * eps / (variance + eps), s.Integer(3))


def _gaussians() -> Iterator[Identity]:
    x, a, b, m1, m2 = s.symbols("x a b m1 m2", real=True)
    p, q, s1, s2 = s.symbols("p q s1 s2", positive=True)
    divergence = log(s2 / s1) + (s1**2 + (m1 - m2) ** 2) / (2 * s2**2) - Rational(1, 2)
    yield Identity(
        "Gaussian KL, derivative by a scale", Derivative(divergence, s2), (s2**2 - s1**2 - (m1 - m2) ** 2) / s2**3,
        (s2**2 - s1**2 + (m1 - m2) ** 2) / s2**3,
    )  # fmt: skip
    v, m = p * q / (p + q), (a * q + b * p) / (p + q)
    yield Identity(
        "completing the square",
        exp(-((x - a) ** 2) / p) * exp(-((x - b) ** 2) / q),
        exp(-((x - m) ** 2) / v) * exp(-((a - b) ** 2) / (p + q)),
        exp(-((x - m) ** 2) / v) * exp(-((a - b) ** 2) / (p * q)),
    )
    yield Identity(
        "mean of a beta law",
        gamma(p + 1) * gamma(p + q) / (gamma(p) * gamma(p + q + 1)),
        p / (p + q),
        p / (p + q + 1),
    )


def _averages() -> Iterator[Identity]:
    alpha, beta = s.symbols("alpha beta", positive=True)
    t, n = s.Symbol("t", integer=True, nonnegative=True), s.Symbol("n", integer=True, positive=True)
    k = s.Symbol("k", integer=True)
    keep = 1 - alpha

    def spread(u: Any) -> Any:
        return alpha * (1 - keep ** (2 * u)) / (2 - alpha)

    yield Identity(
        "running mean, variance step",
        spread(t + 1),
        keep**2 * spread(t) + alpha**2,
        keep * spread(t) + alpha**2,
    )
    weights = Sum(alpha * keep**k, (k, 0, t - 1))
    yield Identity("running mean, weights", weights + keep**t, s.Integer(1), s.Integer(1) - alpha)
    yield Identity("running mean, variance", Sum(alpha**2 * keep ** (2 * k), (k, 0, t - 1)), spread(t), spread(t + 1))
    yield Identity(
        "Adam bias correction",
        (1 - beta) * Sum(beta ** (t - k), (k, 1, t)) / (1 - beta**t),
        s.Integer(1),
        1 - beta**t,
    )
    yield Identity(
        "arithmetic-geometric sum",
        Sum(k * beta**k, (k, 1, n)),
        beta * (1 - (n + 1) * beta**n + n * beta ** (n + 1)) / (1 - beta) ** 2,
        beta * (1 - n * beta**n + n * beta ** (n + 1)) / (1 - beta) ** 2,
    )
    yield Identity("cubes", Sum(k**3, (k, 1, n)), Sum(k, (k, 1, n)) ** 2, Sum(k**2, (k, 1, n)) ** 2)
    data, c = s.IndexedBase("x", real=True), s.Symbol("c", real=True)
    yield Identity(
        "squares about a point",
        Sum((data[k] - c) ** 2, (k, 1, n)),
        Sum(data[k] ** 2, (k, 1, n)) - 2 * c * Sum(data[k], (k, 1, n)) + n * c**2,
        Sum(data[k] ** 2, (k, 1, n)) - c * Sum(data[k], (k, 1, n)) + n * c**2,
    )


def _counting() -> Iterator[Identity]:
    n, k = s.symbols("n k", integer=True, positive=True)
    j = s.Symbol("j", integer=True)
    yield Identity(
        "Pascal's rule twice",
        binomial(n + 2, k),
        binomial(n, k) + 2 * binomial(n, k - 1) + binomial(n, k - 2),
        binomial(n, k) + binomial(n, k - 1) + binomial(n, k - 2),
    )
    t = s.Symbol("t", integer=True, nonnegative=True)
    yield Identity("number of subsets", Sum(binomial(t, j), (j, 0, t)), 2**t, 2**t - 1)
    yield Identity("sum of factorials", Sum(j * factorial(j), (j, 1, n)), factorial(n + 1) - 1, factorial(n + 1) + 1)


def _kinks() -> Iterator[Identity]:
    x, y = s.symbols("x y", real=True)
    yield Identity("relu and its reflection", Max(x, 0) - Max(-x, 0), x, Abs(x))
    yield Identity(
        "stable log-sum-exp",
        log(exp(x) + exp(y)),
        Max(x, y) + log(1 + exp(-Abs(x - y))),
        Min(x, y) + log(1 + exp(-Abs(x - y))),
    )
    yield Identity(
        "stable binary cross-entropy",
        -y * log(sigmoid(x)) - (1 - y) * log(1 - sigmoid(x)),
        Max(x, 0) - x * y + log(1 + exp(-Abs(x))),
        Max(x, 0) - x * y + log(1 + exp(Abs(x))),
    )
    yield Identity(
        "leaky relu", Piecewise((x, x > 0), (x / 10, True)), Max(x, 0) + Min(x, 0) / 10, Max(x, 0) - Min(x, 0) / 10
    )


# ---------------------------------------------------------------------------------------------------------- measuring


def _simplify(left: Any, right: Any, answer: Any) -> None:
    started = time.perf_counter()
    zero = s.simplify(left - right) == 0
    answer.send((time.perf_counter() - started, bool(zero)))


def time_sympy(left: Any, right: Any, cap: float) -> tuple[float, str]:
    """Seconds and answer (``zero``, ``not zero`` or ``stopped``) of ``simplify(left - right) == 0``."""
    here, there = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_simplify, args=(left, right, there), daemon=True)
    process.start()
    there.close()
    try:
        if here.poll(cap):
            seconds, zero = here.recv()
            return seconds, "zero" if zero else "not zero"
        return cap, "stopped"
    except EOFError:
        return cap, "failed"
    finally:
        process.kill()
        process.join()


class Peer:
    """A process that asks SymPy, of the same questions."""

    def __init__(self, cap: float) -> None:
        self._here, there = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(target=_answer, args=(there, cap))

    def __enter__(self) -> Peer:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._here.send(None)
        self._process.join()

    def ask(self, index: int, truth: bool) -> tuple[float, str]:
        """Seconds and answer for the true or the wrong variant of an identity."""
        self._here.send((index, truth))
        seconds, answer = self._here.recv()
        return seconds, answer


def _answer(requests: Any, cap: float) -> None:
    asked = list(identities())
    while (request := requests.recv()) is not None:
        index, truth = request
        identity = asked[index]
        requests.send(time_sympy(identity.left, identity.right if truth else identity.wrong, cap))


def time_ours(left: Any, right: Any) -> tuple[float, Any]:
    """Seconds, and the decision; each question is asked once, so that nothing is remembered from before."""
    from derivcheck.decision import decide

    started = time.perf_counter()
    decision = decide(left, right)
    return time.perf_counter() - started, decision


def rows(*, cap: float = CAP, with_sympy: bool = True) -> list[Row]:
    """Every question, asked of both."""
    out = []
    with Peer(cap) if with_sympy else nullcontext() as peer:
        time_ours(s.Symbol("warm") + 1, s.Symbol("warm"))  # imports
        for index, identity in enumerate(identities()):
            for truth, right in ((True, identity.right), (False, identity.wrong)):
                ours, decision = time_ours(identity.left, right)
                theirs, answer = peer.ask(index, truth) if peer is not None else (None, "")
                name = identity.name if truth else f"{identity.name} (wrong)"
                out.append(Row(name, truth, ours, decision.verdict, decision.decider, theirs, answer))
    return out


def failures(found: list[Row]) -> list[str]:
    """The questions that `decide` answers wrongly or not at all."""
    expected = {True: "equal", False: "different"}
    return [f"{r.workload}: {r.verdict}" for r in found if r.verdict != expected[r.truth]]


def table(found: list[Row]) -> str:
    """The rows for a reader, with the figures that matter below."""
    lines = [f"{'':48} {'decide':>12} {'simplify':>12} {'ratio':>9}  answers"]
    for r in found:
        peer = f"{'':12} {'':9}" if r.sympy is None else f"{r.sympy * 1e3:9.0f} ms {r.sympy / r.ours:9.1f}"
        answers = f"{r.verdict} ({r.decider})" + (f" / {r.sympy_answer}" if r.sympy_answer else "")
        lines.append(f"{r.workload:48} {r.ours * 1e3:9.2f} ms {peer}  {answers}")
    true = [r for r in found if r.truth]
    bad = failures(found)
    lines += [f"not right: {line}" for line in bad]
    lines.append(f"{len(true)} true, {len(found) - len(true)} false; decide: {len(bad)} wrong or undecided")
    lines.append(f"median time of decide: {statistics.median(r.ours for r in found) * 1e3:.1f} ms")
    asked = [(r, r.sympy / r.ours) for r in found if r.sympy is not None]
    if asked:
        missed = [r for r, _ in asked if r.truth and r.sympy_answer != "zero"]
        medians = [
            statistics.median(ratio for r, ratio in asked if r.truth in kinds)
            for kinds in ((True, False), (True,), (False,))
        ]
        lines.append(f"simplify does not return 0 for {len(missed)} of the {len(true)} true ones")
        lines.append(
            f"median of simplify/decide: {medians[0]:.0f} (true {medians[1]:.0f}, false {medians[2]:.0f}); "
            f"a stopped simplify counts as the cap"
        )
    return "\n".join(lines)


def main() -> int:
    """Print the table, and the rows as JSON where asked; 1 if `decide` was wrong or left something open."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cap", type=float, default=CAP, help="seconds after which SymPy is stopped")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON as well")
    parser.add_argument("--ours-only", action="store_true", help="do not ask SymPy")
    options = parser.parse_args()
    found = rows(cap=options.cap, with_sympy=not options.ours_only)
    print(table(found))
    if options.json:
        print(json.dumps([asdict(r) for r in found], indent=1))
    return 1 if failures(found) else 0


if __name__ == "__main__":
    sys.exit(main())
