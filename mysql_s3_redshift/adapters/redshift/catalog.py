"""What Redshift knows of a table's columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mysql_s3_redshift.adapters.redshift.connection import RedshiftConnection
from mysql_s3_redshift.adapters.redshift.sql import DESCRIBE
from mysql_s3_redshift.core.drift import TargetColumn

TYPES = {
    "character varying": "VARCHAR",
    "character": "CHAR",
    "timestamp without time zone": "TIMESTAMP",
    "timestamp with time zone": "TIMESTAMPTZ",
    "time without time zone": "TIME",
    "time with time zone": "TIMETZ",
    "numeric": "DECIMAL",
    "binary varying": "VARBYTE",
}


def describe(
    connection: RedshiftConnection, tables: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], tuple[TargetColumn, ...]]:
    """Read the columns of two tables in one query; a table that does not exist is left out.

    Source: https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_COLUMNS.html
    """
    found: dict[tuple[str, str], list[TargetColumn]] = {}
    parameters = [part for table in tables for part in table]
    for schema, table, name, *kind, nullable, default in connection.query(DESCRIBE, parameters):
        column = TargetColumn(
            name=name,
            type=_type(*kind),
            nullable=nullable == "YES",
            has_default=default is not None,
        )
        found.setdefault((schema, table), []).append(column)
    return {table: tuple(columns) for table, columns in found.items()}


def _type(name: str, length: Any, precision: Any, scale: Any) -> str:
    """A type as DDL writes it."""
    known = TYPES.get(name, name.upper())
    if known in {"VARCHAR", "CHAR", "VARBYTE"} and length:
        return f"{known}({int(length)})"
    if known == "DECIMAL":
        return f"DECIMAL({int(precision)},{int(scale)})"
    return known
