"""Statements that the stand-in runs itself: COPY and the widening of a VARCHAR."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pyarrow as pa

from mysql_s3_redshift.sandbox.redshift import load_log
from mysql_s3_redshift.sandbox.redshift.control import ClientDropped
from mysql_s3_redshift.sandbox.redshift.copy.columns import (
    TargetColumn,
    chosen_columns,
    columns_query,
    parse_columns,
)
from mysql_s3_redshift.sandbox.redshift.copy.load import FileLoad
from mysql_s3_redshift.sandbox.redshift.copy.manifest import find_files
from mysql_s3_redshift.sandbox.redshift.errors import (
    NOT_SUPPORTED,
    RedshiftError,
    spectrum_error,
)
from mysql_s3_redshift.sandbox.redshift.sql.create_table import length_constraint
from mysql_s3_redshift.sandbox.redshift.sql.lexer import quote_literal, quote_name
from mysql_s3_redshift.sandbox.redshift.sql.statement import CopyFrom, Statement, WidenColumn

if TYPE_CHECKING:
    from mysql_s3_redshift.sandbox.redshift.session import Session


async def run_action(session: Session, statement: Statement) -> None:
    """Run the action of a statement, in the open block or in a transaction of its own.

    Raises:
        RedshiftError: What the client is told.
    """
    match statement.action:
        case CopyFrom() as copy:
            session.server.faults.drop_at("before_copy")
            await _in_transaction(session, copy)
        case WidenColumn() as widen:
            await _in_transaction(session, widen)


async def _in_transaction(session: Session, action: CopyFrom | WidenColumn) -> None:
    own = session.upstream.is_idle
    if own:
        await session.relay.inject("begin")
    try:
        if isinstance(action, CopyFrom):
            await _copy(session, action)
        else:
            await _widen(session, action)
    except RedshiftError:
        if own:
            await session.upstream.query("rollback")
        raise
    if own:
        await session.upstream.query("commit")


async def _copy(session: Session, copy: CopyFrom) -> None:
    started = time.monotonic()
    try:
        await session.relay.lock(copy.table)
    except RedshiftError as error:
        if error.sqlstate == "42P01":
            message = f"Cannot COPY into nonexistent table {copy.table}"
            raise RedshiftError("42P01", message) from None
        raise
    rows = await session.upstream.query(columns_query(copy.table))
    columns, table_id, table = parse_columns(rows), int(rows[0][8] or 0), str(rows[0][9])
    target = chosen_columns(columns, copy.columns, explicit_ids="EXPLICIT_IDS" in copy.options)
    query = await session.server.next_query_id()
    log = load_log.LoadLog(session.upstream.pid, query, table_id, table, copy.source)
    try:
        load = await _load_files(session, copy, target, query)
    except RedshiftError as error:
        session.copy_state = {"last_copy_id": query, "last_copy_count": 0, "last_query_id": query}
        await session.server.admin_query(log.failed(error, columns))
        raise
    await session.upstream.query(
        f"set rs.last_copy_id to '{query}'; set rs.last_copy_count to '{load.rows}'; "
        f"set rs.last_query_id to '{query}'"
    )
    session.copy_state = {}
    await session.server.admin_query(log.completed(load, time.monotonic() - started))
    name = session.server.names.full(table)
    session.relay.notice(
        f"Load into table '{name}' completed, {load.rows} record(s) loaded successfully."
    )


async def _load_files(
    session: Session, copy: CopyFrom, target: list[TargetColumn], query: int
) -> FileLoad:
    storage, faults = session.server.storage, session.server.faults

    def interrupted(rows: int) -> None:
        if session.reader.gone.is_set():
            raise ClientDropped("the client has gone")
        if rows:
            faults.drop_at("during_copy")

    s3 = await asyncio.to_thread(storage.client, copy.credentials)
    manifest = "MANIFEST" in copy.options
    files = await asyncio.to_thread(find_files, s3, copy.source, manifest=manifest, query=query)
    filesystem = storage.filesystem(copy.credentials)
    load = FileLoad(filesystem, files, target, copy.options, query, storage.region, interrupted)
    names = ", ".join(quote_name(column.name) for column in target)
    try:
        await asyncio.to_thread(load.check)
        await session.upstream.copy_in(
            f"copy {copy.table} ({names}) from stdin (format binary)", load.stream()
        )
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, ClientDropped):
            raise
        raise spectrum_error(15001, f"{type(error).__name__}: {error}", query=query) from error
    return load


async def _widen(session: Session, widen: WidenColumn) -> None:
    """Change the size of a VARCHAR under the conditions of `r_ALTER_TABLE`."""
    rows = await session.upstream.query(columns_query(widen.table))
    columns = {column.name: column for column in parse_columns(rows)}
    column = columns.get(widen.column)
    if column is None:
        message = f'column "{widen.column}" of relation {widen.table} does not exist'
        raise RedshiftError("42703", message)
    if column.type != "varchar" or not widen.type_name.startswith("varchar"):
        message = f'target data type "{widen.type_name}" is not supported'
        raise RedshiftError(NOT_SUPPORTED, message)
    if column.has_default:
        message = f'cannot alter type of a column "{widen.column}" with a default value'
        raise RedshiftError(NOT_SUPPORTED, message)
    await _refuse_keys_and_encodings(session, widen)
    quoted = quote_name(widen.column)
    longest = await session.upstream.query(
        f"select coalesce(max(octet_length({quoted})), 0) from {widen.table}"
    )
    if int(longest[0][0] or 0) > (widen.length or 0):
        message = (
            "target column size should be greater or equal to current maximum column size "
            f"({longest[0][0]})"
        )
        raise RedshiftError(NOT_SUPPORTED, message)
    constraint = quote_name(length_constraint(widen.column))
    await session.upstream.query(
        f"alter table {widen.table} drop constraint if exists {constraint}; "
        f"alter table {widen.table} alter column {quoted} type {widen.type_name}, "
        f"add constraint {constraint} check (octet_length({quoted}) <= {widen.length})"
    )


async def _refuse_keys_and_encodings(session: Session, widen: WidenColumn) -> None:
    facts = await session.server.admin_query(
        f"""select primary_key or unique_key, encoding from rs.column_attribute x
            join pg_attribute a on a.attrelid = x.relid and a.attnum = x.attnum
            where attname = {quote_literal(widen.column)} and x.relid = (
              select oid from pg_class where oid = {await _relation(session, widen.table)})"""
    )
    for is_key, encoding in facts:
        if is_key == "t":
            message = f'cannot alter type of a column "{widen.column}" with a key constraint'
            raise RedshiftError(NOT_SUPPORTED, message)
        if encoding in ("bytedict", "runlength", "text255", "text32k"):
            message = f'cannot alter type of a column "{widen.column}" with encoding {encoding}'
            raise RedshiftError(NOT_SUPPORTED, message)


async def _relation(session: Session, table: str) -> int:
    rows = await session.upstream.query(f"select {quote_literal(table)}::regclass::oid::bigint")
    return int(rows[0][0] or 0)
