"""`sync --dry-run`: what each table's run would do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.pair import describe
from mysql_s3_redshift.adapters.preview import (
    ExtractPreview,
    LoadPreview,
    preview_extract,
    preview_load,
)
from mysql_s3_redshift.cli import text
from mysql_s3_redshift.cli.app import App
from mysql_s3_redshift.cli.several import look_at_each
from mysql_s3_redshift.cli.sync_request import SyncRequest
from mysql_s3_redshift.core.ceiling import ceiling_json
from mysql_s3_redshift.core.estimate import Estimate
from mysql_s3_redshift.core.extraction import ExtractRequest
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.state import encode_value, new_run_id

Preview = tuple[ExtractPreview | None, LoadPreview | None]


def show_preview(app: App, plans: Sequence[TablePlan], request: SyncRequest) -> None:
    """Show bounds, counts and SQL of every table.

    Raises:
        ReplicationError: The only table could not run.
        TablesFailedError: Some tables could not run; the others are shown.
    """

    def look(plan: TablePlan) -> Preview:
        with Connections(app.config) as connections:
            preview = _preview(plan, connections, request)
        if not app.as_json:
            _show(plan, preview)
        return preview

    several = look_at_each(plans, look)
    if app.as_json:
        status = "failed" if several.failed else "success"
        tables = several.documents(_document)
        app.print_json("sync --dry-run", {"status": status, "tables": tables})
    else:
        text.echo("Nothing was changed.")
    several.raise_failures()


def _preview(plan: TablePlan, connections: Connections, request: SyncRequest) -> Preview:
    described = describe(plan, connections) if request.extracts else None
    extracted = loaded = None
    if described is not None:
        asked = ExtractRequest(new_run_id(), request.limits, request.window)
        extracted = preview_extract(described, asked, connections)
    if request.loads:
        loaded = preview_load(
            plan,
            connections,
            max_files=request.max_files,
            described=described,
            bytes_to_come=extracted.estimate.bytes if extracted else 0,
        )
    return extracted, loaded


def _document(preview: Preview) -> dict[str, Any]:
    extracted, loaded = preview
    document: dict[str, Any] = {}
    if extracted is not None:
        ceiling = extracted.ceiling
        document["extract"] = {
            "ceiling": ceiling_json(ceiling.value) if ceiling else None,
            "ceiling_method": ceiling.method if ceiling else None,
            "ceiling_held_by": list(ceiling.held_by) if ceiling else [],
            "rows": extracted.rows,
            "rows_from": "count" if extracted.is_counted else "statistics",
            "files": extracted.files,
            "estimate": _estimate_document(extracted.estimate),
            "queries": [
                {
                    "sql": q.sql,
                    "parameters": [encode_value(v) for v in q.parameters],
                    "rows": q.rows,
                }
                for q in extracted.queries
            ],
            "note": extracted.note,
        }
    if loaded is not None:
        document["load"] = {
            "pending_files": len(loaded.pending),
            "pending_rows": sum(f.rows for f in loaded.pending),
            "files": len(loaded.files),
            "rows": sum(f.rows for f in loaded.files),
            "new_files": extracted.files if extracted else 0,
            "new_rows": extracted.rows if extracted else 0,
            "estimate": _estimate_document(loaded.estimate),
            "sql": list(loaded.statements),
            "note": loaded.note,
        }
    return document


def _estimate_document(estimate: Estimate) -> dict[str, Any]:
    return {
        "bytes": estimate.bytes,
        "seconds": round(estimate.seconds, 1),
        "basis": str(estimate.basis),
    }


def _show(plan: TablePlan, preview: Preview) -> None:
    extracted, loaded = preview
    text.echo(text.heading(plan.display_name))
    if extracted is not None:
        _show_extract(extracted)
    if loaded is not None:
        _show_load(loaded, extracted)
    text.echo()


def _show_extract(preview: ExtractPreview) -> None:
    ceiling = preview.ceiling
    rows, files = text.plural(preview.rows, "row"), text.plural(preview.files, "file")
    rows = rows if preview.is_counted else f"about {rows} (statistics)"
    text.echo(f"  extract   {rows} in {files}  {preview.note if not preview.rows else ''}".rstrip())
    _show_estimate(preview.estimate)
    if ceiling is not None:
        held = f", held by {'; '.join(ceiling.held_by)}" if ceiling.held_by else ""
        text.echo(f"  ceiling   {ceiling_json(ceiling.value)} ({ceiling.method}{held})")
    for query in preview.queries:
        text.echo(f"    {query.sql.replace(chr(10), ' ')}")
        text.echo(f"    -- {', '.join(str(v) for v in query.parameters)}: {query.rows:,} rows")


def _show_load(preview: LoadPreview, extracted: ExtractPreview | None) -> None:
    rows = sum(f.rows for f in preview.files)
    files, waiting = text.plural(len(preview.files), "file"), len(preview.pending)
    text.echo(f"  load      {files}, {text.plural(rows, 'row')} of {waiting:,} pending files")
    if extracted is not None and extracted.rows:
        new = text.plural(extracted.files, "file")
        text.echo(f"            and {new}, {text.plural(extracted.rows, 'row')} of this extraction")
    _show_estimate(preview.estimate)
    if preview.note:
        text.echo(f"            {preview.note}")
    for statement in preview.statements:
        text.echo(f"    {statement};")


def _show_estimate(estimate: Estimate) -> None:
    seconds = f"{estimate.seconds:,.0f} s" if estimate.seconds >= 1 else "less than a second"
    text.echo(f"  estimate  {text.size(estimate.bytes)}, {seconds} by {estimate.basis}")
