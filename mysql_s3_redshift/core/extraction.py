"""One run of the S3 asset: the state as it was last committed, and how it moves on.

The three ways to read (`catch_up`, `whole_table`, `window`) share it. Everything durable goes
through `register` and `commit`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from mysql_s3_redshift.core import watermark
from mysql_s3_redshift.core.ceiling import Ceiling, ceiling_json, fix_ceiling, phase_bound
from mysql_s3_redshift.core.chunks import Chunk, ChunkLoop
from mysql_s3_redshift.core.convert import arrow_schema
from mysql_s3_redshift.core.cursor_change import follow_cursor
from mysql_s3_redshift.core.faultpoints import reach
from mysql_s3_redshift.core.histories import refuse_other_owner
from mysql_s3_redshift.core.mode_change import follow_mode, refuse_changed_mode
from mysql_s3_redshift.core.model import RunLimits, Value, Window
from mysql_s3_redshift.core.plan import ResolvedTable
from mysql_s3_redshift.core.ports import ExtractPorts
from mysql_s3_redshift.core.schema import TableSchema
from mysql_s3_redshift.core.state import CURSOR_COLUMNS, DataFile, ExtractState, utc_now
from mysql_s3_redshift.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ExtractRequest:
    """What one run of the S3 asset is asked to do.

    Attributes:
        continues: Whether earlier steps of the same run have read slices: what they registered is
            this run's, too.
        first_run_id: The run that this one retries, or that one's first; empty where it is none.
    """

    run_id: str
    limits: RunLimits = field(default_factory=RunLimits)
    window: Window | None = None
    stopping: Callable[[], bool] = lambda: False
    continues: bool = False
    first_run_id: str = ""


@dataclass(frozen=True, slots=True)
class ExtractReport:
    """What a run did.

    Attributes:
        note: Why nothing was extracted, or why the run ended before the bound; empty otherwise.
        days: Rows by day, where a window was read day by day.
    """

    state: ExtractState
    files: tuple[DataFile, ...]
    ceiling: Ceiling | None
    values_changed: Mapping[str, int]
    note: str = ""
    days: Mapping[date, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows in the run's files."""
        return sum(f.rows for f in self.files)


def chunk_loop(
    table: ResolvedTable,
    schema: TableSchema,
    request: ExtractRequest,
    ports: ExtractPorts,
    *,
    first: int,
) -> ChunkLoop:
    """Prepare to read chunks; `first` is the number of the first file."""
    return ChunkLoop(
        table=table,
        schema=schema,
        arrow_schema=arrow_schema(schema),
        source=ports.source,
        storage=ports.storage,
        run_id=request.run_id,
        day=datetime.now(UTC),
        chunk_rows=request.limits.chunk_rows(table.plan.chunk_rows),
        budget=request.limits.max_rows(table.plan.chunk_rows),
        stopping=request.stopping,
        next_seq=first,
    )


def file_record(chunk: Chunk, columns: Sequence[str], loop: ChunkLoop, **facts: Any) -> DataFile:
    """The record of a chunk's file; `facts` are its further fields."""
    return DataFile(
        **{"seq": chunk.seq, **facts},
        schema_id=loop.schema.fingerprint,
        uri=chunk.written.uri,
        rows=chunk.written.rows,
        bytes=chunk.written.bytes,
        etag=chunk.written.etag,
        first=watermark.named(columns, chunk.first),
        last=watermark.named(columns, chunk.last),
        run_id=loop.run_id,
        written_at=utc_now(),
    )


