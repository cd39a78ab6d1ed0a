"""Convert one column as an extraction does, and read it back from a parquet file."""

import io
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st

from mysql_s3_redshift.core.convert import Converter, arrow_schema
from mysql_s3_redshift.core.model import ColumnPolicies, OverlongPolicy
from mysql_s3_redshift.core.schema import SourceTable
from mysql_s3_redshift.core.types import map_table
from mysql_s3_redshift.errors import UnsupportedValueError
from mysql_s3_redshift_tests.core.test_types import INT, column

TRUNCATE = {"*": OverlongPolicy.TRUNCATE}
NO_BAD_DATES: Mapping[int, Any] = {}


def no_text(_column: int, _row: int) -> str:
    raise AssertionError("no bad date was announced")


def converter(
    mysql: str,
    key: tuple[str, ...] = ("id",),
    facts: Mapping[str, Any] | None = None,
    **policies: Any,
) -> Converter:
    """A converter for a table of a key `id` and a column `c`."""
    chosen = ColumnPolicies(**policies)
    table = SourceTable("shop", "t", (INT, column(mysql, **(facts or {}))), primary_key=key)
    return Converter(map_table(table, chosen), chosen, table="shop.t", key_columns=("id",))


def batch(array: pa.Array) -> pa.RecordBatch:
    ids = pa.array(range(1, len(array) + 1), pa.int32())
    return pa.RecordBatch.from_arrays([ids, array], names=["a", "b"])


def converted(using: Converter, array: pa.Array) -> pa.Array:
    """Column `c`, after a round trip through a parquet file."""
    made = using.convert(batch(array), NO_BAD_DATES, no_text)
    assert made.schema == arrow_schema(using.schema)
    assert made.schema.metadata is None
    file = io.BytesIO()
    pq.write_table(pa.Table.from_batches([made]), file)
    read = pq.read_table(file).column("c").combine_chunks()
    assert read.to_pylist() == made.column(1).to_pylist()
    return made.column(1)


def values(mysql: str, wire: pa.DataType, sent: list[Any], **more: Any) -> list[Any]:
    result: list[Any] = converted(converter(mysql, **more), pa.array(sent, wire)).to_pylist()
    return result


mysql_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def refusal(using: Converter, array: pa.Array) -> str:
    with pytest.raises(UnsupportedValueError) as raised:
        using.convert(batch(array), NO_BAD_DATES, no_text)
    return str(raised.value)


def text_array(*sent: bytes | None) -> pa.Array:
    return pa.array(sent, pa.binary())
