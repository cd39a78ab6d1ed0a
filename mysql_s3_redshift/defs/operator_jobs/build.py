"""From an operator job's parts to Dagster's job."""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
from pydantic import ValidationError

from mysql_s3_redshift.config import Config
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.defs.config_memory import recall, remember
from mysql_s3_redshift.defs.failures import failure_of, shown_in_dagster
from mysql_s3_redshift.defs.operator_jobs import cleaning, syncing, verifying, watermarks
from mysql_s3_redshift.defs.operator_jobs.audit import Audit, observations
from mysql_s3_redshift.defs.operator_jobs.kinds import OperatorJob, Turn
from mysql_s3_redshift.defs.operator_jobs.launchpad import TableConfig, offering, unchanged

ALL: tuple[OperatorJob[Any], ...] = (
    *syncing.JOBS,
    *watermarks.JOBS,
    *cleaning.JOBS,
    *verifying.JOBS,
)


PREFIX = "operator_"


def build_operator_jobs(config: Config) -> list[dg.JobDefinition]:
    """Make the jobs of a code location: one of each kind, the table is a choice of its launchpad.

    A job per table would be hundreds, among which nobody finds one.
    """
    tables = [plan.display_name for plan in config.plans()]
    path = remember(config)
    return [_build(job, path, tables) for job in ALL] if tables else []


def _build(job: OperatorJob[Any], path: str, tables: Sequence[str]) -> dg.JobDefinition:
    offered = offering(job.config, tables)

    @dg.op(
        name=job.name,
        description=job.description,
        config_schema=offered.to_fields_dict(),
        out=dg.Out(dg.Nothing),
    )
    def operate(
        context: dg.OpExecutionContext,
    ) -> Iterator[dg.AssetObservation | dg.Output[None]]:
        with shown_in_dagster():
            plan, audit = _operate(job, path, context)
        yield from observations(plan, audit)  # what is yielded stays, also where the job fails
        if audit.failure is not None:
            raise failure_of(audit.failure) from audit.failure
        yield dg.Output(None)

    def graph() -> None:
        operate()

    prefilled = {"table": tables[0], **job.prefilled}
    built: dg.JobDefinition = dg.job(
        name=f"{PREFIX}{job.name}",
        description=f"{job.description}\n\n{_tables_text(tables)}",
        executor_def=dg.in_process_executor,
        tags={"mysql_s3_redshift/operator": job.name},
        config=dg.RunConfig(ops={job.name: {"config": prefilled}}),
    )(graph)
    return built


def _operate(
    job: OperatorJob[Any], path: str, context: dg.OpExecutionContext
) -> tuple[TablePlan, Audit]:
    try:
        chosen: TableConfig = job.config(**context.op_config)
    except ValidationError as error:
        raise unchanged(
            f"The config of {PREFIX}{job.name} does not fit: {error.errors()[0]['msg']} "
            f"({'.'.join(map(str, error.errors()[0]['loc']))}).",
            "Correct it in the launchpad; every field tells what it takes.",
        ) from error
    config = recall(path)
    plans = {plan.display_name: plan for plan in config.plans()}
    if chosen.table not in plans:
        raise config.unknown("table", chosen.table, plans)
    plan = plans[chosen.table]
    audit = job.act(Turn(context, config, plan), chosen)
    context.log.info("%s: %s", plan.display_name, audit.sentence)
    return plan, audit


def _tables_text(tables: Sequence[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in tables[:20])
    return f"Tables: {shown}{', …' if len(tables) > 20 else ''}"
