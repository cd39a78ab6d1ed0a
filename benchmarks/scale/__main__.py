"""`python -m benchmarks.scale [name …]`: what grows, then scale.md and its pictures."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.scale import ledger, long_tables, many_tables, report
from benchmarks.workspace import BENCHMARKS, Workspace
from mysql_s3_redshift.sandbox import sandbox as sandboxes

PARTS: dict[str, Callable[[Workspace], Any]] = {
    "long_tables": long_tables.run,
    "ledger": ledger.run,
    "many_tables": many_tables.run,
}


def main() -> None:
    """Run what the command line names, or everything."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"{', '.join(PARTS)}, report")
    names = parser.parse_args().names or [*PARTS, "report"]
    with _open_workspace() as workspace:
        kept = workspace.folder / "scale.json"
        results = json.loads(kept.read_text()) if kept.exists() else {}
        for name in names:
            if name in PARTS:
                print(f"== {name}", flush=True)
                began = time.monotonic()
                measured = PARTS[name](workspace)
                took = time.monotonic() - began
                results[name] = {"found": measured, "took": took, "load": os.getloadavg()}
                kept.write_text(json.dumps(results, indent=1) + "\n")
        if "report" in names:
            report.write(workspace, results)


@contextlib.contextmanager
def _open_workspace() -> Iterator[Workspace]:
    """A sandbox of its own, so that it can be measured beside the other benchmarks."""
    folder = BENCHMARKS / ".work" / "scale"
    folder.mkdir(parents=True, exist_ok=True)
    servers = folder / "sandbox"
    try:
        yield Workspace(folder, sandboxes.up(servers, report=print))
    finally:
        sandboxes.down(servers)


main()
