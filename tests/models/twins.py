"""All twins, and the reference values on record.

``python tests/models/twins.py`` records what PyTorch gives to ``twins.npz``, which the tests use where PyTorch is not
installed.
"""

from __future__ import annotations

import functools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from twin_cases import Family, Values, case, theirs
from twin_layers import ACTIVATIONS, LAYERS
from twin_losses import LOSSES
from twin_optimisers import INITIALISERS, OPTIMISERS, Initial, Trajectory
from twin_structured import STRUCTURED

import derivcheck.models as m

__all__ = [
    "FAMILIES",
    "SEEDS",
    "initial",
    "joined",
    "recorded",
    "recorded_initial",
    "recorded_trajectory",
    "trajectory",
]

RECORDED = Path(__file__).with_name("twins.npz")
SEEDS = range(4)

FAMILIES: dict[str, Family] = LAYERS | ACTIVATIONS | STRUCTURED | LOSSES


def trajectory(name: str, seed: int) -> Trajectory:
    """An optimiser's case of this seed."""
    return OPTIMISERS[name](np.random.default_rng((seed, *name.encode())))


def initial(name: str, seed: int) -> Initial:
    """An initialiser's case of this seed."""
    return INITIALISERS[name](np.random.default_rng((seed, *name.encode())))


@functools.cache
def _records() -> dict[str, dict[str, Any]]:
    """Everything on record: for each key, arrays by name."""
    with np.load(RECORDED) as saved:
        index, numbers = json.loads(str(saved["index"])), saved["numbers"]
    out, at = {}, 0
    for key, described in index.items():
        out[key] = {}
        for name, shape in described:
            size = math.prod(shape)
            out[key][name] = numbers[at : at + size].reshape(shape)
            at += size
    return out


def _group(record: dict[str, Any], letter: str) -> dict[str, Any]:
    return {name[2:]: array for name, array in record.items() if name.startswith(f"{letter} ")}


def recorded(family: str, seed: int) -> tuple[list[Any], Any, Values, list[Any]]:
    """On record for a case: its inputs and parameters (one vector), what PyTorch gave, and the cotangents."""
    record = _records()[f"{family}/{seed}"]
    inputs, outputs, cotangents = (list(_group(record, letter).values()) for letter in "xyc")
    return inputs, record["p"], Values(tuple(outputs), _group(record, "g")), cotangents


def recorded_trajectory(name: str, seed: int) -> Any:
    """On record for an optimiser: PyTorch's iterates."""
    return _records()[f"optimiser {name}/{seed}"]["iterates"]


def recorded_initial(name: str, seed: int) -> tuple[Any, Any]:
    """On record for an initialiser: raw random numbers, and what PyTorch made of them."""
    record = _records()[f"initialiser {name}/{seed}"]
    return record["source"], record["values"]


def joined(parameters: Any) -> Any:
    """All parameters as one vector."""
    return np.concatenate([np.zeros(0), *(v.ravel() for v in m.leaves(parameters))])


def record() -> None:
    """Write the reference values of every case."""
    out: dict[str, dict[str, Any]] = {}
    for seed in SEEDS:
        for family, draw in FAMILIES.items():
            made, parameters, rng = case(draw, family, seed)
            values, cotangents = theirs(made, parameters, rng)
            kept = {"p": joined(parameters)}
            for letter, arrays in (("x", m.leaves(made.x)), ("y", values.outputs), ("c", cotangents)):
                kept |= {f"{letter} {i}": a for i, a in enumerate(arrays)}
            out[f"{family}/{seed}"] = kept | {f"g {n}": v for n, v in values.gradients.items()}
        for n in OPTIMISERS:
            out[f"optimiser {n}/{seed}"] = {"iterates": trajectory(n, seed).their_iterates()}
        for n in INITIALISERS:
            drawn = initial(n, seed)
            out[f"initialiser {n}/{seed}"] = {"source": drawn.source(seed), "values": drawn.their_values(seed)}
    index = {key: [[name, np.shape(v)] for name, v in arrays.items()] for key, arrays in out.items()}
    numbers = np.concatenate([np.ravel(v).astype(float) for arrays in out.values() for v in arrays.values()])
    np.savez_compressed(RECORDED, index=json.dumps(index), numbers=numbers)


if __name__ == "__main__":
    record()
