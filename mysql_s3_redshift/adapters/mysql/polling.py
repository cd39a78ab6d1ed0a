"""Which of many tables have rows beyond their watermark, asked in few queries.

One row of `EXISTS (…)` columns answers for many tables. Each is the keyset query that a run would
send, so it seeks with the cursor's index, stops at the first row and knows `additional_where`.
"""

from __future__ import annotations

from collections.abc import Sequence

from mysql_s3_redshift.adapters.mysql import queries
from mysql_s3_redshift.adapters.mysql.connection import MySqlConnection
from mysql_s3_redshift.adapters.mysql.server import server_facts
from mysql_s3_redshift.adapters.mysql.wire import query
from mysql_s3_redshift.core.cursors import ChunkQuery
from mysql_s3_redshift.core.plan import ResolvedTable
from mysql_s3_redshift.errors import SourceConnectionError, SourceError

TABLES_PER_QUERY = 50
MOST_SECONDS = 5
_TIME_LIMITS = {
    "mariadb": f"SET SESSION max_statement_time = {MOST_SECONDS}",
    "mysql": f"SET SESSION max_execution_time = {MOST_SECONDS * 1000}",
}

Question = tuple[ResolvedTable, ChunkQuery]
"""A table and the query of what lies beyond its watermark."""


def limit_statements(connection: MySqlConnection) -> None:
    """Let no statement of this connection take longer than a few seconds."""
    connection.query(_TIME_LIMITS[server_facts(connection.raw).flavor])


def have_rows(connection: MySqlConnection, asked: Sequence[Question]) -> list[bool]:
    """Tell for each question whether the query would return any row.

    A question that MySQL refuses, or cannot answer in a few seconds, counts as yes: the table's own
    run then shows the error, and the other tables of the query are not held up by it.

    Raises:
        SourceConnectionError: MySQL cannot be reached, or the connection was lost.
    """
    answers: list[bool] = []
    for start in range(0, len(asked), TABLES_PER_QUERY):
        answers += _answer(connection, asked[start : start + TABLES_PER_QUERY])
    return answers


def _answer(connection: MySqlConnection, asked: Sequence[Question]) -> list[bool]:
    try:
        return _ask(connection, asked)
    except SourceConnectionError:
        raise
    except SourceError:
        if len(asked) == 1:
            return [True]
    half = len(asked) // 2
    return [*_answer(connection, asked[:half]), *_answer(connection, asked[half:])]


def _ask(connection: MySqlConnection, asked: Sequence[Question]) -> list[bool]:
    statements = [queries.exists(table, chunk) for table, chunk in asked]
    # The line break ends a comment that a condition may end with.
    columns = ", ".join(f"EXISTS (\n{s.sql}\n)" for s in statements)
    parameters = tuple(value for s in statements for value in s.parameters)
    answers: list[bool] = []
    with query(connection.raw, f"{queries.MARK} SELECT {columns}", parameters) as stream:
        for wire in stream:
            answers += [bool(column[0].as_py()) for column in wire.batch.columns if len(column)]
    return answers
