"""The order in which a first load reads: by the key, or by the cursor's index.

The buffer pool is made smaller than the table. By the key, pages are read once and in order. By a
secondary index every row is a page of its own, somewhere; the more of the table has to come from
the disk, the slower.
"""

from __future__ import annotations

import statistics
import sys
from typing import Any

from benchmarks.tables import NARROW_ROWS, make_tables
from benchmarks.timing import Run, run_program
from benchmarks.workspace import DATABASE, Workspace

POOL_BYTES = 64 << 20
ROUNDS = 3
TIMEOUT = 120
WAYS = {"key": NARROW_ROWS, "cursor": 200_000}
"""Rows read each way: by the cursor's index a part of the table has to do."""


def run(workspace: Workspace) -> dict[str, Any]:
    """Read `orders` both ways, in turn, under a small buffer pool."""
    make_tables(workspace)
    config = workspace.config("initial_load", f"      {DATABASE}.orders: {{}}\n")
    found: dict[str, list[Run]] = {way: [] for way in WAYS}
    with workspace.admin() as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT @@innodb_buffer_pool_size")
        (before,) = cursor.fetchone() or (0,)
        cursor.execute(
            "SELECT data_length, index_length FROM information_schema.tables "
            "WHERE table_schema = %s AND table_name = 'orders'",
            (DATABASE,),
        )
        data_bytes, index_bytes = cursor.fetchone() or (0, 0)
        cursor.execute(f"SET GLOBAL innodb_buffer_pool_size = {POOL_BYTES}")
        try:
            for _ in range(ROUNDS):
                for way, rows in WAYS.items():
                    found[way].append(_once(workspace, str(config), way, rows))
        finally:
            cursor.execute(f"SET GLOBAL innodb_buffer_pool_size = {before}")
    return {
        "pool_bytes": POOL_BYTES,
        "data_bytes": data_bytes,
        "index_bytes": index_bytes,
        **{way: _rate(runs, WAYS[way]) for way, runs in found.items()},
    }


def _once(workspace: Workspace, config: str, way: str, rows: int) -> Run:
    folder = workspace.output(f"initial-{way}")
    program = [sys.executable, "-m", "benchmarks.programs.engine_extract", config, "orders"]
    options = [str(folder), "--by", way, "--rows", str(rows)]
    done = run_program([*program, *options], timeout=TIMEOUT)
    workspace.output(folder.name)
    if done.error or done.facts["rows"] != rows:
        raise RuntimeError(f"by {way}: {done.facts.get('rows')} of {rows} rows. {done.error}")
    print(f"by {way:7} {rows:9,} rows {done.seconds:6.1f} s", flush=True)
    return done


def _rate(runs: list[Run], rows: int) -> dict[str, Any]:
    seconds = [run.seconds for run in runs]
    middle = statistics.median(seconds)
    return {
        "rows": rows,
        "seconds": middle,
        "fastest": min(seconds),
        "slowest": max(seconds),
        "rows_per_second": rows / middle,
    }
