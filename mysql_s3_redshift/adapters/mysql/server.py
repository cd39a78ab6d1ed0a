"""What a MySQL server says about itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pymysql
from pymysql.cursors import DictCursor

from mysql_s3_redshift.adapters.mysql.wire.failures import driver_error

_FACTS = (
    "SELECT VERSION() AS version, @@version_comment AS version_comment, "
    "@@global.time_zone AS time_zone, @@system_time_zone AS system_time_zone, "
    "@@global.read_only AS read_only, @@global.innodb_read_only AS innodb_read_only"
)
# MariaDB since 10.5 and MySQL since 8.0.22 know the first, older servers the second.
_REPLICA_STATUS = ("SHOW REPLICA STATUS", "SHOW SLAVE STATUS")
# Seen with PROCESS; without it, a user sees its own connections alone.
_APPLIERS = (
    "SELECT 1 FROM information_schema.PROCESSLIST "
    "WHERE USER = 'system user' AND COMMAND <> 'Daemon' LIMIT 1"
)
_SYNTAX_ERROR = 1064
_NOT_ALLOWED = frozenset({1044, 1045, 1142, 1227})


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """A MySQL server.

    Attributes:
        version: As the server tells it, `10.11.6-MariaDB-log`.
        flavor: `mariadb` or `mysql`.
        time_zone: The global one; `SYSTEM` is told as the system's.
        read_only: Whether the server refuses writes, as replicas usually do.
        is_replica: Whether it applies another server's transactions; None when the user may not
            know (REPLICATION CLIENT, on MariaDB SLAVE MONITOR) and nothing else tells, neither
            threads that apply them nor that the server refuses writes.
    """

    version: str
    flavor: str
    time_zone: str
    read_only: bool
    is_replica: bool | None


def server_facts(connection: pymysql.Connection[Any]) -> ServerFacts:
    """Ask a server about itself.

    Raises:
        SourceError: MySQL refused a query.
    """
    try:
        with connection.cursor(DictCursor) as cursor:
            cursor.execute(_FACTS)
            row = cursor.fetchone() or {}
            replica = _replicates(cursor)
    except pymysql.err.Error as error:
        raise driver_error(error) from error
    read_only = any(_is_on(row[name]) for name in ("read_only", "innodb_read_only"))
    zone = str(row["time_zone"])
    about = f"{row['version']} {row['version_comment']}".lower()
    return ServerFacts(
        version=str(row["version"]),
        flavor="mariadb" if "mariadb" in about else "mysql",
        time_zone=str(row["system_time_zone"]) if zone.upper() == "SYSTEM" else zone,
        read_only=read_only,
        # A server that refuses writes and changes all the same gets its changes from elsewhere.
        is_replica=True if read_only else replica,
    )


def _replicates(cursor: DictCursor) -> bool | None:
    for statement in _REPLICA_STATUS:
        try:
            cursor.execute(statement)
        except pymysql.err.Error as error:
            code = error.args[0] if error.args else None
            if code == _SYNTAX_ERROR:
                continue
            if code in _NOT_ALLOWED:
                return _shows_appliers(cursor)
            raise
        return cursor.fetchone() is not None
    return None


def _shows_appliers(cursor: DictCursor) -> bool | None:
    """Whether threads are seen that apply another server's transactions; None where none are."""
    cursor.execute(_APPLIERS)
    return True if cursor.fetchone() else None


def _is_on(value: object) -> bool:
    return str(value).upper() in {"1", "ON", "NO_LOCK", "NO_LOCK_NO_ADMIN"}
