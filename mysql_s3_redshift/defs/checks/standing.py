"""Results that still hold: what a run that materializes need not ask the systems again.

Dagster takes all checks of an asset into a run that *Materialize* or a backfill launches, and a
check that is chosen and not evaluated shows as not executed, whatever it found before. So the daily
checks do not stay away: what passed within a day is told again, with when it was found. A check
that failed is always evaluated, so that no result hides it and a repair shows at once.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

HOLDS_FOR = timedelta(days=1)
FOUND_AT, FOUND_BY = "found_at", "found_by"
"""Metadata of a result that was told again: when it was found, and by which run."""
_RECENT = 5
"""Records to look at; the newest are of this run, and of runs that died before they evaluated."""


def materializes(run: dg.DagsterRun) -> bool:
    """Whether a run was asked for assets, and not for checks alone."""
    return bool(run.asset_selection)


def standing_result(
    instance: dg.DagsterInstance, key: dg.AssetCheckKey, *, now: float | None = None
) -> dg.AssetCheckResult | None:
    """The result of a check, told again; None where it must be evaluated."""
    records = instance.event_log_storage.get_asset_check_execution_history(key, limit=_RECENT)
    for record in records:
        evaluation, event = record.evaluation, record.event
        if not isinstance(evaluation, dg.AssetCheckEvaluation) or event is None:
            continue
        found_at = _found_at(evaluation.metadata) or event.timestamp
        if not evaluation.passed or (now or time.time()) - found_at > HOLDS_FOR.total_seconds():
            return None
        return _told_again(key, evaluation, found_at=found_at, run_id=record.run_id)
    return None


def _found_at(metadata: Mapping[str, dg.MetadataValue[Any]]) -> float | None:
    found = metadata.get(FOUND_AT)
    return found.value if isinstance(found, dg.TimestampMetadataValue) else None


def _told_again(
    key: dg.AssetCheckKey, evaluation: dg.AssetCheckEvaluation, *, found_at: float, run_id: str
) -> dg.AssetCheckResult:
    moment = datetime.fromtimestamp(found_at, UTC)
    happened = str(evaluation.metadata["what_happened"].value)
    again = f"As found at {moment:%Y-%m-%d %H:%M} UTC, not asked again by this run: {happened}"
    return dg.AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=True,
        severity=evaluation.severity,
        description=again if FOUND_AT not in evaluation.metadata else evaluation.description,
        metadata={
            FOUND_BY: dg.MetadataValue.dagster_run(run_id),
            **evaluation.metadata,
            FOUND_AT: dg.MetadataValue.timestamp(moment),
        },
    )
