"""What the step of an S3 asset does: one extraction, and what is shown of it."""

import time
from datetime import datetime

import dagster as dg

from mysql_s3_redshift.adapters import pair
from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.pair import DescribedTable
from mysql_s3_redshift.core.cursors import parse_timestamp
from mysql_s3_redshift.core.extraction import ExtractReport, ExtractRequest
from mysql_s3_redshift.core.model import TablePlan, TimestampUnit
from mysql_s3_redshift.core.state import ExtractState
from mysql_s3_redshift.defs.checks.specs import extract_audit_keys
from mysql_s3_redshift.defs.checks.standing import tell_again
from mysql_s3_redshift.defs.checks.steps import extract_results
from mysql_s3_redshift.defs.manual_changes import observe_manual_change
from mysql_s3_redshift.defs.metadata import Extracted, extract_metadata
from mysql_s3_redshift.defs.names import SESSION, source_resource
from mysql_s3_redshift.defs.partitions import await_turn, chosen_window, tell_partitions
from mysql_s3_redshift.defs.progress import StepProgress
from mysql_s3_redshift.defs.resources import MySqlResource, RunSession, resource
from mysql_s3_redshift.defs.run_config import ExtractConfig


def run_extract(
    context: dg.AssetExecutionContext,
    plan: TablePlan,
    config: ExtractConfig,
    *,
    continues: bool = False,
) -> dg.MaterializeResult[ExtractState]:
    """Extract what is new, or what the config names.

    Args:
        context: Of the step.
        plan: The table.
        config: What the run is asked to do.
        continues: Whether earlier steps of this run have read slices.
    """
    session = resource(context, SESSION, RunSession)
    mysql = resource(context, source_resource(plan.source), MySqlResource)
    progress = StepProgress(context, plan, session)
    request = ExtractRequest(
        run_id=context.run.run_id,
        limits=config.limits(),
        window=chosen_window(context, plan, config),
        stopping=session.stopping,
        continues=continues,
        first_run_id=context.run.root_run_id or "",
    )
    if request.window is not None and request.window.daily:
        await_turn(context, plan)
    with mysql.open() as connections:
        shown = _extract(context, request, connections, plan=plan, progress=progress)
    report = shown.report
    if request.window is not None and request.window.daily:
        tell_partitions(context, report.days)
    tell_again(context, plan, extract_audit_keys(plan).values())
    return dg.MaterializeResult(
        value=report.state,
        metadata=extract_metadata(shown),
        check_results=extract_results(context.instance, shown),
        data_version=dg.DataVersion(f"{report.state.generation}.{report.state.next_seq}"),
    )


def _extract(
    context: dg.AssetExecutionContext,
    request: ExtractRequest,
    connections: Connections,
    *,
    plan: TablePlan,
    progress: StepProgress,
) -> Extracted:
    """Run the extraction and gather what is shown of it."""
    storage = connections.storage(plan)
    described = pair.describe(plan, connections)
    described_at = progress.elapsed
    before = storage.extract_states().read()
    observe_manual_change(context, before)
    report = pair.extract_table(described, request, connections, progress)
    extracted_at = progress.elapsed
    if report.files:  # else the old schema is still the stored one, and tells it next time
        progress.observe_changes(change.sentence for change in described.changes)
    early = _ended_early(report, request, plan)
    now = _source_clock(described, report, connections)
    return Extracted(
        described=described,
        report=report,
        before=before,
        pending=len(report.state.pending(storage.load_states().read())),
        data_uri=storage.data_uri,
        lag=_source_lag(report, now, caught_up=not early),
        now=now,
        catches_up=not early and request.window is None,
        seconds={
            "describe": described_at,
            "ceiling": max(progress.began.get("ceiling", described_at) - described_at, 0.0),
            "extract": extracted_at - described_at + _slices_took(context, before),
        },
        note=early or report.note,
        window=request.window,
    )


def _slices_took(context: dg.AssetExecutionContext, before: ExtractState | None) -> float:
    """Seconds from the run's start to its last step, where slices were read in between."""
    known = before.mysql_state if before else None
    phase = known.snapshot if known else None
    if known is None or not (known.reload or (phase and phase.slices)):
        return 0.0
    record = context.instance.get_run_record_by_id(context.run.run_id)
    began = record.start_time if record else None
    return max(time.time() - float(began), 0.0) if began else 0.0


def _source_clock(
    described: DescribedTable, report: ExtractReport, connections: Connections
) -> datetime | None:
    """The source's present, in the clock of the cursor; None where there is none to compare."""
    resolved = described.resolved
    cursor = resolved.cursor
    if cursor.timestamp is None or report.state.mysql_state.last_timestamp is None:
        return None
    clock = connections.source(resolved.plan.source).clock(resolved.plan)
    in_utc = cursor.zoned or cursor.unit is not TimestampUnit.DATETIME
    return clock.utc if in_utc else clock.local


def _source_lag(report: ExtractReport, now: datetime | None, *, caught_up: bool) -> float | None:
    """Seconds between the source's clock now and the end of what is on S3; None without clock.

    A run that reached its ceiling has everything up to there, however old the newest row is.
    """
    state = report.state.mysql_state
    if now is None or state.last_timestamp is None:
        return None
    reached = parse_timestamp(state.last_timestamp)
    if caught_up and report.ceiling is not None and isinstance(state.ceiling, str):
        reached = max(reached, parse_timestamp(state.ceiling))
    return max((now - reached).total_seconds(), 0.0)


def _ended_early(report: ExtractReport, request: ExtractRequest, plan: TablePlan) -> str:
    """Why the run ended before its ceiling; empty where it did not."""
    most = request.limits.max_rows(plan.chunk_rows)
    if most is not None and report.rows >= most:
        return f"stopped at the limit of {most} rows; the next run goes on after them"
    if request.stopping():
        return "stopped on request; the next run goes on from here"
    return ""
