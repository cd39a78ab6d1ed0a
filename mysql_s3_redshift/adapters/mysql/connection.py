"""A MySQL connection as every reader here needs it: read-only, UTC, utf8mb4, with deadlines."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pymysql

from mysql_s3_redshift.adapters.mysql.wire.failures import driver_error
from mysql_s3_redshift.config import SourceConfig, TlsConfig, TlsMode
from mysql_s3_redshift.errors import SourceConnectionError, SourceError

logger = logging.getLogger(__name__)

ACCESS_DENIED = {1044, 1045, 1698}
NET_WRITE_SECONDS = 600
"""How long the server waits for us to take rows, while an upload holds the reader back."""

SESSION = (
    "SET SESSION time_zone = '+00:00', SESSION sql_mode = '', "
    f"SESSION net_write_timeout = {NET_WRITE_SECONDS}",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect: the source itself, or the local end of a tunnel to it."""

    host: str
    port: int


class MySqlConnection:
    """A connection that is opened at first use, and again after it was lost."""

    def __init__(self, name: str, config: SourceConfig, address: Address | None = None) -> None:
        self.name, self._config = name, config
        self._address = address or Address(config.host, config.port)
        self._connection: pymysql.Connection[Any] | None = None

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

    def close(self) -> None:
        """Close the connection; a broken one is let go."""
        connection, self._connection = self._connection, None
        if connection is not None and connection.open:
            try:
                connection.close()
            except (pymysql.err.Error, OSError) as error:
                logger.debug("close on a broken connection: %s", type(error).__name__)

    def _connect(self) -> pymysql.Connection[Any]:
        config = self._config
        logger.debug("connecting to MySQL source %s", self.name)
        try:
            connection = pymysql.connect(
                host=self._address.host,
                port=self._address.port,
                user=config.user,
                password=config.password.get_secret_value() if config.password else "",
                charset="utf8mb4",
                autocommit=True,
                connect_timeout=int(config.connect_timeout.total_seconds()),
                read_timeout=int(config.read_timeout.total_seconds()),
                write_timeout=int(config.read_timeout.total_seconds()),
                program_name="mysql-s3-redshift",
                **_tls_options(config.tls),
            )
            self._require_tls(connection)
            with connection.cursor() as cursor:
                for statement in SESSION:
                    cursor.execute(statement)
        except pymysql.err.Error as error:
            raise self._cannot_connect(error) from error
        except (OSError, ssl.SSLError) as error:
            raise self._unreachable(str(error)) from error
        return connection

    def _require_tls(self, connection: pymysql.Connection[Any]) -> None:
        if self._config.tls.mode is TlsMode.DISABLED:
            return
        with connection.cursor() as cursor:
            cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
            row = cursor.fetchone()
        if row and row[1]:
            return
        connection.close()
        raise SourceError(
            f"MySQL source {self.name} does not encrypt the connection.",
            kept="The connection was closed; nothing was read.",
            remedy=f"Enable TLS on the server, or set sources.{self.name}.tls.mode: disabled.",
        )

    def _cannot_connect(self, error: pymysql.err.Error) -> SourceError:
        code = error.args[0] if error.args else None
        reason = str(error.args[1]) if len(error.args) > 1 else str(error)
        if code in ACCESS_DENIED:
            return SourceError(
                f"MySQL source {self.name} refused the login: {reason}",
                kept="Nothing was read or written.",
                remedy=f"Check sources.{self.name}.user and password in pipelines.yaml.",
            )
        return self._unreachable(reason)

    def _unreachable(self, reason: str) -> SourceConnectionError:
        return SourceConnectionError(
            f"MySQL source {self.name} at {self._address.host}:{self._address.port} cannot be "
            f"reached: {reason}",
            kept="Nothing was read or written.",
            remedy=f"Check sources.{self.name} (host, port, tls, network) and the server.",
        )


def _tls_options(tls: TlsConfig) -> dict[str, Any]:
    if tls.mode is TlsMode.DISABLED:
        return {"ssl_disabled": True}
    context = ssl.create_default_context(cafile=str(tls.ca) if tls.ca else None)
    context.check_hostname = tls.mode is TlsMode.VERIFY_IDENTITY
    if tls.mode is TlsMode.REQUIRED:
        context.verify_mode = ssl.CERT_NONE
    if tls.cert:
        context.load_cert_chain(str(tls.cert), str(tls.key))
    return {"ssl": context}
