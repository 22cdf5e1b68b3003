"""A child process that can be killed, for questions whose work cannot be bounded beforehand.

The child is forked, so that nothing need be written down for it; only its answer travels.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: Address space that the child may use, in bytes.
MEMORY = 4 * 2**30


#: Whether work can be bounded here.
AVAILABLE = hasattr(os, "fork")


class Overrun(Exception):
    """The work did not end within its deadline or its memory."""


def run(work: Callable[[], T], deadline: float) -> T:
    """The result of `work`, computed in a child that is killed after `deadline` seconds.

    Raises
    ------
    Overrun
        If there is no result by then.
    """
    if sys.platform == "win32" or not AVAILABLE:
        raise Overrun("there is no way to bound this work on this platform")
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        _child(work, write, deadline)
    os.close(write)
    try:
        answer = _received(read, time.monotonic() + deadline)
    finally:
        os.close(read)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if not answer:
        raise Overrun(f"not finished within {deadline:g} s or {MEMORY >> 30} GiB")
    result: T = pickle.loads(answer)
    return result


def _child(work: Callable[[], T], write: int, deadline: float) -> None:
    """Everything the child does; it never returns."""
    status = 1
    try:
        import resource

        signal.signal(signal.SIGINT, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (int(deadline) + 2, int(deadline) + 2))
        with os.fdopen(write, "wb") as pipe:
            pipe.write(pickle.dumps(work()))
        status = 0
    finally:
        os._exit(status)


def _received(read: int, until: float) -> bytes:
    """What comes through the pipe before it closes; nothing if that takes too long."""
    chunks: list[bytes] = []
    while (left := until - time.monotonic()) > 0 and select.select([read], [], [], left)[0]:
        chunk = os.read(read, 1 << 16)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
    return b""
