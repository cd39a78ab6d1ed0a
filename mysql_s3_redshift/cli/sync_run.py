"""`sync`: run the tables, show their progress, tell what became of each."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import click

from mysql_s3_redshift.cli import text
from mysql_s3_redshift.cli.app import App
from mysql_s3_redshift.cli.frame import error_document, tell_error
from mysql_s3_redshift.cli.interrupts import Interrupts
from mysql_s3_redshift.cli.mismatch import MismatchError
from mysql_s3_redshift.cli.progress import progress_view
from mysql_s3_redshift.cli.sync_request import SyncRequest
from mysql_s3_redshift.cli.verify_run import verify_table
from mysql_s3_redshift.cli.watermark_count_run import counts_of
from mysql_s3_redshift.core.counts import COUNTS_REMEDY
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.defs.instance import open_instance
from mysql_s3_redshift.defs.sync import SyncOptions, TableOutcome, sync_tables
from mysql_s3_redshift.errors import ExitCode, ReplicationError

NOTHING_NEW = "nothing new"
MANY_TABLES = 20
"""Of more tables, those where nothing was new have no line of their own."""


def run_sync(app: App, plans: Sequence[TablePlan], request: SyncRequest) -> None:
    """Run the tables through Dagster and exit with the code of what happened.

    One table that was asked for alone fails with the code of its own error; of several, some that
    fail make the code 3.
    """
    # Dagster would print its notice in the middle of ours, and report on the first run.
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "yes")
    view = progress_view(plans, quiet=app.as_json)
    with Interrupts() as interrupts, open_instance(app.config) as instance, view as report:
        outcomes = sync_tables(
            app.config,
            plans,
            _options(request),
            instance=instance,
            report=report,
            stopping=interrupts.stopping,
        )
    if request.verify_data and not interrupts.stopping():
        outcomes = {
            plan.display_name: _verified(app, plan, outcomes[plan.display_name]) for plan in plans
        }
    if app.as_json:
        app.print_json("sync", sync_document(outcomes))
    else:
        _summarize(outcomes)
    code = exit_code(outcomes)
    if code == ExitCode.DONE and interrupts.signal is not None:
        code = 128 + interrupts.signal
    click.get_current_context().exit(code)


def _options(request: SyncRequest) -> SyncOptions:
    return SyncOptions(
        backup_only=not request.loads,
        redshift_only=not request.extracts,
        limits=request.limits,
        window=None if request.reloads else request.window,
    )


def _verified(app: App, plan: TablePlan, outcome: TableOutcome) -> TableOutcome:
    """The outcome of a table after all of its counts were compared, in both databases."""
    if outcome.status != "success":
        return outcome
    try:
        checks = [*counts_of(app, plan), *verify_table(app, plan, deep=False, most=0).checks]
    except ReplicationError as error:
        return replace(outcome, status="failed", error=error)
    different = [check for check in checks if not check.agrees]
    if not different:
        return outcome
    mismatch = MismatchError(plan.display_name, different, remedy=COUNTS_REMEDY)
    return replace(outcome, status="failed", error=mismatch)


def exit_code(outcomes: Mapping[str, TableOutcome]) -> int:
    """The exit code of a sync: that of its failures, else of the checks that failed as errors."""
    failed = [o for o in outcomes.values() if o.status == "failed"]
    if not failed:
        disproved = any(map(_is_disproved, outcomes.values()))
        return int(ExitCode.MISMATCH if disproved else ExitCode.DONE)
    if len(outcomes) > 1:
        return int(ExitCode.TABLES_FAILED)
    error = failed[0].error
    return int(error.exit_code if error is not None else ExitCode.UNEXPECTED)


def sync_document(outcomes: Mapping[str, TableOutcome]) -> dict[str, Any]:
    """The JSON document of a sync."""
    failed = sum(o.status == "failed" for o in outcomes.values())
    status = "success" if not failed else "failed" if failed == len(outcomes) else "partial"
    if status == "success" and any(map(_is_disproved, outcomes.values())):
        status = "partial"
    return {"status": status, "tables": {n: _table_document(o) for n, o in outcomes.items()}}


def _table_document(outcome: TableOutcome) -> dict[str, Any]:
    return {
        "status": outcome.status,
        "rows_extracted": outcome.rows_extracted,
        "files_written": outcome.files_written,
        "bytes_written": outcome.bytes,
        "rows_loaded": outcome.rows_loaded,
        "files_loaded": outcome.files_loaded,
        "pending_files": outcome.pending_files,
        "seconds": round(outcome.seconds, 3),
        "lag_seconds": outcome.lag,
        "note": outcome.note,
        "run_id": outcome.run_id,
        "error": error_document(outcome.error) if outcome.error is not None else None,
        "failed_checks": [
            {
                "name": check.name,
                "severity": "error" if check.is_error else "warning",
                "happened": check.happened,
                "remedy": check.remedy,
            }
            for check in outcome.failed_checks
        ],
    }


def _is_disproved(outcome: TableOutcome) -> bool:
    """Whether a check found rows or evidence wrong, though the run itself went well."""
    return any(check.is_error for check in outcome.failed_checks)


def _summarize(outcomes: Mapping[str, TableOutcome]) -> None:
    """A line per table; of many tables, those where nothing was new are only counted."""
    idle = [name for name, outcome in outcomes.items() if _is_idle(outcome)]
    left_out = set(idle) if len(outcomes) > MANY_TABLES else set()
    told = {name: outcome for name, outcome in outcomes.items() if name not in left_out}
    headers = ("table", "status", "rows", "files", "size", "loaded", "pending", "seconds", "lag")
    lines = [_line(name, outcome) for name, outcome in told.items()]
    if told:
        text.write_table(headers, [*lines, *([_total(outcomes)] if len(told) > 1 else [])])
    for name, outcome in outcomes.items():
        for check in outcome.failed_checks:
            text.echo(f"warning: {name}: check {check.name} failed: {check.happened}", err=True)
            text.echo(f"  {check.remedy}", err=True)
    for name, outcome in told.items():
        if outcome.error is not None:
            text.echo(err=True)
            text.echo(f"{name} failed:", err=True)
            tell_error(outcome.error, as_json=False)
        elif outcome.note and outcome.note != NOTHING_NEW:
            text.echo(f"{name}: {outcome.note}")
    if left_out and told:
        text.echo(f"{text.plural(len(left_out), 'other table')}: {NOTHING_NEW}")
    elif len(idle) == len(outcomes):
        text.echo(NOTHING_NEW)


def _total(outcomes: Mapping[str, TableOutcome]) -> tuple[Any, ...]:
    every = list(outcomes.values())
    return (
        "total",
        f"{sum(o.status == 'success' for o in every)}/{len(every)}",
        sum(o.rows_extracted for o in every),
        sum(o.files_written for o in every),
        text.size(sum(o.bytes for o in every)),
        sum(o.rows_loaded for o in every),
        sum(o.pending_files or 0 for o in every),
        round(sum(o.seconds for o in every), 1),
        None,
    )


def _is_idle(outcome: TableOutcome) -> bool:
    moved = outcome.rows_extracted or outcome.files_written or outcome.files_loaded
    return outcome.status != "failed" and not moved


def _line(name: str, outcome: TableOutcome) -> tuple[Any, ...]:
    return (
        name,
        outcome.status,
        outcome.rows_extracted,
        outcome.files_written,
        text.size(outcome.bytes),
        outcome.rows_loaded,
        outcome.pending_files,
        round(outcome.seconds, 1),
        None if outcome.lag is None else f"{outcome.lag:,.0f}s",
    )
