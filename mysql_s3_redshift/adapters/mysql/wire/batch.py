"""Batches of decoded rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from mysql_s3_redshift.adapters.mysql.wire.arrays import Mask
from mysql_s3_redshift.adapters.mysql.wire.calendar import BadDates
from mysql_s3_redshift.adapters.mysql.wire.columns import WireColumn


@dataclass(frozen=True, slots=True)
class ColumnData:
    """One decoded column."""

    array: pa.Array
    bad_dates: BadDates | None = None


@dataclass(frozen=True, slots=True)
class WireBatch:
    """Some consecutive rows of a result set.

    Attributes:
        columns: What the server says about the columns.
        batch: Their values, in the lossless Arrow types of `WireColumn.arrow_type`.
        bad_dates: Per column index, the rows whose DATE, DATETIME or TIMESTAMP is zero, partial or
            not in the calendar; these are NULL in `batch`. Columns without any are left out.
    """

    columns: tuple[WireColumn, ...]
    batch: pa.RecordBatch
    bad_dates: Mapping[int, Mask]
    _bad: Mapping[int, BadDates] = field(repr=False)

    @classmethod
    def of(cls, columns: tuple[WireColumn, ...], decoded: Sequence[ColumnData]) -> WireBatch:
        """Join decoded columns."""
        schema = pa.schema([(column.name, column.arrow_type) for column in columns])
        batch = pa.RecordBatch.from_arrays([data.array for data in decoded], schema=schema)
        bad = {i: data.bad_dates for i, data in enumerate(decoded) if data.bad_dates is not None}
        return cls(columns, batch, {i: dates.rows for i, dates in bad.items()}, bad)

    def bad_date_text(self, column: int, row: int) -> str:
        """Write a bad date as MySQL shows it, such as `0000-00-00` or `2024-02-00`.

        Args:
            column: Index of a column in `bad_dates`.
            row: Index of a row that is marked there.
        """
        return self._bad[column].text(self.columns[column], row)
