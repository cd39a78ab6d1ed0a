"""One client's session: messages in, statements judged and run, answers out.

Locks and snapshots follow Redshift: inside a block every write first takes the table's write lock,
before PostgreSQL parses the statement, because parsing fixes the snapshot; so a second writer waits
and then sees the result of the first instead of failing (`c_write_readwrite`).
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from mysql_s3_redshift.sandbox.redshift import wire
from mysql_s3_redshift.sandbox.redshift.actions import run_action
from mysql_s3_redshift.sandbox.redshift.control import ClientDropped
from mysql_s3_redshift.sandbox.redshift.errors import (
    IN_TRANSACTION,
    RedshiftError,
    from_postgres,
    is_serializable_conflict,
)
from mysql_s3_redshift.sandbox.redshift.sql.lexer import (
    quote_literal,
    quote_name,
    render,
    split_statements,
    tokenize,
)
from mysql_s3_redshift.sandbox.redshift.sql.statement import Statement
from mysql_s3_redshift.sandbox.redshift.sql.statements import translate

if TYPE_CHECKING:
    from mysql_s3_redshift.sandbox.redshift.server import Server
    from mysql_s3_redshift.sandbox.redshift.startup import ClientReader
    from mysql_s3_redshift.sandbox.redshift.upstream import Upstream

_COMPLETED = (b"C", b"I", b"s")


class Session:
    """The conversation with one authenticated client."""

    def __init__(
        self,
        server: Server,
        reader: ClientReader,
        writer: asyncio.StreamWriter,
        upstream: Upstream,
        user: str,
    ) -> None:
        self.server, self.upstream, self.user = server, upstream, user
        self.reader, self.writer = reader, writer
        self.query_state: dict[str, int] = {}
        self._statements: dict[str, Statement] = {}
        self._portals: dict[str, Statement] = {}
        self._results = wire.ResultRewriter(server.type_oids, server.names.full)
        self._skipping = False
        self._pipelined = False
        self._silent = False
        self._drop_after_sync = False

    async def run(self) -> None:
        """Serve the client until it leaves."""
        watch = asyncio.create_task(self._cancel_when_gone())
        try:
            while True:
                head = await self.reader.readexactly(5)
                size = wire.read_int32(head, 1) - 4
                body = await self.reader.readexactly(size)
                if head[:1] == b"X":
                    return
                await self._answer(head[:1], body)
        finally:
            watch.cancel()

    async def _cancel_when_gone(self) -> None:
        """Cancel the running statement of a client that has gone, so that its locks go too."""
        await self.reader.gone.wait()
        with contextlib.suppress(OSError):
            await self.upstream.cancel()

    # -- messages ----------------------------------------------------------------------------------

    async def _answer(self, kind: bytes, body: bytes) -> None:
        if kind == b"S":
            await self._sync()
        elif kind == b"Q":
            await self._simple_query(wire.read_cstring(body)[0])
        elif kind != b"H" and not self._skipping:
            try:
                await self._extended(kind, body)
            except RedshiftError as error:
                self._skipping = True
                await self._fail(error)

    async def _extended(self, kind: bytes, body: bytes) -> None:
        match kind:
            case b"P":
                await self._parse(body)
            case b"D":
                await self._describe(body)
            case b"B":
                await self._bind(body)
            case b"E":
                await self._execute(body)
            case b"C":
                self._forget(body)
                await self._exchange(wire.message(kind, body), (b"3",))
            case _:
                raise RedshiftError("08P01", f"unexpected message {kind!r}")

    async def _parse(self, body: bytes) -> None:
        name, position = wire.read_cstring(body)
        sql, position = wire.read_cstring(body, position)
        self.server.faults.answer(sql)
        tokens = tokenize(sql, self.server.names)
        if len(split_statements(tokens)) > 1:
            message = "cannot insert multiple commands into a prepared statement"
            raise RedshiftError("42601", message)
        statement = translate(tokens)
        await self.server.save_names()
        self._statements[name] = statement
        if statement.action is not None:
            self._send(b"1")
            return
        await self._prepare(statement)
        oids = wire.replace_parameter_oids(body[position:], self.server.postgres_oids)
        parse = wire.cstring(name) + wire.cstring(statement.sql) + oids
        await self._exchange(wire.message(b"P", parse), (b"1",))

    async def _describe(self, body: bytes) -> None:
        name, _ = wire.read_cstring(body, 1)
        is_statement = body[:1] == b"S"
        known = self._statements if is_statement else self._portals
        statement = known.get(name)
        if statement is not None and statement.action is not None:
            if is_statement:
                self._send(b"t", b"\0\0")
            self._send(b"n")
            return
        await self._exchange(wire.message(b"D", body), (b"T", b"n"))

    async def _bind(self, body: bytes) -> None:
        portal, position = wire.read_cstring(body)
        name, _ = wire.read_cstring(body, position)
        statement = self._statements.get(name)
        if statement is not None:
            self._portals[portal] = statement
            if statement.action is not None:
                self._send(b"2")
                return
            await self._prepare(statement)
        await self._exchange(wire.message(b"B", body), (b"2",))

    async def _execute(self, body: bytes) -> None:
        statement = self._portals.get(wire.read_cstring(body)[0], Statement())
        self._refuse_in_block(statement)
        commits = statement.tag == "COMMIT"
        if statement.action is not None:
            await run_action(self, statement)
            self._send(b"C", wire.cstring(statement.tag))
            return
        if commits:
            self.server.faults.drop_at("before_commit")
            if self.server.faults.drops_at("during_commit"):
                self._silent = True
        if await self._exchange(wire.message(b"E", body), _COMPLETED):
            await self._finish(statement)
        if self._silent:
            raise ClientDropped("during_commit")
        if commits and self.server.faults.drops_at("after_commit"):
            self._drop_after_sync = True

    def _forget(self, body: bytes) -> None:
        name, _ = wire.read_cstring(body, 1)
        (self._statements if body[:1] == b"S" else self._portals).pop(name, None)

    async def _sync(self) -> None:
        self._skipping = self._pipelined = False
        self.upstream.send(wire.message(b"S"))
        await self._relay_until_ready()
        self._send(b"Z", self.upstream.status)
        await self.writer.drain()
        if self._drop_after_sync:
            raise ClientDropped("after_commit")

    async def _simple_query(self, sql: str) -> None:
        """Run a simple query through the extended path, statement by statement."""
        try:
            for tokens in split_statements(tokenize(sql, self.server.names)) or [[]]:
                text = wire.cstring(render(tokens))
                for kind, body in (
                    (b"P", b"\0" + text + b"\0\0"),
                    (b"B", b"\0\0\0\0\0\0\0\0"),
                    (b"D", b"P\0"),
                    (b"E", b"\0\0\0\0\0"),
                ):
                    await self._extended(kind, body)
                if self._skipping:
                    break
        except RedshiftError as error:
            await self._fail(error)
        await self._sync()

    # -- running statements ------------------------------------------------------------------------

    async def inject(self, sql: str) -> list[list[str | None]]:
        """Run a statement of our own, in the client's transaction if there is one.

        Outside a block the implicit transaction of the pipeline is closed first: PostgreSQL 18
        fails on a simple query inside an unsynced pipeline.
        """
        if self._pipelined and self.upstream.is_idle:
            self.upstream.send(wire.message(b"S"))
            await self._relay_until_ready()
            self._pipelined = False
        return await self.upstream.query(sql, self.writer)

    async def lock(self, table: str) -> None:
        """Take the write lock of a table, as its owner: writing needs no right to lock.

        No statement here takes a snapshot, so the transaction's snapshot is younger than the lock.
        """
        user = quote_name(self.user)
        await self.inject(
            f"set session authorization default; lock table {table} in share row exclusive mode; "
            f"set session authorization {user}"
        )

    async def _prepare(self, statement: Statement) -> None:
        if self.upstream.in_block and statement.locks:
            await self.lock(statement.locks)
        if self.query_state and (self.upstream.is_idle or self.upstream.in_block):
            # A failed COPY could not leave its count in the aborted block.
            state, self.query_state = self.query_state, {}
            await self.inject(set_state(state))

    async def _finish(self, statement: Statement) -> None:
        for sql in statement.then:
            await self.inject(sql)
        if statement.commits and self.upstream.in_block:
            await self.inject("commit")

    def _refuse_in_block(self, statement: Statement) -> None:
        if statement.alone and self.upstream.in_block:
            message = f"{statement.alone} cannot run inside a transaction block"
            raise RedshiftError(IN_TRANSACTION, message)

    async def _exchange(self, data: bytes, last: tuple[bytes, ...]) -> bool:
        """Send one message to PostgreSQL and relay until its answer; True when it succeeded."""
        self._pipelined = True
        self.upstream.send(data + wire.message(b"H"))
        while True:
            kind, body = await self.upstream.read()
            self._relay(kind, body)
            if kind == b"E":
                self._skipping = True
                return False
            if kind in last:
                await self.writer.drain()
                return True

    async def _relay_until_ready(self) -> None:
        while True:
            kind, body = await self.upstream.read()
            if kind == b"Z":
                return
            self._relay(kind, body)

    def _relay(self, kind: bytes, body: bytes) -> None:
        if kind == b"E":
            self._report(from_postgres(wire.error_fields(body)))
            return
        if kind == b"T":
            body = self._results.describe(body)
        elif kind == b"D":
            body = self._results.row(body)
        self._send(kind, body)

    async def _fail(self, error: RedshiftError) -> None:
        """Report an error of our own; an open block is left aborted, as the server would."""
        if self.upstream.in_block:
            with contextlib.suppress(RedshiftError):
                await self.inject("do 'begin raise exception using errcode = ''XX000''; end'")
        self._report(error)
        await self.writer.drain()

    def _report(self, error: RedshiftError) -> None:
        if is_serializable_conflict(error):
            self.server.record(
                f"insert into stl_tr_conflict values (0, {self.upstream.pid}, now(), now(), 0)"
            )
        names = self.server.names
        fields = {key: names.restore(value) for key, value in error.fields().items()}
        if not self._silent:
            self.writer.write(wire.report(b"E", fields))

    def notice(self, text: str) -> None:
        """Send an informational notice."""
        self.writer.write(wire.report(b"N", {"S": "INFO", "C": "00000", "M": text}))

    def _send(self, kind: bytes, body: bytes = b"") -> None:
        if not self._silent:
            self.writer.write(wire.message(kind, body))


def set_state(state: dict[str, int]) -> str:
    """Return the statement that sets what `pg_last_copy_count()` and its kin tell."""
    return "; ".join(f"set rs.{name} to {quote_literal(str(n))}" for name, n in state.items())
