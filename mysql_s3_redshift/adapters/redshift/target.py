"""A Redshift connection as the load needs it (see `core.ports.Target`)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from mysql_s3_redshift.adapters.redshift import sql
from mysql_s3_redshift.adapters.redshift.catalog import describe
from mysql_s3_redshift.adapters.redshift.connection import RedshiftConnection
from mysql_s3_redshift.adapters.redshift.staging import LARGE_LOAD_ROWS, TableNames
from mysql_s3_redshift.adapters.redshift.transaction import RedshiftTransaction
from mysql_s3_redshift.config import StorageConfig, TargetConfig
from mysql_s3_redshift.core.drift import (
    TargetChange,
    TargetChangeKind,
    TargetColumn,
    plan_target_changes,
)
from mysql_s3_redshift.core.names import table_identifier
from mysql_s3_redshift.core.ports import LoadTarget
from mysql_s3_redshift.core.schema import TableSchema
from mysql_s3_redshift.errors import TargetError

logger = logging.getLogger(__name__)


class RedshiftTarget:
    """Loads tables over one connection, one at a time."""

    def __init__(
        self, connection: RedshiftConnection, config: TargetConfig, storage: StorageConfig
    ) -> None:
        self.connection = connection
        self._auth = copy_authorization(config, storage)
        self._columns: tuple[TargetColumn, ...] = ()

    def prepare(self, table: LoadTarget, schema: TableSchema) -> Sequence[str]:
        """Create or evolve ledger and target; each statement is a transaction of its own.

        Returns:
            What was changed in the target, a sentence each.

        Raises:
            TargetError: The target cannot take the files without loss; nothing was changed.
        """
        names = table_names(table)
        mine = (table.plan.target_schema, table.plan.target_name)
        ledger = (table.plan.ledger_schema, ledger_name(table))
        changes: list[str] = []
        needed: Sequence[TargetChange] = ()
        with self.connection.autocommit():
            # Inside: a query of a transaction would make every statement below a part of it.
            found = describe(self.connection, [mine, ledger])
            if ledger not in found:
                self._require_schema(table.plan.ledger_schema)
                self.connection.execute(sql.create_ledger(names.ledger))
            if mine not in found:
                self._create(table, schema, names.target)
                self.connection.execute(sql.comment_table(names.ledger, sql.TARGET_IS_OURS))
                changes.append(f"created {table.plan.target_schema}.{table.plan.target_name}")
            else:
                needed = needed_changes(self.connection, table, schema, found[mine])
                self._alter(names.target, needed)
                changes += [change.sentence for change in needed]
        if any(change.kind is TargetChangeKind.REBUILD_COLUMN for change in needed):
            self._rebuild_columns(table, schema)
        self._columns = found.get(mine) or tuple(
            TargetColumn(c.name, c.target_type, nullable=c.nullable) for c in schema.columns
        )
        return changes

    @contextmanager
    def transaction(self, table: LoadTarget) -> Iterator[RedshiftTransaction]:
        """Open a transaction that locks the ledger first; rolls back unless committed."""
        names = table_names(table)
        transaction = RedshiftTransaction(
            self.connection, table, names, auth=self._auth, target_columns=self._columns
        )
        try:
            self.connection.execute(sql.lock(names.ledger))
            yield transaction
        finally:
            if not transaction.committed:
                self.connection.rollback()
        if transaction.committed and transaction.rows >= LARGE_LOAD_ROWS:
            self._analyze(names.target)

    def _analyze(self, target: str) -> None:
        """Renew the planner's statistics after a large load, outside its transaction.

        Redshift skips a table of which less than `analyze_threshold_percent` changed
        (https://docs.aws.amazon.com/redshift/latest/dg/t_Analyzing_tables.html). The load is
        committed and right without it, so a refusal is no failure of the load.
        """
        try:
            with self.connection.autocommit():
                self.connection.execute(sql.analyze(target))
        except TargetError as error:
            logger.warning("%s was loaded, and not analyzed: %s", target, error.happened)

    def count_rows(self, table: LoadTarget) -> int | None:
        """Rows of the target; None when it does not exist."""
        mine = (table.plan.target_schema, table.plan.target_name)
        if mine not in describe(self.connection, [mine, mine]):
            return None
        rows = self.connection.query(sql.count_rows(table_names(table).target))
        self.connection.rollback()
        return int(rows[0][0])

    def _create(self, table: LoadTarget, schema: TableSchema, target: str) -> None:
        plan = table.plan
        self._require_schema(plan.target_schema)
        self.connection.execute(sql.create_table(target, schema, plan.target_options))
        if schema.comment:
            self.connection.execute(sql.comment_table(target, schema.comment))
        for column in schema.columns:
            if column.comment:
                self.connection.execute(sql.comment_column(target, column.name, column.comment))

    def _require_schema(self, schema: str) -> None:
        """Create a schema that is missing; even IF NOT EXISTS needs CREATE on the database."""
        if not self.connection.query(sql.FIND_SCHEMA, [schema]):
            self.connection.execute(sql.create_schema(schema))

    def _alter(self, target: str, changes: Sequence[TargetChange]) -> None:
        for change in changes:
            if change.kind is TargetChangeKind.REBUILD_COLUMN:
                continue
            self.connection.execute(sql.change_column(target, change))
            if change.comment:
                self.connection.execute(sql.comment_column(target, change.column, change.comment))

    def _rebuild_columns(self, table: LoadTarget, schema: TableSchema) -> None:
        """Copy columns to wider ones, all in one transaction under the ledger's lock.

        Another load may have done it since, so the table is looked at again behind the lock.
        """
        names = table_names(table)
        mine = (table.plan.target_schema, table.plan.target_name)
        try:
            self.connection.execute(sql.lock(names.ledger))
            self.connection.execute(sql.lock(names.target))
            columns = describe(self.connection, [mine, mine])[mine]
            for change in needed_changes(self.connection, table, schema, columns):
                if change.kind is TargetChangeKind.REBUILD_COLUMN:
                    for statement in sql.rebuild_column(names.target, change):
                        self.connection.execute(statement)
                    if change.comment:
                        self.connection.execute(
                            sql.comment_column(names.target, change.column, change.comment)
                        )
            self.connection.commit()
        except TargetError:
            self.connection.rollback()
            raise


def needed_changes(
    connection: RedshiftConnection,
    table: LoadTarget,
    schema: TableSchema,
    columns: Sequence[TargetColumn],
) -> tuple[TargetChange, ...]:
    """What the target needs; only in a table that we made columns may be copied to wider ones.

    Raises:
        TargetError: The target cannot take the files without loss.
    """
    keyed = [replace(c, in_key=c.name in schema.primary_key) for c in columns]
    name = table.plan.display_name
    try:
        return plan_target_changes(keyed, schema, table=name)
    except TargetError:
        ledger = (table.plan.ledger_schema, ledger_name(table))
        if connection.query(sql.TABLE_COMMENT, ledger) != [(sql.TARGET_IS_OURS,)]:
            raise
        return plan_target_changes(keyed, schema, table=name, may_rebuild=True)


def ledger_name(table: LoadTarget) -> str:
    """Name of the table's ledger."""
    return table_identifier(f"{table.plan.target_schema}__{table.plan.target_name}")


def table_names(table: LoadTarget) -> TableNames:
    """Target and ledger, quoted."""
    plan = table.plan
    return TableNames(
        target=sql.qualified(plan.target_schema, plan.target_name),
        ledger=sql.qualified(plan.ledger_schema, ledger_name(table)),
    )


def copy_authorization(config: TargetConfig, storage: StorageConfig) -> str:
    """The clause with which COPY reads S3: a role, or the keys of an S3-compatible store."""
    if config.copy_role == "default":
        return "IAM_ROLE default"
    if config.copy_role is not None:
        return f"IAM_ROLE {sql.literal(config.copy_role)}"
    keys = {
        "ACCESS_KEY_ID": storage.access_key_id,
        "SECRET_ACCESS_KEY": storage.secret_access_key,
        "SESSION_TOKEN": storage.session_token,
    }
    given = {k: v.get_secret_value() for k, v in keys.items() if v is not None}
    return " ".join(f"{k} {sql.literal(v)}" for k, v in given.items()) or "IAM_ROLE default"
