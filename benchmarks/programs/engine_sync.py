"""The engine end to end, timed stage by stage.

    python -m benchmarks.programs.engine_sync CONFIG TABLE [--backup-only] [--times N]

Describe, extract and load are the product's own functions. Each call into MySQL, S3 and Redshift is
noted with its beginning and end. While a call is under way the engine may work on in another
thread; what is counted is the time in which at least one call was under way.
"""

from __future__ import annotations

import argparse
import functools
import json
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mysql_s3_redshift.adapters import pair
from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.mysql.connection import MySqlConnection
from mysql_s3_redshift.adapters.mysql.wire.driver import Channel
from mysql_s3_redshift.adapters.redshift.connection import RedshiftConnection
from mysql_s3_redshift.adapters.s3.bucket import Bucket
from mysql_s3_redshift.config import Config, load
from mysql_s3_redshift.core.extraction import ExtractRequest
from mysql_s3_redshift.core.load import LoadRequest
from mysql_s3_redshift.core.state import new_run_id

CALLS: dict[type, tuple[str, tuple[str, ...]]] = {
    Channel: ("mysql", ("receive_into",)),
    MySqlConnection: ("mysql", ("query", "_connect")),
    Bucket: (
        "s3",
        ("put", "get", "read_tail", "begin_upload", "upload_part", "complete_upload"),
    ),
    RedshiftConnection: ("redshift", ("execute", "query", "commit", "rollback", "_open")),
}

Interval = tuple[str, float, float]


def watch_calls() -> list[Interval]:
    """Note every call into the other systems from now on."""
    noted: list[Interval] = []
    inside = threading.local()

    def watched(system: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*arguments: Any, **options: Any) -> Any:
            if getattr(inside, "call", False):
                return function(*arguments, **options)
            inside.call, started = True, time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                inside.call = False
                noted.append((system, started, time.perf_counter()))

        return call

    for owner, (system, names) in CALLS.items():
        for name in names:
            setattr(owner, name, watched(system, getattr(owner, name)))
    return noted


def time_inside(noted: Sequence[Interval], started: float, ended: float) -> dict[str, float]:
    """Seconds between two moments in which a call was under way: per system, and of any."""
    within = [(s, max(a, started), min(b, ended)) for s, a, b in noted if a < ended and b > started]
    found = {
        system: _union([(a, b) for s, a, b in within if s == system])
        for system in ("mysql", "s3", "redshift")
    }
    return {**found, "any": _union([(a, b) for _, a, b in within])}


def _union(intervals: Sequence[tuple[float, float]]) -> float:
    total, reached = 0.0, 0.0
    for start, end in sorted(intervals):
        start = max(start, reached)
        if end > start:
            total, reached = total + end - start, end
    return total


def sync(config: Config, table: str, noted: list[Interval], *, loads: bool) -> dict[str, Any]:
    """Run both halves of a table once, on connections of their own."""
    plan = next(p for p in config.plans() if p.table == table)
    stages: dict[str, dict[str, float]] = {}
    began = mark = time.perf_counter()

    def end_stage(name: str) -> None:
        nonlocal mark
        now = time.perf_counter()
        stages[name] = {"seconds": now - mark, **time_inside(noted, mark, now)}
        mark = now

    with Connections(config) as connections:
        described = pair.describe(plan, connections)
        end_stage("describe")
        request = ExtractRequest(new_run_id())
        extracted = pair.extract_table(described, request, connections, _no_progress)
        end_stage("extract")
        loaded = 0
        if loads:
            request_load = LoadRequest(new_run_id())
            report = pair.load_table(plan, extracted.state, request_load, connections, _no_progress)
            loaded = sum(f.rows for f in report.files)
            end_stage("load")
    return {
        "seconds": time.perf_counter() - began,
        "rows": extracted.rows,
        "loaded": loaded,
        "bytes": sum(f.bytes for f in extracted.files),
        "stages": stages,
    }


def _no_progress(*_event: object) -> None:
    """Nobody watches."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("config", type=Path)
    parser.add_argument("table")
    parser.add_argument("--backup-only", action="store_true")
    parser.add_argument("--times", type=int, default=1)
    options = parser.parse_args()
    config, noted = load(options.config), watch_calls()
    runs = [
        sync(config, options.table, noted, loads=not options.backup_only)
        for _ in range(options.times)
    ]
    print(json.dumps({**runs[-1], "each": [run["seconds"] for run in runs]}))


if __name__ == "__main__":
    main()
