"""Finding the rows that differ between source and target, by checksums that each side computes.

Both sides tell, for each of sixteen ranges of the key, the number of rows and the sum of their
checksums. Ranges that agree are done. One that does not is divided by sixteen again, until few rows
are left, whose checksums are compared one by one. Where the key stands in no order that both
servers share, rows fall into ranges by the hash of their key instead.

The bounds of the ranges are keys of rows, sampled on the side that has more rows there: so a range
has about the same number of rows however the keys are spread, and every statement has an end.
"""

from __future__ import annotations

import random
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from mysql_s3_redshift.core.key_ranges import NOTHING, Bound, Checksum, HashedRow, Region, Side
from mysql_s3_redshift.core.row_differences import RowDifference, only_here, pair_up

PREFIX_DIGITS = 8
"""Keys whose hashes agree so far are one and the same key, however large the table is."""
FAN_OUT = 16
RANGE_ROWS = 50_000
"""Rows of a range at first; a statement reads `FAN_OUT` ranges."""
LEAF_ROWS = 500
MOST_DIFFERENCES = 1_000
MOST_NEWER = 100_000
SAMPLE_ROWS = 10_000
SAMPLED_RANGES = 8

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Sample:
    """What a comparison of some rows found: how many of the source there were, and which differ."""

    compared: int
    rows: tuple[RowDifference, ...]


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
    _top: list[_Part] = field(default_factory=list)
    _read: dict[Region, int] = field(default_factory=dict)
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
            sum(part.source.rows for part in self._top),
            sum(part.target.rows for part in self._top),
            tuple(found[:MOST_DIFFERENCES]),
            len(self._newer),
            complete,
            self._questions,
        )

    def confirm(self, found: Difference) -> Difference:
        """Look up the rows that one side alone seems to have.

        Where the sides do not order all keys alike, such a row may stand in another range.
        """
        doubtful = {row.key for row in found.rows if row.kind != "different"}
        if not doubtful:
            return found
        apart = self._apart(*self._both(lambda side: side.find(doubtful)))
        mine, theirs = ([(Region(), row) for row in rows.elements()] for rows in apart)
        sure = (row for row in found.rows if row.key not in doubtful)
        return replace(found, rows=(*sure, *pair_up(mine, theirs)))

    def choose(self, most: int) -> list[Region]:
        """Regions of the compared table at random, `most` rows or so; a small one whole."""
        parts = [part for part in self._top if part.source.rows]
        if sum(part.source.rows for part in parts) <= most:
            return [Region()]
        chosen = random.sample(parts, min(SAMPLED_RANGES, len(parts)))
        return [part.narrowed(most // len(chosen)) for part in chosen]

    def compare_each(self, regions: Sequence[Region]) -> Sample:
        """Compare the rows of some regions one by one."""
        for region in regions:
            self._compare_leaf(region)
        differing = pair_up(self._only_source, self._only_target)
        return Sample(sum(self._read.values()), tuple(differing))

    def _is_enough(self) -> bool:
        most = max(len(self._only_source), len(self._only_target))
        return most >= MOST_DIFFERENCES or len(self._newer) >= MOST_NEWER

    def _first_ranges(self) -> Iterator[_Part]:
        """The whole table, as many rows at a time as a statement reads."""
        low: Bound | None = None
        while True:
            bounds = sample(self.source, Region(low), self.range_rows, FAN_OUT)
            high = bounds.pop() if len(bounds) == FAN_OUT else None
            yield from self._divide(Region(low, high), bounds, top=True)
            if high is None:
                return
            low = high

    def _examine(self, differing: _Part) -> bool:
        """Find the differing rows of a region; False if there are too many."""
        rows = max(differing.source.rows, differing.target.rows)
        if rows <= self.leaf_rows:
            self._compare_leaf(differing.region)
            return True
        for part in self._parts(differing, rows):
            if self._is_enough():
                return False
            if not self._examine(part):
                return False
        return True

    def _parts(self, differing: _Part, rows: int) -> Iterator[_Part]:
        region = differing.region
        larger = self.source if rows == differing.source.rows else self.target
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
    ) -> Iterator[_Part]:
        mine, theirs = self._both(lambda side: side.checksums(region, bounds))
        parts = (
            _Part(part, mine.get(index, NOTHING), theirs.get(index, NOTHING))
            for index, part in enumerate(region.divided(bounds))
        )
        return self._differing(parts, top=top)

    def _buckets(self, region: Region, *, top: bool = False) -> Iterator[_Part]:
        mine, theirs = self._both(lambda side: side.bucket_checksums(region))
        parts = (
            _Part(replace(region, prefix=p), mine.get(p, NOTHING), theirs.get(p, NOTHING))
            for p in sorted({*mine, *theirs})
        )
        return self._differing(parts, top=top)

    def _differing(self, parts: Iterable[_Part], *, top: bool) -> Iterator[_Part]:
        found = list(parts)
        if top:
            self._top += found
        return (part for part in found if part.source != part.target)

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
        self._read[region] = source.total()
        return self._apart(source, target)

    def _apart(
        self, source: Counter[HashedRow], target: Counter[HashedRow]
    ) -> tuple[Counter[HashedRow], Counter[HashedRow]]:
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
class _Part:
    """A region, and what both sides tell of it."""

    region: Region
    source: Checksum
    target: Checksum

    def narrowed(self, most: int) -> Region:
        """So many rows of the source, at most four times as many: a digit is a step of sixteen."""
        digits = 0
        while self.source.rows > 4 * most * 16**digits:
            digits += 1
        more = secrets.token_hex(digits)[:digits]
        return replace(self.region, prefix=self.region.prefix + more)


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
