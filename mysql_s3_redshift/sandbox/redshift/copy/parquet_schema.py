"""Whether Redshift would take a parquet column for a column of a table.

Strict: what is not known to load does not load here. The sources of each rule, most of them
published error messages of real clusters, are named beside it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mysql_s3_redshift.sandbox.redshift.copy.columns import TargetColumn
from mysql_s3_redshift.sandbox.redshift.errors import load_error, spectrum_error

_SHOWN = {
    "int2": "SMALLINT",
    "int4": "INT",
    "int8": "BIGINT",
    "float4": "REAL",
    "float8": "DOUBLE",
    "bool": "BOOLEAN",
    "bpchar": "CHAR",
    "numeric": "DECIMAL",
}


def shown_type(column: TargetColumn) -> str:
    """Return a type's name as error messages show it."""
    name = _SHOWN.get(column.type, column.type.upper())
    return f"{name}({column.precision}, {column.scale})" if column.type == "numeric" else name


@dataclass(frozen=True, slots=True)
class _Leaf:
    """What decides about one parquet column."""

    physical: str
    logical: str
    details: dict[str, Any]
    length: int

    @classmethod
    def of(cls, column: Any) -> _Leaf:
        details = json.loads(column.logical_type.to_json())
        return cls(column.physical_type, details["Type"], details, column.length)


def check_schema(
    file: pq.ParquetFile,
    columns: Sequence[TargetColumn],
    *,
    options: frozenset[str],
    url: str,
    key: str,
    query: int,
) -> None:
    """Compare a file with the target, column by column in their order; names do not matter.

    Raises:
        LoadError: On the first difference that Redshift would refuse.
    """
    schema = file.schema_arrow
    fewer_allowed = "FILLRECORD" in options
    if len(schema) > len(columns) or (len(schema) < len(columns) and not fewer_allowed):
        # rudder-server#3178
        context = (
            f"Unmatched number of columns between table and file. Table columns: {len(columns)}, "
            f"Data columns: {len(schema)}, File name: {url}"
        )
        raise spectrum_error(15007, context, query=query, key=key)
    leaves = {leaf.path: leaf for leaf in map(file.schema.column, range(len(file.schema)))}
    for column, field in zip(columns, schema, strict=False):
        leaf = leaves.get(field.name)
        if column.type == "super":
            _check_super(options, query, column.name, key)
        elif leaf is None or not _fits(column, _Leaf.of(leaf), url, query, key):
            described = _describe(leaf) if leaf is not None else f"optional group {field.name}"
            context = (
                f"File '{url}' has an incompatible Parquet schema for column "
                f"'s3://{key}.{field.name}'. Column type: {shown_type(column)}, "
                f"Parquet schema:\\n{described}"
            )
            raise spectrum_error(15007, context, query=query, column=column.name, key=key)


def _check_super(options: frozenset[str], query: int, column: str, key: str) -> None:
    if "SERIALIZETOJSON" not in options:
        # ingest-super; the text is the one that clusters show
        error = load_error(1000, "Assert", query=query, key=key)
        error.detail = (error.detail or "").replace(
            "context:   ", "context:   Unreachable - Invalid type: 4000"
        )
        error.failure = type(error.failure)(1000, "Unreachable - Invalid type: 4000", column, key)
        raise error


def _describe(leaf: Any) -> str:
    repetition = "optional" if leaf.max_definition_level else "required"
    levels = f"[i:0 d:{leaf.max_definition_level} r:{leaf.max_repetition_level}]"
    return f"{repetition} {leaf.physical_type.lower()} {leaf.name} {levels}"


def _fits(column: TargetColumn, leaf: _Leaf, url: str, query: int, key: str) -> bool:
    match column.type:
        case "int2" | "int4" | "int8":
            return _fits_integer(column.type, leaf)
        case "float4":
            return leaf.physical == "FLOAT"
        case "float8":
            return leaf.physical == "DOUBLE"
        case "bool":
            return leaf.physical == "BOOLEAN"
        case "date":
            return leaf.physical == "INT32" and leaf.logical == "Date"
        case "timestamp" | "timestamptz":
            return _fits_timestamp(leaf)
        case "varchar" | "bpchar":
            return leaf.physical == "BYTE_ARRAY" and leaf.logical in ("String", "Enum", "JSON")
        case "varbyte":
            # copy-usage-varbyte; fixed length is not loadable (dlt's Redshift destination)
            return leaf.physical == "BYTE_ARRAY" and leaf.logical == "None"
        case "numeric":
            return _fits_decimal(column, leaf, url, query, key)
        case _:
            # TIME, TIMETZ, GEOMETRY: not known to load from parquet; TIME is documented not to
            # by dlt ("parquet TIME is not loadable by COPY").
            return False


def _fits_integer(kind: str, leaf: _Leaf) -> bool:
    """No coercion: INT64 into INT fails (openillumi.com, records-mover#85).

    The annotations are those that awswrangler writes and tests on a cluster: int8, int16 and uint8
    for SMALLINT, int32 and uint16 for INTEGER, int64 for BIGINT.
    """
    bits, signed = leaf.details.get("bitWidth", 0), leaf.details.get("isSigned", False)
    annotated = leaf.logical == "Int"
    if leaf.logical not in ("None", "Int"):
        return False
    if kind == "int2":
        return leaf.physical == "INT32" and annotated and (bits == 8 or (bits == 16 and signed))
    if kind == "int4":
        known = (bits == 32 and signed) or (bits == 16 and not signed)
        return leaf.physical == "INT32" and (not annotated or known)
    return leaf.physical == "INT64" and (not annotated or signed)


def _fits_timestamp(leaf: _Leaf) -> bool:
    """INT96, or INT64 in milli- or microseconds.

    Nanoseconds load as garbage dates without an error on a cluster (apache/arrow#38000): refused
    here, because a judge has to be loud.
    """
    if leaf.physical == "INT96":
        return True
    units = ("microseconds", "milliseconds")
    return leaf.logical == "Timestamp" and leaf.details["timeUnit"] in units


def _fits_decimal(column: TargetColumn, leaf: _Leaf, url: str, query: int, key: str) -> bool:
    if leaf.physical != "FIXED_LEN_BYTE_ARRAY" or leaf.logical != "Decimal":
        return False
    expected = decimal_length(column.precision)
    if leaf.length != expected:
        # ParquetSharp#252
        context = (
            f"File '{url}' column '{column.name}' has an invalid type length. "
            f"Expecting: {expected} len in file: {leaf.length}"
        )
        raise spectrum_error(15001, context, query=query, column=column.name, key=key)
    same = (leaf.details["precision"], leaf.details["scale"]) == (column.precision, column.scale)
    return bool(same)


def decimal_length(precision: int) -> int:
    """Return the fewest bytes that hold a signed decimal of this precision."""
    length = 1
    while 10**precision - 1 > 2 ** (8 * length - 1) - 1:
        length += 1
    return length


def arrow_type(column: TargetColumn) -> pa.DataType:
    """Return the Arrow type that a column is encoded from."""
    if column.type == "numeric":
        return pa.decimal128(column.precision, column.scale)
    return _ARROW[column.type]


_ARROW = {
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us"),
    "varchar": pa.string(),
    "bpchar": pa.string(),
    "varbyte": pa.binary(),
    "super": pa.string(),
}
