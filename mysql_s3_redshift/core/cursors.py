"""Cursors: the ordered columns that tell which rows are new, and the bounds of one query.

Every strategy becomes a keyset, a list of columns whose values grow:

    hybrid           (timestamp, id)            + the primary key where that is not unique
    timestamp_only   (timestamp)                + the primary key where there is one
    id_only          (id)                       + the primary key where that is not unique
    custom_sql       the columns it names, then its `primary_key`
    full_sync        none: the table is read by its primary key, whole

A `ChunkQuery` is the description of one keyset query. It holds no SQL; the adapter renders it with
every value bound and every identifier quoted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from mysql_s3_redshift.core.model import CdcStrategy, TimestampUnit, Value

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  data timestamps carry no zone
TICKS_PER_SECOND = {
    TimestampUnit.EPOCH_S: 1,
    TimestampUnit.EPOCH_MS: 1_000,
    TimestampUnit.EPOCH_US: 1_000_000,
}

Position = tuple[Value, ...]
"""Values of the first columns of a keyset. A missing tail stands for the smallest value."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The keyset of one table.

    Attributes:
        timestamp: The timestamp column; None for id cursors and `full_sync`.
        unit: What the timestamp column holds.
        fraction: Digits after the second that the timestamp column keeps; -1 for a DATE.
        zoned: Whether the timestamp column is a TIMESTAMP, so that it reads as UTC.
        columns: The keyset of the incremental phase, most significant first.
        unique: Whether no two rows share a whole keyset value.
        snapshot_columns: Key by which the whole table is read; empty where none can be used.
    """

    strategy: CdcStrategy
    columns: tuple[str, ...] = ()
    unique: bool = True
    timestamp: str | None = None
    unit: TimestampUnit = TimestampUnit.DATETIME
    fraction: int = 6
    zoned: bool = False
    snapshot_columns: tuple[str, ...] = ()

    @property
    def is_incremental(self) -> bool:
        """Whether rows can be told apart as new and old at all."""
        return bool(self.columns)

    @property
    def first_column(self) -> str:
        """The column that the ceiling bounds."""
        return self.columns[0]


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Rows whose key lies beyond `after` and up to `through`; an empty position is no bound."""

    columns: tuple[str, ...]
    after: Position = ()
    through: Position = ()


@dataclass(frozen=True, slots=True)
class ChunkQuery:
    """One keyset query: `after` < keyset, first column below the bound, in keyset order.

    Attributes:
        order_by: The keyset's columns.
        after: Exclusive lower bound; shorter than `order_by` means inclusive of that prefix.
        bound_column: Column that `below` and `at_most` apply to.
        below: Exclusive upper bound of `bound_column`.
        at_most: Inclusive upper bound of `bound_column`.
        at_least: Inclusive lower bound of `bound_column`.
        not_beyond: A keyset and a position in it: rows beyond it are left out. Rows that stand in
            no order to it, because a column is NULL, stay.
        nulls: `skip` rows whose `bound_column` is NULL, `keep` them too, or read `only` them.
        before: Exclusive upper bound of the first keyset column, which ends a chunk between two
            distinct values where the keyset is not unique.
        through: Inclusive upper bound of the whole keyset: exactly what `after` leaves out. A
            shorter one leaves out that prefix, too.
        within: Range of another key, whatever the order is.
        limit: Rows at most; None reads to the bound.
    """

    order_by: tuple[str, ...]
    after: Position = ()
    bound_column: str | None = None
    below: Value = None
    at_most: Value = None
    at_least: Value = None
    not_beyond: tuple[tuple[str, ...], Position] | None = None
    nulls: str = "skip"
    before: Value = None
    limit: int | None = None
    through: Position = ()
    within: KeyRange | None = None


def to_datetime(value: Value, unit: TimestampUnit) -> datetime:
    """Turn a cursor timestamp as the column holds it into a date and time (UTC for epochs).

    Raises:
        TypeError: The column holds something else, a float for example.
    """
    if unit is TimestampUnit.DATETIME:
        if isinstance(value, datetime):
            return value
        if isinstance(value, date):
            return datetime(value.year, value.month, value.day)  # noqa: DTZ001
    elif isinstance(value, int | Decimal) and value == int(value):
        return EPOCH + timedelta(microseconds=int(value) * 1_000_000 // TICKS_PER_SECOND[unit])
    message = f"a cursor of unit {unit} cannot hold {type(value).__name__} {value!r}"
    raise TypeError(message)


def from_datetime(moment: datetime, unit: TimestampUnit) -> datetime | int:
    """Turn a date and time into what the column holds; parts below its unit are cut off."""
    if unit is TimestampUnit.DATETIME:
        return moment
    micros = (moment - EPOCH) // timedelta(microseconds=1)
    return micros * TICKS_PER_SECOND[unit] // 1_000_000


def floor_to_fraction(moment: datetime, fraction: int) -> datetime:
    """Cut a moment to the digits that a column keeps.

    A DATETIME(0) stamped now holds the start of the running second, so a bound inside that second
    would leave rows behind it that are still to come. A DATE (fraction -1) holds the day.
    """
    if fraction < 0:
        return moment.replace(hour=0, minute=0, second=0, microsecond=0)
    step = 10 ** (6 - fraction)
    return moment.replace(microsecond=moment.microsecond // step * step)


def format_timestamp(moment: datetime) -> str:
    """Write a data timestamp as the state documents hold it: microseconds, no zone."""
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds")


def parse_timestamp(text: str) -> datetime:
    """Read a data timestamp. A trailing `Z` or an offset means UTC and is converted.

    Raises:
        ValueError: It is not an ISO 8601 timestamp.
    """
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def advances(before: Sequence[Value], after: Sequence[Value]) -> bool:
    """Whether a chunk moved its cursor.

    Texts are ordered by MySQL's collation, which Python does not know; for them only equality
    proves that the cursor stood still.
    """
    for old, new in zip(map(_comparable, before), map(_comparable, after), strict=False):
        if old == new:
            continue
        if isinstance(old, str | bytes) or isinstance(new, str | bytes) or None in {old, new}:
            return True
        return bool(new > old)  # type: ignore[operator]
    return len(after) > len(before)


def _comparable(value: Value) -> Value:
    """A DATE as the moment that it begins: a watermark holds it so, and a row does not."""
    is_day = isinstance(value, date) and not isinstance(value, datetime)
    return to_datetime(value, TimestampUnit.DATETIME) if is_day else value
