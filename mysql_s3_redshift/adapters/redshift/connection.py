"""One Redshift connection: the only place that calls redshift_connector and knows its errors.

Deadlines: connecting takes `connect_timeout`; a statement takes `statement_timeout`, enforced by
the server and, for a server that went silent, by the socket. TCP keep-alive finds a dead peer
within a minute. SQL text is never logged: COPY may carry credentials.
"""

from __future__ import annotations

import logging
import re
import ssl
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import redshift_connector
from botocore.exceptions import BotoCoreError, ClientError
from redshift_connector.error import Error, InterfaceError, OperationalError

from mysql_s3_redshift.adapters.ssh import Tunnel
from mysql_s3_redshift.config import SslMode, TargetConfig
from mysql_s3_redshift.errors import (
    SerializableConflictError,
    TargetConnectionError,
    TargetError,
)

logger = logging.getLogger(__name__)

SOCKET_MARGIN_SECONDS = 30
DETAIL_CHARACTERS = 400
EXISTS_BY_NOW = {"42P06", "42P07"}
"""A schema, a table: `IF NOT EXISTS` looks before it creates, and two sessions may look at once."""
MISSING_PRIVILEGE, MISSING_DATABASE = "42501", "3D000"
_NO_REDSHIFT = (LookupError, ValueError, struct.error)
"""What the driver trips over when something else than Redshift answers."""

KEEP_ALIVE = {
    "tcp_keepalive": True,
    "tcp_keepalive_idle": 30,
    "tcp_keepalive_interval": 10,
    "tcp_keepalive_count": 3,
}


class RedshiftConnection:
    """A connection that is opened at first use and closed by `close`."""

    def __init__(self, name: str, config: TargetConfig, tunnel: Tunnel | None = None) -> None:
        """Describe a connection; it is opened at first use.

        Args:
            name: Name of the target, for messages.
            config: The target.
            tunnel: The way through the target's bastion; whoever made it closes it.
        """
        self.name, self._config, self._tunnel = name, config, tunnel
        self._connection: Any = None

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement; returns the rows that it changed, -1 where Redshift does not tell.

        Raises:
            TargetError: Redshift refused it.
            TargetConnectionError: The connection was lost; whether it ran is unknown.
            SerializableConflictError: Error 1023.
        """
        with self._errors():
            cursor = self._open().cursor()
            cursor.paramstyle = "qmark"
            cursor.execute(sql, tuple(parameters))
            return int(cursor.rowcount)

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a query and return its rows; raises as `execute`."""
        with self._errors():
            cursor = self._open().cursor()
            cursor.paramstyle = "qmark"
            cursor.execute(sql, tuple(parameters))
            return [tuple(row) for row in cursor.fetchall()]

    @contextmanager
    def autocommit(self) -> Iterator[None]:
        """Every statement inside is a transaction of its own; some DDL must be."""
        with self._errors():
            connection = self._open()
        connection.autocommit = True
        try:
            yield
        finally:
            connection.autocommit = False

    def commit(self) -> None:
        """Commit the open transaction; raises as `execute`."""
        with self._errors():
            self._open().commit()

    def rollback(self) -> None:
        """Roll the open transaction back; a lost connection has done so already."""
        try:
            with self._errors():
                if self._connection is not None:
                    self._connection.rollback()
        except TargetError as error:
            logger.debug("rollback on a broken connection: %s", error.happened)
            self.close()

    @property
    def statement_seconds(self) -> int:
        """How long the server lets a statement run."""
        return int(self._config.statement_timeout.total_seconds())

    @property
    def cipher(self) -> str | None:
        """TLS version and cipher of the connection; None where it is not encrypted."""
        with self._errors():
            end = self._open()._usock
        found = end.cipher() if isinstance(end, ssl.SSLSocket) else None
        return f"{found[1]} {found[0]}" if found else None

    def close(self) -> None:
        """Close the connection; a broken one is let go."""
        connection, self._connection = self._connection, None
        if connection is not None:
            _let_go(connection)

    def _open(self) -> Any:
        if self._connection is None:
            logger.debug("connecting to Redshift target %s", self.name)
            connection = self._connect()
            try:
                self._set_deadlines(connection)
            except BaseException:
                _let_go(connection)
                raise
            self._connection = connection
        return self._connection

    def _connect(self) -> Any:
        try:
            return redshift_connector.connect(**self._options())
        except (BotoCoreError, ClientError) as error:
            raise TargetError(
                f"Redshift target {self.name}: no credentials by IAM: {_redact(str(error))}",
                kept="Nothing was loaded.",
                remedy=f"Check targets.{self.name}.iam, and that its identity may call "
                "redshift:GetClusterCredentials (serverless: redshift-serverless:GetCredentials).",
            ) from error
        except _NO_REDSHIFT as error:
            why = "what answers there does not speak as Redshift does"
            raise _lost(self._place, why) from error

    def _set_deadlines(self, connection: Any) -> None:
        seconds = self.statement_seconds
        # The driver has one timeout for connecting and for every later read.
        connection._usock.settimeout(seconds + SOCKET_MARGIN_SECONDS)
        connection.autocommit = True
        connection.cursor().execute(f"SET statement_timeout TO {seconds * 1000}")
        connection.autocommit = False

    def _options(self) -> dict[str, Any]:
        config = self._config
        options: dict[str, Any] = {
            # The certificate must name the host, whichever way leads there.
            "host": config.host,
            "port": config.port,
            "database": config.database,
            "timeout": int(config.connect_timeout.total_seconds()),
            "application_name": "mysql-s3-redshift",
            "ssl": config.sslmode is not SslMode.DISABLE,
        }
        if self._tunnel is not None:
            options |= {"unix_sock": str(self._tunnel.open()), "tcp_keepalive": False}
        else:
            options |= KEEP_ALIVE
        if config.sslmode is not SslMode.DISABLE:
            options["sslmode"] = str(config.sslmode)
        if config.user is not None:
            options["user"] = config.user
        if config.password is not None:
            options["password"] = config.password.get_secret_value()
        if config.iam is not None:
            options |= {"iam": True, **config.iam.get_secret_value()}
        return options

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except Error as error:
            translated = translate(self.name, error, place=self._place)
            if isinstance(translated, TargetConnectionError):
                self.close()
            raise translated from error
        except (OSError, AttributeError, *_NO_REDSHIFT) as error:
            # A connection that breaks inside the driver surfaces as whatever it tripped over.
            self.close()
            raise _lost(self._place, f"{type(error).__name__}: {error}") from error

    @property
    def _place(self) -> str:
        return f"{self.name} at {self._config.host}:{self._config.port}"


