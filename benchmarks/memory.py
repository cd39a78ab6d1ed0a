"""Peak memory of the extracting process: by rows, and with values of a megabyte."""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.tables import DOCUMENTS, make_documents, make_narrow
from benchmarks.timing import run_program
from benchmarks.workspace import DATABASE, Workspace

SIZES = {"orders_100k": 100_000, "orders_1m": 1_000_000, "orders_10m": 10_000_000}
TIMEOUT = 240
OPTIONS = {"documents": "{columns: {overlong: {body: truncate}}}"}
"""A VARCHAR of Redshift takes 65,535 bytes: what is read is a megabyte, what is kept is cut."""


def run(workspace: Workspace) -> dict[str, Any]:
    """Extract tables of growing size to S3, each in a process of its own."""
    for name, rows in SIZES.items():
        make_narrow(workspace, name, rows)
    make_documents(workspace)
    tables = {**SIZES, "documents": DOCUMENTS}
    return {name: _measure(workspace, name, rows) for name, rows in tables.items()}


def _measure(workspace: Workspace, table: str, rows: int) -> dict[str, Any]:
    name = workspace.fresh(f"memory_{table}")
    options = OPTIONS.get(table, "{}")
    config = workspace.config(name, f"      {DATABASE}.{table}: {options}\n")
    program = [sys.executable, "-m", "benchmarks.programs.engine_sync"]
    done = run_program([*program, str(config), table, "--backup-only"], timeout=TIMEOUT)
    workspace.forget(name)
    if done.error or done.facts["rows"] != rows:
        raise RuntimeError(f"{table}: {done.facts.get('rows')} of {rows} rows. {done.error}")
    print(f"{table:12} {done.peak_mb:5.0f} MB  {done.seconds:6.1f} s", flush=True)
    return {
        "rows": rows,
        "peak_mb": done.peak_mb,
        "seconds": done.seconds,
        "bytes": done.facts["bytes"],
    }
