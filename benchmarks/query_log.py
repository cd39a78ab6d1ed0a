"""What a program asks of MySQL, by the server's general log."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from benchmarks.workspace import Workspace

SET_UP = (
    "SET ",
    "SHOW ",
    "SELECT VERSION",
    "START ",
    "ROLLBACK",
    "/* MYSQL-S3-REDSHIFT */ SELECT 1",
)
"""Statements that a connection begins with, once, and those that only open and end a snapshot."""


@dataclass(slots=True)
class QueryLog:
    """The statements of the reader's account, in order, by connection."""

    by_connection: dict[int, list[str]] = field(default_factory=dict)

    @property
    def asked(self) -> list[str]:
        """The statements of all connections."""
        return [query for queries in self.by_connection.values() for query in queries]


@contextlib.contextmanager
def logged_queries(workspace: Workspace) -> Iterator[QueryLog]:
    """Log what is asked inside of the `with`; the log is complete after it."""
    found = QueryLog()
    with workspace.admin(None) as connection:
        cursor = connection.cursor()
        cursor.execute("SET GLOBAL log_output = 'TABLE'")
        cursor.execute("TRUNCATE mysql.general_log")
        cursor.execute("SET GLOBAL general_log = ON")
        try:
            yield found
        finally:
            cursor.execute("SET GLOBAL general_log = OFF")
        cursor.execute(
            "SELECT thread_id, argument FROM mysql.general_log WHERE user_host LIKE %s "
            "AND command_type IN ('Query', 'Execute') ORDER BY event_time",
            (f"{workspace.sandbox.mysql_reader.user}%",),
        )
        for thread, argument in cursor.fetchall():
            found.by_connection.setdefault(thread, []).append(_text(argument).lstrip())


def is_set_up(query: str) -> bool:
    """Whether a statement is asked once for a connection and not for a table."""
    return query.upper().startswith(SET_UP)


def _text(argument: bytes | str) -> str:
    return argument.decode(errors="replace") if isinstance(argument, bytes) else str(argument)
