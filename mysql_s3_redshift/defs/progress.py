"""Progress of a step: a line in the run's log per chunk, a point in the asset's plots every 30 s.

The engine reports events and knows nothing of who listens; the command line hears the same ones.
"""

import time
from collections.abc import Iterable, Mapping

import dagster as dg

from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.defs.resources import RunSession

OBSERVE_EVERY_SECONDS = 30.0


class StepProgress:
    """Receives the events of one step (see `core.ports.Progress`).

    Attributes:
        began: Event → seconds after the step's start when it first happened.
    """

    def __init__(
        self, context: dg.AssetExecutionContext, plan: TablePlan, session: RunSession
    ) -> None:
        self._context, self._plan, self._session = context, plan, session
        self._start = self._observed = time.monotonic()
        self._rows = self._files = 0
        self.began: dict[str, float] = {}

    def __call__(self, event: str, facts: Mapping[str, object]) -> None:
        """Log an event, hand it on, and observe the asset now and then."""
        self.began.setdefault(event, self.elapsed)
        self._rows += _number(facts.get("rows"))
        self._files += _number(facts.get("files"))
        self._context.log.info("%s: %s", event, ", ".join(f"{k} {v}" for k, v in facts.items()))
        self._session.report(self._plan.display_name, event, facts)
        if time.monotonic() - self._observed >= OBSERVE_EVERY_SECONDS:
            self._observe()

    @property
    def elapsed(self) -> float:
        """Seconds since the step began."""
        return time.monotonic() - self._start

    def observe_changes(self, sentences: Iterable[str]) -> None:
        """Put changes of the table's columns on record, an observation each."""
        for sentence in sentences:
            self._context.log.warning("schema change: %s", sentence)
            self._context.log_event(
                dg.AssetObservation(
                    self._context.asset_key,
                    description=sentence,
                    metadata={"schema_change": sentence},
                )
            )

    def _observe(self) -> None:
        self._observed = time.monotonic()
        rate = round(self._rows / self.elapsed)
        self._context.log_event(
            dg.AssetObservation(
                self._context.asset_key,
                metadata={
                    "rows_so_far": self._rows,
                    "files_so_far": self._files,
                    "rows_per_second_so_far": rate,
                },
            )
        )


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
