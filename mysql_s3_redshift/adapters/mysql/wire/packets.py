"""Packets off the socket, in large buffers (`page_protocol_basic_packets`).

A packet is three bytes of length, one byte of sequence number and the payload. A payload of 16 MB
and more comes in several packets: each but the last has the length 0xFFFFFF.

`PacketReader` receives into one buffer as much as the socket gives, and hands over blocks: the
buffer and where each row's payload begins and ends in it. It always knows whether the answer is
complete, so it never waits for bytes that the server does not owe: it receives only while the last
packet is incomplete or the packet that ends the rows has not come.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mysql_s3_redshift.adapters.mysql.wire.arrays import Bytes, Positions
from mysql_s3_redshift.adapters.mysql.wire.failures import damaged
from mysql_s3_redshift.errors import SourceError

HEADER = 4
MAX_PAYLOAD = 0xFFFFFF
PADDING = 64 << 10
"""Readable bytes behind the data. The decoder checks bounds once per column of variable width, and
4096 columns (the most MySQL allows) of at most 13 bytes fit in here."""

LARGEST_BUFFER = (1 << 31) - 1 - PADDING
"""Arrow's 32-bit offsets must reach every byte of the buffer."""

# 0xFE starts EOF or OK, 0xFF starts ERR. In a row of the text protocol 0xFE announces a value of
# 16 MB and more, which needs several packets; so in a single packet neither is a row.
_TERMINATORS = 0xFE
_ERR = 0xFF

_header = struct.Struct("<I").unpack_from


@dataclass(frozen=True, slots=True)
class RowBlock:
    """Rows in the reader's buffer; valid until the next block is asked for.

    Attributes:
        buffer: The bytes, with readable padding behind the last row.
        starts: Where each row's payload begins.
        ends: Where each row's payload ends.
    """

    buffer: Bytes
    starts: Positions
    ends: Positions


