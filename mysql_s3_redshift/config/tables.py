"""The options of one table, and of the `defaults` of a pipeline."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    WithJsonSchema,
    model_validator,
)

from mysql_s3_redshift.config.durations import Duration, PositiveDuration
from mysql_s3_redshift.config.fields import (
    ColumnName,
    ColumnNames,
    Condition,
    LongText,
    NewColumnName,
    Query,
    RedshiftName,
    Section,
    TimeZone,
    as_list,
)
from mysql_s3_redshift.core.model import (
    CdcStrategy,
    InvalidTextPolicy,
    LoadMode,
    OverlongPolicy,
    TimestampUnit,
    ZeroDatePolicy,
)

_TYPE = re.compile(
    r"bool|time|super|timestamptz|geometry|varchar\((?P<bytes>[1-9]\d{0,4})\)", re.ASCII
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?", re.ASCII)
_OWNER = re.compile(r"team:[A-Za-z0-9_-]+|[^@\s]+@[^@\s]+\.[^@\s]+")
_TAG_KEY = re.compile(r"(?:[A-Za-z0-9_.-]{1,63}/)?[A-Za-z0-9_.-]{1,63}")
_TAG_VALUE = re.compile(r"[A-Za-z0-9_.-]{0,63}")
_NULLABLE_POLICIES = ("zero_dates", "overlong", "invalid_text")


def _column_type(text: str) -> str:
    name = text.lower().replace(" ", "")
    match = _TYPE.fullmatch(name)
    if not match or int(match["bytes"] or 1) > 65_535:
        raise ValueError(
            "a type is bool, time, super, timestamptz, geometry or varchar(1 to 65535)"
        )
    return name


def _policy(value: Any) -> Any:
    """One policy stands for all columns; an unquoted null is the policy of that name."""
    if isinstance(value, dict):
        return {column: "null" if policy is None else policy for column, policy in value.items()}
    return {"*": value}


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _start(value: Any) -> Any:
    """Take a date or a time as MySQL writes it; a zone would suggest a conversion we do not do."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not (_DATE.fullmatch(value) or _TIME.fullmatch(value)):
        raise ValueError("write `2025-01-31` or `2025-01-31 13:30:00`, without a time zone")
    return value


def _day(value: Any) -> Any:
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise ValueError("write a day as `2025-01-31`")
    return value


