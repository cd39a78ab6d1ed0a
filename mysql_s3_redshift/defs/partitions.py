"""Daily partitions of the S3 asset of a table that has `partitions:`.

A partition is a window of the column that tells a row's day: to materialize it reads the day again
and replaces it, and leaves the watermark alone. A run without a partition catches up and leaves the
partitions alone; Dagster's UI asks for partitions whenever it materializes a partitioned asset, so
such a run comes from the sensor, the schedule, the command line or the job `operator_sync`.

A range of days is one run, one set of files and one load. The Redshift asset has no partitions: it
loads whatever is pending, after the run of the last partition that was asked for.
"""

import time
from collections.abc import Mapping
from datetime import date, datetime, timedelta

import dagster as dg

from mysql_s3_redshift.core.model import PartitionOptions, TablePlan, Window
from mysql_s3_redshift.defs.names import TABLE_TAG, extract_key, load_key, table_tag
from mysql_s3_redshift.defs.run_config import ExtractConfig
from mysql_s3_redshift.errors import ConfigError

DAY = timedelta(days=1)
BACKFILL = dg.BackfillPolicy.single_run()
"""A range of days is one run: its days are read at one moment and loaded in one transaction."""
LONGEST_WAIT_SECONDS = 600.0
LOOK_EVERY_SECONDS = 2.0

_RUNNING = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def partitions_of(plan: TablePlan) -> dg.DailyPartitionsDefinition | None:
    """The days of a table up to today's, which is not complete; None for a table without any.

    A day is that of the data, from midnight to midnight in its own clock; the zone here tells only
    when the next day joins.
    """
    if plan.partitions is None:
        return None
    return dg.DailyPartitionsDefinition(
        start_date=plan.partitions.start.isoformat(), end_offset=1, timezone="UTC"
    )


def chosen_window(
    context: dg.AssetExecutionContext, plan: TablePlan, config: ExtractConfig
) -> Window | None:
    """The stretch that a run is to read again: its partitions, else what its config says.

    Raises:
        ConfigError: Both are given, or the config names half a window.
    """
    asked = config.window()
    if plan.partitions is None or not (
        context.has_partition_key or context.has_partition_key_range
    ):
        return asked
    if asked is not None:
        raise ConfigError(
            f"{plan.display_name}: a window and partitions are asked for.",
            kept="Nothing was read or written.",
            remedy="Leave out `window_from` and `window_to`, or launch the run without partitions.",
        )
    keys = context.partition_key_range
    return window_of_days(plan.partitions, _day(keys.start), _day(keys.end))


def window_of_days(partitions: PartitionOptions, first: date, last: date) -> Window:
    """The window of the days from `first` to `last`, both included."""
    start, end = (datetime.combine(day, datetime.min.time()) for day in (first, last + DAY))
    return Window(start, end, partitions.column, partitions.unit, daily=True)


def tell_partitions(context: dg.AssetExecutionContext, days: Mapping[date, int]) -> None:
    """Give each partition its own number of rows; the run's other metadata is that of all."""
    for day in context.partition_keys:
        context.add_asset_metadata(
            {"dagster/partition_row_count": days.get(_day(day), 0)},
            asset_key=context.asset_key,
            partition_key=day,
        )


def await_turn(
    context: dg.AssetExecutionContext,
    plan: TablePlan,
    *,
    longest: float = LONGEST_WAIT_SECONDS,
    pause: float = LOOK_EVERY_SECONDS,
) -> None:
    """Wait for runs of the table that began before this one, of which one could only win.

    Runs of a backfill carry no tag of the table, so the limit of one run per table does not see
    them. After the wait the run goes on: the conditional writes keep the state whole.
    """
    deadline = time.monotonic() + longest
    while (other := _earlier_run(context, plan)) is not None:
        if time.monotonic() >= deadline:
            context.log.warning("run %s of this table still goes on; not waiting longer", other)
            return
        context.log.info("waiting for run %s of this table", other)
        time.sleep(pause)


def _earlier_run(context: dg.AssetExecutionContext, plan: TablePlan) -> str | None:
    keys, tag = {extract_key(plan), load_key(plan)}, table_tag(plan)
    records = context.instance.get_run_records(dg.RunsFilter(statuses=_RUNNING))
    mine = next((r for r in records if r.dagster_run.run_id == context.run.run_id), None)
    for record in records:
        run = record.dagster_run
        about = run.tags.get(TABLE_TAG) == tag or not keys.isdisjoint(run.asset_selection or ())
        if mine is not None and about and record.create_timestamp < mine.create_timestamp:
            return str(run.run_id)
    return None


def _day(key: str) -> date:
    return date.fromisoformat(key)
