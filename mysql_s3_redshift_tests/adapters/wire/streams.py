"""Answers of a server, written byte by byte without the code under test.

The layouts are those of the MySQL source documentation (`page_protocol_binary_resultset`,
`page_protocol_com_query_response_text_resultset`), written down a second time.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mysql_s3_redshift.adapters.mysql.wire import ResultStream, WireColumn
from mysql_s3_redshift.adapters.mysql.wire.driver import Channel
from mysql_s3_redshift.adapters.mysql.wire.failures import ServerRefusal
from mysql_s3_redshift.adapters.mysql.wire.packets import PacketReader
from mysql_s3_redshift.adapters.mysql.wire.protocol import Session, Statement
from mysql_s3_redshift.errors import SourceConnectionError

EOF = b"\xfe\x00\x00\x02\x00"
OK_AS_EOF = b"\xfe\x00\x00\x02\x00\x00\x00"
KILLED = b"\xff\x25\x05#70100Query execution was interrupted"  # 1317
CUT_OFF = "the end of the bytes"


def string(value: bytes) -> bytes:
    """A length-encoded string."""
    size = len(value)
    if size < 251:
        return struct.pack("<B", size) + value
    if size < 1 << 16:
        return b"\xfc" + struct.pack("<H", size) + value
    if size < 1 << 24:
        return b"\xfd" + struct.pack("<I", size)[:3] + value
    return b"\xfe" + struct.pack("<Q", size) + value


def packets(payloads: Iterable[bytes], first: int = 1) -> bytes:
    """Payloads as packets with running numbers, long ones in several."""
    written, number = bytearray(), first
    for payload in payloads:
        rest = payload
        while True:
            part, rest = rest[:0xFFFFFF], rest[0xFFFFFF:]
            written += struct.pack("<I", len(part))[:3] + bytes([number & 255]) + part
            number += 1
            if len(part) < 0xFFFFFF:
                break
    return bytes(written)


def definition(column: WireColumn) -> bytes:
    """A column definition."""
    names = [b"def", b"shop", b"t", b"t", column.name.encode(), column.name.encode()]
    fixed = struct.pack(
        "<BHIBHBxx",
        12,
        column.charset,
        column.length,
        column.type_code,
        column.flags,
        column.decimals,
    )
    return b"".join(map(string, names)) + fixed


def binary_row(values: Sequence[bytes | None]) -> bytes:
    """A row of the binary protocol out of encoded values."""
    bitmap = bytearray((len(values) + 9) // 8)
    for index, value in enumerate(values):
        if value is None:
            bitmap[(index + 2) // 8] |= 1 << (index + 2) % 8
    return b"\0" + bytes(bitmap) + b"".join(value for value in values if value is not None)


def text_row(values: Sequence[bytes | None]) -> bytes:
    """A row of the text protocol."""
    return b"".join(b"\xfb" if value is None else string(value) for value in values)


def answer(
    columns: Sequence[WireColumn],
    rows: Sequence[bytes],
    *,
    end: bytes = EOF,
    eof_deprecated: bool = False,
) -> list[bytes]:
    """The payloads of a whole result set."""
    between = [] if eof_deprecated else [EOF]
    head = [bytes([len(columns)]), *map(definition, columns)]
    return [*head, *between, *rows, end]


def arriving(*chunks: bytes) -> Callable[[memoryview], int]:
    """A socket on which these chunks arrive, each by itself, and then nothing more."""
    waiting = [chunk for chunk in chunks if chunk]

    def receive_into(view: memoryview) -> int:
        if not waiting:
            raise SourceConnectionError(CUT_OFF)
        chunk, rest = waiting[0][: len(view)], waiting[0][len(view) :]
        view[: len(chunk)] = chunk
        waiting[:1] = [rest] if rest else []
        return len(chunk)

    return receive_into


@dataclass
class ScriptedChannel(Channel):
    """A channel whose server says what the test wrote."""

    receive: Callable[[memoryview], int]
    deprecated: bool = False
    sent: list[tuple[int, bytes]] = field(default_factory=list)
    state: str = "idle"

    @property
    def eof_deprecated(self) -> bool:
        return self.deprecated

    @property
    def idle(self) -> bool:
        return self.state == "idle"

    def send(self, command: int, payload: bytes) -> int:
        self.sent.append((command, payload))
        self.state = "reading"
        return 1

    def send_unanswered(self, command: int, payload: bytes) -> None:
        self.sent.append((command, payload))

    def receive_into(self, view: memoryview) -> int:
        return self.receive(view)

    def release(self, server_status: int | None = None) -> None:
        self.state = "idle"

    def abandon(self) -> None:
        self.state = "closed"


def open_stream(
    channel: ScriptedChannel,
    *,
    protocol: str = "binary",
    buffer_bytes: int = 1 << 16,
    batch_rows: int = 1000,
) -> ResultStream:
    """Execute a query on a scripted channel."""
    session = Session(channel, PacketReader(channel.receive_into, buffer_bytes=buffer_bytes))
    statement = Statement(7, 0) if protocol == "binary" else None
    try:
        columns = session.execute(statement, ()) if statement else session.query("SELECT 1")
    except ServerRefusal as refusal:
        raise refusal.source_error() from refusal
    return ResultStream(session, columns, statement, batch_rows=batch_rows, exact=True)


def simple_column(name: str, type_code: int, **details: Any) -> WireColumn:
    """A column with the details that matter to a test."""
    defaults = {"charset": 63, "length": 20, "flags": 0, "decimals": 0}
    return WireColumn(name=name, type_code=type_code, **(defaults | details))
