"""From what was measured to what was not: a straight line where the cost is one, and said so."""

from __future__ import annotations

from typing import Any

BILLION = 1_000_000_000
CHUNK_ROWS = 500_000
TABLES = 10_000
ROWS_PER_SECOND = 900_000
"""A first load by the primary key, under a buffer pool much smaller than the table (README.md)."""


def slope(found: list[dict[str, Any]], *keys: str) -> float:
    """Seconds for a further table: least squares through what was measured."""
    points = [(one["tables"], _value(one, keys)) for one in found]
    count = len(points)
    if count == 1:
        return points[0][1] / int(points[0][0])
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    above = sum((x - mean_x) * (y - mean_y) for x, y in points)
    return float(above / sum((x - mean_x) ** 2 for x, _ in points))


def _value(one: dict[str, Any], keys: tuple[str, ...]) -> float:
    value: Any = one
    for key in keys:
        value = value[key]
    return float(value)


def cost_per_table(found: list[dict[str, Any]]) -> str:
    """What a further table costs, in a sentence."""
    return f"{1e3 * slope(found, 'poll_again'):.1f} ms for a further table"


def project_rows(found: dict[str, list[dict[str, Any]]]) -> str:
    """A table of a billion rows."""
    files = BILLION // CHUNK_ROWS
    [first] = [one for one in found["backlog"] if one["files"] == files]
    hours = BILLION / ROWS_PER_SECOND / 3600
    commits = files * first["commit"] / 2
    return f"""\
**A billion rows in one table** are {files:,} files of {CHUNK_ROWS:,} rows. Extraction is linear in
rows; at {ROWS_PER_SECOND:,} rows a second, which a first load by the primary key reached under a
buffer pool much smaller than the table (README.md), it takes {hours:.1f} hours, and the load its
own time. The documents add {commits:.0f} seconds in {files:,} commits
({100 * commits / 3600 / hours:.1f} %), at most {first["bytes"] / 1e6:.1f} MB each. One process
stays below `max_runtime` (four hours) then; where a source delivers less than
{BILLION / 4 / 3600:,.0f} rows a second, the run ends after four hours and the next one goes on
after the last committed chunk, or `slices: n` shares the work among n steps: hours divided by n, as
long as MySQL has cores and the network has room for n streams.
"""


def project_tables(found: list[dict[str, Any]], synced: list[dict[str, Any]]) -> str:
    """Ten thousand tables."""
    definitions, poll = slope(found, "definitions"), slope(found, "poll_again")
    idle = slope([one for one in synced if "idle" in one], "idle", "cpu")
    assets = slope(found, "asset_list", "again")
    per_tick = 40 / poll if poll else 0.0
    return f"""\
**Ten thousand tables**, by the straight lines through what was measured:

* Their definitions take {TABLES * definitions:.0f} s to load, in every process that loads them, and
  the asset list {TABLES * assets:.0f} s. So they are ten code locations, a `pipelines.yaml` of
  1,000 tables each: {1_000 * definitions:.0f} s and {1_000 * assets:.1f} s. A worker of Celery pays
  it once, a pod of Kubernetes for every run.
* A tick looks at about {per_tick:,.0f} tables in its 40 seconds and goes on with the others at the
  next one; ten pipelines tick side by side. An idle table costs {1e3 * poll:.1f} ms for every
  interval, {TABLES * poll:.0f} s for all, spread over ten sensors.
* Running all of them to see that nothing is new would take {TABLES * idle / 60:.0f} minutes of one
  processor; the sensor is there so that nobody does.
* Two GETs a table and interval: at `every: 5m`,
  {TABLES * 2 * 12 * 24 * 30 / 1e6:.0f} million GETs a month.
"""
