"""Ctrl-C during training: the step that is running is finished, so that nothing is half updated."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

__all__ = ["Interrupted", "Interruption"]


class Interrupted(KeyboardInterrupt):
    """Training was stopped by Ctrl-C after a complete step.

    Attributes
    ----------
    training : Training
        Parameters, state, slots and losses as they were then.
    """

    def __init__(self, training: Any, message: str) -> None:
        self.training = training
        super().__init__(message)


class Interruption:
    """Within this context the first Ctrl-C is noted in ``requested``; a second one interrupts as usual.

    A handler that somebody else installed stays in force, and so does Python's outside the main thread.
    """

    def __init__(self) -> None:
        self.requested = False
        self._ours = False

    def __enter__(self) -> Interruption:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._note)
            self._ours = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
