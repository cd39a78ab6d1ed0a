"""The statements that compare rows by their keys: are they different, which is new, which is older.

Redshift compares VARCHARs without their trailing blanks, and tells their length with them
(https://docs.aws.amazon.com/redshift/latest/dg/r_Character_types.html). In MySQL `a` and `a ` may
be two keys: in the collations that MySQL 8 prefers they are. So lengths are compared, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mysql_s3_redshift.adapters.redshift import sql
from mysql_s3_redshift.core.names import quote_redshift as quote
from mysql_s3_redshift.core.schema import Column, TableSchema
from mysql_s3_redshift.core.target_types import parse_target_type


def told_apart(types: Mapping[str, str], columns: Iterable[str]) -> str:
    """Columns to group by so that different values stay different; `types` are all columns'."""
    parts = []
    for name in columns:
        is_text = parse_target_type(types[name]).name == "varchar"
        parts += [quote(name), f"LEN({quote(name)})"] if is_text else [quote(name)]
    return ", ".join(parts)


def _match(schema: TableSchema, key: Sequence[str], target: str) -> str:
    """The condition that a staged row `s` and a target row have the same key."""
    columns = [c for c in schema.columns if c.name in key]
    return " AND ".join(_equal(c, target) for c in columns)


def _equal(column: Column, target: str) -> str:
    mine, staged = f"{target}.{quote(column.name)}", sql.staged_value(column, "s")
    equal = f"{mine} = {staged}"
    is_text = parse_target_type(column.target_type).name == "varchar"
    return f"{equal} AND LEN({mine}) = LEN({staged})" if is_text else equal


def key_counts(table: str, schema: TableSchema, key: Sequence[str]) -> str:
    """Rows, rows with a NULL in the key, and distinct keys of a table."""
    nulls = " OR ".join(f"{quote(c)} IS NULL" for c in key)
    return (
        f"SELECT (SELECT COUNT(*) FROM {table}), (SELECT COUNT(*) FROM {table} WHERE {nulls}), "
        f"(SELECT COUNT(*) FROM (SELECT DISTINCT {_staged_apart(schema, key)} FROM {table}) k)"
    )


def create_newest(schema: TableSchema, key: Sequence[str], version: str) -> str:
    """CREATE TEMP TABLE of the different staged rows that no row of their key is newer than.

    More than one row of a key is left where two versions carry the same cursor value.
    """
    columns = sql.names([c.name for c in schema.columns])
    ranked = (
        f"SELECT {columns}, RANK() OVER (PARTITION BY {_staged_apart(schema, key)} "
        f"ORDER BY {quote(version)} DESC NULLS LAST) AS rank_ FROM {quote(sql.STAGING)}"
    )
    newest = f"SELECT {columns} FROM ({ranked}) r WHERE rank_ = 1"
    return f"CREATE TEMP TABLE {quote(sql.NEWEST)} AS {newest} GROUP BY {_staged_apart(schema)}"


def create_distinct(schema: TableSchema) -> str:
    """CREATE TEMP TABLE of the different staged rows."""
    columns = sql.names([c.name for c in schema.columns])
    different = f"SELECT {columns} FROM {quote(sql.STAGING)} GROUP BY {_staged_apart(schema)}"
    return f"CREATE TEMP TABLE {quote(sql.NEWEST)} AS {different}"


def _staged_apart(schema: TableSchema, columns: Sequence[str] = ()) -> str:
    """Staged columns, all unless some are named, so that different values stay different."""
    types = {c.name: c.staging_type for c in schema.columns}
    return told_apart(types, columns or types)


def delete_older(
    target: str, schema: TableSchema, key: Sequence[str], *, version: str | None, staging: str
) -> str:
    """DELETE of the target rows that a staged row of the same key is not older than."""
    text = f"DELETE FROM {target} USING {quote(staging)} s WHERE {_match(schema, key, target)}"
    if version is not None:
        mine, staged = f"{target}.{quote(version)}", f"s.{quote(version)}"
        text += f" AND ({mine} IS NULL OR {mine} <= {staged})"
    return text


def insert_missing(target: str, schema: TableSchema, key: Sequence[str], *, staging: str) -> str:
    """INSERT of the staged rows whose key the target does not have (so has no newer row of)."""
    columns = sql.names([c.name for c in schema.columns])
    match, values = _match(schema, key, "t"), sql.staged_values(schema, "s")
    return (
        f"INSERT INTO {target} ({columns}) SELECT {values} FROM {quote(staging)} s "
        f"WHERE NOT EXISTS (SELECT 1 FROM {target} t WHERE {match})"
    )
