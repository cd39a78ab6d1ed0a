"""Ranges of a table's key, and what each database tells of the rows in one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Protocol

HASH_DIGITS = 15
"""Hexadecimal digits of a hash that are summed: 60 bits, which a BIGINT holds."""

Bound = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Region:
    """Rows whose key lies in a half-open range, and whose key's hash begins with a prefix.

    Attributes:
        low: Lowest key, itself included; None for no bound.
        high: Upper bound, itself left out; None for no bound.
        prefix: Hexadecimal digits.
    """

    low: Bound | None = None
    high: Bound | None = None
    prefix: str = ""

    def divided(self, bounds: Sequence[Bound]) -> list[Region]:
        """The ranges between this region's bounds and those inside."""
        edges = [self.low, *bounds, self.high]
        return [replace(self, low=a, high=b) for a, b in pairwise(edges)]


@dataclass(frozen=True, slots=True)
class Checksum:
    """What one side tells of one range: rows, and the sum of their hashes' first 60 bits."""

    rows: int
    total: int


NOTHING = Checksum(0, 0)


@dataclass(frozen=True, slots=True)
class HashedRow:
    """One row: the hash of its key and the hash of all that is compared.

    Attributes:
        version: Value of the source's cursor; rows are equal whatever it is.
    """

    key: str
    content: str
    version: Any = field(default=None, compare=False)


class Side(Protocol):
    """One of the two databases."""

    def checksums(self, region: Region, bounds: Sequence[Bound]) -> Mapping[int, Checksum]:
        """Checksums of `region.divided(bounds)` by index; empty ones may be left out."""

    def bucket_checksums(self, region: Region) -> Mapping[str, Checksum]:
        """Checksums by a prefix that is one digit longer; empty ones left out."""

    def next_bound(self, region: Region, rows: int) -> Bound | None:
        """The key after the next `rows` rows of a region, None if there is none.

        A key that begins the region is passed by: the next larger one is told.
        """

    def rows(self, region: Region) -> Counter[HashedRow]:
        """All rows of a region, and how often each is there."""

    def find(self, keys: Collection[str]) -> Counter[HashedRow]:
        """All rows of some keys, told by their hashes, wherever they stand."""
