"""Checkpoints: one NumPy archive, replaced atomically, so that a killed run never leaves a torn file."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from derivcheck.models.errors import ModelError
from derivcheck.models.tensor import Array

__all__ = ["Checkpoint", "load_checkpoint", "require_writable", "save_checkpoint"]


@dataclass(frozen=True)
class Checkpoint:
    """A training run between two steps.

    Attributes
    ----------
    layout : list of str
        What the arrays are; a checkpoint is loaded only where the layout is the same.
    fingerprints : dict
        Of the networks, by the signature of their batches.
    steps : int
    arrays : list of array
    losses : array
    generator : dict
        State of the stream of random numbers.
    """

    layout: list[str]
    fingerprints: dict[str, str]
    steps: int
    arrays: Sequence[Array]
    losses: Any
    generator: dict[str, Any]


def require_writable(path: str | Path) -> None:
    """Raise :class:`ModelError` unless a file can be written there: better before the first step than after an hour."""
    target = Path(path)
    if target.is_dir():
        raise ModelError(f"{path} is a folder: a checkpoint is a file")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=target.parent):
            pass
    except OSError as error:
        raise ModelError(f"no checkpoint can be written to {path}: {error.strerror}") from error


def save_checkpoint(path: str | Path, run: Checkpoint) -> None:
    """Write a checkpoint next to its place and move it there when it is complete."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=target.name, suffix=".part")
    told = {"layout": run.layout, "fingerprints": run.fingerprints, "steps": run.steps, "generator": run.generator}
    named: dict[str, Any] = {f"array_{i}": x for i, x in enumerate(run.arrays)}
    named |= {"told": json.dumps(_plain(told)), "losses": np.array(run.losses)}
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **named)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def load_checkpoint(path: str | Path, layout: Sequence[str]) -> Checkpoint:
    """The checkpoint of this layout.

    Raises
    ------
    ModelError
        If it is a checkpoint of something else, or damaged.
    """
    try:
        with open(path, "rb") as file, zipfile.ZipFile(file):  # what is no archive, NumPy would take for a pickle
            file.seek(0)
            with np.load(file, allow_pickle=False) as saved:
                found = {name: saved[name] for name in saved.files}
        told = _restored(json.loads(str(found["told"])))
        arrays = [found[f"array_{i}"] for i in range(sum(name.startswith("array_") for name in found))]
        run = Checkpoint(
            told["layout"], told["fingerprints"], told["steps"], arrays, found["losses"], told["generator"]
        )
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path} is damaged, or no checkpoint: {error}") from error
    if run.layout != list(layout):
        raise ModelError(f"{path} is a checkpoint of another network, optimiser or type")
    return run


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
