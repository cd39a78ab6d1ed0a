"""Late commits against a loop of syncs: nothing may be lost or doubled, for any strategy.

    python -m mysql_s3_redshift_tests.faults.stress --seconds 600

Every table is replicated twice, by two pipelines of one source: one appends, one upserts. At the
end the appended table must have every row's newest version, no version twice, and none that was
never committed; the upserted table must equal the source.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from mysql_s3_redshift.core import extraction
from mysql_s3_redshift.core.ceiling import Ceiling, fix_ceiling
from mysql_s3_redshift.core.cursors import EPOCH
from mysql_s3_redshift.core.plan import ResolvedTable
from mysql_s3_redshift.core.ports import Source
from mysql_s3_redshift.core.state import MysqlState
from mysql_s3_redshift.errors import ReplicationError
from mysql_s3_redshift.sandbox import sandbox as sandboxes
from mysql_s3_redshift_tests.faults.replication import Replication, new_replication
from mysql_s3_redshift_tests.faults.traffic import DATETIME, EPOCH_MS, TrafficTable, traffic
from mysql_s3_redshift_tests.servers import new_sandbox_folder

STRATEGIES: dict[str, dict[str, Any]] = {
    "hybrid": {"cdc_timestamp_column": "ts", "cdc_id_column": "id"},
    "timestamp_only": {"cdc_timestamp_column": "ts"},
    "id_only": {"cdc_id_column": "id"},
    "custom_sql": {"cdc_timestamp_column": "ts", "primary_key": ["id"]},
    "epoch": {
        "cdc_strategy": "timestamp_only",
        "cdc_timestamp_column": "ts",
        "cdc_timestamp_unit": "epoch_ms",
    },
}
WAITS = (0.1, 0.5, 3.0, 10.0)
"""Seconds that a run waits for open work, in turn: some prove their bound, some are held."""
COLUMNS = "id, version, ts, note"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one table's rows.

    Attributes:
        written: Row versions that were committed.
        expected: Row versions that the two targets must have.
        lost: Those that they do not have.
        doubled: Row versions that are there twice or were never committed.
        syncs: Runs of both pipelines together.
    """

    written: int
    expected: int
    lost: int
    doubled: int
    syncs: int

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(
            self.written + other.written,
            self.expected + other.expected,
            self.lost + other.lost,
            self.doubled + other.doubled,
            self.syncs + other.syncs,
        )

    def __str__(self) -> str:
        return (
            f"rows written {self.written}, versions expected {self.expected}, "
            f"lost {self.lost}, doubled {self.doubled}"
        )


def stress(
    replication: Replication, strategies: list[str], seconds: float, *, seed: int = 0
) -> dict[str, Outcome]:
    """Write and sync some tables for a while, then compare."""
    tables = {name: declare(replication, name) for name in strategies}
    stopped = threading.Event()
    syncs: Counter[str] = Counter()
    failures: list[BaseException] = []
    loops = [
        threading.Thread(target=_sync_loop, args=(replication, name, stopped, syncs, failures))
        for name in strategies
    ]
    with traffic(replication, list(tables.values()), seed=seed) as running:
        for loop in loops:
            loop.start()
        time.sleep(seconds)
        running.stop()
        stopped.set()
        for loop in loops:
            loop.join(120)
    if failures:
        raise failures[0]
    for name in strategies:
        _sync_both(replication, name)
    return {name: compare(replication, name, syncs[name]) for name in strategies}


