"""``python -m benchmarks.models``: time the model layer against its peers and print the table, row by row.

Thread counts are fixed by the environment before NumPy, PyTorch or JAX are imported, so every thread count runs in
a process of its own, on as many processor cores: JAX divides its work among threads whatever its flags say.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.models.table import behind, line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--dtypes", nargs="*", default=["float32", "float64"])
    parser.add_argument("--seconds", type=float, default=6.0, help="time for each row")
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--output", type=Path, help="write the rows as JSON")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker is not None:
        _confine(options.worker)
        from benchmarks.models.rows import rows

        for row in rows(options.worker, options.dtypes, options.seconds, options.only, not options.no_peers):
            print(json.dumps(row), flush=True)
        return
    found: list[dict[str, Any]] = []
    for threads in options.threads:
        for row in _in_process(threads):
            print(line(row), flush=True)
            found.append(row)
            if options.output:  # what has been measured is kept, whatever happens next
                options.output.write_text(json.dumps(found, indent=1) + "\n")
    print(behind(found))


def _confine(threads: int) -> None:
    """Run on this many cores, where the system can be asked to (elsewhere the environment must do)."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


def _in_process(threads: int) -> Iterator[dict[str, Any]]:
    """The rows for a number of threads, one by one."""
    count = str(threads)
    flags = f"--xla_cpu_multi_thread_eigen={'false' if threads == 1 else 'true'} intra_op_parallelism_threads={count}"
    environment = {
        **os.environ,
        "OPENBLAS_NUM_THREADS": count,
        "OMP_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "XLA_FLAGS": flags,
    }
    command = [sys.executable, "-m", "benchmarks.models", "--worker", count, *sys.argv[1:]]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        for text in worker.stdout:
            yield json.loads(text)
    if worker.returncode:
        raise SystemExit(f"the measurement with {threads} thread(s) failed")


if __name__ == "__main__":
    main()
