"""Where every row of a block is being read: the means to decode one column of all rows at once.

The columns of a row follow each other without gaps, so the place of a value depends on the lengths
of those before it. `RowCursor` keeps one position per row. As long as all rows move by the same
width only one shared distance grows, which costs nothing; a value of variable width or a NULL makes
the positions differ, and then they are moved one by one (in numpy).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mysql_s3_redshift.adapters.mysql.wire.arrays import Bytes, Mask, Positions, Present
from mysql_s3_redshift.adapters.mysql.wire.failures import damaged
from mysql_s3_redshift.adapters.mysql.wire.integers import LARGEST_INLINE, WIDTHS

NULL_MARK = 0xFB
"""In the text protocol this byte stands where a length would, and means NULL."""


class RowCursor:
    """One reading position per row."""

    def __init__(self, buffer: Bytes, starts: Positions, ends: Positions) -> None:
        self.buffer = buffer
        self._positions = starts
        self._ends = ends
        self._ahead = 0  # how far all rows are behind _positions

    def __len__(self) -> int:
        return len(self._ends)

    def values(self, dtype: str, ahead: int = 0) -> npt.NDArray[Any]:
        """Read a number per row, `ahead` bytes behind its position, without moving.

        Rows in which nothing stands there give an arbitrary number; the padding behind the buffer's
        last row makes that safe.
        """
        width = np.dtype(dtype).itemsize
        offset = self._ahead + ahead
        shape = (len(self.buffer) - offset - width + 1,)
        view: npt.NDArray[Any] = np.ndarray(
            shape, dtype=dtype, buffer=self.buffer, offset=offset, strides=(1,)
        )
        return view[self._positions]

    def skip(self, width: int, present: Present = None) -> None:
        """Move all rows, or only those that have a value, by the same width."""
        if present is None:
            self._ahead += width
        else:
            self._positions = self._positions + present * np.int64(width)

    def skip_each(self, widths: Positions) -> None:
        """Move each row by its own width."""
        self._positions = self._positions + widths

    def null_marks(self) -> Present:
        """Tell which rows do not have the NULL mark at their position; skip the marks."""
        present: Mask = self.values("u1") != NULL_MARK
        if present.all():
            return None
        self.skip_each((~present).astype(np.int64))
        return present

    def spans(self, present: Present) -> tuple[Positions, Positions]:
        """Read length-encoded strings: where each begins and ends; move behind them.

        Raises:
            SourceConnectionError: A value does not end within its row.
        """
        lengths = self.values("u1").astype(np.int64)
        starts = self._positions + (self._ahead + 1)
        if present is not None:
            lengths *= present
            starts -= ~present
        if lengths.max() > LARGEST_INLINE:
            self._read_long_lengths(lengths, starts)
        ends = starts + lengths
        if (lengths < 0).any() or (ends > self._ends).any():
            raise damaged("a value is longer than its row")
        self._positions, self._ahead = ends, 0
        return starts, ends

    def _read_long_lengths(self, lengths: Positions, starts: Positions) -> None:
        """Replace announcing first bytes by the numbers behind them, in place."""
        announced = lengths.copy()
        for first, width in WIDTHS.items():
            rows = np.flatnonzero(announced == first)
            if len(rows) == 0:
                continue
            digits = self.buffer[starts[rows, None] + np.arange(width)].astype(np.uint64)
            powers = np.uint64(8) * np.arange(width, dtype=np.uint64)
            lengths[rows] = (digits << powers).sum(axis=1).astype(np.int64)
            starts[rows] += width
        if np.isin(announced, (NULL_MARK, 0xFF)).any():
            raise damaged("a length is not a number")

    def finish(self) -> None:
        """Check that every row was read exactly to its end.

        Raises:
            SourceConnectionError: A row is longer or shorter than its columns.
        """
        if (self._positions + self._ahead != self._ends).any():
            raise damaged("a row does not end where its last column ends")
