"""Run a table's slices as an engine would: plan, workers in any order, then the end of the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from mysql_s3_redshift.adapters import pair
from mysql_s3_redshift.core.extraction import ExtractReport, ExtractRequest
from mysql_s3_redshift.core.model import RunLimits, Window
from mysql_s3_redshift.core.slice_worker import SliceReport, SliceWork
from mysql_s3_redshift.core.state import new_run_id
from mysql_s3_redshift_tests.faults.replication import Replication

Order = Callable[[tuple[SliceWork, ...]], Iterable[SliceWork]]


class SlicedRun:
    """One run of the S3 asset of a table, step by step; every step has its own connections."""

    def __init__(
        self,
        replication: Replication,
        table: str,
        limits: RunLimits | None = None,
        *,
        window: Window | None = None,
        retries: SlicedRun | None = None,
    ) -> None:
        self.replication, self.table, self.window = replication, table, window
        self.run_id, self.limits = new_run_id(), limits or RunLimits()
        self.first_run_id = retries.run_id if retries else ""

    def request(self, **more: Any) -> ExtractRequest:
        """What a step is asked."""
        first = self.first_run_id
        return ExtractRequest(
            self.run_id, self.limits, window=self.window, first_run_id=first, **more
        )

    def plan(self) -> tuple[SliceWork, ...]:
        """The first step."""
        plan = self.replication.plan(self.table)
        request = self.request()
        with self.replication.connections() as connections:
            described = pair.describe(plan, connections)
            return pair.plan_slices(described, request, connections, lambda *_: None)

    def read(self, work: SliceWork, stopping: Callable[[], bool] = lambda: False) -> SliceReport:
        """One step in the middle."""
        plan = self.replication.plan(self.table)
        request = self.request(stopping=stopping)
        with self.replication.connections() as connections:
            described = pair.describe(plan, connections)
            return pair.read_slice(described, work, request, connections, lambda *_: None)

    def finish(self) -> ExtractReport:
        """The last step."""
        plan = self.replication.plan(self.table)
        request = self.request(continues=True)
        with self.replication.connections() as connections:
            described = pair.describe(plan, connections)
            return pair.extract_table(described, request, connections, lambda *_: None)

    def all(self, order: Order = lambda works: works) -> ExtractReport:
        """All of it, the slices in some order."""
        for work in order(self.plan()):
            self.read(work)
        return self.finish()
