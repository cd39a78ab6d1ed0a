"""Slices: the snapshot phase of a table as key ranges, each with a position of its own.

One run makes the ranges, with one ceiling for all. From then on they may be read by anybody, in any
order, at the same time (`slice_worker`) or one after the other (`read_slices`), and by runs that
know nothing of each other. The phase is over when all of them are on S3; the increments follow.

A row is in exactly one range, and rows that change while the phase goes on lie beyond its ceiling:
every version exactly once, as in a phase without slices.
"""

from __future__ import annotations

import uuid

from mysql_s3_redshift.core import watermark
from mysql_s3_redshift.core.ceiling import ceiling_json, phase_bound
from mysql_s3_redshift.core.chunks import Chunk, read_chunks
from mysql_s3_redshift.core.cursors import ChunkQuery, Cursor, Position, from_datetime
from mysql_s3_redshift.core.documents import FileKind
from mysql_s3_redshift.core.extraction import Extraction
from mysql_s3_redshift.core.model import Value
from mysql_s3_redshift.core.slice_state import Slice, SlicePlan, Snapshot, encode_key
from mysql_s3_redshift.core.state import decode_value


def slices_of_phase(run: Extraction, ceiling: Value) -> SlicePlan | None:
    """The ranges of the phase under way; made now where the table wants some and has none.

    What an earlier run made stays, whatever the table's options say by now. A phase that began
    without slices is cut from its position on.

    Returns:
        The ranges, in the run's state and not committed; None for a phase without slices.
    """
    state, plan = run.state.mysql_state, run.table.plan
    phase = state.snapshot or Snapshot(ceiling=ceiling_json(ceiling))
    if phase.slices is not None:
        return phase.slices
    columns, after = run.table.slice_columns, _start(run, phase)
    if plan.slices == 1 or not columns or after is None:
        return None
    cuts = run.source.cuts(run.table, ChunkQuery(columns, after=after), plan.slices)
    slices = SlicePlan.between(columns, cuts, after=after, plan_id=uuid.uuid4().hex[:12])
    phase = phase.with_(position={}, slices=slices)
    run.state = run.state.with_(mysql_state=state.with_(snapshot=phase))
    run.progress("sliced", {"slices": len(slices.slices)})
    return slices


def _start(run: Extraction, phase: Snapshot) -> Position | None:
    """Where the first range begins; None where a phase without slices has gone on by its cursor."""
    cursor, start = run.table.cursor, run.table.plan.start_from
    if run.table.slice_columns == cursor.snapshot_columns:
        held = phase.position
        return tuple(decode_value(held[c]) for c in cursor.snapshot_columns if c in held)
    if watermark.watermark_of(run.state.mysql_state, cursor):
        return None
    if start is not None and cursor.timestamp is not None:
        return (from_datetime(start, cursor.unit),)
    return ()


def slice_query(phase: Snapshot, one: Slice, cursor: Cursor) -> ChunkQuery:
    """What is left of a range, under the ceiling of the phase.

    Rows whose cursor is NULL belong to no increment, so they are read here.
    """
    bounds = watermark.ceiling_bounds(phase_bound(phase, cursor), cursor)
    columns = phase.slices.columns if phase.slices else ()
    return ChunkQuery(columns, after=one.after, through=one.end, nulls="keep", **bounds)


def after_chunk(one: Slice, chunk: Chunk) -> Slice:
    """A range after one more of its files is on S3."""
    rows, files = one.rows + chunk.written.rows, one.files + 1
    return one.with_(position=encode_key(chunk.last), rows=rows, files=files)


def kind_of(plan: SlicePlan, cursor: Cursor) -> FileKind:
    """The kind of a slice's files: by the clustered key, or by the cursor as increments are."""
    return "snapshot" if plan.columns == cursor.snapshot_columns else "incremental"


def read_slices(run: Extraction) -> None:
    """Read the ranges that are left, one after the other; then the phase is over.

    So a limit bounds them all, and a single process needs no others to finish what they began.
    """
    phase = run.state.mysql_state.snapshot
    if phase is None or phase.slices is None:
        return
    cursor, plan = run.table.cursor, phase.slices
    for number in plan.open_slices():
        one = plan.slice(number)
        for chunk in read_chunks(run.loop, slice_query(phase, one, cursor)):
            one = after_chunk(one, chunk)
            plan = plan.put(number, one)
            moved = phase.with_(slices=plan)
            run.register_chunk(chunk, plan.columns, kind_of(plan, cursor), snapshot=moved)
        if not run.loop.exhausted:
            return
        plan = plan.put(number, one.with_(done=True))
        state = run.state.mysql_state.with_(snapshot=phase.with_(slices=plan))
        run.state = run.state.with_(mysql_state=state)
    run.end_phase(phase_bound(phase, cursor))
