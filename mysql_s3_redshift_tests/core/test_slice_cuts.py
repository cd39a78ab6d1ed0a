"""Where a key is cut: always keys that exist, in order, and about equal numbers of rows."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mysql_s3_redshift.core import slice_cuts
from mysql_s3_redshift.core.cursors import ChunkQuery, Position
from mysql_s3_redshift.core.slice_cuts import choose_cuts, choose_cuts_of_rows


class Keys:
    """Keys in memory, ordered by `order` as a server's collation would; counts what it is asked."""

    def __init__(self, keys: Sequence[Any], order: Any = lambda value: value) -> None:
        self._order = order
        self.all = sorted(keys, key=self._rank)
        self._ranks = [self._rank(key) for key in self.all]
        self.asked = 0

    def _rank(self, key: Position) -> tuple[Any, ...]:
        return tuple(self._order(value) for value in key)

    def _beyond(self, position: Position, columns: Sequence[str]) -> int:
        """Index of the first key that `after` lets through."""
        ranks = [rank[: len(position)] for rank in self._ranks]
        side = bisect.bisect_right if len(position) == len(columns) else bisect.bisect_left
        return side(ranks, self._rank(position))

    def _range(self, query: ChunkQuery) -> list[Any]:
        self.asked += 1
        start = self._beyond(query.after, query.order_by) if query.after else 0
        end = self._beyond(query.through, query.order_by) if query.through else len(self.all)
        return self.all[start:end]

    def keys(self, query: ChunkQuery) -> Sequence[Position]:
        return self._range(query)[: query.limit]

    def last_key(self, query: ChunkQuery) -> Position | None:
        found = self._range(query)
        return found[-1] if found else None

    def in_order(self, columns: Sequence[str], positions: Sequence[Position]) -> Sequence[Position]:
        self.asked += 1
        assert {len(position) for position in positions} == {len(columns)}
        return sorted(positions, key=self._rank)

    def estimate(self, query: ChunkQuery) -> int:
        return len(self._range(query))


