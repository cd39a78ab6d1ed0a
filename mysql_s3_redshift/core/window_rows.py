"""The rows of a window: the column that it is about, and one read of them at one moment.

No row is delivered twice. What lies beyond the watermark is still to come by the cursor, so an
append leaves it out here, by the very position that the next increment begins after; its files
load in the order of their numbers, so the stretch that the load deletes holds nothing else. An
upsert takes such a row once more without harm: where the window is not the cursor's, the older
version of a row that changed since is in the target, and the newer one belongs to the same window.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date

from mysql_s3_redshift.core.chunks import Chunk, ChunkLoop, read_chunks
from mysql_s3_redshift.core.cursors import ChunkQuery, KeyRange, Position, from_datetime
from mysql_s3_redshift.core.model import LoadMode, TimestampUnit, Window
from mysql_s3_redshift.core.plan import ResolvedTable
from mysql_s3_redshift.core.table_keys import is_indexed


@dataclass(frozen=True, slots=True)
class Axis:
    """The column that a window is about, in MySQL's name, and what it holds."""

    column: str
    unit: TimestampUnit


@dataclass(frozen=True, slots=True)
class WindowQuery:
    """How one read takes rows of a window.

    Attributes:
        order_by: The order in which they are read in pieces; empty for one piece.
        not_beyond: The cursor's columns and the watermark; rows beyond it are left out.
        within: Range of the rows' key; None takes all.
    """

    axis: Axis
    order_by: tuple[str, ...]
    not_beyond: tuple[tuple[str, ...], Position] | None = None
    within: KeyRange | None = None

    def of(self, part: Window) -> ChunkQuery:
        """The query of a part of the window."""
        return ChunkQuery(
            order_by=self.order_by,
            bound_column=self.axis.column,
            at_least=from_datetime(part.start, self.axis.unit),
            below=from_datetime(part.end, self.axis.unit),
            not_beyond=self.not_beyond,
            within=self.within,
        )


def whole_window(table: ResolvedTable, axis: Axis, watermark: Position) -> WindowQuery:
    """All rows of a window, in the order of an index; without a key in one piece."""
    cursor = table.cursor
    key = cursor.snapshot_columns or (cursor.columns if cursor.unique else ())
    order = (axis.column, *(c for c in key if c != axis.column)) if key else ()
    if axis.column == cursor.timestamp:
        order = cursor.columns
    return WindowQuery(axis, order, _cap(table, axis, watermark))


def window_slice(
    table: ResolvedTable, axis: Axis, watermark: Position, *, within: KeyRange
) -> WindowQuery:
    """The rows of a window whose key lies in a range.

    They are found by the index of the window's column. It has the primary key in its entries, by
    which MySQL skips the rows of other ranges (MariaDB, if the index names the key):
    https://dev.mysql.com/doc/refman/8.4/en/index-condition-pushdown-optimization.html
    Without such an index they are found by their key.
    """
    order = within.columns
    if axis.column == table.cursor.timestamp and table.cursor_indexed:
        order = table.cursor.columns
    elif is_indexed(table.table, axis.column):
        order = by_window(axis, within.columns)
    return WindowQuery(axis, order, _cap(table, axis, watermark), within)


def by_window(axis: Axis, key: tuple[str, ...]) -> tuple[str, ...]:
    """A keyset that goes by the window's column first."""
    return (axis.column, *(c for c in key if c != axis.column))


def _cap(
    table: ResolvedTable, axis: Axis, watermark: Position
) -> tuple[tuple[str, ...], Position] | None:
    is_capped = table.load_mode is LoadMode.APPEND or axis.column == table.cursor.timestamp
    return (table.cursor.columns, watermark) if is_capped else None


@dataclass(frozen=True, slots=True)
class WindowRows:
    """What one read brought.

    Attributes:
        days: Rows by day, where the window is read day by day.
    """

    chunks: tuple[Chunk, ...]
    days: Mapping[date, int]


def read_window(loop: ChunkLoop, query: WindowQuery, window: Window) -> WindowRows | None:
    """Read all rows at one moment; the files of a part lie below its first day.

    Returns:
        The rows; None where a limit or a stop came first, and then their files are deleted.
    """
    chunks: list[Chunk] = []
    days: dict[date, int] = {}
    loop.one_snapshot = True
    with loop.source.snapshot():
        for part in window.parts:
            loop.day = part.start.replace(tzinfo=UTC)
            read = list(read_chunks(loop, query.of(part)))
            chunks += read
            if not loop.exhausted or (loop.budget or 0) < 0:
                loop.storage.delete_files([c.written.uri for c in chunks])
                return None
            if window.daily:
                days[part.start.date()] = sum(c.written.rows for c in read)
    return WindowRows(tuple(chunks), days)
