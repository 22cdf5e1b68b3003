"""Problem files import the modules that stand beside them, as they do when a result is verified."""

from __future__ import annotations

import sys
from pathlib import Path

PROBLEMS = Path(__file__).parents[2] / "problems"

for folder in sorted(f for f in PROBLEMS.iterdir() if f.is_dir()):
    sys.path.insert(0, str(folder))
