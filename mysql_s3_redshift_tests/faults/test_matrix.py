"""The fault matrix: every fault point × every strategy × every load mode, all pairs.

Each cell runs a table into a fault, changes rows, and runs again without one. Then source and
target are compared by content, and state, ledger, manifests and objects by count. The driver is a
process of its own that dies by `kill -9`, fails by an exception, or dies once more before a run
gets through.

A table lives through several cells: it dies in its first phase at one point, and in increments at
others, so that every cell but the first begins where the one before ended.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from mysql_s3_redshift.core.faultpoints import POINTS
from mysql_s3_redshift_tests.faults.launcher import Launcher
from mysql_s3_redshift_tests.faults.replication import Replication, Rows
from mysql_s3_redshift_tests.faults.side_by_side import play_all

pytestmark = pytest.mark.faults

STRATEGIES = ("hybrid", "timestamp_only", "id_only", "full_sync", "custom_sql")
MODES = ("append", "upsert", "replace")
DEATHS = ("kill", "raise", "twice")
ONCE = {"extract.after_state_read", "extract.after_ceiling", "extract.before_finish"}
"""Points that a run passes once; those of chunks are passed for every chunk."""
NOT_APPENDED = "load.during_apply"
"""An append passes it in a window reload alone, which has a test of its own."""
PART_BYTES = 4096
COLUMNS = "id, ts, v, name, amount"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the matrix: a table dies at a point, in its first phase or in an increment."""

    point: str
    strategy: str
    mode: str
    death: str
    first: bool = True

    @property
    def table(self) -> str:
        return f"{self.strategy}_{self.mode}"

    @property
    def sees_updates(self) -> bool:
        return self.strategy != "id_only"

    @property
    def is_chunked(self) -> bool:
        """Whether a run reads several chunks: a query or ids cannot page through a snapshot."""
        whole = self.mode == "replace" and self.strategy in {"id_only", "custom_sql"}
        return self.point.startswith("extract.") and not whole


