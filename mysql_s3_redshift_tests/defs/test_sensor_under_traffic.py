"""The sensor against a live MySQL for some seconds: its ticks go on while its runs are under way.

`e2e/long_run.py` is the same with the demo, the real daemon, and ten minutes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

import dagster as dg

from mysql_s3_redshift.config import SyncConfig, parse_duration
from mysql_s3_redshift.defs.build import build_resources
from mysql_s3_redshift.defs.instance import share_among_threads
from mysql_s3_redshift.defs.names import TABLE_TAG, table_tag
from mysql_s3_redshift.defs.sensors import build_sensor
from mysql_s3_redshift_tests.defs.shop import Shop
from mysql_s3_redshift_tests.e2e.long_run import overlaps

MOST_SECONDS = 60.0
TABLES = ("orders", "items", "rates")


@dataclass(slots=True)
class Daemon:
    """What Dagster's daemon does with a sensor: ticks, and each run of a tick in a thread."""

    shop: Shop
    instance: dg.DagsterInstance
    pool: ThreadPoolExecutor
    cursor: str | None = None
    runs: list[Future[dg.ExecuteInProcessResult]] = field(default_factory=list)

    def tick_until(self, condition: Callable[[], bool]) -> None:
        """Tick, five times a second at most, until it is so."""

        def ticked() -> bool:
            self.tick()
            time.sleep(0.2)
            return condition()

        wait_for(ticked)

    def tick(self) -> None:
        """Evaluate the sensor and launch what it asks for."""
        config, definitions = self.shop.config, self.shop.definitions()
        job = next(j for j in definitions.jobs or () if getattr(j, "name", "") == "p_sync")
        sync = SyncConfig(every=parse_duration("1s"))
        pipeline = config.pipeline("p").model_copy(update={"sync": sync})
        sensor = build_sensor("p", pipeline, config.plans("p"), job, limits={})
        resources = {"mysql_db": build_resources(config, config.plans())["mysql_db"]}
        context = dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, definitions=definitions, resources=resources
        )
        told = sensor.evaluate_tick(context)
        self.cursor = told.cursor
        for request in told.run_requests or ():
            self._launch(definitions, request)

    def _launch(self, definitions: dg.Definitions, request: dg.RunRequest) -> None:
        """Start a run; the daemon, too, has made it before the next tick begins."""
        job = definitions.resolve_job_def("p_sync").get_subset(
            asset_selection=set(request.asset_selection or ()),
            asset_check_selection=set(request.asset_check_keys or ()),
        )
        before = len(self.records(request.tags[TABLE_TAG]))
        run = self.pool.submit(
            job.execute_in_process,
            instance=self.instance,
            tags=dict(request.tags),
            raise_on_error=False,
        )
        self.runs.append(run)
        wait_for(lambda: run.done() or len(self.records(request.tags[TABLE_TAG])) > before)

    def records(self, tag: str) -> list[dg.RunRecord]:
        """Runs of a table."""
        return list(self.instance.get_run_records(dg.RunsFilter(tags={TABLE_TAG: tag})))

    def good_runs(self, table: str) -> list[dg.RunRecord]:
        """Runs of a table that succeeded."""
        success = dg.DagsterRunStatus.SUCCESS
        runs = self.records(table_tag(self.shop.plan(table)))
        return [record for record in runs if record.dagster_run.status is success]


def wait_for(condition: Callable[[], bool]) -> None:
    """Ask until it is so."""
    deadline = time.monotonic() + MOST_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited for too long"
        time.sleep(0.05)


@contextmanager
def traffic(shop: Shop) -> Iterator[None]:
    """Write into all tables until the end of the block."""
    stop = threading.Event()

    def write() -> None:
        for turn in count(1):
            shop.insert("orders", 100 * turn, 100 * turn + 9)
            shop.insert("items", 100 * turn, 100 * turn + 4)
            shop.replication.sql(
                f"UPDATE orders SET ts = NOW(6) WHERE id % 7 = {turn % 7}",
                f"UPDATE rates SET rate = rate + {turn} WHERE id = 3",
            )
            if stop.wait(0.1):
                return

    writer = threading.Thread(target=write, name="traffic")
    writer.start()
    try:
        yield
    finally:
        stop.set()
        writer.join()


def test_runs_of_a_table_never_overlap_and_everything_arrives(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    """I-07, I-33."""
    shop.replication.sql(
        "CREATE TABLE rates (id INT PRIMARY KEY, rate BIGINT)",
        "INSERT INTO rates SELECT seq, seq FROM seq_1_to_9",
    )
    shop.replication.table("rates", cdc_strategy="full_sync", load_mode="replace")
    share_among_threads(instance)
    with ThreadPoolExecutor(len(TABLES)) as pool:
        daemon = Daemon(shop, instance, pool)
        with traffic(shop):
            daemon.tick_until(lambda: all(len(daemon.good_runs(table)) > 1 for table in TABLES))
        daemon.tick_until(lambda: all(same(shop, table) for table in TABLES))
    assert all(run.result().success for run in daemon.runs)
    for table in TABLES:
        assert overlaps(daemon.records(table_tag(shop.plan(table)))) == 0


def same(shop: Shop, table: str) -> bool:
    """Whether a table has the same rows at both ends."""
    columns = "*" if table == "rates" else "id, ts"
    source, target = shop.replication.source_rows, shop.replication.target_rows
    return target(table, columns) == source(table, columns)
