"""MySQL to parquet: the engine against the limit, the client, and the other tools."""

from __future__ import annotations

from typing import Any

from benchmarks.readers import READERS, Reader
from benchmarks.tables import NARROW_ROWS, WIDE_ROWS, make_tables
from benchmarks.timing import Run, summary
from benchmarks.workspace import Workspace

ROUNDS = 5
TIMEOUT = 60
SLOW_TIMEOUT = 100
TABLES = {"orders": NARROW_ROWS, "wide": WIDE_ROWS}


def run(workspace: Workspace) -> dict[str, Any]:
    """Read both tables in turn by every way, five times; the slow ones once."""
    make_tables(workspace)
    for reader in READERS:
        reader.prepare(workspace)
    return {table: _measure(workspace, table, rows) for table, rows in TABLES.items()}


def _measure(workspace: Workspace, table: str, rows: int) -> dict[str, Any]:
    quick = [reader for reader in READERS if not reader.slow]
    runs: dict[str, list[Run]] = {reader.name: [] for reader in READERS}
    for reader in quick[:1]:  # one run that is not counted, so that the server's caches are warm
        reader.run(workspace, table, timeout=TIMEOUT)
    for _ in range(ROUNDS):
        for reader in quick:
            if all(not earlier.error for earlier in runs[reader.name]):
                runs[reader.name].append(_once(workspace, reader, table, rows, TIMEOUT))
    for reader in READERS:
        if reader.slow:
            runs[reader.name].append(_once(workspace, reader, table, rows, SLOW_TIMEOUT))
    return {name: summary(found) for name, found in runs.items()}


def _once(workspace: Workspace, reader: Reader, table: str, rows: int, timeout: float) -> Run:
    found, folder = reader.run(workspace, table, timeout=timeout)
    told = found.facts.get("rows")
    if told is not None and told != rows:
        raise RuntimeError(f"{reader.name} read {told} of {rows} rows of {table}")
    size = sum(f.stat().st_size for f in folder.rglob("*.parquet"))
    print(
        f"{table:8} {reader.name:22} {found.seconds:7.2f} s  cpu {found.cpu:7.2f} s"
        f"  {found.peak_mb:6.0f} MB  files {size / 1e6:6.0f} MB  {found.error}",
        flush=True,
    )
    workspace.output(folder.name)  # empties it: the next reader shall find a free disk
    return found
