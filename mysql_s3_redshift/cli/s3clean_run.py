"""What the commands of `s3clean` do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from mysql_s3_redshift.adapters import cleaning
from mysql_s3_redshift.adapters.cleaning import Choice, Cleaned
from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.operations import Operation
from mysql_s3_redshift.cli import text
from mysql_s3_redshift.cli.app import App
from mysql_s3_redshift.cli.identity import who
from mysql_s3_redshift.cli.several import Several, look_at_each
from mysql_s3_redshift.core.clean import JudgedFile, Standing, choose
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.operate import ManualChange


def loaded_files(*, older_than: timedelta | None, pattern: str | None, force: bool) -> Choice:
    """Choose loaded files, and by force pending ones."""
    standings = {Standing.LOADED, Standing.PENDING} if force else {Standing.LOADED}
    now = datetime.now(UTC)
    return lambda files: choose(files, standings, now=now, older_than=older_than, pattern=pattern)


ORPHANED = {Standing.ORPHAN, Standing.UPLOAD}


def orphaned_files(grace: timedelta) -> Choice:
    """Choose orphans and uploads that were not completed, past their grace."""
    now = datetime.now(UTC)
    return lambda files: choose(files, ORPHANED, now=now, older_than=grace)


def list_files(app: App, plans: Sequence[TablePlan], *, show_timestamps: bool) -> None:
    """Show the files of each table by standing."""
    several = look_at_each(plans, lambda plan: _look(app, plan, uploads=True))
    if app.as_json:
        tables = several.documents(
            lambda files: {
                **_counts(files),
                **({"files": _listed(files)} if show_timestamps else {}),
            }
        )
        status = "failed" if several.failed else "success"
        app.print_json("s3clean list", {"status": status, "tables": tables})
    else:
        _show_list(several.found, show_timestamps=show_timestamps)
    several.raise_failures()


def _show_list(found: Mapping[str, list[JudgedFile]], *, show_timestamps: bool) -> None:
    kinds = tuple(Standing)
    rows = []
    for name, files in found.items():
        counts = Counter(f.standing for f in files)
        rows.append((name, *(counts[k] for k in kinds), text.size(_bytes(files))))
    text.write_table(("table", *map(str, kinds), "size"), rows)
    if show_timestamps:
        for files in found.values():
            text.echo()
            _show(files)


def delete_files(
    app: App,
    command: str,
    plans: Sequence[TablePlan],
    choice: Choice,
    *,
    force: bool = False,
    uploads: bool = False,
    dry_run: bool,
    why: str,
    yes: bool,
) -> None:
    """Show what would be freed, ask, delete. A table that cannot be judged hides no other.

    Raises:
        ReplicationError: The only table failed, as when a load of it is running.
        TablesFailedError: Some tables failed; the others are done.
    """

    def foresee(plan: TablePlan) -> Cleaned:
        return Cleaned((), tuple(choice(_look(app, plan, uploads=uploads))), deleted=False)

    planned = look_at_each(plans, foresee)
    total = [file for cleaned in planned.found.values() for file in cleaned.chosen]
    if dry_run or not total:
        _tell(app, command, planned)
        planned.raise_failures()
        return
    if not app.as_json:
        _tell(app, command, planned)
    app.confirm(_question(total, force=force), yes=yes)

    def delete(plan: TablePlan) -> Cleaned:
        foreseen = planned.found.get(plan.display_name)
        if foreseen is None:
            raise planned.failed[plan.display_name]
        if not foreseen.chosen:
            return foreseen
        with Connections(app.config) as connections:
            operation = Operation(plan, connections, ManualChange("s3clean", who(), why))
            return cleaning.clean(operation, choice, uploads=uploads)

    done = look_at_each(plans, delete)
    if app.as_json:
        _tell(app, command, done)
    else:
        freed = [file for cleaned in done.found.values() for file in cleaned.chosen]
        text.echo(f"{_number_of(freed)} deleted, {text.size(_bytes(freed))} freed.")
    done.raise_failures()


def _look(app: App, plan: TablePlan, *, uploads: bool) -> list[JudgedFile]:
    with Connections(app.config) as connections:
        operation = Operation(plan, connections, ManualChange("look", who(), ""))
        return cleaning.list_files(operation, uploads=uploads)


def _question(files: Sequence[JudgedFile], *, force: bool) -> str:
    lines = []
    pending = [f for f in files if f.standing is Standing.PENDING]
    if force and pending:
        lines.append(
            f"{text.plural(len(pending), 'file')} not loaded yet: the rows will be missing in "
            "Redshift until `watermark set` or `watermark reset` has them extracted again. Files "
            "that load together, as those of one snapshot, are given up together."
        )
    return "\n".join([*lines, f"Delete {_number_of(files)}?"])


def _number_of(files: Sequence[JudgedFile]) -> str:
    uploads = sum(f.standing is Standing.UPLOAD for f in files)
    told = [text.plural(len(files) - uploads, "file")] if len(files) > uploads else []
    told += [text.plural(uploads, "unfinished upload")] if uploads else []
    return " and ".join(told) or "0 files"


def _tell(app: App, command: str, several: Several[Cleaned]) -> None:
    if app.as_json:
        status = "failed" if several.failed else "success"
        tables = several.documents(_document)
        app.print_json(command, {"status": status, "tables": tables})
        return
    rows = [
        (name, len(c.chosen), text.size(_bytes(c.chosen)))
        for name, c in several.found.items()
        if c.chosen
    ]
    if not rows:
        text.echo("Nothing to delete.")
        return
    text.write_table(("table", "files", "size"), rows)


def _document(cleaned: Cleaned) -> dict[str, Any]:
    return {
        "files": len(cleaned.chosen),
        "bytes": _bytes(cleaned.chosen),
        "uploads": sum(f.standing is Standing.UPLOAD for f in cleaned.chosen),
        "deleted": cleaned.deleted,
        "uris": [f.file.uri for f in cleaned.chosen],
    }


def _bytes(files: Sequence[JudgedFile]) -> int:
    return sum(f.file.bytes for f in files)


def _counts(files: Sequence[JudgedFile]) -> dict[str, Any]:
    counts = Counter(f.standing for f in files)
    return {"bytes": _bytes(files), **{f"{kind}_files": counts[kind] for kind in Standing}}


def _listed(files: Sequence[JudgedFile]) -> list[dict[str, Any]]:
    return [
        {
            "uri": f.file.uri,
            "standing": f.standing,
            "bytes": f.file.bytes,
            "when": f.file.when.isoformat() if f.file.when else None,
            "modified": f.file.modified.isoformat(),
        }
        for f in files
    ]


def _show(files: Sequence[JudgedFile]) -> None:
    rows = [
        (f.standing, f"{f.newest:%Y-%m-%d %H:%M:%S}", text.size(f.file.bytes), f.file.uri)
        for f in files
    ]
    text.write_table(("standing", "time (UTC)", "size", "uri"), rows)
