"""Whole answers, split anywhere and damaged anywhere."""

from __future__ import annotations

import struct
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymysql.constants import FIELD_TYPE, FLAG

from mysql_s3_redshift.adapters.mysql import wire
from mysql_s3_redshift.errors import SourceConnectionError, SourceError
from mysql_s3_redshift_tests.adapters.wire.comparison import Row, rows_of
from mysql_s3_redshift_tests.adapters.wire.streams import (
    EOF,
    KILLED,
    OK_AS_EOF,
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


def test_both_protocols_give_the_same_rows():
    assert rows_from(ScriptedChannel(arriving(whole("text"))), "text") == TRUE_ROWS
    assert [row[0] for row in TRUE_ROWS] == [1, -2, 3, 4]
    assert TRUE_ROWS[1][4:7] == ("0000-00-00", TRUE_ROWS[1][5], TRUE_ROWS[1][6])
    assert [row[7] for row in TRUE_ROWS] == [0x0102, 0, None, 2**64 - 1]


@PROTOCOLS
def test_an_answer_is_the_same_wherever_it_is_split(protocol: str):
    stream = whole(protocol)
    for split in range(len(stream) + 1):
        channel = ScriptedChannel(arriving(stream[:split], stream[split:]))
        assert rows_from(channel, protocol, 256) == TRUE_ROWS
        assert channel.state == "idle"


@PROTOCOLS
def test_an_answer_that_stops_anywhere_is_a_lost_connection(protocol: str):
    """I-42: a cut answer is never taken for a short one."""
    stream = whole(protocol)
    for cut in range(len(stream)):
        channel = ScriptedChannel(arriving(stream[:cut]))
        rows: list[Row] = []
        with pytest.raises(SourceConnectionError):
            collect(channel, rows, protocol, 256)
        assert rows == TRUE_ROWS[: len(rows)]
        assert channel.state == "closed"


@PROTOCOLS
def test_servers_that_leave_out_eof_packets_are_understood(protocol: str):
    stream = whole(protocol, OK_AS_EOF, deprecated=True)
    channel = ScriptedChannel(arriving(stream), deprecated=True)
    assert rows_from(channel, protocol) == TRUE_ROWS
    # With a message or session changes the OK packet is longer than an EOF packet may be.
    stream = whole(protocol, OK_AS_EOF + b"\x10" + b"m" * 16, deprecated=True)
    assert rows_from(ScriptedChannel(arriving(stream), deprecated=True), protocol) == TRUE_ROWS


@PROTOCOLS
def test_an_error_in_the_middle_is_raised_behind_the_rows_before_it(protocol: str):
    rows: list[Row] = []
    with pytest.raises(SourceConnectionError, match="interrupted") as raised:
        collect(ScriptedChannel(arriving(whole(protocol, KILLED))), rows, protocol)
    assert rows == TRUE_ROWS
    assert raised.value.retryable


def packet_headers(stream: bytes) -> list[int]:
    """Where each packet begins."""
    position, starts = 0, []
    while position < len(stream):
        starts.append(position)
        position += 4 + int.from_bytes(stream[position : position + 3], "little")
    return starts


@PROTOCOLS
@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_damage_to_the_packets_is_an_error_after_true_rows(protocol: str, data: st.DataObject):
    """Lengths, numbers and whole packets: no row that was handed over is ever a wrong one."""
    stream = bytearray(whole(protocol))
    headers = packet_headers(bytes(stream))
    start = data.draw(st.sampled_from(headers))
    match data.draw(st.sampled_from(["flip", "remove", "repeat", "cut header"])):
        case "flip":
            stream[start + data.draw(st.integers(0, 3))] ^= data.draw(st.integers(1, 255))
        case "remove":
            length = int.from_bytes(stream[start : start + 3], "little")
            del stream[start : start + 4 + length]
        case "repeat":
            length = int.from_bytes(stream[start : start + 3], "little")
            stream[start:start] = stream[start : start + 4 + length]
        case "cut header":
            del stream[start + data.draw(st.integers(0, 3))]
    rows: list[Row] = []

    with pytest.raises(SourceError):
        collect(ScriptedChannel(arriving(bytes(stream))), rows, protocol, 256)

    assert rows == TRUE_ROWS[: len(rows)]


@PROTOCOLS
@settings(deadline=None, max_examples=400)
@given(data=st.data())
def test_damage_to_any_byte_is_an_error_or_well_formed_rows(protocol: str, data: st.DataObject):
    """A changed value looks like a value; the shape of the result still is checked by Arrow."""
    stream = bytearray(whole(protocol))
    for _ in range(data.draw(st.integers(1, 3))):
        stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    channel = ScriptedChannel(arriving(bytes(stream)))
    rows: list[Any] = []
    try:
        with open_stream(channel, protocol=protocol, buffer_bytes=300) as batches:
            for batch in batches:
                batch.batch.validate(full=True)
                rows += [batch.batch.num_columns] * batch.batch.num_rows
    except SourceError:
        assert channel.state in {"idle", "closed"}
    else:
        assert len(rows) == len(TRUE_ROWS)


@PROTOCOLS
@settings(deadline=None, max_examples=300)
@given(noise=st.binary(max_size=200))
def test_noise_is_an_error(protocol: str, noise: bytes):
    with pytest.raises(SourceError):
        rows_from(ScriptedChannel(arriving(noise)), protocol)


ONE = simple_column


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (ONE("v", FIELD_TYPE.DATE), b"\x03\xe8\x07\x01"),
        (ONE("v", FIELD_TYPE.DATE), b"\x04\xe8\x07\x0d\x01"),
        (ONE("v", FIELD_TYPE.DATE), b"\x04\xe8\x07\x01\x20"),
        (ONE("v", FIELD_TYPE.DATE), b"\x04\x10\x27\x01\x01"),
        (ONE("v", FIELD_TYPE.DATETIME), b"\x07\xe8\x07\x01\x01\x18\x00\x00"),
        (ONE("v", FIELD_TYPE.DATETIME), b"\x0b\xe8\x07\x01\x01\x00\x00\x00\x40\x42\x0f\x00"),
        (ONE("v", FIELD_TYPE.TIME), b"\x08\x02\0\0\0\0\x01\x01\x01"),
        (ONE("v", FIELD_TYPE.TIME), b"\x08\x00\x23\0\0\0\x00\x00\x00"),
        (ONE("v", FIELD_TYPE.TIME), b"\x0c\0\0\0\0\0\0\0\0\x40\x42\x0f\x00"),
        (ONE("v", FIELD_TYPE.BIT), string(b"\x01" * 9)),
        (ONE("v", FIELD_TYPE.NEWDECIMAL, decimals=2), string(b"1.x0")),
        (ONE("v", FIELD_TYPE.NEWDECIMAL, decimals=2), string(b"1.005")),
        (ONE("v", FIELD_TYPE.NEWDECIMAL, decimals=2), string(b"\xff\xfe")),
        (ONE("v", FIELD_TYPE.NEWDECIMAL, decimals=2, length=4), string(b"123.45")),
        (ONE("v", FIELD_TYPE.NEWDECIMAL, decimals=2), string(b"1e1")),
        (ONE("v", FIELD_TYPE.NEWDECIMAL, decimals=2), string(b"")),
        (ONE("v", FIELD_TYPE.NEWDECIMAL, decimals=2, length=67), string(b"1-2")),
        (ONE("v", FIELD_TYPE.NEWDECIMAL, decimals=2, length=67), string(b"")),
        (ONE("v", FIELD_TYPE.NEWDECIMAL, decimals=2, length=67), string(b"\xff")),
        (ONE("v", FIELD_TYPE.BLOB), b"\xfb"),
        (ONE("v", FIELD_TYPE.BLOB), b"\xff"),
        (ONE("v", FIELD_TYPE.BLOB), b"\xfe" + b"\xff" * 8),
        (ONE("v", FIELD_TYPE.BLOB), b"\xfc\xff\xff"),
        (ONE("v", FIELD_TYPE.LONG), b"\0\0\0"),
        (ONE("v", FIELD_TYPE.LONG), b"\0\0\0\0\0"),
        (ONE("v", FIELD_TYPE.NULL), b""),
    ],
)
def test_impossible_values_are_damage(column: Any, value: bytes):
    stream = packets(answer([column], [binary_row([value])]))
    with pytest.raises(SourceConnectionError, match="damaged"):
        rows_from(ScriptedChannel(arriving(stream)), "binary")


