"""A MySQL connection as every reader here needs it: read-only, UTC, utf8mb4, with deadlines.

PyMySQL is given an open socket: one to the server, or one that leads through a tunnel. Either way
it knows the server by its real name, which is what the certificate must tell.
"""

from __future__ import annotations

import logging
import socket
import ssl
import struct
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import pymysql
from pymysql.constants import CR
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_after_delay,
    wait_random_exponential,
)

from mysql_s3_redshift.adapters.mysql.login import (
    REFUSED_LOGIN,
    SECURE_TRANSPORT_REQUIRED,
    GuardedConnection,
    password_of,
    tls_options,
)
from mysql_s3_redshift.adapters.mysql.wire.failures import driver_error
from mysql_s3_redshift.adapters.ssh import Tunnel
from mysql_s3_redshift.config import SourceConfig, TlsMode
from mysql_s3_redshift.errors import SourceConnectionError, SourceError

logger = logging.getLogger(__name__)

NET_WRITE_SECONDS = 600
"""How long the server waits for us to take rows, while an upload holds the reader back."""

ATTEMPTS = 5
PATIENCE_SECONDS = 60.0
"""After that long no further attempt begins; the one under way has its own deadlines."""

LONGEST_PAUSE_SECONDS = 20.0

_NO_MYSQL = (LookupError, NameError, ValueError, struct.error)
"""What PyMySQL trips over when something else than MySQL answers."""

ResultT = TypeVar("ResultT")

EVERY_ROW = (1 << 64) - 1
LONGEST_TEXT = 1 << 24

SESSION = (
    "SET SESSION time_zone = '+00:00', SESSION sql_mode = '', "
    f"SESSION net_write_timeout = {NET_WRITE_SECONDS}, "
    f"SESSION sql_select_limit = {EVERY_ROW}, SESSION group_concat_max_len = {LONGEST_TEXT}",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
)
"""A session's own answers, whatever the server's defaults are. All values are within the limits of
every server: where STRICT_ALL_TABLES is the default, others are refused.

`sql_select_limit` ends every SELECT without a LIMIT early, and `group_concat_max_len` cuts texts of
a query; neither is an error, so both would be losses that nothing shows
(https://dev.mysql.com/doc/refman/8.4/en/server-system-variables.html).
"""


