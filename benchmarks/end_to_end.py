"""End to end to the Redshift stand-in: a first load of `orders`, stage by stage."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Mapping
from typing import Any

import psutil

from benchmarks.tables import NARROW_ROWS, make_tables
from benchmarks.timing import run_program
from benchmarks.workspace import DATABASE, Workspace

ROUNDS = 3
TIMEOUT = 240
MODES = ("append", "upsert")
SYSTEMS = ("mysql", "s3", "redshift")


def run(workspace: Workspace) -> dict[str, Any]:
    """Load the whole table into an empty target, three times by each load mode, in turn."""
    make_tables(workspace)
    runs: dict[str, list[dict[str, Any]]] = {mode: [] for mode in MODES}
    for _ in range(ROUNDS):
        for mode in MODES:
            runs[mode].append(_once(workspace, mode))
    return {mode: _middle(found) for mode, found in runs.items()}


def _once(workspace: Workspace, mode: str) -> dict[str, Any]:
    name = workspace.fresh(f"first_{mode}")
    config = workspace.config(name, f"      {DATABASE}.orders: {{load_mode: {mode}}}\n")
    before = processor_seconds(workspace)
    program = [sys.executable, "-m", "benchmarks.programs.engine_sync", str(config), "orders"]
    done = run_program(program, timeout=TIMEOUT)
    used = {s: seconds - before[s] for s, seconds in processor_seconds(workspace).items()}
    workspace.forget(name)
    if done.error or done.facts["loaded"] != NARROW_ROWS:
        raise RuntimeError(f"{mode}: {done.facts.get('loaded')} rows were loaded. {done.error}")
    print(f"{mode:7} {done.seconds:5.1f} s, processor {_shown(used)}, engine {done.cpu:.1f}")
    return {
        "seconds": done.seconds,
        "rows_per_minute": NARROW_ROWS / done.seconds * 60,
        "bytes": done.facts["bytes"],
        "stages": done.facts["stages"],
        "processor": {**used, "engine": done.cpu},
    }


def _shown(used: Mapping[str, float]) -> str:
    return ", ".join(f"{system} {seconds:.1f}" for system, seconds in used.items())


def _middle(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The run of the middle duration, with the spread of all."""
    ordered = sorted(runs, key=lambda found: found["seconds"])
    return {
        **ordered[len(ordered) // 2],
        "fastest": ordered[0]["seconds"],
        "slowest": ordered[-1]["seconds"],
        "median": statistics.median(found["seconds"] for found in runs),
    }


def processor_seconds(workspace: Workspace) -> dict[str, float]:
    """Processor seconds that each server used since it started, those of its ended children too."""
    found = {}
    for system in SYSTEMS:
        root = psutil.Process(workspace.sandbox.settings.processes[system].pid)
        times = [process.cpu_times() for process in (root, *root.children(recursive=True))]
        found[system] = sum(t.user + t.system + t.children_user + t.children_system for t in times)
    return found
