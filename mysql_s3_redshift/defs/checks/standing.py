"""Results that still hold: what a run that materializes tells again, and does not ask anew.

To Dagster a result belongs to the materialization before it: from the next one on, the check shows
as not evaluated, whatever it found. Daily checks of tables that are synced every minute would show
nothing all day, and hide what is wrong. So

* a sync tells the last results of its table's daily checks again, good and bad, and asks nobody;
* a run that *Materialize* or a backfill launches comes with all checks of its assets, which is
  Dagster's way. There, what passed within a day is told again; what failed is always evaluated, so
  that a repair shows at once, and so is what is older.

A result that is told again says when it was found, and by which run.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.defs.names import sync_job_name

HOLDS_FOR = timedelta(days=1)
FOUND_AT, FOUND_BY = "found_at", "found_by"
"""Metadata of a result that was told again: when it was found, and by which run."""
_RECENT = 5
"""Records to look at; the newest are of this run, and of runs that died before they evaluated."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The last result of a check.

    Attributes:
        found_at: When it was found, in seconds since 1970.
        run_id: The run that found it, or told it again.
    """

    evaluation: dg.AssetCheckEvaluation
    found_at: float
    run_id: str

    def holds(self, now: float | None = None) -> bool:
        """Whether it passed, and within a day."""
        age = (now or time.time()) - self.found_at
        return self.evaluation.passed and age <= HOLDS_FOR.total_seconds()

    def result(self) -> dg.AssetCheckResult:
        """The result of a check's own step that tells it again."""
        return dg.AssetCheckResult(**self._told())

    def told_again(self) -> dg.AssetCheckEvaluation:
        """The event of another step that tells it again."""
        return dg.AssetCheckEvaluation(**self._told())

    def _told(self) -> dict[str, Any]:
        found = self.evaluation
        return {
            "asset_key": found.asset_key,
            "check_name": found.check_name,
            "passed": found.passed,
            "severity": found.severity,
            "description": self._description(),
            "metadata": self._metadata(),
        }

    def _description(self) -> str:
        moment = datetime.fromtimestamp(self.found_at, UTC)
        happened = self.evaluation.metadata["what_happened"].value
        return f"As found at {moment:%Y-%m-%d %H:%M} UTC, not asked again by this run: {happened}"

    def _metadata(self) -> Mapping[str, Any]:
        moment = datetime.fromtimestamp(self.found_at, UTC)
        return {
            FOUND_BY: dg.MetadataValue.dagster_run(self.run_id),
            **self.evaluation.metadata,
            FOUND_AT: dg.MetadataValue.timestamp(moment),
        }


def last_result(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> Standing | None:
    """The last result of a check; None where nothing is known."""
    records = instance.event_log_storage.get_asset_check_execution_history(key, limit=_RECENT)
    for record in records:
        found, event = record.evaluation, record.event
        if isinstance(found, dg.AssetCheckEvaluation) and event is not None:
            at = found.metadata.get(FOUND_AT)
            known = at.value if isinstance(at, dg.TimestampMetadataValue) else event.timestamp
            return Standing(found, known, record.run_id)
    return None


def materializes(run: dg.DagsterRun) -> bool:
    """Whether a run was asked for assets, and not for checks alone."""
    return bool(run.asset_selection)


def tell_again(
    context: dg.AssetExecutionContext, plan: TablePlan, keys: Iterable[dg.AssetCheckKey]
) -> None:
    """Tell the last results of daily checks again, in a sync; other runs have their steps."""
    if context.run.job_name != sync_job_name(plan.pipeline):
        return
    for key in keys:
        if (standing := last_result(context.instance, key)) is not None:
            context.log_event(standing.told_again())
