"""The fault matrix: every fault point × every strategy × every load mode, all pairs.

Each cell runs a table of 300 rows in chunks of 100 into a fault, changes rows, and runs again
without one. Then source and target are compared by content, and state, ledger, manifests and
objects by count. The driver is a process of its own that dies by `kill -9`, fails by an exception,
or dies in the first phase and once more in the incremental one.
"""

from __future__ import annotations

import itertools
import os
import queue
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from mysql_s3_redshift.core.faultpoints import POINTS
from mysql_s3_redshift_tests.faults.launcher import Launcher
from mysql_s3_redshift_tests.faults.replication import Replication, Rows

pytestmark = pytest.mark.faults

STRATEGIES = ("hybrid", "timestamp_only", "id_only", "full_sync", "custom_sql")
MODES = ("append", "upsert", "replace")
DEATHS = ("kill", "raise", "twice")
ONCE = {"extract.after_state_read", "extract.after_ceiling", "extract.before_finish"}
"""Points that a run passes once; those of chunks are passed for every chunk."""
PART_BYTES = 4096
COLUMNS = "id, ts, v, name, amount"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the matrix."""

    point: str
    strategy: str
    mode: str
    death: str
    incremental: bool

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


def cells(point: str) -> list[Cell]:
    """The cells of one point: every strategy, modes and deaths in turn."""
    offset = sorted(POINTS).index(point)
    found = []
    for number, strategy in enumerate(STRATEGIES):
        mode = MODES[(number + offset) % 3]
        if point == "load.during_apply" and mode == "append":
            mode = "upsert"  # an append passes it in a window reload alone, tested below
        if point == "extract.after_ceiling" and strategy == "full_sync":
            continue  # a whole table has no bound
        death = DEATHS[(number + offset // 3) % 3]
        found.append(Cell(point, strategy, mode, death, incremental=(number + offset) % 2 == 0))
    return found


def test_every_pair_of_point_strategy_and_mode_is_in_the_matrix() -> None:
    matrix = [cell for point in POINTS for cell in cells(point)]
    assert {(c.strategy, c.mode) for c in matrix} == set(itertools.product(STRATEGIES, MODES))
    by_strategy = {(c.point, c.strategy) for c in matrix}
    assert set(itertools.product(POINTS, STRATEGIES)) - by_strategy == {
        ("extract.after_ceiling", "full_sync")
    }
    missing = set(itertools.product(POINTS, MODES)) - {(c.point, c.mode) for c in matrix}
    assert missing == {("load.during_apply", "append")}
    deaths = {(c.point, c.death) for c in matrix}
    assert deaths == set(itertools.product(POINTS, DEATHS))


@pytest.mark.parametrize("point", POINTS)
def test_a_run_that_dies_anywhere_is_made_good_by_the_next(
    point: str, replication: Replication, launchers: tuple[Launcher, Launcher]
) -> None:
    """H-01, H-20, H-21, I-01, I-05, I-34, I-35, I-36, I-38: nothing lost, doubled or half there."""
    free: queue.Queue[Launcher] = queue.Queue()
    for one in launchers:
        free.put(one)
    matrix = cells(point)
    for cell in matrix:
        declare(replication, cell)
    path = replication.config_path

    def run_cell(cell: Cell) -> None:
        launcher = free.get()
        try:
            play(replication, launcher, cell)
        finally:
            free.put(launcher)

    with ThreadPoolExecutor(len(launchers)) as pool:
        outcomes = [(cell, pool.submit(run_cell, cell)) for cell in matrix]
    problems = {cell: outcome.exception() for cell, outcome in outcomes if outcome.exception()}
    assert not problems, f"{problems}\n{path.with_name('driver.log').read_text()[-3000:]}"


def declare(replication: Replication, cell: Cell) -> None:
    """Put the table of a cell into the pipeline."""
    options: dict[str, Any] = {"load_mode": cell.mode, "chunk_rows": 100}
    if cell.strategy in {"hybrid", "timestamp_only", "custom_sql"}:
        options["cdc_timestamp_column"] = "ts"
    if cell.strategy in {"hybrid", "id_only"}:
        options["cdc_id_column"] = "id"
    if cell.strategy == "custom_sql":
        source = f"{replication.database}.{cell.table}"
        options |= {"query": f"SELECT * FROM {source}", "primary_key": ["id"]}
    replication.table(cell.table, cdc_strategy=cell.strategy, **options)


def play(replication: Replication, launcher: Launcher, cell: Cell) -> None:
    """Run into the fault, once or twice, change rows, run well, and compare."""
    table, journal = cell.table, Counter[tuple[Any, ...]]()
    create(replication, table)
    journal |= replication.source_rows(table, COLUMNS)
    if cell.incremental:
        assert replication.run(launcher, table) == 0
        change(replication, cell, 1)
        journal |= replication.source_rows(table, COLUMNS)
    action = "raise" if cell.death == "raise" else "kill"
    turn = 2 if cell.is_chunked and cell.point not in ONCE else 1
    die(replication, launcher, cell, f"{cell.point}={action}@{turn}")
    change(replication, cell, 2)
    journal |= replication.source_rows(table, COLUMNS)
    if cell.death == "twice":
        die(replication, launcher, cell, f"{cell.point}={action}")
        change(replication, cell, 3)
        journal |= replication.source_rows(table, COLUMNS)
    assert replication.run(launcher, table) == 0
    compare(replication, cell, journal)


def create(replication: Replication, table: str) -> None:
    """300 rows; the padding makes files of many parts."""
    replication.sql(
        f"CREATE TABLE `{table}` (id BIGINT PRIMARY KEY AUTO_INCREMENT, "
        "ts DATETIME(6) NOT NULL DEFAULT NOW(6) ON UPDATE NOW(6), v INT NOT NULL, "
        "name VARCHAR(40), amount DECIMAL(12,2), pad VARBINARY(300), KEY (ts, id))",
        f"INSERT INTO `{table}` (v, name, amount, pad) SELECT seq, CONCAT('naïve \\'', seq), "
        "seq / 3, RANDOM_BYTES(300) FROM seq_1_to_300",
    )


def change(replication: Replication, cell: Cell, round_number: int) -> None:
    """Insert rows, and update rows where the strategy can see that."""
    statements = [
        f"INSERT INTO `{cell.table}` (v, name, amount, pad) SELECT seq, NULL, {round_number}, "
        "RANDOM_BYTES(300) FROM seq_1_to_220"
    ]
    if cell.sees_updates:
        statements.append(
            f"UPDATE `{cell.table}` SET v = v + 1000 * {round_number} WHERE id % 7 = {round_number}"
        )
    replication.sql(*statements)


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
    cell = Cell("load.during_apply", "hybrid", "append", "kill", incremental=False)
    declare(replication, cell)
    create(replication, cell.table)
    replication.sql(f"UPDATE `{cell.table}` SET ts = '2024-01-01' + INTERVAL id MINUTE")
    assert replication.run(launcher, cell.table) == 0
    before = replication.target_rows(cell.table, COLUMNS)
    replication.sql(f"UPDATE `{cell.table}` SET v = -v, ts = ts WHERE id BETWEEN 60 AND 119")
    window = ("--from", "2024-01-01 01:00:00", "--to", "2024-01-01 02:00:00")
    fault = "load.during_apply=kill"
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
