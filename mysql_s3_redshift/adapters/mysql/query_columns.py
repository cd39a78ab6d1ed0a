"""The columns of a `custom_sql` query, as the server announces them for an empty result.

The query becomes a derived table with LIMIT 0, which servers plan and do not run ("Zero limit" in
EXPLAIN); at most a subquery without tables is evaluated, as a constant.

What `information_schema` knows and a result does not is lost: the difference between the TEXT
types, MariaDB's JSON alias, comments and keys.
"""

from __future__ import annotations

from typing import Any

import pymysql
from pymysql.constants import FIELD_TYPE, FLAG

from mysql_s3_redshift.adapters.mysql.wire.columns import (
    FIELD_TYPE_VECTOR,
    WireColumn,
    WireKind,
)
from mysql_s3_redshift.adapters.mysql.wire.stream import query as run
from mysql_s3_redshift.core.schema import SourceColumn, SourceTable

_BYTES_PER_CHAR = 4
"""Of the session's character set, utf8mb4, in which the server counts the length of text."""

_MICROSECOND_DIGITS = 6

_INTEGERS = {
    FIELD_TYPE.TINY: "tinyint",
    FIELD_TYPE.SHORT: "smallint",
    FIELD_TYPE.INT24: "mediumint",
    FIELD_TYPE.LONG: "int",
    FIELD_TYPE.LONGLONG: "bigint",
}
_BLOBS = {
    FIELD_TYPE.TINY_BLOB,
    FIELD_TYPE.BLOB,
    FIELD_TYPE.MEDIUM_BLOB,
    FIELD_TYPE.LONG_BLOB,
}
_PLAIN = {
    FIELD_TYPE.NULL: "varchar",
    FIELD_TYPE.JSON: "json",
    FIELD_TYPE.GEOMETRY: "geometry",
    FIELD_TYPE_VECTOR: "vector",
}


def describe_query(
    connection: pymysql.Connection[Any], name: str, query: str, *, schema: str = ""
) -> SourceTable:
    """Describe the result of a query.

    Args:
        connection: An open connection whose character set is utf8mb4.
        name: The name of the query in the configuration.
        query: One SELECT, without a semicolon at its end.
        schema: The schema under which the configuration has it.

    Raises:
        SourceError: MySQL refused the query.
    """
    # On a line of its own: a query may end with a comment.
    with run(connection, f"SELECT * FROM (\n{query}\n) AS q LIMIT 0") as result:
        for _batch in result:
            continue
        columns = result.columns
    return SourceTable(schema, name, tuple(_column(column) for column in columns))


def _column(column: WireColumn) -> SourceColumn:
    kind = column.kind
    chars = max(column.length // _BYTES_PER_CHAR, 1)
    base = _base_type(column)
    described, facts = base, dict[str, Any]()
    if kind is WireKind.INTEGER:
        described = f"{base} unsigned" if column.unsigned else base
    elif kind is WireKind.DECIMAL:
        facts = {"precision": column.precision, "scale": column.decimals}
        described = f"decimal({column.precision},{column.decimals})"
    elif kind is WireKind.BIT:
        facts = {"precision": column.length}
        described = f"bit({column.length})"
    elif kind in {WireKind.TIME, WireKind.DATETIME}:
        digits = min(column.decimals, _MICROSECOND_DIGITS)
        facts = {"fraction": digits}
        described = f"{base}({digits})" if digits else base
    elif kind is WireKind.BYTES:
        facts = {"length": column.length}
        described = f"{base}({column.length})" if base == "varbinary" else base
    elif kind is WireKind.TEXT:
        facts = {"length": chars, "charset": "utf8mb4", "max_bytes_per_char": _BYTES_PER_CHAR}
        described = f"{base}({chars})" if base == "varchar" else base
    return SourceColumn(column.name, base, described, nullable=not column.not_null, **facts)


def _base_type(column: WireColumn) -> str:
    if column.type_code in _INTEGERS:
        return _INTEGERS[column.type_code]
    if column.type_code in _PLAIN:
        return _PLAIN[column.type_code]
    if column.kind is WireKind.TEXT:
        named = column.flags & (FLAG.ENUM | FLAG.SET)
        return "longtext" if column.type_code in _BLOBS and not named else "varchar"
    if column.kind is WireKind.BYTES:
        return "longblob" if column.type_code in _BLOBS else "varbinary"
    if column.kind is WireKind.FLOAT:
        return "float" if column.type_code == FIELD_TYPE.FLOAT else "double"
    if column.kind is WireKind.DATETIME:
        return "timestamp" if column.type_code == FIELD_TYPE.TIMESTAMP else "datetime"
    return str(column.kind.value)
