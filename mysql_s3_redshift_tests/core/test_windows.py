"""Windows as values, and the queries that leave nothing out and nothing double."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mysql_s3_redshift.adapters.mysql import queries
from mysql_s3_redshift.core.cursors import ChunkQuery, Cursor
from mysql_s3_redshift.core.model import (
    CdcStrategy,
    LoadMode,
    PartitionOptions,
    TablePlan,
    TimestampUnit,
    Window,
)
from mysql_s3_redshift.core.plan import ResolvedTable
from mysql_s3_redshift.core.schema import SourceTable
from mysql_s3_redshift.defs.partitions import window_of_days

PLAN = TablePlan("p", "db", "lake", "warehouse", "s", "t", "s", "t")
TABLE = ResolvedTable(
    PLAN,
    SourceTable("s", "t", ()),
    Cursor(CdcStrategy.HYBRID, ("ts", "id"), timestamp="ts"),
    LoadMode.APPEND,
    ("id",),
    cursor_indexed=True,
)

moments = st.datetimes(datetime(2023, 1, 1), datetime(2024, 12, 31))  # noqa: DTZ001
numbers = st.none() | st.integers(0, 3)


@given(moments, st.timedeltas(timedelta(microseconds=1), timedelta(days=40)))
def test_the_days_of_a_window_meet_and_cover_it(start: datetime, length: timedelta) -> None:
    """I-24, I-47: half-open, disjoint, without a gap, none longer than a day."""
    window = Window(start, start + length, "made", TimestampUnit.EPOCH_MS, daily=True)
    parts = window.parts
    assert (parts[0].start, parts[-1].end) == (window.start, window.end)
    assert all(a.end == b.start for a, b in pairwise(parts))
    assert all(timedelta(0) < p.end - p.start <= timedelta(days=1) for p in parts)
    assert {(p.column, p.unit) for p in parts} == {("made", TimestampUnit.EPOCH_MS)}
    assert Window(window.start, window.end).parts == (Window(window.start, window.end),)


@given(st.dates(date(2023, 1, 1), date(2024, 12, 1)), st.integers(0, 400))
def test_a_range_of_partitions_is_a_window_from_midnight_to_midnight(
    first: date, more: int
) -> None:
    """Every day once, those on which clocks are set like all others."""
    last = first + timedelta(days=more)
    window = window_of_days(PartitionOptions("made", first), first, last)
    days = [part.start.date() for part in window.parts]
    assert days == [first + timedelta(days=n) for n in range(more + 1)]
    assert {part.start.time() for part in window.parts} == {datetime.min.time()}
    assert {part.end - part.start for part in window.parts} == {timedelta(days=1)}


@given(
    st.lists(st.tuples(numbers, numbers), max_size=12),
    st.tuples(st.integers(0, 3)) | st.tuples(st.integers(0, 3), numbers),
)
def test_what_is_not_beyond_a_watermark_is_all_that_no_increment_delivers(
    rows: list[tuple[int | None, int | None]], position: tuple[int | None, ...]
) -> None:
    """I-11, I-24: of a table's rows each is on one side of a watermark, NULLs too."""
    keyset = ("ts", "id")
    delivered = selected(rows, ChunkQuery(keyset, after=position))
    left = selected(rows, ChunkQuery((), not_beyond=(keyset, position)))
    assert sorted([*delivered, *left]) == list(range(len(rows)))


def selected(rows: Sequence[tuple[int | None, int | None]], query: ChunkQuery) -> list[int]:
    """Numbers of the rows that a query selects, asked of a real SQL engine."""
    selection = queries.Selection(("`n`",), ())
    statement = queries.chunk(TABLE, selection, query)
    with sqlite3.connect(":memory:") as connection:
        connection.execute("ATTACH ':memory:' AS s")
        connection.execute("CREATE TABLE s.t (n INT, ts INT, id INT)")
        numbered = [(n, *row) for n, row in enumerate(rows)]
        connection.executemany("INSERT INTO s.t VALUES (?, ?, ?)", numbered)
        return [n for (n,) in connection.execute(statement.sql, statement.parameters)]
