"""The pages about the model layer print what they say they print, and name what there is."""

from __future__ import annotations

import contextlib
import inspect
import io
import re
from pathlib import Path

import numpy as np
import pytest

import derivcheck.models as m
from derivcheck.models import blas_threads, losses, schedules

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = ("models.md", "networks.md")


@pytest.mark.parametrize("page", PAGES)
def test_every_block_prints_what_stands_below_it(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The pages show programs for two threads, however many this process has.
    monkeypatch.setattr(blas_threads, "threads", lambda: [2])
    text = (DOCS / page).read_text()
    names: dict[str, object] = {}
    for code, _, said in re.findall(r"```python\n(.*?)```\n(\n```text\n(.*?)```)?", text, re.DOTALL):
        stream = io.StringIO()
        with contextlib.redirect_stdout(stream):
            exec(compile(code, page, "exec"), names)
        assert [s.rstrip() for s in stream.getvalue().splitlines()] == [s.rstrip() for s in said.splitlines()]


def test_the_guide_names_every_layer_loss_optimiser_and_initialiser() -> None:
    text = (DOCS / "networks.md").read_text()
    classes = [c for c in (getattr(m, name) for name in m.__all__) if inspect.isclass(c)]
    abstract = {m.Layer, m.Initialiser, m.CentredLaw, m.Optimiser, m.GradientMethod}
    told = [c.__name__ for c in classes if issubclass(c, tuple(abstract)) and c not in abstract]
    named = set(re.findall(r"\w+", text))
    assert not {*told, *losses.__all__, *schedules.__all__} - {"Schedule", "as_schedule"} - named
    assert {"digits", "linear_regression", "gaussian_mixture", "two_moons", "gridworld", "random_mdp"} <= named


def test_the_excerpts_of_machine_code_are_of_that_network() -> None:
    """A line `…` stands for what is left out, and so does `, …` in a signature."""
    net = m.Sequential(m.Linear(2, 3), m.Tanh(), m.Linear(3, 1))
    loss = m.value_and_grad(lambda p, x, y: m.squared_error(net(p, x), y))
    program = m.compile(loss, backend="numba").specialise(net.init(0), np.ones((5, 2)), np.zeros((5, 1)))
    source = [line.rstrip() for line in program.source.splitlines()]
    excerpts = re.findall(r"```text\n(@.*?)```", (DOCS / "models.md").read_text(), re.DOTALL)
    assert len(excerpts) == 2
    for excerpt in excerpts:
        lines = [line.rstrip() for line in excerpt.splitlines() if line.strip() != "…"]
        starts = [line.removesuffix(", …):") for line in lines]
        found = any(
            all(a.startswith(b) if b != c else a == c for a, b, c in zip(source[i:], starts, lines, strict=False))
            for i in range(len(source) - len(lines) + 1)
        )
        assert found, excerpt
