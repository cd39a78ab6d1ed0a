"""Run one table's pair without Dagster, as a process that a test may kill.

    python -m mysql_s3_redshift_tests.faults.driver --config FILE -t schema.table [STAGE]

STAGE is `extract`, `load` or `both`. Prints one JSON document about what was done. The exit code is
that of the error, as on the command line. `MYSQL_S3_REDSHIFT_FAULTS` switches faults on (see
`core.faultpoints`).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from mysql_s3_redshift.adapters import pair
from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.s3 import parquet
from mysql_s3_redshift.config import load as load_config
from mysql_s3_redshift.core.extraction import ExtractReport, ExtractRequest
from mysql_s3_redshift.core.load import LoadReport, LoadRequest
from mysql_s3_redshift.core.model import RunLimits, TablePlan, Window
from mysql_s3_redshift.core.state import new_run_id
from mysql_s3_redshift.errors import ReplicationError

STAGES = ("extract", "load", "both")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the arguments ask for and return the exit code."""
    options = _parse(arguments)
    if options.part_bytes:
        parquet.PART_BYTES = options.part_bytes
    try:
        done = run(options)
    except ReplicationError as error:
        print(json.dumps({"error": str(error), "kind": type(error).__name__}))
        return int(error.exit_code)
    print(json.dumps(done))
    return 0


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Run the stages of one table."""
    config = load_config(options.config)
    plan = next(
        p
        for p in config.plans()
        if p.qualified_name == options.table and options.pipeline in {None, p.pipeline}
    )
    done: dict[str, Any] = {}
    with Connections(config) as connections:
        if options.stage != "load":
            done["extract"] = _extract_facts(_extract(plan, connections, options))
        if options.stage != "extract":
            done["load"] = _load_facts(_load(plan, connections, options))
    return done


def _extract(
    plan: TablePlan, connections: Connections, options: argparse.Namespace
) -> ExtractReport:
    window = Window(options.start, options.end) if options.start else None
    limits = RunLimits(limit=options.limit, max_chunks=options.max_chunks)
    request = ExtractRequest(new_run_id(), limits=limits, window=window)
    described = pair.describe(plan, connections)
    if options.workers:
        for work in pair.plan_slices(described, request, connections, lambda *_: None):
            pair.read_slice(described, work, request, connections, lambda *_: None)
        request = replace(request, continues=True)
    return pair.extract_table(described, request, connections, lambda *_: None)


def _load(plan: TablePlan, connections: Connections, options: argparse.Namespace) -> LoadReport:
    state = connections.storage(plan).extract_states().read()
    if state is None:
        raise ReplicationError("nothing was ever extracted")
    request = LoadRequest(new_run_id(), max_files=options.max_files)
    return pair.load_table(plan, state, request, connections, lambda *_: None)


def _extract_facts(report: ExtractReport) -> dict[str, Any]:
    return {
        "rows": report.rows,
        "files": len(report.files),
        "note": report.note,
        "ceiling": report.ceiling.method if report.ceiling else None,
    }


def _load_facts(report: LoadReport) -> dict[str, Any]:
    return {
        "rows": sum(f.rows for f in report.files),
        "files": len(report.files),
        "recovered": len(report.recovered),
        "pending": report.pending,
        "note": report.note,
    }


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("-t", "--table", required=True)
    parser.add_argument("-p", "--pipeline")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--max-chunks", type=int)
    parser.add_argument("--max-files", type=int)
    parser.add_argument("--from", dest="start", type=datetime.fromisoformat)
    parser.add_argument("--to", dest="end", type=datetime.fromisoformat)
    parser.add_argument("--workers", action="store_true", help="slices as steps of their own")
    parser.add_argument("--part-bytes", type=int, help="multipart uploads in small parts")
    parser.add_argument("stage", nargs="?", choices=STAGES, default="both")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
