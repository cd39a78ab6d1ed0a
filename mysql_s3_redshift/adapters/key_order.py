"""The columns of a key that both databases put in the same order, and their values as SQL.

Numbers, dates, times and bytes have one order everywhere. Text has not: Redshift compares the bytes
of UTF-8 (Database Developer Guide, "Collation sequences"), MySQL by the column's collation; the
binary collations alone agree. A key that begins with any other text has no range that would hold
the same rows on both sides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from mysql_s3_redshift.adapters.mysql.source import MySqlSource
from mysql_s3_redshift.adapters.redshift import sql
from mysql_s3_redshift.core.key_ranges import Bound, Region
from mysql_s3_redshift.core.names import quote_mysql, quote_redshift
from mysql_s3_redshift.core.plan import ResolvedTable
from mysql_s3_redshift.core.schema import Column, TableSchema

_BINARY_COLLATION = re.compile(r"(utf8|utf8mb3|utf8mb4|ascii)_(0900_|nopad_)?bin")

_COLLATIONS = """
SELECT COLUMN_NAME, COLLATION_NAME FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND COLLATION_NAME IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class OrderedColumn:
    """One column of a key in one database.

    Attributes:
        name: Quoted.
        shown: What is selected to get a value that `write` takes, of either database.
        write: Makes a literal of a value.
    """

    name: str
    shown: str
    write: Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class KeyOrder:
    """The leading key columns with a common order, in each database; empty where there is none.

    Attributes:
        has_text: Whether there is text among them, whose order is common but for characters below
            the blank and for trailing blanks: MySQL fills up with blanks, or counts them.
    """

    mysql: tuple[OrderedColumn, ...] = ()
    redshift: tuple[OrderedColumn, ...] = ()
    has_text: bool = False

    def __bool__(self) -> bool:
        """Whether ranges of the key hold the same rows on both sides."""
        return bool(self.mysql)


def key_order(table: ResolvedTable, schema: TableSchema, source: MySqlSource) -> KeyOrder:
    """Find the columns to divide a table by: those that an index of MySQL begins with."""
    if table.plan.query is not None or table.table.is_view:
        return KeyOrder()
    text_columns = _binary_text(table, source)
    indexes = [table.table.primary_key, *(index.columns for index in table.table.indexes)]
    found = [_leading(columns, table, schema, text_columns) for columns in indexes]
    best = max(found, key=len)
    pairs = [_in_both(column) for column in best]
    has_text = any(column.rule not in _ORDERED for column in best)
    return KeyOrder(tuple(m for m, _ in pairs), tuple(r for _, r in pairs), has_text)


def _leading(
    index: Sequence[str], table: ResolvedTable, schema: TableSchema, text_columns: set[str]
) -> list[Column]:
    key = {name.lower() for name in table.key}
    leading = []
    for name in index:
        column = schema.by_source(name)
        if column is None or name.lower() not in key:
            break
        if column.rule not in _ORDERED and name.lower() not in text_columns:
            break
        leading.append(column)
    return leading


def _binary_text(table: ResolvedTable, source: MySqlSource) -> set[str]:
    """Text columns of the key, in lower case, that MySQL compares byte by byte."""
    described = (table.table.column(name) for name in table.key)
    texts = {c.name.lower() for c in described if c and c.data_type in {"char", "varchar"}}
    if not texts:
        return set()
    rows = source.connection.query(_COLLATIONS, (table.plan.schema, table.plan.table))
    binary = {str(name).lower() for name, how in rows if _BINARY_COLLATION.fullmatch(str(how))}
    return texts & binary


def _in_both(column: Column) -> tuple[OrderedColumn, OrderedColumn]:
    mysql, redshift = quote_mysql(column.source), quote_redshift(column.name)
    return (_ORDERED.get(column.rule) or _text)(mysql, redshift)


def _number(mysql: str, redshift: str) -> tuple[OrderedColumn, OrderedColumn]:
    return (
        OrderedColumn(mysql, mysql, lambda value: f"{value:f}"),
        OrderedColumn(redshift, redshift, lambda value: f"{value:f}"),
    )


