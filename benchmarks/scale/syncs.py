"""One `sync` of many small tables by the command line: the first, and one that finds nothing."""

from __future__ import annotations

import os
import time
from typing import Any

from benchmarks.scale.many_tables import ROWS, known_pipeline, make_pipeline, make_tables
from benchmarks.workspace import Workspace
from mysql_s3_redshift.config import Config, load
from mysql_s3_redshift.defs.instance import open_instance
from mysql_s3_redshift.defs.sync import SyncOptions, sync_tables

SIZES = (100,)
THOUSAND = 1_000


def run(workspace: Workspace) -> list[dict[str, Any]]:
    """Sync pipelines of some tables, and sync them again."""
    return [
        found | _again(workspace, found["tables"])
        for found in (_first(workspace, size) for size in SIZES)
    ]


def run_thousand(workspace: Workspace) -> list[dict[str, Any]]:
    """Sync a thousand: a run for each of them takes its time, so this is a part of its own."""
    return [_first(workspace, THOUSAND)]


def run_thousand_again(workspace: Workspace) -> list[dict[str, Any]]:
    """Sync the thousand once more, where there is nothing new."""
    return [_again(workspace, THOUSAND)]


def _first(workspace: Workspace, size: int) -> dict[str, Any]:
    """One sync of all tables in a new home of Dagster."""
    make_tables(workspace, size)
    _, config, home = make_pipeline(workspace, size)
    found = _sync(config)
    if found["rows"] != size * ROWS:
        raise RuntimeError(f"{found} rows were loaded")
    history = sum(file.stat().st_size for file in home.rglob("*") if file.is_file())
    return {"tables": size, "rows": ROWS, "first": found, "history_bytes": history}


def _again(workspace: Workspace, size: int) -> dict[str, Any]:
    """One sync of what `_first` has left."""
    path, home = known_pipeline(workspace, size)
    os.environ["DAGSTER_HOME"] = str(home)
    found = _sync(load(path))
    if found["rows"]:
        raise RuntimeError(f"{found} rows were loaded")
    return {"tables": size, "idle": found}


def _sync(config: Config) -> dict[str, float]:
    """One `sync` of all tables, as the command line does it."""
    cpu, began = time.process_time(), time.perf_counter()
    with open_instance(config) as instance:
        outcomes = sync_tables(
            config,
            config.plans(),
            SyncOptions(),
            instance=instance,
            report=lambda *_: None,
            stopping=lambda: False,
        )
    failed = [name for name, outcome in outcomes.items() if outcome.status != "success"]
    if failed:
        raise RuntimeError(f"{len(failed)} tables failed, {failed[0]}: {outcomes[failed[0]].error}")
    found = {
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "rows": sum(outcome.rows_loaded for outcome in outcomes.values()),
    }
    print(f"{len(outcomes)} tables: {found}", flush=True)
    return found
