"""Arrow types as `Column.arrow` writes them, and the Arrow schema of a table's files."""

from __future__ import annotations

import re

import pyarrow as pa

from mysql_s3_redshift.core.schema import TableSchema

_TYPES: dict[str, pa.DataType] = {
    "bool": pa.bool_(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "date32": pa.date32(),
    "timestamp[us]": pa.timestamp("us"),
    "string": pa.string(),
    "binary": pa.binary(),
}


def arrow_type(text: str) -> pa.DataType:
    """Return the Arrow type that `Column.arrow` names.

    Raises:
        ValueError: It is none of the types that files may have.
    """
    decimal = re.fullmatch(r"decimal128\((\d+), (\d+)\)", text)
    if decimal:
        return pa.decimal128(int(decimal[1]), int(decimal[2]))
    if text not in _TYPES:
        message = f"{text!r} is no type of our files"
        raise ValueError(message)
    return _TYPES[text]


def arrow_schema(schema: TableSchema) -> pa.Schema:
    """Return the schema of a table's parquet files: Redshift's names, no metadata."""
    return pa.schema(
        [pa.field(c.name, arrow_type(c.arrow), nullable=c.nullable) for c in schema.columns]
    )