def _integer(mysql: str, redshift: str) -> tuple[OrderedColumn, OrderedColumn]:
    return (
        OrderedColumn(mysql, mysql, lambda value: str(int(value))),
        OrderedColumn(redshift, redshift, lambda value: str(int(value))),
    )


def _moment(mysql: str, redshift: str) -> tuple[OrderedColumn, OrderedColumn]:
    def write(value: datetime) -> str:
        return f"TIMESTAMP '{value.isoformat(sep=' ', timespec='microseconds')}'"

    return OrderedColumn(mysql, mysql, write), OrderedColumn(redshift, redshift, write)


def _day(mysql: str, redshift: str) -> tuple[OrderedColumn, OrderedColumn]:
    def write(value: date) -> str:
        return f"DATE '{value.isoformat()}'"

    return OrderedColumn(mysql, mysql, write), OrderedColumn(redshift, redshift, write)


def _bytes(mysql: str, redshift: str) -> tuple[OrderedColumn, OrderedColumn]:
    return (
        OrderedColumn(mysql, f"LOWER(HEX({mysql}))", lambda value: f"x'{_hex(value)}'"),
        OrderedColumn(
            redshift,
            f"FROM_VARBYTE({redshift}, 'hex')",
            lambda value: f"FROM_HEX('{_hex(value)}')",
        ),
    )


def _text(mysql: str, redshift: str) -> tuple[OrderedColumn, OrderedColumn]:
    return (
        OrderedColumn(mysql, mysql, lambda value: f"_utf8mb4 x'{str(value).encode().hex()}'"),
        OrderedColumn(redshift, redshift, lambda value: sql.literal(str(value))),
    )


def _hex(value: str) -> str:
    return bytes.fromhex(value).hex()


_ORDERED: dict[str, Callable[[str, str], tuple[OrderedColumn, OrderedColumn]]] = {
    "smallint": _integer,
    "integer": _integer,
    "bigint": _integer,
    "unsigned_bigint": _integer,
    "decimal": _number,
    "timestamp": _moment,
    "date": _day,
    "bytes": _bytes,
}
"""By the rule of the type table that a column follows."""


# -- conditions -------------------------------------------------------------------------------


def in_range(columns: Sequence[OrderedColumn], region: Region) -> list[str]:
    """Conditions that the key lies in a region's range; none where it has no bounds."""
    conditions = []
    if region.low is not None:
        conditions += [f"{columns[0].name} >= {columns[0].write(region.low[0])}"]
        conditions += [at_least(columns, region.low)] if len(columns) > 1 else []
    if region.high is not None:
        last = "<" if len(columns) == 1 else "<="
        conditions += [f"{columns[0].name} {last} {columns[0].write(region.high[0])}"]
        conditions += [below(columns, region.high)] if len(columns) > 1 else []
    return conditions


def at_least(columns: Sequence[OrderedColumn], bound: Bound) -> str:
    """`a > ? OR (a = ? AND b >= ?)`, which MySQL seeks with the whole key."""
    return _beyond(columns, bound, ">", last=">=")


def above(columns: Sequence[OrderedColumn], bound: Bound) -> str:
    """`a > ? OR (a = ? AND b > ?)`."""
    return _beyond(columns, bound, ">", last=">")


def below(columns: Sequence[OrderedColumn], bound: Bound) -> str:
    """`a < ? OR (a = ? AND b < ?)`."""
    return _beyond(columns, bound, "<", last="<")


def _beyond(columns: Sequence[OrderedColumn], bound: Bound, side: str, *, last: str) -> str:
    condition = ""
    for column, value in reversed(list(zip(columns, bound, strict=True))):
        literal = column.write(value)
        if condition:
            condition = (
                f"({column.name} {side} {literal} OR ({column.name} = {literal} AND {condition}))"
            )
        else:
            condition = f"{column.name} {last} {literal}"
    return condition


def range_number(columns: Sequence[OrderedColumn], bounds: Sequence[Bound]) -> str:
    """An expression that numbers the range between bounds that a row lies in."""
    cases = " ".join(f"WHEN {below(columns, b)} THEN {i}" for i, b in enumerate(bounds))
    return f"CASE {cases} ELSE {len(bounds)} END"
