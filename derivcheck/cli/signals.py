"""Signals that ask the program to end are taken like Ctrl-C, so that no process is left behind."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any

#: SIGHUP, a closed terminal, does not exist on Windows.
_ASKING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class Ending:
    """While it is entered, SIGTERM and SIGHUP raise `KeyboardInterrupt`.

    Attributes
    ----------
    status : int
        The exit status to end with: 128 and the signal's number, as a shell would report it.
    """

    def __init__(self) -> None:
        self.status = 128 + signal.SIGINT
        self._before: list[tuple[int, Any]] = []

    def _raise(self, number: int, frame: FrameType | None) -> None:
        self.status = 128 + number
        raise KeyboardInterrupt

    def __enter__(self) -> Ending:
        # nohup ignores SIGHUP on purpose: what is ignored stays so.
        asking = (n for n in _ASKING if signal.getsignal(n) is not signal.SIG_IGN)
        self._before = [(number, signal.signal(number, self._raise)) for number in asking]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before:
            signal.signal(number, handler)
