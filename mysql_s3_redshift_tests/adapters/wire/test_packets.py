"""Packets out of a stream of bytes that arrives in any pieces."""

from __future__ import annotations

import numpy as np
import pytest

from mysql_s3_redshift.adapters.mysql.wire.packets import MAX_PAYLOAD, PacketReader
from mysql_s3_redshift.errors import SourceConnectionError
from mysql_s3_redshift_tests.adapters.wire.streams import EOF, KILLED, arriving, packets

ROWS = [b"\0one", b"\0two and more", b"\0" + b"x" * 40, b"\0"]


def rows_of(reader: PacketReader) -> list[bytes]:
    reader.expect(1)
    rows = []
    while (block := reader.block()) is not None:
        for start, end in zip(block.starts, block.ends, strict=True):
            rows.append(block.buffer[start:end].tobytes())
    reader.finish()
    return rows


def reader_of(*chunks: bytes, buffer_bytes: int = 64) -> PacketReader:
    return PacketReader(arriving(*chunks), buffer_bytes=buffer_bytes)


@pytest.mark.parametrize("buffer_bytes", [5, 16, 47, 64, 4096])
def test_rows_are_the_same_wherever_the_stream_is_split(buffer_bytes: int):
    stream = packets([*ROWS, EOF])
    for split in range(len(stream) + 1):
        reader = reader_of(stream[:split], stream[split:], buffer_bytes=buffer_bytes)
        assert rows_of(reader) == ROWS
        assert reader.terminator == EOF


def test_rows_are_the_same_when_bytes_come_one_by_one():
    stream = packets([*ROWS, EOF])
    assert rows_of(reader_of(*(bytes([byte]) for byte in stream))) == ROWS


def test_sequence_numbers_wrap_after_255():
    rows = [b"\0" + bytes([i % 256]) for i in range(1000)]
    assert rows_of(reader_of(packets([*rows, EOF]))) == rows


def test_nothing_is_received_after_the_packet_that_ends_the_rows():
    """`arriving` raises when it is asked for more than there is: no read waits in vain."""
    for end in (EOF, KILLED):
        for buffer_bytes in (8, 64, 1 << 16):
            reader = reader_of(packets([*ROWS, end]), buffer_bytes=buffer_bytes)
            assert rows_of(reader) == ROWS
            assert reader.terminator == end
            assert reader.block() is None


@pytest.mark.parametrize("size", [MAX_PAYLOAD - 1, MAX_PAYLOAD, MAX_PAYLOAD + 1, 2 * MAX_PAYLOAD])
def test_payloads_of_16_mb_and_more_are_joined(size: int):
    body = np.arange(size - 1, dtype=np.uint32).astype(np.uint8).tobytes()
    rows = [b"\0before", b"\0" + body, b"\0after", b"\0" + body]
    reader = reader_of(packets([*rows, EOF]), buffer_bytes=1 << 20)
    assert rows_of(reader) == rows


def test_the_buffer_shrinks_back_after_a_large_row():
    rows = [b"\0small", b"\0" + b"L" * 100_000, b"\0small again", b"\0and again"]
    reader = reader_of(packets([*rows, EOF]), buffer_bytes=1000)
    reader.expect(1)
    sizes, capacities = [], []
    while (block := reader.block()) is not None:
        sizes.append(int((block.ends - block.starts).sum()))
        capacities.append(reader.capacity)
    assert max(capacities) >= 100_000
    assert capacities[0] == capacities[-1] == 1000
    assert sorted(sizes)[-2] < 1000, "rows behind a large one must not share its buffer"


def test_a_missing_packet_is_damage():
    stream = packets([*ROWS, EOF])
    first = 4 + len(ROWS[0])
    second = 4 + len(ROWS[1])
    for buffer_bytes in (8, 4096):
        reader = reader_of(stream[:first] + stream[first + second :], buffer_bytes=buffer_bytes)
        with pytest.raises(SourceConnectionError, match="out of order"):
            rows_of(reader)


def test_an_empty_packet_is_damage():
    for buffer_bytes in (8, 4096):
        with pytest.raises(SourceConnectionError, match="empty"):
            rows_of(reader_of(packets([ROWS[0], b"", EOF]), buffer_bytes=buffer_bytes))


def test_bytes_behind_the_end_are_damage():
    with pytest.raises(SourceConnectionError, match="follow the end"):
        rows_of(reader_of(packets([*ROWS, EOF]) + b"?", buffer_bytes=4096))


def test_an_error_with_number_zero_is_an_error_not_damage():
    """MariaDB numbers the ERR packet of a shutdown 0."""
    stream = packets(ROWS) + packets([KILLED], first=0)
    for buffer_bytes in (8, 4096):
        reader = reader_of(stream, buffer_bytes=buffer_bytes)
        assert rows_of(reader) == ROWS
        assert reader.terminator == KILLED


def test_packets_that_are_no_rows_are_read_one_by_one():
    reader = reader_of(packets([b"\x01", b"d" * 200, *ROWS, EOF]))
    reader.expect(1)
    assert [reader.packet(), reader.packet()] == [b"\x01", b"d" * 200]
    reader.expect(3)
    found = []
    while (block := reader.block()) is not None:
        found.append(len(block.starts))
    assert sum(found) == len(ROWS)


def test_a_buffer_must_hold_a_header_and_fit_into_arrow_offsets():
    for size in (0, 4, 1 << 31):
        with pytest.raises(ValueError, match="buffer_bytes"):
            reader_of(buffer_bytes=size)
