"""The two documents of a table: what was extracted, what was loaded.

Both are values: every change is a method that returns a new document, and the store writes it with
a condition on the version that was read. Counts change only in the methods that register or mark
the files they count.

Data timestamps are as MySQL holds them, without zone; the system's own times are UTC with `Z`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, Self

from pydantic import Field, JsonValue, model_validator

from mysql_s3_redshift.core.cursors import parse_timestamp
from mysql_s3_redshift.core.documents import (
    CursorValue,
    DataFile,
    Document,
    Observation,
    Timestamp,
    decode_value,
    encode_value,
    new_run_id,
    utc_now,
)
from mysql_s3_redshift.core.loaded_numbers import fold
from mysql_s3_redshift.core.model import CdcStrategy, TablePlan
from mysql_s3_redshift.core.reload_state import Reload
from mysql_s3_redshift.core.slice_state import Snapshot

__all__ = [
    "CURSOR_COLUMNS",
    "DataFile",
    "ExtractState",
    "LoadState",
    "MysqlState",
    "RedshiftState",
    "Reload",
    "Snapshot",
    "decode_value",
    "encode_value",
    "fold",
    "new_run_id",
    "utc_now",
]

VERSION = "3.0"
LOADED_FILES_KEPT = 200
"""Loaded files that stay listed in the extract state, for people; manifests list them all."""
PROCESSED_FILES_KEPT = 1_000
CURSOR_COLUMNS = "cursor_columns"
"""In the extract state's metadata: the columns that the position is one in."""

Phase = Literal["snapshot", "incremental"]
Status = Literal["pending", "in_progress", "success", "failed"]


class MysqlState(Document):
    """Where extraction stands.

    Attributes:
        last_timestamp: Timestamp of the last row that is on S3.
        last_id: Id of that row, or the first column that breaks ties.
        last_ties: Further tie-breaking columns of that row.
        ceiling: Last proven bound.
        observed: A bound that is not proven yet and when it was seen, for ids without PROCESS.
        reload: A window reload under way that is read in slices.
        digest: Content of the last full snapshot, to tell that nothing changed.
        set_done: The last complete set of a whole-table read; only this one may replace a target.
    """

    status: Status = "pending"
    phase: Phase = "snapshot"
    last_timestamp: Timestamp | None = None
    last_id: CursorValue = None
    last_ties: list[CursorValue] = Field(default_factory=list)
    ceiling: CursorValue = None
    ceiling_method: str | None = None
    observed: Observation | None = None
    snapshot: Snapshot | None = None
    reload: Reload | None = None
    digest: str | None = None
    set_done: str | None = None
    total_rows: int = Field(default=0, ge=0)
    total_files: int = Field(default=0, ge=0)
    last_session_rows: int = Field(default=0, ge=0)
    last_session_files: int = Field(default=0, ge=0)
    last_run_id: str | None = None
    last_extraction_time: str | None = None
    error: str | None = None


