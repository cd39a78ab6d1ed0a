"""The nouns of the core: what a table's replication is made of.

A `TablePlan` is one table of `pipelines.yaml`, every option resolved as far as the file alone can
tell. What only the server knows (columns, keys, indexes) joins it in `mysql_s3_redshift.core.plan`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

Value = None | int | float | str | bytes | Decimal | datetime | date
"""One value of a cursor or key column as Python holds it. Timestamps carry no zone."""


class CdcStrategy(StrEnum):
    """How new rows are told from old ones."""

    HYBRID = "hybrid"
    TIMESTAMP_ONLY = "timestamp_only"
    ID_ONLY = "id_only"
    FULL_SYNC = "full_sync"
    CUSTOM_SQL = "custom_sql"


class TimestampUnit(StrEnum):
    """What the timestamp cursor column holds: a date and time, or a count since 1970 UTC."""

    DATETIME = "datetime"
    EPOCH_S = "epoch_s"
    EPOCH_MS = "epoch_ms"
    EPOCH_US = "epoch_us"


class LoadMode(StrEnum):
    """How files become rows of the target."""

    APPEND = "append"
    UPSERT = "upsert"
    REPLACE = "replace"


class OverlongPolicy(StrEnum):
    """What happens to a value longer than its target column takes."""

    ERROR = "error"
    TRUNCATE = "truncate"
    NULL = "null"


class ZeroDatePolicy(StrEnum):
    """What happens to zero and partial dates such as 0000-00-00 and 2024-02-00."""

    NULL = "null"
    ERROR = "error"


class InvalidTextPolicy(StrEnum):
    """What happens to text that is not valid UTF-8."""

    ERROR = "error"
    REPLACE = "replace"
    NULL = "null"


@dataclass(frozen=True, slots=True)
class ColumnPolicies:
    """The choices of a table's `columns:` section. Keys are MySQL column names.

    Attributes:
        exclude: Columns that are never read.
        rename: MySQL name → Redshift name.
        types: Overrides: `bool`, `time`, `super`, `varchar(n)`, `timestamptz`.
        hash: Columns replaced by the SHA-256 of salt and value, as hexadecimal text.
        hash_salt: The salt; never stored, shown or logged.
        zero_dates: Policy per column; `*` names the default.
        overlong: Policy per column; `*` names the default.
        invalid_text: Policy per column; `*` names the default.
        encodings: Redshift ENCODE per column.
    """

    exclude: tuple[str, ...] = ()
    rename: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    hash: tuple[str, ...] = ()
    hash_salt: str = field(default="", repr=False)
    zero_dates: Mapping[str, ZeroDatePolicy] = field(default_factory=dict)
    overlong: Mapping[str, OverlongPolicy] = field(default_factory=dict)
    invalid_text: Mapping[str, InvalidTextPolicy] = field(default_factory=dict)
    encodings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PartitionOptions:
    """Opt-in daily partitions of the S3 asset: rows belong to the day of `column`, from `start`.

    Attributes:
        unit: What that column holds.
    """

    column: str
    start: date
    unit: TimestampUnit = TimestampUnit.DATETIME


@dataclass(frozen=True, slots=True)
class TargetOptions:
    """How the Redshift table is laid out; None means: let Redshift or the plan decide."""

    diststyle: str | None = None
    distkey: str | None = None
    sortkey: tuple[str, ...] = ()
    sortstyle: str | None = None


@dataclass(frozen=True, slots=True)
class TablePlan:
    """One table of one pipeline, as `pipelines.yaml` describes it.

    Attributes:
        pipeline: Name of the pipeline.
        source: Name of the MySQL connection.
        storage: Name of the S3 location.
        target: Name of the Redshift connection.
        schema: MySQL database.
        table: MySQL table, or the name given to a `custom_sql` query.
        target_schema: Redshift schema.
        target_name: Redshift table.
        strategy: None where the table's own columns and indexes shall decide.
        load_mode: None where the table's key shall decide.
        primary_key: Columns that identify a row; empty means MySQL's primary key.
        start_from: First run only: rows from this cursor timestamp on.
        lag: Taken off the ceiling; None means the default of the source.
        timestamp_timezone: Zone of a DATETIME cursor when it is not the server's global one.
        chunk_rows: Rows per chunk, so per parquet file.
        allow_empty: Whether `replace` may empty the target.
        slices: Key ranges of the snapshot phase and of large windows; 1 means no slicing.
    """

    pipeline: str
    source: str
    storage: str
    target: str
    schema: str
    table: str
    target_schema: str
    target_name: str
    strategy: CdcStrategy | None = None
    timestamp_column: str | None = None
    timestamp_unit: TimestampUnit = TimestampUnit.DATETIME
    timestamp_timezone: str | None = None
    id_column: str | None = None
    query: str | None = None
    load_mode: LoadMode | None = None
    primary_key: tuple[str, ...] = ()
    start_from: datetime | None = None
    additional_where: str | None = None
    lag: timedelta | None = None
    chunk_rows: int = 500_000
    allow_empty: bool = False
    slices: int = 1
    ledger_schema: str = "mysql_s3_redshift"
    target_options: TargetOptions = field(default_factory=TargetOptions)
    columns: ColumnPolicies = field(default_factory=ColumnPolicies)
    partitions: PartitionOptions | None = None
    description: str | None = None
    owners: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    freshness: timedelta | None = None

    @property
    def qualified_name(self) -> str:
        """`schema.table` as MySQL knows it."""
        return f"{self.schema}.{self.table}"

    @property
    def scoped_name(self) -> str:
        """`SOURCE:schema.table`, unique among sources."""
        return f"{self.source}:{self.qualified_name}"

    @property
    def display_name(self) -> str:
        """`pipeline/schema.table`, unique in a configuration."""
        return f"{self.pipeline}/{self.qualified_name}"

    @property
    def source_key(self) -> tuple[str, ...]:
        """Asset key of the MySQL table."""
        return ("mysql", self.source, self.schema, self.table)

    @property
    def extract_key(self) -> tuple[str, ...]:
        """Asset key of the parquet files; also the address of the extract state."""
        return ("s3", self.pipeline, self.schema, self.table)

    @property
    def load_key(self) -> tuple[str, ...]:
        """Asset key of the Redshift table; also the address of the load state."""
        return ("redshift", self.target, self.target_schema, self.target_name)


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open stretch of a column's time, `start` ≤ t < `end`, in the clock of the data.

    Attributes:
        column: MySQL's name of the column; None means the cursor timestamp.
        unit: What that column holds; the cursor timestamp's own unit counts where it is meant.
        daily: Whether the rows of each day are told and filed apart.
    """

    start: datetime
    end: datetime
    column: str | None = None
    unit: TimestampUnit = TimestampUnit.DATETIME
    daily: bool = False

    @property
    def parts(self) -> tuple[Window, ...]:
        """The window day by day, or as a whole."""
        if not self.daily:
            return (self,)
        days = (self.end - self.start) // timedelta(days=1)
        edges = [*(self.start + timedelta(days=n) for n in range(days + 1)), self.end]
        return tuple(replace(self, start=a, end=b) for a, b in pairwise(edges) if a < b)


@dataclass(frozen=True, slots=True)
class RunLimits:
    """What one run may take.

    `limit` alone caps the rows extracted. With `max_chunks` it is the chunk size, and the cap is
    their product. `max_files` bounds the load only.
    """

    limit: int | None = None
    max_chunks: int | None = None
    max_files: int | None = None

    def chunk_rows(self, default: int) -> int:
        """Rows of one chunk under these limits."""
        if self.limit is None:
            return default
        return self.limit if self.max_chunks else min(self.limit, default)

    def max_rows(self, default_chunk: int) -> int | None:
        """Rows the whole extraction may take; None means no bound."""
        if self.max_chunks:
            return (self.limit or default_chunk) * self.max_chunks
        return self.limit
