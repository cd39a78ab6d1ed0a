"""When the checks run that ask the systems: by a schedule of the pipeline, and on demand."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import dagster as dg

from mysql_s3_redshift.config import PipelineConfig
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.defs.checks.specs import audit_check_keys
from mysql_s3_redshift.defs.names import PIPELINE_TAG, checks_job_name, checks_schedule_name

TABLES_PER_RUN = 500
"""Tables of a run are looked at one after the other: a run takes one place of the source's pool at
a time, and leaves the others to syncs. Very many tables would make a run that nobody can read."""
LONGEST_RUN = timedelta(hours=12)
FIRST_HOUR, HOURS = 1, 4


def audited_keys(plans: Iterable[TablePlan]) -> list[dg.AssetCheckKey]:
    """Keys of the checks that ask the systems, of all tables."""
    return [key for plan in plans for key in audit_check_keys(plan).values()]


def build_checks_job(
    pipeline: str, plans: Sequence[TablePlan], executor: dg.ExecutorDefinition
) -> Any:
    """Make the job that runs those checks; a table that cannot be checked stops no other."""
    return dg.define_asset_job(
        checks_job_name(pipeline),
        selection=dg.AssetSelection.checks(*audited_keys(plans)),
        executor_def=executor,
        tags={
            PIPELINE_TAG: pipeline,
            "dagster/max_runtime": str(int(LONGEST_RUN.total_seconds())),
        },
        description=f"Ask MySQL, S3 and Redshift whether the tables of pipeline `{pipeline}` are "
        "as they should: files, counts, keys, source against target. Changes nothing.",
    )


def build_checks_schedule(
    name: str, pipeline: PipelineConfig, plans: Sequence[TablePlan], job: Any
) -> dg.ScheduleDefinition:
    """Make the schedule of those checks; each run has some of the tables."""

    @dg.schedule(
        name=checks_schedule_name(name),
        job=job,
        cron_schedule=pipeline.checks.schedule or default_schedule(name),
        execution_timezone=pipeline.checks.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"The checks of `{name}` that ask the systems, one table after the other.",
    )
    def at_times(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
        # Dagster wants a key of each run of a tick; the time in it makes it another one each time.
        when = context.scheduled_execution_time.isoformat()
        return [
            dg.RunRequest(
                run_key=f"{when} {start}",
                asset_check_keys=audited_keys(plans[start : start + TABLES_PER_RUN]),
            )
            for start in range(0, len(plans), TABLES_PER_RUN)
        ]

    return at_times


def default_schedule(pipeline: str) -> str:
    """Once a day in the night, so that pipelines do not all begin in the same minute."""
    spread = int(hashlib.sha256(pipeline.encode()).hexdigest(), 16) % (60 * HOURS)
    return f"{spread % 60} {FIRST_HOUR + spread // 60} * * *"
