"""Faults inside the slices of a window reload: every point that its plan, workers and end pass.

Each cell is a table of 240 rows, of which a window of 180 is reloaded in three slices after all of
them were changed behind the cursor. Its run dies at a point (by `kill -9`, by an exception, or by
both in a row); nothing of the window is visible then. Rows change, and the window is asked for
again, in steps or in one. Then it is as the source has it, and a sync makes all the same.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from mysql_s3_redshift.core.faultpoints import POINTS, SLICE_POINTS
from mysql_s3_redshift.core.model import Window
from mysql_s3_redshift.errors import ExitCode
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.faults.launcher import Launcher
from mysql_s3_redshift_tests.faults.replication import Replication, new_replication
from mysql_s3_redshift_tests.faults.side_by_side import play_all
from mysql_s3_redshift_tests.faults.test_races import wait_until
from mysql_s3_redshift_tests.faults.test_slices import is_frozen

pytestmark = pytest.mark.faults

WINDOW = Window(datetime(2024, 1, 1), datetime(2024, 1, 4))  # noqa: DTZ001  data has no zone
ARGUMENTS = ("--from", "2024-01-01", "--to", "2024-01-04")
OPTIONS = {"cdc_strategy": "hybrid", "cdc_timestamp_column": "ts", "chunk_rows": 40, "slices": 3}
COLUMNS = "id, ts, v"

TURNS = {
    "extract.after_state_read": 2,  # 1 is the plan, 2 the step after all slices
    "extract.before_read": 3,
    "extract.during_read": 2,
    "extract.during_upload": 2,
    "extract.before_upload_completes": 4,
    "extract.after_upload": 3,
    "extract.before_commit": 5,  # 1 is the plan; of each slice a claim and its end; 8 all files
    "extract.after_commit": 8,
    "extract.before_finish": 1,
    "slice.after_plan": 1,
    "slice.after_claim": 2,
    "slice.before_end": 3,
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A table whose reload dies at a point."""

    point: str
    turn: int
    mode: str
    death: str
    workers_again: bool

    @property
    def table(self) -> str:
        return f"w_{self.point.replace('.', '_')}_{self.turn}"

    @property
    def is_registered(self) -> bool:
        """Whether the window's files are registered before the run dies."""
        return self.point == "extract.before_finish" or (
            self.point == "extract.after_commit" and self.turn == 8
        )


def cells() -> list[Cell]:
    """One cell a point, the commit of all files from both sides; all else in turn."""
    points = [*TURNS.items(), ("extract.before_commit", 8)]
    return [
        Cell(
            point=point,
            turn=turn,
            mode=("append", "upsert")[number % 2],
            death=("kill", "raise", "twice")[number % 3],
            workers_again=number % 4 != 3,
        )
        for number, (point, turn) in enumerate(points)
    ]


def test_every_point_of_a_reload_is_in_the_matrix() -> None:
    """A reload of a window fixes no ceiling."""
    extraction = {p for p in POINTS if p.startswith("extract.")}
    assert set(TURNS) == (set(SLICE_POINTS) | extraction) - {"extract.after_ceiling"}
    assert {(c.mode, c.death) for c in cells()} == {
        (mode, death) for mode in ("append", "upsert") for death in ("kill", "raise", "twice")
    }


@pytest.fixture(scope="module")
def shared(
    sandbox: SandboxStatus, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Replication]:
    """One database, prefix and schema for all cells."""
    with new_replication(sandbox, tmp_path_factory.mktemp("reloads")) as opened:
        yield opened


def test_a_reload_that_dies_anywhere_is_whole_after_the_next_one(
    shared: Replication, launchers: tuple[Launcher, Launcher]
) -> None:
    """I-01, I-05, I-24, I-35, H-01, H-20: never half, never twice, nothing of it lost."""
    for cell in cells():
        shared.table(cell.table, **OPTIONS, load_mode=cell.mode)
    play_all(cells(), launchers, partial(play, shared), log=shared.log)


