"""Runs that freeze and wake after their successor: exit code 8, and nothing is changed by them.

A process freezes itself at a fault point, its successor does all the work, and SIGCONT wakes it in
the middle of what it was doing: as a paused virtual machine, or a laptop whose lid was closed.
"""

from __future__ import annotations

import os
import signal
import threading

import pytest

from mysql_s3_redshift.errors import StateConflictError
from mysql_s3_redshift_tests.adapters.wire.proxies import proxy_to
from mysql_s3_redshift_tests.faults.launcher import Launcher
from mysql_s3_redshift_tests.faults.replication import Replication
from mysql_s3_redshift_tests.faults.test_races import (
    CONFLICT,
    PATIENCE_SECONDS,
    add_rows,
    assert_exact,
    make_table,
    wait_until,
)

pytestmark = pytest.mark.faults

BEFORE_THE_TRANSACTION = ("load.after_state_read", "load.after_prepare", "load.after_manifest")
INSIDE_THE_TRANSACTION = ("load.after_lock", "load.after_copy", "load.before_commit")
EXTRACTING = (
    "extract.after_state_read=freeze",
    "extract.after_ceiling=freeze",
    "extract.during_read=freeze@2",
    "extract.after_upload=freeze@2",
    "extract.before_commit=freeze@2",
    "extract.after_commit=freeze@2",
)


def freeze(replication: Replication, launcher: Launcher, stage: str, fault: str) -> int:
    """Start a run that freezes; returns its process id once it has."""
    process = replication.start(launcher, "t", stage, faults=fault)
    wait_until(lambda: is_frozen(process))
    return process


def is_frozen(process: int) -> bool:
    with open(f"/proc/{process}/stat", encoding="ascii") as stat:  # noqa: PTH123
        return stat.read().rpartition(")")[2].split()[0] == "T"


def wake(process: int) -> None:
    os.kill(process, signal.SIGCONT)


def change(replication: Replication, mode: str, number: int) -> None:
    """New rows, and new versions of old ones where they replace those in the target."""
    add_rows(replication, 301 + 300 * number, 300)
    if mode != "append":
        replication.sql(f"UPDATE t SET v = v - 1000, ts = NOW(6) WHERE id % 50 = {number}")


@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
def test_a_load_that_wakes_after_its_successor_changes_nothing(
    replication: Replication, launcher: Launcher, mode: str
) -> None:
    """I-05, I-32, I-33, H-21, H-26: before it locks, and between COMMIT and the load state."""
    make_table(replication, mode)
    for number, point in enumerate((*BEFORE_THE_TRANSACTION, "load.after_commit")):
        change(replication, mode, 2 * number)
        replication.extract("t")
        zombie = freeze(replication, launcher, "load", f"{point}=freeze")
        change(replication, mode, 2 * number + 1)
        replication.sync("t")
        after = replication.target_rows("t")
        wake(zombie)
        assert launcher.wait() == CONFLICT, point
        assert replication.target_rows("t") == after, point
        assert_exact(replication, superseded=mode == "replace")


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_a_load_whose_session_ended_while_it_was_frozen_changes_nothing(
    replication: Replication, launcher: Launcher, mode: str
) -> None:
    """I-32, I-33, I-36: what it did in its transaction is rolled back, whatever it does next."""
    make_table(replication, mode)
    for number, point in enumerate(INSIDE_THE_TRANSACTION):
        change(replication, mode, 2 * number)
        replication.extract("t")
        settings = replication.sandbox.settings
        with proxy_to("127.0.0.1", settings.ports["redshift"]) as way:
            replication.sections["targets"] = {"warehouse": {"port": way.port}}
            zombie = freeze(replication, launcher, "load", f"{point}=freeze")
        replication.sections.clear()  # the way is closed, so the server has ended the session
        change(replication, mode, 2 * number + 1)
        replication.sync("t")
        after = replication.target_rows("t")
        wake(zombie)
        assert launcher.wait() == CONFLICT, point
        assert replication.target_rows("t") == after, point
        assert_exact(replication)


def test_a_load_that_is_frozen_with_the_lock_lets_its_successor_wait_and_find_its_files(
    replication: Replication, launcher: Launcher
) -> None:
    """I-05, P-09: whoever waits for the lock sees what was committed under it."""
    make_table(replication, "append")
    replication.extract("t")
    zombie = freeze(replication, launcher, "load", "load.before_commit=freeze")
    lost: list[StateConflictError] = []

    def succeed() -> None:
        try:
            replication.load("t")
        except StateConflictError as error:  # both mark the same files: one of them comes second
            lost.append(error)

    successor = threading.Thread(target=succeed)
    successor.start()
    wait_until(lambda: len(replication.objects("loads")) == 2)
    wake(zombie)
    code = launcher.wait()
    successor.join(PATIENCE_SECONDS)
    assert not successor.is_alive()
    assert (code, len(lost)) in {(0, 1), (0, 0), (CONFLICT, 0)}
    assert_exact(replication)


def test_an_extraction_that_wakes_after_its_successor_stops(
    replication: Replication, launcher: Launcher
) -> None:
    """H-26, I-33, I-34, I-35: what it uploaded is an orphan, what it knows is not written."""
    make_table(replication, "append")
    for number, fault in enumerate(EXTRACTING):
        change(replication, "append", 2 * number)
        zombie = freeze(replication, launcher, "extract", fault)
        change(replication, "append", 2 * number + 1)
        replication.sync("t")
        before = replication.extract_state("t")
        wake(zombie)
        assert launcher.wait() == CONFLICT, fault
        assert replication.extract_state("t") == before, fault
        assert_exact(replication)
    assert replication.orphans("t")
