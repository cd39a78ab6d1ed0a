"""Rows of the binary protocol (`page_protocol_binary_resultset`), a column at a time.

A row is a zero byte, the NULL bitmap and the values of the columns that are not NULL. Column *i* is
NULL when bit *i* + 2 of the bitmap is set (parameters of a statement are marked without the 2).

* TINYINT … BIGINT, YEAR, FLOAT, DOUBLE: 1, 2, 4 or 8 bytes, little end first.
* DATE, DATETIME, TIMESTAMP: a length byte of 0, 4, 7 or 11, then as many bytes of: year (2), month,
  day, hour, minute, second, microseconds (4). What is left out is zero.
* TIME: a length byte of 0, 8 or 12, then: 1 if negative, days (4), hours, minutes, seconds,
  microseconds (4).
* DECIMAL: a length-encoded string of decimal text.
* All others: a length-encoded string.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from mysql_s3_redshift.adapters.mysql.wire.arrays import Positions, Present, fixed_width_array
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

_BITMAP_OFFSET = 2
_BITS = 64


def read_rows(columns: Sequence[WireColumn], cursor: RowCursor) -> list[ColumnData]:
    """Decode the rows under the cursor.

    Raises:
        SourceConnectionError: The bytes are no rows of these columns.
    """
    if cursor.values("u1").any():
        raise damaged("a row of the binary protocol does not start with a zero byte")
    cursor.skip(1)
    presents = _read_bitmap(len(columns), cursor)
    decoded = [
        _READERS[column.kind](column, cursor, present)
        for column, present in zip(columns, presents, strict=True)
    ]
    cursor.finish()
    return decoded


def _read_bitmap(columns: int, cursor: RowCursor) -> list[Present]:
    """Read which values are present, per column. None, the common case, costs next to nothing."""
    width = (columns + 7 + _BITMAP_OFFSET) // 8
    presents: list[Present] = []
    words = np.empty(0, dtype=np.uint64)
    in_any_row = 0
    for bit in range(_BITMAP_OFFSET, columns + _BITMAP_OFFSET):
        if bit % _BITS == 0 or bit == _BITMAP_OFFSET:
            words = cursor.values("<u8", bit // _BITS * 8)
            in_any_row = int(np.bitwise_or.reduce(words))
        if in_any_row >> (bit % _BITS) & 1:
            presents.append((words >> np.uint64(bit % _BITS)) & np.uint64(1) == 0)
        else:
            presents.append(None)
    cursor.skip(width)
    return presents


def _null(column: WireColumn, cursor: RowCursor, present: Present) -> ColumnData:
    if present is None or present.any():
        raise damaged(f"column `{column.name}` of type NULL holds a value")
    return ColumnData(pa.nulls(len(cursor)))


def _fixed(column: WireColumn, cursor: RowCursor, present: Present) -> ColumnData:
    width = column.fixed_width or 0
    values = cursor.values(f"<u{width}")
    cursor.skip(width, present)
    return ColumnData(fixed_width_array(column.arrow_type, values, present))


def _read_length(
    column: WireColumn, cursor: RowCursor, present: Present, allowed: tuple[int, ...]
) -> Positions:
    """Read and skip the length byte of a date or time; 0 for NULL."""
    lengths = cursor.values("u1").astype(np.int64)
    if present is not None:
        lengths *= present
    cursor.skip(1, present)
    alike = int(lengths.min()) == int(lengths.max()) and int(lengths[0]) in allowed
    if not alike and not np.isin(lengths, allowed).all():
        raise damaged(f"column `{column.name}` holds a date or time of a wrong length")
    return lengths


def _word(cursor: RowCursor, ahead: int, lengths: Positions, least: int) -> Positions:
    """Read four bytes as one number; zero where the value is shorter than to hold them."""
    words: Positions = cursor.values("<u4", ahead).astype(np.int64)
    if int(lengths.min()) < least:
        words *= lengths >= least
    return words


def _calendar(column: WireColumn, cursor: RowCursor, present: Present) -> ColumnData:
    allowed = (0, 4) if column.kind is WireKind.DATE else (0, 4, 7, 11)
    lengths = _read_length(column, cursor, present, allowed)
    shortest, longest = int(lengths.min()), int(lengths.max())
    zeros = np.zeros(len(cursor), dtype=np.int64)
    date = _word(cursor, 0, lengths, 4) if longest else zeros
    seconds = microseconds = zeros
    if longest >= 7:
        clock = _word(cursor, 4, lengths, 7)
        seconds = seconds_of_day(clock & 0xFF, clock >> 8 & 0xFF, clock >> 16 & 0xFF)
    if longest == 11:
        microseconds = _word(cursor, 7, lengths, 11)
    if shortest == longest:
        cursor.skip(longest)
    else:
        cursor.skip_each(lengths)
    parts = CalendarParts(date & 0xFFFF, date >> 16 & 0xFF, date >> 24, seconds, microseconds)
    return ColumnData(*calendar_array(column, parts, present))


def _time(column: WireColumn, cursor: RowCursor, present: Present) -> ColumnData:
    lengths = _read_length(column, cursor, present, (0, 8, 12))
    sign = cursor.values("u1") * (lengths >= 8)
    if sign.max() > 1:
        raise damaged("the sign of a time is neither 0 nor 1")
    days = _word(cursor, 1, lengths, 8)
    clock = _word(cursor, 5, lengths, 8)
    seconds = seconds_of_day(clock & 0xFF, clock >> 8 & 0xFF, clock >> 16 & 0xFF)
    microseconds = _word(cursor, 8, lengths, 12)
    cursor.skip_each(lengths)
    total = days * 86_400 + seconds
    return ColumnData(duration_array(column, sign == 1, total, microseconds, present))


def _string(column: WireColumn, cursor: RowCursor, present: Present) -> ColumnData:
    starts, ends = cursor.spans(present)
    return ColumnData(_STRINGS[column.kind](column, cursor.buffer, starts, ends, present))


_STRINGS = {
    WireKind.DECIMAL: number_column,
    WireKind.BIT: bit_column,
    WireKind.TEXT: bytes_column,
    WireKind.BYTES: bytes_column,
}

_READERS: dict[WireKind, Callable[[WireColumn, RowCursor, Present], ColumnData]] = {
    WireKind.NULL: _null,
    WireKind.INTEGER: _fixed,
    WireKind.YEAR: _fixed,
    WireKind.FLOAT: _fixed,
    WireKind.DATE: _calendar,
    WireKind.DATETIME: _calendar,
    WireKind.TIME: _time,
    **dict.fromkeys(_STRINGS, _string),
}
