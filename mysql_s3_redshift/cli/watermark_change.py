"""The commands of `watermark` that change documents."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.operations import (
    Changed,
    Operation,
    load_mode,
)
from mysql_s3_redshift.adapters.operations import reset as reset_table
from mysql_s3_redshift.adapters.operations import restore as restore_table
from mysql_s3_redshift.adapters.operations import set_watermark as move_watermark
from mysql_s3_redshift.adapters.s3.bucket import Bucket
from mysql_s3_redshift.adapters.s3.states import TableStates
from mysql_s3_redshift.cli import text
from mysql_s3_redshift.cli.app import App
from mysql_s3_redshift.cli.identity import who
from mysql_s3_redshift.core.model import LoadMode, TablePlan
from mysql_s3_redshift.core.next_query import next_query
from mysql_s3_redshift.core.operate import ManualChange, nothing_to_reset
from mysql_s3_redshift.core.state import ExtractState
from mysql_s3_redshift.errors import ConfigError, StateUnreadableError

LARGEST_ZONE = timedelta(hours=14)
"""No clock is further ahead of UTC, so a time beyond it is in the future in every zone."""


def set_watermark(
    app: App,
    plan: TablePlan,
    *,
    timestamp: datetime | None,
    identity: str | None,
    why: str,
    yes: bool,
) -> None:
    """Move the watermark of a table, after showing what it is now."""
    state = TableStates(Bucket(app.config.storage(plan.storage)), plan).extract.read()
    before = next_query(plan, state)
    question = [f"{plan.display_name}: the next query is now {_where(before.where)}."]
    if load_mode(plan, state) == LoadMode.APPEND:
        question.append("In append mode, rows that are extracted a second time double.")
    if timestamp is not None and timestamp - datetime.now(UTC).replace(tzinfo=None) > LARGEST_ZONE:
        question.append(f"{timestamp} is in the future: rows until then are never extracted.")
    app.confirm("\n".join([*question, "Move the watermark?"]), yes=yes)
    _change(
        app,
        plan,
        "watermark set",
        ManualChange("watermark-set", who(), why),
        lambda operation: move_watermark(operation, timestamp=timestamp, identity=identity),
    )


def reset(
    app: App,
    plan: TablePlan,
    *,
    stages: tuple[bool, bool],
    truncate: bool,
    force: bool,
    why: str,
    yes: bool,
) -> None:
    """Start a table anew; says before it what that means for the target's rows."""
    states = TableStates(Bucket(app.config.storage(plan.storage)), plan)
    state = _readable(states, force=force)
    if state is None and not force:
        raise nothing_to_reset(plan)
    mode = load_mode(plan, state)
    app.confirm(_consequences(plan, mode, stages, truncate=truncate), yes=yes)
    name = "-".join(
        [
            "watermark-force-reset" if force else "watermark-reset",
            *(["redshift"] if not stages[0] else ["mysql"] if not stages[1] else []),
            *(["truncate"] if truncate else []),
        ]
    )
    mysql, redshift = stages
    _change(
        app,
        plan,
        "watermark force-reset" if force else "watermark reset",
        ManualChange(name, who(), why),
        lambda operation: reset_table(
            operation, mysql=mysql, redshift=redshift, truncate=truncate, force=force
        ),
    )


def restore(app: App, plan: TablePlan, *, version: str | None, why: str, yes: bool) -> None:
    """Bring an earlier version back."""
    states = TableStates(Bucket(app.config.storage(plan.storage)), plan)
    entries = states.history()
    if not entries:
        raise ConfigError(
            f"{plan.display_name}: the history is empty: nothing was changed by hand.",
            kept="Nothing was changed.",
            remedy="See `watermark get` for where the table stands.",
        )
    name = version or entries[0].name
    undone = next((e.action for e in entries if e.name == name), "")
    question = f"{plan.display_name}: bring back the state before {undone or name} ({name})?"
    warnings = _what_restoring_doubles(plan, _readable(states, force=True))
    app.confirm("\n".join([*warnings, question]), yes=yes)
    _change(
        app,
        plan,
        "watermark restore",
        ManualChange("watermark-restore", who(), why),
        lambda operation: restore_table(operation, name),
    )
    if "truncate" in undone:
        text.echo(f"{_target(plan)} was emptied then. To load it anew from the files:", err=True)
        text.echo(f"  {_load_anew(plan)}", err=True)


