"""Puts the helpers of these tests (an evaluator, random terms, random rewritings) on the path."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