@pytest.mark.parametrize(
    ("type_code", "value"),
    [
        (FIELD_TYPE.LONG, b"1x"),
        (FIELD_TYPE.LONG, b""),
        (FIELD_TYPE.LONG, b"0x1"),
        (FIELD_TYPE.LONG, b"1.5"),
        (FIELD_TYPE.DOUBLE, b"nan"),
        (FIELD_TYPE.DOUBLE, b"1e"),
        (FIELD_TYPE.TINY, b"128"),
        (FIELD_TYPE.DATE, b"2024-1-01"),
        (FIELD_TYPE.DATE, b"2024/01/01"),
        (FIELD_TYPE.DATE, b"2024-13-01"),
        (FIELD_TYPE.DATETIME, b"2024-01-01"),
        (FIELD_TYPE.DATETIME, b"2024-01-01 24:00:00"),
        (FIELD_TYPE.DATETIME, b"2024-01-01 00:00:00."),
        (FIELD_TYPE.DATETIME, b"2024-01-01 00:00:00.1234567"),
        (FIELD_TYPE.TIME, b"1:00:00"),
        (FIELD_TYPE.TIME, b"839:00:00"),
        (FIELD_TYPE.TIME, b"00:60:00"),
        (FIELD_TYPE.TIME, b"--1:00:00"),
        (FIELD_TYPE.TIME, b""),
        (FIELD_TYPE.NULL, b"x"),
    ],
)
def test_impossible_text_is_damage(type_code: int, value: bytes):
    column = simple_column("v", type_code, decimals=31)
    rows = [text_row([value]), text_row([None])]
    stream = packets(answer([column], rows))
    with pytest.raises(SourceConnectionError, match="damaged"):
        rows_from(ScriptedChannel(arriving(stream)), "text")


