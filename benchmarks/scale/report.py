"""Writes `benchmarks/scale.md` from what was measured."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.environments import make_environment
from benchmarks.scale.model import cost_per_table, project_rows, project_tables
from benchmarks.workspace import BENCHMARKS, REPOSITORY, Workspace

Results = dict[str, Any]

HEAD = """\
# Scale

What grows with the number of tables and with the length of one, and what that means for a billion
rows and for ten thousand tables. Speed of extraction and load is in [README.md](README.md).

```sh
python -m benchmarks.scale                                      # everything, about ten minutes
python -m benchmarks.scale long_tables ledger many_tables       # parts; each keeps its results
python -m benchmarks.scale report                               # this page from the kept results
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
    loads = {name: f"{one['load'][1]:.1f}" for name, one in results.items()}
    told = ", ".join(f"{name} {load}" for name, load in loads.items())
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python "
        f"{platform.python_version()}, Dagster {version('dagster')}, MariaDB, SeaweedFS and the "
        f"Redshift stand-in on the same machine. **Others worked on it at the same time** (load "
        f"average while measuring: {told}), so seconds are upper bounds; bytes and counts are "
        "exact.\n"
    )


def _many_tables(results: Results) -> str:
    found = results["many_tables"]["found"]
    synced = [
        (
            f"{one['tables']:,}",
            f"{one['first']['seconds']:.0f}",
            f"{one['idle']['seconds']:.0f}",
            f"{1e3 * one['idle']['seconds'] / one['tables']:.0f}",
            f"{1e3 * one['idle']['cpu'] / one['tables']:.0f}",
        )
        for one in found["synced"]
    ]
    idle = [
        (
            f"{one['tables']:,}",
            f"{one['definitions']:.1f}",
            f"{one['states']:.2f}",
            f"{one['poll']:.2f}",
            f"{one['poll_again']:.2f}",
            f"{one['asset_list']['first']:.1f}",
            f"{one['asset_list']['again']:.1f}",
        )
        for one in found["idle"]
    ]
    sync_head = ("tables", "first sync s", "idle sync s", "per idle table ms", "processor ms")
    idle_head = (
        "tables",
        "definitions s",
        "documents s",
        "first tick s",
        "next tick s",
        "asset list s",
        "again s",
    )
    return f"""\
## Many tables

Pipelines of tables of {found["synced"][0]["rows"]} rows. One `sync` of all of them by the command
line, four at a time, each a Dagster run of its own with its two steps and its checks; then one that
finds nothing new, which is what it costs to see that **by running it**:

{_table(sync_head, synced)}

An idle run is Dagster's work more than ours: of its time, as a profile shows, nine tenths are the
making of the run and the writing of its 38 events to the event log (SQLite here), one tenth are the
questions to MySQL and S3.

What is paid without running anything: *definitions*, from the file to loadable definitions, in
every process that loads them; *documents*, both documents of every table, as a tick reads them;
*tick*, everything that the sensor asks of S3 and MySQL to find all tables idle, the first time with
their columns and indexes, which it then remembers for ten minutes; *asset list*, the web server's
answer to the query behind its list of assets.

{_table(idle_head, idle)}

![many tables](scale_many_tables.png)

A pipeline that is left to its sensor pays a tick for each interval, and runs only for tables with
something new: {cost_per_table(found["idle"])}.
"""


def _long_tables(results: Results) -> str:
    found = results["long_tables"]["found"]
    head = ("files", "rows", "extract state kB", "load state kB", "commit ms")
    loaded = [_point(one, "bytes", "load_bytes") for one in found["loaded"]]
    backlog = [_point(one, "bytes") for one in found["backlog"]]
    worst = found["backlog"][-1]
    return f"""\
## Long tables

The real documents and the real conditional writes, with simulated files of 500,000 rows.

A table whose files are loaded (every ten here; a run of a pair loads what it extracted):

{_table(head, loaded)}

The first commit opens the connection and tries that the bucket keeps conditions. Both documents
stop growing at 200 and 1,000 listed files. Between 1 and 100 million rows a commit
costs milliseconds, a chunk seconds.

A table whose files are never loaded, or the first extraction of a very long one, before its load:

{_table(("files", "rows", "extract state kB", "commit ms"), backlog)}

![long tables](scale_long_tables.png)

Every file that waits stands in the extract state with its bounds, about 650 bytes each, and every
commit writes all of them. At {worst["files"]:,} waiting files a commit is
{worst["bytes"] / 1e6:.1f} MB and {worst["commit"] * 1e3:,.0f} ms, against seconds for the chunk
itself; all commits on the way there write {_total_backlog(worst) / 1e9:.0f} GB, against
{worst["files"] * 20e6 / 1e9:,.0f} GB of parquet. That is the bound of this format: **keep a
backlog below ten thousand files**. With the default `chunk_rows` that is five billion rows; with
chunks of 20,000 rows it is 200 million, so raise `chunk_rows` there, or load in between
(`sync --limit`). Backlogs are loaded a thousand files at a time, each with its own manifest and
transaction (`mysql_s3_redshift_tests/engines/test_backlog.py`).

Memory of an extraction does not depend on the table's length (README.md measures it from 100,000
to 10 million rows); the documents add {worst["peak"] / 1e6:.0f} MB at {worst["files"]:,} waiting
files.
"""


def _ledger(results: Results) -> str:
    found = results["ledger"]["found"]
    rows = [
        (f"{one['rows']:,}", f"{one['known'] * 1e3:.0f}", f"{one['newest'] * 1e3:.0f}")
        for one in found
    ]
    head = ("files ever loaded", "which of 1,000 files are there, ms", "newest file, ms")
    return f"""\
## The ledger

What every load asks inside its transaction, by the number of files that the table ever loaded:

{_table(head, rows)}

This is the stand-in, which has neither sort keys nor zone maps and reads the whole table. Redshift
keeps the ledger sorted by number and reads the blocks of the range that is asked for. A million
files are 500 billion rows.
"""


def _projection(results: Results) -> str:
    parts = ["## Projection\n"]
    if "long_tables" in results:
        parts.append(project_rows(results["long_tables"]["found"]))
    if "many_tables" in results:
        parts.append(project_tables(results["many_tables"]["found"]))
    return "\n".join(parts)


def _total_backlog(worst: dict[str, Any]) -> float:
    """Bytes of all commits: the state grows by the same for every file."""
    return float(worst["files"] * worst["bytes"] / 2)


def _point(one: dict[str, Any], *sizes: str) -> tuple[str, ...]:
    kilobytes = [f"{one[size] / 1e3:,.0f}" for size in sizes]
    return (f"{one['files']:,}", f"{one['rows']:,}", *kilobytes, f"{one['commit'] * 1e3:.0f}")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


_PARTS: dict[str, Callable[[Results], str]] = {
    "many_tables": _many_tables,
    "long_tables": _long_tables,
    "ledger": _ledger,
}
