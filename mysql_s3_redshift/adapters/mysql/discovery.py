"""What MySQL says about its tables: columns, keys, indexes, sizes.

Everything comes from `information_schema`, in two queries for any number of tables of one schema
(three on MariaDB, whose JSON is text with a CHECK). SELECT on the tables is enough: the server
shows what the user may read.

https://dev.mysql.com/doc/refman/8.4/en/information-schema-columns-table.html
https://mariadb.com/kb/en/information-schema-columns-table/
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pymysql
from pymysql.cursors import DictCursor

from mysql_s3_redshift.adapters.mysql.query_columns import describe_query
from mysql_s3_redshift.adapters.mysql.server import server_facts
from mysql_s3_redshift.adapters.mysql.wire.failures import driver_error
from mysql_s3_redshift.core.names import quote_mysql
from mysql_s3_redshift.core.schema import Index, SourceColumn, SourceTable
from mysql_s3_redshift.core.type_rules import utf8_bytes
from mysql_s3_redshift.errors import ConfigError

__all__ = ["describe_query", "describe_table", "describe_tables", "list_tables", "server_facts"]

Row = Mapping[str, Any]
Checks = frozenset[tuple[str, str]]
"""Table and clause of every CHECK constraint of a schema."""

_SYSTEM_SCHEMAS = ("information_schema", "mysql", "performance_schema", "sys")

_COLUMNS = """
SELECT t.TABLE_NAME AS table_name, t.TABLE_TYPE AS table_type, t.TABLE_COMMENT AS table_comment,
       t.ENGINE AS engine, t.TABLE_ROWS AS row_estimate, t.DATA_LENGTH AS data_bytes,
       t.CREATE_TIME AS created_at, @@lower_case_table_names AS folds_case,
       VERSION() AS server_version,
       c.COLUMN_NAME AS name, c.DATA_TYPE AS data_type, c.COLUMN_TYPE AS column_type,
       c.IS_NULLABLE AS nullable, c.CHARACTER_SET_NAME AS charset,
       c.CHARACTER_MAXIMUM_LENGTH AS length, c.NUMERIC_PRECISION AS numeric_precision,
       c.NUMERIC_SCALE AS numeric_scale, c.DATETIME_PRECISION AS fraction,
       c.COLUMN_DEFAULT AS default_value, c.COLUMN_COMMENT AS comment, c.EXTRA AS extra
FROM information_schema.TABLES t
JOIN information_schema.COLUMNS c
  ON c.TABLE_SCHEMA = t.TABLE_SCHEMA AND c.TABLE_NAME = t.TABLE_NAME
  -- The views compare without letter case, where `Orders` and `orders` may be two tables.
  AND CAST(c.TABLE_NAME AS BINARY) = CAST(t.TABLE_NAME AS BINARY)
