"""What `watermark get` and `watermark list` show."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from mysql_s3_redshift.adapters.s3.bucket import Bucket
from mysql_s3_redshift.adapters.s3.states import TableStates
from mysql_s3_redshift.cli import text
from mysql_s3_redshift.cli.app import App
from mysql_s3_redshift.cli.several import told_of_each
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.next_query import NextQuery, next_query, watermark_text
from mysql_s3_redshift.core.state import DataFile, ExtractState, LoadState
from mysql_s3_redshift.errors import ReplicationError

READERS = 8
LABEL_WIDTH = 18


@dataclass(frozen=True, slots=True)
class TableView:
    """What is known of one table."""

    plan: TablePlan
    states: TableStates
    extract: ExtractState | None
    load: LoadState | None

    @property
    def pending(self) -> tuple[DataFile, ...]:
        """Files that the target does not have yet."""
        return self.extract.pending(self.load) if self.extract else ()

    @property
    def next(self) -> NextQuery:
        """What the next extraction asks."""
        return next_query(self.plan, self.extract)


def read_tables(app: App, plans: Sequence[TablePlan]) -> list[TableView | ReplicationError]:
    """Read the documents of several tables at once, in the order of the plans."""
    buckets = {name: Bucket(app.config.storage(name)) for name in {p.storage for p in plans}}

    def read(plan: TablePlan) -> TableView | ReplicationError:
        states = TableStates(buckets[plan.storage], plan)
        try:
            return TableView(plan, states, *states.read())
        except ReplicationError as error:
            return error

    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(read, plans))


def show_tables(app: App, plans: Sequence[TablePlan], *, show_files: bool) -> None:
    """Show both stages of each table.

    Raises:
        ReplicationError: The document of the only table cannot be read.
        TablesFailedError: Documents of some tables cannot be read; the others are shown.
    """
    several = told_of_each(plans, read_tables(app, plans))
    files = {n: _files(v) for n, v in several.found.items()} if show_files else {}
    if app.as_json:
        status = "failed" if several.failed else "success"
        tables = several.documents(lambda v: _document(v, files.get(v.plan.display_name)))
        app.print_json("watermark get", {"status": status, "tables": tables})
    else:
        for name, view in several.found.items():
            _show(view)
            _show_files(files.get(name))
    several.raise_failures()


def list_tables(app: App, plans: Sequence[TablePlan]) -> None:
    """Show each table on a line; a document that cannot be read does not hide the others.

    Raises:
        ReplicationError: The document of the only table cannot be read.
        TablesFailedError: Documents of some tables cannot be read.
    """
    answers = read_tables(app, plans)
    if not app.as_json:
        headers = ("table", "status", "watermark", "extracted", "files", "loaded", "pending")
        lines = [_line(plan, view) for plan, view in zip(plans, answers, strict=True)]
        text.write_table(headers, lines)
    several = told_of_each(plans, answers)
    if app.as_json:
        status = "failed" if several.failed else "success"
        tables = several.documents(lambda view: _document(view, None))
        app.print_json("watermark list", {"status": status, "tables": tables})
    several.raise_failures()


def _line(plan: TablePlan, view: TableView | ReplicationError) -> tuple[Any, ...]:
    if isinstance(view, ReplicationError):
        return (plan.display_name, "failed", None, None, None, None, None)
    if view.extract is None:
        return (plan.display_name, "no state", None, 0, 0, 0, 0)
    mysql, loaded = view.extract.mysql_state, view.load.redshift_state if view.load else None
    return (
        plan.display_name,
        mysql.status if mysql.status != "success" or loaded is None else loaded.status,
        watermark_text(view.extract, plan) or None,
        mysql.total_rows,
        mysql.total_files,
        loaded.total_rows if loaded else 0,
        len(view.pending),
    )


def _document(view: TableView, files: list[dict[str, Any]] | None) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "table_name": view.plan.scoped_name,
        "extract_state_uri": view.states.extract.uri,
        "load_state_uri": view.states.load.uri,
        "generation": view.extract.generation if view.extract else None,
        "cdc_strategy": view.extract.cdc_strategy if view.extract else None,
        "mysql_state": view.extract.mysql_state.model_dump(mode="json") if view.extract else None,
        "redshift_state": view.load.redshift_state.model_dump(mode="json") if view.load else None,
        "loaded_through": view.load.loaded_through if view.load else 0,
        "manual_watermark": _is_manual(view.extract),
        "pending_files": len(view.pending),
        "pending_rows": sum(f.rows for f in view.pending),
        "next_query": {
            "where": view.next.where,
            "order_by": list(view.next.order_by),
            "note": view.next.note,
        },
    }
    return facts if files is None else {**facts, "files": files}


def _is_manual(state: ExtractState | None) -> bool:
    return bool(state and state.metadata.get("manual_watermark"))


def _show(view: TableView) -> None:
    plan = view.plan
    text.echo(text.heading(plan.display_name))
    text.echo(f"  {plan.scoped_name} → {plan.target}:{plan.target_schema}.{plan.target_name}")
    text.echo(text.heading("  Extraction: MySQL → S3"))
    if view.extract is None:
        text.echo("    no state: the table was never extracted")
    else:
        _show_extraction(view.extract, plan)
    text.echo(text.heading("  Loading: S3 → Redshift"))
    if view.load is None:
        text.echo("    no state: the table was never loaded")
    else:
        _show_loading(view.load)
    rows = sum(f.rows for f in view.pending)
    _fact("pending", f"{text.plural(len(view.pending), 'file')}, {text.plural(rows, 'row')}")
    text.echo(text.heading("  Next query"))
    _fact("rows", f"WHERE {view.next.where}" if view.next.where else "all")
    _fact("order", ", ".join(view.next.order_by))
    _fact("note", view.next.note)
    text.echo()


def _show_extraction(state: ExtractState, plan: TablePlan) -> None:
    mysql = state.mysql_state
    _fact("status", text.status(mysql.status))
    _fact("strategy", f"{state.cdc_strategy}, {mysql.phase} phase, generation {state.generation}")
    _fact("last timestamp", mysql.last_timestamp)
    _fact("last id", mysql.last_id)
    _fact("ceiling", mysql.ceiling)
    _fact("rows", f"{mysql.total_rows:,} in {text.plural(mysql.total_files, 'file')}")
    _fact(
        "last session",
        f"{text.plural(mysql.last_session_rows, 'row')} in "
        f"{text.plural(mysql.last_session_files, 'file')}",
    )
    _fact("last extraction", mysql.last_extraction_time)
    _fact("window reload", mysql.reload.text() if mysql.reload else None)
    _fact("manual", "the watermark was set by hand" if _is_manual(state) else None)
    _fact("error", mysql.error)


def _show_loading(state: LoadState) -> None:
    loaded = state.redshift_state
    _fact("status", text.status(loaded.status))
    _fact("target", state.target)
    _fact("rows", f"{loaded.total_rows:,} in {text.plural(loaded.total_files, 'file')}")
    _fact("last session", text.plural(loaded.last_session_rows, "row"))
    _fact("last load", loaded.last_load_time)
    beyond = f" and {len(state.loaded_beyond)} beyond" if state.loaded_beyond else ""
    _fact("loaded through", f"file {state.loaded_through}{beyond}")
    _fact("error", loaded.error)


def _fact(label: str, value: object) -> None:
    if value not in (None, ""):
        text.echo(f"    {label:<{LABEL_WIDTH}}{value}")


def _files(view: TableView) -> list[dict[str, Any]]:
    """Every file that a manifest or the state names, in the order of loading."""
    files: dict[str, dict[str, Any]] = {}
    for entry in view.states.manifests():
        files[entry.uri] = {"uri": entry.uri, "bytes": entry.bytes, "load_id": entry.load_id}
    for file in view.extract.files if view.extract else ():
        facts = {"uri": file.uri, "bytes": file.bytes, "seq": file.seq, "rows": file.rows}
        files[file.uri] = {**files.get(file.uri, {}), **facts}
    pending = {file.uri for file in view.pending}
    return [{**facts, "loaded": uri not in pending} for uri, facts in files.items()]


def _show_files(files: list[dict[str, Any]] | None) -> None:
    if files is None:
        return
    rows = [
        ("loaded" if f["loaded"] else "pending", f.get("rows"), f["bytes"], f["uri"]) for f in files
    ]
    text.write_table(("state", "rows", "bytes", "uri"), rows)
    text.echo()
