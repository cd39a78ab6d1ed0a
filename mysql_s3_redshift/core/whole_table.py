"""The whole table as one consistent snapshot: `full_sync`, and every strategy that replaces.

The files of a snapshot are registered together, because a part of a snapshot is worth nothing. A
snapshot with the same content as the last one is thrown away, so an idle table loads nothing.
"""

from __future__ import annotations

import uuid
from typing import Any

from mysql_s3_redshift.core import watermark
from mysql_s3_redshift.core.chunks import Chunk, read_chunks, write_empty
from mysql_s3_redshift.core.cursors import ChunkQuery, Position
from mysql_s3_redshift.core.digest import ContentDigest
from mysql_s3_redshift.core.extraction import Extraction
from mysql_s3_redshift.core.state import Snapshot, decode_value
from mysql_s3_redshift.errors import ConfigError


def read_whole_table(run: Extraction) -> None:
    """Read all rows, unless the cursor shows that nothing changed.

    A limit stops in between; the next run then goes on by the key, and the set is complete when
    the last row is reached. Where the columns changed meanwhile, it begins anew.
    """
    state, columns = run.state.mysql_state, run.table.cursor.snapshot_columns
    if run.table.cursor.is_incremental and not _has_changed(run):
        return
    _refuse_limit_without_key(run)
    phase = _phase_under_way(run) or Snapshot()
    set_id = phase.set_id or uuid.uuid4().hex[:12]
    after = tuple(decode_value(phase.position[c]) for c in columns if c in phase.position)
    digest = run.loop.digest = ContentDigest(run.schema.fingerprint)
    run.loop.one_snapshot = True
    with run.source.snapshot():
        chunks = list(read_chunks(run.loop, ChunkQuery(order_by=columns, after=after)))
    content = digest.hexdigest() if run.loop.exhausted and not after else None
    if content is not None and content == state.digest:
        run.storage.delete_files([c.written.uri for c in chunks])
        run.loop.next_seq = run.state.next_seq
        run.note = "nothing new: the content is the same as at the last run"
        return
    if run.loop.exhausted and not after:
        chunks = chunks or [write_empty(run.loop)]
    files = run.records(chunks, columns, kind="full", set_id=set_id)
    run.register(files, **_progress(run, chunks, after, set_id), digest=content)


def _phase_under_way(run: Extraction) -> Snapshot | None:
    """The snapshot that a limit left, where the rest of it can be read as its beginning was.

    The files of a set are one COPY, which matches columns by their places: after a change of the
    columns none of them fits the others. Nor does a position in another key tell what was read.
    """
    phase = run.state.mysql_state.snapshot
    if phase is None or phase.set_id is None:  # none, or the one of another load mode
        return None
    if tuple(phase.position) != run.table.cursor.snapshot_columns:
        return None
    read = [f.schema_id for f in run.state.files if f.set_id == phase.set_id]
    return phase if set(read) == {run.schema.fingerprint} else None


def _progress(run: Extraction, chunks: list[Chunk], after: Position, set_id: str) -> dict[str, Any]:
    if run.loop.exhausted:
        done: dict[str, Any] = {"phase": "incremental", "snapshot": None, "set_done": set_id}
        if run.ceiling is not None and run.ceiling.value is not None:
            done |= watermark.past_ceiling(run.ceiling.value, run.table.cursor)
        return done
    run.note = "the snapshot is not complete; the next run goes on with it"
    last = chunks[-1].last if chunks else after
    held = watermark.named(run.table.cursor.snapshot_columns, last)
    return {"phase": "snapshot", "snapshot": Snapshot(position=held, set_id=set_id)}


def _has_changed(run: Extraction) -> bool:
    """Whether a table that replaces its target has anything beyond its watermark."""
    ceiling, cursor = run.fix_ceiling(), run.table.cursor
    after = watermark.watermark_of(run.state.mysql_state, cursor)
    state = run.state.mysql_state
    if state.phase == "snapshot" or not after or state.set_done is None:
        return True
    bounds = watermark.ceiling_bounds(ceiling.value, cursor)
    return run.source.has_rows(run.table, ChunkQuery(cursor.columns, after=after, **bounds))


def _refuse_limit_without_key(run: Extraction) -> None:
    if run.table.cursor.snapshot_columns or run.loop.budget is None:
        return
    raise ConfigError(
        f"{run.table.plan.display_name}: the whole table is read, and without a key a read cannot "
        "stop in between and go on later.",
        kept="Nothing was read or written.",
        remedy="Leave out --limit, or add a primary key to the table.",
    )
