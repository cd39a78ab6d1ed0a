"""Carries messages between one client and its backend, translating answers on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from mysql_s3_redshift.sandbox.redshift import wire
from mysql_s3_redshift.sandbox.redshift.errors import RedshiftError, from_postgres
from mysql_s3_redshift.sandbox.redshift.names import LongNames
from mysql_s3_redshift.sandbox.redshift.sql.lexer import quote_name

if TYPE_CHECKING:
    from mysql_s3_redshift.sandbox.redshift.upstream import Row, Upstream


class Relay:
    """The two ends of a session.

    Args:
        writer: Towards the client.
        upstream: The backend.
        user: The database user of the session.
        names: Gives long identifiers back in results and errors.
        results: Rewrites result sets.
        on_error: Told of every error that the client is told of.
    """

    def __init__(
        self,
        writer: asyncio.StreamWriter,
        upstream: Upstream,
        *,
        user: str,
        names: LongNames,
        results: wire.ResultRewriter,
        on_error: Callable[[RedshiftError], None],
    ) -> None:
        self.upstream = upstream
        self.silent = self.hides_acknowledgements = False
        self._writer, self._user = writer, user
        self._names, self._results, self._on_error = names, results, on_error
        self._pipelined = False

    # -- towards the client ------------------------------------------------------------------------

    def send(self, kind: bytes, body: bytes = b"") -> None:
        """Send one message.

        A fault may have silenced this session; a simple query hides ParseComplete, BindComplete.
        """
        hidden = self.hides_acknowledgements and kind in (b"1", b"2")
        if not self.silent and not hidden:
            self._writer.write(wire.message(kind, body))

    def report(self, error: RedshiftError) -> None:
        """Send an error."""
        self._on_error(error)
        fields = {key: self._names.restore(value) for key, value in error.fields().items()}
        if not self.silent:
            self._writer.write(wire.report(b"E", fields))

    def notice(self, text: str) -> None:
        """Send an informational notice."""
        self._writer.write(wire.report(b"N", {"S": "INFO", "C": "00000", "M": text}))

    async def flush(self) -> None:
        """Wait until the client has taken what was sent."""
        await self._writer.drain()

    # -- towards PostgreSQL ------------------------------------------------------------------------

    async def exchange(self, data: bytes, last: tuple[bytes, ...]) -> bool:
        """Send one extended-protocol message and pass its answer on; True when it succeeded."""
        self._pipelined = True
        self.upstream.send(data + wire.message(b"H"))
        while True:
            kind, body = await self.upstream.read()
            self._pass_on(kind, body)
            if kind == b"E":
                return False
            if kind in last:
                await self.flush()
                return True

    async def sync(self) -> None:
        """End the pipeline, and with it an implicit transaction."""
        self._pipelined = False
        self.upstream.send(wire.message(b"S"))
        while True:
            kind, body = await self.upstream.read()
            if kind == b"Z":
                return
            self._pass_on(kind, body)

    async def inject(self, sql: str) -> list[Row]:
        """Run a statement of our own, in the client's transaction if there is one.

        Outside a block the implicit transaction of the pipeline is closed first: PostgreSQL 18
        fails on a simple query inside an unsynced pipeline.
        """
        if self._pipelined and self.upstream.is_idle:
            await self.sync()
        return await self.upstream.query(sql)

    async def lock(self, table: str) -> None:
        """Take the write lock of a table, as superuser: writing needs no right to lock.

        No statement here takes a snapshot, so the transaction's snapshot is younger than the lock.
        """
        await self.inject(
            f"set session authorization default; lock table {table} in share row exclusive mode; "
            f"set session authorization {quote_name(self._user)}"
        )

    def _pass_on(self, kind: bytes, body: bytes) -> None:
        if kind == b"E":
            self.report(from_postgres(wire.error_fields(body)))
            return
        if kind == b"T":
            body = self._results.describe(body)
        elif kind == b"D":
            body = self._results.row(body)
        self.send(kind, body)
