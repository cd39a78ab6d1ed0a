"""What a sync shows while it runs: bars on a terminal, a line per event elsewhere, on stderr."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self

from mysql_s3_redshift.cli import text
from mysql_s3_redshift.core.model import TablePlan


class ProgressView(Protocol):
    """Receives the events of all tables, from several threads."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def __call__(self, table: str, event: str, facts: Mapping[str, object]) -> None:
        """Take one event of one table."""


def progress_view(plans: Sequence[TablePlan], *, quiet: bool) -> ProgressView:
    """Choose how to show it."""
    if quiet:
        return Silence()
    if text.shows_bars():
        from mysql_s3_redshift.cli.progress_bars import ProgressBars

        return ProgressBars([plan.display_name for plan in plans])
    return ProgressLines()


_TOLD_BY_VALUE = {"by"}
"""Facts whose value says enough: a ceiling is `proven`, `held` or lagging."""


class Silence:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def __call__(self, table: str, event: str, facts: Mapping[str, object]) -> None:
        """Drop an event."""


class ProgressLines(Silence):
    """A line per event."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._lock = threading.Lock()

    def __call__(self, table: str, event: str, facts: Mapping[str, object]) -> None:
        """Print an event with the seconds since the start."""
        shown = ", ".join(
            _value(value) if name in _TOLD_BY_VALUE | {event} else f"{name} {_value(value)}"
            for name, value in facts.items()
        )
        with self._lock:
            elapsed = time.monotonic() - self._started
            text.tell(f"{elapsed:7.1f}s  {table}  {event} {shown}".rstrip())


def _value(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
