"""What Dagster knows of earlier runs: which tables are in flight, which failed and how often."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import dagster as dg

from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.defs.names import (
    PIPELINE_TAG,
    TABLE_TAG,
    extract_key,
    load_key,
    sync_job_name,
    table_tag,
)

LONGEST_PAUSE = timedelta(hours=1)
BUSY_SHARE = 10
"""A table that must be read whole to see whether it changed is read at most a tenth of the time."""
QUICK_SECONDS = 10.0
"""So much of a run is Dagster's work, on a busy machine, and no reading."""
EARLY = 0.8
"""Ticks come a little early or late: a table is due when most of its interval has passed."""

_OPEN = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_RUNS_PER_TABLE = 8
_MOST_RUNS = 2_000


@dataclass(slots=True)
class TableHistory:
    """The newest runs of one table.

    Attributes:
        failures: Failed runs since the last good one.
        asked: When the newest run was asked for, in seconds since 1970; None without one.
        ended: When the newest run ended, in seconds since 1970; None without one.
        seconds: How long it took.
    """

    in_flight: bool = False
    failures: int = 0
    asked: float | None = None
    ended: float | None = None
    seconds: float = 0.0
    _settled: bool = field(default=False, repr=False)

    def add(self, record: dg.RunRecord) -> None:
        """Take the next older run into account."""
        if self.ended is None and record.end_time is not None:
            self.asked = record.create_timestamp.timestamp()
            self.ended = record.end_time
            self.seconds = record.end_time - (record.start_time or record.end_time)
        if self._settled:
            return
        if record.dagster_run.status is dg.DagsterRunStatus.FAILURE:
            self.failures += 1
        else:
            self._settled = True

    def is_paused(self, every: timedelta, *, now: float | None = None) -> bool:
        """Whether a table that failed waits: twice as long after every failure, up to an hour."""
        if not self.failures or self.ended is None:
            return False
        doubled = every.total_seconds() * float(1 << min(self.failures - 1, 20))
        pause = min(doubled, LONGEST_PAUSE.total_seconds())
        return (now or time.time()) - self.ended < pause

    def is_due(self, every: timedelta, *, now: float | None = None) -> bool:
        """Whether it is time to read a table again of which nothing tells that it changed."""
        if self.ended is None:
            return True
        moment = now or time.time()
        rest = BUSY_SHARE * max(self.seconds - QUICK_SECONDS, 0.0)
        since_asked = moment - (self.asked or self.ended)
        return moment - self.ended >= rest and since_asked >= EARLY * every.total_seconds()


def read_history(
    instance: dg.DagsterInstance, pipeline: str, plans: Iterable[TablePlan], *, among: int = 0
) -> Mapping[str, TableHistory]:
    """Read the history of tables of a pipeline, by display name, in two queries at most.

    Args:
        instance: Knows the runs.
        pipeline: Its name.
        plans: The tables.
        among: How many tables the pipeline has, where that is more.
    """
    plans = list(plans)
    found = {plan.display_name: TableHistory() for plan in plans}
    by_tag = {table_tag(plan): plan.display_name for plan in plans}
    by_key = {
        key: plan.display_name for plan in plans for key in (extract_key(plan), load_key(plan))
    }
    for run in instance.get_runs(dg.RunsFilter(statuses=_OPEN)):
        names = _tables_of(run, by_tag, by_key)
        is_whole = TABLE_TAG not in run.tags and not run.asset_selection
        if is_whole and run.job_name == sync_job_name(pipeline):
            names = set(found)
        for name in names:
            found[name].in_flight = True
    if all(table.in_flight for table in found.values()):
        return found  # what was before tells nothing now
    limit = min(_RUNS_PER_TABLE * max(len(plans), among), _MOST_RUNS)
    ended = dg.RunsFilter(statuses=_ENDED, tags={PIPELINE_TAG: pipeline})
    for record in instance.get_run_records(ended, limit=limit):
        for name in _tables_of(record.dagster_run, by_tag, by_key):
            found[name].add(record)
    return found


def _tables_of(
    run: dg.DagsterRun, by_tag: Mapping[str, str], by_key: Mapping[dg.AssetKey, str]
) -> set[str]:
    """Tables that a run is about, by display name: by its tag, else by its selected assets."""
    tag = run.tags.get(TABLE_TAG)
    if tag is not None:
        return {by_tag[tag]} if tag in by_tag else set()
    return {by_key[key] for key in run.asset_selection or () if key in by_key}
