"""What scale.md says of many tables."""

from __future__ import annotations

from typing import Any

from benchmarks.scale.layout import table
from benchmarks.scale.model import cost_per_table

Results = dict[str, Any]


def synced(results: Results) -> list[dict[str, Any]]:
    """All pipelines that were synced as a whole, by size."""
    found: dict[int, dict[str, Any]] = {}
    for part in ("syncs", "thousand", "thousand_again"):
        for one in results.get(part, {"found": []})["found"]:
            found[one["tables"]] = found.get(one["tables"], {}) | one
    return [found[size] for size in sorted(found) if "first" in found[size]]


def syncs_section(results: Results) -> str:
    """What one `sync` of all tables costs."""
    found = synced(results)
    rows = [
        (
            f"{one['tables']:,}",
            *_cost(one, "first"),
            *_cost(one, "idle"),
            f"{one['history_bytes'] / one['tables'] / 1e3:.0f}",
        )
        for one in found
    ]
    head = (
        "tables",
        "first sync s",
        "processor ms a table",
        "idle sync s",
        "processor ms a table",
        "history kB a run",
    )
    return f"""\
## Many tables, synced

Pipelines of tables of {found[0]["rows"]} rows. One `sync` of all of them by the command line, four
at a time, each a Dagster run of its own with its two steps and its checks; then one that finds
nothing new, which is what it costs to see that **by running it**:

{table(head, rows)}

Every table costs its own run, so the sum is a straight line. An idle run is Dagster's work more
than ours: of its time, as a profile shows, nine tenths are the making of the run and the writing
of its 38 events to SQLite, which takes a new connection and a commit for each, and a new database
for each run; one tenth are the questions to MySQL and S3. With Dagster's storage on PostgreSQL the
same runs took half the processor time (20 tables: 234 to 284 ms, beside 463 to 518 ms on SQLite).
`PRAGMA synchronous` made no difference.
"""


def _cost(one: dict[str, Any], name: str) -> tuple[str, str]:
    if name not in one:
        return "–", "–"
    return f"{one[name]['seconds']:,.0f}", f"{1e3 * one[name]['cpu'] / one['tables']:.0f}"


def many_tables_section(results: Results) -> str:
    """What is paid without a sync."""
    found = results["many_tables"]["found"]
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
        for one in found
    ]
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
## Many tables, left to the sensor

What is paid without running anything: *definitions*, from the file to loadable definitions, in
every process that loads them; *documents*, both documents of every table, as a tick reads them;
*tick*, everything that the sensor asks of S3 and MySQL to find all tables idle, the first time with
their columns and indexes, which it then remembers for ten minutes; *asset list*, the web server's
answer to the query behind its list of assets.

{table(idle_head, idle)}

![many tables](scale_many_tables.png)

A pipeline that is left to its sensor pays a tick for each interval, and runs only for tables with
something new: {cost_per_table(found)}.
"""


def definitions_section(results: Results) -> str:
    """What it takes to load definitions."""
    rows = [
        (
            f"{one['tables']:,}",
            *(f"{one[name][unit]:.1f}" for name in ("project", "trivial") for unit in _UNITS),
        )
        for one in results["definitions"]["found"]
    ]
    head = ("tables", "s", "processor s", "doing nothing s", "processor s")
    return f"""\
## Definitions

`dagster definitions validate`: a process that imports everything, makes the definitions and all
jobs of them, and ends; the quickest of three. Beside it a project of as many assets, checks and
jobs that do nothing, written as Dagster's documentation does.

{table(head, rows)}

Every process that runs a step makes the definitions, too, and of the jobs the one that it runs. So
what a step needs is imported when it runs, config schemas are made once for all tables, steps are
put together without working out each function's signature again, and the garbage collector leaves
definitions alone.
"""


_UNITS = ("seconds", "cpu")