def play(replication: Replication, launcher: Launcher, cell: Cell) -> None:
    """Run into the fault, once or twice, change rows, reload well, and compare."""
    create(replication, cell.table)
    before = replication.target_rows(cell.table, COLUMNS)
    action = "raise" if cell.death == "raise" else "kill"
    die(replication, launcher, cell, f"{cell.point}={action}@{cell.turn}")
    if cell.death == "twice":
        die(replication, launcher, cell, "extract.before_finish=raise")
    replication.load(cell.table)
    is_loaded = cell.is_registered or cell.death == "twice"
    assert (replication.target_rows(cell.table, COLUMNS) == before) is not is_loaded
    replication.sql(f"UPDATE `{cell.table}` SET v = v + 7, ts = NOW(6) WHERE id % 7 = 1")
    again = [*ARGUMENTS, *(["--workers"] if cell.workers_again else [])]
    assert replication.run(launcher, cell.table, *again) == 0
    behind = f"SELECT {COLUMNS} FROM `{cell.table}` WHERE v < 0 AND id % 7 <> 1"
    assert set(replication.sql(behind)) <= set(replication.target_rows(cell.table, COLUMNS))
    replication.sync(cell.table)
    source = replication.source_rows(cell.table, COLUMNS)
    target = replication.target_rows(cell.table, COLUMNS)
    assert {row: target[row] for row in source} == dict.fromkeys(source, 1)
    if cell.mode == "upsert":
        assert target == source
    replication.check_evidence(cell.table)
    state = replication.extract_state(cell.table)
    assert (state.mysql_state.status, state.mysql_state.reload) == ("success", None)
    assert state.next_seq == state.mysql_state.total_files + 1


def create(replication: Replication, table: str) -> None:
    """Sixty rows a day, all of them loaded, and then those of the window changed; see above."""
    replication.sql(
        f"CREATE TABLE `{table}` (id BIGINT PRIMARY KEY AUTO_INCREMENT, ts DATETIME(6) NOT NULL, "
        "v INT NOT NULL, pad VARBINARY(300), KEY (ts, id))",
        f"INSERT INTO `{table}` (ts, v, pad) SELECT '2023-12-31' + INTERVAL seq * 24 - 1 MINUTE, "
        "seq, RANDOM_BYTES(300) FROM seq_1_to_240",
    )
    replication.sync(table)
    replication.sql(f"UPDATE `{table}` SET v = -v, ts = ts WHERE ts >= '2024-01-01'")


def die(replication: Replication, launcher: Launcher, cell: Cell, fault: str) -> None:
    """Run into a fault, and see that it struck."""
    arguments = [*ARGUMENTS, "--workers", "extract"]
    if "during_upload" in fault:
        arguments += ["--part-bytes", "4096"]
    code = replication.run(launcher, cell.table, *arguments, faults=fault)
    assert code == (1 if "=raise" in fault else -9), f"{fault} did not strike: exit code {code}"


def test_a_worker_of_a_reload_that_wakes_after_its_successor_stops(
    shared: Replication, launcher: Launcher
) -> None:
    """H-26: another run has read its range and all is registered; exit code 8, nothing changed."""
    shared.table("zombie", **OPTIONS, load_mode="append")
    create(shared, "zombie")
    frozen = "slice.before_end=freeze@2"
    zombie = shared.start(launcher, "zombie", *ARGUMENTS, "--workers", "extract", faults=frozen)
    wait_until(lambda: is_frozen(zombie))
    assert shared.sync("zombie", window=WINDOW).extract.rows == 180
    state: Any = shared.extract_state("zombie")
    os.kill(zombie, signal.SIGCONT)
    assert launcher.wait() == ExitCode.STATE_CONFLICT
    assert shared.extract_state("zombie") == state
    assert shared.target_rows("zombie", COLUMNS) == shared.source_rows("zombie", COLUMNS)
    shared.check_evidence("zombie")