def _what_restoring_doubles(plan: TablePlan, state: ExtractState | None) -> list[str]:
    """What a document of earlier means for a table whose rows are only ever added."""
    if load_mode(plan, state) not in {"", LoadMode.APPEND}:
        return []
    return [
        f"In append mode, rows that came into {_target(plan)} since then double when the next sync "
        "brings them again.",
        f"To load the target anew from the files, after it: {_load_anew(plan)}",
    ]


def _load_anew(plan: TablePlan) -> str:
    reset = f"mysql-s3-redshift watermark reset -p {plan.pipeline} -t {plan.scoped_name}"
    return f"{reset} --redshift-only --truncate-target"


def _target(plan: TablePlan) -> str:
    return f"{plan.target}:{plan.target_schema}.{plan.target_name}"


def show_history(app: App, plan: TablePlan) -> None:
    """List earlier versions, the newest first."""
    states = TableStates(Bucket(app.config.storage(plan.storage)), plan)
    entries = states.history()
    notes = states.notes(entries)
    if app.as_json:
        versions = [
            {
                "version": e.name,
                "stage": e.stage,
                "before": e.action,
                "at": e.when,
                "who": notes[e.name].who if e.name in notes else None,
                "why": notes[e.name].why if e.name in notes else None,
                "uri": e.uri,
            }
            for e in entries
        ]
        app.print_json(
            "watermark history",
            {"status": "success", "table": plan.display_name, "versions": versions},
        )
        return
    if not entries:
        text.echo(f"{plan.display_name}: nothing was changed by hand.")
        return
    rows = [
        (
            e.name,
            e.stage,
            e.action,
            notes[e.name].who if e.name in notes else None,
            (notes[e.name].why or None) if e.name in notes else None,
            e.uri,
        )
        for e in entries
    ]
    text.write_table(("version", "document", "before", "who", "why", "uri"), rows)


def _change(
    app: App,
    plan: TablePlan,
    command: str,
    change: ManualChange,
    act: Callable[[Operation], Changed],
) -> None:
    with Connections(app.config) as connections:
        changed = act(Operation(plan, connections, change))
    if app.as_json:
        app.print_json(command, {"table": plan.display_name, **_document(plan, changed)})
        return
    after = next_query(plan, changed.extract)
    text.echo(f"{plan.display_name}: the next query is {_where(after.where)}.")
    if changed.deleted_rows is not None:
        text.echo(f"{text.plural(changed.deleted_rows, 'row')} deleted from the target.")
    pending = len(changed.extract.pending(changed.load)) if changed.load and changed.extract else 0
    if pending:
        text.echo(f"{text.plural(pending, 'file')} pending.")
    if not changed.history:
        return
    text.echo(
        f"Undo: mysql-s3-redshift watermark restore -t {plan.scoped_name} "
        f"--version {changed.version}"
    )


def _document(plan: TablePlan, changed: Changed) -> dict[str, Any]:
    after = next_query(plan, changed.extract)
    return {
        "status": "success",
        "version_before": changed.version if changed.history else None,
        "history": list(changed.history),
        "generation": changed.extract.generation if changed.extract else None,
        "deleted_rows": changed.deleted_rows,
        "next_query": {"where": after.where, "note": after.note},
    }


def _consequences(plan: TablePlan, mode: str, stages: tuple[bool, bool], *, truncate: bool) -> str:
    target = _target(plan)
    what = "all rows are extracted and loaded" if stages[0] else "all files on S3 are loaded"
    lines = [f"{plan.display_name}: {what} again by the next sync."]
    if truncate:
        lines.append(f"All rows of {target} are deleted now.")
    elif mode == LoadMode.APPEND:
        lines.append(
            f"load_mode is append: every row that is in {target} now will be there twice. "
            "--truncate-target deletes them first."
        )
    elif not mode:
        lines.append(
            f"The load mode is not known yet; with append, the rows of {target} would double "
            "without --truncate-target."
        )
    return "\n".join([*lines, "Reset?"])


def _readable(states: TableStates, *, force: bool) -> ExtractState | None:
    try:
        return states.extract.read()
    except StateUnreadableError:
        if not force:
            raise
        return None


def _where(condition: str) -> str:
    return condition or "the whole table"
