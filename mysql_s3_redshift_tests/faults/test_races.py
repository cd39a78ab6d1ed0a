"""Two of everything: one wins, the other stops with exit code 8, and the target is exact."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable

import pytest

from mysql_s3_redshift.core.state import ExtractState
from mysql_s3_redshift.errors import ExitCode, StateConflictError
from mysql_s3_redshift_tests.faults.launcher import Launcher
from mysql_s3_redshift_tests.faults.replication import Replication

pytestmark = pytest.mark.faults

CONFLICT = int(ExitCode.STATE_CONFLICT)
PATIENCE_SECONDS = 60.0


def make_table(replication: Replication, mode: str, strategy: str = "hybrid") -> None:
    replication.sql(
        "CREATE TABLE t (id INT PRIMARY KEY, ts DATETIME(6) NOT NULL DEFAULT NOW(6), v INT, "
        "KEY (ts, id))",
        "INSERT INTO t (id, v) SELECT seq, seq FROM seq_1_to_300",
    )
    options = {} if strategy == "full_sync" else {"cdc_timestamp_column": "ts"}
    replication.table("t", cdc_strategy=strategy, load_mode=mode, chunk_rows=100, **options)


def add_rows(replication: Replication, start: int, count: int = 100) -> None:
    replication.sql(
        f"INSERT INTO t (id, v) SELECT seq, seq FROM seq_{start}_to_{start + count - 1}"
    )


def assert_exact(replication: Replication, *, superseded: bool = False) -> None:
    assert replication.target_rows("t") == replication.source_rows("t")
    replication.check_evidence("t", superseded=superseded)


def wait_until(happened: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def is_idle(process: int) -> bool:
    """Whether a process has used no CPU for a while."""
    before = cpu_ticks(process)
    time.sleep(0.7)
    return cpu_ticks(process) == before


def cpu_ticks(process: int) -> int:
    with open(f"/proc/{process}/stat", encoding="ascii") as stat:  # noqa: PTH123
        return sum(int(n) for n in stat.read().rpartition(")")[2].split()[11:13])


def test_two_extractions_of_one_table_cannot_both_commit(
    replication: Replication, launchers: tuple[Launcher, Launcher]
) -> None:
    """I-33, H-26: started together; at least one is done, a loser changes nothing."""
    make_table(replication, "append")
    for start in (301, 401, 501):
        replication.start(launchers[0], "t", "extract")
        replication.start(launchers[1], "t", "extract")
        codes = {launcher.wait() for launcher in launchers}
        assert codes <= {0, CONFLICT}
        assert 0 in codes
        add_rows(replication, start)
    replication.sync("t")
    assert_exact(replication)


def test_two_loads_of_one_table_load_every_file_once(
    replication: Replication, launchers: tuple[Launcher, Launcher]
) -> None:
    """I-05, I-33, P-09: the ledger's lock lines them up, the ledger tells the second."""
    make_table(replication, "append")
    for start in (301, 401, 501):
        replication.extract("t")
        replication.start(launchers[0], "t", "load")
        replication.start(launchers[1], "t", "load")
        codes = {launcher.wait() for launcher in launchers}
        assert codes <= {0, CONFLICT}
        assert 0 in codes
        assert_exact(replication)
        add_rows(replication, start)


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_a_load_of_an_old_value_finds_its_files_in_the_ledger(
    replication: Replication, mode: str
) -> None:
    """I-05, I-33: a load that began before there was a load state."""
    make_table(replication, mode)
    old = replication.extract("t").state
    add_rows(replication, 301)
    replication.sql("UPDATE t SET v = -1, ts = NOW(6) WHERE id = 5")
    replication.sync("t")
    before = replication.target_rows("t")
    loads = load_state_lost(replication)
    report = replication.load("t", state=old)
    assert report.loads == ()
    assert len(report.recovered) == 3
    assert replication.target_rows("t") == before
    replication.put_object(replication.state_key("t", load=True), loads)
    replication.check_evidence("t")


def load_state_lost(replication: Replication) -> bytes:
    """Take the load state away, as for a load that began before there was one."""
    key = replication.state_key("t", load=True)
    body = replication.read_object(f"s3://lake/{key}")
    replication.s3.delete_object(Bucket="lake", Key=key)
    return body


@pytest.mark.parametrize("strategy", ["hybrid", "full_sync"])
def test_a_snapshot_that_is_loaded_after_a_newer_one_does_not_bring_the_past_back(
    replication: Replication, strategy: str
) -> None:
    """I-38: replacing by an older snapshot would lose what changed since."""
    make_table(replication, "replace", strategy)
    old = replication.extract("t").state
    replication.sql("UPDATE t SET v = -1, ts = NOW(6) WHERE id = 5")
    replication.sync("t")
    loads = load_state_lost(replication)
    with pytest.raises(StateConflictError):
        replication.load("t", state=old)
    replication.put_object(replication.state_key("t", load=True), loads)
    assert_exact(replication, superseded=True)


def test_a_frozen_load_that_holds_the_lock_is_rolled_back_when_it_dies(
    replication: Replication, launcher: Launcher
) -> None:
    """I-32: a killed holder's lock is gone with its connection; who waited goes on."""
    make_table(replication, "append")
    replication.extract("t")
    process = replication.start(launcher, "t", "load", faults="load.before_commit=hang")
    wait_until(lambda: len(replication.objects("loads")) == 1 and is_idle(process))
    successor = threading.Thread(target=replication.load, args=("t",))
    successor.start()
    time.sleep(0.5)
    assert successor.is_alive(), "the lock of the ledger is not held"
    os.kill(process, signal.SIGKILL)
    assert launcher.wait() == -9
    successor.join(PATIENCE_SECONDS)
    assert_exact(replication)


def test_a_reset_during_a_run_wins(replication: Replication) -> None:
    """I-16, H-26: the run's next commit finds another document and stops; the reset stands."""
    make_table(replication, "upsert")
    replication.sync("t")
    add_rows(replication, 301, 300)
    stops = iter([False, True])

    def reset_meanwhile() -> bool:
        if next(stops, True):
            write_state(replication, replication.extract_state("t").reset())
        return False

    with pytest.raises(StateConflictError) as conflict:
        replication.extract("t", stopping=reset_meanwhile)
    assert conflict.value.exit_code == CONFLICT
    state = replication.extract_state("t")
    assert (state.generation, state.files, state.mysql_state.total_rows) == (2, (), 0)
    replication.sync("t")
    assert replication.target_rows("t") == replication.source_rows("t")


def test_a_load_of_before_a_reset_is_refused(replication: Replication) -> None:
    """I-16: files of a history that has ended are not loaded any more."""
    make_table(replication, "append")
    old = replication.extract("t").state
    write_state(replication, old.reset())
    with pytest.raises(StateConflictError):
        replication.load("t", state=old)
    assert replication.redshift(
        f"SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = "
        f"'{replication.schema}'"
    ) in ([(0,)], [(1,)])
    replication.sync("t")
    assert replication.target_rows("t") == replication.source_rows("t")


def write_state(replication: Replication, state: ExtractState) -> None:
    """Write an extract state from outside, as a command would."""
    body = state.model_dump_json(by_alias=True).encode()
    replication.put_object(replication.state_key("t"), body)
