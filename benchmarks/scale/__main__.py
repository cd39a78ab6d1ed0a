"""`python -m benchmarks.scale [name …]`: what grows, then scale.md and its pictures."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from typing import Any

from benchmarks.scale import (
    backlog,
    definitions,
    ledger,
    long_rows,
    long_tables,
    many_tables,
    report,
    syncs,
)
from benchmarks.workspace import BENCHMARKS, Workspace, open_workspace

PARTS: dict[str, Callable[[Workspace], Any]] = {
    "long_tables": long_tables.run,
    "long_rows": long_rows.run,
    "backlog": backlog.run,
    "ledger": ledger.run,
    "many_tables": many_tables.run,
    "definitions": definitions.run,
    "syncs": syncs.run,
    "thousand": syncs.run_thousand,
    "thousand_again": syncs.run_thousand_again,
}
ALONE = {"thousand", "thousand_again"}
"""Parts that run only where they are named."""


def main() -> None:
    """Run what the command line names, or everything."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"{', '.join(PARTS)}, report")
    names = parser.parse_args().names or [*(name for name in PARTS if name not in ALONE), "report"]
    # A sandbox of its own, so that it can be measured beside the other benchmarks.
    with open_workspace(BENCHMARKS / ".work" / "scale") as workspace:
        for name in names:
            if name in PARTS:
                print(f"== {name}", flush=True)
                _measure(workspace, name)
        if "report" in names:
            report.write(workspace, _kept(workspace))


def _measure(workspace: Workspace, name: str) -> None:
    began = time.monotonic()
    measured = PARTS[name](workspace)
    took = time.monotonic() - began
    results = _kept(workspace) | {name: {"found": measured, "took": took, "load": os.getloadavg()}}
    (workspace.folder / "scale.json").write_text(json.dumps(results, indent=1) + "\n")


def _kept(workspace: Workspace) -> dict[str, Any]:
    file = workspace.folder / "scale.json"
    found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return found


main()
