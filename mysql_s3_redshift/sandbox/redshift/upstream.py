"""A connection to the PostgreSQL behind the stand-in, in its raw protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from mysql_s3_redshift.sandbox.redshift import wire
from mysql_s3_redshift.sandbox.redshift.errors import RedshiftError, from_postgres

Row = list[str | None]

_COPY_PIECE = 1 << 20


class Upstream:
    """One backend of PostgreSQL, used by one session."""

    def __init__(
        self, path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._path, self._reader, self._writer = path, reader, writer
        self.status = b"I"
        self.announced: list[tuple[bytes, bytes]] = []
        self._key = b""

    @classmethod
    async def connect(cls, path: str, parameters: Mapping[str, str]) -> Upstream:
        """Open a connection.

        Raises:
            RedshiftError: When PostgreSQL refuses it, for instance for an unknown database.
        """
        self = cls(path, *await asyncio.open_unix_connection(path, limit=1 << 20))
        self._writer.write(wire.startup_message(parameters))
        while True:
            kind, body = await self.read()
            if kind == b"E":
                self._writer.close()
                raise from_postgres(wire.error_fields(body))
            if kind in (b"S", b"K"):
                self.announced.append((kind, body))
            if kind == b"K":
                self._key = body
            if kind == b"Z":
                return self

    @property
    def pid(self) -> int:
        """The backend's process id."""
        return wire.read_int32(self._key)

    @property
    def in_block(self) -> bool:
        """Whether a transaction block is open and healthy."""
        return self.status == b"T"

    @property
    def is_idle(self) -> bool:
        """Whether no transaction is open."""
        return self.status == b"I"

    def send(self, data: bytes) -> None:
        """Queue bytes for PostgreSQL."""
        self._writer.write(data)

    async def read(self) -> tuple[bytes, bytes]:
        """Read one message and follow the transaction status."""
        head = await self._reader.readexactly(5)
        body = await self._reader.readexactly(wire.read_int32(head, 1) - 4)
        if head[:1] == b"Z":
            self.status = body
        return head[:1], body

    async def query(self, sql: str) -> list[Row]:
        """Run SQL in the simple protocol and return its rows as text.

        Raises:
            RedshiftError: PostgreSQL's error, translated.
        """
        self._writer.write(wire.message(b"Q", wire.cstring(sql)))
        rows: list[Row] = []
        error: RedshiftError | None = None
        while True:
            kind, body = await self.read()
            if kind == b"D":
                values = wire.data_row(body)
                rows.append([None if value is None else value.decode() for value in values])
            elif kind == b"E":
                error = from_postgres(wire.error_fields(body))
            elif kind == b"Z":
                if error is not None:
                    raise error
                return rows

    async def copy_in(self, sql: str, chunks: Iterator[bytes]) -> None:
        """Run COPY .. FROM STDIN; the chunks are produced in a thread.

        Raises:
            RedshiftError: PostgreSQL's error, or the one that the producer raised.
        """
        self._writer.write(wire.message(b"Q", wire.cstring(sql)))
        failure: BaseException | None = None
        kind, body = await self.read()
        if kind == b"G":
            failure = await self._send_chunks(chunks)
            kind, body = await self.read()
        error: RedshiftError | None = None
        while kind != b"Z":
            if kind == b"E":
                error = from_postgres(wire.error_fields(body))
            kind, body = await self.read()
        if failure is not None:
            raise failure
        if error is not None:
            raise error

    async def _send_chunks(self, chunks: Iterator[bytes]) -> BaseException | None:
        # The next chunk is encoded while this one is on its way.
        coming = asyncio.create_task(asyncio.to_thread(next, chunks, None))
        try:
            while (chunk := await coming) is not None:
                coming = asyncio.create_task(asyncio.to_thread(next, chunks, None))
                for start in range(0, len(chunk), _COPY_PIECE):
                    self._writer.write(wire.message(b"d", chunk[start : start + _COPY_PIECE]))
                await self._writer.drain()
        except Exception as failure:  # noqa: BLE001 - re-raised once PostgreSQL has let go of COPY
            await asyncio.wait([coming])
            self._writer.write(wire.message(b"f", wire.cstring("load failed")))
            return failure
        self._writer.write(wire.message(b"c"))
        return None

    async def cancel(self) -> None:
        """Cancel the running statement, from outside."""
        await send_cancel(self._path, self._key)

    def close(self) -> None:
        """End the session; PostgreSQL rolls back what is open."""
        self._writer.write(wire.message(b"X"))
        self._writer.close()


async def send_cancel(path: str, key: bytes) -> None:
    """Send a cancel request to the server."""
    _, writer = await asyncio.open_unix_connection(path)
    writer.write(wire.cancel_message(key))
    await writer.drain()
    writer.close()
