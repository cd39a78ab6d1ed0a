"""A parquet file of one column, and the column and parquet types that COPY takes or refuses."""
# ruff: noqa: DTZ001 - a TIMESTAMP without time zone is what is tested

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa


def one_column(values: list[Any], kind: pa.DataType) -> pa.Table:
    return pa.table({"ignored": pa.array(values, kind)})


UTC = dt.UTC
ACCEPTED = [
    ("smallint", pa.int16(), [1, None]),
    ("smallint", pa.int8(), [-1]),
    ("smallint", pa.uint8(), [255]),
    ("integer", pa.int32(), [-(2**31)]),
    ("integer", pa.uint16(), [65535]),
    ("bigint", pa.int64(), [2**63 - 1]),
    ("real", pa.float32(), [1.5]),
    ("double precision", pa.float64(), [0.1]),
    ("boolean", pa.bool_(), [True, False]),
    ("date", pa.date32(), [dt.date(9999, 12, 31)]),
    ("timestamp", pa.timestamp("us"), [dt.datetime(1, 1, 1)]),
    ("timestamp", pa.timestamp("ms"), [dt.datetime(2024, 1, 1)]),
    ("timestamptz", pa.timestamp("us", "UTC"), [dt.datetime(2024, 1, 1, tzinfo=UTC)]),
    ("varchar(4)", pa.string(), ["é😀"[:1] * 2, "", None]),
    ("char(3)", pa.string(), ["abc"]),
    ("decimal(38, 10)", pa.decimal128(38, 10), [Decimal("-1.0000000001")]),
    ("decimal(5, 2)", pa.decimal128(5, 2), [Decimal("999.99")]),
]
REFUSED = [
    ("smallint", pa.int32()),
    ("smallint", pa.int64()),
    ("smallint", pa.uint16()),
    ("integer", pa.int16()),
    ("integer", pa.int64()),
    ("integer", pa.uint32()),
    ("bigint", pa.int32()),
    ("bigint", pa.uint64()),
    ("bigint", pa.float64()),
    ("real", pa.float64()),
    ("double precision", pa.float32()),
    ("boolean", pa.int8()),
    ("date", pa.timestamp("us")),
    ("date", pa.string()),
    ("timestamp", pa.timestamp("ns")),
    ("timestamp", pa.date32()),
    ("timestamp", pa.int64()),
    ("time", pa.time64("us")),
    ("time", pa.time32("ms")),
    ("varchar(10)", pa.int32()),
    ("varchar(10)", pa.binary()),
    ("varbyte(10)", pa.string()),
    ("varbyte(10)", pa.binary(4)),
    ("geometry", pa.binary()),
    ("decimal(10, 2)", pa.decimal128(10, 3)),
    ("decimal(10, 2)", pa.decimal128(11, 2)),
    ("decimal(18, 0)", pa.int64()),
    ("varchar(10)", pa.list_(pa.string())),
    ("varchar(10)", pa.struct([("a", pa.string())])),
]
