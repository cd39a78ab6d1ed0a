"""Finding the rows that differ, on tables in memory."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mysql_s3_redshift.core.key_ranges import Bound, Checksum, HashedRow, Region
from mysql_s3_redshift.core.row_differences import only_here
from mysql_s3_redshift.core.sampled_columns import canonical_json
from mysql_s3_redshift.core.verify import SAMPLED_RANGES, Comparer, Difference, Sample

Row = tuple[int, int]
"""Key and content."""
_P = TypeVar("_P", int, str)
"""What a part of a region is called."""


def digest(value: object) -> str:
    return hashlib.md5(str(value).encode(), usedforsecurity=False).hexdigest()


@dataclass
class Table:
    """One side in memory; it counts the rows whose hashes it gave away."""

    contents: Sequence[Row]
    moved: int = 0
    asked: list[str] = field(default_factory=list)

    def _inside(self, region: Region) -> list[Row]:
        return [
            (key, content)
            for key, content in self.contents
            if (region.low is None or key >= region.low[0])
            and (region.high is None or key < region.high[0])
            and digest(key).startswith(region.prefix)
        ]

    def checksums(self, region: Region, bounds: Sequence[Bound]) -> Mapping[int, Checksum]:
        self.asked.append("ranges")
        edges = [bound[0] for bound in bounds]
        return self._summed([(bisect_right(edges, r[0]), r) for r in self._inside(region)])

    def bucket_checksums(self, region: Region) -> Mapping[str, Checksum]:
        self.asked.append("buckets")
        digits = len(region.prefix) + 1
        return self._summed([(digest(r[0])[:digits], r) for r in self._inside(region)])

    @staticmethod
    def _summed(rows: Iterable[tuple[_P, Row]]) -> dict[_P, Checksum]:
        parts: dict[_P, Checksum] = {}
        for part, row in rows:
            before = parts.get(part, Checksum(0, 0))
            parts[part] = Checksum(before.rows + 1, before.total + int(digest(row)[:15], 16))
        return parts

    def next_bound(self, region: Region, rows: int) -> Bound | None:
        keys = sorted(key for key, _ in self._inside(region))
        if rows >= len(keys):
            return None
        if region.low is None or keys[rows] > region.low[0]:
            return (keys[rows],)
        larger = [key for key in keys if key > region.low[0]]
        return (larger[0],) if larger else None

    def rows(self, region: Region) -> Counter[HashedRow]:
        found = [HashedRow(digest(r[0]), digest(r), r[0]) for r in self._inside(region)]
        self.moved += len(found)
        return Counter(found)

    def find(self, keys: Collection[str]) -> Counter[HashedRow]:
        return Counter({row: n for row, n in self.rows(Region()).items() if row.key in keys})


def compare(
    source: Sequence[Row], target: Sequence[Row], *, ordered: bool = True, newer_from: int = 10**9
) -> Difference:
    comparer = Comparer(
        Table(source),
        Table(target),
        is_newer=lambda key: key >= newer_from,
        range_rows=7,
        leaf_rows=4,
    )
    return comparer.compare(ordered=ordered)


def told(found: Difference, keys: Sequence[int]) -> dict[int, str]:
    """Kind by key."""
    names = {digest(key): key for key in keys}
    rows = [(row.kind, row.source or row.target) for row in found.rows]
    return {names[place[1].key]: kind for kind, place in rows if place is not None}


ROWS = st.dictionaries(st.integers(-300, 300), st.integers(0, 3), max_size=200)


@pytest.mark.parametrize("ordered", [True, False])
@settings(max_examples=60, deadline=None)
@given(source=ROWS, target=ROWS)
def test_exactly_the_rows_that_differ_are_found(
    ordered: bool, source: dict[int, int], target: dict[int, int]
):
    found = compare(list(source.items()), list(target.items()), ordered=ordered)
    expected = {
        key: "missing" if key not in target else "extra" if key not in source else "different"
        for key in {**source, **target}
        if source.get(key) != target.get(key)
    }
    assert told(found, list({**source, **target})) == expected
    assert found.complete
    assert (found.source_rows, found.target_rows) == (len(source), len(target))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), max_size=60))
def test_a_table_equals_itself_with_any_number_of_copies(rows: list[Row]):
    assert compare(rows, rows).rows == ()
    assert compare(rows, rows, ordered=False).rows == ()


def test_one_more_copy_of_a_row_that_is_there_often_is_extra():
    """It cannot be divided by its key; nor does it take one level per digit of a hash."""
    rows = [(1, 1)] * 50
    for ordered in (True, False):
        source, target = Table(rows), Table([*rows, (1, 1)])
        found = Comparer(source, target, is_newer=lambda _: False, leaf_rows=4)
        assert [row.kind for row in found.compare(ordered=ordered).rows] == ["extra"]
        assert len(source.asked) < 12


def test_equal_tables_move_no_row_and_take_one_question_for_sixteen_ranges():
    rows = [(key, key) for key in range(1000)]
    source, target = Table(rows), Table(rows)
    comparer = Comparer(source, target, is_newer=lambda _: False, range_rows=100)
    found = comparer.compare(ordered=True)
    assert (source.moved, target.moved) == (0, 0)
    assert found.questions == 1
    assert found.source_rows == found.target_rows == 1000


def test_few_rows_are_moved_to_find_one():
    rows = [(key, key) for key in range(20_000)]
    source, target = Table(rows), Table([(k, -1 if k == 777 else c) for k, c in rows])
    comparer = Comparer(source, target, is_newer=lambda _: False, range_rows=1000, leaf_rows=10)
    found = comparer.compare(ordered=True)
    assert told(found, range(20_000)) == {777: "different"}
    assert source.moved <= 20, "a leaf, looked at twice"


def test_many_rows_that_the_source_does_not_have_are_divided_by_the_target():
    source = [(key, key) for key in range(50)]
    target = [*source, *((key, key) for key in range(10_000, 10_200))]
    found = compare(source, target)
    assert [row.kind for row in found.rows] == ["extra"] * 200


def test_a_long_list_is_cut_and_said_to_be():
    found = compare([], [(key, key) for key in range(3_000)])
    assert len(found.rows) == 1_000
    assert not found.complete


def test_rows_beyond_the_watermark_are_no_differences():
    source = [(key, 2) for key in range(100)]
    target = [(key, 1 if key >= 90 else 2) for key in range(95)]
    found = compare(source, target, newer_from=90)
    assert found.rows == ()
    assert found.newer == 10


def test_a_row_that_sorts_differently_on_the_two_sides_is_no_difference():
    """Two orders only make it slower."""
    rows = [(key, key) for key in range(100)]

    swapped = {10: 90, 90: 10}

    class Elsewhere(Table):
        """Row 10 lies where the source has row 90."""

        def _inside(self, region: Region) -> list[Row]:
            there = Table([(swapped.get(k, k), k) for k, _ in self.contents])._inside(region)
            return [(key, key) for _, key in there]

        def checksums(self, region: Region, bounds: Sequence[Bound]) -> Mapping[int, Checksum]:
            edges = [bound[0] for bound in bounds]
            inside = self._inside(region)
            return self._summed(
                [(bisect_right(edges, swapped.get(k, k)), (k, c)) for k, c in inside]
            )

    comparer = Comparer(
        Table(rows), Elsewhere(rows), is_newer=lambda _: False, range_rows=7, leaf_rows=4
    )
    assert comparer.compare(ordered=True).rows == ()


def test_a_run_that_commits_between_the_two_reads_is_no_difference():
    class Moving(Table):
        def rows(self, region: Region) -> Counter[HashedRow]:
            found = super().rows(region)
            self.contents = [(1, 2)]
            return found

    target = Moving([(1, 1)])
    comparer = Comparer(Table([(1, 2)]), target, is_newer=lambda _: False)
    assert comparer.compare(ordered=True).rows == ()


def test_rows_are_compared_as_multisets():
    one, two = HashedRow("k", "1"), HashedRow("k", "2")
    assert only_here(Counter([one, one]), Counter([one, one])) == (Counter(), Counter())
    assert only_here(Counter([one, one]), Counter([one])) == (Counter([one]), Counter())
    assert only_here(Counter([one]), Counter([two])) == (Counter([one]), Counter([two]))


def test_an_older_version_is_none_too_many_where_versions_are_kept_but_a_copy_is():
    old, new = HashedRow("k", "1"), HashedRow("k", "2")
    kept = only_here(Counter([new]), Counter([old, new]), keeps_versions=True)
    assert kept == (Counter(), Counter())
    doubled = only_here(Counter([new]), Counter([new, new]), keeps_versions=True)
    assert doubled == (Counter(), Counter([new]))


@pytest.mark.parametrize("ordered", [True, False])
@settings(max_examples=40, deadline=None)
@given(rows=st.dictionaries(st.integers(-300, 300), st.integers(0, 3), max_size=200))
def test_chosen_regions_are_of_the_table_and_small_tables_are_chosen_whole(
    ordered: bool, rows: dict[int, int]
):
    table = list(rows.items())
    comparer = Comparer(Table(table), Table(table), is_newer=lambda _: False, range_rows=7)
    comparer.compare(ordered=ordered)
    assert comparer.compare_each(comparer.choose(len(table))) == Sample(len(table), ())
    regions = comparer.choose(16)
    read = [row for region in regions for row in Table(table)._inside(region)]
    assert len(read) == len(set(read))
    assert len(regions) <= SAMPLED_RANGES


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"b": 1, "a": [1.0, null]}', '{"a":[1,null],"b":1}'),
        ("1.50", "1.5"),
        ("1E2", "100"),
        ("12345678901234567890", "1.2345678901234567e19"),
        ('"\\u00e9\\/"', '"é/"'),
    ],
)
def test_documents_are_equal_when_their_values_are(one: str, other: str):
    assert canonical_json(one.encode()) == canonical_json(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", '"1"'),
        ("9007199254740993", "9007199254740992"),
        ("[1, 2]", "[2, 1]"),
        ("null", '""'),
        ("true", "1"),
        ('{"a": null}', "{}"),
    ],
)
def test_documents_differ_when_their_values_do(one: str, other: str):
    assert canonical_json(one) != canonical_json(other)
