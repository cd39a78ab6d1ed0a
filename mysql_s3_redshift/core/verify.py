"""Finding the rows that differ between source and target, by checksums that each side computes.

Both sides tell, for each of sixteen ranges of the key, the number of rows and the sum of their
checksums. Ranges that agree are done. One that does not is divided by sixteen again, until few rows
are left, whose checksums are compared one by one. Where the key stands in no order that both
servers share, rows fall into ranges by the hash of their key instead.

The bounds of the ranges are keys of rows, sampled on the side that has more rows there: so a range
has about the same number of rows however the keys are spread, and every statement has an end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from mysql_s3_redshift.core.key_ranges import NOTHING, Bound, Checksum, HashedRow, Region, Side

PREFIX_DIGITS = 8
"""Keys whose hashes agree so far are one and the same key, however large the table is."""
FAN_OUT = 16
RANGE_ROWS = 50_000
"""Rows of a range at first; a statement reads `FAN_OUT` ranges."""
LEAF_ROWS = 500
MOST_DIFFERENCES = 1_000
MOST_NEWER = 100_000

_T = TypeVar("_T")


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


@dataclass(frozen=True, slots=True)
class Difference:
    """What a comparison found.

    Attributes:
        newer: Rows of the source beyond the watermark, which the target need not have yet.
        complete: False when more rows differ, or are newer, than are worth listing.
        questions: Questions that each side answered.
    """

    source_rows: int
    target_rows: int
    rows: tuple[RowDifference, ...]
    newer: int
    complete: bool
    questions: int


@dataclass(slots=True)
class Comparer:
    """Compares two sides.

    Attributes:
        is_newer: Whether a row of the source, by its version, lies beyond the watermark.
        keeps_versions: Whether the target keeps older versions of rows (append).
    """

    source: Side
    target: Side
    is_newer: Callable[[Any], bool]
    keeps_versions: bool = False
    range_rows: int = RANGE_ROWS
    leaf_rows: int = LEAF_ROWS
    _newer: set[str] = field(default_factory=set)
    _only_source: list[tuple[Region, HashedRow]] = field(default_factory=list)
    _only_target: list[tuple[Region, HashedRow]] = field(default_factory=list)
    _totals: list[int] = field(default_factory=lambda: [0, 0])
    _questions: int = 0

    def compare(self, *, ordered: bool) -> Difference:
        """Find the differing rows; `ordered` tells that both sides order keys alike."""
        complete = True
        for differing in self._first_ranges() if ordered else self._buckets(Region(), top=True):
            if self._is_enough():
                complete = False
                break
            complete &= self._examine(differing)
        found = pair_up(self._only_source, self._only_target)
        complete = complete and len(found) <= MOST_DIFFERENCES
        return Difference(
            self._totals[0],
            self._totals[1],
            tuple(found[:MOST_DIFFERENCES]),
            len(self._newer),
            complete,
            self._questions,
        )

    def _is_enough(self) -> bool:
        most = max(len(self._only_source), len(self._only_target))
        return most >= MOST_DIFFERENCES or len(self._newer) >= MOST_NEWER

    def _first_ranges(self) -> Iterator[_Differing]:
        """The whole table, as many rows at a time as a statement reads."""
        low: Bound | None = None
        while True:
            bounds = sample(self.source, Region(low), self.range_rows, FAN_OUT)
            high = bounds.pop() if len(bounds) == FAN_OUT else None
            yield from self._divide(Region(low, high), bounds, top=True)
            if high is None:
                return
            low = high

    def _examine(self, differing: _Differing) -> bool:
        """Find the differing rows of a region; False if there are too many."""
        rows = max(differing.source_rows, differing.target_rows)
        if rows <= self.leaf_rows:
            self._compare_leaf(differing.region)
            return True
        for part in self._parts(differing, rows):
            if self._is_enough():
                return False
            if not self._examine(part):
                return False
        return True

    def _parts(self, differing: _Differing, rows: int) -> Iterator[_Differing]:
        region = differing.region
        larger = self.source if rows == differing.source_rows else self.target
        if not region.prefix:
            bounds = sample(larger, region, -(-rows // FAN_OUT), FAN_OUT - 1)
            if bounds:
                return self._divide(region, bounds)
        if len(region.prefix) < PREFIX_DIGITS:
            return self._buckets(region)
        self._compare_leaf(region)
        return iter(())

    def _divide(
        self, region: Region, bounds: Sequence[Bound], *, top: bool = False
    ) -> Iterator[_Differing]:
        mine, theirs = self._both(lambda side: side.checksums(region, bounds))
        self._count(mine, theirs, top=top)
        for index, part in enumerate(region.divided(bounds)):
            here, there = mine.get(index, NOTHING), theirs.get(index, NOTHING)
            if here != there:
                yield _Differing(part, here.rows, there.rows)

    def _buckets(self, region: Region, *, top: bool = False) -> Iterator[_Differing]:
        mine, theirs = self._both(lambda side: side.bucket_checksums(region))
        self._count(mine, theirs, top=top)
        for prefix in sorted({*mine, *theirs}):
            here, there = mine.get(prefix, NOTHING), theirs.get(prefix, NOTHING)
            if here != there:
                yield _Differing(replace(region, prefix=prefix), here.rows, there.rows)

    def _count(
        self, mine: Mapping[Any, Checksum], theirs: Mapping[Any, Checksum], *, top: bool
    ) -> None:
        if top:
            self._totals[0] += sum(c.rows for c in mine.values())
            self._totals[1] += sum(c.rows for c in theirs.values())

    def _compare_leaf(self, region: Region) -> None:
        """Compare few rows, twice: a run that commits between the two reads is no difference."""
        first = self._only(region)
        if not any(first):
            return
        second = self._only(region)
        for kept, before, after in zip(
            (self._only_source, self._only_target), first, second, strict=True
        ):
            kept += [(region, row) for row in (before & after).elements()]

    def _only(self, region: Region) -> tuple[Counter[HashedRow], Counter[HashedRow]]:
        """Rows that one side alone has; those beyond the watermark are told apart."""
        source, target = self._both(lambda side: side.rows(region))
        newer = {row.key for row in source if self.is_newer(row.version)}
        mine, theirs = only_here(source, target, keeps_versions=self.keeps_versions)
        self._newer |= newer & {row.key for row in (*mine, *theirs)}
        return (
            Counter({row: n for row, n in mine.items() if row.key not in newer}),
            Counter({row: n for row, n in theirs.items() if row.key not in newer}),
        )

    def _both(self, ask: Callable[[Side], _T]) -> tuple[_T, _T]:
        """Ask both sides at once."""
        self._questions += 1
        with ThreadPoolExecutor(1) as pool:
            theirs = pool.submit(ask, self.target)
            mine = ask(self.source)
            return mine, theirs.result()


@dataclass(frozen=True, slots=True)
class _Differing:
    region: Region
    source_rows: int
    target_rows: int


def sample(side: Side, region: Region, rows: int, most: int) -> list[Bound]:
    """Keys that divide a region into ranges of so many rows, at most so many keys."""
    bounds: list[Bound] = []
    while len(bounds) < most:
        low = bounds[-1] if bounds else region.low
        bound = side.next_bound(replace(region, low=low), rows)
        if bound is None:
            break
        bounds.append(bound)
    return bounds


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
