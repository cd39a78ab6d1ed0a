"""Writes `benchmarks/scale.md` from what was measured."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.environments import make_environment
from benchmarks.scale.long_section import (
    backlog_section,
    ledger_section,
    long_rows_section,
    long_tables_section,
)
from benchmarks.scale.model import project_rows, project_tables
from benchmarks.scale.tables_section import (
    definitions_section,
    many_tables_section,
    synced,
    syncs_section,
)
from benchmarks.workspace import BENCHMARKS, REPOSITORY, Workspace

Results = dict[str, Any]

BUSY = 4.0
"""A load average that the parts by themselves do not reach on two cores."""

HEAD = """\
# Scale

What grows with the number of tables and with the length of one, and what that means for a billion
rows and for ten thousand tables. Speed of extraction and load is in [README.md](README.md).

```sh
python -m benchmarks.scale                          # all but the next two: about ten minutes
python -m benchmarks.scale thousand                 # the first sync of 1,000 tables: ten minutes
python -m benchmarks.scale thousand_again           # then one without anything new
python -m benchmarks.scale long_rows backlog report # parts; each keeps its results for the page
```
"""


def write(workspace: Workspace, results: Results) -> None:
    """Draw the pictures and write the page."""
    shared = replace(workspace, folder=workspace.folder.parent)
    python = make_environment(shared, "plots") / "python"
    kept = workspace.folder / "scale.json"
    script = Path(__file__).parent / "plots.py"
    subprocess.run([str(python), str(script), str(kept), str(BENCHMARKS)], check=True)
    parts = [HEAD, _machine(results)]
    parts += [part(results) for name, part in _PARTS.items() if name in results]
    parts.append(_projection(results))
    page = BENCHMARKS / "scale.md"
    page.write_text("\n".join(parts), encoding="utf-8")
    print(f"wrote {page.relative_to(REPOSITORY)}")


def _machine(results: Results) -> str:
    told = ", ".join(f"{name} {one['load'][1]:.1f}" for name, one in results.items())
    busy = any(one["load"][1] > BUSY for one in results.values())
    others = (
        "**Others worked on it at the same time**, so seconds are upper bounds; bytes and counts "
        "are exact. "
    )
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python "
        f"{platform.python_version()}, Dagster {version('dagster')}, MariaDB, SeaweedFS and the "
        f"Redshift stand-in on the same machine. {others if busy else ''}Load average while "
        f"measuring: {told}.\n"
    )


def _projection(results: Results) -> str:
    parts = ["## Projection\n"]
    if "long_tables" in results:
        parts.append(project_rows(results["long_tables"]["found"]))
    if "many_tables" in results and "syncs" in results:
        parts.append(project_tables(results["many_tables"]["found"], synced(results)))
    return "\n".join(parts)


_PARTS: dict[str, Callable[[Results], str]] = {
    "syncs": syncs_section,
    "many_tables": many_tables_section,
    "definitions": definitions_section,
    "long_rows": long_rows_section,
    "long_tables": long_tables_section,
    "backlog": backlog_section,
    "ledger": ledger_section,
}
