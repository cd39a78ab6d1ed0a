"""Syncs of a table of 3,000,000 rows of which 0, 100 or 10,000 changed since the last one."""

from __future__ import annotations

import json
import random
import statistics
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.query_log import is_set_up, logged_queries
from benchmarks.tables import NARROW_ROWS, make_tables
from benchmarks.timing import run_program
from benchmarks.workspace import DATABASE, Workspace

CHANGES = (0, 100, 10_000)
ROUNDS = 5
TIMEOUT = 240
NAME = "incremental"
IDLE = tuple(f"idle_{number:02}" for number in range(11))


def run(workspace: Workspace) -> dict[str, Any]:
    """Load once, then change rows and sync: by the engine alone and by the command line."""
    make_tables(workspace)
    workspace.forget(NAME)
    config = workspace.config(NAME, f"      {DATABASE}.orders: {{}}\n")
    _engine(config)
    results: dict[str, Any] = {}
    for changed in CHANGES:
        engine, pair, command = [], [], []
        for _ in range(ROUNDS):
            _change(workspace, changed)
            engine.append(_engine(config)["seconds"])
            _change(workspace, changed)
            whole, inside = _command(workspace, config, changed)
            command.append(whole)
            pair.append(inside)
        queries = _count_queries(workspace, config, changed)
        results[str(changed)] = {
            "engine": _spread(engine),
            "dagster": _spread(pair),
            "command": _spread(command),
            "queries": queries,
        }
        print(
            f"{changed:6} changed: engine {statistics.median(engine):.2f} s, in Dagster "
            f"{statistics.median(pair):.2f} s, command {statistics.median(command):.2f} s, "
            f"{queries['of_table']} queries",
            flush=True,
        )
    workspace.forget(NAME)
    return {**results, "idle_tables": _idle_tables(workspace)}


def _idle_tables(workspace: Workspace) -> dict[str, float]:
    """What each further table costs a command that finds nothing new in any of them."""
    with workspace.admin() as connection:
        for name in IDLE:
            connection.cursor().execute(f"CREATE OR REPLACE TABLE {name} LIKE orders")
            connection.cursor().execute(f"INSERT INTO {name} SELECT * FROM orders LIMIT 1000")
        connection.commit()
    workspace.forget("idle")
    config = workspace.config("idle", "".join(f"      {DATABASE}.{name}: {{}}\n" for name in IDLE))
    _sync(workspace, config, IDLE)
    one, all_of_them = [], []
    for _ in range(ROUNDS):
        one.append(_sync(workspace, config, IDLE[:1])[0])
        all_of_them.append(_sync(workspace, config, IDLE)[0])
    workspace.forget("idle")
    alone, together = statistics.median(one), statistics.median(all_of_them)
    further = (together - alone) / (len(IDLE) - 1)
    print(f"{len(IDLE)} idle tables: {together:.2f} s, each further {further:.2f} s", flush=True)
    return {"tables": len(IDLE), "one": alone, "all": together, "further": further}


def _change(workspace: Workspace, rows: int) -> None:
    """Touch rows all over the key."""
    if rows == 0:
        return
    with workspace.admin() as connection:
        step = NARROW_ROWS // rows
        first = random.randrange(1, step)
        ids = ", ".join(str(first + i * step) for i in range(rows))
        changed = connection.cursor().execute(
            "UPDATE orders SET quantity = quantity % 40 + 1, updated_at = NOW(6) "
            f"WHERE id IN ({ids})"
        )
        connection.commit()
    if changed != rows:
        raise RuntimeError(f"{changed} of {rows} rows were changed")


def _engine(config: Path) -> Mapping[str, Any]:
    program = [sys.executable, "-m", "benchmarks.programs.engine_sync", str(config), "orders"]
    done = run_program(program, timeout=TIMEOUT)
    if done.error:
        raise RuntimeError(done.error)
    return done.facts


def _command(workspace: Workspace, config: Path, changed: int) -> tuple[float, float]:
    """Seconds of the whole command, and of the table's run in Dagster that it tells."""
    wall, tables = _sync(workspace, config, ("orders",))
    (table,) = tables.values()
    if table["rows_extracted"] != changed:
        raise RuntimeError(f"{table['rows_extracted']} of {changed} rows")
    return wall, float(table["seconds"])


def _sync(
    workspace: Workspace, config: Path, tables: Sequence[str]
) -> tuple[float, dict[str, Any]]:
    """Run `sync`; returns its seconds and what it tells of each table."""
    tool = str(Path(sys.executable).with_name("mysql-s3-redshift"))
    output = workspace.folder / "sync.json"
    chosen = " ".join(f"-t {DATABASE}.{table}" for table in tables)
    line = f"exec {tool} --config {config} --json sync {chosen} > {output}"
    variables = {"DAGSTER_HOME": str(workspace.folder / "dagster")}
    (workspace.folder / "dagster").mkdir(exist_ok=True)
    done = run_program(["/bin/sh", "-c", line], timeout=TIMEOUT, environment=variables)
    if done.error:
        raise RuntimeError(done.error)
    return done.wall, json.loads(output.read_text())["tables"]


def _count_queries(workspace: Workspace, config: Path, changed: int) -> dict[str, Any]:
    """What one sync asks of MySQL, by the server's general log."""
    _change(workspace, changed)
    with logged_queries(workspace) as log:
        _engine(config)
    of_connection = sum(is_set_up(query) for query in log.asked)
    return {
        "of_table": len(log.asked) - of_connection,
        "of_connection": of_connection,
        "asked": dict(Counter(query[:160] for query in log.asked)),
    }


def _spread(seconds: list[float]) -> dict[str, float]:
    return {
        "seconds": statistics.median(seconds),
        "fastest": min(seconds),
        "slowest": max(seconds),
    }
