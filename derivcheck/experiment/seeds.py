"""Random streams that are found by name, so that the same command draws the same numbers.

A stream depends on the root seed and on the names alone: not on the order in which checks run, on how many
there are, on the process, or on ``PYTHONHASHSEED``.

>>> first = rng(7, "softmax-jacobian", "pilot").random()
>>> first == rng(7, "softmax-jacobian", "pilot").random()
True
>>> first == rng(7, "softmax-jacobian", "main").random()
False
"""

from __future__ import annotations

import hashlib

import numpy as np


def seed_sequence(root_seed: int, *names: str | int) -> np.random.SeedSequence:
    """Return the seed sequence of a named stream.

    Parameters
    ----------
    root_seed
        Non-negative integer, the seed of the whole run.
    *names
        The path of the stream, e.g. claim id, witness, ``"pilot"``. ``("a", "b")``, ``("ab",)`` and
        ``("a", "b", "")`` are different streams, and so are ``1`` and ``"1"``.

    Raises
    ------
    ValueError
        If `root_seed` is negative.
    """
    if root_seed < 0:
        raise ValueError(f"a root seed must not be negative, got {root_seed}")
    digest = hashlib.blake2b(digest_size=16)
    for name in names:
        kind = b"i" if isinstance(name, int) else b"s"
        data = str(name).encode()
        # The length in front makes the encoding of the path injective.
        digest.update(kind + len(data).to_bytes(8, "little") + data)
    raw = digest.digest()
    words = tuple(int.from_bytes(raw[i : i + 4], "little") for i in range(0, len(raw), 4))
    return np.random.SeedSequence(entropy=root_seed, spawn_key=words)


def rng(root_seed: int, *names: str | int) -> np.random.Generator:
    """Return a fresh generator of the stream called `names` (see `seed_sequence`)."""
    return np.random.Generator(np.random.PCG64(seed_sequence(root_seed, *names)))
