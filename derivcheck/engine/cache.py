"""The store of finished work: content-addressed, torn-proof, safe for several runs at once.

An entry is a file named by its key: a line with the checksum of the rest, then JSON that repeats the key.  It is
written to a temporary file and renamed, so a reader sees an old entry, a new one, or none; what does not match its
checksum or its key counts as none and is computed again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: Entries kept; beyond it, the ones least recently written go (a full run of hundreds of results writes thousands).
CAPACITY = 20_000


def default_folder() -> Path:
    """``$DERIVCHECK_CACHE``, else the platform's folder for caches."""
    own = os.environ.get("DERIVCHECK_CACHE")
    if own:
        return Path(own)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "derivcheck"


class Cache:
    """Entries by key in a folder; a folder that cannot be written makes every `put` do nothing."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder if folder is not None else default_folder()

    def path(self, key: str) -> Path:
        """Where the entry of `key` lives."""
        return self.folder / key[:2] / f"{key}.json"

    def get(self, key: str) -> dict[str, Any] | None:
        """The value stored under `key`; None if there is none, or if it is torn, edited or misplaced."""
        try:
            checksum, _, body = self.path(key).read_bytes().partition(b"\n")
        except OSError:
            return None
        if checksum != hashlib.sha256(body).hexdigest().encode():
            return None
        entry = json.loads(body)
        if entry["key"] != key:
            return None
        value: dict[str, Any] = entry["value"]
        return value

    def put(self, key: str, value: Mapping[str, Any]) -> None:
        """Store `value` (plain JSON) under `key`."""
        body = json.dumps({"key": key, "value": value}, allow_nan=False, ensure_ascii=False).encode()
        data = hashlib.sha256(body).hexdigest().encode() + b"\n" + body
        with contextlib.suppress(OSError):
            write_atomically(self.path(key), data)

    def prune(self) -> None:
        """Drop the oldest entries beyond `CAPACITY`, and temporary files that a killed run left behind."""
        with contextlib.suppress(OSError):
            entries = sorted(self.folder.glob("??/*.json"), key=lambda f: f.stat().st_mtime)
            for old in entries[: max(0, len(entries) - CAPACITY)]:
                old.unlink(missing_ok=True)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that no reader, and no crash, ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
