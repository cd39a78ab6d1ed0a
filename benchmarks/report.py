"""README.md and its pictures, from the results that were kept."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from typing import Any

from benchmarks import machine
from benchmarks.environments import make_environment
from benchmarks.extraction_section import extraction_section
from benchmarks.markdown import table
from benchmarks.verify_section import verify_section
from benchmarks.workspace import BENCHMARKS, REPOSITORY, Workspace

Results = Mapping[str, Any]

_NOTES = BENCHMARKS / "findings.md"


def write(workspace: Workspace) -> None:
    """Write README.md and draw the pictures; parts that were not measured are left out."""
    results = json.loads(workspace.results.read_text())
    results["machine"] = machine.describe(workspace)
    plots = workspace.folder / "plots.json"
    plots.write_text(json.dumps(results))
    python = make_environment(workspace, "plots") / "python"
    script = BENCHMARKS / "programs" / "plots.py"
    subprocess.run([str(python), str(script), str(plots), str(BENCHMARKS)], check=True)
    sections = [_head(results["machine"])]
    sections += [write_part(results) for name, write_part in _PARTS.items() if name in results]
    if _NOTES.exists():
        sections.insert(1, _NOTES.read_text())
    (BENCHMARKS / "README.md").write_text("\n".join(sections))
    print(f"wrote {(BENCHMARKS / 'README.md').relative_to(REPOSITORY)}")


def _head(facts: Results) -> str:
    others = ", ".join(
        f"{name} {number}"
        for found in facts["others"].values()
        for name, number in found.items()
        if name.lower() not in {"pyarrow", "pandas", "sling-linux-amd64"}
    )
    ours = ", ".join(f"{name} {number}" for name, number in facts["ours"].items())
    return f"""# Benchmarks

    make bench                          # everything: about 25 minutes, 8 GB of disk
    python -m benchmarks NAME           # one of: {", ".join(_PARTS)}

The limit and mysqlclient are compiled: they need `cc`, `pkg-config` and the headers of Python and
of MariaDB's client (Debian: `libmariadb-dev`, `python3-dev`).

This file is written by that command from what it measured. Client, MySQL, S3 and the Redshift
stand-in share one machine, so every second that a server needs is part of the figures. Runs of
different tools are taken in turn; figures are medians, with the fastest and the slowest run beside
them. Seconds are counted from before a program connects until its output is complete; the
start-up of a Python process is left out, for programs without a report of their own it is in.

Machine: {facts["processor"]}, {facts["cores"]} cores, {facts["memory_gb"]} GB,
{facts["system"]}. Python {facts["python"]}, {facts["mysql"]} with a buffer pool of 512 MB.
Ours: {ours}.
Others: {others}.
"""


def _memory(results: Results) -> str:
    rows = [
        (name, f"{one['rows']:,}", f"{one['bytes'] / 1e6:,.0f}", f"{one['peak_mb']:.0f}")
        for name, one in results["memory"].items()
        if name != "took"
    ]
    return """## Memory of the extracting process

    python -m benchmarks memory

Peak resident memory of a process that extracts to S3, the interpreter and all libraries included;
`documents` has a LONGTEXT of 1 MB in each row, which is read whole and cut to what a VARCHAR takes.

![Peak memory](memory.png)

""" + table(("table", "rows", "parquet MB", "peak MB"), rows)


def _end_to_end(results: Results) -> str:
    text = """## End to end to the Redshift stand-in

    python -m benchmarks end_to_end

A first load of `orders`, 3,000,000 rows, into an empty target. “Outside” is the time in which a
call to MySQL, S3 or the stand-in was under way; below it the processor seconds of each process.

![End to end](end_to_end.png)

