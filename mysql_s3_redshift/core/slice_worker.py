"""Slices read side by side: a run that hands them out, and workers on as many machines.

A worker of the snapshot phase commits chunk by chunk, and each commit registers a file: numbers are
given by the document in the order of the commits, and one that is taken and not registered yet does
not exist. A worker of a window reload commits once, when all rows of its
range are on S3; its files are registered with those of the others.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from mysql_s3_redshift.core.chunks import ChunkLoop, read_chunks
from mysql_s3_redshift.core.extraction import (
    Extraction,
    ExtractRequest,
    chunk_loop,
    file_record,
)
from mysql_s3_redshift.core.faultpoints import reach
from mysql_s3_redshift.core.plan import ResolvedTable
from mysql_s3_redshift.core.ports import ExtractPorts
from mysql_s3_redshift.core.reload_state import Reload
from mysql_s3_redshift.core.reloads import plan_reload, read_window_slice
from mysql_s3_redshift.core.s3_names import WORKERS, first_number_of_slice
from mysql_s3_redshift.core.schema import TableSchema
from mysql_s3_redshift.core.slice_hold import SliceHold, SliceWork
from mysql_s3_redshift.core.slice_state import SlicePlan, Snapshot
from mysql_s3_redshift.core.slices import after_chunk, kind_of, slice_query, slices_of_phase
from mysql_s3_redshift.core.state import DataFile
from mysql_s3_redshift.core.window_axis import axis_of, is_to_come
from mysql_s3_redshift.errors import ReplicationError, StateConflictError

__all__ = ["SliceReport", "SliceWork", "plan_slices", "read_slice"]


@dataclass(frozen=True, slots=True)
class SliceReport:
    """What a worker did.

    Attributes:
        done: Whether every row of the range is on S3 now.
    """

    files: tuple[DataFile, ...]
    done: bool

    @property
    def rows(self) -> int:
        """Rows in its files."""
        return sum(f.rows for f in self.files)


def plan_slices(
    table: ResolvedTable, schema: TableSchema, request: ExtractRequest, ports: ExtractPorts
) -> tuple[SliceWork, ...]:
    """Begin a run, and tell the ranges that workers may read side by side.

    There are none where the run has a limit, which one process alone can keep; where it reloads a
    window that is read at once; and, without a window, once the snapshot phase is over. `extract`
    then does it all.

    Raises:
        ReplicationError: As `extract` does.
    """
    if request.limits.max_rows(1) is not None or not table.slice_columns:
        return ()
    run = Extraction(table, schema, request, ports)
    try:
        plan = _plan_of_phase(run) if request.window is None else _plan_of_reload(run)
        if plan is None:
            return ()
        run.commit(run.state)
        reach("slice.after_plan")
    except StateConflictError:
        raise
    except ReplicationError as error:
        run.commit(run.state.failed(error.happened))
        raise
    return tuple(SliceWork(plan.id, number) for number in plan.open_slices())


def _plan_of_phase(run: Extraction) -> SlicePlan | None:
    phase = run.state.mysql_state.snapshot
    if run.state.mysql_state.phase != "snapshot":
        return None
    if phase is not None and phase.slices is not None:
        return phase.slices
    ceiling = run.fix_ceiling()
    return None if ceiling.value is None else slices_of_phase(run, ceiling.value)


def _plan_of_reload(run: Extraction) -> SlicePlan | None:
    window = run.request.window
    if window is None:
        return None
    axis = axis_of(run, window)
    reload = None if is_to_come(run, axis, window) else plan_reload(run, axis, window)
    return reload.slices if reload else None


def read_slice(
    table: ResolvedTable,
    schema: TableSchema,
    work: SliceWork,
    request: ExtractRequest,
    ports: ExtractPorts,
) -> SliceReport:
    """Read what is left of one range.

    Raises:
        StateConflictError: Another worker or run has the range; this chunk is not registered.
        ReplicationError: What was committed stays.
    """
    hold = SliceHold("/".join(table.plan.extract_key), ports.states, work)
    state = hold.take().mysql_state
    if hold.slice.done:
        return SliceReport((), done=True)
    reach("slice.after_claim")
    first = first_number_of_slice(work.number, secrets.randbelow(WORKERS))
    loop = chunk_loop(table, schema, request, ports, first=first)
    try:
        if state.reload is not None and state.reload.slices.id == work.plan_id:
            return _read_of_reload(hold, loop, state.reload, work.number)
        return _read_of_phase(hold, loop, state.snapshot or Snapshot(), ports)
    except StateConflictError:
        raise
    except ReplicationError as error:
        hold.fail(error.happened)
        raise


def _read_of_phase(
    hold: SliceHold, loop: ChunkLoop, phase: Snapshot, ports: ExtractPorts
) -> SliceReport:
    """Chunk by chunk, each committed when it is complete."""
    files: list[DataFile] = []
    cursor, plan = loop.table.cursor, phase.slices
    if plan is None:
        return SliceReport((), done=False)
    for chunk in read_chunks(loop, slice_query(phase, hold.slice, cursor)):
        if not files:
            loop.storage.put_schema(loop.schema)
        # The document gives the file its number; until then it has none.
        file = file_record(chunk, plan.columns, loop, seq=1, kind=kind_of(plan, cursor))
        files += hold.commit(after_chunk(hold.slice, chunk), [file])
        ports.progress("extracted", {"files": 1, "rows": file.rows})
    if loop.exhausted:
        reach("slice.before_end")
        hold.commit(hold.slice.with_(done=True, values_changed=dict(loop.values_changed)))
    return SliceReport(tuple(files), done=loop.exhausted)


def _read_of_reload(hold: SliceHold, loop: ChunkLoop, reload: Reload, number: int) -> SliceReport:
    """At one moment, committed as a whole.

    Raises:
        ReplicationError: The table's columns changed since the reload was planned, so that its
            files could not be loaded together; or a stop was asked for.
    """
    if loop.schema.fingerprint != reload.terms.schema_id:
        raise ReplicationError(
            f"{loop.table.plan.display_name}: its columns changed while a window was reloaded.",
            kept="Nothing of the window was registered; the target is unchanged.",
            remedy="Ask for the window again: it is then read with the new columns.",
        )
    read = read_window_slice(loop, reload, number)
    reach("slice.before_end")
    done = read.end(hold.slice, values_changed=dict(loop.values_changed))
    hold.keep(done, read.files, read.days)
    return SliceReport(read.files, done=True)
