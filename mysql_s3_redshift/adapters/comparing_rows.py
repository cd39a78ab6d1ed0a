"""Compares all rows of a table by checksums.

Both sides hash in their own server, so that almost nothing moves when all is equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mysql_s3_redshift.adapters.checksums import (
    SqlSide,
    ToldColumn,
    mysql_number,
    redshift_number,
)
from mysql_s3_redshift.adapters.comparing import Comparison
from mysql_s3_redshift.adapters.counting import target_key
from mysql_s3_redshift.adapters.key_order import KeyOrder, key_order
from mysql_s3_redshift.adapters.mysql import queries
from mysql_s3_redshift.adapters.redshift import sql
from mysql_s3_redshift.core import verify
from mysql_s3_redshift.core.compared_columns import ComparedColumn, mysql_row, redshift_row
from mysql_s3_redshift.core.cursors import format_timestamp, from_datetime, to_datetime
from mysql_s3_redshift.core.model import LoadMode
from mysql_s3_redshift.core.names import quote_mysql, quote_redshift
from mysql_s3_redshift.core.row_differences import RowDifference
from mysql_s3_redshift.core.sampled_columns import sampled_columns
from mysql_s3_redshift.core.schema import Column
from mysql_s3_redshift.core.verify import Comparer, Difference, Sample
from mysql_s3_redshift.core.watermark import watermark_of

_NO_SAMPLE = Sample(0, ())


@dataclass(frozen=True, slots=True)
class DifferingRow:
    """A row with both versions, hashed columns masked; None where a side does not have it."""

    kind: str
    source: Mapping[str, Any] | None
    target: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class DeepComparison:
    """What a comparison of all rows found.

    Attributes:
        rows: The differences; those beyond the number that was asked for without their values.
        by_ranges: Whether ranges of the key were compared, not hashes of it.
        sampled: Columns that were compared in some rows only.
        sampled_rows: How many rows of the source these are.
        left_out: Columns that were not compared.
    """

    found: Difference
    rows: tuple[DifferingRow, ...]
    by_ranges: bool
    sampled: tuple[Column, ...]
    sampled_rows: int
    left_out: tuple[Column, ...]


def compare_rows_deeply(comparison: Comparison, *, most: int) -> DeepComparison:
    """Find the differing rows; `most` of them come with both versions."""
    order = key_order(comparison.resolved, comparison.schema, comparison.source)
    mine, theirs = _source_side(comparison, order), _target_side(comparison, order)
    cursor = comparison.resolved.cursor
    appends = comparison.resolved.load_mode is LoadMode.APPEND
    comparer = Comparer(
        mine,
        theirs,
        is_newer=lambda version: _is_newer(comparison, version),
        keeps_versions=appends and cursor.timestamp is not None,
        range_rows=verify.RANGE_ROWS,
        leaf_rows=verify.LEAF_ROWS,
    )
    found = comparer.compare(ordered=bool(order))
    if order.has_text:
        found = comparer.confirm(found)
    columns = sampled_columns(comparison.sampled, comparison.plan.columns)
    mine = replace(mine, told=[ToldColumn(c.column, c.mysql, c.from_mysql) for c in columns])
    theirs = replace(
        theirs, told=[ToldColumn(c.column, c.redshift, c.from_redshift) for c in columns]
    )
    sample = _compare_sample(comparer, mine, theirs) if columns and found.complete else _NO_SAMPLE
    known = {row.key for row in found.rows}
    # Rows that one side alone has are known by now: here they only stand in another range.
    more = (row for row in sample.rows if row.kind == "different" and row.key not in known)
    differing = [*found.rows, *more]
    rows = [_versions(row, mine, theirs) for row in differing[:most]]
    rows += [DifferingRow(row.kind, None, None) for row in differing[most:]]
    return DeepComparison(
        found,
        tuple(rows),
        bool(order),
        comparison.sampled,
        sample.compared,
        comparison.left_out,
    )


def _compare_sample(comparer: Comparer, mine: SqlSide, theirs: SqlSide) -> Sample:
    """Compare the columns that this program writes, in some rows or all of a smaller table."""
    told = Comparer(
        mine, theirs, is_newer=comparer.is_newer, keeps_versions=comparer.keeps_versions
    )
    return told.compare_each(comparer.choose(verify.SAMPLE_ROWS))


def _source_side(comparison: Comparison, order: KeyOrder) -> SqlSide:
    plan, cursor = comparison.plan, comparison.resolved.cursor
    table = f"{quote_mysql(plan.schema)}.{quote_mysql(plan.table)}"
    if plan.query:
        table = f"({plan.query.strip().rstrip(';')}\n) AS source_query"
    content = f"MD5({mysql_row([c.mysql for c in comparison.compared])})"
    query = comparison.source.connection.query
    return SqlSide(
        table=table,
        condition=_source_condition(comparison),
        key=f"MD5({mysql_row([c.mysql for c in _key(comparison)])})",
        content=content,
        number=mysql_number(content),
        version=quote_mysql(cursor.first_column) if cursor.columns else "NULL",
        order=order.mysql,
        columns=[(c, _readable(c)) for c in comparison.schema.columns],
        query=lambda statement: query(f"{queries.MARK} {statement}"),
    )


def _readable(column: Column) -> str:
    """A column for people: text as bytes, for the driver stumbles over half a surrogate pair."""
    name = quote_mysql(column.source)
    if column.rule not in {"text", "long_text"}:
        return name
    return f"CAST(CONVERT({name} USING utf8mb4) AS BINARY)"


def _target_side(comparison: Comparison, order: KeyOrder) -> SqlSide:
    plan, connection = comparison.plan, comparison.connection
    content = f"MD5({redshift_row([c.redshift for c in comparison.compared])})"

    def query(statement: str) -> list[tuple[Any, ...]]:
        rows = connection.query(statement)
        connection.rollback()
        return rows

    return SqlSide(
        table=sql.qualified(plan.target_schema, plan.target_name),
        condition="",
        key=f"MD5({redshift_row([c.redshift for c in _key(comparison)])})",
        content=content,
        number=redshift_number(content),
        version="NULL",
        order=order.redshift,
        columns=[(c, quote_redshift(c.name)) for c in comparison.schema.columns],
        query=query,
    )


def _key(comparison: Comparison) -> Sequence[ComparedColumn]:
    """The columns that name a row; without a key, all of them."""
    resolved = comparison.resolved
    names = set(target_key(comparison.operation, comparison.extract))
    wanted = {c.name for c in comparison.schema.columns if c.source in resolved.key}
    chosen = [c for c in comparison.compared if c.column.name in (wanted or names)]
    unique = resolved.load_mode is LoadMode.UPSERT or bool(resolved.key)
    return chosen if unique and len(chosen) == len(resolved.key) else comparison.compared


def _source_condition(comparison: Comparison) -> str:
    plan, cursor = comparison.plan, comparison.resolved.cursor
    conditions = [f"({plan.additional_where}\n)"] if plan.additional_where else []
    if plan.start_from is not None and cursor.timestamp is not None:
        start = from_datetime(plan.start_from, cursor.unit)
        text = str(start) if isinstance(start, int) else f"'{format_timestamp(start)}'"
        conditions.append(f"{quote_mysql(cursor.timestamp)} >= {text}")
    return " AND ".join(conditions)


def _versions(row: RowDifference, mine: SqlSide, theirs: SqlSide) -> DifferingRow:
    return DifferingRow(
        row.kind,
        mine.shown(*row.source) if row.source else None,
        theirs.shown(*row.target) if row.target else None,
    )


def _is_newer(comparison: Comparison, version: Any) -> bool:
    """Whether a source row lies beyond the watermark."""
    cursor = comparison.resolved.cursor
    position = watermark_of(comparison.extract.mysql_state, cursor)
    if not position:  # the first load is under way: any row may be one that it has not reached
        return cursor.is_incremental
    if version is None:
        return False
    if cursor.timestamp is None:
        is_whole = cursor.unique and len(cursor.columns) == 1
        return bool(version > position[0] if is_whole else version >= position[0])
    if isinstance(version, str):  # a zero date, which stands in no order
        return False
    moment = to_datetime(position[0], cursor.unit)
    return to_datetime(version, cursor.unit) >= moment
