"""``make bench``: every timing against its named peer in one run; writes ``benchmarks/results.json``.

A figure is a ratio: the peer is timed in the same run, on the same machine.  Parts can be chosen:
``python -m benchmarks startup verify decide gradients models``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
PARTS = ("startup", "verify", "decide", "gradients", "models")

Row = dict[str, Any]

#: A Typer application of as many commands that does nothing: what `derivcheck --help` is held against.
BARE = """
import typer
app = typer.Typer()
{commands}
app()
"""


def _row(workload: str, ours: float, peers: dict[str, float], unit: str = "s", **more: Any) -> Row:
    return {
        "workload": workload,
        "dtype": more.pop("dtype", ""),
        "threads": more.pop("threads", 1),
        "ours": ours,
        "backend": more.pop("backend", ""),
        "peers": peers,
        "unit": unit,
        **more,
    }


def _seconds(command: list[str], environment: dict[str, str] | None = None) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, env={**os.environ, **(environment or {})}, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return time.perf_counter() - started


def startup(repeats: int = 15) -> list[Row]:
    """Whole-process time of ``--help`` against a bare Typer application with as many commands, in turn."""
    from derivcheck.cli.app import app

    count = len(app.registered_commands)
    commands = "\n".join(f"@app.command()\ndef c{k}(x: str = ''):\n    'Does nothing.'" for k in range(count))
    with tempfile.NamedTemporaryFile("w", suffix=".py", delete=False) as f:
        f.write(BARE.format(commands=commands))
    ours, bare = [], []
    for _ in range(repeats):
        ours.append(_seconds([sys.executable, "-m", "derivcheck", "--help"]))
        bare.append(_seconds([sys.executable, f.name, "--help"]))
    Path(f.name).unlink()
    return [_row("derivcheck --help", statistics.median(ours), {f"typer, {count} commands": statistics.median(bare)})]


def verification() -> list[Row]:
    """One result cold and again, and all results with near misses cold and again."""
    out = []
    for name, arguments in (
        ("verify softmax-jacobian", ["softmax-jacobian"]),
        ("verify --all --mutants", ["--all", "--mutants"]),
    ):
        with tempfile.TemporaryDirectory() as cache:
            command = [sys.executable, "-m", "derivcheck", "verify", *arguments]
            cold = _seconds(command, {"DERIVCHECK_CACHE": cache})
            warm = _seconds(command, {"DERIVCHECK_CACHE": cache})
        out.append(_row(name, cold, {"the same again, from the cache": warm}, threads=os.cpu_count()))
    return out


def decisions() -> list[Row]:
    """`decide` against ``sympy.simplify(a - b) == 0`` on 80 questions."""
    from benchmarks import decide

    found = decide.rows()
    print(decide.table(found))
    return [asdict(r) for r in found]


def _json_lines(module: str, *arguments: str) -> list[Row]:
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, env={**os.environ, **ONE_THREAD}, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def gradients() -> list[Row]:
    """Gradient checks against `torch.autograd.gradcheck` in its slow mode."""
    return _json_lines("benchmarks.gradient_check")


def models() -> list[Row]:
    """The model layer against PyTorch and JAX."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "rows.json"
        subprocess.run([sys.executable, "-m", "benchmarks.models", "--output", str(output)], check=True)
        return list(json.loads(output.read_text()))


def _machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"


def _print(rows: list[Row]) -> None:
    for row in rows:
        for peer, seconds in row["peers"].items():
            print(
                f"{row['workload']:28s} {row['ours']:9.3f} s   "
                f"{peer}: {seconds:.3f} s   ratio {row['ours'] / seconds:.2f}"
            )


def main() -> None:
    """Run the chosen parts, print their tables, and write the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of: {', '.join(PARTS)}; all without one")
    parser.add_argument("--output", type=Path, default=HERE / "results.json")
    options = parser.parse_args()
    unknown = sorted(set(options.parts) - set(PARTS))
    if unknown:
        parser.error(f"no part is called {', '.join(unknown)}; there are {', '.join(PARTS)}")
    results: dict[str, Any] = {"version": 1, "machine": _machine(), "rows": []}
    if options.output.exists():
        before = json.loads(options.output.read_text())
        results |= {k: v for k, v in before.items() if k not in ("version", "machine")}
    run = {"startup": startup, "verify": verification, "decide": decisions, "gradients": gradients, "models": models}
    for part in options.parts or PARTS:
        print(f"\n== {part}", flush=True)
        rows = run[part]()
        if part in ("startup", "verify"):
            _print(rows)
        if part == "gradients":
            for row in rows:
                print(json.dumps(row))
        # The rows of the model layer are the contract of `results.json`; the other parts stand beside them by name.
        results["rows" if part == "models" else part] = rows
    options.output.write_text(json.dumps(results, indent=1) + "\n")
    print(f"\nwritten to {options.output}")


if __name__ == "__main__":
    main()