class MySqlConnection:
    """A connection that is opened at first use, and again after it was lost."""

    def __init__(self, name: str, config: SourceConfig, tunnel: Tunnel | None = None) -> None:
        """Describe a connection; it is opened at first use.

        Args:
            name: Name of the source, for messages.
            config: The source.
            tunnel: The way through the source's bastion; whoever made it closes it.
        """
        self.name, self._config, self._tunnel = name, config, tunnel
        self._connection: pymysql.Connection[Any] | None = None
        self._was_open = False

    @property
    def raw(self) -> pymysql.Connection[Any]:
        """PyMySQL's connection.

        Raises:
            SourceConnectionError: MySQL cannot be reached.
            SourceError: It refused the login, or does not offer the TLS that is required.
        """
        if self._connection is None or not self._connection.open:
            self._connection = self._connect()
        return self._connection

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a small query by the text protocol, `%s` for each parameter.

        Raises:
            SourceError: MySQL refused it.
            SourceConnectionError: The connection was lost.
        """
        try:
            with self.raw.cursor() as cursor:
                cursor.execute(sql, tuple(parameters) or None)
                return [tuple(row) for row in cursor.fetchall()]
        except pymysql.err.Error as error:
            raise driver_error(error) from error

    def ask(self, read: Callable[[], ResultT]) -> ResultT:
        """Run reads that build on nothing before them; after a loss again, on a new connection.

        A server that was never reached is not waited for: the configuration is wrong more often
        than the network.

        Raises:
            SourceError: MySQL refused something.
            SourceConnectionError: The connection was lost again and again.
        """
        retrying = Retrying(
            retry=retry_if_exception(self._is_loss),
            stop=stop_after_attempt(ATTEMPTS) | stop_after_delay(PATIENCE_SECONDS),
            wait=wait_random_exponential(multiplier=0.5, max=LONGEST_PAUSE_SECONDS),
            before_sleep=self._give_up,
            reraise=True,
        )
        return retrying(read)

    def _is_loss(self, error: BaseException) -> bool:
        return self._was_open and isinstance(error, SourceConnectionError)

    def _give_up(self, attempt: RetryCallState) -> None:
        """Let the broken connection go; it may still look open."""
        error = attempt.outcome.exception() if attempt.outcome else None
        why = error.happened if isinstance(error, SourceError) else error
        logger.warning("MySQL source %s: asking again: %s", self.name, why)
        self.close()

    def close(self) -> None:
        """Close the connection; a broken one is let go."""
        connection, self._connection = self._connection, None
        if connection is not None and connection.open:
            try:
                connection.close()
            except (pymysql.err.Error, OSError) as error:
                logger.debug("close on a broken connection: %s", type(error).__name__)

    @property
    def cipher(self) -> str | None:
        """TLS version and cipher of the open connection; None where it is not encrypted."""
        end = self.raw._sock  # type: ignore[attr-defined]
        found = end.cipher() if isinstance(end, ssl.SSLSocket) else None
        return f"{found[1]} {found[0]}" if found else None

    def _connect(self) -> pymysql.Connection[Any]:
        config = self._config
        logger.debug("connecting to MySQL source %s", self.name)
        connection = GuardedConnection(
            host=config.host,
            port=config.port,
            user=config.user,
            password=password_of(self.name, config),
            charset="utf8mb4",
            autocommit=True,
            # Bounds the handshake; rows may take longer.
            read_timeout=_seconds(config.connect_timeout),
            write_timeout=_seconds(config.read_timeout),
            program_name="mysql-s3-redshift",
            defer_connect=True,
            **tls_options(self.name, config.tls),
        )
        try:
            self._start(connection)
        except BaseException:
            connection.let_go()
            raise
        self._was_open = True
        return connection

    def _start(self, connection: GuardedConnection) -> None:
        try:
            connection.connect(self._open_socket())
            connection.allow_read_seconds(_seconds(self._config.read_timeout))
            with connection.cursor() as cursor:
                for statement in SESSION:
                    cursor.execute(statement)
        except pymysql.err.Error as error:
            raise self._cannot_connect(error) from error
        except OSError as error:
            raise self._unreachable(str(error)) from error
        except _NO_MYSQL as error:
            raise self._unreachable("what answers there does not speak as MySQL does") from error

    def _open_socket(self) -> socket.socket:
        if self._tunnel is not None:
            return self._tunnel.connect()
        config = self._config
        end = socket.create_connection(
            (config.host, config.port), config.connect_timeout.total_seconds()
        )
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return end

    def _cannot_connect(self, error: pymysql.err.Error) -> SourceError:
        code = error.args[0] if error.args else None
        reason = str(error.args[1]) if len(error.args) > 1 else str(error)
        if code in REFUSED_LOGIN:
            # MariaDB calls it a wrong password, too, when it demands TLS.
            encrypted = self._config.tls.mode is not TlsMode.DISABLED
            also = "" if encrypted else ", and whether the server demands TLS (tls.mode)"
            return self._refused(
                f"refused the login: {reason}", "Check sources.{}.user and password" + also + "."
            )
        if code == SECURE_TRANSPORT_REQUIRED:
            return self._refused("takes encrypted connections only", "Set sources.{}.tls.mode.")
        if code == CR.CR_SSL_CONNECTION_ERROR:
            return self._refused(
                f"does not encrypt the connection: {reason}",
                "Enable TLS on the server, or set sources.{}.tls.mode: disabled.",
            )
        if code == CR.CR_AUTH_PLUGIN_ERR:
            return self._refused(f"was not told the password: {reason}", "Set sources.{}.tls.mode.")
        if "CERTIFICATE_VERIFY_FAILED" in reason:
            return self._refused(
                f"has a certificate that is not trusted: {reason}",
                "Check sources.{0}.tls.ca, and that the certificate names sources.{0}.host.",
            )
        return self._unreachable(reason)

    def _refused(self, what: str, remedy: str) -> SourceError:
        return SourceError(
            f"MySQL source {self.name} {what}",
            kept="Nothing was read or written.",
            remedy=remedy.format(self.name),
        )

    def _unreachable(self, reason: str) -> SourceConnectionError:
        config = self._config
        said = self._tunnel.complaints() if self._tunnel is not None else ""
        return SourceConnectionError(
            f"MySQL source {self.name} at {config.host}:{config.port} cannot be reached: {reason}"
            + (f" (the tunnel: {said})" if said else ""),
            kept="Nothing was read or written.",
            remedy=f"Check sources.{self.name} (host, port, tls, network) and the server.",
        )


def _seconds(duration: timedelta) -> int:
    """Whole seconds, one at least: PyMySQL takes zero for a mistake."""
    return max(1, int(duration.total_seconds()))