class Extraction:
    """One run: the state as it was last committed, and what was written since.

    Attributes:
        files: Registered by this run.
        values_changed: Values that a policy changed in earlier steps of this run.
        note: Why nothing was extracted, or why the run ended early.
        ceiling: The run's bound, once it is fixed.
        days: Rows by day, where a window was read day by day.
    """

    def __init__(
        self,
        table: ResolvedTable,
        schema: TableSchema,
        request: ExtractRequest,
        ports: ExtractPorts,
    ) -> None:
        self.table, self.schema, self.request, self.ports = table, schema, request, ports
        self.source, self.storage, self.progress = ports.source, ports.storage, ports.progress
        self.files: list[DataFile] = []
        self.values_changed: Counter[str] = Counter()
        self.note = ""
        self.days: dict[date, int] = {}
        self.ceiling: Ceiling | None = None
        self.state = self._read_state()
        reach("extract.after_state_read")
        self.loop = chunk_loop(table, schema, request, ports, first=self.state.next_seq)

    def _read_state(self) -> ExtractState:
        strategy = str(self.table.cursor.strategy)
        loaded = self.ports.loads.read()
        first = ExtractState.first(self.table.plan, strategy).beyond(loaded)
        state = self.ports.states.read() or first
        if loaded is not None:
            refuse_other_owner(self.table.plan, state, loaded)
        if state.mysql_state.status == "pending":  # never extracted, or reset: no watermark yet
            state = state.with_(cdc_strategy=strategy)
        if state.cdc_strategy != strategy:
            raise ConfigError(
                f"{self.table.plan.display_name}: cdc_strategy is {strategy}, and the stored "
                f"watermark was made by {state.cdc_strategy}.",
                kept="The state and all files are unchanged.",
                remedy="Set the old strategy again, or start anew with `watermark reset`.",
            )
        mode = str(self.table.load_mode)
        refuse_changed_mode(self.table.plan, state, loaded, mode=mode)
        state = follow_cursor(self.table, follow_mode(state, mode))
        facts = {
            "load_mode": mode,
            "key": list(self.table.key),
            "version_column": self.table.cursor.timestamp,
            CURSOR_COLUMNS: list(self.table.cursor.columns),
            "schema": self.schema.fingerprint,
            "source_created_at": self.table.table.created_at,
        }
        self._refuse_restarted_ids(state)
        state = self._take_over(state).without_loaded(loaded)
        state = state.with_(metadata={**state.metadata, **facts})
        return state.begin(self.request.run_id, continues=self.request.continues)

    def _take_over(self, state: ExtractState) -> ExtractState:
        """Slices: count what earlier steps of this run did; end what workers of others do.

        A phase goes on; a reload ends, because this run may register rows of its window.
        """
        known = state.mysql_state
        phase, reload = known.snapshot, known.reload
        if self.request.continues:
            self.files += [f for f in state.files if f.run_id == self.request.run_id]
            for plan in (phase and phase.slices, reload and reload.slices):
                self.values_changed.update(plan.values_changed if plan else {})
            return state
        if phase and phase.slices:
            phase = phase.with_(slices=phase.slices.released())
        return state.with_(mysql_state=known.with_(snapshot=phase, reload=None))

    def _refuse_restarted_ids(self, state: ExtractState) -> None:
        """A table that was dropped or truncated and filled again starts its ids below ours."""
        before = state.metadata.get("source_created_at")
        position = watermark.watermark_of(state.mysql_state, self.table.cursor)
        phase = state.mysql_state.snapshot
        if not position and phase is not None and phase.slices is not None:
            position = (phase_bound(phase, self.table.cursor),)
        last = position[0] if position else None
        if self.table.cursor.timestamp or not isinstance(last, int):
            return
        newest = self.source.newest(self.table)
        if isinstance(newest, int) and newest >= last:
            return
        recreated = newest is not None and before != self.table.table.created_at
        proven = state.mysql_state.ceiling
        # Whoever set the watermark beyond all ids that there ever were has meant it.
        if not recreated and isinstance(proven, int) and last <= proven:
            following = self.source.next_id(self.table)
            recreated = following is not None and following <= last
        if recreated:
            raise ConfigError(
                f"{self.table.plan.display_name}: the newest id is {newest!r}, below the watermark "
                f"{last}: the table was recreated or truncated, and its ids started again.",
                kept="The state and all files are unchanged.",
                remedy="Start anew with `watermark reset --truncate-target`.",
            )

    def fix_ceiling(self) -> Ceiling:
        """Fix the run's bound; every query of the run has it."""
        ceiling = fix_ceiling(self.table, self.state.mysql_state, self.source)
        self.ceiling = ceiling
        reach("extract.after_ceiling")
        self.progress("ceiling", {"ceiling": ceiling_json(ceiling.value), "by": ceiling.method})
        return ceiling

    def ceiling_fields(self) -> dict[str, Any]:
        """The bound as fields of the state."""
        if self.ceiling is None:
            return {}
        return {
            "ceiling": ceiling_json(self.ceiling.value),
            "ceiling_method": self.ceiling.method,
            "observed": self.ceiling.observed,
        }

    def records(
        self, chunks: Sequence[Chunk], columns: Sequence[str], **facts: Any
    ) -> list[DataFile]:
        """File records of chunks; `facts` are the fields that they share."""
        return [file_record(c, columns, self.loop, **facts) for c in chunks]

    def register_chunk(self, chunk: Chunk, columns: Sequence[str], kind: str, **moved: Any) -> None:
        """Commit one chunk: its file and the watermark that it carries."""
        self.register(self.records([chunk], columns, kind=kind), **moved)

    def register(self, files: Sequence[DataFile], **moved: Any) -> None:
        """Files and watermark, in one conditional write."""
        if files:
            self._store_schema()
        self.commit(self.state.register(files, **moved))
        self.files += files
        self.progress("extracted", {"files": len(files), "rows": sum(f.rows for f in files)})

    def end_phase(self, bound: Value) -> None:
        """Commit the end of the snapshot phase: everything below its bound is on S3."""
        moved = watermark.past_ceiling(bound, self.table.cursor)
        ended = self.state.mysql_state.with_(phase="incremental", snapshot=None, **moved)
        self.commit(self.state.with_(mysql_state=ended))

    def finish(self) -> None:
        """Commit the end of the run. A table without rows has a schema too: its target is made."""
        if "stored_schema" not in self.state.metadata:
            self._store_schema()
        self.commit(self.state.finish(**self.ceiling_fields()))

    def _store_schema(self) -> None:
        """Store the schema before the state that names it."""
        if self.state.metadata.get("stored_schema") != self.schema.fingerprint:
            self.storage.put_schema(self.schema)
            stored = {**self.state.metadata, "stored_schema": self.schema.fingerprint}
            self.state = self.state.with_(metadata=stored)

    def commit(self, state: ExtractState) -> None:
        """Write a new state; only then it counts."""
        reach("extract.before_commit")
        self.ports.states.write(state)
        self.state = state
        reach("extract.after_commit")
