"""A tick of the sensor over 500 tables: how long it takes, and how much it asks of MySQL."""

from __future__ import annotations

import shutil
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from benchmarks.query_log import is_set_up, logged_queries
from benchmarks.timing import Run, run_program
from benchmarks.workspace import Workspace
from mysql_s3_redshift.adapters import pair
from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.config import Config, load
from mysql_s3_redshift.core.extraction import ExtractRequest
from mysql_s3_redshift.core.load import LoadRequest
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.state import new_run_id
from mysql_s3_redshift.defs.names import extract_key, load_key, run_tags, sync_job_name

TABLES = 500
ROWS = 100
MOVED = (0, 10, TABLES)
RUNS_BEFORE = 4
"""Runs of each table in the history that a tick reads."""
TICKS = 6
TIMEOUT = 180
NAME = "sensor"
DATABASE = "bench_sensor"


def run(workspace: Workspace) -> dict[str, Any]:
    """Sync 500 tables once, give some of them a new row, and look at the ticks."""
    path = _make(workspace)
    config = load(path)
    _sync_all(config)
    home = workspace.folder / "sensor_home"
    _write_history(home, config.plans())
    results: dict[str, Any] = {}
    for moved in MOVED:
        _move(workspace, moved)
        timed = _ticks(path, home)
        with logged_queries(workspace) as log:
            _ticks(path, home)
        queries = [
            sum(not is_set_up(query) for query in queries) for queries in log.by_connection.values()
        ]
        first, *others = timed.facts["ticks"]
        if {tick["asked"] for tick in (first, *others)} != {moved}:
            raise RuntimeError(f"{moved} tables moved, runs were asked for {first['asked']}")
        seconds = sorted(tick["seconds"] for tick in others)
        results[str(moved)] = {
            "first": first["seconds"],
            "seconds": seconds[len(seconds) // 2],
            "fastest": seconds[0],
            "slowest": seconds[-1],
            "queries_of_first": queries[0],
            "queries": max(queries[1:]),
            "building": timed.facts["building"],
        }
        print(f"{moved:4} of {TABLES} moved: {results[str(moved)]}", flush=True)
    return {"tables": TABLES, "runs_before": RUNS_BEFORE * TABLES, "moved": results}


def _make(workspace: Workspace) -> Path:
    """Make the tables anew, with nothing of them on S3 or in the target."""
    workspace.forget(NAME)
    with workspace.admin(None) as connection:
        cursor = connection.cursor()
        cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE}")
        cursor.execute(f"CREATE DATABASE {DATABASE}")
    with workspace.admin(DATABASE) as connection:
        for name in _names():
            connection.cursor().execute(
                f"CREATE TABLE {name} (id BIGINT AUTO_INCREMENT PRIMARY KEY, "
                "note VARCHAR(40), updated_at DATETIME(6) NOT NULL, KEY (updated_at, id))"
            )
        _insert(connection, _names(), ROWS)
    tables = "".join(f"      {DATABASE}.{name}: {{}}\n" for name in _names())
    return workspace.config(NAME, tables)


def _names() -> list[str]:
    return [f"t{number:03}" for number in range(TABLES)]


def _insert(connection: Any, tables: Sequence[str], rows: int) -> None:
    for name in tables:
        connection.cursor().execute(
            f"INSERT INTO {name} (note, updated_at) "
            f"SELECT CONCAT('note ', seq), NOW(6) FROM seq_1_to_{rows}"
        )
    connection.commit()


def _move(workspace: Workspace, tables: int) -> None:
    """Give some tables a row that nothing extracted yet."""
    with workspace.admin(DATABASE) as connection:
        _insert(connection, _names()[:tables], 1)


def _sync_all(config: Config) -> None:
    """Bring all tables to where the sensor has nothing to do."""
    with Connections(config) as connections:
        for plan in config.plans():
            described = pair.describe(plan, connections)
            request = ExtractRequest(new_run_id())
            extracted = pair.extract_table(described, request, connections, _nobody)
            load_request = LoadRequest(new_run_id())
            pair.load_table(plan, extracted.state, load_request, connections, _nobody)


def _nobody(*_event: object) -> None:
    """Nobody watches."""


def _write_history(home: Path, plans: Sequence[TablePlan]) -> None:
    """Give the instance the runs that a pipeline has behind it after a while."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        for plan in [plan for plan in plans for _ in range(RUNS_BEFORE)]:
            instance.add_run(
                dg.DagsterRun(
                    job_name=sync_job_name(plan.pipeline),
                    run_id=str(uuid.uuid4()),
                    asset_selection=frozenset({extract_key(plan), load_key(plan)}),
                    status=dg.DagsterRunStatus.SUCCESS,
                    tags=run_tags(plan),
                )
            )


def _ticks(config: Path, home: Path) -> Run:
    program = [sys.executable, "-m", "benchmarks.programs.sensor_ticks", str(config), str(home)]
    done = run_program([*program, "--ticks", str(TICKS)], timeout=TIMEOUT)
    if done.error:
        raise RuntimeError(done.error)
    return done
