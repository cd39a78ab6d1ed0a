"""Which tables have windows: by which column, and how their rows are found in the target."""

from __future__ import annotations

from mysql_s3_redshift.core import watermark
from mysql_s3_redshift.core.cursors import parse_timestamp
from mysql_s3_redshift.core.extraction import Extraction
from mysql_s3_redshift.core.model import LoadMode, Window
from mysql_s3_redshift.core.plan import holds_unit
from mysql_s3_redshift.core.schema import Column
from mysql_s3_redshift.core.types import HASH_RULE
from mysql_s3_redshift.core.window_rows import Axis
from mysql_s3_redshift.errors import ConfigError

COMPARABLE = ("timestamp[us]", "date32", "int", "decimal128")
"""How the types of files begin whose times the target can be asked for."""


def axis_of(run: Extraction, window: Window) -> Axis:
    """The window's column, where rows can be told by it in MySQL and in the target.

    Raises:
        ConfigError: The table has no such window.
    """
    cursor, mode = run.table.cursor, run.table.load_mode
    if run.table.reads_whole_table:
        raise _refused(
            run,
            f"{cursor.strategy} with load_mode {mode} reads the whole table each time, so there is "
            "no window to reload",
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
    return Axis(column.name, unit)


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


def is_to_come(run: Extraction, axis: Axis, window: Window) -> bool:
    """Whether the cursor has not reached the window yet."""
    last, cursor = run.state.mysql_state.last_timestamp, run.table.cursor
    reached_by_cursor = watermark.watermark_of(run.state.mysql_state, cursor)
    if not reached_by_cursor:
        return True
    if axis.column != cursor.timestamp or last is None:
        return False
    reached = parse_timestamp(last)
    is_whole = len(reached_by_cursor) == len(cursor.columns)
    return window.start > reached or (window.start == reached and not is_whole)
