"""Slices: exact whatever the key is, in any order, side by side, while rows change."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mysql_s3_redshift.adapters import pair
from mysql_s3_redshift.adapters.preview import preview_extract
from mysql_s3_redshift.core import operate, slice_cuts
from mysql_s3_redshift.core.extraction import ExtractRequest
from mysql_s3_redshift.core.model import RunLimits
from mysql_s3_redshift.core.state import new_run_id
from mysql_s3_redshift.errors import ConfigError, ExitCode, StateConflictError
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.e2e.sliced import SlicedRun
from mysql_s3_redshift_tests.faults.replication import Replication, new_replication

BY_TIME = {"cdc_strategy": "timestamp_only", "cdc_timestamp_column": "ts"}
BY_ID = {"cdc_strategy": "id_only", "cdc_id_column": "id"}
HYBRID = {"cdc_strategy": "hybrid", "cdc_timestamp_column": "ts", "cdc_id_column": "id"}

KEYS = {
    "sparse": ("k BIGINT", "k", "seq * 1000003"),
    "skewed": ("k BIGINT UNSIGNED", "k", "IF(seq < 200, seq, 18446744073709000000 + seq)"),
    "composite": ("k INT, l INT", "k, l", "IF(seq < 230, 1, seq % 3), seq"),
    "text": ("k VARCHAR(40)", "k", "CONCAT(IF(seq % 2, 'Näme ', 'NAME '), seq)"),
    "latin": ("k VARCHAR(40) CHARSET latin1 COLLATE latin1_bin", "k", "CONCAT(seq % 7, 'é', seq)"),
    "binary": ("k BINARY(16)", "k", "UNHEX(LEFT(SHA2(seq, 256), 32))"),
    "time": ("k DATETIME(6), l SMALLINT", "k, l", "'2024-01-01' + INTERVAL seq * seq SECOND, seq"),
    "day": ("k DATE, l CHAR(9)", "k, l", "'2024-01-01' + INTERVAL seq % 3 DAY, HEX(seq)"),
}


@pytest.fixture(scope="module")
def shared(
    sandbox: SandboxStatus, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Replication]:
    """One database, prefix and schema for the tests that only need a table of their own."""
    with new_replication(sandbox, tmp_path_factory.mktemp("slices")) as opened:
        yield opened


@pytest.fixture
def probing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every table counts as a large one, so that index dives find the cuts."""
    monkeypatch.setattr(slice_cuts, "EXACT_ROWS", 3)


def make_table(replication: Replication, name: str, rows: int = 300) -> None:
    """Ids with gaps, equal timestamps, some of them NULL."""
    replication.sql(
        f"CREATE TABLE `{name}` (id BIGINT PRIMARY KEY AUTO_INCREMENT, ts DATETIME(6) NULL "
        "DEFAULT NOW(6) ON UPDATE NOW(6), v INT, KEY (ts))",
        f"INSERT INTO `{name}` SELECT seq * 7, IF(seq % 29, '2024-01-01' + INTERVAL seq DIV 40 "
        f"SECOND, NULL), seq FROM seq_1_to_{rows}",
    )


def assert_same(replication: Replication, table: str, columns: str = "*") -> None:
    """Source and target have the same rows, and all evidence agrees."""
    assert replication.target_rows(table) == replication.source_rows(table, columns)
    replication.check_evidence(table)


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


