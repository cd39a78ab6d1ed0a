"""The checks of a run's own steps: they ask nobody, so an idle table costs no query for them.

`extract_results` and `load_results` take what the run did and give the results that belong into its
`MaterializeResult`.
"""

from datetime import timedelta
from decimal import Decimal

import dagster as dg

from mysql_s3_redshift.config import format_duration
from mysql_s3_redshift.core.counts import check_documents
from mysql_s3_redshift.core.cursors import parse_timestamp
from mysql_s3_redshift.core.drift import ChangeKind
from mysql_s3_redshift.core.load import load_target
from mysql_s3_redshift.core.names import quote_mysql
from mysql_s3_redshift.core.state import ExtractState, decode_value
from mysql_s3_redshift.core.watermark import watermark_of
from mysql_s3_redshift.defs.checks import specs
from mysql_s3_redshift.defs.checks.verdicts import (
    Verdict,
    compared,
    failed,
    passed,
    table,
    warned,
)
from mysql_s3_redshift.defs.checks.volumes import check_volume
from mysql_s3_redshift.defs.metadata import Extracted, Loaded, watermark_text

CLOCK_TOLERANCE = timedelta(minutes=1)
"""A server's clock is set back by less, by itself, when it was fast."""

_LOSING = {ChangeKind.DROPPED, ChangeKind.RENAMED, ChangeKind.RETYPED, ChangeKind.KEY_CHANGED}
"""Changes after which new rows lack something that old ones have, or mean something else."""


def extract_results(instance: dg.DagsterInstance, run: Extracted) -> list[dg.AssetCheckResult]:
    """Evaluate the checks of an extraction.

    Args:
        instance: Knows the runs before.
        run: What the extraction did.
    """
    keys = specs.extract_check_keys(run.described.resolved.plan)
    verdicts = {
        specs.CURSOR_INDEXED: check_index(run),
        specs.WATERMARK_NOT_IN_FUTURE: check_watermark(run),
        specs.VOLUME_AS_USUAL: check_volume(instance, keys[specs.VOLUME_AS_USUAL], run),
        specs.SCHEMA_DRIFT: check_drift(run),
    }
    return [verdicts[name].result(key) for name, key in keys.items()]


def load_results(run: Loaded, extract: ExtractState) -> list[dg.AssetCheckResult]:
    """Evaluate the checks of a load.

    Args:
        run: What the load did.
        extract: The extract state that it worked from.
    """
    keys = specs.load_check_keys(run.plan)
    verdicts = {specs.COUNTS_AGREE: check_counts(run, extract)}
    return [verdicts[name].result(key) for name, key in keys.items()]


def check_index(run: Extracted) -> Verdict:
    """Whether runs seek their rows or read the whole table."""
    table_, cursor = run.described.resolved, run.described.resolved.cursor
    if table_.plan.query is not None or not cursor.columns:
        return passed(f"{cursor.strategy} needs no index: it reads everything at each run.")
    shown = ", ".join(f"`{column}`" for column in cursor.columns)
    if table_.cursor_indexed:
        return passed(f"An index begins with {cursor.first_column}.", cursor_columns=shown)
    name = f"{quote_mysql(table_.plan.schema)}.{quote_mysql(table_.plan.table)}"
    columns = ", ".join(map(quote_mysql, cursor.columns))
    return warned(
        f"No index begins with {cursor.first_column}: every run reads the whole table.",
        f"CREATE INDEX idx_cursor ON {name} ({columns})",
        cursor_columns=shown,
    )


