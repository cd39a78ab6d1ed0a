"""The two sides of a comparison: each computes checksums of its own rows in its own server.

The values in these statements are digits and hexadecimal digits; everything else is quoted names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mysql_s3_redshift.adapters.counting import target_key
from mysql_s3_redshift.adapters.mysql import queries
from mysql_s3_redshift.adapters.mysql.source import MySqlSource
from mysql_s3_redshift.adapters.operations import Operation
from mysql_s3_redshift.adapters.redshift import sql
from mysql_s3_redshift.adapters.redshift.connection import RedshiftConnection
from mysql_s3_redshift.core.compared_columns import (
    ComparedColumn,
    mysql_row,
    redshift_row,
)
from mysql_s3_redshift.core.cursors import format_timestamp, from_datetime
from mysql_s3_redshift.core.model import LoadMode, TablePlan
from mysql_s3_redshift.core.names import quote_mysql, quote_redshift
from mysql_s3_redshift.core.plan import ResolvedTable
from mysql_s3_redshift.core.schema import Column, TableSchema
from mysql_s3_redshift.core.state import ExtractState, LoadState
from mysql_s3_redshift.core.types import HASH_RULE
from mysql_s3_redshift.core.verify import HASH_DIGITS, Bucket, Checksum, HashedRow

MASK = "***"


@dataclass(slots=True)
class Comparison:
    """One table, described on both sides."""

    operation: Operation
    resolved: ResolvedTable
    schema: TableSchema
    extract: ExtractState
    load: LoadState | None
    source: MySqlSource
    connection: RedshiftConnection
    compared: list[ComparedColumn] = field(default_factory=list)
    left_out: list[Column] = field(default_factory=list)

    @property
    def plan(self) -> TablePlan:
        """The table."""
        return self.operation.plan


class MySqlSide:
    """The source (see `core.verify.Side`)."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        plan = comparison.plan
        table = f"{quote_mysql(plan.schema)}.{quote_mysql(plan.table)}"
        self._from = (
            f"({plan.query.strip().rstrip(';')}\n) AS source_query" if plan.query else table
        )
        self._key = f"MD5({mysql_row([c.mysql for c in _key(comparison)])})"
        self._content = f"MD5({mysql_row([c.mysql for c in comparison.compared])})"
        self._condition = _source_condition(comparison)

    def checksums(self, bucket: Bucket) -> dict[str, Checksum]:
        """Checksums of the buckets below a bucket."""
        part = f"LEFT({self._key}, {len(bucket.prefix) + 1})"
        number = f"CAST(CONV(LEFT({self._content}, {HASH_DIGITS}), 16, 10) AS UNSIGNED)"
        return _checksums(
            self._query(
                f"SELECT {part}, COUNT(*), SUM({number}) FROM {self._from}{self._where(bucket)} "
                f"GROUP BY {part}"
            )
        )

    def rows(self, bucket: Bucket) -> list[HashedRow]:
        """All rows of a bucket."""
        rows = self._query(
            f"SELECT {self._key}, {self._content} FROM {self._from}{self._where(bucket)}"
        )
        return [HashedRow(str(key), str(content)) for key, content in rows]

    def version(self, key: str) -> tuple[Any, ...]:
        """Cursor values of the newest row of a key."""
        columns = self._comparison.resolved.cursor.columns
        if not columns:
            return ()
        names = ", ".join(map(quote_mysql, columns))
        rows = self._of_key(names, key)
        return rows[0] if rows else ()

    def shown(self, key: str) -> dict[str, Any] | None:
        """A row of a key for people."""
        columns = self._comparison.schema.columns
        rows = self._of_key(", ".join(quote_mysql(c.source) for c in columns), key)
        return _masked(columns, rows[0]) if rows else None

    def _of_key(self, names: str, key: str) -> list[tuple[Any, ...]]:
        where = self._where(Bucket(key))
        return self._query(f"SELECT {names} FROM {self._from}{where} LIMIT 1")

    def _where(self, bucket: Bucket) -> str:
        own, like = self._condition, _like(self._key, bucket)
        return f"{own}{like.replace(' WHERE', ' AND')}" if own else like

    def _query(self, statement: str) -> list[tuple[Any, ...]]:
        return self._comparison.source.connection.query(f"{queries.MARK} {statement}")


class RedshiftSide:
    """The target (see `core.verify.Side`)."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        plan = comparison.plan
        self._table = sql.qualified(plan.target_schema, plan.target_name)
        self._key = f"MD5({redshift_row([c.redshift for c in _key(comparison)])})"
        self._content = f"MD5({redshift_row([c.redshift for c in comparison.compared])})"

    def checksums(self, bucket: Bucket) -> dict[str, Checksum]:
        """Checksums of the buckets below a bucket."""
        part = f"LEFT({self._key}, {len(bucket.prefix) + 1})"
        number = f"STRTOL(LEFT({self._content}, {HASH_DIGITS}), 16)"
        where = _like(self._key, bucket)
        return _checksums(
            self._query(
                f"SELECT {part}, COUNT(*), SUM({number}) FROM {self._table}{where} GROUP BY {part}"
            )
        )

    def rows(self, bucket: Bucket) -> list[HashedRow]:
        """All rows of a bucket."""
        rows = self._query(
            f"SELECT {self._key}, {self._content} FROM {self._table}{_like(self._key, bucket)}"
        )
        return [HashedRow(str(key), str(content)) for key, content in rows]

    def shown(self, key: str) -> dict[str, Any] | None:
        """A row of a key for people."""
        columns = self._comparison.schema.columns
        names = ", ".join(quote_redshift(c.name) for c in columns)
        where = _like(self._key, Bucket(key))
        rows = self._query(f"SELECT {names} FROM {self._table}{where} LIMIT 1")
        return _masked(columns, rows[0]) if rows else None

    def _query(self, statement: str) -> list[tuple[Any, ...]]:
        rows = self._comparison.connection.query(statement)
        self._comparison.connection.rollback()
        return rows


def _like(key: str, bucket: Bucket) -> str:
    """The condition that a row is in a bucket; a whole hash is a bucket too."""
    return f" WHERE {key} LIKE '{bucket.prefix}%'" if bucket.prefix else ""


def _key(comparison: Comparison) -> list[ComparedColumn]:
    """The columns that name a row; without a key, all of them."""
    names = set(target_key(comparison.operation, comparison.extract))
    wanted = {c.name for c in comparison.schema.columns if c.source in comparison.resolved.key}
    chosen = [c for c in comparison.compared if c.column.name in (wanted or names)]
    unique = comparison.resolved.load_mode is LoadMode.UPSERT or bool(comparison.resolved.key)
    return chosen if unique and len(chosen) == len(comparison.resolved.key) else comparison.compared


def _source_condition(comparison: Comparison) -> str:
    plan, cursor = comparison.plan, comparison.resolved.cursor
    conditions = [f"({plan.additional_where}\n)"] if plan.additional_where else []
    if plan.start_from is not None and cursor.timestamp is not None:
        start = from_datetime(plan.start_from, cursor.unit)
        text = str(start) if isinstance(start, int) else f"'{format_timestamp(start)}'"
        conditions.append(f"{quote_mysql(cursor.timestamp)} >= {text}")
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _checksums(rows: Sequence[tuple[Any, ...]]) -> dict[str, Checksum]:
    return {str(prefix): Checksum(int(count), int(total)) for prefix, count, total in rows}


def _masked(columns: Sequence[Column], row: Sequence[Any]) -> dict[str, Any]:
    return {
        c.name: MASK if c.rule == HASH_RULE.name else value
        for c, value in zip(columns, row, strict=True)
    }
