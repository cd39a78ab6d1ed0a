"""One answer with columns of many types in both protocols, and the rows that are true of it."""

from __future__ import annotations

import struct

import pytest
from pymysql.constants import FIELD_TYPE, FLAG

from mysql_s3_redshift_tests.adapters.wire.comparison import Row, rows_of
from mysql_s3_redshift_tests.adapters.wire.streams import (
    EOF,
    ScriptedChannel,
    answer,
    arriving,
    binary_row,
    open_stream,
    packets,
    simple_column,
    string,
    text_row,
)

COLUMNS = [
    simple_column("id", FIELD_TYPE.LONGLONG, flags=FLAG.NOT_NULL),
    simple_column("tiny", FIELD_TYPE.TINY),
    simple_column("ratio", FIELD_TYPE.DOUBLE, decimals=31),
    simple_column("amount", FIELD_TYPE.NEWDECIMAL, length=14, decimals=2),
    simple_column("day", FIELD_TYPE.DATE),
    simple_column("at", FIELD_TYPE.DATETIME, decimals=6),
    simple_column("span", FIELD_TYPE.TIME, decimals=6),
    simple_column("flags", FIELD_TYPE.BIT),
    simple_column("note", FIELD_TYPE.VAR_STRING, charset=45),
    simple_column("raw", FIELD_TYPE.BLOB),
]

# The same rows in both protocols, one column after another.
_BINARY_VALUES: list[list[bytes | None]] = [
    [struct.pack("<q", n) for n in (1, -2, 3, 4)],
    [b"\x7f", None, b"\x80", b"\x00"],
    [struct.pack("<d", 0.1), struct.pack("<d", -0.0), None, struct.pack("<d", 1e300)],
    [string(b"-12.50"), string(b"0.00"), string(b"9999999999.99"), None],
    [b"\x04\xe8\x07\x02\x1d", b"\x00", b"\x04\xe8\x07\x02\x00", None],
    [
        b"\x0b\xe8\x07\x02\x1d\x17\x3b\x3b\x3f\x42\x0f\x00",
        b"\x07\xe8\x07\x01\x01\x00\x00\x01",
        b"\x04\xe8\x07\x01\x01",
        None,
    ],
    [b"\x0c\x01\x02\0\0\0\x03\x04\x05\x06\0\0\0", b"\x00", b"\x08\0\0\0\0\0\x01\x01\x01", None],
    [string(b"\x01\x02"), string(b"\0"), None, string(b"\xff" * 8)],
    [string("ä€😀".encode()), string(b""), None, string(b"n" * 300)],
    [string(b"\0\xfb\xfe\xff"), None, string(b""), string(b"r")],
]
_TEXT_VALUES: list[list[bytes | None]] = [
    [b"1", b"-2", b"3", b"4"],
    [b"127", None, b"-128", b"0"],
    [b"0.1", b"-0", None, b"1e300"],
    [b"-12.50", b"0.00", b"9999999999.99", None],
    [b"2024-02-29", b"0000-00-00", b"2024-02-00", None],
    [
        b"2024-02-29 23:59:59.999999",
        b"2024-01-01 00:00:01.000000",
        b"2024-01-01 00:00:00.000000",
        None,
    ],
    [b"-51:04:05.000006", b"00:00:00.000000", b"01:01:01.000000", None],
    [b"\x01\x02", b"\0", None, b"\xff" * 8],
    ["ä€😀".encode(), b"", None, b"n" * 300],
    [b"\0\xfb\xfe\xff", None, b"", b"r"],
]
PAYLOADS = {
    "binary": [binary_row(row) for row in zip(*_BINARY_VALUES, strict=True)],
    "text": [text_row(row) for row in zip(*_TEXT_VALUES, strict=True)],
}
PROTOCOLS = pytest.mark.parametrize("protocol", ["binary", "text"])


def rows_from(channel: ScriptedChannel, protocol: str, buffer_bytes: int = 1 << 16) -> list[Row]:
    rows: list[Row] = []
    collect(channel, rows, protocol, buffer_bytes)
    return rows


def collect(
    channel: ScriptedChannel, rows: list[Row], protocol: str, buffer_bytes: int = 1 << 16
) -> None:
    with open_stream(channel, protocol=protocol, buffer_bytes=buffer_bytes, batch_rows=3) as stream:
        for batch in stream:
            assert batch.columns == tuple(stream.columns)
            rows += rows_of(batch)


def whole(protocol: str, end: bytes = EOF, *, deprecated: bool = False) -> bytes:
    return packets(answer(COLUMNS, PAYLOADS[protocol], end=end, eof_deprecated=deprecated))


TRUE_ROWS = rows_from(ScriptedChannel(arriving(whole("binary"))), "binary")