def _matching(pattern: re.Pattern[str], rule: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(rule)
        return text

    return check


Owner = Annotated[
    str, AfterValidator(_matching(_OWNER, "an owner is an e-mail address or `team:name`"))
]
TagKey = Annotated[
    str, AfterValidator(_matching(_TAG_KEY, "a tag has 1 to 63 letters, digits, `_`, `-`, `.`"))
]
TagValue = Annotated[
    str,
    AfterValidator(_matching(_TAG_VALUE, "a tag has at most 63 letters, digits, `_`, `-`, `.`")),
]
ColumnType = Annotated[str, AfterValidator(_column_type)]
Encoding = Annotated[
    Literal[
        "raw", "az64", "bytedict", "delta", "delta32k", "lzo", "mostly8", "mostly16", "mostly32",
        "runlength", "text255", "text32k", "zstd",
    ],
    BeforeValidator(_lower),
]  # fmt: skip
ZeroDates = Annotated[dict[ColumnName, ZeroDatePolicy], BeforeValidator(_policy)]
Overlong = Annotated[dict[ColumnName, OverlongPolicy], BeforeValidator(_policy)]
InvalidText = Annotated[dict[ColumnName, InvalidTextPolicy], BeforeValidator(_policy)]
Start = Annotated[
    datetime,
    BeforeValidator(_start),
    WithJsonSchema({"type": "string", "examples": ["2025-01-01"]}),
]
Day = Annotated[date, BeforeValidator(_day)]


class ColumnOptions(Section):
    """What happens to single columns; all names are those of MySQL."""

    exclude: ColumnNames = ()
    """Columns that are never read."""
    rename: dict[ColumnName, NewColumnName] = Field(default={})
    """MySQL name → Redshift name."""
    types: dict[ColumnName, ColumnType] = Field(default={})
    """Redshift type per column: `bool`, `time`, `super`, `timestamptz`, `geometry`,
    `varchar(n)`."""
    hash: ColumnNames = ()
    """Columns replaced by the SHA-256 of salt and value."""
    hash_salt: SecretStr | None = None
    """The salt of `hash`, which needs one; default: the variable `HASH_SALT`."""
    zero_dates: ZeroDates = Field(default={})
    """`null` (counted) or `error` for 0000-00-00 and the like; for all columns or per column;
    default: `null`."""
    overlong: Overlong = Field(default={})
    """`error`, `truncate` or `null` for values longer than their Redshift column; likewise;
    default: `error`."""
    invalid_text: InvalidText = Field(default={})
    """`error`, `replace` or `null` for text that is not valid UTF-8; likewise; default:
    `error`."""
    encodings: dict[ColumnName, Encoding] = Field(default={})
    """Redshift ENCODE per column."""

    @model_validator(mode="before")
    @classmethod
    def _read_null_as_policy(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        unquoted = [k for k in _NULLABLE_POLICIES if k in value and value[k] is None]
        return {**value, **dict.fromkeys(unquoted, "null")}


class PartitionConfig(Section):
    """Opt-in daily partitions of the S3 asset."""

    column: ColumnName
    """Column that tells a row's day, best with an index: DATETIME, DATE, TIMESTAMP or a number."""
    unit: TimestampUnit = TimestampUnit.DATETIME
    """What that column holds: `datetime`, `epoch_s`, `epoch_ms` or `epoch_us`."""
    start: Day
    """First day, the same for all tables of a pipeline."""


class TableOptions(Section):
    """Everything that can be said about a table; all of it is optional."""

    cdc_strategy: CdcStrategy | None = None
    """How new rows are told: `hybrid`, `timestamp_only`, `id_only`, `full_sync`, `custom_sql`;
    default: by the table's columns and indexes."""
    cdc_timestamp_column: ColumnName | None = None
    """Column of the last change; default: discovered."""
    cdc_timestamp_unit: TimestampUnit = TimestampUnit.DATETIME
    """What that column holds: `datetime`, `epoch_s`, `epoch_ms` or `epoch_us`."""
    cdc_timestamp_timezone: TimeZone | None = None
    """Time zone of a DATETIME cursor; default: the server's global one."""
    cdc_id_column: ColumnName | None = None
    """Column that grows with every new row; default: discovered."""
    query: Query | None = None
    """SELECT statement of a `custom_sql` table."""
    load_mode: LoadMode | None = None
    """`append`, `upsert` or `replace`; default: `upsert` where there is a primary key."""
    primary_key: ColumnNames = ()
    """Columns that identify a row; default: MySQL's primary key."""
    target_name: RedshiftName | None = None
    """Name in Redshift; default: the table's name in lower case, other characters as `_`."""
    start_from: Start | None = None
    """First run only: rows from this cursor time on; default: the whole table."""
    additional_where: Condition | None = None
    """SQL condition that every row must meet."""
    lag: Duration | None = None
    """Taken off the ceiling; default: what the source needs."""
    chunk_rows: Annotated[int, Field(ge=1, le=100_000_000)] = 500_000
    """Rows of one chunk, which is one query and one parquet file."""
    allow_empty: bool = False
    """Whether `replace` may empty the target."""
    slices: Annotated[int, Field(ge=1, le=1024)] = 1
    """Key ranges of equal numbers of rows that the first extraction and large windows are read in,
    side by side."""
    diststyle: Annotated[Literal["auto", "even", "all", "key"], BeforeValidator(_lower)] | None = (
        None
    )
    """Distribution, as in Redshift; default: Redshift decides, or `key` with `distkey`."""
    distkey: ColumnName | None = None
    """Column that distributes the rows."""
    sortkey: ColumnNames = ()
    """Columns that sort the rows."""
    sortstyle: (
        Annotated[Literal["compound", "interleaved", "auto"], BeforeValidator(_lower)] | None
    ) = None
    """Kind of sort key, as in Redshift; default: `compound` with `sortkey`."""
    columns: ColumnOptions = ColumnOptions()
    """What happens to single columns."""
    partitions: PartitionConfig | None = None
    """Daily partitions of the S3 asset, by which days are reloaded in the web UI; default: none."""
    description: LongText | None = None
    """Text in the asset catalog; the table's own comment is metadata of each run."""
    owners: Annotated[tuple[Owner, ...], BeforeValidator(as_list)] = ()
    """Owners in the asset catalog: e-mail addresses or `team:name`."""
    tags: dict[TagKey, TagValue] = Field(default={})
    """Tags in the asset catalog."""
    freshness: PositiveDuration | None = None
    """How old the target may be before the UI shows it as overdue; default: no limit."""


def merged(defaults: TableOptions, table: TableOptions) -> TableOptions:
    """Lay the options of a table over the defaults of its pipeline.

    `columns` and `tags` are merged key by key; everything else the table says replaces the
    default, null included.
    """
    given = {name: getattr(defaults, name) for name in defaults.model_fields_set}
    own = {name: getattr(table, name) for name in table.model_fields_set}
    if "tags" in given and "tags" in own:
        own["tags"] = given["tags"] | own["tags"]
    if "columns" in given and "columns" in own:
        over = {name: getattr(table.columns, name) for name in table.columns.model_fields_set}
        own["columns"] = defaults.columns.model_copy(update=over)
    return table.model_copy(update=given | own)
