"""`python -m benchmarks [name …]`: run benchmarks, then write README.md and its pictures."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

from benchmarks import (
    end_to_end,
    exactness,
    extraction,
    incremental,
    initial_load,
    memory,
    report,
    sensor,
    verify,
)
from benchmarks.workspace import Workspace, open_workspace

BENCHMARKS: dict[str, Callable[[Workspace], dict[str, Any]]] = {
    "extraction": extraction.run,
    "exactness": exactness.run,
    "memory": memory.run,
    "end_to_end": end_to_end.run,
    "incremental": incremental.run,
    "initial_load": initial_load.run,
    "sensor": sensor.run,
    "verify": verify.run,
}


def main() -> None:
    """Run what the command line names, or everything."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(BENCHMARKS))
    names = parser.parse_args().names or list(BENCHMARKS)
    for name in names:
        if name not in BENCHMARKS:
            parser.error(f"{name} is none of {', '.join(BENCHMARKS)}")
    with open_workspace() as workspace:
        for name in names:
            started = time.monotonic()
            print(f"== {name}", flush=True)
            results = BENCHMARKS[name](workspace)
            workspace.keep(name, {"took": time.monotonic() - started, **results})
        report.write(workspace)


main()
