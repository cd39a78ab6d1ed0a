"""`watermark import`: go on where the old tool stopped."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from mysql_s3_redshift.adapters import importing
from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.importing import Found
from mysql_s3_redshift.adapters.operations import Operation
from mysql_s3_redshift.cli import text
from mysql_s3_redshift.cli.app import App
from mysql_s3_redshift.cli.identity import who
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.next_query import next_query
from mysql_s3_redshift.core.operate import ManualChange


def take_over(
    app: App,
    plan: TablePlan,
    *,
    state_prefix: str,
    data_prefix: str | None,
    adopt: bool,
    newer_than: datetime | None,
    why: str,
    yes: bool,
) -> None:
    """Show what the old tool left of a table, ask, and go on from there."""
    with Connections(app.config) as connections:
        operation = Operation(plan, connections, ManualChange("watermark-import", who(), why))
        found = importing.find(
            operation, state_prefix=state_prefix, data_prefix=data_prefix, newer_than=newer_than
        )
        app.confirm(_question(plan, found, adopt=adopt), yes=yes)
        changed = importing.take_over(operation, found, adopt=adopt)
    pending = len(changed.extract.pending(changed.load)) if changed.extract else 0
    after = next_query(plan, changed.extract)
    if app.as_json:
        facts: dict[str, Any] = {
            "table": plan.display_name,
            "imported_from": found.uri,
            "imported_version": found.state.version,
            "loaded_files": found.loaded,
            "pending_files": pending,
            "next_query": {"where": after.where, "note": after.note},
        }
        app.print_json("watermark import", {"status": "success", **facts})
        return
    text.echo(f"{plan.display_name}: the next query is {after.where or 'the whole table'}.")
    text.echo(f"{text.plural(pending, 'file')} pending.")


def _question(plan: TablePlan, found: Found, *, adopt: bool) -> str:
    state = found.state
    lines = [
        f"{plan.display_name}: version {state.version} from {found.uri}",
        f"  watermark {state.timestamp or '-'}, id {state.identity if state.identity else '-'}",
        f"  {text.plural(found.loaded, 'file')} on its blacklist count as loaded",
    ]
    if found.files:
        size = text.size(sum(f.bytes for f in found.files))
        verdict = "become pending" if adopt else "are left alone (--adopt-files)"
        lines.append(f"  {text.plural(len(found.files), 'other file')}, {size}, {verdict}")
    return "\n".join([*lines, "Import?"])
