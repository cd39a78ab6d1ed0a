"""Window reload: rows of a stretch of time that is on S3 already are read again.

The watermark stays. The files are registered together, and the load replaces the stretch by them.
The time is that of the cursor or of another column, such as the day of a row's creation.

All rows are those of one moment, so none is there twice because it moved while others were read.
Where steps before have read slices of the window (see `reloads`), their files are registered.
"""

from __future__ import annotations

import uuid

from mysql_s3_redshift.core import watermark
from mysql_s3_redshift.core.chunks import write_empty
from mysql_s3_redshift.core.counts import WINDOWS
from mysql_s3_redshift.core.cursors import format_timestamp
from mysql_s3_redshift.core.extraction import Extraction
from mysql_s3_redshift.core.model import LoadMode, Window
from mysql_s3_redshift.core.reloads import read_reload, reload_of_run
from mysql_s3_redshift.core.state import DataFile
from mysql_s3_redshift.core.window_axis import axis_of, is_to_come
from mysql_s3_redshift.core.window_rows import Axis, read_window, whole_window
from mysql_s3_redshift.errors import ConfigError


def reload_window(run: Extraction, window: Window) -> None:
    """Read `window.start` ≤ t < `window.end` again.

    Raises:
        ConfigError: The table has no such window, or a limit would cut it.
    """
    axis = axis_of(run, window)
    if is_to_come(run, axis, window):
        run.note = "nothing of the window was extracted yet, so there is nothing to reload"
        return
    reload = reload_of_run(run, axis, window)
    files = _read_at_once(run, axis, window) if reload is None else read_reload(run, reload)
    run.state = run.state.with_(mysql_state=run.state.mysql_state.with_(reload=None))
    if not files:
        run.note = "the window has no rows, and an upsert deletes none"
        return
    run.state = run.state.with_(metadata={**run.state.metadata, WINDOWS: True})
    run.register(files)


def _read_at_once(run: Extraction, axis: Axis, window: Window) -> list[DataFile]:
    """The records of all files; an append has one without rows where the window is empty.

    Raises:
        ConfigError: A limit would cut the window.
    """
    position = watermark.watermark_of(run.state.mysql_state, run.table.cursor)
    query = whole_window(run.table, axis, position)
    rows = read_window(run.loop, query, window)
    if rows is None:
        raise ConfigError(
            f"{run.table.plan.display_name}: the window {window.start} to {window.end} holds "
            "more rows than the limit, and a part of a window cannot replace it.",
            kept="Nothing was registered; the watermark is unchanged.",
            remedy="Leave out the limit, or ask for a shorter window.",
        )
    run.days.update(rows.days)
    chunks = rows.chunks
    if not chunks and run.table.load_mode is LoadMode.APPEND:
        chunks = (write_empty(run.loop),)
    return run.records(
        chunks,
        query.order_by,
        kind="window",
        set_id=uuid.uuid4().hex[:12],
        window=(format_timestamp(window.start), format_timestamp(window.end)),
        window_on=(axis.column, axis.unit),
    )
