"""`sync --redshift-only --reload`: files on S3 become pending again before the load."""

from __future__ import annotations

from collections.abc import Sequence

from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.operations import Operation, load_mode, reload_window, reset
from mysql_s3_redshift.cli.app import App
from mysql_s3_redshift.cli.identity import who
from mysql_s3_redshift.core.model import LoadMode, TablePlan, Window
from mysql_s3_redshift.core.operate import ManualChange


def register_again(
    app: App, plans: Sequence[TablePlan], window: Window | None, *, yes: bool
) -> None:
    """Register the files of tables again, all or those of a window.

    In append mode the target is emptied first, because its rows would be there twice.
    """
    names = ", ".join(plan.display_name for plan in plans)
    question = f"Load the files of {names} again?"
    if window is None:
        question = (
            "Tables that append are emptied first, so that no row is there twice.\n" + question
        )
    app.confirm(question, yes=yes)
    for plan in plans:
        with Connections(app.config) as connections:
            operation = Operation(plan, connections, ManualChange("sync-reload", who(), ""))
            if window is not None:
                reload_window(operation, window)
                continue
            appends = load_mode(plan, operation.states.extract.read()) == LoadMode.APPEND
            reset(operation, mysql=False, redshift=True, truncate=appends)