class ExtractState(Document):
    """The value of the S3 asset."""

    version: str = VERSION
    table_name: str
    pipeline: str
    generation: int = Field(default=1, ge=1)
    cdc_strategy: str
    mysql_state: MysqlState = Field(default_factory=MysqlState)
    files: tuple[DataFile, ...] = ()
    next_seq: int = Field(default=1, ge=1)
    metadata: dict[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _files_are_numbered_once(self) -> Self:
        numbers = [f.seq for f in self.files]
        if len(set(numbers)) != len(numbers):
            raise ValueError("two files have the same seq")
        if numbers and max(numbers) >= self.next_seq:
            raise ValueError("a file's seq is not below next_seq")
        return self

    @model_validator(mode="after")
    def _bounds_are_times(self) -> Self:  # those of a query may be either
        state = self.mysql_state
        if self.cdc_strategy in {CdcStrategy.HYBRID, CdcStrategy.TIMESTAMP_ONLY}:
            for bound in (state.ceiling, state.snapshot and state.snapshot.ceiling):
                if bound is not None:
                    parse_timestamp(str(bound))
        return self

    @classmethod
    def first(cls, plan: TablePlan, strategy: str) -> ExtractState:
        """The state of a table that was never extracted."""
        return cls(
            table_name=plan.scoped_name,
            pipeline=plan.pipeline,
            cdc_strategy=strategy,
            metadata={"manual_watermark": False, "created_at": utc_now()},
        )

    def beyond(self, load: LoadState | None) -> ExtractState:
        """Number files after all that a load state knows of, in a new generation.

        An extract state that was deleted must not make the next files count as loaded.
        """
        if load is None:
            return self
        newest = max((load.loaded_through, *load.loaded_beyond))
        return self.with_(
            generation=max(self.generation, load.generation + 1),
            next_seq=max(self.next_seq, newest + 1),
        )

    def begin(self, run_id: str, *, continues: bool = False) -> ExtractState:
        """A run starts: its session counts are 0, unless an earlier step of it began already."""
        state = self.mysql_state
        if not continues or state.last_run_id != run_id:
            state = state.with_(last_run_id=run_id, last_session_rows=0, last_session_files=0)
        return self.with_(mysql_state=state.with_(status="in_progress", error=None))

    def register(self, files: Sequence[DataFile], **progress: Any) -> ExtractState:
        """Add files and move the watermark, in one step.

        Args:
            files: The new files, numbered from `next_seq` on.
            progress: Fields of `MysqlState` that change with them: watermark, phase, snapshot.
        """
        state, rows = self.mysql_state, sum(f.rows for f in files)
        counts = {
            "total_rows": state.total_rows + rows,
            "total_files": state.total_files + len(files),
            "last_session_rows": state.last_session_rows + rows,
            "last_session_files": state.last_session_files + len(files),
            "last_extraction_time": utc_now(),
        }
        return self.with_(
            mysql_state=state.with_(**counts, **progress),
            files=(*self.files, *files),
            next_seq=self.next_seq + len(files),
        )

    def finish(self, **progress: Any) -> ExtractState:
        """The run ended well."""
        done = {"status": "success", "error": None, "last_extraction_time": utc_now()}
        return self.with_(mysql_state=self.mysql_state.with_(**{**done, **progress}))

    def failed(self, error: str) -> ExtractState:
        """The run failed; what it committed stays."""
        return self.with_(mysql_state=self.mysql_state.with_(status="failed", error=error))

    def pending(self, load: LoadState | None) -> tuple[DataFile, ...]:
        """Registered files that the target does not have yet, by number."""
        known = (f for f in self.files if load is None or not load.has(f.seq))
        return tuple(sorted(known, key=lambda f: f.seq))

    def without_loaded(self, load: LoadState | None) -> ExtractState:
        """Forget all but the newest loaded files, so that the document stays small."""
        pending = {f.seq for f in self.pending(load)}
        loaded = [f.seq for f in self.files if f.seq not in pending]
        keep = pending | set(sorted(loaded)[-LOADED_FILES_KEPT:])
        return self.with_(files=tuple(f for f in self.files if f.seq in keep))

    def reset(self) -> ExtractState:
        """A new generation that starts at 0. Numbers of files go on, so none is used twice."""
        return self.with_(generation=self.generation + 1, mysql_state=MysqlState(), files=())


class RedshiftState(Document):
    """Where loading stands; counts are those of the generation."""

    status: Status = "pending"
    total_rows: int = Field(default=0, ge=0)
    total_files: int = Field(default=0, ge=0)
    last_session_rows: int = Field(default=0, ge=0)
    last_session_files: int = Field(default=0, ge=0)
    last_load_id: str | None = None
    last_load_time: str | None = None
    error: str | None = None


class LoadState(Document):
    """The value of the Redshift asset.

    Attributes:
        loaded_through: Every file up to this number is loaded (or replaced by a newer snapshot).
        loaded_beyond: Loaded files after that.
        processed_files: The newest loaded files by name, for people.
    """

    version: str = VERSION
    table_name: str
    target: str
    generation: int = Field(default=1, ge=1)
    redshift_state: RedshiftState = Field(default_factory=RedshiftState)
    loaded_through: int = Field(default=0, ge=0)
    loaded_beyond: tuple[int, ...] = ()
    processed_files: tuple[str, ...] = ()
    metadata: dict[str, JsonValue] = Field(default_factory=dict)

    @classmethod
    def first(cls, plan: TablePlan) -> LoadState:
        """The state of a table that was never loaded."""
        return cls(
            table_name=plan.scoped_name,
            target=f"{plan.target}:{plan.target_schema}.{plan.target_name}",
            metadata={"created_at": utc_now()},
        )

    def has(self, seq: int) -> bool:
        """Whether the target has that file."""
        return seq <= self.loaded_through or seq in self.loaded_beyond

    def begin(self, generation: int) -> LoadState:
        """A run starts; a new generation counts from 0."""
        fresh = generation != self.generation
        state = RedshiftState() if fresh else self.redshift_state
        running = state.with_(
            status="in_progress", last_session_rows=0, last_session_files=0, error=None
        )
        return self.with_(generation=generation, redshift_state=running)

    def mark(
        self, loaded: Sequence[DataFile], *, known: Iterable[int], superseded: Iterable[int] = ()
    ) -> LoadState:
        """Blacklist files that the target has.

        Args:
            loaded: Files of one load, or files that the ledger proves loaded.
            known: Numbers of all files that are registered; a number below `next_seq` that is not
                among them was loaded and forgotten.
            superseded: Numbers of files that a newer snapshot replaced before they were loaded.
        """
        fresh = [f for f in loaded if not self.has(f.seq)]
        have = {*self.loaded_beyond, *(f.seq for f in fresh), *superseded}
        through, beyond = fold(self.loaded_through, have, known=set(known))
        rows, state = sum(f.rows for f in fresh), self.redshift_state
        counts = {
            "total_rows": state.total_rows + rows,
            "total_files": state.total_files + len(fresh),
            "last_session_rows": state.last_session_rows + rows,
            "last_session_files": state.last_session_files + len(fresh),
        }
        names = (*self.processed_files, *(f.uri for f in fresh))[-PROCESSED_FILES_KEPT:]
        return self.with_(
            redshift_state=state.with_(**counts),
            loaded_through=through,
            loaded_beyond=beyond,
            processed_files=names,
        )

    def finish(self, load_id: str | None = None) -> LoadState:
        """The run (or one of its loads) ended well."""
        changes: dict[str, Any] = {"status": "success", "error": None}
        if load_id:
            changes |= {"last_load_id": load_id, "last_load_time": utc_now()}
        return self.with_(redshift_state=self.redshift_state.with_(**changes))

    def failed(self, error: str) -> LoadState:
        """The run failed; what it committed stays."""
        return self.with_(redshift_state=self.redshift_state.with_(status="failed", error=error))
