"""From an operator job's parts to Dagster's job."""

from collections.abc import Iterator, Sequence

import dagster as dg

from mysql_s3_redshift.config import Config
from mysql_s3_redshift.defs.config_memory import remember
from mysql_s3_redshift.defs.operator_jobs.forms import JOB_PREFIX, JOBS, OperatorJob
from mysql_s3_redshift.defs.operator_jobs.launchpad import offering


def build_operator_jobs(config: Config) -> list[dg.JobDefinition]:
    """Make the jobs of a code location: one of each kind, the table is a choice of its launchpad.

    A job per table would be hundreds, among which nobody finds one.
    """
    tables = [plan.display_name for plan in config.plans()]
    path = remember(config)
    return [_build(job, path, tables) for job in JOBS] if tables else []


def _build(job: OperatorJob, path: str, tables: Sequence[str]) -> dg.JobDefinition:
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
        from mysql_s3_redshift.defs.operator_jobs.acts import carry_out

        yield from carry_out(job, path, context)

    def graph() -> None:
        operate()

    prefilled = {"table": tables[0], **job.prefilled}
    built: dg.JobDefinition = dg.job(
        name=f"{JOB_PREFIX}{job.name}",
        description=f"{job.description}\n\n{_tables_text(tables)}",
        executor_def=dg.in_process_executor,
        tags={"mysql_s3_redshift/operator": job.name},
        config=dg.RunConfig(ops={job.name: {"config": prefilled}}),
    )(graph)
    return built


def _tables_text(tables: Sequence[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in tables[:20])
    return f"Tables: {shown}{', …' if len(tables) > 20 else ''}"
