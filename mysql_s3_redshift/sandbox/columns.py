"""Random columns for demo rows: vectorised, and the same for the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Integers = npt.NDArray[np.int64]
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n"})


class ColumnFactory:
    """Makes columns of one batch of consecutive rows.

    Args:
        seed: Identifies the batch: the same seed gives the same columns.
        first: Number of the first row, from 1.
        rows: How many rows.
    """

    def __init__(self, seed: Sequence[int], *, first: int, rows: int) -> None:
        self._random = np.random.default_rng(list(seed))
        self.rows = rows
        self.numbers: Integers = np.arange(first, first + rows, dtype=np.int64)

    def integers(self, low: int, high: int) -> Integers:
        """Draw whole numbers from low to high, both included."""
        return self._random.integers(low, high, self.rows, endpoint=True)

    def skewed(self, low: int, high: int) -> Integers:
        """Draw whole numbers, both bounds included; small ones are much more frequent."""
        share = self._random.random(self.rows) ** 3
        return (low + share * (high + 1 - low)).astype(np.int64)

    def floats(self, low: float, high: float) -> npt.NDArray[np.float64]:
        """Draw floating-point numbers with all their digits."""
        return low + self._random.random(self.rows) * (high - low)

    def decimals(self, units: Integers, scale: int) -> pa.Array:
        """Write non-negative whole units as decimal numbers: 1234 with scale 2 is 12.34."""
        whole, fraction = np.divmod(units, 10**scale)
        digits = pc.utf8_lpad(pa.array(fraction).cast(pa.string()), scale, padding="0")
        return pc.binary_join_element_wise(pa.array(whole).cast(pa.string()), digits, ".")

    def choice(self, values: Sequence[str], weights: Sequence[float] | None = None) -> pa.Array:
        """Draw texts; tabs, line ends and backslashes are escaped for LOAD DATA."""
        share = None if weights is None else np.asarray(weights) / sum(weights)
        drawn = self._random.choice(len(values), self.rows, p=share)
        return pa.array([value.translate(_ESCAPES) for value in values]).take(pa.array(drawn))

    def hexadecimal(self, digits: int) -> pa.Array:
        """Draw texts of hexadecimal digits."""
        text = self._random.bytes(self.rows * digits // 2).hex()
        offsets = np.arange(self.rows + 1, dtype=np.int32) * digits
        return pa.StringArray.from_buffers(
            self.rows, pa.py_buffer(offsets), pa.py_buffer(text.encode())
        )

    def sometimes(self, column: pa.Array | npt.NDArray[np.generic], share: float) -> pa.Array:
        """Keep a value with the given probability, else NULL."""
        kept = pa.array(self._random.random(self.rows) < share)
        array = column if isinstance(column, pa.Array) else pa.array(column)
        return pc.if_else(kept, array, pa.scalar(None, array.type))


def numbered(prefix: str, numbers: Integers, digits: int) -> pa.Array:
    """Return texts of a prefix and a zero-padded number."""
    padded = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), digits, padding="0")
    return pc.binary_join_element_wise(prefix, padded, "")


def concatenated(*parts: pa.Array | str) -> pa.Array:
    """Return the parts of each row as one text."""
    texts = [part if isinstance(part, str) else part.cast(pa.string()) for part in parts]
    return pc.binary_join_element_wise(*texts, "")


def timestamps(start: datetime, microseconds: Integers) -> pa.Array:
    """Return the points in time that many microseconds after the start."""
    origin = np.datetime64(start, "us").astype(np.int64)
    return pa.array(origin + microseconds).cast(pa.timestamp("us"))


def whole_seconds(times: pa.Array) -> pa.Array:
    """Cut timestamps to whole seconds, as a DATETIME column without digits does."""
    return pc.floor_temporal(times, unit="second").cast(pa.timestamp("s"))


def days(times: pa.Array) -> pa.Array:
    """Return the dates of timestamps."""
    return pc.floor_temporal(times, unit="day").cast(pa.date32())
