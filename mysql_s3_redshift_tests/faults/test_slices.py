"""Faults inside slices: every point of an extraction, in a worker, and what only workers pass.

Each cell is a table of 300 rows in three slices. Its run dies at a point inside a slice (by
`kill -9`, by an exception, or by both in a row), rows change, and another run goes on, in steps or
in one. Then source and target are compared by content, and all evidence by count.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mysql_s3_redshift.core.faultpoints import POINTS, SLICE_POINTS
from mysql_s3_redshift.errors import ExitCode
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.faults.launcher import Launcher
from mysql_s3_redshift_tests.faults.replication import Replication, new_replication
from mysql_s3_redshift_tests.faults.side_by_side import play_all
from mysql_s3_redshift_tests.faults.test_races import wait_until

pytestmark = pytest.mark.faults

STRATEGIES: dict[str, dict[str, Any]] = {
    "hybrid": {"cdc_timestamp_column": "ts", "cdc_id_column": "id"},
    "timestamp_only": {"cdc_timestamp_column": "ts"},
    "id_only": {"cdc_id_column": "id"},
}
TURNS = {
    "extract.after_state_read": 2,  # 1 is the plan, 2 the step after all slices
    "extract.after_ceiling": 2,
    "extract.before_read": 5,
    "extract.during_read": 4,
    "extract.during_upload": 2,
    "extract.before_upload_completes": 4,
    "extract.after_upload": 5,
    "extract.before_commit": 6,  # 1 is the plan; the first slice: 2 its claim, 3 to 5 its chunks
    "extract.after_commit": 7,
    "extract.before_finish": 1,
    "slice.after_plan": 1,
    "slice.after_claim": 2,
    "slice.before_end": 2,
}
COLUMNS = "id, ts, v"


@dataclass(frozen=True, slots=True)
class Cell:
    """A table whose run dies at a point."""

    point: str
    turn: int
    strategy: str
    mode: str
    death: str
    workers_again: bool

    @property
    def table(self) -> str:
        return f"t_{self.point.replace('.', '_')}_{self.turn}"


def cells() -> list[Cell]:
    """One cell a point, and commits of the plan and of a claim too; all else in turn."""
    points = [*TURNS.items(), ("extract.before_commit", 1), ("extract.after_commit", 2)]
    return [
        Cell(
            point=point,
            turn=turn,
            strategy=tuple(STRATEGIES)[number % 3],
            mode=("append", "upsert")[number // 3 % 2],
            death=("kill", "raise", "twice")[number // 2 % 3],
            workers_again=number % 4 != 3,
        )
        for number, (point, turn) in enumerate(points)
    ]


def test_every_point_of_an_extraction_is_in_the_matrix() -> None:
    assert set(TURNS) == set(SLICE_POINTS) | {p for p in POINTS if p.startswith("extract.")}
    assert {(c.strategy, c.mode) for c in cells()} == {
        (strategy, mode) for strategy in STRATEGIES for mode in ("append", "upsert")
    }
    assert {c.death for c in cells()} == {"kill", "raise", "twice"}


@pytest.fixture(scope="module")
def shared(
    sandbox: SandboxStatus, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Replication]:
    """One database, prefix and schema for all cells."""
    with new_replication(sandbox, tmp_path_factory.mktemp("slices")) as opened:
        yield opened


def test_a_slice_that_dies_anywhere_is_made_good_by_the_next_run(
    shared: Replication, launchers: tuple[Launcher, Launcher]
) -> None:
    """I-01, I-05, I-24, I-34, I-35, H-01, H-20: nothing lost, doubled or counted wrongly."""
    for cell in cells():
        options = STRATEGIES[cell.strategy] | {"cdc_strategy": cell.strategy, "chunk_rows": 40}
        shared.table(cell.table, slices=3, load_mode=cell.mode, **options)
    play_all(cells(), launchers, partial(play, shared), log=shared.log)


def play(replication: Replication, launcher: Launcher, cell: Cell) -> None:
    """Run into the fault, once or twice, change rows, run well, and compare."""
    create(replication, cell.table)
    journal = replication.source_rows(cell.table, COLUMNS)
    action = "raise" if cell.death == "raise" else "kill"
    die(replication, launcher, cell, f"{cell.point}={action}@{cell.turn}")
    change(replication, cell, 1)
    journal |= replication.source_rows(cell.table, COLUMNS)
    if cell.death == "twice":
        die(replication, launcher, cell, "extract.after_upload=raise")
        change(replication, cell, 2)
        journal |= replication.source_rows(cell.table, COLUMNS)
    arguments = ["--workers"] if cell.workers_again else []
    assert replication.run(launcher, cell.table, *arguments) == 0
    compare(replication, cell, journal)


def create(replication: Replication, table: str) -> None:
    """300 rows; the padding makes files of many parts."""
    replication.sql(
        f"CREATE TABLE `{table}` (id BIGINT PRIMARY KEY AUTO_INCREMENT, ts DATETIME(6) NOT NULL "
        "DEFAULT NOW(6) ON UPDATE NOW(6), v INT NOT NULL, pad VARBINARY(300), KEY (ts, id))",
        f"INSERT INTO `{table}` (v, pad) SELECT seq, RANDOM_BYTES(300) FROM seq_1_to_300",
    )


def change(replication: Replication, cell: Cell, number: int) -> None:
    """Insert rows, and update rows of every slice where the strategy can see that."""
    replication.sql(
        f"INSERT INTO `{cell.table}` (v, pad) SELECT -seq, RANDOM_BYTES(300) FROM seq_1_to_90"
    )
    if cell.strategy != "id_only":
        replication.sql(f"UPDATE `{cell.table}` SET v = v + 1000 WHERE id % 7 = {number}")


def die(replication: Replication, launcher: Launcher, cell: Cell, fault: str) -> None:
    """Run into a fault, and see that it struck."""
    arguments = ["--workers"]
    if "during_upload" in fault:
        arguments += ["--part-bytes", "4096"]
    code = replication.run(launcher, cell.table, *arguments, faults=fault)
    assert code == (1 if "=raise" in fault else -9), f"{fault} did not strike: exit code {code}"


def compare(replication: Replication, cell: Cell, journal: Counter[tuple[Any, ...]]) -> None:
    """The target is what the load mode promises, and all evidence agrees."""
    source = replication.source_rows(cell.table, COLUMNS)
    target = replication.target_rows(cell.table, COLUMNS)
    if cell.mode == "upsert":
        assert target == source
    assert set(source) <= set(target), "a row is lost"
    assert set(target) <= set(journal), "a row was never there"
    assert set(target.values()) == {1}, "a row is doubled"
    replication.check_evidence(cell.table)
    state = replication.extract_state(cell.table)
    assert (state.mysql_state.status, state.mysql_state.phase) == ("success", "incremental")
    assert state.next_seq == state.mysql_state.total_files + 1
    assert replication.load_state(cell.table).loaded_through == state.mysql_state.total_files


@pytest.mark.parametrize("fault", ["extract.before_commit=freeze@4", "slice.after_claim=freeze@2"])
def test_a_worker_that_wakes_after_its_successor_stops(
    shared: Replication, launcher: Launcher, fault: str
) -> None:
    """H-26, I-34: another run has read its range meanwhile; exit code 8, nothing changed."""
    table = f"zombie_{fault[-1]}"
    create(shared, table)
    options = STRATEGIES["id_only"] | {"cdc_strategy": "id_only", "chunk_rows": 40}
    shared.table(table, slices=3, load_mode="append", **options)
    zombie = shared.start(launcher, table, "--workers", "extract", faults=fault)
    wait_until(lambda: is_frozen(zombie))
    assert shared.sync(table).extract.state.mysql_state.phase == "incremental"
    state = shared.extract_state(table)
    os.kill(zombie, signal.SIGCONT)
    assert launcher.wait() == ExitCode.STATE_CONFLICT
    assert shared.extract_state(table) == state
    assert shared.target_rows(table, COLUMNS) == shared.source_rows(table, COLUMNS)
    shared.check_evidence(table)


def is_frozen(process: int) -> bool:
    """Whether a process has stopped itself."""
    stat = Path(f"/proc/{process}/stat").read_text(encoding="ascii")
    return stat.rpartition(")")[2].split()[0] == "T"
