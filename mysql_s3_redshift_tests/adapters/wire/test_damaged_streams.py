"""Whole answers, split anywhere and damaged anywhere."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymysql.constants import FIELD_TYPE

from mysql_s3_redshift.adapters.mysql import wire
from mysql_s3_redshift.errors import SourceConnectionError, SourceError
from mysql_s3_redshift_tests.adapters.wire.answers import (
    PROTOCOLS,
    TRUE_ROWS,
    collect,
    rows_from,
    whole,
)
from mysql_s3_redshift_tests.adapters.wire.comparison import Row
from mysql_s3_redshift_tests.adapters.wire.streams import (
    KILLED,
    OK_AS_EOF,
    ScriptedChannel,
    answer,
    arriving,
    open_stream,
    packets,
    simple_column,
)


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
