"""Commands to the server and the parts of their answers that are not rows.

Pages of the MySQL source documentation: `page_protocol_com_stmt_prepare`,
`page_protocol_com_stmt_execute`, `page_protocol_com_stmt_close`, `page_protocol_com_query`,
`page_protocol_com_query_response_text_resultset`, `page_protocol_basic_eof_packet` and
`page_protocol_basic_ok_packet`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pymysql.constants import COMMAND, SERVER_STATUS

from mysql_s3_redshift.adapters.mysql.wire.columns import WireColumn, parse_column
from mysql_s3_redshift.adapters.mysql.wire.driver import Channel
from mysql_s3_redshift.adapters.mysql.wire.failures import (
    CONNECTION_LOST,
    ERR_HEADER,
    ServerRefusal,
    damaged,
)
from mysql_s3_redshift.adapters.mysql.wire.integers import read_length_encoded
from mysql_s3_redshift.adapters.mysql.wire.packets import PacketReader, RowBlock
from mysql_s3_redshift.adapters.mysql.wire.parameters import (
    Parameter,
    check_count,
    execute_payload,
)
from mysql_s3_redshift.errors import SourceError

_OK_HEADER = 0x00
_LOCAL_INFILE_HEADER = 0xFB
_EOF_HEADER = 0xFE
_EOF_LENGTH = 5
_MAX_COLUMNS = 4096  # https://dev.mysql.com/doc/refman/8.4/en/column-count-limit.html


@dataclass(frozen=True, slots=True)
class Statement:
    """A prepared statement on the server."""

    id: int
    placeholders: int


class Session:
    """The commands this reader uses, on one connection.

    Whatever goes wrong in the middle of an answer closes the connection. After an answer that the
    server ended itself, with an ERR packet too, the connection can be used further.
    """

    def __init__(self, channel: Channel, packets: PacketReader) -> None:
        self._channel = channel
        self._packets = packets

    def prepare(self, sql: str) -> Statement:
        """Prepare a query.

        Raises:
            ServerRefusal: The server does not prepare it.
        """
        with self._answer(COMMAND.COM_STMT_PREPARE, sql.encode()):
            answer = self._packet()
            if answer[0] != _OK_HEADER or len(answer) < 12:
                raise damaged("the answer to a prepared statement cannot be read")
            statement, columns, placeholders = struct.unpack_from("<IHH", answer, 1)
            for definitions in (placeholders, columns):
                if definitions:
                    self._skip_definitions(definitions)
            self._finish()
        return Statement(statement, placeholders)

    def execute(
        self, statement: Statement, parameters: Sequence[Parameter]
    ) -> tuple[WireColumn, ...]:
        """Execute a prepared statement; return the columns of its rows, which come next.

        Raises:
            ServerRefusal: The server refuses it.
        """
        try:
            check_count(statement.placeholders, parameters)
            payload = execute_payload(statement.id, parameters)
            with self._answer(COMMAND.COM_STMT_EXECUTE, payload):
                return self._read_columns()
        except (ServerRefusal, SourceError, ValueError):
            self.close(statement)
            raise

    def query(self, sql: str) -> tuple[WireColumn, ...]:
        """Execute a query in the text protocol; return the columns of its rows, which come next.

        Raises:
            ServerRefusal: The server refuses it.
        """
        with self._answer(COMMAND.COM_QUERY, sql.encode()):
            return self._read_columns()

    def close(self, statement: Statement) -> None:
        """Let the server forget a prepared statement, if there still is a connection."""
        if self._channel.idle:
            # The server does not answer this command.
            self._channel.send_unanswered(COMMAND.COM_STMT_CLOSE, struct.pack("<I", statement.id))

    def abandon(self) -> None:
        """Close the connection in the middle of an answer."""
        self._channel.abandon()

    def block(self) -> RowBlock | None:
        """Read the next rows; None after the last."""
        return self._packets.block()

    def end_rows(self) -> None:
        """Read what the packet behind the last row says, and give the connection back.

        Raises:
            ServerRefusal: The server ended the rows with an error.
        """
        terminator = self._packets.terminator or b""
        if terminator[:1] == bytes([ERR_HEADER]):
            raise self._refusal(terminator)
        status = self._status(terminator)
        if status & SERVER_STATUS.SERVER_MORE_RESULTS_EXISTS:
            raise SourceError(
                "The query has more than one result.",
                kept="The rows of the first result were read.",
                remedy="Use one SELECT without CALL.",
            )
        self._finish(status)

    def _status(self, terminator: bytes) -> int:
        """Read the server's status out of an EOF packet, or the OK packet that replaces it."""
        try:
            if self._channel.eof_deprecated:
                _, position = read_length_encoded(terminator, 1)
                _, position = read_length_encoded(terminator, position)
                status, _warnings = struct.unpack_from("<HH", terminator, position)
            else:
                _warnings, status = struct.unpack("<xHH", terminator)
        except (IndexError, struct.error) as error:
            raise damaged("the packet behind the last row cannot be read") from error
        return int(status)

    @contextmanager
    def _answer(self, command: int, payload: bytes) -> Iterator[None]:
        sequence = self._channel.send(command, payload)
        self._packets.expect(sequence)
        try:
            yield
        except BaseException:
            if not self._channel.idle:
                self._channel.abandon()
            raise

    def _packet(self) -> bytes:
        answer = self._packets.packet()
        if answer[0] == ERR_HEADER:
            raise self._refusal(answer)
        return answer

    def _refusal(self, payload: bytes) -> ServerRefusal:
        """Take an ERR packet as the end of the answer."""
        refusal = ServerRefusal(payload)
        if refusal.code in CONNECTION_LOST:
            self._channel.abandon()
        else:
            self._finish()
        return refusal

    def _finish(self, status: int | None = None) -> None:
        self._packets.finish()
        self._channel.release(status)

    def _read_columns(self) -> tuple[WireColumn, ...]:
        answer = self._packet()
        if answer[0] == _OK_HEADER:
            self._finish()
            raise _no_rows()
        if answer[0] == _LOCAL_INFILE_HEADER:
            raise damaged("the server asks for a local file")
        try:
            count, end = read_length_encoded(answer, 0)
        except IndexError as error:
            raise damaged("the number of columns cannot be read") from error
        if end != len(answer) or count > _MAX_COLUMNS:
            raise damaged("the number of columns cannot be read")
        columns = tuple(parse_column(self._packet()) for _ in range(count))
        self._skip_eof()
        return columns

    def _skip_definitions(self, count: int) -> None:
        for _ in range(count):
            self._packet()
        self._skip_eof()

    def _skip_eof(self) -> None:
        if self._channel.eof_deprecated:
            return
        answer = self._packet()
        if answer[0] != _EOF_HEADER or len(answer) != _EOF_LENGTH:
            raise damaged("column definitions do not end where they should")


def _no_rows() -> SourceError:
    return SourceError(
        "The query gives no rows: it is not a SELECT.",
        kept="The statement was executed; nothing was read.",
        remedy="Use a SELECT.",
    )
