"""The demo as it runs for months, for a while: its sensors against a live MySQL.

    python -m mysql_s3_redshift_tests.e2e.long_run --seconds 600

Starts the demo in a folder of its own with its web UI, daemon and sensors, waits for the first
loads, and lets `sandbox traffic` write. Nobody else syncs those tables. It ends with code 1 unless

* no two runs of one table overlapped and none failed;
* no table was ever behind MySQL by two intervals of its sensor;
* after the traffic the sensors alone make both ends equal, row by row.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import dagster as dg

from mysql_s3_redshift.config import load
from mysql_s3_redshift.defs.names import TABLE_TAG
from mysql_s3_redshift_tests.e2e.lag import GROWING, LagMeter
from mysql_s3_redshift_tests.project import TOOL, Project, new_project

PIPELINE = "settlement"
INTERVALS = 2
START_SECONDS = 300.0
ROW_BY_ROW = ("settle_orders", "settlement_claim_detail", "uni_parcels", "exchange_rates")
"""Tables whose values both drivers of this comparison give alike."""


def main() -> None:
    """Run it as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m mysql_s3_redshift_tests.e2e.long_run")
    parser.add_argument("--seconds", type=float, default=600.0, help="length of the traffic")
    parser.add_argument("--rate", type=float, default=50.0, help="rows per second")
    parser.add_argument("--scale", type=float, default=0.01, help="of the demo's data")
    options = parser.parse_args()
    with new_project(options.scale) as project:
        problems = long_run(project, seconds=options.seconds, rate=options.rate)
    print("\n".join(problems) or "all of it held")
    sys.exit(1 if problems else 0)


def long_run(project: Project, *, seconds: float, rate: float) -> list[str]:
    """Let sensors and traffic run; returns what did not hold."""
    config = load(project.folder / "pipelines.yaml")
    every = config.pipeline(PIPELINE).sync.every
    assert every is not None
    allowed = INTERVALS * every.total_seconds()
    project.sync("-p", "flights")  # its schedule has hours between two runs
    with web_ui(project), _meter(project) as meter:
        _wait_until_level(meter, START_SECONDS, "the first loads")
        meter.reset()
        print(f"every table is loaded; {seconds:.0f} s of traffic begin", flush=True)
        traffic = [str(TOOL), "sandbox", "traffic", "--seconds", str(seconds), "--rate", str(rate)]
        print(subprocess.check_output(traffic, cwd=project.folder, text=True), flush=True)
        _wait_until_level(meter, allowed + START_SECONDS, "the last changes")
    with dg.DagsterInstance.from_config(str(project.folder / ".dagster")) as instance:
        runs = [r for r in instance.get_run_records() if TABLE_TAG in r.dagster_run.tags]
    problems = _print_tables(meter, runs, allowed)
    problems += [f"run {r.dagster_run.run_id} failed" for r in runs if _failed(r)]
    return problems + _differences(project)


@contextmanager
def web_ui(project: Project) -> Iterator[None]:
    """Run the web UI with its daemon, and so the sensors."""
    print(project.run("sandbox", "ui"), flush=True)
    try:
        yield
    finally:
        project.run("sandbox", "down", "web")


@contextmanager
def _meter(project: Project) -> Iterator[LagMeter]:
    """Look at both ends from when the sensors have made all tables."""
    deadline = time.monotonic() + START_SECONDS
    made = "SELECT COUNT(*) FROM svv_tables WHERE table_schema = 'settlement'"
    while project.redshift(made)[0][0] < len(GROWING):
        if time.monotonic() > deadline:
            raise TimeoutError("the sensors did not make all tables in time")
        time.sleep(2)
    meter = LagMeter(project.status)
    meter.start()
    try:
        yield meter
    finally:
        meter.stop()


def _wait_until_level(meter: LagMeter, seconds: float, what: str) -> None:
    """Wait until Redshift has of every table what MySQL has."""
    deadline = time.monotonic() + seconds
    time.sleep(5)
    while any(table.unseen for table in meter.tables.values()):
        if meter.error is not None:
            raise meter.error
        if time.monotonic() > deadline:
            behind = {name: round(table.now) for name, table in meter.tables.items()}
            raise TimeoutError(f"waited {seconds:.0f} s for {what}; seconds behind: {behind}")
        time.sleep(1)


def overlaps(runs: Iterable[dg.RunRecord]) -> int:
    """How many runs of a table began before the one before them had ended."""
    times = sorted(
        (run.start_time, run.end_time) for run in runs if run.start_time and run.end_time
    )
    return sum(later[0] < earlier[1] for earlier, later in pairwise(times))


def _failed(run: dg.RunRecord) -> bool:
    return run.dagster_run.status is not dg.DagsterRunStatus.SUCCESS


def _print_tables(meter: LagMeter, runs: list[dg.RunRecord], allowed: float) -> list[str]:
    problems = []
    print(f"{'table':<36} {'runs':>5} {'overlaps':>9} {'longest':>9} {'worst lag':>10}")
    for name, table in meter.tables.items():
        tag = f"{PIPELINE}.settlement.{name}"
        own = [run for run in runs if run.dagster_run.tags[TABLE_TAG] == tag]
        longest = max((r.end_time or 0.0) - (r.start_time or 0.0) for r in own)
        crossed = overlaps(own)
        print(f"{name:<36} {len(own):>5} {crossed:>9} {longest:>7.1f} s {table.worst:>8.1f} s")
        problems += [f"{name}: {crossed} runs overlapped"] if crossed else []
        if table.worst > allowed:
            problems.append(f"{name}: {table.worst:.0f} s behind, allowed are {allowed:.0f} s")
    return problems


def _differences(project: Project) -> list[str]:
    """What is not equal at the end: counts of all tables, rows where they can be compared."""
    compared = project.run("sandbox", "compare").splitlines()
    found = [line for line in compared if "DIFFERENT" in line and f"{PIPELINE}/" in line]
    for name in ROW_BY_ROW:
        try:
            project.assert_equal(f"{PIPELINE}.{name}")
        except AssertionError as error:
            found.append(str(error))
    print(f"{len(compared) - 2} tables counted, {len(ROW_BY_ROW)} compared row by row", flush=True)
    return found


if __name__ == "__main__":
    main()
