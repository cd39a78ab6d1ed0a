"""One client's session: messages in, statements judged and run, answers out.

Locks and snapshots follow Redshift: inside a block every write first takes the table's write lock,
before PostgreSQL parses the statement, because parsing fixes the snapshot; so a second writer waits
and then sees the result of the first instead of failing (`c_write_readwrite`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING

from mysql_s3_redshift.sandbox.redshift import wire
from mysql_s3_redshift.sandbox.redshift.actions import run_action
from mysql_s3_redshift.sandbox.redshift.control import ClientDropped
from mysql_s3_redshift.sandbox.redshift.errors import (
    IN_TRANSACTION,
    RedshiftError,
    is_serializable_conflict,
)
from mysql_s3_redshift.sandbox.redshift.relay import Relay
from mysql_s3_redshift.sandbox.redshift.sql.lexer import (
    Token,
    quote_literal,
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
        *,
        upstream: Upstream,
        user: str,
    ) -> None:
        self.server, self.reader, self.upstream = server, reader, upstream
        self.relay = Relay(
            writer,
            upstream,
            user=user,
            names=server.names,
            results=wire.ResultRewriter(server.type_oids, server.names.full),
            on_error=self._note_conflict,
        )
        self.copy_state: dict[str, int] = {}
        self._new_names: dict[str, str] = {}
        self._statements: dict[str, Statement] = {}
        self._portals: dict[str, Statement] = {}
        self._skipping = False
        self._drop_after_sync = self._conflicted = False

    async def run(self) -> None:
        """Serve the client until it leaves."""
        watch = asyncio.create_task(self._cancel_when_gone())
        try:
            while True:
                head = await self.reader.readexactly(5)
                body = await self.reader.readexactly(wire.read_int32(head, 1) - 4)
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

    def _note_conflict(self, error: RedshiftError) -> None:
        self._conflicted |= is_serializable_conflict(error)

    async def _record_conflict(self) -> None:
        if self._conflicted:
            self._conflicted = False
            await self.server.admin_query(
                f"insert into stl_tr_conflict values (0, {self.upstream.pid}, now(), now(), 0)"
            )

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
                name, _ = wire.read_cstring(body, 1)
                (self._statements if body[:1] == b"S" else self._portals).pop(name, None)
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
        statement = self._statements[name] = await self._translate(tokens)
        if statement.action is not None:
            self.relay.send(b"1")
            return
        await self._prepare(statement)
        oids = wire.replace_parameter_oids(body[position:], self.server.postgres_oids)
        parse = wire.cstring(name) + wire.cstring(statement.sql) + oids
        await self._exchange(wire.message(b"P", parse), (b"1",))

    async def _describe(self, body: bytes) -> None:
        name, _ = wire.read_cstring(body, 1)
        is_statement = body[:1] == b"S"
        statement = (self._statements if is_statement else self._portals).get(name)
        if statement is not None and statement.action is not None:
            if is_statement:
                self.relay.send(b"t", b"\0\0")
            self.relay.send(b"n")
            return
        await self._exchange(wire.message(b"D", body), (b"T", b"n"))

    async def _bind(self, body: bytes) -> None:
        portal, position = wire.read_cstring(body)
        name, _ = wire.read_cstring(body, position)
        statement = self._portals[portal] = self._statements.get(name, Statement())
        if statement.action is not None:
            self.relay.send(b"2")
            return
        await self._prepare(statement)
        await self._exchange(wire.message(b"B", body), (b"2",))

    async def _execute(self, body: bytes) -> None:
        statement = self._portals.get(wire.read_cstring(body)[0], Statement())
        faults, commits = self.server.faults, statement.tag == "COMMIT"
        if statement.alone and self.upstream.in_block:
            message = f"{statement.alone} cannot run inside a transaction block"
            raise RedshiftError(IN_TRANSACTION, message)
        if statement.action is not None:
            await run_action(self, statement)
            self.relay.send(b"C", wire.cstring(statement.tag))
            return
        if commits:
            faults.drop_at("before_commit")
            self.relay.silent = faults.drops_at("during_commit")
        if await self._exchange(wire.message(b"E", body), _COMPLETED):
            await self._finish(statement)
        if self.relay.silent:
            raise ClientDropped("during_commit")
        if commits:
            self._drop_after_sync = faults.drops_at("after_commit")

    async def _sync(self) -> None:
        self._skipping = False
        await self.relay.sync()
        await self._record_conflict()
        self.relay.send(b"Z", self.upstream.status)
        await self.relay.flush()
        if self._drop_after_sync:
            raise ClientDropped("after_commit")

    async def _simple_query(self, sql: str) -> None:
        """Run a simple query through the extended path, statement by statement."""
        try:
            for tokens in split_statements(tokenize(sql, self.server.names)) or [[]]:
                await self._run_simply(render(tokens))
                if self._skipping:
                    break
        except RedshiftError as error:
            await self._fail(error)
        await self._sync()

    async def _run_simply(self, sql: str) -> None:
        self.relay.hides_acknowledgements = True
        await self._extended(b"P", b"\0" + wire.cstring(sql) + b"\0\0")
        for kind, body in ((b"B", b"\0" * 8), (b"D", b"P\0"), (b"E", b"\0" * 5)):
            if not self._skipping:
                await self._extended(kind, body)
        self.relay.hides_acknowledgements = False

    async def _exchange(self, data: bytes, last: tuple[bytes, ...]) -> bool:
        succeeded = await self.relay.exchange(data, last)
        self._skipping |= not succeeded
        return succeeded

    # -- statements --------------------------------------------------------------------------------

    async def _translate(self, tokens: list[Token]) -> Statement:
        statement = translate(tokens)
        if new := await self.server.save_names():
            self._new_names |= new
            if self.upstream.in_block:
                # The snapshot of this transaction is older than the names just stored.
                names = quote_literal(json.dumps(self._new_names, ensure_ascii=False))
                await self.relay.inject(f"set rs.new_names to {names}")
        return statement

    async def _prepare(self, statement: Statement) -> None:
        if self.upstream.in_block and statement.locks:
            await self.relay.lock(statement.locks)
        if self.copy_state and (self.upstream.is_idle or self.upstream.in_block):
            # A failed COPY could not leave its count in the aborted block.
            state, self.copy_state = self.copy_state, {}
            await self.relay.inject(set_copy_state(state))

    async def _finish(self, statement: Statement) -> None:
        for sql in statement.then:
            await self.relay.inject(sql)
        if statement.commits and self.upstream.in_block:
            await self.relay.inject("commit")

    async def _fail(self, error: RedshiftError) -> None:
        """Report an error of our own; an open block is left aborted, as the server would."""
        if self.upstream.in_block:
            with contextlib.suppress(RedshiftError):
                await self.relay.inject(_ABORT_BLOCK)
        self.relay.report(error)
        await self.relay.flush()


_ABORT_BLOCK = "do 'begin raise exception using errcode = ''XX000''; end'"


def set_copy_state(state: dict[str, int]) -> str:
    """Return the statement that sets what `pg_last_copy_count()` and its kin tell."""
    return "; ".join(f"set rs.{name} to '{number}'" for name, number in state.items())
