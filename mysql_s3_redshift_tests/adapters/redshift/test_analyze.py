"""Statistics after loads: large loads are analyzed, once they are committed."""

import logging
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mysql_s3_redshift.adapters.redshift.connection import RedshiftConnection
from mysql_s3_redshift.adapters.redshift.staging import LARGE_LOAD_ROWS
from mysql_s3_redshift.adapters.redshift.target import RedshiftTarget
from mysql_s3_redshift.config import StorageConfig, TargetConfig
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.ports import LoadTarget
from mysql_s3_redshift.errors import TargetError

ANALYZE = 'ANALYZE "shop"."orders" PREDICATE COLUMNS'


class RecordingConnection:
    """Notes statements, and whether each was a transaction of its own."""

    def __init__(self, *, refuses_analyze: bool = False) -> None:
        self.statements: list[tuple[str, bool]] = []
        self._autocommit = False
        self._refuses_analyze = refuses_analyze

    def execute(self, sql: str, _parameters: Any = ()) -> int:
        self.statements.append((sql, self._autocommit))
        if self._refuses_analyze and sql.startswith("ANALYZE"):
            raise TargetError("must be owner of the table", kept="", remedy="")
        return 0

    def commit(self) -> None:
        self.statements.append(("COMMIT", self._autocommit))

    def rollback(self) -> None:
        self.statements.append(("ROLLBACK", self._autocommit))

    @contextmanager
    def autocommit(self):
        self._autocommit = True
        yield
        self._autocommit = False


def load(connection: RecordingConnection, *, rows: int, commits: bool = True) -> None:
    """One load transaction that pretends to have staged so many rows."""
    target = RedshiftTarget(
        cast("RedshiftConnection", connection),
        cast("TargetConfig", SimpleNamespace(copy_role="default")),
        cast("StorageConfig", SimpleNamespace()),
    )
    plan = TablePlan("p", "s", "l", "w", "shop", "orders", "shop", "orders")
    table = LoadTarget(plan=plan, load_mode="append", key=(), version=None, generation=1)
    with target.transaction(table) as transaction:
        transaction.rows = rows
        if commits:
            transaction.commit()


def test_a_large_load_is_analyzed_after_its_commit_outside_the_transaction():
    connection = RecordingConnection()
    load(connection, rows=LARGE_LOAD_ROWS)
    assert connection.statements[-2:] == [("COMMIT", False), (ANALYZE, True)]


@pytest.mark.parametrize(("rows", "commits"), [(LARGE_LOAD_ROWS - 1, True), (10**9, False)])
def test_small_loads_and_those_rolled_back_are_not_analyzed(rows, commits):
    connection = RecordingConnection()
    load(connection, rows=rows, commits=commits)
    assert ANALYZE not in [sql for sql, _ in connection.statements]


def test_a_refused_analyze_leaves_the_load_a_success_and_says_so(caplog):
    with caplog.at_level(logging.WARNING):
        load(RecordingConnection(refuses_analyze=True), rows=LARGE_LOAD_ROWS)
    assert "was loaded, and not analyzed: must be owner" in caplog.text
