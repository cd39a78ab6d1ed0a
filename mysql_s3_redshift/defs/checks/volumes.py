"""Rows of a run against those of the runs before, which the check itself remembers."""

from datetime import datetime

import dagster as dg

from mysql_s3_redshift.core.ceiling import last_ceiling
from mysql_s3_redshift.core.state import ExtractState
from mysql_s3_redshift.core.volume import LEAST_RUNS, RUNS, Volume, usual_volume
from mysql_s3_redshift.core.watermark import as_moment
from mysql_s3_redshift.defs.checks.verdicts import Verdict, passed, warned
from mysql_s3_redshift.defs.metadata import Extracted

ROWS, SECONDS = "measured_rows", "measured_seconds"
"""Metadata of an evaluation; the next ones read them as history."""


def check_volume(instance: dg.DagsterInstance, key: dg.AssetCheckKey, run: Extracted) -> Verdict:
    """Whether a run brought about as many rows as the runs before."""
    measured = measure(run)
    if isinstance(measured, str):
        return passed(f"Not compared: {measured}.", rows=run.report.rows)
    rows, seconds = measured.rows, measured.seconds
    facts: dict[str, int | float] = {ROWS: rows}
    stretch = ""
    if seconds is not None:
        facts[SECONDS] = round(seconds, 3)
        stretch = f" from {seconds:,.0f} s"
    before = recent_volumes(instance, key)
    usual = usual_volume(before, seconds)
    if usual is None:
        known = f"{len(before)} runs are known, and {LEAST_RUNS} are needed"
        return passed(f"{rows:,} rows{stretch}. Too little history: {known}.", **facts)
    facts |= {
        "usual_rows": round(usual.rows, 1),
        "least_usual_rows": round(usual.least, 1),
        "most_usual_rows": round(usual.most, 1),
        "runs_compared": usual.runs,
    }
    happened = (
        f"{rows:,} rows{stretch}; by the last {usual.runs} runs, {usual.rows:,.0f} are usual, and "
        f"from {usual.least:,.0f} to {usual.most:,.0f} nothing unusual."
    )
    if usual.admits(rows):
        return passed(happened, **facts)
    return warned(
        happened,
        "Ask what happened in the application: a job that did not run, one that ran twice, a mass "
        "update. The rows themselves are as MySQL has them.",
        **facts,
    )


def measure(run: Extracted) -> Volume | str:
    """The rows of a run and the stretch that they are from, or why it cannot be compared."""
    before, state, resolved = run.before, run.report.state, run.described.resolved
    if not run.catches_up:
        return "the run was asked for a part of what is new, or for a window"
    if before is None or before.generation != state.generation:
        return "a first extraction has no runs before it"
    if before.mysql_state.phase == "snapshot" or state.mysql_state.phase == "snapshot":
        return "the first extraction was not complete"
    if _changed_by_hand(before):
        return "the state was changed by hand since the run before"
    if resolved.reads_whole_table:
        return Volume(run.report.rows, None) if run.report.files else "nothing changed"
    seconds = _stretch(run, before)
    if seconds <= 0:
        return "the bound of what may be read did not move since the run before"
    return Volume(run.report.rows, seconds)


def _stretch(run: Extracted, before: ExtractState) -> float:
    """Seconds of the source's time between the bounds of two runs; of ids, between the runs."""
    if run.described.resolved.cursor.timestamp is not None:
        ceiling = run.report.ceiling
        reached = last_ceiling(before.mysql_state, by_id=False)
        if ceiling is None or ceiling.value is None or reached is None:
            return 0.0
        return (as_moment(ceiling.value) - as_moment(reached)).total_seconds()
    ended = run.report.state.mysql_state.last_extraction_time
    began = before.mysql_state.last_extraction_time
    if ended is None or began is None:
        return 0.0
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()


def _changed_by_hand(before: ExtractState) -> bool:
    change = before.metadata.get("manual_change")
    at = change.get("at") if isinstance(change, dict) else None
    return isinstance(at, str) and at > (before.mysql_state.last_extraction_time or "")


def recent_volumes(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> list[Volume]:
    """Volumes of the last runs that could be compared, the newest first."""
    # Some runs in between may not be comparable: windows, limits, held bounds.
    records = instance.event_log_storage.get_asset_check_execution_history(key, limit=2 * RUNS)
    found = []
    for record in records:
        evaluation = record.evaluation
        if not isinstance(evaluation, dg.AssetCheckEvaluation) or ROWS not in evaluation.metadata:
            continue
        rows, seconds = evaluation.metadata[ROWS].value, evaluation.metadata.get(SECONDS)
        if isinstance(rows, int):
            length = None if seconds is None else float(str(seconds.value))
            found.append(Volume(rows, length))
    return found[:RUNS]
