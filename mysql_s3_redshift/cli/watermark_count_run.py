"""What the commands of `watermark-count` do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.counting import gather_counts
from mysql_s3_redshift.adapters.operations import Operation
from mysql_s3_redshift.adapters.operations import set_count as note
from mysql_s3_redshift.cli import text
from mysql_s3_redshift.cli.app import App
from mysql_s3_redshift.cli.identity import who
from mysql_s3_redshift.cli.mismatch import MismatchToldError
from mysql_s3_redshift.cli.several import look_at_each
from mysql_s3_redshift.core.counts import ADOPTED_ROWS, COUNTS_REMEDY, Check, check_counts
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.operate import ManualChange


def validate(app: App, plans: Sequence[TablePlan]) -> None:
    """Compare all counts of tables; one that cannot be counted hides none of the others.

    Raises:
        CountMismatchError: Some differ; all tables are told before.
        TablesFailedError: Some could not be counted.
    """
    several = look_at_each(plans, lambda plan: counts_of(app, plan))
    wrong = {name: [c for c in checks if not c.agrees] for name, checks in several.found.items()}
    different = {name: checks for name, checks in wrong.items() if checks}
    if app.as_json:
        status = "failed" if different or several.failed else "success"
        tables = several.documents(_documents)
        app.print_json("watermark-count validate-counts", {"status": status, "tables": tables})
    else:
        for name, checks in several.found.items():
            _show(name, checks)
    if different and not several.failed:
        raise MismatchToldError(different, remedy=COUNTS_REMEDY)
    several.raise_failures()


def counts_of(app: App, plan: TablePlan) -> list[Check]:
    """All checks of one table."""
    with Connections(app.config) as connections:
        operation = Operation(plan, connections, ManualChange("validate-counts", who(), ""))
        return check_counts(gather_counts(operation))


def note_rows(
    app: App, plan: TablePlan, *, count: int, additive: bool, why: str, yes: bool
) -> None:
    """Note rows of an adopted table."""
    app.confirm(f"{plan.display_name}: note {count:,} rows that no file brought?", yes=yes)
    with Connections(app.config) as connections:
        operation = Operation(plan, connections, ManualChange("set-count", who(), why))
        changed = note(operation, count=count, additive=additive)
    load = changed.load
    adopted = load.metadata[ADOPTED_ROWS] if load else 0
    loaded = load.redshift_state.total_rows if load else 0
    if app.as_json:
        facts = {"table": plan.display_name, "adopted_rows": adopted, "loaded_rows": loaded}
        app.print_json("watermark-count set-count", {"status": "success", **facts})
        return
    text.echo(f"{plan.display_name}: {adopted:,} adopted rows, {loaded:,} loaded rows.")


def _documents(checks: Sequence[Check]) -> list[dict[str, Any]]:
    return [_document(check) for check in checks]


def _document(check: Check) -> dict[str, Any]:
    return {
        "what": check.what,
        "found": check.found,
        "expected": check.expected,
        "agrees": check.agrees,
        "cause": check.cause,
    }


def _show(name: str, checks: Sequence[Check]) -> None:
    text.echo(text.heading(name))
    rows = [(c.what, c.found, c.expected, "ok" if c.agrees else "failed") for c in checks]
    text.write_table(("check", "found", "expected", "status"), rows)
    for check in checks:
        if not check.agrees:
            text.echo(f"  {check.what}: {check.cause}.")
    text.echo()
