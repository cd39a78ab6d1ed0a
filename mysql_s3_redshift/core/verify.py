"""Finding the rows that differ between source and target, by checksums that each side computes.

Rows fall into buckets by their key; each side tells the number of rows and the sum of their
checksums per bucket. Buckets that agree are done; the others are divided by sixteen, until few rows
are left, whose checksums are compared one by one. When all is equal, one question a side is enough
and its answer has sixteen lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

HASH_DIGITS = 15
"""Hexadecimal digits of a hash that are summed: 60 bits, which a BIGINT holds."""
LEAF_ROWS = 500
MOST_DIFFERENCES = 1_000


@dataclass(frozen=True, slots=True)
class Bucket:
    """Rows whose key's hash begins with a prefix, in hexadecimal."""

    prefix: str


@dataclass(frozen=True, slots=True)
class Checksum:
    """What one side tells of one bucket: rows, and the sum of their hashes' first 60 bits."""

    rows: int
    total: int


@dataclass(frozen=True, slots=True)
class HashedRow:
    """One row: the hash of its key and the hash of all that is compared."""

    key: str
    content: str


class Side(Protocol):
    """One of the two databases."""

    def checksums(self, bucket: Bucket) -> Mapping[str, Checksum]:
        """Checksums of the sixteen buckets below a bucket, by their prefix; empty ones left out."""

    def rows(self, bucket: Bucket) -> Sequence[HashedRow]:
        """All rows of a bucket."""


@dataclass(frozen=True, slots=True)
class RowDifference:
    """A key whose rows differ: `missing` in the target, `extra` there, or `different`."""

    key: str
    kind: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What a comparison found.

    Attributes:
        complete: False when more rows differ than are worth listing.
        questions: Questions that each side answered.
    """

    source_rows: int
    target_rows: int
    rows: tuple[RowDifference, ...]
    complete: bool
    questions: int


def compare(source: Side, target: Side) -> Difference:
    """Find the differing rows."""
    totals = [0, 0]
    found: list[RowDifference] = []
    questions = 0
    open_buckets = [Bucket("")]
    while open_buckets and len(found) < MOST_DIFFERENCES:
        bucket = open_buckets.pop(0)
        mine, theirs = source.checksums(bucket), target.checksums(bucket)
        questions += 1
        if not bucket.prefix:
            totals = [sum(c.rows for c in side.values()) for side in (mine, theirs)]
        for prefix in sorted({*mine, *theirs}):
            here, there = mine.get(prefix), theirs.get(prefix)
            if here == there:
                continue
            if max(here.rows if here else 0, there.rows if there else 0) > LEAF_ROWS:
                open_buckets.append(Bucket(prefix))
                continue
            questions += 1
            leaf = Bucket(prefix)
            found += compare_rows(source.rows(leaf), target.rows(leaf))
    complete = not open_buckets and len(found) <= MOST_DIFFERENCES
    return Difference(totals[0], totals[1], tuple(found[:MOST_DIFFERENCES]), complete, questions)


def compare_rows(source: Sequence[HashedRow], target: Sequence[HashedRow]) -> list[RowDifference]:
    """Compare few rows; a row that is there several times counts several times."""
    mine, theirs = Counter(source), Counter(target)
    only_source = Counter(row.key for row in (mine - theirs).elements())
    only_target = Counter(row.key for row in (theirs - mine).elements())
    found = []
    for key in sorted({*only_source, *only_target}):
        kind = "different"
        if not only_target[key]:
            kind = "missing"
        elif not only_source[key]:
            kind = "extra"
        found.append(RowDifference(key, kind))
    return found
