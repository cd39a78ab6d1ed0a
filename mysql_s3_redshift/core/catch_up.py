"""Catch up: the snapshot phase by the clustered key, then increments by the cursor.

The snapshot phase keeps the ceiling of its first run. A row that changes while the phase goes on
gets a timestamp beyond that ceiling, so the phase leaves it out and the first increment takes it:
every version exactly once, also in append mode.
"""

from __future__ import annotations

from datetime import timedelta

from mysql_s3_redshift.core import watermark
from mysql_s3_redshift.core.ceiling import ceiling_json, phase_bound
from mysql_s3_redshift.core.chunks import read_chunks
from mysql_s3_redshift.core.cursors import ChunkQuery, from_datetime, parse_timestamp
from mysql_s3_redshift.core.extraction import Extraction
from mysql_s3_redshift.core.model import TimestampUnit, Value
from mysql_s3_redshift.core.slices import read_slices, slices_of_phase
from mysql_s3_redshift.core.state import Snapshot, decode_value, encode_value

CLOCK_STEP = timedelta(hours=1)
"""A bound that is further behind the watermark is no effect of the end of summer time."""


def catch_up(run: Extraction) -> None:
    """Read everything below the ceiling that is not on S3 yet; commit chunk by chunk."""
    ceiling = run.fix_ceiling()
    if ceiling.value is None:
        if ceiling.held_by:
            run.note = "no bound is proven yet: open transactions hold it"
        return
    if run.state.mysql_state.phase == "snapshot":
        if slices_of_phase(run, ceiling.value) is not None:
            read_slices(run)
        elif _snapshot_columns(run) and not run.table.plan.start_from:
            _read_snapshot(run, ceiling.value)
        else:
            _read_null_cursors(run, ceiling.value)
    state, by_key = run.state.mysql_state, bool(run.table.cursor.snapshot_columns)
    if state.phase == "incremental" or not (by_key or state.snapshot):
        _read_increment(run, ceiling.value)


def _snapshot_columns(run: Extraction) -> tuple[str, ...]:
    """The clustered key; the former one where the phase began by it: its rows have it still."""
    phase = run.state.mysql_state.snapshot
    began = tuple(phase.position) if phase is not None else ()
    return began or run.table.cursor.snapshot_columns


def _read_snapshot(run: Extraction, ceiling: Value) -> None:
    """By the clustered key, under the ceiling of the phase's first run."""
    cursor, state, columns = run.table.cursor, run.state.mysql_state, _snapshot_columns(run)
    phase = state.snapshot or Snapshot(ceiling=ceiling_json(ceiling))
    bound = phase_bound(phase, cursor)
    after = tuple(decode_value(phase.position[c]) for c in columns if c in phase.position)
    query = ChunkQuery(
        order_by=columns, after=after, nulls="keep", **watermark.ceiling_bounds(bound, cursor)
    )
    for chunk in read_chunks(run.loop, query):
        phase = phase.with_(position=watermark.named(columns, chunk.last))
        last_id = encode_value(chunk.last[0]) if len(columns) == 1 else None
        run.register_chunk(chunk, columns, "snapshot", snapshot=phase, last_id=last_id)
    if run.loop.exhausted:
        run.end_phase(bound)


def _read_null_cursors(run: Extraction, ceiling: Value) -> None:
    """Rows without a cursor value or with a zero date belong to no increment: read once, at first.

    Without a key to go on by they cannot be cut, so a run with a limit leaves them to one without.
    """
    cursor = run.table.cursor
    column = run.table.table.column(cursor.first_column)
    is_clock = cursor.timestamp is not None and cursor.unit is TimestampUnit.DATETIME
    has_nulls = column is not None and (column.nullable or is_clock)
    has_nulls = has_nulls and not run.table.plan.start_from
    if has_nulls and run.loop.budget is not None:
        return
    if has_nulls:
        bounds = watermark.ceiling_bounds(ceiling, cursor)
        query = ChunkQuery(order_by=(), nulls="only", **bounds)
        for chunk in read_chunks(run.loop, query):
            run.register_chunk(chunk, (), "snapshot", phase="incremental")
        if not run.loop.exhausted:
            return
    ended = run.state.mysql_state.with_(phase="incremental")
    run.state = run.state.with_(mysql_state=ended)


def _read_increment(run: Extraction, ceiling: Value) -> None:
    cursor = run.table.cursor
    after = watermark.watermark_of(run.state.mysql_state, cursor)
    start = run.table.plan.start_from
    if not after and start is not None and cursor.timestamp is not None:
        after = (from_datetime(start, cursor.unit),)
    _tell_clock_set_back(run, ceiling)
    bounds = watermark.ceiling_bounds(ceiling, cursor)
    for chunk in read_chunks(run.loop, ChunkQuery(cursor.columns, after=after, **bounds)):
        moved = watermark.watermark_fields(chunk.last, cursor)
        run.register_chunk(chunk, cursor.columns, "incremental", **moved)


def _tell_clock_set_back(run: Extraction, ceiling: Value) -> None:
    """Rows stamped by a clock that was set back lie below the watermark: none will be read."""
    last, lag = run.state.mysql_state.last_timestamp, run.table.plan.lag or timedelta(0)
    if run.table.cursor.timestamp is None or last is None:
        return
    bound, reached = watermark.as_moment(ceiling), parse_timestamp(last)
    if reached - bound > CLOCK_STEP + lag:
        run.note = (
            f"nothing new: the source's clock allows rows up to {bound}, and the watermark is at "
            f"{reached}; rows in between are not read (`watermark set` moves it back)"
        )