WHERE t.TABLE_SCHEMA = %s AND c.TABLE_SCHEMA = %s {tables}
ORDER BY t.TABLE_NAME, c.ORDINAL_POSITION
"""


def describe_table(connection: pymysql.Connection[Any], schema: str, table: str) -> SourceTable:
    """Describe one table or view.

    Raises:
        ConfigError: There is no such table, or the user may not read it.
        SourceError: MySQL refused a query.
    """
    found = describe_tables(connection, schema, [table])
    if found:
        return found[0]
    names = [name for _, name in list_tables(connection, schema, views=True)]
    if names:
        what, known = f"table `{table}` in `{schema}`", names
    else:
        what, known = f"schema `{schema}`", sorted({s for s, _ in list_tables(connection)})
    near = difflib.get_close_matches(table if names else schema, known, cutoff=0.5)
    hint = f"Did you mean {', '.join(f'`{name}`' for name in near)}? " if near else ""
    raise ConfigError(
        f"MySQL has no {what} that this user may read.",
        kept="Nothing was read.",
        remedy=f"{hint}Correct the name in pipelines.yaml, or GRANT SELECT on it.",
    )


def describe_tables(
    connection: pymysql.Connection[Any], schema: str, tables: Sequence[str] | None = None
) -> tuple[SourceTable, ...]:
    """Describe tables of a schema; names that do not exist are left out.

    Args:
        connection: An open connection.
        schema: The MySQL database.
        tables: Tables and views by name; None means all tables, without views.
    """
    if tables is not None and not tables:
        return ()
    named = f"AND {{}} IN ({', '.join(['%s'] * len(tables))})" if tables else ""
    names = list(tables or ())
    kinds = "" if tables else "AND t.TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')"
    columns = _rows(
        connection,
        _COLUMNS.format(tables=named.format("t.TABLE_NAME") + kinds),
        [schema, schema, *names],
    )
    indexes = _rows(
        connection,
        "SELECT * FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = %s "
        f"{named.format('TABLE_NAME')} ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX",
        [schema, *names],
    )
    mariadb = any("mariadb" in str(row["server_version"]).lower() for row in columns)
    checks: Checks | None = None
    if mariadb:  # an idle sync asks for each table, so it asks no more than it has to
        may_be_json = any(str(row["data_type"]).lower() == "longtext" for row in columns)
        checks = _checks(connection, schema) if may_be_json else frozenset()
    found = _grouped(columns, "table_name")
    keys = _grouped(indexes, "TABLE_NAME")
    described = {
        name: _table(schema, rows, keys.get(name, []), checks) for name, rows in found.items()
    }
    if tables is None:
        return tuple(described.values())
    folds = any(row["folds_case"] for row in columns)
    return tuple(
        described[name] for asked in tables for name in _same_name(asked, described, folds=folds)
    )


def list_tables(
    connection: pymysql.Connection[Any], schema: str | None = None, *, views: bool = False
) -> tuple[tuple[str, str], ...]:
    """List schema and name of every table that the user may read, without the server's own.

    Args:
        connection: An open connection.
        schema: Only this MySQL database.
        views: Whether views are listed too.
    """
    kinds = ["BASE TABLE", "SYSTEM VERSIONED", *(["VIEW"] if views else [])]
    rows = _rows(
        connection,
        "SELECT TABLE_SCHEMA AS table_schema, TABLE_NAME AS table_name "
        f"FROM information_schema.TABLES WHERE TABLE_TYPE IN ({', '.join(['%s'] * len(kinds))}) "
        + ("AND TABLE_SCHEMA = %s " if schema is not None else "")
        + "ORDER BY TABLE_SCHEMA, TABLE_NAME",
        [*kinds, *([schema] if schema is not None else [])],
    )
    found = [(str(row["table_schema"]), str(row["table_name"])) for row in rows]
    return tuple(pair for pair in found if pair[0].lower() not in _SYSTEM_SCHEMAS)


def _same_name(asked: str, described: Iterable[str], *, folds: bool) -> list[str]:
    """Find a table by its exact name; by any letter case only where the server ignores case."""
    if asked in described:
        return [asked]
    return [name for name in described if folds and name.lower() == asked.lower()]


def _checks(connection: pymysql.Connection[Any], schema: str) -> Checks:
    rows = _rows(
        connection,
        "SELECT TABLE_NAME AS table_name, CHECK_CLAUSE AS clause "
        "FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = %s",
        [schema],
    )
    return frozenset((str(row["table_name"]), str(row["clause"])) for row in rows)


def _table(
    schema: str, rows: Sequence[Row], statistics: Sequence[Row], checks: Checks | None
) -> SourceTable:
    first = rows[0]
    primary = [row for row in statistics if row["INDEX_NAME"] == "PRIMARY"]
    indexes = (_index(name, parts) for name, parts in _grouped(statistics, "INDEX_NAME").items())
    is_view = str(first["table_type"]).endswith("VIEW")
    created = first["created_at"]
    return SourceTable(
        schema=schema,
        name=str(first["table_name"]),
        columns=tuple(_column(row, checks) for row in rows),
        primary_key=tuple(str(row["COLUMN_NAME"]) for row in primary),
        indexes=tuple(index for index in indexes if index is not None),
        comment="" if is_view else str(first["table_comment"] or ""),
        engine=first["engine"],
        row_estimate=_number(first["row_estimate"]),
        data_bytes=_number(first["data_bytes"]),
        created_at=created.isoformat(sep=" ") if created is not None else None,
        is_view=is_view,
    )


def _column(row: Row, checks: Checks | None) -> SourceColumn:
    name, extra = str(row["name"]), str(row["extra"] or "").upper()
    data_type, column_type = str(row["data_type"]).lower(), str(row["column_type"])
    default = row["default_value"]
    if checks is not None:  # MariaDB
        # Its JSON is LONGTEXT with this CHECK (https://mariadb.com/kb/en/json-data-type/), and it
        # writes defaults as expressions: no default is NULL, the text NULL is 'NULL'.
        if (str(row["table_name"]), f"json_valid({quote_mysql(name)})") in checks:
            data_type = column_type = "json"
        default = None if default == "NULL" else default
    return SourceColumn(
        name=name,
        data_type=data_type,
        column_type=column_type,
        nullable=row["nullable"] == "YES",
        charset=row["charset"],
        max_bytes_per_char=utf8_bytes(row["charset"]) if row["charset"] else None,
        length=_number(row["length"]),
        precision=_number(row["numeric_precision"]),
        scale=_number(row["numeric_scale"]),
        fraction=_number(row["fraction"]),
        default=None if default is None else str(default),
        comment=str(row["comment"] or ""),
        # Not DEFAULT_GENERATED: that is MySQL's word for a default that is an expression.
        generated=re.search(r"\b(VIRTUAL|STORED|PERSISTENT) GENERATED\b", extra) is not None,
        invisible="INVISIBLE" in extra,
        auto_increment="AUTO_INCREMENT" in extra,
    )


def _index(name: str, parts: Sequence[Row]) -> Index | None:
    """Describe an index as far as its order is the order of its columns' values.

    That ends before a part that is an expression or a prefix of a column, and it is never so for
    an index that is not a B-tree.
    """
    columns = []
    for part in parts:
        if part["COLUMN_NAME"] is None or part["SUB_PART"] is not None:
            break
        columns.append(str(part["COLUMN_NAME"]))
    hidden = parts[0].get("IS_VISIBLE") == "NO" or parts[0].get("IGNORED") == "YES"
    if not columns or hidden or parts[0]["INDEX_TYPE"] != "BTREE":
        return None
    whole = len(columns) == len(parts)
    return Index(name, tuple(columns), unique=whole and not int(parts[0]["NON_UNIQUE"]))


def _rows(connection: pymysql.Connection[Any], sql: str, parameters: Sequence[object]) -> list[Row]:
    try:
        with connection.cursor(DictCursor) as cursor:
            cursor.execute(sql, tuple(parameters))
            return list(cursor.fetchall())
    except pymysql.err.Error as error:
        raise driver_error(error) from error


def _grouped(rows: Iterable[Row], by: str) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[str(row[by])].append(row)
    return dict(groups)


def _number(value: Any) -> int | None:
    return None if value is None else int(value)