def _groups() -> dict[str, tuple[str, ...]]:
    """Points that one table goes through, each group with points of both halves."""
    ordinary = [point for point in POINTS if point != NOT_APPENDED]
    count = -(-len(ordinary) // 3)
    found = [tuple(ordinary[start::count]) for start in range(count)]
    return {"+".join(group): group for group in [*found, (NOT_APPENDED, NOT_APPENDED)]}


GROUPS = _groups()


def lives(group: Sequence[str]) -> list[list[Cell]]:
    """The cells of a group, table by table: one for each strategy, modes and deaths in turn."""
    offset = list(GROUPS.values()).index(tuple(group))
    modes = MODES[1:] if NOT_APPENDED in group else MODES
    found = []
    for number, strategy in enumerate(STRATEGIES):
        mode = modes[(number + offset) % len(modes)]
        turned = [group[(number + place) % len(group)] for place in range(len(group))]
        cells = [
            Cell(point, strategy, mode, DEATHS[(number + offset + list(POINTS).index(point)) % 3])
            for point in turned
            if (point, strategy) != ("extract.after_ceiling", "full_sync")  # it has no bound
        ]
        later = [Cell(c.point, c.strategy, c.mode, c.death, first=False) for c in cells[1:]]
        found.append([cells[0], *later])
    return found


def test_every_pair_of_point_strategy_and_mode_is_in_the_matrix() -> None:
    matrix = [cell for group in GROUPS.values() for life in lives(group) for cell in life]
    pairs = {
        "point, strategy": {(c.point, c.strategy) for c in matrix},
        "point, mode": {(c.point, c.mode) for c in matrix},
    }
    assert set(itertools.product(POINTS, STRATEGIES)) - pairs["point, strategy"] == {
        ("extract.after_ceiling", "full_sync")
    }
    assert set(itertools.product(POINTS, MODES)) - pairs["point, mode"] == {
        (NOT_APPENDED, "append")
    }
    assert {(c.strategy, c.mode) for c in matrix} == set(itertools.product(STRATEGIES, MODES))
    assert {(c.point, c.death) for c in matrix} == set(itertools.product(POINTS, DEATHS))
    assert {(c.point, c.first) for c in matrix} == set(itertools.product(POINTS, (True, False)))
    assert {(c.strategy, c.death) for c in matrix} == set(itertools.product(STRATEGIES, DEATHS))
    assert {(c.mode, c.death) for c in matrix} == set(itertools.product(MODES, DEATHS))


@pytest.mark.parametrize("points", GROUPS)
def test_a_run_that_dies_anywhere_is_made_good_by_the_next(
    points: str, replication: Replication, launchers: tuple[Launcher, Launcher]
) -> None:
    """H-01, H-20, H-21, I-01, I-05, I-34, I-35, I-36, I-38: nothing lost, doubled or half there."""
    tables = lives(GROUPS[points])
    for life in tables:
        declare(replication, life[0])
    play_all(tables, launchers, partial(play, replication), log=replication.log)


def declare(replication: Replication, cell: Cell) -> None:
    """Put the table of a cell into the pipeline."""
    options: dict[str, Any] = {"load_mode": cell.mode, "chunk_rows": 20}
    if cell.strategy in {"hybrid", "timestamp_only", "custom_sql"}:
        options["cdc_timestamp_column"] = "ts"
    if cell.strategy in {"hybrid", "id_only"}:
        options["cdc_id_column"] = "id"
    if cell.strategy == "custom_sql":
        source = f"{replication.database}.{cell.table}"
        options |= {"query": f"SELECT * FROM {source}", "primary_key": ["id"]}
    replication.table(cell.table, cdc_strategy=cell.strategy, **options)


@dataclass(slots=True)
class History:
    """What one table's rows have been.

    Attributes:
        versions: Every row as it was when a run began.
        rounds: How often rows were changed.
    """

    replication: Replication
    cell: Cell
    versions: Rows = field(default_factory=Counter)
    rounds: int = 0

    def note(self) -> None:
        """Remember every row as it is."""
        self.versions |= self.replication.source_rows(self.cell.table, COLUMNS)

    def change(self) -> None:
        """Insert rows, and update rows where the strategy can see that."""
        self.rounds += 1
        table = self.cell.table
        statements = [
            f"INSERT INTO `{table}` (v, name, amount, pad) SELECT seq, NULL, {self.rounds}, "
            "RANDOM_BYTES(600) FROM seq_1_to_44"
        ]
        if self.cell.sees_updates:
            statements.append(
                f"UPDATE `{table}` SET v = v + 1000 * {self.rounds} "
                f"WHERE id % 7 = {self.rounds % 7}"
            )
        self.replication.sql(*statements)
        self.note()


def play(replication: Replication, launcher: Launcher, cells: Sequence[Cell]) -> None:
    """Run into each fault, once or twice, change rows, run well, and compare."""
    create(replication, cells[0].table)
    history = History(replication, cells[0])
    history.note()
    for cell in cells:
        try:
            play_cell(replication, launcher, cell, history)
        except BaseException as error:
            error.add_note(str(cell))
            raise


def play_cell(replication: Replication, launcher: Launcher, cell: Cell, history: History) -> None:
    """One cell; the table is replicated, or new."""
    if not cell.first:
        history.change()
    action = "raise" if cell.death == "raise" else "kill"
    turn = 2 if cell.is_chunked and cell.point not in ONCE else 1
    die(replication, launcher, cell, f"{cell.point}={action}@{turn}")
    history.change()
    if cell.death == "twice":
        die(replication, launcher, cell, f"{cell.point}={action}")
        history.change()
    assert replication.run(launcher, cell.table) == 0
    compare(replication, cell, history.versions)


def create(replication: Replication, table: str) -> None:
    """60 rows; the padding makes files of several parts."""
    replication.sql(
        f"CREATE TABLE `{table}` (id BIGINT PRIMARY KEY AUTO_INCREMENT, "
        "ts DATETIME(6) NOT NULL DEFAULT NOW(6) ON UPDATE NOW(6), v INT NOT NULL, "
        "name VARCHAR(40), amount DECIMAL(12,2), pad VARBINARY(600), KEY (ts, id))",
        f"INSERT INTO `{table}` (v, name, amount, pad) SELECT seq, CONCAT('naïve \\'', seq), "
        "seq / 3, RANDOM_BYTES(600) FROM seq_1_to_60",
    )


def die(replication: Replication, launcher: Launcher, cell: Cell, fault: str) -> None:
    """Run into a fault, and see that it struck."""
    parts = ["--part-bytes", str(PART_BYTES)] if cell.point == "extract.during_upload" else []
    code = replication.run(launcher, cell.table, *parts, faults=fault)
    assert code == (1 if "=raise" in fault else -9), f"{fault} did not strike: exit code {code}"


def compare(replication: Replication, cell: Cell, journal: Rows) -> None:
    """The target is what the load mode promises, and all evidence agrees."""
    source = replication.source_rows(cell.table, COLUMNS)
    target = replication.target_rows(cell.table, COLUMNS)
    if cell.mode != "append":
        assert target == source
    else:
        assert set(source) <= set(target), "a row is lost"
        assert set(target) <= set(journal), "a row was never there"
        if cell.strategy != "full_sync":
            assert set(target.values()) == {1}, "a row version is doubled"
    replication.check_evidence(cell.table, superseded=cell.mode == "replace")
    assert replication.load_state(cell.table).redshift_state.status == "success"
    if cell.mode == "append":
        assert target.total() == replication.load_state(cell.table).redshift_state.total_rows


def test_a_window_reload_that_dies_leaves_the_window_as_it_was(
    replication: Replication, launcher: Launcher
) -> None:
    """H-25: delete and insert of a window are one transaction, in append mode too."""
    cell = Cell(NOT_APPENDED, "hybrid", "append", "kill")
    declare(replication, cell)
    create(replication, cell.table)
    replication.sql(f"UPDATE `{cell.table}` SET ts = '2024-01-01' + INTERVAL id MINUTE")
    assert replication.run(launcher, cell.table) == 0
    before = replication.target_rows(cell.table, COLUMNS)
    replication.sql(f"UPDATE `{cell.table}` SET v = -v, ts = ts WHERE id BETWEEN 20 AND 39")
    window = ("--from", "2024-01-01 00:20:00", "--to", "2024-01-01 00:40:00")
    fault = f"{NOT_APPENDED}=kill"
    assert replication.run(launcher, cell.table, *window, faults=fault) == -9
    assert replication.target_rows(cell.table, COLUMNS) == before
    assert replication.run(launcher, cell.table, "load") == 0
    assert replication.target_rows(cell.table, COLUMNS) == replication.source_rows(
        cell.table, COLUMNS
    )
    replication.check_evidence(cell.table)


def test_the_driver_is_a_program(replication: Replication) -> None:
    """What the launcher forks is what `python -m` runs: same exit codes, faults by environment."""

    replication.sql("CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)")
    replication.table("t")
    command = [sys.executable, "-m", "mysql_s3_redshift_tests.faults.driver"]
    command += ["--config", str(replication.config_path), "-t", f"{replication.database}.t"]
    faults = {"MYSQL_S3_REDSHIFT_FAULTS": "load.before_commit=kill"}
    assert subprocess.run(command, env=os.environ | faults, check=False).returncode == -9
    assert subprocess.run(command, check=False).returncode == 0
    assert replication.target_rows("t") == Counter({(1,): 1, (2,): 1})
