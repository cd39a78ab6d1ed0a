"""Plain text for people: tables and numbers. Colours are for terminals; `NO_COLOR` turns them off.

See https://no-color.org.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

STATUS_COLOURS = {
    "success": "green",
    "ok": "green",
    "partial": "yellow",
    "warning": "yellow",
    "pending": "yellow",
    "in_progress": "yellow",
    "skipped": "yellow",
    "failed": "red",
}


def shows_bars() -> bool:
    """Whether stderr is a terminal that can move its cursor."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def echo(text: str = "", *, err: bool = False) -> None:
    """Print a line; colours are dropped where nobody sees them."""
    click.echo(text, err=err, color=False if os.environ.get("NO_COLOR") else None)


def tell(text: str) -> None:
    """Print a line on stderr, where it can be: a log that is full or gone must not end a run."""
    # A signal may come in the middle of another line, which Python refuses as reentrant.
    with contextlib.suppress(OSError, RuntimeError):
        echo(text, err=True)


def status(word: str) -> str:
    """A status in its colour."""
    return click.style(word, fg=STATUS_COLOURS.get(word))


def heading(text: str) -> str:
    """A line that begins a section."""
    return click.style(text, bold=True)


def number(value: int | None) -> str:
    """A count as people read it."""
    return "-" if value is None else f"{value:,}"


def size(value: int) -> str:
    """Bytes as people read them."""
    amount, unit = float(value), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"


def plural(count: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{count:,} {noun if count == 1 else noun + 's'}"


def write_table(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print aligned columns: numbers to the right, a column named `status` in colour."""
    cells = [[_cell(value) for value in row] for row in rows]
    right = [any(_is_number(row[i]) for row in rows) for i in range(len(headers))]
    widths = [
        max(len(headers[i]), *(len(row[i]) for row in cells)) if cells else len(headers[i])
        for i in range(len(headers))
    ]
    echo(heading(_line(headers, widths, right)))
    for row in cells:
        padded = [_pad(text, widths[i], right=right[i]) for i, text in enumerate(row)]
        shown = [
            status(text.strip()) + " " * (len(text) - len(text.rstrip()))
            if headers[i] == "status"
            else text
            for i, text in enumerate(padded)
        ]
        echo("  ".join(shown).rstrip())


def _line(texts: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = (_pad(t, widths[i], right=right[i]) for i, t in enumerate(texts))
    return "  ".join(padded).rstrip()


def _pad(text: str, width: int, *, right: bool) -> str:
    return text.rjust(width) if right else text.ljust(width)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if _is_number(value) else str(value)
