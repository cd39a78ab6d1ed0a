"""Ctrl-C and SIGTERM: the first finishes the chunk under way, the second stops at once."""

from __future__ import annotations

import os
import signal
from types import FrameType, TracebackType
from typing import Any, Self

from mysql_s3_redshift.cli import text


class Interrupts:
    """Takes the two signals while it is entered.

    Attributes:
        signal: Number of the first signal that came; None while none has.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def stopping(self) -> bool:
        """Whether to end after the chunk under way."""
        return self.signal is not None

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if self.signal is not None:
            text.tell("Stopped at once; what was committed before stays.")
            # Threads hold connections and uploads: ending the process ends them all, and nothing
            # that is not committed counts.
            os._exit(128 + number)
        self.signal = number
        text.tell("Finishing the chunk under way; once more stops at once.")
