"""The job of a pipeline, and the config of one table's run."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import dagster as dg

from mysql_s3_redshift.config import step_name
from mysql_s3_redshift.core.cursors import format_timestamp
from mysql_s3_redshift.core.model import RunLimits, TablePlan, Window
from mysql_s3_redshift.defs.names import PIPELINE_TAG, group_name, sync_job_name
from mysql_s3_redshift.defs.run_config import ExtractConfig, LoadConfig

LONGEST_RUN = timedelta(hours=4)


def build_sync_job(
    pipeline: str,
    executor: dg.ExecutorDefinition = dg.in_process_executor,
    *,
    audited: Iterable[dg.AssetCheckKey] = (),
) -> Any:
    """Make the job that syncs every table of a pipeline.

    One process per run where the file does not choose another executor: starting a process for
    each step costs seconds, and a table's two steps share one. The sensor asks for a run per table,
    so tables do not wait for each other.

    Args:
        pipeline: Its name.
        executor: What executes the steps.
        audited: Checks that ask the systems; they have a job of their own.
    """
    return dg.define_asset_job(
        sync_job_name(pipeline),
        selection=dg.AssetSelection.groups(group_name(pipeline))
        - dg.AssetSelection.checks(*audited),
        executor_def=executor,
        tags={
            PIPELINE_TAG: pipeline,
            "dagster/max_runtime": str(int(LONGEST_RUN.total_seconds())),
        },
        description=f"Extract and load the tables of pipeline `{pipeline}`. Select assets to sync "
        "some of them; the config of each step bounds it.",
    )


def pair_config(
    plan: TablePlan, limits: RunLimits, window: Window | None
) -> dict[str, ExtractConfig | LoadConfig]:
    """The config of one table's two steps, by step name."""
    extract = ExtractConfig(
        limit=limits.limit,
        max_chunks=limits.max_chunks,
        window_from=format_timestamp(window.start) if window else None,
        window_to=format_timestamp(window.end) if window else None,
        window_column=window.column if window else None,
        window_unit=window.unit.value if window else "datetime",
    )
    load = LoadConfig(max_files=limits.max_files)
    return {step_name(plan.extract_key): extract, step_name(plan.load_key): load}
