"""Redshift's data types: their names, limits and defaults, and PostgreSQL's type for each."""

from __future__ import annotations

from dataclasses import dataclass

from mysql_s3_redshift.sandbox.redshift.errors import INVALID_VALUE, RedshiftError, not_offered
from mysql_s3_redshift.sandbox.redshift.sql.lexer import (
    Kind,
    Reader,
    Token,
    integer_value,
    split_commas,
)

VARCHAR_LIMIT = 65535
CHAR_LIMIT = 4096
VARBYTE_LIMIT = 16_777_216
VARBYTE_DEFAULT = 64000
DEFAULT_TEXT = 256
DECIMAL_PRECISION = 38

_PLAIN = {
    "SMALLINT": "smallint",
    "INT2": "smallint",
    "INTEGER": "integer",
    "INT": "integer",
    "INT4": "integer",
    "BIGINT": "bigint",
    "INT8": "bigint",
    "REAL": "real",
    "FLOAT4": "real",
    "FLOAT8": "double precision",
    "FLOAT": "double precision",
    "BOOLEAN": "boolean",
    "BOOL": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "DATETIME": "timestamp",
    "TIMESTAMPTZ": "timestamptz",
    "TIME": "time",
    "TIMETZ": "timetz",
    "SUPER": "pg_catalog.super",
    "GEOMETRY": "pg_catalog.geometry",
}
_VARCHAR = {"VARCHAR", "NVARCHAR", "TEXT"}
_CHAR = {"CHAR", "CHARACTER", "NCHAR", "BPCHAR"}
_VARBYTE = {"VARBYTE", "VARBINARY", "BINARY"}
_NOT_OFFERED = {"GEOGRAPHY", "HLLSKETCH", "INTERVAL"}


@dataclass(frozen=True, slots=True)
class DataType:
    """A type as PostgreSQL has to be told about it.

    Args:
        postgres: The type's name in PostgreSQL, with its modifiers.
        length: The limit in bytes that a CHECK has to enforce, if there is one.
        is_bytes: Whether the type is VARBYTE.
    """

    postgres: str
    length: int | None = None
    is_bytes: bool = False

    def length_check(self, column: str) -> str:
        """Return the condition that keeps the quoted column within its length in bytes."""
        value = f"{column}::bytea" if self.is_bytes else column
        return f"octet_length({value}) <= {self.length}"


def read_type(reader: Reader, column: str = "") -> DataType:
    """Read a type name with its modifiers.

    Raises:
        RedshiftError: When Redshift has no such type, or not with these modifiers.
    """
    token = reader.take()
    name = token.upper
    if token.kind is Kind.WORD:
        if name == "DOUBLE" and reader.accept("PRECISION"):
            return DataType("double precision")
        if name in ("CHARACTER", "BINARY") and reader.accept("VARYING"):
            name = "VARCHAR" if name == "CHARACTER" else "VARBYTE"
        if name in _VARCHAR or name in _CHAR:
            return _text_type(reader, name)
        if name in _VARBYTE:
            return _varbyte_type(reader)
        if name in ("NUMERIC", "DECIMAL"):
            return _decimal_type(reader)
        if name in _PLAIN:
            return _plain_type(reader, name)
        if name in _NOT_OFFERED:
            raise not_offered(f"The type {name}")
    where = f'Column "{column}"' if column else "The expression"
    raise RedshiftError("0A000", f'{where} has unsupported type "{token.text.lower()}".')


def _modifiers(reader: Reader) -> list[Token]:
    if reader.peek().text != "(":
        return []
    modifiers = []
    for part in split_commas(reader.group()):
        inner = Reader(part)
        modifiers.append(inner.take())
        inner.finish()
    return modifiers


def _text_type(reader: Reader, name: str) -> DataType:
    base, limit = ("varchar", VARCHAR_LIMIT) if name in _VARCHAR else ("char", CHAR_LIMIT)
    modifiers = _modifiers(reader)
    if name in ("TEXT", "BPCHAR"):
        # TEXT and BPCHAR are VARCHAR(256) and CHAR(256) whatever is asked for (r_Character_types).
        length = DEFAULT_TEXT
    elif not modifiers:
        length = DEFAULT_TEXT if base == "varchar" else 1
    elif modifiers[0].upper == "MAX":
        length = limit
    else:
        length = integer_value(modifiers[0])
    if not 1 <= length <= limit:
        raise RedshiftError(INVALID_VALUE, f"length for type {base} cannot exceed {limit}")
    return DataType(f"{base}({length})", length)


def _varbyte_type(reader: Reader) -> DataType:
    modifiers = _modifiers(reader)
    length = integer_value(modifiers[0]) if modifiers else VARBYTE_DEFAULT
    if not 1 <= length <= VARBYTE_LIMIT:
        raise RedshiftError(INVALID_VALUE, f"length for type varbyte cannot exceed {VARBYTE_LIMIT}")
    return DataType("pg_catalog.varbyte", length, is_bytes=True)


def _decimal_type(reader: Reader) -> DataType:
    numbers = [integer_value(modifier) for modifier in _modifiers(reader)] or [18, 0]
    precision, scale = (*numbers, 0)[:2]
    if not 1 <= precision <= DECIMAL_PRECISION:
        message = f"DECIMAL precision {precision} must be between 1 and {DECIMAL_PRECISION}"
        raise RedshiftError(INVALID_VALUE, message)
    if not 0 <= scale <= precision:
        message = f"DECIMAL scale {scale} must be between 0 and precision {precision}"
        raise RedshiftError(INVALID_VALUE, message)
    return DataType(f"numeric({precision},{scale})")


def _plain_type(reader: Reader, name: str) -> DataType:
    postgres = _PLAIN[name]
    if reader.peek().text == "(":
        # Redshift's times have six digits, always; FLOAT(p) chooses between its two sizes.
        raise RedshiftError("0A000", f"Modifiers of type {name} are not supported")
    if name in ("TIMESTAMP", "TIME"):
        if reader.accept("WITH", "TIME", "ZONE"):
            postgres += "tz"
        else:
            reader.accept("WITHOUT", "TIME", "ZONE")
    return DataType(postgres)
