"""Workers of slices side by side, rivals of one slice, and workers of a plan that has ended."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from mysql_s3_redshift.core import operate
from mysql_s3_redshift.errors import ConfigError, ExitCode, StateConflictError
from mysql_s3_redshift_tests.e2e.sliced import SlicedRun
from mysql_s3_redshift_tests.e2e.sliced_tables import BY_ID, HYBRID, assert_same, make_table
from mysql_s3_redshift_tests.faults.replication import Replication


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
