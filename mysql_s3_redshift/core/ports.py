"""What the core needs of the outside, as protocols. The adapters implement them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import pyarrow as pa

from mysql_s3_redshift.core.cursors import ChunkQuery, Position
from mysql_s3_redshift.core.model import TablePlan, Value
from mysql_s3_redshift.core.plan import ResolvedTable
from mysql_s3_redshift.core.schema import SourceTable, TableSchema
from mysql_s3_redshift.core.state import DataFile, ExtractState, LoadState


@dataclass(frozen=True, slots=True)
class RowBatch:
    """Some rows of one chunk in the file's types, and the keyset values of its edges."""

    data: pa.RecordBatch
    first: Position
    last: Position


class ChunkReader(Protocol):
    """The rows of one keyset query, streamed."""

    def __iter__(self) -> Iterator[RowBatch]:
        """Yield batches in keyset order."""

    @property
    def values_changed(self) -> Mapping[str, int]:
        """Values that a policy changed so far, by policy and column."""


@dataclass(frozen=True, slots=True)
class ClockReading:
    """The source's present.

    Attributes:
        utc: In UTC, for TIMESTAMP columns and epochs.
        local: In the clock of DATETIME columns: the server's global zone, or the one that the plan
            names. Where that clock is about to be set back, the moment that it is set back to.
    """

    utc: datetime
    local: datetime


@dataclass(frozen=True, slots=True)
class Work:
    """What one connection of the source is doing.

    Attributes:
        thread: Connection id; 0 for a prepared XA transaction that no connection holds.
        statement: Identity of the running statement, None when idle.
        transaction: Identity of the open transaction that has written, None without one.
        since: When the older of the two began, UTC.
        text: What to show of it, without values.
    """

    thread: int
    statement: str | None
    transaction: str | None
    since: datetime
    text: str


class Source(Protocol):
    """One MySQL connection's tables."""

    def describe(self, plan: TablePlan) -> SourceTable:
        """Read a table's columns, keys and indexes."""

    def read(self, table: ResolvedTable, schema: TableSchema, query: ChunkQuery) -> ChunkReader:
        """Start a keyset query."""

    def snapshot(self) -> AbstractContextManager[None]:
        """Hold one consistent snapshot for all reads inside."""

    def boundary(self, table: ResolvedTable, query: ChunkQuery, rows: int) -> Value:
        """First keyset column of the row after the next `rows` rows; None if there is none."""

    def has_rows(self, table: ResolvedTable, query: ChunkQuery) -> bool:
        """Whether the query would return any row."""

    def cuts(self, table: ResolvedTable, query: ChunkQuery, slices: int) -> Sequence[Position]:
        """At most `slices` - 1 keys that cut a range into slices of about equal rows."""

    def cuts_of_rows(
        self, table: ResolvedTable, query: ChunkQuery, key: tuple[str, ...], slices: int
    ) -> Sequence[Position]:
        """At most `slices` - 1 values of a key that cut a query's rows into about equal parts."""

    def newest(self, table: ResolvedTable) -> Value:
        """Largest value of the cursor's first column; None in an empty table."""

    def next_id(self, table: ResolvedTable) -> int | None:
        """What MySQL gives the next row as the cursor's first column; None where it gives none."""

    def clock(self, plan: TablePlan) -> ClockReading:
        """Read the source's clocks."""

    def open_work(self) -> Sequence[Work] | None:
        """Everything that is under way, own reads left out; None without the PROCESS privilege."""

    def is_replica(self) -> bool:
        """Whether the source applies another server's transactions, which cannot be seen."""


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """What the storage knows of a finished file: rows are those of its footer.

    Attributes:
        etag: S3's name of the content that the footer is of.
    """

    uri: str
    rows: int
    bytes: int
    etag: str | None = None


