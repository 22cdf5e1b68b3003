"""What every test shares: examples that repeat, a cache of its own, and the helpers of this folder on the path."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import hypothesis
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

# A run repeats: the same examples every time.  HYPOTHESIS_PROFILE=search draws new ones.
hypothesis.settings.register_profile("repeatable", derandomize=True)
hypothesis.settings.register_profile("search", derandomize=False)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees, or leaves, finished work of a user's."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("DERIVCHECK_CACHE", str(folder))
    return folder
