"""The reader's rows and PyMySQL's, brought to one form so that they can be compared."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from mysql_s3_redshift.adapters.mysql import wire
from mysql_s3_redshift.adapters.mysql.wire import WireBatch, WireColumn, WireKind

Row = tuple[Any, ...]


def read(connection: Any, sql: str, parameters: Sequence[Any] = (), **options: Any) -> list[Row]:
    """All rows of a query as the reader gives them."""
    with wire.query(connection, sql, parameters, **options) as stream:
        return [row for batch in stream for row in rows_of(batch)]


def rows_of(batch: WireBatch) -> list[Row]:
    """The rows of one batch; bad dates as MySQL's text."""
    batch.batch.validate(full=True)
    columns = []
    for index, column in enumerate(batch.columns):
        assert batch.batch.schema.field(index).type == column.arrow_type
        values = [_comparable(value, column) for value in batch.batch.column(index).to_pylist()]
        for row in np.flatnonzero(batch.bad_dates.get(index, [])):
            assert values[row] is None
            values[row] = batch.bad_date_text(index, int(row))
        columns.append(values)
    return list(zip(*columns, strict=True))


def read_by_pymysql(connection: Any, sql: str, columns: Sequence[WireColumn]) -> list[Row]:
    """The same rows by PyMySQL's cursor; FLOAT columns must be selected as `column * 1E0`."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return [
            tuple(_comparable(value, column) for value, column in zip(row, columns, strict=True))
            for row in cursor.fetchall()
        ]


def _comparable(value: Any, column: WireColumn) -> Any:
    if value is None:
        return None
    match column.kind:
        case WireKind.FLOAT:
            return struct.pack("<d", value)  # the bits: -0.0 is not 0.0
        case WireKind.DECIMAL:
            return Decimal(value).as_tuple()  # with its scale: 1.0 is not 1.00
        case WireKind.BIT:
            return int.from_bytes(value, "big") if isinstance(value, bytes) else value
        case WireKind.TEXT:
            return value.decode() if isinstance(value, bytes) else value
    return value
