"""Checkpoints: one NumPy archive, replaced atomically, so that a killed run never leaves a torn file."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from derivcheck.models.errors import ModelError
from derivcheck.models.tensor import Array

__all__ = ["load_checkpoint", "save_checkpoint"]


def save_checkpoint(
    path: str | Path,
    layout: Sequence[str],
    steps: int,
    arrays: Sequence[Array],
    losses: Sequence[Any],
    generator: np.random.Generator,
) -> None:
    """Write a checkpoint next to its place and move it there when it is complete.

    Parameters
    ----------
    layout : sequence of str
        What the arrays are; a checkpoint is loaded only where the layout is the same.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=target.name, suffix=".part")
    state = json.dumps(_plain(generator.bit_generator.state))
    named: dict[str, Any] = {f"array_{i}": x for i, x in enumerate(arrays)}
    named |= {"layout": np.array(list(layout)), "steps": steps, "losses": np.array(losses), "generator": state}
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **named)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def load_checkpoint(path: str | Path, layout: Sequence[str]) -> tuple[int, list[Array], Array, dict[str, Any]]:
    """Steps, arrays, losses and generator state of a checkpoint of this layout.

    Raises
    ------
    ModelError
        If it is a checkpoint of something else, or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as saved:
            found = {name: saved[name] for name in saved.files}
            state = _restored(json.loads(str(found["generator"])))
            same = found["layout"].tolist() == list(layout)
            arrays = [found[f"array_{i}"] for i in range(sum(name.startswith("array_") for name in found))]
            steps, losses = int(found["steps"]), found["losses"]
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError) as error:
        raise ModelError(f"{path} is damaged, or no checkpoint: {error}") from error
    if not same:
        raise ModelError(f"{path} is a checkpoint of another network, optimiser or type")
    return steps, arrays, losses, state


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return {"dtype": value.dtype.str, "values": [int(v) for v in value]}
    return int(value) if isinstance(value, np.integer) else value


def _restored(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"dtype", "values"}:
        return np.array(value["values"], dtype=value["dtype"])
    return {k: _restored(v) for k, v in value.items()} if isinstance(value, dict) else value
