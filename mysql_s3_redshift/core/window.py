"""Window reload: rows of a stretch of cursor time that is on S3 already are read again.

The watermark stays. The files are registered together, and the load replaces the stretch by them.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from mysql_s3_redshift.core import watermark
from mysql_s3_redshift.core.chunks import read_chunks, write_empty
from mysql_s3_redshift.core.counts import WINDOWS
from mysql_s3_redshift.core.cursors import (
    ChunkQuery,
    format_timestamp,
    from_datetime,
    parse_timestamp,
)
from mysql_s3_redshift.core.extraction import Extraction
from mysql_s3_redshift.core.model import LoadMode, Window
from mysql_s3_redshift.errors import ConfigError


def reload_window(run: Extraction, window: Window) -> None:
    """Read `window.start` ≤ t < `window.end` again."""
    cursor = run.table.cursor
    end = _end(run, window)
    if end <= window.start:
        run.note = "nothing of the window was extracted yet, so there is nothing to reload"
        return
    query = ChunkQuery(
        order_by=cursor.columns,
        after=(from_datetime(window.start, cursor.unit),),
        **watermark.ceiling_bounds(end, cursor),
    )
    run.loop.day = window.start.replace(tzinfo=UTC)
    chunks = list(read_chunks(run.loop, query))
    if not run.loop.exhausted:
        run.storage.delete_files([c.written.uri for c in chunks])
        raise ConfigError(
            f"{run.table.plan.display_name}: the window {window.start} to {window.end} holds more "
            "rows than the limit, and a part of a window cannot replace it.",
            kept="Nothing was registered; the watermark is unchanged.",
            remedy="Leave out --limit, or ask for a shorter window.",
        )
    chunks = chunks or [write_empty(run.loop)]
    edges = (format_timestamp(window.start), format_timestamp(end))
    set_id = uuid.uuid4().hex[:12]
    run.state = run.state.with_(metadata={**run.state.metadata, WINDOWS: True})
    run.register(run.records(chunks, cursor.columns, kind="window", set_id=set_id, window=edges))


def _end(run: Extraction, window: Window) -> datetime:
    """The window's end, or the watermark where that is earlier.

    What lies beyond the watermark is still to come, and append mode would double it.
    """
    cursor, state = run.table.cursor, run.state.mysql_state
    if cursor.timestamp is None or run.table.reads_whole_table:
        raise ConfigError(
            f"{run.table.plan.display_name}: a window needs a timestamp cursor; "
            f"{cursor.strategy} with load_mode {run.table.load_mode} has none to go by.",
            kept="Nothing was read or written.",
            remedy="Leave out --from and --to, or use `watermark reset` to load all again.",
        )
    stamp = run.schema.by_source(cursor.timestamp)
    comparable = stamp is not None and stamp.arrow == "timestamp[us]"
    if run.table.load_mode is LoadMode.APPEND and not comparable:
        raise ConfigError(
            f"{run.table.plan.display_name}: load_mode append replaces a window by its times, and "
            f"the target has no TIMESTAMP column of {cursor.timestamp} to find them by.",
            kept="Nothing was read or written.",
            remedy="Load by upsert, or use `watermark reset` to load all again.",
        )
    if state.phase == "snapshot" or state.last_timestamp is None:
        raise ConfigError(
            f"{run.table.plan.display_name}: the first extraction is not complete, so there is no "
            "window to reload.",
            kept="Nothing was read or written.",
            remedy="Run `sync` without --from and --to until it is complete.",
        )
    return min(window.end, parse_timestamp(state.last_timestamp))
