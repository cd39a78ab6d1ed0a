"""Rows that one side of a comparison has and the other does not, by key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mysql_s3_redshift.core.key_ranges import HashedRow, Region


@dataclass(frozen=True, slots=True)
class RowDifference:
    """A key whose rows differ: `missing` in the target, `extra` there, or `different`.

    Attributes:
        source: The row that only the source has, with its region.
        target: The row that only the target has, with its region.
    """

    kind: str
    source: tuple[Region, HashedRow] | None
    target: tuple[Region, HashedRow] | None

    @property
    def key(self) -> str:
        """The hash of its key."""
        _, row = self.source or self.target or (None, HashedRow("", ""))
        return row.key


def only_here(
    source: Counter[HashedRow], target: Counter[HashedRow], *, keeps_versions: bool = False
) -> tuple[Counter[HashedRow], Counter[HashedRow]]:
    """Rows that one side alone has; a row that is there several times counts several times.

    Where the target keeps older versions, one that the source does not have is none too many, but a
    second copy of one that it has is.
    """
    extra = target - source
    if keeps_versions:
        extra = Counter({row: n for row, n in extra.items() if row in source})
    return source - target, extra


def pair_up(
    source: Sequence[tuple[Region, HashedRow]], target: Sequence[tuple[Region, HashedRow]]
) -> list[RowDifference]:
    """One difference per key; a row that lay in different ranges on the two sides is none."""
    equal = Counter(row for _, row in source) & Counter(row for _, row in target)
    mine = {row.key: (region, row) for region, row in _without(source, equal)}
    theirs = {row.key: (region, row) for region, row in _without(target, equal)}
    found = []
    for key in {**mine, **theirs}:
        kind = "missing" if key not in theirs else "extra" if key not in mine else "different"
        found.append(RowDifference(kind, mine.get(key), theirs.get(key)))
    return found


def _without(
    rows: Sequence[tuple[Region, HashedRow]], equal: Counter[HashedRow]
) -> list[tuple[Region, HashedRow]]:
    left, kept = equal.copy(), []
    for region, row in rows:
        if left[row] > 0:
            left[row] -= 1
        else:
            kept.append((region, row))
    return kept
