"""How a column's values are written as text, the same on both sides, so that hashes can be equal.

Only functions are used that Amazon Redshift documents (Database Developer Guide, "SQL functions
reference"), and only arithmetic that both servers do exactly. Left out: SUPER, because the text of
a document is not kept in it, and hashed columns, whose salt would have to be sent to MySQL (see
`core.sampled_columns`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mysql_s3_redshift.core.model import ColumnPolicies, InvalidTextPolicy, OverlongPolicy
from mysql_s3_redshift.core.names import quote_mysql, quote_redshift
from mysql_s3_redshift.core.policies import ValuePolicies, value_policies
from mysql_s3_redshift.core.schema import Column, TableSchema
from mysql_s3_redshift.core.type_rules import MAX_VARBYTE_BYTES

NULL_CODE = 30
SEPARATOR_CODE = 31
"""Control characters (record and unit separator) that stand for NULL and between values."""

PIECE_BYTES = 32_767
"""Of a binary value: its hexadecimal digits must fit a VARCHAR."""

LARGEST_DOUBLE = "1.7976931348623157E308"

_NOT_COMPARED = frozenset({"hash", "super"})


@dataclass(frozen=True, slots=True)
class ComparedColumn:
    """One column as text on both sides; NULL stays NULL."""

    column: Column
    mysql: str
    redshift: str


def compared_columns(
    schema: TableSchema, policies: ColumnPolicies
) -> tuple[list[ComparedColumn], list[Column]]:
    """The columns that both servers can write alike, and those that they cannot."""
    compared, left_out = [], []
    for column in schema.columns:
        writer = _writer(column, value_policies(policies, column))
        if writer is None:
            left_out.append(column)
        else:
            mysql, redshift = writer(quote_mysql(column.source), quote_redshift(column.name))
            compared.append(ComparedColumn(column, mysql, redshift))
    return compared, left_out


def mysql_row(expressions: Sequence[str]) -> str:
    """One text of several values in MySQL; an empty one of none."""
    if not expressions:
        return "''"
    values = ", ".join(f"COALESCE({e}, CHAR({NULL_CODE}))" for e in expressions)
    return f"CONCAT_WS(CHAR({SEPARATOR_CODE}), {values})"


def redshift_row(expressions: Sequence[str]) -> str:
    """One text of several values in Redshift; an empty one of none."""
    if not expressions:
        return "''"
    values = (f"COALESCE({e}, CHR({NULL_CODE}))" for e in expressions)
    return f" || CHR({SEPARATOR_CODE}) || ".join(values)


Writer = Callable[[str, str], tuple[str, str]]


def _writer(column: Column, policies: ValuePolicies) -> Writer | None:
    if column.rule in _NOT_COMPARED:
        return None
    own = _BY_RULE.get(column.rule)
    if own is not None:
        return own
    kind = column.arrow.split("(")[0]
    if kind == "string":
        return lambda mysql, redshift: (
            f"MD5({changed_text(mysql, column, policies)})",
            f"MD5({redshift})",
        )
    if kind == "binary":
        return lambda mysql, redshift: _bytes(mysql, redshift, column, policies)
    return _BY_ARROW.get(kind)


# -- numbers ----------------------------------------------------------------------------------


def _number(mysql: str, redshift: str) -> tuple[str, str]:
    # `+ 0` takes the padding of ZEROFILL away.
    return f"CAST({mysql} + 0 AS CHAR)", f"CAST({redshift} AS VARCHAR)"


def _boolean(mysql: str, redshift: str) -> tuple[str, str]:
    return (
        f"CASE WHEN {mysql} IS NULL THEN NULL WHEN {mysql} + 0 = 0 THEN '0' ELSE '1' END",
        f"CASE WHEN {redshift} IS NULL THEN NULL WHEN {redshift} THEN '1' ELSE '0' END",
    )


def _float(mysql: str, redshift: str) -> tuple[str, str]:
    """Whole number and power of two: the value itself, while both servers round decimal text.

    A DOUBLE has 53 binary digits, so with the right power of two it is a whole number below 2^55.
    Multiplying by a power of two is exact; two factors, because one alone could be too large. The
    logarithm is not exact, but a value whose power of two it leaves in doubt lies at an irrational
    number (2^(n - 1/4)), not at one that people store. 0 and -0 are equal.
    """
    mine = f"({mysql} * 1E0)"
    theirs = f"CAST({redshift} AS DOUBLE PRECISION)"
    power = "FLOOR(LN(NULLIF(ABS({0}), 0)) / LN(2) + 0.25)"
    whole = "{0} * POWER({2}, FLOOR((53 - {1}) / 2)) * POWER({2}, 53 - {1} - FLOOR((53 - {1}) / 2))"
    in_mysql, in_redshift = power.format(mine), power.format(theirs)
    two = "CAST(2 AS DOUBLE PRECISION)"
    return (
        f"CASE WHEN {mine} = 0 THEN '0' ELSE CONCAT("
        f"CAST({whole.format(mine, in_mysql, '2E0')} AS SIGNED), 'p', "
        f"CAST({in_mysql} AS SIGNED)) END",
        f"CASE WHEN {theirs} = 0 THEN '0' "
        f"WHEN ABS({theirs}) <= CAST('{LARGEST_DOUBLE}' AS DOUBLE PRECISION) THEN "
        f"CAST(CAST({whole.format(theirs, in_redshift, two)} AS BIGINT) AS VARCHAR) || 'p' || "
        f"CAST(CAST({in_redshift} AS INTEGER) AS VARCHAR) "
        f"ELSE CAST({theirs} AS VARCHAR) END",
    )


# -- dates and times --------------------------------------------------------------------------


def _moment(mysql: str, redshift: str) -> tuple[str, str]:
    return (
        f"{_real_date(mysql)} DATE_FORMAT({mysql}, '%Y-%m-%d %H:%i:%s.%f') END",
        f"TO_CHAR({redshift}, 'YYYY-MM-DD HH24:MI:SS.US')",
    )


def _instant(mysql: str, redshift: str) -> tuple[str, str]:
    return _moment(mysql, f"({redshift} AT TIME ZONE 'UTC')")


def _day(mysql: str, redshift: str) -> tuple[str, str]:
    return (
        f"{_real_date(mysql)} DATE_FORMAT({mysql}, '%Y-%m-%d') END",
        f"TO_CHAR({redshift}, 'YYYY-MM-DD')",
    )


def _real_date(mysql: str) -> str:
    """Dates that are in no calendar (0000-00-00, 2024-02-00, 2024-02-31) are NULL in the target."""
    return (
        f"CASE WHEN {mysql} + INTERVAL 0 DAY IS NULL OR DAYOFMONTH({mysql}) = 0 "
        f"OR DAYOFMONTH({mysql}) > DAYOFMONTH(LAST_DAY({mysql})) THEN NULL ELSE"
    )


def _time(mysql: str, redshift: str) -> tuple[str, str]:
    """Six digits after the second, however many the column had when the row was extracted."""
    text = f"CAST({redshift} AS VARCHAR)"
    point = f"STRPOS({text}, '.')"
    return (
        f"CAST(CAST({mysql} AS TIME(6)) AS CHAR)",
        f"CASE WHEN {point} = 0 THEN {text} || '.000000' "
        f"ELSE SUBSTRING({text} || '000000', 1, {point} + 6) END",
    )


# -- text and bytes ---------------------------------------------------------------------------


def changed_text(mysql: str, column: Column, policies: ValuePolicies) -> str:
    """The bytes of a text in UTF-8, after what the column's policies make of them."""
    text = f"CAST(CONVERT({mysql} USING utf8mb4) AS BINARY)"
    if policies.invalid_text is InvalidTextPolicy.REPLACE:
        text = f"REPLACE({text}, x'00', x'EFBFBD')"
    elif policies.invalid_text is InvalidTextPolicy.NULL:
        text = f"CASE WHEN LOCATE(x'00', {text}) > 0 THEN NULL ELSE {text} END"
    size = _size(column)
    if policies.overlong is OverlongPolicy.NULL:
        return f"CASE WHEN LENGTH({text}) > {size} THEN NULL ELSE {text} END"
    if policies.overlong is OverlongPolicy.TRUNCATE:
        return f"LEFT({text}, {_whole_characters(text, size)})"
    return text


