"""Fill the sandbox's MySQL with the demo schemas, once.

A schema is built under another name and moved into place by one RENAME TABLE, which MySQL makes
atomic: a schema is either complete or not there, whatever interrupts its generation.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path

from mysql_s3_redshift.sandbox.bulk_load import BulkTable, bulk_load
from mysql_s3_redshift.sandbox.flights import flights_tables
from mysql_s3_redshift.sandbox.mysql_server import MysqlAccount, MysqlConnection, connect
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus, remember_databases, status
from mysql_s3_redshift.sandbox.settings import locked
from mysql_s3_redshift.sandbox.settlement import settlement_tables

SCHEMAS: dict[str, Callable[[float], Sequence[BulkTable]]] = {
    "settlement": settlement_tables,
    "flights": flights_tables,
}
# The server spends about as much time on a batch as its generation takes here.
_CONNECTIONS = 3


def create_demo_data(
    folder: Path, *, scale: float = 1.0, report: Callable[[str], None] = lambda _line: None
) -> SandboxStatus:
    """Generate the demo schemas that do not exist yet in a running sandbox.

    Args:
        folder: The sandbox's folder.
        scale: Fraction of the rows; existing schemas keep the size they have.
        report: Receives a line for each schema that is generated.
    """
    account = status(folder).mysql_admin
    with locked(folder):
        for schema, tables in SCHEMAS.items():
            if _exists(account, schema):
                continue
            started = time.monotonic()
            rows = _create_schema(account, schema, tables(scale))
            report(f"generated {schema}: {rows:,} rows in {time.monotonic() - started:.1f} s")
    return remember_databases(folder, SCHEMAS)


def _create_schema(account: MysqlAccount, schema: str, tables: Sequence[BulkTable]) -> int:
    draft = f"{schema}_being_created"
    with contextlib.closing(connect(account)) as connection:
        _run(connection, f"DROP DATABASE IF EXISTS `{draft}`")
        for name in (draft, schema):
            _run(connection, f"CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8mb4")
        connection.select_db(draft)
        for statement in _statements(f"{schema}.sql"):
            _run(connection, statement)
        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            rows = sum(pool.map(lambda table: _load(account, draft, table), tables))
        moves = [f"`{draft}`.`{table.name}` TO `{schema}`.`{table.name}`" for table in tables]
        _run(connection, f"RENAME TABLE {', '.join(moves)}")
        _run(connection, f"DROP DATABASE `{draft}`")
        # Statistics are what the planner chooses indexes by; without them it may scan.
        names = ", ".join(f"`{schema}`.`{table.name}`" for table in tables)
        _run(connection, f"ANALYZE TABLE {names}")
    return rows


def _load(account: MysqlAccount, database: str, table: BulkTable) -> int:
    with contextlib.closing(connect(account)) as connection:
        connection.select_db(database)
        _run(connection, "SET time_zone = '+00:00'")
        return bulk_load(connection, table)


def _exists(account: MysqlAccount, schema: str) -> bool:
    with contextlib.closing(connect(account)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s", (schema,)
        )
        count = cursor.fetchone()
    return count is not None and count[0] > 0


def _statements(file: str) -> list[str]:
    text = files("mysql_s3_redshift.sandbox").joinpath(file).read_text(encoding="utf-8")
    return [statement for part in text.split(";\n") if (statement := part.strip())]


def _run(connection: MysqlConnection, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
