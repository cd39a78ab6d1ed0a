"""What a row of the type table is, and how a MySQL column finds its row.

The table itself is in `mysql_s3_redshift.core.types`.
"""

from __future__ import annotations

from dataclasses import dataclass

from mysql_s3_redshift.core.schema import SourceColumn

MAX_VARCHAR_BYTES = 65_535
MAX_VARBYTE_BYTES = 1_024_000
MAX_DECIMAL_PRECISION = 38
MAX_DECIMAL_SCALE = 37

INTEGERS = (
    "tinyint",
    "tinyint unsigned",
    "smallint",
    "smallint unsigned",
    "mediumint",
    "mediumint unsigned",
    "int",
    "int unsigned",
    "bigint",
    "bigint unsigned",
)
TEXTS = ("char", "varchar", "enum", "set")
LONG_TEXTS = ("tinytext", "text", "mediumtext", "longtext")
BYTES = ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "vector")
GEOMETRIES = (
    "geometry",
    "point",
    "linestring",
    "polygon",
    "multipoint",
    "multilinestring",
    "multipolygon",
    "geometrycollection",
)
NETWORK = ("inet4", "inet6", "uuid")
_ASCII_CHARSETS = frozenset({"ascii", "binary"})
_FULL_UNICODE_CHARSETS = frozenset({"utf8mb4", "utf16", "utf16le", "utf32", "gb18030"})
_VECTOR_BYTES = 4 * 16_383
"""Of the longest VECTOR of MySQL 9 (https://dev.mysql.com/doc/refman/9.4/en/vector.html)."""

WIDE_DECIMAL = "decimal with over 38 digits, or over 37 after the point"


@dataclass(frozen=True, slots=True)
class TypeRule:
    """One row of the type table.

    `{p}` and `{s}` stand for precision and scale, `{bytes}` for the size that `column_bytes` gives.

    Attributes:
        name: Stored with each column as `Column.rule`; it selects the conversion.
        mysql: Kinds of MySQL types (see `kind_of`).
        wire: Arrow type in which the reader delivers the values.
        arrow: Arrow type in the parquet file.
        target: Redshift type.
        why: The reason, for people.
        option: The value of `columns.types` that selects the rule; empty for the default rules.
        staging: Type that COPY fills, where the target's type cannot be loaded from parquet.
        cast: What INSERT makes of the staged value, `{}` being the column.
        select: What the source is asked for, `{}` being the quoted column.
    """

    name: str
    mysql: tuple[str, ...]
    wire: str
    arrow: str
    target: str
    why: str
    option: str = ""
    staging: str = ""
    cast: str = ""
    select: str = "{}"


def kind_of(column: SourceColumn) -> str:
    """Return the kind of a column's type, as the `mysql` entries of the table name it."""
    kind = {"geomcollection": "geometrycollection"}.get(column.data_type, column.data_type)
    if kind == "decimal" and _too_wide(column):
        return WIDE_DECIMAL
    if kind == "bit":
        bits = column.precision or 1
        return f"bit({bits})" if bits in {1, 64} else "bit(2) to bit(63)"
    return f"{kind} unsigned" if column.unsigned and kind in INTEGERS else kind


def _too_wide(column: SourceColumn) -> bool:
    return (column.precision or 10) > MAX_DECIMAL_PRECISION or (
        column.scale or 0
    ) > MAX_DECIMAL_SCALE


def column_bytes(column: SourceColumn) -> int:
    """Return the size in bytes that a column of variable size needs in Redshift."""
    if column.data_type == "decimal":
        return (column.precision or 10) + 3  # sign, point and the zero before it
    if column.data_type in NETWORK:
        return {"inet4": 15, "inet6": 45, "uuid": 36}[column.data_type]
    length = column.length or 0
    if column.data_type == "vector":
        length = length or _VECTOR_BYTES
    if column.data_type in BYTES:
        return min(max(length, 1), MAX_VARBYTE_BYTES)
    # A charset that discovery does not know may hold any character of Unicode: four bytes.
    wide = length * max(column.max_bytes_per_char or 4, 2)
    return min(max(wide, 1), MAX_VARCHAR_BYTES)


def utf8_bytes(charset: str) -> int:
    """Return the bytes that the widest character of a MySQL charset takes in UTF-8.

    Everything between ASCII and the charsets of all Unicode stays inside the Basic Multilingual
    Plane, three bytes: MySQL's latin1 is cp1252, which has the euro sign.
    """
    if charset.lower() in _ASCII_CHARSETS:
        return 1
    return 4 if charset.lower() in _FULL_UNICODE_CHARSETS else 3
