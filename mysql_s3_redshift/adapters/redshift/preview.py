"""The statements that a load would send: the load itself, on a connection that only writes down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from mysql_s3_redshift.adapters.redshift import sql
from mysql_s3_redshift.adapters.redshift.connection import RedshiftConnection
from mysql_s3_redshift.adapters.redshift.staging import TableNames
from mysql_s3_redshift.adapters.redshift.target import (
    RedshiftTarget,
    copy_authorization,
    table_names,
)
from mysql_s3_redshift.config import StorageConfig, TargetConfig
from mysql_s3_redshift.core.model import LoadMode
from mysql_s3_redshift.core.ports import LoadTarget
from mysql_s3_redshift.core.schema import TableSchema
from mysql_s3_redshift.core.state import DataFile

AUTHORIZATION = "IAM_ROLE '…'"
"""Stands for the role or the keys, which no output shows."""


def load_statements(
    connection: RedshiftConnection,
    access: tuple[TargetConfig, StorageConfig],
    table: LoadTarget,
    schema: TableSchema,
    files: Sequence[DataFile],
    manifest_uri: str,
    *,
    appends_anew: bool,
) -> list[str]:
    """What one load would send, in its order, where every staged key is different.

    Reads the catalog, and whether the target is empty; changes nothing.

    Args:
        connection: Redshift.
        access: How Redshift and S3 are reached.
        table: The target.
        schema: The schema of the files.
        files: The files of the load.
        manifest_uri: Their manifest.
        appends_anew: Whether the load looks for rows of another history.

    Raises:
        TargetError: The target cannot take the files without loss.
    """
    rows, secret = sum(f.rows for f in files), copy_authorization(*access)
    recorded = _WrittenDown(connection, table_names(table), rows, secret)
    target = RedshiftTarget(recorded, *access)
    try:
        target.prepare(table, schema)
        recorded.is_loading = True
        with target.transaction(table) as transaction:
            if table.load_mode == LoadMode.REPLACE:
                transaction.newest()
            transaction.known(files)
            if appends_anew:
                transaction.of_other_history(files, table.generation)
            transaction.stage(schema, manifest_uri, files)
            transaction.apply(table, schema, files)
            transaction.record("{load_id}", manifest_uri, files)
            transaction.commit()
    finally:
        connection.rollback()
    return recorded.statements


class _WrittenDown(RedshiftConnection):
    """Writes statements down; what a load asks is answered as after a load without surprises.

    Attributes:
        statements: What was written down.
        is_loading: Inside the load's transaction, where questions are part of it.
    """

    def __init__(
        self, connection: RedshiftConnection, names: TableNames, rows: int, secret: str
    ) -> None:
        self._real, self._names, self._rows, self._secret = connection, names, rows, secret
        self.statements: list[str] = []
        self.is_loading = self._creates_target = False

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Write a statement down; every row is changed."""
        del parameters
        self._creates_target |= sql.startswith(f"CREATE TABLE IF NOT EXISTS {self._names.target}")
        self.statements.append(sql.replace(self._secret, AUTHORIZATION))
        return self._rows

    def query(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Ask the catalog, and whether the target has rows; answer what the load itself asks."""
        if not self.is_loading:
            return self._real.query(statement, parameters)
        self.statements.append(statement)
        if statement == sql.any_row(self._names.target):
            return [] if self._creates_target else self._real.query(statement)
        if statement == sql.LAST_COPY_COUNT:
            return [(self._rows,)]
        if statement.startswith("SELECT (SELECT COUNT(*)"):  # rows, NULL keys, different keys
            return [(self._rows, 0, self._rows)]
        ledger = self._names.ledger
        if statement == sql.file_of_other_generation(ledger):
            return [(None,)]
        return [] if statement in {sql.ledger_files(ledger), sql.numbered_files(ledger)} else [(0,)]

    @contextmanager
    def autocommit(self) -> Iterator[None]:
        """Nothing is sent, so nothing is committed."""
        yield

    def commit(self) -> None:
        """The end of the transaction."""
        self.statements.append("COMMIT")

    def rollback(self) -> None:
        """Nothing was sent."""

    def close(self) -> None:
        """Nothing was opened."""
