"""How long definitions take to load: `dagster definitions validate`, process and all.

Beside it, what to compare that with: a project without anything in it, and one with as many assets,
checks and jobs, which do nothing, written as Dagster's documentation does.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmarks.timing import Run, run_program
from benchmarks.workspace import Workspace

SIZES = (1, 500, 1_000)
ATTEMPTS = 3
SECONDS = 240


def run(workspace: Workspace) -> list[dict[str, Any]]:
    """Validate projects of each size; nothing is connected to."""
    found = []
    for size in SIZES:
        name = f"scale_definitions_{size}"
        tables = "".join(f"      bench_many.t{number:04}: {{}}\n" for number in range(size))
        path = str(workspace.config(name, tables))
        found.append(
            {
                "tables": size,
                "project": _validate("mysql_s3_redshift.definitions", config=path),
                "trivial": _validate("benchmarks.programs.trivial_definitions", tables=size),
            }
        )
        print(found[-1], flush=True)
    empty = _validate("benchmarks.programs.trivial_definitions", tables=0)
    return [{"tables": 0, "project": empty, "trivial": empty}, *found]


def _validate(module: str, *, config: str = "", tables: int = 0) -> dict[str, float]:
    """The quickest of some runs: what others do on the machine only adds to them."""
    runs = [_validate_once(module, config=config, tables=tables) for _ in range(ATTEMPTS)]
    return {"seconds": min(one.wall for one in runs), "cpu": min(one.cpu for one in runs)}


def _validate_once(module: str, *, config: str, tables: int) -> Run:
    dagster = str(Path(sys.executable).with_name("dagster"))
    made = run_program(
        [dagster, "definitions", "validate", "-m", module],
        timeout=SECONDS,
        environment={
            "MYSQL_S3_REDSHIFT_CONFIG": config,
            "TRIVIAL_TABLES": str(tables),
            "DAGSTER_HOME": "",
        },
    )
    if made.error:
        raise RuntimeError(made.error)
    return made