def test_workers_side_by_side_lose_no_commit(shared: Replication) -> None:
    """I-33, H-26: eight threads, some forty commits into one document, while rows change."""
    make_table(shared, "side_by_side", 800)
    shared.table("side_by_side", slices=8, chunk_rows=20, load_mode="append", **HYBRID)
    run, ended = SlicedRun(shared, "side_by_side"), threading.Event()
    works = run.plan()
    writer = threading.Thread(target=write, args=(shared, "side_by_side", ended))
    writer.start()
    with ThreadPoolExecutor(len(works)) as pool:
        reports = list(pool.map(run.read, works))
    ended.set()
    writer.join()
    assert all(report.done for report in reports)
    report = run.finish()
    numbers = [f.seq for r in reports for f in r.files]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    assert len({f.uri for f in report.files}) == len(report.files)
    state = report.state.mysql_state
    assert state.total_rows == state.last_session_rows == report.rows
    shared.sync("side_by_side")
    target = shared.target_rows("side_by_side")
    assert set(shared.source_rows("side_by_side")) <= set(target), "a row is lost"
    assert set(target.values()) == {1}, "a row version is doubled"
    shared.check_evidence("side_by_side")


def write(replication: Replication, table: str, ended: threading.Event) -> None:
    """Insert and update all over the key, as an application would."""
    with replication.mysql() as connection, connection.cursor() as cursor:
        for number in range(5_000):
            if ended.is_set():
                return
            cursor.execute(f"UPDATE `{table}` SET v = v + 1 WHERE id % 97 = {number % 97}")
            cursor.execute(f"INSERT INTO `{table}` (id, v) VALUES ({-number}, {number})")


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


def test_ids_that_start_again_while_slices_are_read_are_refused(shared: Replication) -> None:
    """Some of the ranges are done, and their new rows would never be read."""
    make_table(shared, "restarted")
    shared.table("restarted", slices=3, **BY_ID)
    run = SlicedRun(shared, "restarted")
    run.read(run.plan()[0])
    shared.sql("DROP TABLE restarted", "DO SLEEP(1.1)")  # CREATE_TIME has whole seconds
    make_table(shared, "restarted", 20)
    with pytest.raises(ConfigError, match="its ids started again"):
        SlicedRun(shared, "restarted").plan()


def test_of_two_workers_of_a_slice_the_later_one_wins(shared: Replication) -> None:
    """H-26: the other one changes nothing any more and ends with exit code 8."""
    make_table(shared, "rivals")
    shared.table("rivals", slices=2, chunk_rows=20, load_mode="append", **HYBRID)
    run = SlicedRun(shared, "rivals")
    works = run.plan()
    passed = 0

    def rival() -> bool:
        nonlocal passed
        passed += 1
        if passed == 3:
            SlicedRun.read(run, works[0])
        return False

    with pytest.raises(StateConflictError) as lost:
        run.read(works[0], stopping=rival)
    assert lost.value.exit_code is ExitCode.STATE_CONFLICT
    run.read(works[1])
    assert run.finish().rows == 300
    shared.load("rivals")
    assert_same(shared, "rivals")


@pytest.mark.parametrize("by", ["reset", "run"])
def test_a_worker_of_an_ended_history_changes_nothing(replication: Replication, by: str) -> None:
    """I-16: after a reset, and after another run has taken over, its plan is gone."""
    make_table(replication, "t")
    replication.table("t", slices=3, chunk_rows=20, load_mode="append", **HYBRID)
    run = SlicedRun(replication, "t")
    works, passed = run.plan(), 0

    def interfere() -> bool:
        nonlocal passed
        passed += 1
        if passed == 3 and by == "reset":
            reset(replication)
        elif passed == 3:
            SlicedRun(replication, "t").plan()
        return False

    with pytest.raises(StateConflictError):
        run.read(works[1], stopping=interfere)
    before = replication.extract_state("t")
    if by == "reset":
        with pytest.raises(StateConflictError):
            run.read(works[0])
        assert replication.extract_state("t") == before
        assert before.files == ()
    SlicedRun(replication, "t").all()
    replication.load("t")
    assert_same(replication, "t")


def reset(replication: Replication) -> None:
    """Begin a new history, as `watermark reset --mysql-only` does."""
    with replication.connections() as connections:
        document = connections.storage(replication.plan("t")).extract_states()
        state = document.read()
        assert state is not None
        document.write(operate.reset_extract(state))