def test_unknown_types_are_refused_by_name_and_code():
    channel = ScriptedChannel(arriving(packets(answer([simple_column("odd", 20)], []))))
    with pytest.raises(SourceError, match="`odd` has MySQL type code 20"):
        open_stream(channel)
    assert channel.state == "closed"


@pytest.mark.parametrize(
    "payloads",
    [
        [b"\xfb/etc/passwd"],
        [b"\x02\x00"],
        [b"\xfc\xff\xff"],
        [b"\x01", b"short"],
        [b"\x01", *answer([simple_column("v", FIELD_TYPE.LONG)], [])[1:2], b"\0no eof"],
        answer([simple_column("v", FIELD_TYPE.LONG)], [], end=b"\xfe\0"),
        answer([simple_column("v", FIELD_TYPE.LONG)], [], end=b"\xfe\0\0\0\0\0"),
    ],
)
def test_impossible_answers_are_damage(payloads: list[bytes]):
    with pytest.raises(SourceConnectionError, match="damaged"):
        rows_from(ScriptedChannel(arriving(packets(payloads))), "text")


def test_a_second_result_is_refused():
    more = b"\xfe\0\0\x0a\0"
    channel = ScriptedChannel(arriving(packets(answer(COLUMNS, [], end=more))))
    with pytest.raises(SourceError, match="more than one result"):
        rows_from(channel, "binary")
    assert channel.state == "closed"


def test_the_rows_of_the_package_docstring_are_read_as_it_says():
    columns = [
        simple_column("n", FIELD_TYPE.LONGLONG),
        simple_column("null", FIELD_TYPE.NULL),
        simple_column("text", FIELD_TYPE.VAR_STRING, charset=45),
        simple_column("day", FIELD_TYPE.DATE),
    ]
    binary = bytes.fromhex("00 08 0700000000000000 02 6869 04 e807 02 1d")
    text = bytes.fromhex("01 37 fb 02 6869 0a") + b"2024-02-29"
    assert (len(binary), len(text)) == (0x12, 0x11)
    for protocol, row in (("binary", binary), ("text", text)):
        stream = packets(answer(columns, [row]))
        assert f"{len(row):02x} 00 00 07" in (wire.__doc__ or "")
        assert stream[-9 - len(row) - 4 : -9 - len(row)] == bytes([len(row), 0, 0, 7])
        (found,) = rows_from(ScriptedChannel(arriving(stream)), protocol)
        assert found == (7, None, "hi", date(2024, 2, 29))