"""
    rows, cpu = [], []
    for mode in ("append", "upsert"):
        one = results["end_to_end"][mode]
        stages = one["stages"]
        inside = sum(stage["any"] for stage in stages.values())
        total = sum(stage["seconds"] for stage in stages.values())
        rows.append(
            (
                mode,
                f"{one['median']:.1f}",
                f"{one['fastest']:.1f} – {one['slowest']:.1f}",
                f"{one['rows_per_minute'] / 1e6:.1f} M",
                *(f"{stages[s]['seconds']:.1f}" for s in ("describe", "extract", "load")),
                f"{inside / total:.0%}",
            )
        )
        used = one["processor"]
        whole = sum(used.values())
        cpu.append((mode, *(f"{used[s]:.1f}" for s in used), f"{1 - used['engine'] / whole:.0%}"))
    heads = ("load mode", "s", "spread", "rows a minute", "describe", "extract", "load", "outside")
    text += table(heads, rows)
    systems = tuple(results["end_to_end"]["append"]["processor"])
    return text + table(("processor s", *systems, "not the engine"), cpu)


def _incremental(results: Results) -> str:
    rows = []
    for changed, one in results["incremental"].items():
        if changed in {"took", "idle_tables"}:
            continue
        timed = (
            f"{one[k]['seconds']:.2f} ({one[k]['fastest']:.2f} – {one[k]['slowest']:.2f})"
            for k in ("engine", "dagster", "command")
        )
        queries = one["queries"]
        rows.append((f"{int(changed):,}", *timed, queries["of_table"], queries["of_connection"]))
    heads = (
        "rows changed", "engine s", "table's run in Dagster s", "whole command s",
        "queries of the table", "of the connection",
    )  # fmt: skip
    return (
        """## Incremental syncs

    python -m benchmarks incremental

`orders` with 3,000,000 rows, in upsert mode, both halves. “Engine”: describe, extract and load on
new connections, in a started process. “Table's run in Dagster”: what `sync --json` tells for the
table. “Whole command”: `mysql-s3-redshift sync`, from its start to its end. Queries are those of
MySQL's general log.

![Incremental syncs](incremental.png)

"""
        + table(heads, rows)
        + _idle(results["incremental"]["idle_tables"])
    )


def _idle(found: Results) -> str:
    return f"""
A whole command that finds nothing new takes {found["one"]:.2f} s for one table and
{found["all"]:.2f} s for {found["tables"]}: {found["further"]:.2f} s for each further one.
"""


def _initial_load(results: Results) -> str:
    one = results["initial_load"]
    rows = [
        (
            {"key": "primary key", "cursor": "timestamp index"}[way],
            f"{one[way]['rows']:,}",
            f"{one[way]['seconds']:.1f}",
            f"{one[way]['fastest']:.1f} – {one[way]['slowest']:.1f}",
            f"{one[way]['rows_per_second']:,.0f}",
        )
        for way in ("key", "cursor")
    ]
    sizes = [one[k] / 2**20 for k in ("pool_bytes", "data_bytes", "index_bytes")]
    ratio = one["key"]["rows_per_second"] / one["cursor"]["rows_per_second"]
    return f"""## Order of the first load

    python -m benchmarks initial_load

`orders` ({sizes[1]:.0f} MB of rows, {sizes[2]:.0f} MB of index) under a buffer pool of
{sizes[0]:.0f} MB. The first load reads by the primary key, increments by the timestamp's index.
Here the key is {ratio:.0f} times as fast.

""" + table(("order", "rows read", "seconds", "spread", "rows a second"), rows)


def _sensor(results: Results) -> str:
    found = results["sensor"]
    rows = [
        (
            f"{moved} tables",
            f"{one['first']:.2f}",
            one["queries_of_first"],
            f"{one['seconds']:.2f}",
            f"{one['fastest']:.2f} – {one['slowest']:.2f}",
            one["queries"],
        )
        for moved, one in found["moved"].items()
    ]
    building = min(one["building"] for one in found["moved"].values())
    heads = (
        "tables with a new row",
        "first tick s",
        "queries",
        "later ticks s",
        "spread",
        "queries",
    )
    return f"""## A tick of the sensor

    python -m benchmarks sensor

{found["tables"]} tables of one pipeline, each with its two documents on S3, and
{found["runs_before"]:,} runs in Dagster's history. A tick reads all documents, asks MySQL which
tables have rows beyond their watermark, and asks for a run of each of these. The first tick of a
code server, and one every ten minutes, looks up columns and indexes too. Queries are those of
MySQL's general log, without what a connection begins with. Making the definitions of these tables
takes {building:.1f} s.

""" + table(heads, rows)


_PARTS = {
    "extraction": extraction_section,
    "memory": _memory,
    "end_to_end": _end_to_end,
    "incremental": _incremental,
    "initial_load": _initial_load,
    "sensor": _sensor,
    "verify": verify_section,
}
