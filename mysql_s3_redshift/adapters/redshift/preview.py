"""The statements that a load would send, without sending them."""

from __future__ import annotations

from collections.abc import Sequence

from mysql_s3_redshift.adapters.redshift import sql
from mysql_s3_redshift.adapters.redshift.catalog import describe
from mysql_s3_redshift.adapters.redshift.connection import RedshiftConnection
from mysql_s3_redshift.adapters.redshift.target import ledger_name, needed_changes, table_names
from mysql_s3_redshift.core.model import LoadMode
from mysql_s3_redshift.core.names import quote_redshift
from mysql_s3_redshift.core.ports import LoadTarget
from mysql_s3_redshift.core.schema import TableSchema

AUTHORIZATION = "IAM_ROLE '…'"
"""Stands for the role or the keys, which no output shows."""


def prepare_statements(
    connection: RedshiftConnection, table: LoadTarget, schema: TableSchema
) -> list[str]:
    """What would create or evolve ledger and target; reads the catalog alone.

    Raises:
        TargetError: The target cannot take the files without loss.
    """
    plan, names = table.plan, table_names(table)
    mine, ledger = (plan.target_schema, plan.target_name), (plan.ledger_schema, ledger_name(table))
    found = describe(connection, [mine, ledger])
    statements = []
    if ledger not in found:
        statements += [sql.create_schema(plan.ledger_schema), sql.create_ledger(names.ledger)]
    if mine not in found:
        statements.append(sql.create_schema(plan.target_schema))
        statements.append(sql.create_table(names.target, schema, plan.target_options))
    else:
        for change in needed_changes(connection, table, schema, found[mine]):
            statements += sql.change_statements(names.target, change)
    connection.rollback()
    return statements


def load_statements(
    table: LoadTarget, schema: TableSchema, manifest_uri: str, *, window: str | None
) -> list[str]:
    """The transaction of one load, in its order, where every staged key is different.

    Args:
        table: The target.
        schema: The schema of the files.
        manifest_uri: Their manifest.
        window: Column (MySQL's name) of the window that they replace; None where they are none.
    """
    names = table_names(table)
    staging = quote_redshift(sql.STAGING)
    return [
        sql.lock(names.ledger),
        sql.ledger_files(names.ledger),
        sql.create_staging(schema, table.plan.target_options),
        sql.copy(staging, schema, manifest_uri, auth=AUTHORIZATION, manifest=True),
        sql.LAST_COPY_COUNT,
        *_apply(table, schema, names.target, window=window),
        sql.insert_ledger(names.ledger, 1),
        "COMMIT",
    ]


def _apply(table: LoadTarget, schema: TableSchema, target: str, *, window: str | None) -> list[str]:
    version = schema.by_source(table.version) if table.version else None
    if table.load_mode == LoadMode.REPLACE:
        return [sql.delete_all(target), sql.insert_all(target, schema)]
    if table.load_mode == LoadMode.UPSERT:
        key = _key(table, schema)
        name = version.name if version else None
        return [
            sql.key_counts(quote_redshift(sql.STAGING), key),
            sql.delete_older(target, schema, key, version=name, staging=sql.STAGING),
            sql.insert_missing(target, schema, key, staging=sql.STAGING),
        ]
    column = schema.by_source(window) if window else None
    emptied = [sql.delete_window(target, column.name)] if column else []
    return [*emptied, sql.insert_all(target, schema)]


def _key(table: LoadTarget, schema: TableSchema) -> Sequence[str]:
    columns = (schema.by_source(source) for source in table.key)
    return [column.name for column in columns if column is not None]
