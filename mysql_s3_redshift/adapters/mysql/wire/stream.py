"""A query's result as a stream of Arrow batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Literal, Self

import pymysql

from mysql_s3_redshift.adapters.mysql.wire import binary, text
from mysql_s3_redshift.adapters.mysql.wire.batch import ColumnData, WireBatch
from mysql_s3_redshift.adapters.mysql.wire.columns import WireColumn
from mysql_s3_redshift.adapters.mysql.wire.cursor import RowCursor
from mysql_s3_redshift.adapters.mysql.wire.driver import Channel
from mysql_s3_redshift.adapters.mysql.wire.failures import CANNOT_PREPARE, ServerRefusal
from mysql_s3_redshift.adapters.mysql.wire.packets import PacketReader, RowBlock
from mysql_s3_redshift.adapters.mysql.wire.parameters import Parameter, inline
from mysql_s3_redshift.adapters.mysql.wire.protocol import Session, Statement
from mysql_s3_redshift.errors import SourceError

Protocol = Literal["binary", "text"]
_RowReader = Callable[[Sequence[WireColumn], RowCursor], list[ColumnData]]
_ROW_READERS: dict[Protocol, _RowReader] = {"binary": binary.read_rows, "text": text.read_rows}


def query(
    connection: pymysql.Connection,
    sql: str,
    parameters: Sequence[Parameter] = (),
    *,
    buffer_bytes: int = 2 << 20,
    batch_rows: int = 65_536,
    prefer: Protocol = "binary",
    exact: bool = True,
) -> ResultStream:
    """Execute a query and stream its rows.

    Args:
        connection: An open connection in UTF-8. Until the stream's end it lends its socket, so it
            looks closed and refuses other commands.
        sql: One SELECT with a `?` for each parameter.
        parameters: Values for the placeholders.
        buffer_bytes: How much is received before it is decoded. A batch is at most that large, or
            one row.
        batch_rows: The most rows of a batch.
        prefer: `binary` prepares the query and falls back to the text protocol where the server
            cannot prepare; `text` never prepares.
        exact: Whether a FLOAT that the text protocol rounds is refused.

    Raises:
        SourceError: The server refuses the query, or a column cannot be read exactly.
        SourceConnectionError: The connection was lost.
    """
    channel = Channel(connection)
    session = Session(channel, PacketReader(channel.receive_into, buffer_bytes=buffer_bytes))
    try:
        statement = _prepare(session, sql) if prefer == "binary" else None
        if statement is None:
            columns = session.query(_inlined(channel, sql, parameters))
        else:
            columns = session.execute(statement, parameters)
    except ServerRefusal as refusal:
        raise refusal.source_error() from refusal
    return ResultStream(session, columns, statement, batch_rows=batch_rows, exact=exact)


def _inlined(channel: Channel, sql: str, parameters: Sequence[Parameter]) -> str:
    return inline(
        sql,
        parameters,
        escape=channel.literal,
        backslash_escapes=channel.backslash_escapes,
    )


def _prepare(session: Session, sql: str) -> Statement | None:
    try:
        return session.prepare(sql)
    except ServerRefusal as refusal:
        if refusal.code in CANNOT_PREPARE:
            return None
        raise


class ResultStream:
    """The batches of one query, in order; iterate once, best in a `with` block.

    At the end of the rows the connection can be used again. After `close` before the end, and after
    any error other than the server's own refusal, the connection is closed: what is left of the
    answer is not read.

    Attributes:
        columns: What the server says about the columns.
        protocol: The protocol in use: `text` when asked for, or when the server cannot prepare.
    """

    def __init__(
        self,
        session: Session,
        columns: tuple[WireColumn, ...],
        statement: Statement | None,
        *,
        batch_rows: int,
        exact: bool,
    ) -> None:
        self.columns = columns
        self.protocol: Protocol = "text" if statement is None else "binary"
        self._session = session
        self._statement = statement
        self._batch_rows = batch_rows
        self._state: Literal["open", "read", "closed"] = "open"
        try:
            _refuse_inexact(columns, self.protocol if exact else "binary")
        except SourceError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[WireBatch]:
        """Read the rows.

        Raises:
            SourceError: The server ended the rows with an error.
            SourceConnectionError: The connection was lost, or the bytes are no rows.
        """
        if self._state == "closed":
            raise ValueError("the stream was closed before its end")
        if self._state == "read":
            return
        try:
            while (block := self._session.block()) is not None:
                yield from self._batches(block)
            self._session.end_rows()
        except ServerRefusal as refusal:
            self._forget_statement()
            raise refusal.source_error() from refusal
        except BaseException:
            self.close()
            raise
        self._forget_statement()

    def close(self) -> None:
        """Close the connection if rows are left on it; do nothing after the last row."""
        if self._state == "open":
            self._state = "closed"
            self._session.abandon()

    def _forget_statement(self) -> None:
        self._state = "read"
        if self._statement is not None:
            self._session.close(self._statement)

    def _batches(self, block: RowBlock) -> Iterator[WireBatch]:
        read_rows = _ROW_READERS[self.protocol]
        for first in range(0, len(block.starts), self._batch_rows):
            rows = slice(first, first + self._batch_rows)
            cursor = RowCursor(block.buffer, block.starts[rows], block.ends[rows])
            yield WireBatch.of(self.columns, read_rows(self.columns, cursor))


def _refuse_inexact(columns: Sequence[WireColumn], protocol: Protocol) -> None:
    """Refuse types that are not known, and in the text protocol floats that would lose digits."""
    known = [column for column in columns if column.arrow_type is not None]
    inexact = [f"`{column.name}`" for column in known if not column.exact_in_text]
    if protocol == "text" and inexact:
        raise SourceError(
            f"Without prepared statements {', '.join(inexact)} would lose digits: MySQL prints a "
            "FLOAT with six.",
            kept="No row was read; the connection was closed.",
            remedy="Select `column * 1E0` in their place: that is a DOUBLE of the same value.",
        )
