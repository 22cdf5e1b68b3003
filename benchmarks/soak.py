"""``make soak``: long random runs that a test suite has no time for.

* seeds against the stated false-alarm rate: a true mean, variance and ratio, tested under many seeds at an inflated
  rate (the alarms are compared with exact binomial bounds) and at the rate of a real run;
* random non-identities, told apart by evaluation: the normal form may prove none of them;
* random identities, made by rewriting: the share that the normal form recognises is printed.

Each part is spread over the cores and prints one line; the exit status is 1 if a bound is broken.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from pathlib import Path

#: The generator of random terms, its evaluator and its rewriting steps are the test suite's.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "proof" / "normal_form"))

#: The probability with which a soak of correct code may fail, for each binomial bound.
BOUND = 1e-9
#: The rate at which alarms are frequent enough to be counted.
INFLATED = 1e-2
#: The rate of one check in a run of 600 (family-wise 1e-6).
REAL = 1e-6 / 600

Chunk = tuple[int, int]


# ------------------------------------------------------------------------------------------------------- false alarms


def false_alarms(chunk: Chunk) -> Counter[str]:
    """Monte Carlo tests of true values under the seeds of the chunk."""
    import numpy as np

    from derivcheck.experiment import mean_test, rng
    from derivcheck.experiment.functionals import ratio, variance

    def uniform(r: np.random.Generator, n: int) -> np.ndarray:
        return r.random(n)

    def exponential(r: np.random.Generator, n: int) -> np.ndarray:
        return r.exponential(size=n)

    def pair(r: np.random.Generator, n: int) -> np.ndarray:
        x = r.uniform(1, 3, n)
        return np.stack([x, x + r.normal(size=n)], axis=1)

    cases = (
        ("mean of a uniform law", uniform, 0.5, None),
        ("mean of an exponential law", exponential, 1.0, None),
        ("variance of a uniform law", uniform, 1 / 12, variance(0)),
        ("ratio of two means", pair, 1.0, ratio(1, 0)),
    )
    out: Counter[str] = Counter()
    for seed in range(*chunk):
        name, sampler, truth, function = cases[seed % len(cases)]
        for rate in (INFLATED, REAL):
            result = mean_test(
                sampler,
                truth,
                pilot_rng=rng(seed, name, "pilot"),
                rng=rng(seed, name, "main"),
                scale=abs(truth),
                scale_name="the true value",
                alpha=rate,
                detectable=0.1,
                max_draws=8192,
                function=function,
            )
            out[f"{rate} {result.outcome.value}"] += 1
    return out


# ------------------------------------------------------------------------------------------------------- normal form


def _same(t: object, u: object) -> bool | None:
    """Does the normal form say that two terms are equal, without conditions?  None where it gives up."""
    from nf_generator import CONTEXT

    from derivcheck.proof.normal_form import Normaliser, Unknown
    from derivcheck.proof.normal_form.poly import plus

    n = Normaliser(CONTEXT)
    try:
        return n.is_zero(plus(n.nf(t), n.nf(u), Fraction(-1)))  # type: ignore[arg-type]
    except Unknown:
        return None


def non_identities(chunk: Chunk) -> Counter[str]:
    """Pairs of random terms that differ at a point where the conditions hold; none may be proved equal there."""
    from nf_evaluator import Undefined, close
    from nf_generator import CONTEXT, B, K, Maker, X, world

    from derivcheck.language import num, substitute, subterms
    from derivcheck.proof.normal_form import Normaliser, Unknown
    from derivcheck.proof.normal_form.poly import plus

    out: Counter[str] = Counter()
    for seed in range(*chunk):
        r = random.Random(f"non-identity {seed}")
        t = Maker(r).real(r.choice((2, 2, 3)))
        # A small slip somewhere: a number off by one, a symbol for another, or a summand too many.
        numbers = [s for s in subterms(t) if s.op == "num"]
        slips = [t + r.choice([X, B(K), X * B(K)]), substitute(t, {X: B(K)})]
        if numbers:
            pick = r.choice(numbers)
            slips.append(substitute(t, {pick: num(pick.data + r.choice((1, -1)))}))
        u = r.choice(slips)
        n = Normaliser(CONTEXT)
        try:
            proved = n.is_zero(plus(n.nf(t), n.nf(u), Fraction(-1)))  # type: ignore[arg-type]
        except Unknown:
            proved = None
        different = False
        for k in range(4):
            w = world(random.Random(f"{seed} {k}"))
            try:
                if all(w.truth(c, {}) for c in n.conditions) and not close(w.real(t, {}), w.real(u, {})):  # type: ignore[arg-type]
                    different = True
                    break
            except Undefined:
                continue
        if not different:
            out["not told apart"] += 1
            continue
        out["non-identities"] += 1
        if proved:
            out["PROVED"] += 1
            print(f"proved, yet different (seed {seed}): {t} = {u}", flush=True)
        elif proved is None:
            out["unknown"] += 1
    return out


def identities(chunk: Chunk) -> Counter[str]:
    """Pairs of terms that rewriting makes equal; how many are recognised?"""
    from nf_generator import Maker
    from nf_rewriting import step

    out: Counter[str] = Counter()
    for seed in range(*chunk):
        r = random.Random(f"identity {seed}")
        t = u = Maker(r).real(3)
        for _ in range(2):
            found = step(u, r)
            if found is not None:
                u = found[0]
        if u == t:
            out["not rewritten"] += 1
            continue
        out["identities"] += 1
        out["recognised"] += bool(_same(t, u))
    return out


# ------------------------------------------------------------------------------------------------------------ running


def _chunks(count: int, size: int) -> Iterator[Chunk]:
    for start in range(0, count, size):
        yield start, min(start + size, count)


def _run(name: str, work: Callable[[Chunk], Counter[str]], count: int, pool: ProcessPoolExecutor) -> Counter[str]:
    started = time.monotonic()
    total: Counter[str] = Counter()
    for part in pool.map(work, _chunks(count, max(1, min(200, count // 8)))):
        total += part
    shown = ", ".join(f"{k}: {v}" for k, v in sorted(total.items()))
    print(f"{name} ({count} seeds, {time.monotonic() - started:.0f} s): {shown}", flush=True)
    return total


def main() -> int:
    """Run the three parts; 1 if a bound is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10_000, help="seeds against the false-alarm rate")
    parser.add_argument("--non-identities", type=int, default=100_000)
    parser.add_argument("--identities", type=int, default=100_000)
    options = parser.parse_args()
    broken = []
    with ProcessPoolExecutor(os.cpu_count() or 1) as pool:
        alarms = _run("false alarms", false_alarms, options.seeds, pool)
        from scipy.stats import binom

        for rate in (INFLATED, REAL):
            seen, most = alarms[f"{rate} refutes"], int(binom.isf(BOUND, options.seeds, rate))
            print(f"  at {rate:.2g}: {seen} alarms in {options.seeds}; at most {most} allowed")
            if seen > most:
                broken.append(f"{seen} false alarms at {rate:.2g}")
        wrong = _run("non-identities", non_identities, options.non_identities, pool)
        if wrong["PROVED"]:
            broken.append(f"{wrong['PROVED']} non-identities proved")
        right = _run("identities", identities, options.identities, pool)
        if right["identities"]:
            print(f"  recognised: {right['recognised'] / right['identities']:.1%}")
    for line in broken:
        print(f"BROKEN: {line}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
