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

# Kinds of keys: columns, key, and the values of row `seq`.
KEYS = {
    "sparse": ("k BIGINT", "k", "seq * 1000003"),
    "skewed": ("k BIGINT UNSIGNED", "k", "IF(seq < 200, seq, 18446744073709000000 + seq)"),
    "composite": ("k INT, l INT", "k, l", "IF(seq < 230, 1, seq % 3), seq"),
    "text": ("k VARCHAR(40)", "k", "CONCAT(IF(seq % 2, 'Näme ', 'NAME '), seq)"),
    "latin": ("k VARCHAR(40) CHARSET latin1 COLLATE latin1_bin", "k", "CONCAT(seq % 7, 'é', seq)"),
    "binary": ("k BINARY(16)", "k", "UNHEX(LEFT(SHA2(seq, 256), 32))"),
    "time": ("k DATETIME(6), l SMALLINT", "k, l", "'2024-01-01' + INTERVAL seq * seq SECOND, seq"),
    "day": ("k DATE, l CHAR(9)", "k, l", "'2024-01-01' + INTERVAL seq % 3 DAY, HEX(seq)"),
}

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
