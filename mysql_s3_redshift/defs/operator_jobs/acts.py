"""What happens when an operator job is launched."""

from collections.abc import Iterator

import dagster as dg
from pydantic import ValidationError

from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.defs.config_memory import recall
from mysql_s3_redshift.defs.failures import failure_of, shown_in_dagster
from mysql_s3_redshift.defs.operator_jobs import cleaning, forms, syncing, verifying, watermarks
from mysql_s3_redshift.defs.operator_jobs.audit import Audit, observations
from mysql_s3_redshift.defs.operator_jobs.forms import JOB_PREFIX, OperatorJob
from mysql_s3_redshift.defs.operator_jobs.launchpad import TableConfig, unchanged
from mysql_s3_redshift.defs.operator_jobs.turn import Turn


def carry_out(
    job: OperatorJob, path: str, context: dg.OpExecutionContext
) -> Iterator[dg.AssetObservation | dg.Output[None]]:
    """Do what a launched job was asked to do, and put it on record."""
    with shown_in_dagster():
        plan, audit = _operate(job, path, context)
    yield from observations(plan, audit)  # what is yielded stays, also where the job fails
    if audit.failure is not None:
        raise failure_of(audit.failure) from audit.failure
    yield dg.Output(None)


def act(turn: Turn, config: TableConfig) -> Audit:
    """Do what a filled-in form asks for.

    Raises:
        TypeError: It is a form of no job.
    """
    match config:
        case forms.SyncTableConfig():
            return syncing.sync_table(turn, config)
        case forms.ReloadWindowConfig():
            return syncing.reload_window(turn, config)
        case forms.SetWatermarkConfig():
            return watermarks.set_watermark(turn, config)
        case forms.ResetWatermarkConfig():
            return watermarks.reset_watermark(turn, config)
        case forms.RestoreWatermarkConfig():
            return watermarks.restore_watermark(turn, config)
        case forms.CleanS3Config():
            return cleaning.clean_s3(turn, config)
        case forms.VerifyConfig():
            return verifying.verify(turn, config)
    message = f"{type(config).__name__} is the form of no job"
    raise TypeError(message)


def _operate(
    job: OperatorJob, path: str, context: dg.OpExecutionContext
) -> tuple[TablePlan, Audit]:
    try:
        chosen = job.config(**context.op_config)
    except ValidationError as error:
        raise unchanged(
            f"The config of {JOB_PREFIX}{job.name} does not fit: {error.errors()[0]['msg']} "
            f"({'.'.join(map(str, error.errors()[0]['loc']))}).",
            "Correct it in the launchpad; every field tells what it takes.",
        ) from error
    config = recall(path)
    plans = {plan.display_name: plan for plan in config.plans()}
    if chosen.table not in plans:
        raise config.unknown("table", chosen.table, plans)
    plan = plans[chosen.table]
    audit = act(Turn(context, config, plan), chosen)
    context.log.info("%s: %s", plan.display_name, audit.sentence)
    return plan, audit
