"""Rows of the text protocol (`page_protocol_com_query_response_text_resultset_row`).

Every value is a length-encoded string, as MySQL prints it; NULL is the single byte 0xFB. The same
bytes arrive for text, BLOB and BIT columns as in the binary protocol, DECIMAL is decimal text in
both, and the shortest text that reads back as the same DOUBLE is exact. FLOAT alone loses digits:
see `WireColumn.exact_in_text`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from mysql_s3_redshift.adapters.mysql.wire.arrays import Bytes, Mask, Positions, Present
from mysql_s3_redshift.adapters.mysql.wire.batch import ColumnData
from mysql_s3_redshift.adapters.mysql.wire.calendar import (
    CalendarParts,
    calendar_array,
    duration_array,
    seconds_of_day,
)
from mysql_s3_redshift.adapters.mysql.wire.columns import WireColumn, WireKind
from mysql_s3_redshift.adapters.mysql.wire.cursor import RowCursor
from mysql_s3_redshift.adapters.mysql.wire.failures import damaged
from mysql_s3_redshift.adapters.mysql.wire.values import bit_column, bytes_column, number_column

_DATE = len("2024-02-29")
_DATETIME = len("2024-02-29 23:59:59")
_FRACTION_DIGITS = 6


def read_rows(columns: Sequence[WireColumn], cursor: RowCursor) -> list[ColumnData]:
    """Decode the rows under the cursor.

    Raises:
        SourceConnectionError: The bytes are no rows of these columns.
    """
    decoded = []
    for column in columns:
        present = cursor.null_marks()
        spans = _Spans(column, cursor.buffer, *cursor.spans(present), present)
        decoded.append(_READERS[column.kind](spans))
    cursor.finish()
    return decoded


class _Spans:
    """The text of one column: where it stands in the buffer."""

    def __init__(
        self,
        column: WireColumn,
        buffer: Bytes,
        starts: Positions,
        ends: Positions,
        present: Present,
    ) -> None:
        self.column, self.buffer, self.starts, self.ends = column, buffer, starts, ends
        self.lengths = ends - starts
        self.given = np.ones(len(starts), dtype=np.bool_) if present is None else present
        self.present = present

    def refuse(self, wrong: Mask) -> None:
        """Raise when a value that is present is wrong."""
        if (wrong & self.given).any():
            kind = self.column.kind.value
            raise damaged(f"column `{self.column.name}` holds text that is no {kind}")

    def expect(self, character: str, at: Positions | int, where: Mask | None = None) -> None:
        """Check a separator."""
        differs = self.buffer[self.starts + at] != ord(character)
        self.refuse(differs if where is None else differs & where)

    def number(self, at: Positions | int, digits: int, where: Mask | None = None) -> Positions:
        """Read a number of so many digits; zero in rows that are NULL or not asked for."""
        rows = self.given if where is None else self.given & where
        total = np.zeros(len(self.starts), dtype=np.int64)
        for digit in range(digits):
            value = self.buffer[self.starts + at + digit] - np.uint8(ord("0"))  # wraps below "0"
            self.refuse((value > 9) & rows)
            total = total * 10 + value
        total *= rows
        return total

    def fraction(self, at: Positions | int) -> Positions:
        """Read up to six digits behind a point, as microseconds; zero where the text ends there."""
        digits = self.lengths - at - 1
        stated = (digits >= 0) & self.given
        self.refuse(stated & ((digits == 0) | (digits > _FRACTION_DIGITS)))
        self.expect(".", at, stated)
        total = np.zeros(len(self.starts), dtype=np.int64)
        for digit in range(_FRACTION_DIGITS):
            total = total * 10 + self.number(at + 1 + digit, 1, stated & (digits > digit))
        return total


def _values(
    read: Callable[[WireColumn, Bytes, Positions, Positions, Present], pa.Array],
) -> Callable[[_Spans], ColumnData]:
    def reader(text: _Spans) -> ColumnData:
        array = read(text.column, text.buffer, text.starts, text.ends, text.present)
        return ColumnData(array)

    return reader


def _null(text: _Spans) -> ColumnData:
    text.refuse(text.given)
    return ColumnData(pa.nulls(len(text.starts)))


def _calendar(text: _Spans) -> ColumnData:
    """Read `YYYY-MM-DD`, or `YYYY-MM-DD HH:MM:SS` with up to six digits of a fraction."""
    year, month, day = text.number(0, 4), text.number(5, 2), text.number(8, 2)
    text.expect("-", 4)
    text.expect("-", 7)
    if text.column.kind is WireKind.DATE:
        text.refuse(text.lengths != _DATE)
        seconds = microseconds = np.zeros(len(year), dtype=np.int64)
    else:
        text.refuse(text.lengths < _DATETIME)
        text.expect(" ", _DATE)
        hour = text.number(_DATE + 1, 2)
        seconds = seconds_of_day(hour, *_minute_and_second(text, _DATE + 3))
        microseconds = text.fraction(_DATETIME)
    parts = CalendarParts(year, month, day, seconds, microseconds)
    return ColumnData(*calendar_array(text.column, parts, text.present))


def _time(text: _Spans) -> ColumnData:
    """Read `[-]HH:MM:SS` with two or three digits of hours and up to six of a fraction."""
    negative = (text.buffer[text.starts] == ord("-")) & text.given
    at = negative.astype(np.int64)
    three = text.buffer[text.starts + at + 2] != ord(":")
    hours = text.number(at, 1, three) * 100 + text.number(at + three, 2)
    colon = at + three + 2
    end = colon + len(":59:59")
    text.refuse(text.lengths < end)
    clock = seconds_of_day(np.zeros_like(hours), *_minute_and_second(text, colon))
    seconds = hours * 3600 + clock
    return ColumnData(
        duration_array(text.column, negative, seconds, text.fraction(end), text.present)
    )


def _minute_and_second(text: _Spans, colon: Positions | int) -> tuple[Positions, Positions]:
    text.expect(":", colon)
    text.expect(":", colon + 3)
    return text.number(colon + 1, 2), text.number(colon + 4, 2)


_READERS: dict[WireKind, Callable[[_Spans], ColumnData]] = {
    WireKind.NULL: _null,
    WireKind.INTEGER: _values(number_column),
    WireKind.YEAR: _values(number_column),
    WireKind.FLOAT: _values(number_column),
    WireKind.DECIMAL: _values(number_column),
    WireKind.DATE: _calendar,
    WireKind.DATETIME: _calendar,
    WireKind.TIME: _time,
    WireKind.BIT: _values(bit_column),
    WireKind.TEXT: _values(bytes_column),
    WireKind.BYTES: _values(bytes_column),
}