class FileWriter(Protocol):
    """One parquet file under way. Nothing exists before `finish`."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Take a batch; it may still be encoded and uploaded when this returns."""

    def finish(self) -> WrittenFile:
        """Complete the file and read its footer back."""

    def abort(self) -> None:
        """Give up; leaves nothing behind."""


class Storage(Protocol):
    """The files and documents of one table on S3."""

    def open_file(self, run_id: str, seq: int, *, schema: pa.Schema, day: datetime) -> FileWriter:
        """Begin a parquet file."""

    def delete_files(self, uris: Sequence[str]) -> None:
        """Delete exactly these data files."""

    def etags(self, uris: Sequence[str]) -> Mapping[str, str | None]:
        """ETags of these data files as S3 has them now; those that are not there are left out."""

    def put_schema(self, schema: TableSchema) -> None:
        """Store a schema document under its fingerprint."""

    def get_schema(self, fingerprint: str) -> TableSchema:
        """Read a schema document."""

    def put_manifest(self, load_id: str, manifest: Mapping[str, object]) -> str:
        """Store a COPY manifest; returns its URI."""


class ExtractStates(Protocol):
    """The extract state of one table; `write` fails when another run wrote since `read`."""

    def read(self) -> ExtractState | None:
        """The document; None when there is none."""

    def write(self, state: ExtractState) -> None:
        """Replace the document that was read last."""


class LoadStates(Protocol):
    """The load state of one table; `write` fails when another run wrote since `read`."""

    def read(self) -> LoadState | None:
        """The document; None when there is none."""

    def write(self, state: LoadState) -> None:
        """Replace the document that was read last."""


@dataclass(frozen=True, slots=True)
class AppliedLoad:
    """What one load did, as Redshift counted it."""

    copied: int
    inserted: int
    updated: int


class LoadTransaction(Protocol):
    """One open transaction that holds the lock of the table's ledger."""

    def known(self, files: Sequence[DataFile]) -> set[str]:
        """URIs among these that the ledger has."""

    def newest(self) -> int | None:
        """The largest number of a file that the ledger has; None while it is empty."""

    def of_other_history(self, files: Sequence[DataFile], generation: int) -> str | None:
        """A loaded file that is not of this history; None where there is none, or no row.

        Args:
            files: All that the history registers.
            generation: The history's.
        """

    def stage(self, schema: TableSchema, manifest_uri: str, files: Sequence[DataFile]) -> int:
        """COPY a manifest into the staging table; returns pg_last_copy_count()."""

    def apply(
        self, table: LoadTarget, schema: TableSchema, files: Sequence[DataFile]
    ) -> AppliedLoad:
        """Bring the staged rows into the target by the load mode."""

    def record(self, load_id: str, manifest_uri: str, files: Sequence[DataFile]) -> None:
        """Insert the ledger rows."""

    def commit(self) -> None:
        """Commit. When the answer is lost, the ledger tells what happened."""


@dataclass(frozen=True, slots=True)
class LoadTarget:
    """What loading needs to know of a table; taken from the extract state and the plan alone."""

    plan: TablePlan
    load_mode: str
    key: tuple[str, ...]
    version: str | None
    generation: int


class Target(Protocol):
    """One Redshift connection."""

    def prepare(self, table: LoadTarget, schema: TableSchema) -> Sequence[str]:
        """Create or evolve ledger and target, outside any transaction; tells what was changed."""

    def transaction(self, table: LoadTarget) -> AbstractContextManager[LoadTransaction]:
        """Open a transaction and lock the ledger first; rolls back unless committed."""

    def count_rows(self, table: LoadTarget) -> int | None:
        """Rows of the target; None when it does not exist."""


Progress = Callable[[str, Mapping[str, object]], None]
"""Receives what happened: an event's name and its facts."""


@dataclass(frozen=True, slots=True)
class ExtractPorts:
    """All that an extraction reads from and writes to."""

    source: Source
    storage: Storage
    states: ExtractStates
    loads: LoadStates
    progress: Progress
