"""The conversion of one column: which function its rule takes, and what its policies do."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mysql_s3_redshift.core import column_values as values
from mysql_s3_redshift.core.arrow_types import arrow_type
from mysql_s3_redshift.core.column_values import RefusedValueError
from mysql_s3_redshift.core.model import InvalidTextPolicy, OverlongPolicy, ZeroDatePolicy
from mysql_s3_redshift.core.policies import WHOLE_RULES, ValuePolicies
from mysql_s3_redshift.core.schema import Column

_SHOWN = 60

_IS_TEXT = (pa.types.is_binary, pa.types.is_string)
_WIRE: dict[str, tuple[Callable[[pa.DataType], bool], ...]] = {
    "smallint": (pa.types.is_integer,),
    "integer": (pa.types.is_integer,),
    "bigint": (pa.types.is_integer,),
    "unsigned_bigint": (pa.types.is_integer,),
    "bool": (pa.types.is_integer,),
    "bit_bool": (pa.types.is_integer,),
    "bit_bigint": (pa.types.is_integer,),
    "bit_decimal": (pa.types.is_integer,),
    "decimal": (pa.types.is_decimal, *_IS_TEXT),
    "float": (pa.types.is_float32, pa.types.is_float64),
    "double": (pa.types.is_float64,),
    "date": (pa.types.is_date32,),
    "timestamp": (pa.types.is_timestamp,),
    "timestamptz": (pa.types.is_timestamp,),
    "time": (pa.types.is_duration,),
    "time_of_day": (pa.types.is_duration,),
}
"""Arrow types that a rule takes from the reader; every other rule takes text or bytes."""


@dataclass(slots=True)
class ColumnConverter:
    """Converts one column and counts what its policies change."""

    column: Column
    policies: ValuePolicies
    salt: bytes = field(repr=False)
    changed: Counter[str]
    longest: int = 0

    @property
    def measured(self) -> bool:
        """Whether the values have a length that Redshift limits."""
        return self.column.rule not in _WIRE and self.column.rule != "hash"

    def convert(self, array: pa.Array) -> pa.Array:
        """Convert the column's values of one batch.

        Raises:
            RefusedValueError: A value cannot be kept.
            pa.ArrowInvalid: The values are not of the type that the column was described with.
        """
        rule = self.column.rule
        if pa.types.is_null(array.type):  # a query's literal NULL
            return pa.nulls(len(array), arrow_type(self.column.arrow))
        if not any(accepts(array.type) for accepts in _WIRE.get(rule, _IS_TEXT)):
            message = f"MySQL sent {array.type}"
            raise pa.ArrowInvalid(message)
        match rule:
            case "bool" | "bit_bool":
                return values.to_bool(array)
            case "time":
                return values.time_text(array, digits=self._digits())
            case "time_of_day":
                values.check_time_of_day(array)
                return values.time_text(array, digits=self._digits())
            case "hash":
                return values.hash_text(array, self.salt)
            case _ if rule not in _WIRE:
                return self._variable(array)
            case "float":
                return values.to_float32(array)
            case "decimal" if not pa.types.is_decimal(array.type):
                return array.cast(pa.string()).cast(arrow_type(self.column.arrow))
            case _:
                return array.cast(arrow_type(self.column.arrow))

    def _variable(self, array: pa.Array) -> pa.Array:
        result = array.cast(pa.binary())
        if self.column.rule in {"geometry", "geometry_hex"}:
            result = values.extended_wkb(result, as_hex=self.column.rule == "geometry_hex")
        elif self.column.arrow == "string":
            text = values.valid_text(array)
            result = self._repaired(result) if text is None else text
        if self.column.rule == "super" and not self.column.source_type.startswith("json"):
            values.check_json(result)
        return self._fitting(result)

    def _digits(self) -> int:
        found = re.search(r"\((\d)\)", self.column.source_type)
        return int(found[1]) if found else 0

    def _repaired(self, array: pa.BinaryArray) -> pa.StringArray:
        policy = self.policies.invalid_text
        repaired: list[str | None] = []
        for row, value in enumerate(array.to_pylist()):
            if value is None or values.is_valid_text(value):
                repaired.append(None if value is None else value.decode())
                continue
            if policy is InvalidTextPolicy.ERROR:
                what = "contains a NUL character" if b"\0" in value else "is not valid UTF-8"
                raise RefusedValueError(
                    row,
                    f"{what}: {shorten(value)}",
                    policy=("invalid_text", "replace"),
                )
            keep = policy is InvalidTextPolicy.REPLACE
            repaired.append(values.repaired_text(value) if keep else None)
            self._count("invalid_text_replaced" if keep else "invalid_text_nulled", 1)
        return pa.array(repaired, pa.string())

    def _fitting(self, array: pa.Array) -> pa.Array:
        lengths = pc.binary_length(array)
        longest, limit = pc.max(lengths).as_py() or 0, _limit(self.column)
        if longest > limit:
            array = self._shortened(array, lengths=lengths, limit=limit)
            longest = pc.max(pc.binary_length(array)).as_py() or 0
        self.longest = max(self.longest, longest)
        return array

    def _shortened(self, array: pa.Array, *, lengths: pa.Array, limit: int) -> pa.Array:
        mask = pc.greater(lengths, limit).fill_null(fill_value=False)
        overlong = array.filter(mask).to_pylist()
        if self.policies.overlong is OverlongPolicy.ERROR:
            row = values.first_row(mask)
            raise RefusedValueError(
                row,
                f"has {lengths[row]} bytes, more than {self.column.staging_type} takes: "
                f"{shorten(overlong[0])}",
                policy=("overlong", "null" if self.column.rule in WHOLE_RULES else "truncate"),
            )
        cut = self.policies.overlong is OverlongPolicy.TRUNCATE
        self._count("overlong_truncated" if cut else "overlong_nulled", len(overlong))
        replacements = [_cut(value, limit) if cut else None for value in overlong]
        return pc.replace_with_mask(array, mask, pa.array(replacements, array.type))

    def zero_dates(self, bad: npt.NDArray[np.bool_], text: Callable[[int], str]) -> None:
        """Count the zero dates of a batch, or refuse them; in the batch they are NULL."""
        count = int(np.count_nonzero(bad))
        if count and self.policies.zero_dates is ZeroDatePolicy.ERROR:
            row = int(np.argmax(bad))
            raise RefusedValueError(
                row,
                f"is no date: {text(row)}",
                policy=("zero_dates", "null"),
            )
        if count:
            self._count("zero_dates_nulled", count)

    def _count(self, what: str, number: int) -> None:
        self.changed[f"{what}:{self.column.source}"] += number


def _limit(column: Column) -> int:
    """Return the bytes that the column takes which COPY fills."""
    found = re.search(r"\((\d+)\)", column.staging_type)
    if found is None:
        message = f"{column.staging_type} has no size"
        raise ValueError(message)
    return int(found[1])


def _cut(value: str | bytes, limit: int) -> str | bytes:
    return value[:limit] if isinstance(value, bytes) else values.cut_text(value, limit)


def shorten(value: object) -> str:
    """Show a value on one line, at most sixty characters of it."""
    text = value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)
    shown = text if text.isprintable() else text[:_SHOWN].encode("unicode_escape").decode()
    cut = len(text) > _SHOWN or len(shown) > _SHOWN
    return f"{shown[:_SHOWN]}…" if cut else shown
