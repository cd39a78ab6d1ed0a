"""Columns of a result set: what the server says about them and how they are laid out.

The layout of a column definition is on the page
`page_protocol_com_query_response_text_resultset_column_definition` of the MySQL source
documentation; the binary protocol uses the same one.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum

import pyarrow as pa
from pymysql.constants import FIELD_TYPE, FLAG

from mysql_s3_redshift.adapters.mysql.wire.failures import damaged
from mysql_s3_redshift.adapters.mysql.wire.integers import read_length_encoded
from mysql_s3_redshift.errors import SourceError

BINARY_CHARSET = 63
"""The charset number of columns that are bytes, not text (collation `binary`)."""

FIELD_TYPE_VECTOR = 242  # MySQL 9; PyMySQL has no name for it
_MAX_DECIMAL128 = 38


class WireKind(Enum):
    """How the values of a column are laid out in a row."""

    NULL = "null"
    INTEGER = "integer"
    YEAR = "year"
    FLOAT = "float"
    DECIMAL = "decimal"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    BIT = "bit"
    TEXT = "text"
    BYTES = "bytes"


_KINDS = {
    FIELD_TYPE.NULL: WireKind.NULL,
    FIELD_TYPE.TINY: WireKind.INTEGER,
    FIELD_TYPE.SHORT: WireKind.INTEGER,
    FIELD_TYPE.INT24: WireKind.INTEGER,
    FIELD_TYPE.LONG: WireKind.INTEGER,
    FIELD_TYPE.LONGLONG: WireKind.INTEGER,
    FIELD_TYPE.YEAR: WireKind.YEAR,
    FIELD_TYPE.FLOAT: WireKind.FLOAT,
    FIELD_TYPE.DOUBLE: WireKind.FLOAT,
    FIELD_TYPE.DECIMAL: WireKind.DECIMAL,
    FIELD_TYPE.NEWDECIMAL: WireKind.DECIMAL,
    FIELD_TYPE.DATE: WireKind.DATE,
    FIELD_TYPE.DATETIME: WireKind.DATETIME,
    FIELD_TYPE.TIMESTAMP: WireKind.DATETIME,
    FIELD_TYPE.TIME: WireKind.TIME,
    FIELD_TYPE.BIT: WireKind.BIT,
    FIELD_TYPE.JSON: WireKind.TEXT,
    FIELD_TYPE.ENUM: WireKind.TEXT,
    FIELD_TYPE.SET: WireKind.TEXT,
    FIELD_TYPE.GEOMETRY: WireKind.BYTES,
    FIELD_TYPE_VECTOR: WireKind.BYTES,
}

_STRINGS = {
    FIELD_TYPE.VARCHAR,
    FIELD_TYPE.VAR_STRING,
    FIELD_TYPE.STRING,
    FIELD_TYPE.TINY_BLOB,
    FIELD_TYPE.MEDIUM_BLOB,
    FIELD_TYPE.LONG_BLOB,
    FIELD_TYPE.BLOB,
}
"""Types that are text or bytes: the charset tells which."""

_FIXED_WIDTHS = {
    FIELD_TYPE.TINY: 1,
    FIELD_TYPE.SHORT: 2,
    FIELD_TYPE.YEAR: 2,
    FIELD_TYPE.INT24: 4,
    FIELD_TYPE.LONG: 4,
    FIELD_TYPE.LONGLONG: 8,
    FIELD_TYPE.FLOAT: 4,
    FIELD_TYPE.DOUBLE: 8,
}

_SIGNED = {1: pa.int8(), 2: pa.int16(), 4: pa.int32(), 8: pa.int64()}
_UNSIGNED = {1: pa.uint8(), 2: pa.uint16(), 4: pa.uint32(), 8: pa.uint64()}
_ARROW_TYPES = {
    WireKind.NULL: pa.null(),
    WireKind.YEAR: pa.int16(),
    WireKind.DATE: pa.date32(),
    WireKind.DATETIME: pa.timestamp("us"),
    WireKind.TIME: pa.duration("us"),
    WireKind.BIT: pa.uint64(),
    WireKind.TEXT: pa.binary(),
    WireKind.BYTES: pa.binary(),
}


@dataclass(frozen=True, slots=True)
class WireColumn:
    """One column of a result set, as the server describes it.

    Attributes:
        name: The column's name or alias.
        type_code: The server's type (`pymysql.constants.FIELD_TYPE`).
        charset: The number of the collation; 63 means bytes.
        length: The longest value, in bytes of text.
        flags: NOT NULL, UNSIGNED and others (`pymysql.constants.FLAG`).
        decimals: Digits after the point; 31 for floating point without a fixed number.
    """

    name: str
    type_code: int
    charset: int
    length: int
    flags: int
    decimals: int

    @property
    def unsigned(self) -> bool:
        """Whether the column was declared UNSIGNED."""
        return bool(self.flags & FLAG.UNSIGNED)

    @property
    def not_null(self) -> bool:
        """Whether the column was declared NOT NULL. Rows are decoded without relying on it."""
        return bool(self.flags & FLAG.NOT_NULL)

    @property
    def kind(self) -> WireKind:
        """How values of this column are laid out.

        Raises:
            SourceError: The server uses a type that this reader does not know.
        """
        if self.type_code in _STRINGS:
            named = self.flags & (FLAG.ENUM | FLAG.SET)
            text = self.charset != BINARY_CHARSET or named
            return WireKind.TEXT if text else WireKind.BYTES
        kind = _KINDS.get(self.type_code)
        if kind is None:
            raise SourceError(
                f"Column `{self.name}` has MySQL type code {self.type_code}, which is not known.",
                kept="No row was read.",
                remedy="Leave the column out, or CAST it to a known type in the query.",
            )
        return kind

    @property
    def fixed_width(self) -> int | None:
        """Bytes of one value in a binary row; None where the values have different lengths."""
        return _FIXED_WIDTHS.get(self.type_code)

    @property
    def precision(self) -> int:
        """All digits of a DECIMAL column: its text length less the point and the sign."""
        digits = self.length - (self.decimals > 0) - (not self.unsigned)
        return max(digits, self.decimals, 1)

    @property
    def exact_in_text(self) -> bool:
        """Whether the text protocol carries the exact values.

        It writes a FLOAT with six digits and a DOUBLE(M,D) with D decimals. `column * 1E0` is a
        plain DOUBLE, whose text is exact.
        """
        if self.kind is not WireKind.FLOAT:
            return True
        return self.type_code == FIELD_TYPE.DOUBLE and self.decimals >= _NOT_FIXED_DECIMALS

    @property
    def arrow_type(self) -> pa.DataType:
        """The lossless Arrow type of the column's values."""
        kind = self.kind
        if kind is WireKind.INTEGER:
            if self.type_code == FIELD_TYPE.INT24:
                return pa.int32()
            return (_UNSIGNED if self.unsigned else _SIGNED)[_FIXED_WIDTHS[self.type_code]]
        if kind is WireKind.FLOAT:
            return pa.float32() if self.type_code == FIELD_TYPE.FLOAT else pa.float64()
        if kind is WireKind.DECIMAL:
            if self.precision <= _MAX_DECIMAL128:
                return pa.decimal128(self.precision, self.decimals)
            return pa.string()
        return _ARROW_TYPES[kind]


_NOT_FIXED_DECIMALS = 31

_FIXED_FIELDS = struct.Struct("<BHIBHBxx")
"""The length of the rest, charset, length, type, flags, decimals, two bytes of filler."""


def parse_column(payload: bytes) -> WireColumn:
    """Read one column definition packet."""
    try:
        position, fields = 0, []
        for _ in range(6):  # catalog, schema, table, original table, name, original name
            length, position = read_length_encoded(payload, position)
            fields.append(payload[position : position + length])
            position += length
        rest, charset, length, type_code, flags, decimals = _FIXED_FIELDS.unpack(payload[position:])
        name = fields[4].decode("utf-8")
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise damaged("a column definition cannot be read") from error
    if rest != _FIXED_FIELDS.size - 1:
        raise damaged("a column definition has a length of its own")
    return WireColumn(name, type_code, charset, length, flags, decimals)