def _whole_characters(text: str, size: int) -> str:
    """Bytes to keep so that no character is cut: the next byte does not continue one."""
    ends = " ".join(
        f"WHEN ASCII(SUBSTRING({text}, {end + 1}, 1)) & 192 <> 128 THEN {end}"
        for end in range(size, max(size - 3, 0), -1)
    )
    return f"CASE {ends} ELSE {max(size - 3, 0)} END"


def _bytes(mysql: str, redshift: str, column: Column, policies: ValuePolicies) -> tuple[str, str]:
    size = _size(column)
    if policies.overlong is OverlongPolicy.TRUNCATE:
        return _hashed_bytes(f"LEFT({mysql}, {size})", redshift, size)
    mine, theirs = _hashed_bytes(mysql, redshift, size)
    if policies.overlong is OverlongPolicy.NULL:
        mine = f"CASE WHEN LENGTH({mysql}) > {size} THEN NULL ELSE {mine} END"
    return mine, theirs


def _geometry(mysql: str, redshift: str) -> tuple[str, str]:
    return _hashed_bytes(_ewkb(mysql), redshift, MAX_VARBYTE_BYTES)


def _geometry_value(mysql: str, redshift: str) -> tuple[str, str]:
    return f"MD5(LOWER(HEX({_ewkb(mysql)})))", f"MD5(LOWER(ST_AsHexEWKB({redshift})))"


