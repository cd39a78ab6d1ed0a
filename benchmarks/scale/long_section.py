"""What scale.md says of long tables: rows, documents, backlogs, the ledger."""

from __future__ import annotations

import statistics
from typing import Any

from benchmarks.scale.layout import table

Results = dict[str, Any]

SHOWN = (1, 2, 5, 10, 15, 20)
"""Millions of rows."""


def long_rows_section(results: Results) -> str:
    """A long table that was really extracted."""
    found = results["long_rows"]["found"]
    rows, before = [], 0
    for millions in (shown for shown in SHOWN if shown <= found["millions"]):
        until = millions * 1_000_000
        chunks = [one for one in found["chunks"] if before < one["rows"] <= until]
        rows.append(
            (
                f"{millions}",
                f"{statistics.median(one['seconds'] for one in chunks):.2f}",
                f"{chunks[-1]['memory']:.0f}",
                f"{chunks[-1]['state_bytes'] / 1e3:.1f}",
            )
        )
        before = until
    head = ("million rows", "seconds a chunk", "memory MB", "extract state kB")
    return f"""\
## Long tables, measured

The first extraction of {found["millions"]} million rows ({found["data_bytes"] / 1e9:.1f} GB with
their index in InnoDB, {found["bytes"] / 1e6:,.0f} MB of parquet) in chunks of 500,000:
{found["seconds"]:.0f} seconds, {found["rows"] / found["seconds"]:,.0f} rows a second,
{found["cpu"]:.0f} seconds of processor, {found["peak_mb"]:.0f} MB at most. Seconds of a chunk, the
commit included, are the median of those since the line above:

{table(head, rows)}

![20 million rows](scale_long_rows.png)
"""


def long_tables_section(results: Results) -> str:
    """Documents and commits by the number of files."""
    found = results["long_tables"]["found"]
    head = ("files", "rows", "extract state kB", "load state kB", "commit ms")
    loaded = [_point(one, "bytes", "load_bytes") for one in found["loaded"]]
    backlog = [_point(one, "bytes") for one in found["backlog"]]
    worst = found["backlog"][-1]
    return f"""\
## Long tables, simulated

The real documents and the real conditional writes, with simulated files of 500,000 rows.

A table whose files are loaded (every ten here; a run of a pair loads what it extracted):

{table(head, loaded)}

The first commit opens the connection and tries that the bucket keeps conditions. Both documents
stop growing at 200 and 1,000 listed files. Between 1 and 100 million rows a commit
costs milliseconds, a chunk seconds.

A table whose files are never loaded, or the first extraction of a very long one, before its load:

{table(("files", "rows", "extract state kB", "commit ms"), backlog)}

![long tables](scale_long_tables.png)

Every file that waits stands in the extract state with its bounds, about
{10 * round(worst["bytes"] / worst["files"] / 10)} bytes each, and every commit writes all of them.
At {worst["files"]:,} waiting files a commit is {worst["bytes"] / 1e6:.1f} MB and
{worst["commit"] * 1e3:,.0f} ms, most of which S3 takes, against seconds for the chunk itself; all
commits on the way there write {_total_backlog(worst) / 1e9:.0f} GB, against
{worst["files"] * 20e6 / 1e9:,.0f} GB of parquet. That is the bound of this format: **keep a backlog
below ten thousand files**. With the default `chunk_rows` that is five billion rows; with chunks of
20,000 rows it is 200 million, so raise `chunk_rows` there, or load in between (`sync --limit`).

Memory of an extraction does not depend on the table's length (README.md measures it from 100,000
to 10 million rows); the documents add {worst["peak"] / 1e6:.0f} MB at {worst["files"]:,} waiting
files.
"""


def backlog_section(results: Results) -> str:
    """A backlog that was really loaded."""
    found = results["backlog"]["found"]
    each, manifests = found["each"], found["manifests"]
    rows = [
        (
            f"{number}",
            f"{files:,}",
            f"{seconds:.1f}",
            f"{manifest / 1e3:.0f}",
            f"{memory:.0f}",
        )
        for number, (files, seconds, manifest, memory) in enumerate(
            zip(found["loaded_files"], each, manifests, found["memory"], strict=True), 1
        )
    ]
    head = ("transaction", "files", "seconds", "manifest kB", "memory MB")
    return f"""\
## A backlog, loaded

{found["files"]:,} files of {found["rows"]} rows that wait, all registered; one load takes them, a
thousand in each transaction. Source and target are compared by count, sums and distinct values.

{table(head, rows)}

The extract state with all of them has {found["registered_bytes"] / 1e6:.1f} MB, takes
{found["read"]:.1f} s to read, and {found["after_bytes"] / 1e3:.0f} kB after the next run; the load
state has {found["load_bytes"] / 1e3:.0f} kB. The loading process needs {found["peak_mb"]:.0f} MB at
most, {found["cpu"]:.0f} s of processor and {found["seconds"]:.0f} s: the rest is the stand-in,
which opens {found["files"]:,} files.
"""


def ledger_section(results: Results) -> str:
    """The ledger by the number of files."""
    found = results["ledger"]["found"]
    rows = [
        (f"{one['rows']:,}", f"{one['known'] * 1e3:.0f}", f"{one['newest'] * 1e3:.0f}")
        for one in found
    ]
    head = ("files ever loaded", "which of 1,000 files are there, ms", "newest file, ms")
    return f"""\
## The ledger

What every load asks inside its transaction, by the number of files that the table ever loaded:

{table(head, rows)}

This is the stand-in, which has neither sort keys nor zone maps and reads the whole table. Redshift
keeps the ledger sorted by number and reads the blocks of the range that is asked for. A million
files are 500 billion rows.
"""


def _total_backlog(worst: dict[str, Any]) -> float:
    """Bytes of all commits: the state grows by the same for every file."""
    return float(worst["files"] * worst["bytes"] / 2)


def _point(one: dict[str, Any], *sizes: str) -> tuple[str, ...]:
    kilobytes = [f"{one[size] / 1e3:,.0f}" for size in sizes]
    return (f"{one['files']:,}", f"{one['rows']:,}", *kilobytes, f"{one['commit'] * 1e3:.0f}")
