"""Window reload: rows of a stretch of time that is on S3 already are read again.

The watermark stays. The files are registered together, and the load replaces the stretch by them.
The time is that of the cursor or of another column, such as the day of a row's creation.

No row is delivered twice. What lies beyond the watermark is still to come by the cursor, so an
append leaves it out here, by the very position that the next increment begins after; its files
load in the order of their numbers, so the stretch that the load deletes holds nothing else. An
upsert takes such a row once more without harm: where the window is not the cursor's, the older
version of a row that changed since is in the target, and the newer one belongs to the same window.

All rows are those of one moment, so none is there twice because it moved while others were read.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC

from mysql_s3_redshift.core import watermark
from mysql_s3_redshift.core.chunks import Chunk, read_chunks, write_empty
from mysql_s3_redshift.core.counts import WINDOWS
from mysql_s3_redshift.core.cursors import (
    ChunkQuery,
    Position,
    format_timestamp,
    from_datetime,
    parse_timestamp,
)
from mysql_s3_redshift.core.extraction import Extraction
from mysql_s3_redshift.core.model import LoadMode, TimestampUnit, Window
from mysql_s3_redshift.core.plan import holds_unit
from mysql_s3_redshift.core.schema import Column
from mysql_s3_redshift.core.types import HASH_RULE
from mysql_s3_redshift.errors import ConfigError

COMPARABLE = ("timestamp[us]", "date32", "int", "decimal128")
"""How the types of files begin whose times the target can be asked for."""


@dataclass(frozen=True, slots=True)
class _Axis:
    """The column that a window is about, in MySQL's name, and what it holds."""

    column: str
    unit: TimestampUnit


def reload_window(run: Extraction, window: Window) -> None:
    """Read `window.start` ≤ t < `window.end` again.

    Raises:
        ConfigError: The table has no such window, or a limit would cut it.
    """
    axis = _axis(run, window)
    if _is_to_come(run, axis, window):
        run.note = "nothing of the window was extracted yet, so there is nothing to reload"
        return
    run.loop.one_snapshot = True
    with run.source.snapshot():
        chunks = _read(run, axis, window)
    if not chunks and run.table.load_mode is not LoadMode.APPEND:
        run.note = "the window has no rows, and an upsert deletes none"
        return
    edges = (format_timestamp(window.start), format_timestamp(window.end))
    files = run.records(
        chunks or [write_empty(run.loop)],
        _keyset(run, axis),
        kind="window",
        set_id=uuid.uuid4().hex[:12],
        window=edges,
        window_on=(axis.column, axis.unit),
    )
    run.state = run.state.with_(metadata={**run.state.metadata, WINDOWS: True})
    run.register(files)


def _read(run: Extraction, axis: _Axis, window: Window) -> list[Chunk]:
    """All rows of the window; the files of a part lie below its first day."""
    chunks: list[Chunk] = []
    for part in window.parts:
        run.loop.day = part.start.replace(tzinfo=UTC)
        read = list(read_chunks(run.loop, _query(run, axis, part)))
        chunks += read
        if not run.loop.exhausted or (run.loop.budget or 0) < 0:
            run.storage.delete_files([c.written.uri for c in chunks])
            raise ConfigError(
                f"{run.table.plan.display_name}: the window {window.start} to {window.end} holds "
                "more rows than the limit, and a part of a window cannot replace it.",
                kept="Nothing was registered; the watermark is unchanged.",
                remedy="Leave out the limit, or ask for a shorter window.",
            )
        if window.daily:
            run.days[part.start.date()] = sum(c.written.rows for c in read)
    return chunks


def _query(run: Extraction, axis: _Axis, window: Window) -> ChunkQuery:
    """The rows of a window, without those that the cursor is still to deliver (see above)."""
    cursor = run.table.cursor
    is_capped = run.table.load_mode is LoadMode.APPEND or axis.column == cursor.timestamp
    return ChunkQuery(
        order_by=_keyset(run, axis),
        bound_column=axis.column,
        at_least=from_datetime(window.start, axis.unit),
        below=from_datetime(window.end, axis.unit),
        not_beyond=(cursor.columns, _watermark(run)) if is_capped else None,
    )


def _keyset(run: Extraction, axis: _Axis) -> tuple[str, ...]:
    """The order in which a window is read in pieces; without a key it is read in one piece."""
    cursor = run.table.cursor
    if axis.column == cursor.timestamp:
        return cursor.columns
    key = cursor.snapshot_columns or (cursor.columns if cursor.unique else ())
    return (axis.column, *(c for c in key if c != axis.column)) if key else ()


def _watermark(run: Extraction) -> Position:
    return watermark.watermark_of(run.state.mysql_state, run.table.cursor)


def _is_to_come(run: Extraction, axis: _Axis, window: Window) -> bool:
    """Whether the cursor has not reached the window yet."""
    last, cursor = run.state.mysql_state.last_timestamp, run.table.cursor
    if not _watermark(run):
        return True
    if axis.column != cursor.timestamp or last is None:
        return False
    reached = parse_timestamp(last)
    is_whole = len(_watermark(run)) == len(cursor.columns)
    return window.start > reached or (window.start == reached and not is_whole)


# -- what has no window -----------------------------------------------------------------------


def _axis(run: Extraction, window: Window) -> _Axis:
    """The window's column, where rows can be told by it in MySQL and in the target."""
    cursor, mode = run.table.cursor, run.table.load_mode
    if run.table.reads_whole_table:
        raise _refused(
            run,
            f"{cursor.strategy} with load_mode {mode} reads and replaces the whole table, so "
            "there is no window to reload",
            "Run without a window; it takes the whole table.",
        )
    name = window.column or cursor.timestamp
    if name is None:
        raise _refused(
            run,
            f"a window needs a timestamp, and {cursor.strategy} has no timestamp cursor",
            "Name a column of times (`partitions.column`), or use `watermark reset` to load all "
            "again.",
        )
    column = run.table.table.column(name)
    if column is None:
        raise _refused(
            run, f"column {name} does not exist", "Name a column of the table in `partitions`."
        )
    unit = cursor.unit if column.name == cursor.timestamp else window.unit
    if not holds_unit(column, unit):
        raise _refused(
            run,
            f"column {name} is {column.column_type}, which does not hold times of unit {unit}",
            "Name a DATETIME, DATE or TIMESTAMP, or the unit of an integer (`partitions.unit`).",
        )
    if mode is LoadMode.APPEND:
        _refuse_untold(run, column.name)
    if run.state.mysql_state.phase == "snapshot":
        raise _refused(
            run,
            "the first extraction is not complete, so there is no window to reload",
            "Run `sync` without a window until it is complete.",
        )
    return _Axis(column.name, unit)


def tells_times(column: Column | None) -> bool:
    """Whether the target can be asked for the times of a column."""
    return (
        column is not None and column.rule != HASH_RULE.name and column.arrow.startswith(COMPARABLE)
    )


def _refuse_untold(run: Extraction, name: str) -> None:
    """An append deletes the window in the target, so it must be able to find it there."""
    if tells_times(run.schema.by_source(name)):
        return
    raise _refused(
        run,
        f"load_mode append replaces a window by its times, and the target has no column of {name} "
        "to find them by",
        "Load by upsert, or use `watermark reset` to load all again.",
    )


def _refused(run: Extraction, why: str, remedy: str) -> ConfigError:
    return ConfigError(
        f"{run.table.plan.display_name}: {why}.",
        kept="Nothing was read or written.",
        remedy=remedy,
    )
