"""`sync --redshift-only --reload`: files on S3 become pending again before the load."""

from __future__ import annotations

from collections.abc import Sequence

from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.operations import (
    Changed,
    Operation,
    load_mode,
    reload_window,
    reset,
)
from mysql_s3_redshift.cli import text
from mysql_s3_redshift.cli.app import App
from mysql_s3_redshift.cli.identity import who
from mysql_s3_redshift.cli.several import look_at_each
from mysql_s3_redshift.core.model import LoadMode, TablePlan, Window
from mysql_s3_redshift.core.operate import ManualChange
from mysql_s3_redshift.errors import TablesFailedError


def register_again(
    app: App, plans: Sequence[TablePlan], window: Window | None, *, yes: bool
) -> None:
    """Register the files of tables again, all or those of a window.

    In append mode the target is emptied first, because its rows would be there twice.

    Raises:
        ReplicationError: The only table cannot be loaded again.
        TablesFailedError: Some tables cannot; the others can be loaded.
    """
    names = ", ".join(plan.display_name for plan in plans)
    question = f"Load the files of {names} again?"
    if window is None:
        question = (
            "Tables that append are emptied first, so that no row is there twice.\n" + question
        )
    app.confirm(question, yes=yes)

    def register(plan: TablePlan) -> Changed:
        with Connections(app.config) as connections:
            operation = Operation(plan, connections, ManualChange("sync-reload", who(), ""))
            if window is not None:
                return reload_window(operation, window)
            appends = load_mode(plan, operation.states.extract.read()) == LoadMode.APPEND
            return reset(operation, mysql=False, redshift=True, truncate=appends)

    several = look_at_each(plans, register)
    if several.failed:
        several.tell_failures()
        raise TablesFailedError(
            f"{len(several.failed)} of {text.plural(len(plans), 'table')} cannot be loaded again: "
            f"{', '.join(several.failed)}.",
            kept="The files of the others wait to be loaded; nothing was loaded yet.",
            remedy="Load the others by `sync --redshift-only`, and see the messages above.",
        )
