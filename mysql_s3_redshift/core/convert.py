"""From the batches that MySQL sends to the batches that the files hold, exactly or not at all.

A `Converter` belongs to one table. Everything is done for whole columns; single values are looked
at only in a batch where one cannot be kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mysql_s3_redshift.core.arrow_types import arrow_schema
from mysql_s3_redshift.core.column_converter import ColumnConverter, shorten
from mysql_s3_redshift.core.column_values import RefusedValueError, first_row
from mysql_s3_redshift.core.model import ColumnPolicies
from mysql_s3_redshift.core.policies import value_policies
from mysql_s3_redshift.core.schema import Column, TableSchema
from mysql_s3_redshift.core.types import HASH_RULE
from mysql_s3_redshift.errors import UnsupportedValueError

__all__ = ["Converter", "arrow_schema"]


class Converter:
    """Converts the batches of one table and counts what its policies change.

    Attributes:
        schema: The schema of the files.
        values_changed: Policy and column → values changed so far: `zero_dates_nulled:`,
            `overlong_truncated:`, `overlong_nulled:`, `invalid_text_replaced:` and
            `invalid_text_nulled:`, each followed by MySQL's column name.
    """

    def __init__(
        self,
        schema: TableSchema,
        policies: ColumnPolicies,
        *,
        table: str,
        key_columns: Sequence[str],
    ) -> None:
        """Prepare the conversion.

        Args:
            schema: What the files shall hold.
            policies: The table's choices.
            table: Name of the table, for errors.
            key_columns: Columns (MySQL's or Redshift's names) that tell a row in errors.
        """
        self.schema = schema
        self.values_changed: Counter[str] = Counter()
        self._table = table
        self._arrow_schema = arrow_schema(schema)
        self._key = [i for i, c in enumerate(schema.columns) if {c.source, c.name} & {*key_columns}]
        self._converters = [
            ColumnConverter(
                column,
                value_policies(policies, column),
                salt=policies.hash_salt.encode(),
                changed=self.values_changed,
            )
            for column in schema.columns
        ]

    @property
    def max_bytes(self) -> dict[str, int]:
        """Bytes of the longest value written so far, per column of variable size."""
        return {c.column.name: c.longest for c in self._converters if c.measured}

    def convert(
        self,
        batch: pa.RecordBatch,
        bad_dates: Mapping[int, npt.NDArray[np.bool_]],
        bad_date_text: Callable[[int, int], str],
    ) -> pa.RecordBatch:
        """Convert one batch.

        Args:
            batch: The rows as MySQL sent them, columns in the schema's order.
            bad_dates: Column → mask of its zero, partial and impossible dates, NULL in the batch.
            bad_date_text: Column and row → such a date as MySQL writes it.

        Raises:
            UnsupportedValueError: A value cannot be kept and no policy allows the change.
        """
        arrays = []
        for i, converter in enumerate(self._converters):
            array = batch.column(i)
            try:
                if i in bad_dates:
                    converter.zero_dates(bad_dates[i], partial(bad_date_text, i))
                converted = converter.convert(array)
                _check_null(converter.column, converted)
            except RefusedValueError as refused:
                raise self._error(batch, converter.column, refused) from refused
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise self._altered(converter.column, array.type, error) from error
            arrays.append(converted)
        return pa.RecordBatch.from_arrays(arrays, schema=self._arrow_schema)

    def _error(
        self, batch: pa.RecordBatch, column: Column, refused: RefusedValueError
    ) -> UnsupportedValueError:
        return UnsupportedValueError(
            f"`{self._table}`, column `{column.source}`, row {self._row(batch, refused.row)}: "
            f"the value {refused.problem}.",
            kept="Nothing of this chunk was registered; the watermark stays where it is.",
            remedy=_remedy(column, refused),
        )

    def _row(self, batch: pa.RecordBatch, row: int) -> str:
        """Tell a row by its key; what a hash hides stays hidden."""
        parts = []
        for i in self._key:
            column = self.schema.columns[i]
            hidden = column.rule == HASH_RULE.name
            value = "(hashed)" if hidden else shorten(batch.column(i)[row].as_py())
            parts.append(f"{column.source}={value}")
        return ", ".join(parts) or f"{row + 1} of its batch"

    def _altered(
        self, column: Column, sent: pa.DataType, error: pa.ArrowException
    ) -> UnsupportedValueError:
        return UnsupportedValueError(
            f"`{self._table}`, column `{column.source}`: MySQL sent {sent}, which does not fit "
            f"{column.source_type} ({error}).",
            kept="Nothing of this chunk was registered; the watermark stays where it is.",
            remedy="The table was probably altered while it was read: run again.",
        )


def _remedy(column: Column, refused: RefusedValueError) -> str:
    if refused.policy is None:
        return refused.remedy.replace("{column}", column.source)
    if not column.nullable:
        return "Correct it in MySQL. The column is part of the key, which no policy may change."
    policy, choice = refused.policy
    choices = "`null`" if choice == "null" else f"`{choice}` or `null`"
    return (
        "Correct it in MySQL, leave the column out, or set the policy "
        f"`columns.{policy}.{column.source}` to {choices}."
    )


def _check_null(column: Column, array: pa.Array) -> None:
    if array.null_count and not column.nullable:
        raise RefusedValueError(
            first_row(array.is_null()),
            "is NULL, and the column is part of the key, by which rows are told apart",
            remedy="Set `primary_key` to columns that are never NULL, or use `load_mode: append`.",
        )