class PacketReader:
    """The packets of one answer after another."""

    def __init__(self, receive: Callable[[memoryview], int], *, buffer_bytes: int) -> None:
        if not HEADER < buffer_bytes <= LARGEST_BUFFER:
            raise ValueError(f"buffer_bytes is {buffer_bytes}")
        self._receive_into = receive
        self._buffer_bytes = buffer_bytes
        self._allocate(buffer_bytes)
        self._filled = 0  # bytes received
        self._consumed = 0  # bytes handed over
        self._scanned = 0  # bytes in which all packets are known
        self._starts: list[int] = []  # packets between consumed and scanned
        self._sequence = 0
        self.terminator: bytes | None = None

    @property
    def capacity(self) -> int:
        """Bytes that the buffer holds now: more than asked for only while a row needs it."""
        return len(self._buffer) - PADDING

    def expect(self, sequence: int) -> None:
        """Begin to read the answer whose first packet has this sequence number."""
        self._sequence = sequence
        self.terminator = None

    def packet(self) -> bytes:
        """Read one packet that is not a row."""
        self._compact()
        end = self._gather_front()
        return self._view[HEADER:end].tobytes()

    def finish(self) -> None:
        """Check that nothing follows the end of the answer."""
        if self._filled != self._consumed:
            raise damaged("bytes follow the end of an answer")

    def block(self) -> RowBlock | None:
        """Read the next rows: a buffer full, or one row that is larger; None after the last."""
        if self.terminator is not None:
            return None
        self._compact()
        while not self._scan() and self._filled < self._buffer_bytes:
            self._receive(self._buffer_bytes)
        if self._starts:
            return self._hand_over()
        end = self._gather_front()
        if self._consumed == end and self._buffer[HEADER] >= _TERMINATORS:
            self.terminator = self._view[HEADER:end].tobytes()
            return None
        return RowBlock(self._buffer, np.array([HEADER]), np.array([end]))

    def _scan(self) -> bool:
        """Find the complete packets behind the known ones.

        Returns:
            Whether to stop receiving: the rows have ended, or the next is one of several packets.
        """
        view, position, last_header = self._view, self._scanned, self._filled - HEADER
        filled, known = self._filled, self._starts.append
        split = False
        while position <= last_header:
            length = _header(view, position)[0] & MAX_PAYLOAD
            end = position + HEADER + length
            if length == MAX_PAYLOAD:
                split = True
                break
            if end > filled:
                break
            known(position)
            position = end
        self._scanned = position
        return split or (bool(self._starts) and view[self._starts[-1] + HEADER] >= _TERMINATORS)

    def _hand_over(self) -> RowBlock:
        headers = np.array(self._starts, dtype=np.int64)
        ends = np.append(headers[1:], self._scanned)
        starts = headers + HEADER
        if (starts >= ends).any():
            raise damaged("a packet is empty")
        self._check_sequence(headers, last_is_error=self._buffer[starts[-1]] == _ERR)
        self._consumed = self._scanned
        self._starts.clear()
        if self._buffer[starts[-1]] >= _TERMINATORS:
            self.terminator = self._buffer[starts[-1] : ends[-1]].tobytes()
            starts, ends = starts[:-1], ends[:-1]
        return RowBlock(self._buffer, starts, ends)

    def _check_sequence(self, headers: Positions, *, last_is_error: bool) -> None:
        numbers = self._buffer[headers + 3]
        expected = (np.arange(len(headers)) + self._sequence).astype(np.uint8)
        wrong = numbers != expected
        if last_is_error and numbers[-1] == 0:
            wrong[-1] = (
                False  # MariaDB numbers the ERR packet of a shutdown 0, whatever came before
            )
        if wrong.any():
            raise damaged("packets are missing or out of order")
        self._sequence = (self._sequence + len(headers)) & 0xFF

    def _gather_front(self) -> int:
        """Receive the whole packet at the front, join its parts; return where its payload ends."""
        read, write = 0, HEADER
        while True:
            self._receive_at_least(read + HEADER)
            length: int = _header(self._view, read)[0] & MAX_PAYLOAD
            after = read + HEADER + length
            self._receive_at_least(after)
            is_error = read == 0 and self._buffer[HEADER] == _ERR
            self._check_sequence(np.array([read]), last_is_error=is_error)
            self._buffer[write : write + length] = self._buffer[read + HEADER : after]
            read, write = after, write + length
            if length < MAX_PAYLOAD:
                break
        if write == HEADER:
            raise damaged("a packet is empty")
        self._consumed = self._scanned = read
        return write

    def _receive_at_least(self, count: int) -> None:
        if count > self.capacity:
            self._grow(count)
        while self._filled < count:
            # Not beyond a packet that made the buffer grow, so that little is left behind it.
            self._receive(max(count, self._buffer_bytes))

    def _receive(self, limit: int) -> None:
        self._filled += self._receive_into(self._view[self._filled : limit])

    def _grow(self, count: int) -> None:
        if count > LARGEST_BUFFER:
            raise SourceError(
                "A row of the query's result is larger than 2 GB.",
                kept="No part of that row was used.",
                remedy="Leave its largest column out of the query.",
            )
        old, filled = self._buffer, self._filled
        self._allocate(min(max(count, 2 * self.capacity), LARGEST_BUFFER))
        self._buffer[:filled] = old[:filled]

    def _compact(self) -> None:
        """Move what is left of the buffer to its front; shrink it after a large row."""
        left = self._buffer[self._consumed : self._filled]
        if self.capacity > self._buffer_bytes and len(left) <= self._buffer_bytes:
            self._allocate(self._buffer_bytes)
        self._buffer[: len(left)] = left.copy()
        self._filled, self._consumed = len(left), 0
        self._scanned = 0

    def _allocate(self, capacity: int) -> None:
        self._buffer = np.empty(capacity + PADDING, dtype=np.uint8)
        self._view = self._buffer.data
