"""Slices: exact whatever the key is, in any order, while rows change."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from mysql_s3_redshift.adapters import pair
from mysql_s3_redshift.adapters.preview import preview_extract
from mysql_s3_redshift.core import slice_cuts
from mysql_s3_redshift.core.extraction import ExtractRequest
from mysql_s3_redshift.core.model import RunLimits
from mysql_s3_redshift.core.state import new_run_id
from mysql_s3_redshift_tests.e2e.sliced import KEYS, SlicedRun
from mysql_s3_redshift_tests.e2e.sliced_tables import (
    BY_ID,
    BY_TIME,
    HYBRID,
    assert_same,
    make_table,
)
from mysql_s3_redshift_tests.faults.replication import Replication


@pytest.fixture
def probing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every table counts as a large one, so that index dives find the cuts."""
    monkeypatch.setattr(slice_cuts, "EXACT_ROWS", 3)


@pytest.mark.usefixtures("probing")
@pytest.mark.parametrize("kind", KEYS)
def test_every_kind_of_key_is_cut_into_ranges_that_have_each_row_once(
    shared: Replication, kind: str
) -> None:
    """I-24: rows below the first cut, above the last and without a timestamp are covered, too."""
    columns, key, values = KEYS[kind]
    table = f"{kind}_keys"
    shared.sql(
        f"CREATE TABLE `{table}` ({columns}, ts DATETIME(6) NULL, PRIMARY KEY ({key}), KEY (ts))",
        f"INSERT INTO `{table}` SELECT {values}, IF(seq % 9, NOW(6), NULL) FROM seq_1_to_300",
        f"ANALYZE TABLE `{table}`",
    )
    shared.table(table, slices=5, chunk_rows=50, load_mode="append", **BY_TIME)
    run = SlicedRun(shared, table)
    works = run.plan()
    assert len(works) == 5
    rows = [run.read(work).rows for work in reversed(works)]
    assert sum(rows) == 300
    assert max(rows) <= 150
    report = run.finish()
    assert report.rows == 300
    assert sorted(f.seq for f in report.files) == list(range(1, len(report.files) + 1))
    assert {f.kind for f in report.files} == {"snapshot"}
    shared.load(table)
    # Redshift's driver gives bytes as hexadecimal digits.
    assert_same(shared, table, "LOWER(HEX(k)), ts" if kind == "binary" else "*")


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("hybrid", "upsert"),
        ("timestamp_only", "append"),
        ("id_only", "append"),
        ("start_from", "upsert"),
    ],
)
def test_rows_that_change_between_the_slices_are_delivered_once(
    shared: Replication, name: str, mode: str
) -> None:
    """Every strategy and load mode: the ceiling of the phase leaves them to the increments."""
    options: dict[str, Any] = {"hybrid": HYBRID, "timestamp_only": BY_TIME, "id_only": BY_ID}.get(
        name, HYBRID | {"start_from": "2024-01-01"}
    )
    table = f"{name}_{mode}"
    make_table(shared, table)
    if name == "start_from":
        shared.sql(f"DELETE FROM `{table}` WHERE ts IS NULL")
    shared.table(table, slices=4, chunk_rows=30, load_mode=mode, **options)
    run, journal = SlicedRun(shared, table), Counter(shared.source_rows(table))
    works = run.plan()
    for number, work in enumerate((works[2], works[0], works[3], works[1])):
        run.read(work)
        shared.load(table)  # what is committed may be loaded at any time
        shared.sql(f"INSERT INTO `{table}` (id, v) VALUES ({number - 9}, 0), ({9000 + number}, 0)")
        if name != "id_only":
            shared.sql(f"UPDATE `{table}` SET v = -v WHERE id % 11 = {number}")
        else:
            shared.sql(f"DELETE FROM `{table}` WHERE id < 0")
        journal |= shared.source_rows(table)
    assert run.finish().state.mysql_state.phase == "incremental"
    shared.load(table)
    source, target = shared.source_rows(table), shared.target_rows(table)
    if mode == "upsert":
        assert target == source
    assert set(source) <= set(target) <= set(journal)
    assert set(target.values()) == {1}
    shared.check_evidence(table)


@pytest.mark.parametrize("options", [HYBRID, BY_ID], ids=["by key", "by cursor"])
def test_a_limit_bounds_all_slices_together(shared: Replication, options: dict[str, Any]) -> None:
    """I-10: such a run has no workers; it reads range after range within its limit."""
    table = f"limit_{options['cdc_strategy']}"
    make_table(shared, table)
    shared.table(table, slices=4, chunk_rows=30, **options)
    taken = []
    for _ in range(5):
        run = SlicedRun(shared, table, RunLimits(limit=70))
        assert run.plan() == ()
        taken.append(run.finish().rows)
    assert taken == [70, 70, 70, 70, 20]
    shared.load(table)
    assert_same(shared, table)


def test_the_ranges_stay_until_all_of_them_are_read(shared: Replication) -> None:
    """Other options, other runs, a stop in the middle: each range goes on where it was."""
    make_table(shared, "stays")
    shared.table("stays", slices=6, chunk_rows=10, **HYBRID)
    assert previewed_rows(shared, "stays") == 300
    first = SlicedRun(shared, "stays")
    works = first.plan()
    calls = iter([False, False, True])
    stopped = first.read(works[3], stopping=lambda: next(calls))
    assert (stopped.rows, stopped.done) == (20, False)
    first.read(works[1])
    shared.table("stays", slices=2, chunk_rows=30, **HYBRID)
    second = SlicedRun(shared, "stays")
    again = second.plan()
    assert [w.number for w in again] == [1, 3, 4, 5, 6]
    assert {w.plan_id for w in again} == {works[0].plan_id}
    assert second.read(again[2]).rows == 30
    assert previewed_rows(shared, "stays") == 200
    shared.table("stays", slices=1, chunk_rows=30, **HYBRID)
    report = shared.extract("stays")
    assert report.rows == 300 - 20 - 50 - 30
    assert report.state.mysql_state.phase == "incremental"
    shared.load("stays")
    assert_same(shared, "stays")


def previewed_rows(replication: Replication, table: str) -> int:
    """What `sync --dry-run` counts."""
    plan = replication.plan(table)
    with replication.connections() as connections:
        described = pair.describe(plan, connections)
        return preview_extract(described, ExtractRequest(new_run_id()), connections).rows


def test_a_phase_that_began_without_slices_is_cut_from_there(shared: Replication) -> None:
    make_table(shared, "began")
    shared.table("began", chunk_rows=50, **HYBRID)
    assert shared.extract("began", RunLimits(limit=100)).rows == 100
    shared.table("began", slices=4, chunk_rows=50, **HYBRID)
    report = SlicedRun(shared, "began").all(order=reversed)
    assert [f.rows for f in report.files] == [50] * 4
    shared.load("began")
    assert_same(shared, "began")
    assert SlicedRun(shared, "began").plan() == ()  # the increments need none


def test_an_empty_table_has_one_slice(shared: Replication) -> None:
    make_table(shared, "empty")
    shared.sql("DELETE FROM `empty`")
    shared.table("empty", slices=4, **HYBRID)
    run = SlicedRun(shared, "empty")
    assert [run.read(work).rows for work in run.plan()] == [0]
    shared.sql("INSERT INTO `empty` (id, v) VALUES (1, 1)")
    assert run.finish().rows == 1
    shared.load("empty")
    assert_same(shared, "empty")
