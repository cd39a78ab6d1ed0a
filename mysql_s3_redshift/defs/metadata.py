"""What the UI shows of a materialization: the only place where metadata keys are written.

Dagster accepts any value under any key, its own `dagster/…` keys included, so each is built here,
in one typed function per asset. Numbers are plotted over time: they are about this run, except
`dagster/row_count`, which by definition is the whole table. The UI keeps the order: what happened
comes first, what is wide (lists of files) last.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import dagster as dg

from mysql_s3_redshift.adapters.pair import DescribedTable
from mysql_s3_redshift.core.ceiling import Ceiling, ceiling_json
from mysql_s3_redshift.core.extraction import ExtractReport
from mysql_s3_redshift.core.load import LoadReport
from mysql_s3_redshift.core.model import TablePlan, Window
from mysql_s3_redshift.core.schema import TableSchema
from mysql_s3_redshift.core.state import DataFile, ExtractState
from mysql_s3_redshift.defs.columns import column_lineage, column_schema

Metadata = dict[str, Any]

MOST_FILES_SHOWN = 100
"""A thousand files are 167 kB in one event; the documents that are linked list them all."""

_FILE_TABLE = dg.TableSchema(
    [
        dg.TableColumn("seq", "int"),
        dg.TableColumn("rows", "int"),
        dg.TableColumn("bytes", "int"),
        dg.TableColumn("uri", "string"),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted:
    """One run of the S3 asset, as it is shown.

    Attributes:
        before: The state that the run found; None at the first run.
        pending: Files that the target does not have yet.
        lag: Seconds between the source's present and the end of what was extracted.
        now: The source's present in the clock of the cursor; None where the cursor has none.
        catches_up: Whether the run read all that was new, and nothing else.
        seconds: Duration by stage.
        note: Why nothing was extracted, or why the run ended early; empty otherwise.
        window: What the run was asked to read again; None where it caught up.
    """

    described: DescribedTable
    report: ExtractReport
    before: ExtractState | None
    pending: int
    data_uri: str
    lag: float | None
    now: datetime | None
    catches_up: bool
    seconds: Mapping[str, float]
    note: str
    window: Window | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """One run of the Redshift asset, as it is shown.

    Attributes:
        table_name: `database.schema.table`.
        row_count: Rows of the target; None when it does not exist yet.
        schema: Schema of the newest files; None when there are none.
    """

    plan: TablePlan
    report: LoadReport
    schema: TableSchema | None
    table_name: str
    row_count: int | None
    state_uri: str
    manifests_uri: str
    seconds: Mapping[str, float]


def extract_metadata(run: Extracted) -> Metadata:
    """Metadata of the S3 asset."""
    report, state = run.report, run.report.state
    plan, schema = run.described.resolved.plan, run.described.schema
    reading = run.seconds.get("extract", 0.0)
    return {
        **_note(run.note),
        **_comment(schema.comment),
        "rows_extracted": report.rows,
        "rows_per_second": round(report.rows / reading) if reading else 0,
        **({} if run.lag is None else {"source_lag_seconds": round(run.lag, 3)}),
        "files_written": len(report.files),
        "bytes_written": sum(f.bytes for f in report.files),
        "pending_files": run.pending,
        **_window(run.window),
        "watermark_before": watermark_text(run.before),
        "watermark_after": watermark_text(state),
        "ceiling": ceiling_text(report.ceiling, run.window),
        **_ceiling_proof(report.ceiling),
        **_durations(run.seconds),
        "values_changed": dg.MetadataValue.json(dict(report.values_changed)),
        "files": file_table(report.files),
        "dagster/uri": run.data_uri,
        "dagster/row_count": state.mysql_state.total_rows,
        "dagster/column_schema": column_schema(schema, plan, kind="s3"),
        "dagster/column_lineage": column_lineage(schema, plan, kind="s3"),
    }


def load_metadata(run: Loaded) -> Metadata:
    """Metadata of the Redshift asset."""
    report, applied = run.report, [one.applied for one in run.report.loads]
    return {
        **_note(report.note),
        **_comment(run.schema.comment if run.schema else ""),
        "rows_loaded": sum(f.rows for f in report.files),
        "rows_inserted": sum(a.inserted for a in applied),
        "rows_updated": sum(a.updated for a in applied),
        "copy_rows": sum(a.copied for a in applied),
        "files_loaded_count": len(report.files),
        "pending_files": report.pending,
        **({"files_recovered": len(report.recovered)} if report.recovered else {}),
        **_last_load(report),
        **({"target_changes": "\n".join(report.changes)} if report.changes else {}),
        **_durations(run.seconds),
        **_blacklist(run),
        "files_loaded": file_table(report.files),
        **({} if run.row_count is None else {"dagster/row_count": run.row_count}),
        "dagster/table_name": run.table_name,
        **_columns(run),
    }


def watermark_text(state: ExtractState | None) -> str:
    """A watermark as people read it: `timestamp / id`."""
    if state is None:
        return "none: first run"
    known = state.mysql_state
    if known.phase == "snapshot" and known.snapshot is not None:
        return f"snapshot at {known.snapshot.text()}"
    parts = [known.last_timestamp, known.last_id, *known.last_ties]
    return " / ".join(str(part) for part in parts if part is not None) or "none"


def ceiling_text(ceiling: Ceiling | None, window: Window | None) -> str:
    """A bound as people read it, and how it was found."""
    if ceiling is None:
        return f"none: the whole {'table' if window is None else 'window'} was read"
    if ceiling.value is None:
        return f"nothing is proven ({ceiling.method})"
    return f"{ceiling_json(ceiling.value)} ({ceiling.method})"


def file_table(files: Sequence[DataFile]) -> dg.TableMetadataValue:
    """The first hundred files as a table."""
    records = [
        dg.TableRecord({"seq": f.seq, "rows": f.rows, "bytes": f.bytes, "uri": f.uri})
        for f in files[:MOST_FILES_SHOWN]
    ]
    return dg.MetadataValue.table(records, _FILE_TABLE)


def _ceiling_proof(ceiling: Ceiling | None) -> Metadata:
    """How the bound was found (`proven`, `held`, `lag`, `replica_lag`), and what held it."""
    if ceiling is None:
        return {}
    held = {"ceiling_held_by": "\n".join(ceiling.held_by)} if ceiling.held_by else {}
    return {"ceiling_method": ceiling.method, **held}


def _blacklist(run: Loaded) -> Metadata:
    state = run.report.state
    return {
        "blacklist": dg.MetadataValue.json(
            {
                "files": state.redshift_state.total_files,
                "loaded_through": state.loaded_through,
                "loaded_beyond": list(state.loaded_beyond[:MOST_FILES_SHOWN]),
                "state_uri": run.state_uri,
                "manifests_uri": run.manifests_uri,
            }
        ),
        "blacklist_files": state.redshift_state.total_files,
    }


def _last_load(report: LoadReport) -> Metadata:
    if not report.loads:
        return {}
    last = report.loads[-1]
    return {
        "load_id": last.load_id,
        "manifest_uri": dg.MetadataValue.path(last.manifest_uri),
        "loads": len(report.loads),
    }


def _columns(run: Loaded) -> Metadata:
    if run.schema is None:
        return {}
    return {
        "dagster/column_schema": column_schema(run.schema, run.plan, kind="redshift"),
        "dagster/column_lineage": column_lineage(run.schema, run.plan, kind="redshift"),
    }


def _window(window: Window | None) -> Metadata:
    if window is None:
        return {}
    return {"window": f"{window.column or 'cursor'}: {window.start} to {window.end}"}


def _note(note: str) -> Metadata:
    return {"note": note} if note else {}


def _comment(comment: str) -> Metadata:
    """The table's comment in MySQL; the descriptions of assets are made without asking MySQL."""
    return {"mysql_comment": comment} if comment else {}


def _durations(seconds: Mapping[str, float]) -> Metadata:
    return {f"seconds_{stage}": round(taken, 3) for stage, taken in seconds.items()}
