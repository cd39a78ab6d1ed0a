"""What the steps of an S3 asset with slices do (`slice_graph`), but for the last, `run_extract`."""

from dataclasses import replace

import dagster as dg

from mysql_s3_redshift.adapters import pair
from mysql_s3_redshift.core.extraction import ExtractRequest
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.slice_worker import SliceWork
from mysql_s3_redshift.defs.names import SESSION, source_resource
from mysql_s3_redshift.defs.partitions import await_turn, chosen_window
from mysql_s3_redshift.defs.progress import StepProgress
from mysql_s3_redshift.defs.resources import MySqlResource, RunSession, resource
from mysql_s3_redshift.defs.run_config import ExtractConfig


def run_plan(
    context: dg.AssetExecutionContext, plan: TablePlan, config: ExtractConfig
) -> list[str]:
    """Begin the run and name the ranges that may be read side by side."""
    progress, connect, request = _begin(context, plan)
    request = replace(request, limits=config.limits(), window=chosen_window(context, plan, config))
    if request.window is not None and request.window.daily:
        await_turn(context, plan)
    with connect.open() as connections:
        described = pair.describe(plan, connections)
        works = pair.plan_slices(described, request, connections, progress)
        if works:  # their files have the new columns, so the last step finds no difference
            progress.observe_changes(change.sentence for change in described.changes)
    return [_name_of(work) for work in works]


def run_slice(context: dg.AssetExecutionContext, plan: TablePlan, name: str) -> int:
    """Read one range; returns the rows that this step read."""
    progress, connect, request = _begin(context, plan)
    with connect.open() as connections:
        described = pair.describe(plan, connections)
        return pair.read_slice(described, _named(name), request, connections, progress).rows


def _begin(
    context: dg.AssetExecutionContext, plan: TablePlan
) -> tuple[StepProgress, MySqlResource, ExtractRequest]:
    session = resource(context, SESSION, RunSession)
    mysql = resource(context, source_resource(plan.source), MySqlResource)
    first = context.run.root_run_id or ""
    request = ExtractRequest(context.run.run_id, stopping=session.stopping, first_run_id=first)
    return StepProgress(context, plan, session), mysql, request


def _name_of(work: SliceWork) -> str:
    return f"{work.number:04}_{work.plan_id}"


def _named(name: str) -> SliceWork:
    number, _, plan_id = name.partition("_")
    return SliceWork(plan_id, int(number))
