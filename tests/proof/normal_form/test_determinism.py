"""A normal form depends on the term alone: not on hash seeds, and not on what was asked before."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

from nf_generator import CONTEXT, Maker

from derivcheck.proof.normal_form import Normaliser, Unknown, to_term

SCRIPT = """
import random, hashlib
from nf_generator import CONTEXT, Maker
from derivcheck.proof.normal_form import Normaliser, Unknown, to_term
keys = []
for seed in range(60):
    try:
        keys.append(to_term(Normaliser(CONTEXT).nf(Maker(random.Random(seed)).real(3))).key)
    except Unknown as e:
        keys.append(str(e).encode())
print(hashlib.sha256(b"|".join(keys)).hexdigest())
"""


def test_hash_seeds_do_not_matter() -> None:
    here = Path(__file__).parent
    answers = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join([str(here), *sys.path])},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4711")
    }
    assert len(answers) == 1


def test_what_was_asked_before_does_not_matter() -> None:
    """One normaliser for many terms gives what a new one gives for each."""
    shared = Normaliser(CONTEXT)
    for seed in range(60):
        t = Maker(random.Random(seed)).real(3)
        try:
            alone = to_term(Normaliser(CONTEXT).nf(t))
        except Unknown:
            continue
        assert to_term(shared.nf(t)) == alone, f"{seed}: {t}"