def sizes(keys: Keys, cuts: Sequence[Position]) -> list[int]:
    """Rows of each slice, as two slices that meet at a cut would read them."""
    edges = [0, *(keys.all.index(cut) + 1 for cut in cuts), len(keys.all)]
    assert edges == sorted(edges)
    return [b - a for a, b in pairwise(edges)]


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every table counts as a large one."""
    monkeypatch.setattr(slice_cuts, "EXACT_ROWS", 3)


def columns(keys: Sequence[Any]) -> tuple[str, ...]:
    return tuple("abc"[: len(keys[0])])


START = datetime(2024, 1, 1)  # noqa: DTZ001
SHAPES: dict[str, list[Any]] = {
    "dense": [(n,) for n in range(2_000)],
    "sparse": [(n * 1_000_003,) for n in range(1_000)],
    "two crowds far apart": [(n,) for n in (*range(600), *range(10**17, 10**17 + 400))],
    "below zero": [(n,) for n in range(-700, 300)],
    "squares": [(n * n,) for n in range(1_000)],
    "tenants": [(tenant, n) for tenant in range(5) for n in range(200)],
    "one large tenant": [(t, n) for t in range(10) for n in range(900 if t == 6 else 10)],
    "times": [(START + timedelta(seconds=n * n),) for n in range(800)],
    "uuids": [(bytes([n % 251, n % 241, n % 7]) + n.to_bytes(13, "little"),) for n in range(900)],
    "hexadecimal": [(f"{n * 2654435761 % 2**32:08x}",) for n in range(900)],
    "numbered texts": [(f"ORDER-{n:07}",) for n in range(900)],
    "text and number": [(f"shop {n % 3}", n) for n in range(900)],
}


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("shape", SHAPES)
def test_large_tables_are_cut_into_similar_slices_by_a_few_questions(shape: str) -> None:
    keys = Keys(SHAPES[shape])
    cuts = choose_cuts(keys, ChunkQuery(columns(keys.all)), 6)
    rows = sizes(keys, cuts)
    assert len(rows) == 6
    assert max(rows) < 2 * len(keys.all) / 6
    assert keys.asked < 6 * 80


@pytest.mark.usefixtures("large")
def test_a_collation_that_ignores_letter_case_is_no_obstacle() -> None:
    names = [(f"{'aZbYcX'[n % 6]}{n:05}",) for n in range(900)]
    keys = Keys(names, order=str.casefold)
    assert max(sizes(keys, choose_cuts(keys, ChunkQuery(("a",)), 4))) < 2 * 900 / 4


@pytest.mark.usefixtures("large")
def test_a_collation_that_sorts_other_signs_before_digits_is_no_obstacle() -> None:
    keys = Keys([(n % 3, f"{n:X}") for n in range(900)], order=lambda v: (str(v).isalnum(), v))
    assert max(sizes(keys, choose_cuts(keys, ChunkQuery(("a", "b")), 5))) < 2 * 900 / 5


@pytest.mark.usefixtures("large")
@settings(max_examples=60)
@given(
    st.one_of(
        st.sets(st.tuples(st.integers(-(2**63), 2**64)), max_size=60),
        st.sets(st.tuples(st.integers(0, 3), st.integers(0, 50)), max_size=60),
        st.sets(st.tuples(st.text(max_size=5)), max_size=40),
        st.sets(st.tuples(st.binary(max_size=5)), max_size=40),
        st.sets(st.tuples(st.decimals(-5, 5, places=2), st.text("ab", max_size=3)), max_size=40),
        st.sets(st.tuples(st.datetimes(), st.one_of(st.just(1), st.just(2))), max_size=40),
    ),
    st.integers(2, 9),
)
def test_cuts_are_existing_keys_in_order_whatever_the_keys_are(
    found: set[Any], slices: int
) -> None:
    keys = Keys(list(found))
    if not found:
        assert choose_cuts(keys, ChunkQuery(("a",)), slices) == []
        return
    cuts = choose_cuts(keys, ChunkQuery(columns(keys.all)), slices)
    assert len(cuts) < slices
    rows = sizes(keys, cuts)
    assert all(rows)
    assert sum(rows) == len(found)


@given(st.integers(0, 40), st.integers(2, 9))
def test_small_tables_are_cut_exactly(rows: int, slices: int) -> None:
    keys = Keys([(n * 7,) for n in range(rows)])
    cuts = choose_cuts(keys, ChunkQuery(("a",)), slices)
    if rows:
        got = sizes(keys, cuts)
        assert len(got) == min(slices, rows)
        assert max(got) - min(got) <= 1
    assert keys.asked == 1


def test_a_range_that_begins_later_is_cut_from_there() -> None:
    keys = Keys([(n,) for n in range(100)])
    cuts = choose_cuts(keys, ChunkQuery(("a",), after=(49,)), 5)
    assert cuts == [(59,), (69,), (79,), (89,)]


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("spread", [1, 7, 4_999], ids=["by time", "in part", "at random"])
def test_rows_of_a_window_are_cut_by_another_key_than_they_are_found_by(spread: int) -> None:
    """The key goes with the time, or has nothing to do with it: no slice is far too large."""
    rows = [(n, 10 * (n * spread % 9_973)) for n in range(1, 9_001)]
    found = Keys(rows)
    cuts = choose_cuts_of_rows(found, ChunkQuery(("made", "id")), ("id",), 8)
    ids = sorted(row[1] for row in rows)
    edges = [0, *(bisect.bisect_right(ids, int(str(cut[0]))) for cut in cuts), len(ids)]
    assert len(cuts) == 7
    assert max(b - a for a, b in pairwise(edges)) <= 2 * 9_000 / 8
    assert found.asked <= 3_000


def test_cuts_of_few_rows_are_fewer_than_slices() -> None:
    """A window that lost its rows since it was measured has one slice."""
    query = ChunkQuery(("made", "id"))
    assert choose_cuts_of_rows(Keys([]), query, ("id",), 4) == []
    assert choose_cuts_of_rows(Keys([(1, 5)]), query, ("id",), 4) == []
    assert choose_cuts_of_rows(Keys([(1, 5), (2, 3), (3, 4)]), query, ("id",), 2) == [(3,)]
