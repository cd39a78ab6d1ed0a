"""From a configuration to Dagster's definitions."""

from collections.abc import Iterable, Sequence
from typing import Any

import dagster as dg

from mysql_s3_redshift.config import Config
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.defs.alerts import build_alerts
from mysql_s3_redshift.defs.assets import RETRY, build_table_assets
from mysql_s3_redshift.defs.check_alerts import build_check_alerts
from mysql_s3_redshift.defs.checks.build import build_audit
from mysql_s3_redshift.defs.checks.schedule import (
    audited_keys,
    build_checks_job,
    build_checks_schedule,
)
from mysql_s3_redshift.defs.config_memory import remember
from mysql_s3_redshift.defs.executors import build_executor
from mysql_s3_redshift.defs.io_manager import StateIOManager
from mysql_s3_redshift.defs.jobs import build_sync_job
from mysql_s3_redshift.defs.names import (
    SESSION,
    SLICES,
    source_resource,
    state_io_manager,
    storage_resource,
    target_resource,
)
from mysql_s3_redshift.defs.operator_jobs import build_operator_jobs
from mysql_s3_redshift.defs.pools import pool_limits
from mysql_s3_redshift.defs.resources import (
    MySqlResource,
    RedshiftResource,
    RunSession,
    S3Resource,
)
from mysql_s3_redshift.defs.sensors import build_schedule, build_sensor
from mysql_s3_redshift.defs.slice_graph import SliceIOManager


def build_definitions(
    config: Config, *, retry_policy: dg.RetryPolicy | None = RETRY
) -> dg.Definitions:
    """Make the code location of a configuration; connects to nothing."""
    plans = config.plans()
    executor = build_executor(config.execution)
    jobs: list[Any] = [*build_operator_jobs(config)]
    sensors: list[dg.SensorDefinition] = []
    schedules: list[dg.ScheduleDefinition] = []
    for name, pipeline in config.pipelines.items():
        tables = [plan for plan in plans if plan.pipeline == name]
        job = build_sync_job(name, executor, audited=audited_keys(tables))
        checks = build_checks_job(name, tables, executor)
        jobs += [job, checks]
        limits = pool_limits(config, tables)
        if pipeline.sync.schedule is not None:
            schedules.append(build_schedule(name, pipeline, tables, job, limits=limits))
        else:
            sensors.append(build_sensor(name, pipeline, tables, job, limits=limits))
        schedules.append(build_checks_schedule(name, pipeline, tables, checks))
        if pipeline.alerts is not None:
            sensors += [
                build_alerts(config, name, tables),
                build_check_alerts(config, name, tables),
            ]
    return dg.Definitions(
        assets=build_table_assets(plans, retry_policy=retry_policy),
        asset_checks=[build_audit(plan) for plan in plans],
        jobs=jobs,
        sensors=sensors,
        schedules=schedules,
        resources=build_resources(config, plans),
        executor=executor,
    )


def build_resources(
    config: Config, plans: Iterable[TablePlan], session: RunSession | None = None
) -> dict[str, Any]:
    """Make the resources that some tables need: one per connection, and who watches the run."""
    path = remember(config)
    resources: dict[str, Any] = {
        SESSION: dg.ResourceDefinition.hardcoded_resource(session or RunSession())
    }
    storages: dict[str, S3Resource] = {}
    for plan in plans:
        if plan.slices > 1:
            resources[SLICES] = SliceIOManager()
        if plan.storage not in storages:
            storages[plan.storage] = S3Resource(config_path=path, connection=plan.storage)
            resources[storage_resource(plan.storage)] = storages[plan.storage]
            resources[state_io_manager(plan.storage)] = StateIOManager(
                storage=storages[plan.storage]
            )
        if (key := source_resource(plan.source)) not in resources:
            resources[key] = MySqlResource(config_path=path, connection=plan.source)
        if (key := target_resource(plan.target)) not in resources:
            resources[key] = RedshiftResource(config_path=path, connection=plan.target)
    return resources


def build_pair(
    config: Config, plan: TablePlan, session: RunSession, loggers: dict[str, Any]
) -> dg.Definitions:
    """Make the definitions of one table's run by the command line.

    Without retries, which would keep a person waiting, and with the pair alone: a job that is cut
    out of hundreds of assets takes longer to make than an idle table takes to sync.
    """
    assets: Sequence[Any] = build_table_assets([plan], retry_policy=None)
    return dg.Definitions(
        assets=assets,
        jobs=[build_sync_job(plan.pipeline)],
        resources=build_resources(config, [plan], session),
        loggers=loggers,
    )
