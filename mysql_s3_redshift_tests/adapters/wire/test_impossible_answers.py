"""Answers that no server gives: values, texts and packets that cannot be."""

from __future__ import annotations

from typing import Any

import pytest
from pymysql.constants import FIELD_TYPE

from mysql_s3_redshift.errors import SourceConnectionError, SourceError
from mysql_s3_redshift_tests.adapters.wire.answers import COLUMNS, rows_from
from mysql_s3_redshift_tests.adapters.wire.streams import (
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