def check_watermark(run: Extracted) -> Verdict:
    """Whether the watermark is where rows can still appear beyond it, and nowhere further."""
    cursor, state = run.described.resolved.cursor, run.report.state
    shown = {"watermark": watermark_text(state)}
    if not cursor.is_incremental:
        return passed(f"{cursor.strategy} reads the whole table and has no watermark.")
    if cursor.timestamp is None:
        return _check_id(run, shown)
    last = state.mysql_state.last_timestamp
    if last is None or run.now is None:
        return passed("There is no watermark yet.", **shown)
    ahead = parse_timestamp(last) - run.now
    shown |= {"source_clock": run.now.isoformat(sep=" ")}
    if ahead <= CLOCK_TOLERANCE:
        return passed(f"The watermark {last} is not ahead of the source's clock.", **shown)
    return failed(
        f"The watermark {last} is {format_duration(_whole(ahead))} ahead of the source's clock: "
        "rows that are stamped before it will never be read.",
        "Set it back with `watermark set --timestamp`, or take an earlier version with "
        "`watermark history` and `watermark restore`.",
        **shown,
        seconds_ahead=round(ahead.total_seconds(), 3),
    )


def _check_id(run: Extracted, shown: dict[str, str]) -> Verdict:
    """An id ahead of the newest one, unless a row had it that was deleted since."""
    cursor, state, ceiling = run.described.resolved.cursor, run.report.state, run.report.ceiling
    position = watermark_of(state.mysql_state, cursor)
    newest = ceiling.value if ceiling is not None and ceiling.method == "proven" else None
    if not position or not isinstance(newest, int | Decimal):
        return passed("There is no watermark yet, or no newest id to compare it with.", **shown)
    last = position[0]
    if not isinstance(last, int | Decimal):
        return passed("The cursor is no number, so nothing tells how far ahead it is.", **shown)
    read = {decode_value(next(iter(f.last.values()))) for f in state.files if f.last}
    if last <= newest or last in read:
        return passed(f"The watermark {last} is not ahead of the newest id {newest}.", **shown)
    return failed(
        f"The watermark {last} is ahead of the newest id {newest}: rows that get an id below it "
        "will never be read.",
        "Set it back with `watermark set --id`, or take an earlier version with `watermark "
        "history` and `watermark restore`.",
        **shown,
        newest_id=str(newest),
    )


def check_drift(run: Extracted) -> Verdict:
    """Whether the table's columns are still those of the files before."""
    changes = run.described.changes
    if not changes:
        return passed("The columns are those of the files before.", changes=0)
    shown = table(
        {"kind": "string", "column": "string", "change": "string"},
        [(change.kind.value, change.column, change.sentence) for change in changes],
    )
    facts = {"changes": len(changes), "schema_changes": shown}
    losing = [change for change in changes if change.kind in _LOSING]
    if not losing:
        return passed(" ".join(change.sentence for change in changes), **facts)
    return warned(
        " ".join(change.sentence for change in losing),
        "Tell those who read the Redshift table. To have the old rows in the new form, or to get "
        "rid of a column, change the Redshift table and load anew with `watermark reset "
        "--truncate-target`.",
        **facts,
    )


def check_counts(run: Loaded, extract: ExtractState) -> Verdict:
    """Whether documents and target agree, as far as the load knows them."""
    load, rows = run.report.state, run.row_count
    mode = load_target(run.plan, extract).load_mode
    checks = check_documents(extract, load, mode=mode, target_rows=rows)
    facts = _known(rows, counted_now=bool(run.report.loads))
    if not checks:
        return passed("Nothing of this load can be compared with its documents.", **facts)
    verdict = compared(
        checks,
        remedy="Run the check `all_counts_agree`, which compares every file. Rows that are missing "
        "come back with `sync --redshift-only --reload`; rows that the target had before are noted "
        "with `watermark-count set-count`.",
    )
    verdict.facts.update(facts)
    return verdict


def _known(rows: int | None, *, counted_now: bool) -> dict[str, int | str]:
    when = "by this run" if counted_now else "by the last run that loaded something"
    return {} if rows is None else {"target_rows": rows, "target_rows_counted": when}


def _whole(length: timedelta) -> timedelta:
    return timedelta(seconds=int(length.total_seconds()))
