"""What every test shares: a cache of its own, and the helpers of this folder on the path."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees, or leaves, finished work of a user's."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("DERIVCHECK_CACHE", str(folder))
    return folder