def _ewkb(mysql: str) -> str:
    """What `core.column_values` makes of MySQL's SRID and WKB."""
    stored = f"UNHEX(HEX({mysql}))"
    flagged = f"CHAR(ASCII(SUBSTRING({stored}, 9, 1)) | 32)"
    return (
        f"CASE WHEN LEFT({stored}, 4) = x'00000000' THEN SUBSTRING({stored}, 5) ELSE "
        f"CONCAT(SUBSTRING({stored}, 5, 4), {flagged}, LEFT({stored}, 4), "
        f"SUBSTRING({stored}, 10)) END"
    )


def _hashed_bytes(mysql: str, redshift: str, size: int) -> tuple[str, str]:
    """Hash hexadecimal digits; a long value piece by piece, because a VARCHAR ends at 64 kB."""
    mine = f"MD5(LOWER(HEX({mysql})))"
    theirs = f"MD5(FROM_VARBYTE(SUBSTRING({redshift}, 1, {PIECE_BYTES}), 'hex'))"
    if size <= PIECE_BYTES:
        return mine, theirs
    starts = range(1, size + 1, PIECE_BYTES)
    pieces = (f"MD5(LOWER(HEX(SUBSTRING({mysql}, {at}, {PIECE_BYTES}))))" for at in starts)
    others = (
        f"MD5(FROM_VARBYTE(SUBSTRING({redshift}, {at}, {PIECE_BYTES}), 'hex'))" for at in starts
    )
    return (
        f"CASE WHEN LENGTH({mysql}) <= {PIECE_BYTES} THEN {mine} "
        f"ELSE MD5(CONCAT({', '.join(pieces)})) END",
        f"CASE WHEN OCTET_LENGTH({redshift}) <= {PIECE_BYTES} THEN {theirs} "
        f"ELSE MD5({' || '.join(others)}) END",
    )


def _size(column: Column) -> int:
    """Bytes that the column takes which COPY fills."""
    found = re.search(r"\((\d+)\)", column.staging_type)
    return int(found[1]) if found else PIECE_BYTES


_BY_ARROW: dict[str, Writer] = {
    "int8": _number,
    "int16": _number,
    "int32": _number,
    "int64": _number,
    "decimal128": _number,
    "float32": _float,
    "float64": _float,
    "bool": _boolean,
    "timestamp[us]": _moment,
    "date32[day]": _day,
    "date32": _day,
}

_BY_RULE: dict[str, Writer] = {
    "time": _time,
    "time_of_day": _time,
    "timestamptz": _instant,
    "geometry": _geometry,
    "geometry_hex": _geometry_value,
}