def _let_go(connection: Any) -> None:
    try:
        connection.close()
    except (Error, OSError, AttributeError) as error:
        logger.debug("close on a broken connection: %s", type(error).__name__)


def translate(name: str, error: Error, *, place: str = "") -> TargetError:
    """Turn a driver's error into one of this project's.

    Args:
        name: Name of the target.
        error: The driver's.
        place: The name with the address, for an error of the network.
    """
    facts = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    code, message = str(facts.get("C", "")), str(facts.get("M", "") or _wording(error))
    if message.startswith("1023") or code == "40001":
        return SerializableConflictError(
            f"Redshift target {name}: serializable isolation violation (1023). "
            f"{_shorten(facts.get('D'))}".strip(),
            kept="The transaction was rolled back; the files stay pending.",
            remedy="It is tried again; when it persists, stop other writers of this table.",
        )
    if code in EXISTS_BY_NOW or (code == "23505" and "pg_" in message):
        return SerializableConflictError(
            f"Redshift target {name}: another session created the same object at the same time. "
            f"{_redact(message)}",
            kept="Nothing was loaded; the files stay pending.",
            remedy="It is tried again, and finds the object then.",
        )
    if code == "28000" or code == "28P01" or "authentication failed" in message:
        return TargetError(
            f"Redshift target {name} refused the login: {_redact(message)}",
            kept="Nothing was loaded.",
            remedy=f"Check targets.{name}.user and password in pipelines.yaml.",
        )
    if "CERTIFICATE_VERIFY_FAILED" in message or "refuses SSL" in message:
        return TargetError(
            f"Redshift target {name} cannot be trusted: {_redact(message)}",
            kept="Nothing was loaded.",
            remedy=f"Check targets.{name}.host and sslmode; a certificate of your own authority "
            "is trusted where the system trusts it (SSL_CERT_FILE).",
        )
    broken = not code or code[:2] in {"08", "57"}
    if broken and isinstance(error, InterfaceError | OperationalError):
        return _lost(place or name, _redact(message))
    detail = _shorten(facts.get("D"))
    return TargetError(
        f"Redshift target {name} refused a statement: {code} {_redact(message)} {detail}".rstrip(),
        kept="The transaction was rolled back; the files stay pending.",
        remedy=_remedy(name, code),
    )


def _wording(error: Error) -> str:
    """What the driver says; around an error of the network it puts a tuple."""
    return str(error.args[-1] if len(error.args) > 1 else error)


def _remedy(name: str, code: str) -> str:
    if code == MISSING_PRIVILEGE:
        return "`mysql-s3-redshift doctor` prints the GRANT that is missing; then run again."
    if code == MISSING_DATABASE:
        return f"Correct targets.{name}.database in pipelines.yaml, then run again."
    return "Mend the cause, then run again."


def _lost(place: str, why: str) -> TargetConnectionError:
    name = place.partition(" ")[0]
    return TargetConnectionError(
        f"Redshift target {place} cannot be reached, or the connection was lost: {why}",
        kept="Committed loads stay; what the ledger has is never loaded again.",
        remedy=f"Check targets.{name} (host, port, network), then run again.",
    )


def _shorten(detail: object) -> str:
    text = re.sub(r"\s+", " ", str(detail or "")).replace("-" * 47, "").strip()
    return _redact(text)[:DETAIL_CHARACTERS]


def _redact(text: str) -> str:
    """Blank out credentials that a server might quote from a COPY statement."""
    return re.sub(r"(?i)(access_key\w*|session_token|password)(\W+)'[^']*'", r"\1\2'***'", text)
