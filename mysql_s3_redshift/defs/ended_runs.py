"""Runs in the order in which they ended, page by page, as sensors look at them."""

from collections.abc import Sequence
from typing import Literal

import dagster as dg

RUNS_PER_TICK = 300

End = Literal[
    dg.DagsterEventType.RUN_SUCCESS,
    dg.DagsterEventType.RUN_FAILURE,
    dg.DagsterEventType.RUN_CANCELED,
]


def newest_end(instance: dg.DagsterInstance, kinds: Sequence[End]) -> int:
    """The last end of a run, as the event log numbers them; 0 where there is none."""
    newest = [
        record.storage_id
        for kind in kinds
        for record in instance.fetch_run_status_changes(kind, limit=1).records
    ]
    return max(newest, default=0)


def ended_runs(
    instance: dg.DagsterInstance, kinds: Sequence[End], *, after: int
) -> tuple[list[dg.DagsterRun], int]:
    """Runs that ended after an event of the log, in that order, and the event to go on after."""
    ends: dict[int, str] = {}
    horizons = []
    for kind in kinds:
        wanted = dg.RunStatusChangeRecordsFilter(kind, after_storage_id=after)
        page = instance.fetch_run_status_changes(wanted, limit=RUNS_PER_TICK, ascending=True)
        ends |= {record.storage_id: record.run_id for record in page.records}
        if page.has_more:  # the other kinds may be further on: go on together
            horizons.append(page.records[-1].storage_id)
    reached = [number for number in sorted(ends) if number <= min(horizons, default=number)]
    ids = [ends[number] for number in reached]
    found = instance.get_runs(dg.RunsFilter(run_ids=ids)) if ids else []
    by_id = {run.run_id: run for run in found}
    return [by_id[i] for i in ids if i in by_id], max([after, *reached])
