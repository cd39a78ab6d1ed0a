"""How a column's values are written as text, the same on both sides, so that hashes can be equal.

Left out, and named as such: types whose text differs between the servers though the value does not
(FLOAT, DOUBLE, TIME, SUPER, GEOMETRY, TIMESTAMPTZ), and hashed columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mysql_s3_redshift.core.names import quote_mysql, quote_redshift
from mysql_s3_redshift.core.schema import Column, TableSchema
from mysql_s3_redshift.core.types import HASH_RULE

NULL_CODE = 30
SEPARATOR_CODE = 31
"""Control characters (record and unit separator) that stand for NULL and between values."""


@dataclass(frozen=True, slots=True)
class ComparedColumn:
    """One column as text on both sides; NULL stays NULL."""

    column: Column
    mysql: str
    redshift: str


def compared_columns(schema: TableSchema) -> tuple[list[ComparedColumn], list[Column]]:
    """The columns that can be compared exactly, and those that cannot."""
    compared, left_out = [], []
    for column in schema.columns:
        text = _text(column)
        if text is None:
            left_out.append(column)
        else:
            mysql, redshift = text
            compared.append(ComparedColumn(column, mysql, redshift))
    return compared, left_out


def mysql_row(expressions: Sequence[str]) -> str:
    """One text of several values in MySQL."""
    values = ", ".join(f"COALESCE({e}, CHAR({NULL_CODE}))" for e in expressions)
    return f"CONCAT_WS(CHAR({SEPARATOR_CODE}), {values})"


def redshift_row(expressions: Sequence[str]) -> str:
    """One text of several values in Redshift."""
    values = (f"COALESCE({e}, CHR({NULL_CODE}))" for e in expressions)
    return f" || CHR({SEPARATOR_CODE}) || ".join(values)


def _text(column: Column) -> tuple[str, str] | None:
    if column.rule == HASH_RULE.name or column.cast:
        return None
    mysql, redshift = quote_mysql(column.source), quote_redshift(column.name)
    kind = column.arrow.split("(")[0]
    base = column.source_type.split("(")[0].lower()
    if base in {"time", "geometry"}:
        return None
    writer = _WRITERS.get(kind)
    return writer(mysql, redshift) if writer else None


def _number(mysql: str, redshift: str) -> tuple[str, str]:
    # `+ 0` takes the padding of ZEROFILL away.
    return f"CAST({mysql} + 0 AS CHAR)", f"CAST({redshift} AS VARCHAR)"


def _boolean(mysql: str, redshift: str) -> tuple[str, str]:
    return (
        f"CASE WHEN {mysql} IS NULL THEN NULL WHEN {mysql} + 0 = 0 THEN '0' ELSE '1' END",
        f"CASE WHEN {redshift} IS NULL THEN NULL WHEN {redshift} THEN '1' ELSE '0' END",
    )


def _moment(mysql: str, redshift: str) -> tuple[str, str]:
    return (
        f"{_real_date(mysql)} DATE_FORMAT({mysql}, '%Y-%m-%d %H:%i:%s.%f') END",
        f"TO_CHAR({redshift}, 'YYYY-MM-DD HH24:MI:SS.US')",
    )


def _day(mysql: str, redshift: str) -> tuple[str, str]:
    return (
        f"{_real_date(mysql)} DATE_FORMAT({mysql}, '%Y-%m-%d') END",
        f"TO_CHAR({redshift}, 'YYYY-MM-DD')",
    )


def _real_date(mysql: str) -> str:
    """Zero and partial dates are NULL in the target."""
    return f"CASE WHEN MONTH({mysql}) = 0 OR DAYOFMONTH({mysql}) = 0 THEN NULL ELSE"


def _string(mysql: str, redshift: str) -> tuple[str, str]:
    # Hashed one by one: all together could be longer than a VARCHAR takes.
    return f"MD5(CONVERT({mysql} USING utf8mb4))", f"MD5({redshift})"


def _bytes(mysql: str, redshift: str) -> tuple[str, str]:
    return f"MD5(LOWER(HEX({mysql})))", f"MD5(LOWER(FROM_VARBYTE({redshift}, 'hex')))"


_WRITERS: dict[str, Callable[[str, str], tuple[str, str]]] = {
    "int8": _number,
    "int16": _number,
    "int32": _number,
    "int64": _number,
    "decimal128": _number,
    "bool": _boolean,
    "timestamp[us]": _moment,
    "date32[day]": _day,
    "date32": _day,
    "string": _string,
    "binary": _bytes,
}
