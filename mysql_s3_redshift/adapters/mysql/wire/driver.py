"""The only module that touches PyMySQL's private names.

PyMySQL connects, authenticates, negotiates TLS and sends commands. It has no prepared statements
and decodes answers one value at a time, so the answers are read here, straight off its socket.
While an answer is being read the socket is taken away from the connection: to everybody else the
connection looks closed, and PyMySQL raises instead of taking rows for the answer to another
command. It gets the socket back when the answer was read to its end; otherwise it is closed.
"""

from __future__ import annotations

import socket
from typing import Protocol, cast

import pymysql
from pymysql.constants import CLIENT, SERVER_STATUS

from mysql_s3_redshift.adapters.mysql.wire.failures import connection_lost, driver_error
from mysql_s3_redshift.errors import SourceConnectionError, SourceError

DEPRECATE_EOF = 1 << 24  # CLIENT_DEPRECATE_EOF; PyMySQL has no name for it


class PrivateConnection(Protocol):
    """What this module relies on in a `pymysql.Connection`, beyond its public interface."""

    _sock: socket.socket | None
    _read_timeout: float | None
    _next_seq_id: int
    encoding: str
    client_flag: int
    server_capabilities: int
    server_status: int

    def _execute_command(self, command: int, sql: bytes) -> None: ...

    def _force_close(self) -> None: ...


class Channel:
    """One command at a time over a PyMySQL connection, its answer read as raw bytes."""

    def __init__(self, connection: pymysql.Connection) -> None:
        self._connection = cast("PrivateConnection", connection)
        self._escape = connection.escape
        self._socket: socket.socket | None = None
        self._timeout: float | None = None
        _refuse_unreadable(self._connection)

    @property
    def eof_deprecated(self) -> bool:
        """Whether both sides agreed to leave out the EOF packet behind column definitions."""
        agreed = self._connection.client_flag & self._connection.server_capabilities
        return bool(agreed & DEPRECATE_EOF)

    @property
    def backslash_escapes(self) -> bool:
        """Whether a backslash escapes in the session's string literals, as the server last said."""
        status = self._connection.server_status
        return not status & SERVER_STATUS.SERVER_STATUS_NO_BACKSLASH_ESCAPES

    @property
    def idle(self) -> bool:
        """Whether the connection is open and no answer is being read."""
        return self._connection._sock is not None

    def send(self, command: int, payload: bytes) -> int:
        """Send a command, take the socket; return the sequence number of the answer.

        PyMySQL splits payloads of 16 MB and more into several packets.
        """
        self.send_unanswered(command, payload)
        self._socket, self._connection._sock = self._connection._sock, None
        if self._socket is None:
            raise connection_lost("the connection is closed")
        self._timeout = self._socket.gettimeout()
        self._socket.settimeout(self._connection._read_timeout)
        return self._connection._next_seq_id

    def send_unanswered(self, command: int, payload: bytes) -> None:
        """Send a command to which the server says nothing."""
        try:
            self._connection._execute_command(command, payload)
        except pymysql.err.Error as error:
            raise driver_error(error) from error

    def literal(self, value: object) -> str:
        """Write a value as an SQL literal of the session."""
        return self._escape(value)

    def receive_into(self, view: memoryview) -> int:
        """Wait for bytes of the answer; return how many were written into the view."""
        if self._socket is None:
            raise connection_lost("it was closed by this side")
        try:
            count = self._socket.recv_into(view)
        except TimeoutError as error:
            seconds = self._connection._read_timeout
            raise connection_lost(f"nothing arrived for {seconds} seconds") from error
        except OSError as error:
            raise connection_lost(str(error)) from error
        if count == 0:
            raise connection_lost("the server closed it")
        return count

    def release(self, server_status: int | None = None) -> None:
        """Give the socket back: the answer was read to its end."""
        if self._socket is None:
            return
        if server_status is not None:
            self._connection.server_status = server_status
        self._socket.settimeout(self._timeout)
        self._connection._sock, self._socket = self._socket, None

    def abandon(self) -> None:
        """Close the connection: what is left of the answer will not be read."""
        if self._socket is not None:
            self._connection._sock, self._socket = self._socket, None
        self._connection._force_close()


def _refuse_unreadable(connection: PrivateConnection) -> None:
    if connection._sock is None:
        raise SourceConnectionError(
            "The connection to MySQL is closed, or the rows of another query are being read on it.",
            kept="Nothing was sent.",
            remedy="Read the other rows to their end, or use another connection.",
        )
    if connection.client_flag & CLIENT.COMPRESS:
        raise SourceError(
            "The connection to MySQL uses the compressed protocol, which cannot be read.",
            kept="Nothing was sent.",
            remedy="Connect without compression.",
        )
    if connection.encoding != "utf8":
        raise SourceError(
            f"The connection to MySQL uses the encoding `{connection.encoding}`, not UTF-8.",
            kept="Nothing was sent.",
            remedy="Connect with `charset='utf8mb4'`.",
        )
