"""Dates, datetimes and times, from their parts to Arrow.

MySQL stores dates that no calendar has: `0000-00-00`, a month or day of zero, and with the SQL mode
ALLOW_INVALID_DATES also `2024-02-30`. Arrow has no place for them. They become NULL, and `BadDates`
keeps which rows had one and what it said.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mysql_s3_redshift.adapters.mysql.wire.arrays import (
    Mask,
    Positions,
    Present,
    fixed_width_array,
)
from mysql_s3_redshift.adapters.mysql.wire.columns import WireColumn, WireKind
from mysql_s3_redshift.adapters.mysql.wire.failures import damaged

MICROSECONDS = 1_000_000
_DAY = 86_400
_LONGEST_TIME = 838 * 3600 + 59 * 60 + 59
_YEARS = 10_000


@dataclass(frozen=True, slots=True)
class CalendarParts:
    """Years, months … microseconds of one column, one number per row; zeros where it is NULL."""

    year: Positions
    month: Positions
    day: Positions
    seconds: Positions  # since midnight
    microseconds: Positions

    def at(self, rows: Mask) -> CalendarParts:
        """Keep the parts of some rows."""
        return CalendarParts(
            self.year[rows],
            self.month[rows],
            self.day[rows],
            self.seconds[rows],
            self.microseconds[rows],
        )


@dataclass(frozen=True, slots=True)
class BadDates:
    """The values of one column that are no date of the calendar.

    Attributes:
        rows: Which rows of the batch have one.
        parts: What those rows say, in their order.
    """

    rows: Mask
    parts: CalendarParts

    def text(self, column: WireColumn, row: int) -> str:
        """Write the value of a row as MySQL shows it."""
        index = int(np.count_nonzero(self.rows[:row]))
        parts = self.parts
        date = f"{parts.year[index]:04d}-{parts.month[index]:02d}-{parts.day[index]:02d}"
        if column.kind is WireKind.DATE:
            return date
        minutes, second = divmod(int(parts.seconds[index]), 60)
        hour, minute = divmod(minutes, 60)
        fraction = f".{parts.microseconds[index]:06d}"[: column.decimals + 1]
        return f"{date} {hour:02d}:{minute:02d}:{second:02d}{fraction if column.decimals else ''}"


def _tables() -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int8]]:
    """Tabulate, per `year * 16 + month`, the day before the month's first, and its length.

    Two look-ups in small tables replace the dozen operations per value of the usual formula.
    """
    months = np.arange("0001-01", "10000-01", dtype="datetime64[M]")
    first_days = np.append(months, np.datetime64("10000-01")).astype("datetime64[D]")
    days = first_days.astype(np.int64)
    index = months.astype(np.int64) + 1970 * 12
    key = index // 12 * 16 + index % 12 + 1
    before = np.zeros(_YEARS * 16, dtype=np.int32)
    length = np.zeros(_YEARS * 16, dtype=np.int8)
    before[key] = days[:-1] - 1
    length[key] = np.diff(days)
    return before, length


_DAY_BEFORE_MONTH, _MONTH_LENGTH = _tables()


def seconds_of_day(hour: Positions, minute: Positions, second: Positions) -> Positions:
    """Join a clock's parts.

    Raises:
        SourceConnectionError: A part is out of range.
    """
    if hour.max() > 23 or minute.max() > 59 or second.max() > 59:
        raise damaged("a time of day is out of range")
    return hour * 3600 + minute * 60 + second


def calendar_array(
    column: WireColumn, parts: CalendarParts, present: Present
) -> tuple[pa.Array, BadDates | None]:
    """Make a DATE, DATETIME or TIMESTAMP column; dates outside the calendar become NULL.

    Year 0 counts as outside: Python's and Redshift's calendars begin later, and MySQL documents it
    as a zero date.

    Raises:
        SourceConnectionError: A part is out of range.
    """
    year, month, day = parts.year, parts.month, parts.day
    if year.max() >= _YEARS or month.max() > 12 or day.max() > 31:
        raise damaged(f"column `{column.name}` holds a date that is out of range")
    if parts.microseconds.max() >= MICROSECONDS:
        raise damaged(f"column `{column.name}` holds a second of too many microseconds")
    key = (year << 4) | month
    real = (day > 0) & (day <= _MONTH_LENGTH[key])
    bad = None
    if not real.all():
        outside = ~real if present is None else ~real & present
        if outside.any():
            bad = BadDates(outside, parts.at(outside))
        present = real  # a NULL has zeros for parts, so it is not real either
    days = _DAY_BEFORE_MONTH[key] + day
    if column.kind is WireKind.DATE:
        return fixed_width_array(column.arrow_type, days.astype(np.int32), present), bad
    instants = (days * _DAY + parts.seconds) * MICROSECONDS + parts.microseconds
    return fixed_width_array(column.arrow_type, instants, present), bad


def duration_array(
    column: WireColumn,
    negative: Mask,
    seconds: Positions,
    microseconds: Positions,
    present: Present,
) -> pa.Array:
    """Make a TIME column. MySQL's TIME is a span of up to 838:59:59 to either side of zero.

    Raises:
        SourceConnectionError: A span is longer.
    """
    if seconds.max() > _LONGEST_TIME or microseconds.max() >= MICROSECONDS:
        raise damaged(f"column `{column.name}` holds a time that is out of range")
    spans = seconds * MICROSECONDS + microseconds
    np.negative(spans, out=spans, where=negative)
    return fixed_width_array(column.arrow_type, spans, present)
