"""Window reloads in slices: each slice is a reload of those rows whose key is in its range.

A row has one key, so it is in one slice, and a slice is read at one moment: of every row exactly
one version is delivered, or none, just as it was in the window at that moment. What changes a row
later moves its cursor beyond the watermark, where the increments find it.

The files of the slices that are done wait in the extract state (`Reload`). When all are there, one
commit registers them as one set. Whatever else is registered in between, or moves the watermark,
ends the reload: an append would delete what was loaded meanwhile. So does a new request for the
window, because it shall bring what was changed up to then; only the steps of one run, and of a run
that retries it, go on with the slices that are left.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from mysql_s3_redshift.core import watermark
from mysql_s3_redshift.core.chunks import Chunk, ChunkLoop, write_empty
from mysql_s3_redshift.core.cursors import ChunkQuery, KeyRange, format_timestamp
from mysql_s3_redshift.core.extraction import Extraction, file_record
from mysql_s3_redshift.core.model import LoadMode, Window
from mysql_s3_redshift.core.plan import ResolvedTable
from mysql_s3_redshift.core.reload_state import Reload, ReloadTerms
from mysql_s3_redshift.core.s3_names import WORKERS, first_number_of_slice
from mysql_s3_redshift.core.slice_state import Slice, SlicePlan, encode_key
from mysql_s3_redshift.core.state import DataFile
from mysql_s3_redshift.core.table_keys import is_indexed
from mysql_s3_redshift.core.window_rows import (
    Axis,
    by_window,
    read_window,
    whole_window,
    window_slice,
)
from mysql_s3_redshift.errors import ReplicationError


def plan_reload(run: Extraction, axis: Axis, window: Window) -> Reload | None:
    """Cut a window into slices; in the run's state and not committed.

    Returns:
        None where the window is read at once: without slices or a key of the rows, and for rows
        that one file has room for.
    """
    table, key = run.table, run.table.row_key
    terms = _terms(run, axis, window)
    if table.plan.slices == 1 or not key:
        return None
    rows = whole_window(table, axis, terms.position).of(window)
    if run.source.boundary(table, rows, run.loop.chunk_rows) is None:
        return None
    if is_indexed(table.table, axis.column):
        found = replace(rows, order_by=by_window(axis, key), not_beyond=None)
        cuts = run.source.cuts_of_rows(table, found, key, table.plan.slices)
    else:  # every read goes through the whole range of the key, so the ranges are made equal
        cuts = run.source.cuts(table, ChunkQuery(key), table.plan.slices)
    run.storage.put_schema(run.schema)
    slices = SlicePlan.between(key, cuts, after=(), plan_id=uuid.uuid4().hex[:12])
    reload = Reload(terms=terms, slices=slices)
    run.state = run.state.with_(mysql_state=run.state.mysql_state.with_(reload=reload))
    run.progress("sliced", {"slices": len(slices.slices)})
    return reload


def reload_of_run(run: Extraction, axis: Axis, window: Window) -> Reload | None:
    """What earlier steps of this run planned and read; None where they did not, or it has ended."""
    reload = run.state.mysql_state.reload
    return reload if reload and reload.fits(_terms(run, axis, window)) else None


def _terms(run: Extraction, axis: Axis, window: Window) -> ReloadTerms:
    position = watermark.watermark_of(run.state.mysql_state, run.table.cursor)
    return ReloadTerms(
        run_id=run.request.first_run_id or run.request.run_id,
        window=(format_timestamp(window.start), format_timestamp(window.end)),
        window_on=(axis.column, axis.unit),
        daily=window.daily,
        load_mode=run.table.load_mode,
        watermark=encode_key(position),
        next_seq=run.state.next_seq,
        schema_id=run.schema.fingerprint,
    )


def read_reload(run: Extraction, reload: Reload) -> list[DataFile]:
    """Read slices that are left, one after the other, each with its commit.

    Returns:
        The records of all files, to be registered at once; an append has one without rows where
        the window is empty.

    Raises:
        ReplicationError: A stop was asked for; what was committed before stays.
    """
    for number in reload.slices.open_slices():
        read = read_window_slice(run.loop, reload, number)
        slices = reload.slices.put(number, read.end(reload.slices.slice(number)))
        reload = reload.with_files(read.files, read.days).with_(slices=slices)
        run.commit(run.state.with_(mysql_state=run.state.mysql_state.with_(reload=reload)))
    run.days.update(reload.days)
    files = list(reload.files)
    if not files and reload.terms.load_mode is LoadMode.APPEND:
        files = [_record(write_empty(run.loop), (), run.loop, reload)]
    return [f.with_(seq=run.state.next_seq + n) for n, f in enumerate(files)]


@dataclass(frozen=True, slots=True)
class SliceFiles:
    """What the read of a slice brought."""

    files: tuple[DataFile, ...]
    days: Mapping[date, int]

    def end(self, one: Slice, **told: Any) -> Slice:
        """The range now that all of its rows are on S3."""
        rows = sum(f.rows for f in self.files)
        return one.with_(done=True, files=len(self.files), rows=rows, **told)


def read_window_slice(loop: ChunkLoop, reload: Reload, number: int) -> SliceFiles:
    """Read all rows of a slice at one moment.

    Its files have names of their own: those of the slices that are done are never written over.

    Raises:
        ReplicationError: A stop was asked for before the slice's end; its files are deleted.
    """
    one, terms = reload.slices.slice(number), reload.terms
    within = KeyRange(reload.slices.columns, after=one.after, through=one.end)
    query = window_slice(loop.table, Axis(*terms.window_on), terms.position, within=within)
    loop.next_seq = first_number_of_slice(number, secrets.randbelow(WORKERS))
    rows = read_window(loop, query, terms.as_window())
    if rows is None:
        raise _stopped(loop.table, reload)
    files = (_record(chunk, query.order_by, loop, reload) for chunk in rows.chunks)
    return SliceFiles(tuple(files), rows.days)


def _record(chunk: Chunk, columns: Sequence[str], loop: ChunkLoop, reload: Reload) -> DataFile:
    """The record of a file, which gets its number when all are registered."""
    terms = reload.terms
    facts = {"window": terms.window, "window_on": terms.window_on, "set_id": reload.slices.id}
    return file_record(chunk, columns, loop, seq=1, kind="window", **facts)


def _stopped(table: ResolvedTable, reload: Reload) -> ReplicationError:
    done = sum(s.done for s in reload.slices.slices)
    return ReplicationError(
        f"{table.plan.display_name}: the reload was stopped before all rows of the window were "
        f"read; {done} of {len(reload.slices.slices)} slices are on S3.",
        kept="Nothing of the window was registered; the watermark is unchanged.",
        remedy="Ask for the window again, or re-execute the run from its failure.",
    )