def declare(replication: Replication, strategy: str) -> TrafficTable:
    """Create a strategy's table and put it into both pipelines."""
    table = TrafficTable(
        strategy,
        stamp=EPOCH_MS if strategy == "epoch" else DATETIME,
        updates=strategy != "id_only",
    )
    table.create(replication)
    options: dict[str, Any] = {"cdc_strategy": strategy, "chunk_rows": 50, **STRATEGIES[strategy]}
    if strategy == "custom_sql":
        options["query"] = f"SELECT * FROM {replication.database}.{strategy}"
    replication.table(strategy, **options, load_mode="append")
    name = f"{replication.database}.{strategy}"
    upserted = {**options, "load_mode": "upsert", "target_name": f"{strategy}_upserted"}
    second: dict[str, Any] = {"source": "db", "storage": "lake", "target": "warehouse"}
    second |= {"target_schema": replication.schema, "tables": {}}
    replication.more.setdefault("q", second)["tables"][name] = upserted
    return table


def _sync_loop(
    replication: Replication,
    strategy: str,
    stopped: threading.Event,
    syncs: Counter[str],
    failures: list[BaseException],
) -> None:
    try:
        while not stopped.is_set():
            _sync_both(replication, strategy)
            syncs[strategy] += 2
    except ReplicationError as error:
        failures.append(error)


def _sync_both(replication: Replication, strategy: str) -> None:
    for pipeline in ("p", "q"):
        replication.sync(strategy, pipeline=pipeline)


def compare(replication: Replication, strategy: str, syncs: int) -> Outcome:
    """Count what is lost and doubled in both targets."""
    source = replication.source_rows(strategy, COLUMNS)
    journal = replication.sql(f"SELECT id, version FROM {strategy}_journal")
    appended = replication.target_rows(strategy, COLUMNS)
    upserted = replication.target_rows(f"{strategy}_upserted", COLUMNS)
    known = set(journal)
    versions = Counter({row[:2]: count for row, count in appended.items()})
    unknown = sum(count for version, count in versions.items() if version not in known)
    twice = sum(count - 1 for count in versions.values()) + (len(appended) - len(versions))
    lost = sum(1 for row in source if row not in appended) + (source - upserted).total()
    doubled = twice + unknown + (upserted - source).total()
    return Outcome(len(journal), 2 * len(source), lost, doubled, syncs)


# -- ceilings ---------------------------------------------------------------------------------


@contextmanager
def impatient_ceiling() -> Iterator[None]:
    """The product's ceiling, waiting for open work longer or shorter from run to run."""
    chance = random.Random(7)

    def fix(table: ResolvedTable, state: MysqlState, source: Source) -> Ceiling:
        return fix_ceiling(table, state, source, max_wait=chance.choice(WAITS))

    with patch.object(extraction, "fix_ceiling", fix):
        yield


@contextmanager
def no_ceiling() -> Iterator[None]:
    """The bound that everybody else takes: the newest value that is visible now."""

    def fix(table: ResolvedTable, _state: MysqlState, source: Source) -> Ceiling:
        newest = source.newest(table)
        if isinstance(newest, int) and table.cursor.timestamp is not None:
            return Ceiling(EPOCH + timedelta(milliseconds=newest + 1), "naive")
        if newest is not None and table.cursor.timestamp is not None:
            return Ceiling(newest + timedelta(microseconds=1), "naive")  # type: ignore[operator]
        return Ceiling(newest, "naive")

    with patch.object(extraction, "fix_ceiling", fix):
        yield


def main(arguments: list[str] | None = None) -> int:
    """Run for some time; the last line tells what was written, expected, lost and doubled."""
    parser = argparse.ArgumentParser(description="Late commits against a loop of syncs.")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}")
    total = Outcome(0, 0, 0, 0, 0)
    with new_sandbox_folder() as folder, tempfile.TemporaryDirectory() as config:
        sandbox = sandboxes.up(folder)
        with new_replication(sandbox, Path(config)) as replication, impatient_ceiling():
            found = stress(replication, list(STRATEGIES), options.seconds, seed=options.seed)
    for strategy, outcome in found.items():
        print(f"{strategy}: {outcome} ({outcome.syncs} syncs)")
        total += outcome
    print(total)
    return 1 if total.lost or total.doubled else 0


if __name__ == "__main__":
    sys.exit(main())
