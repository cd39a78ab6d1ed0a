"""Redshift's types as values: what a file's column may be inserted into without loss."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ALIASES = {
    "int2": "smallint",
    "int": "integer",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float": "double precision",
    "float8": "double precision",
    "numeric": "decimal",
    "bool": "boolean",
    "character varying": "varchar",
    "nvarchar": "varchar",
    "character": "char",
    "bpchar": "char",
    "varbinary": "varbyte",
    "binary varying": "varbyte",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "time without time zone": "time",
    "time with time zone": "timetz",
}
"""https://docs.aws.amazon.com/redshift/latest/dg/c_Supported_data_types.html"""

_DEFAULT_SIZES = {"varchar": (256, 0), "decimal": (18, 0), "varbyte": (64_000, 0), "char": (1, 0)}

_INTEGER_DIGITS = {"smallint": 5, "integer": 10, "bigint": 19}
_INTEGERS = tuple(_INTEGER_DIGITS)


@dataclass(frozen=True, slots=True)
class TargetType:
    """A type of Redshift. `size` is bytes or, of a DECIMAL, digits; 0 where a type has none."""

    name: str
    size: int = 0
    scale: int = 0

    def __str__(self) -> str:
        """Write the type as DDL does."""
        if self.name == "decimal":
            return f"DECIMAL({self.size},{self.scale})"
        return f"{self.name.upper()}({self.size})" if self.size else self.name.upper()


def parse_target_type(text: str) -> TargetType:
    """Read a type as DDL or the catalog writes it: `VARCHAR(20)`, `character varying(20)`."""
    plain = " ".join(text.lower().split())
    found = re.fullmatch(r"([a-z0-9 ]+?) ?(?:\( ?(\d+) ?(?:, ?(\d+) ?)?\))?( with.*)?", plain)
    if found is None:
        return TargetType(plain)
    base = (found[1] + (found[4] or "")).strip()
    name = _ALIASES.get(base, base)
    if name not in _DEFAULT_SIZES:
        return TargetType(name)
    size, scale = _DEFAULT_SIZES[name]
    return TargetType(name, int(found[2] or size), int(found[3] or scale))


def fits(value: TargetType, column: TargetType) -> bool:
    """Tell whether every value of one type can be inserted into a column of another unchanged."""
    if value == column:
        return True
    if value.name in _INTEGERS and column.name in _INTEGERS:
        return _INTEGERS.index(value.name) <= _INTEGERS.index(column.name)
    if column.name == "decimal":
        whole = column.size - column.scale
        if value.name in _INTEGERS:
            return whole >= _INTEGER_DIGITS[value.name]
        return (
            value.name == "decimal"
            and whole >= value.size - value.scale
            and column.scale >= value.scale
        )
    if value.name in {"varchar", "varbyte"}:
        return value.name == column.name and value.size <= column.size
    return (value.name, column.name) == ("real", "double precision")
