"""Syncs of a table of 3,000,000 rows of which 0, 100 or 10,000 changed since the last one."""

from __future__ import annotations

import json
import random
import statistics
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.tables import NARROW_ROWS, make_tables
from benchmarks.timing import run_program
from benchmarks.workspace import DATABASE, Workspace

CHANGES = (0, 100, 10_000)
ROUNDS = 5
TIMEOUT = 240
NAME = "incremental"

SET_UP = (
    "SET ",
    "SHOW ",
    "SELECT VERSION",
    "START ",
    "ROLLBACK",
    "/* MYSQL-S3-REDSHIFT */ SELECT 1",
)
"""Statements that a connection begins with, once, and those that only open and end a snapshot."""


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
    return results


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
    tool = str(Path(sys.executable).with_name("mysql-s3-redshift"))
    output = workspace.folder / "sync.json"
    line = f"exec {tool} --config {config} --json sync -t {DATABASE}.orders > {output}"
    variables = {"DAGSTER_HOME": str(workspace.folder / "dagster")}
    (workspace.folder / "dagster").mkdir(exist_ok=True)
    done = run_program(["/bin/sh", "-c", line], timeout=TIMEOUT, environment=variables)
    (table,) = json.loads(output.read_text())["tables"].values()
    if done.error or table["rows_extracted"] != changed:
        raise RuntimeError(f"{table['rows_extracted']} of {changed} rows. {done.error}")
    return done.wall, float(table["seconds"])


def _count_queries(workspace: Workspace, config: Path, changed: int) -> dict[str, Any]:
    """What one sync asks of MySQL, by the server's general log."""
    _change(workspace, changed)
    user = workspace.sandbox.mysql_reader.user
    with workspace.admin() as connection:
        cursor = connection.cursor()
        cursor.execute("SET GLOBAL log_output = 'TABLE'")
        cursor.execute("TRUNCATE mysql.general_log")
        cursor.execute("SET GLOBAL general_log = ON")
        try:
            _engine(config)
        finally:
            cursor.execute("SET GLOBAL general_log = OFF")
        cursor.execute(
            "SELECT argument FROM mysql.general_log WHERE user_host LIKE %s "
            "AND command_type IN ('Query', 'Execute') ORDER BY event_time",
            (f"{user}%",),
        )
        asked = [str(_text(argument)).lstrip() for (argument,) in cursor.fetchall()]
    set_up = [query for query in asked if query.upper().startswith(SET_UP)]
    return {
        "of_table": len(asked) - len(set_up),
        "of_connection": len(set_up),
        "asked": dict(Counter(query[:160] for query in asked)),
    }


def _text(argument: bytes | str) -> str:
    return argument.decode(errors="replace") if isinstance(argument, bytes) else argument


def _spread(seconds: list[float]) -> dict[str, float]:
    return {
        "seconds": statistics.median(seconds),
        "fastest": min(seconds),
        "slowest": max(seconds),
    }
