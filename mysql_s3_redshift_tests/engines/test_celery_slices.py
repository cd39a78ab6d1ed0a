"""Slices on Celery: ranges of one table in the hands of workers of which one vanishes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from mysql_s3_redshift.config import load
from mysql_s3_redshift.core.faultpoints import VARIABLE
from mysql_s3_redshift.core.model import RunLimits, Window
from mysql_s3_redshift.definitions import CONFIG_VARIABLE
from mysql_s3_redshift.defs.jobs import pair_config
from mysql_s3_redshift.defs.pools import apply_pool_limits, pool_limits
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.engines.jobs import celery_slices_job, celery_window_job
from mysql_s3_redshift_tests.engines.pipelines import assert_exact, write_config
from mysql_s3_redshift_tests.engines.servers import (
    instance_settings,
    make_home,
    open_home,
    wait_until,
)
from mysql_s3_redshift_tests.engines.workers import EXECUTION, Worker, running_workers
from mysql_s3_redshift_tests.faults.replication import Replication

SLICES, CHUNK_ROWS, CONNECTIONS = 3, 100, 2
ROWS = 4 * SLICES * CHUNK_ROWS
WINDOW = Window(datetime(2025, 1, 1), datetime(2025, 1, 2))  # noqa: DTZ001  data has no zone


@dataclass(frozen=True, slots=True)
class Engine:
    """Two workers, and how a run is launched on them."""

    workers: Mapping[str, Worker]
    instance: dg.DagsterInstance
    threads: ThreadPoolExecutor

    def launch(
        self, job: Callable[[], dg.JobDefinition], run_config: dg.RunConfig | None = None
    ) -> Future[dg.JobExecutionResult]:
        """Execute a job while the test goes on."""
        return self.threads.submit(
            dg.execute_job,
            dg.reconstructable(job),
            instance=self.instance,
            run_config=run_config.to_config_dict() if run_config else None,  # type: ignore[no-untyped-call]
        )


@pytest.fixture
def engine(
    replication: Replication,
    sandbox: SandboxStatus,
    celery_environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Engine]:
    """A sliced table, and workers of which the one freezes before its range, the other within it.

    The first stops itself with a range in its hands, so the second has to take the next, and hangs
    when its third file of three is on S3 and not committed. The third range is handed to nobody:
    the source allows two connections, however many workers there are.
    """
    _make_sliced_table(replication)
    replication.sections["sources"] = {"db": {"max_connections": CONNECTIONS}}
    config = write_config(replication, tmp_path / "engine.yaml", EXECUTION)
    monkeypatch.setenv(CONFIG_VARIABLE, str(config))
    environments = {
        "lost": celery_environment | {VARIABLE: "extract.after_upload=hang@3"},
        "other": celery_environment | {VARIABLE: "slice.after_claim=freeze"},
    }
    loaded = load(config)
    home = make_home(tmp_path / "launcher", instance_settings(sandbox))
    with (
        running_workers(tmp_path, config, environments=environments) as workers,
        open_home(home) as instance,
        ThreadPoolExecutor(1) as pool,
    ):
        apply_pool_limits(instance, pool_limits(loaded, loaded.plans()))
        yield Engine(workers, instance, pool)
        # A run that goes on after a test that failed has a worker that ends it.
        workers["lost"].kill()
        workers["other"].wake()


def test_a_worker_that_vanishes_within_a_slice_costs_nothing(
    replication: Replication, engine: Engine
) -> None:
    """H-01, I-05, I-32, I-35, H-20: its range is read on; rows change all the while."""
    run = engine.launch(celery_slices_job)
    with _lost_within_its_range(replication, engine, files=0):
        assert _ranges(replication) == [(0, False), (2, False)]
        replication.sql(
            "UPDATE t SET v = -v WHERE id % 5 = 0",
            f"INSERT INTO t (v) SELECT seq FROM seq_1_to_{CHUNK_ROWS}",
        )
    assert run.result(120).success
    assert_exact(replication, ["t"])
    assert len(replication.orphans("t")) == 1  # what the lost worker had not committed


def test_a_worker_that_vanishes_within_a_reload_costs_nothing(
    replication: Replication, engine: Engine
) -> None:
    """H-01, I-05, I-24, I-32, I-35: its range is read anew, and all of it is seen at once."""
    replication.sync("t")
    before = replication.target_rows("t")
    files = len(replication.objects())
    replication.sql("UPDATE t SET v = -v, ts = ts")  # where no cursor sees it
    steps = pair_config(replication.plan("t"), RunLimits(), WINDOW)
    run = engine.launch(celery_window_job, dg.RunConfig(ops=steps))
    with _lost_within_its_range(replication, engine, files=files):
        assert not replication.load("t").files
        assert replication.target_rows("t") == before
        replication.sql("UPDATE t SET v = v + 7 WHERE id % 5 = 0")
    assert run.result(120).success
    behind = set(replication.sql("SELECT * FROM t WHERE v < 0 AND id % 5 <> 0"))
    assert behind <= set(replication.target_rows("t"))
    replication.sync("t")
    assert_exact(replication, ["t"])


def _make_sliced_table(replication: Replication) -> None:
    replication.sql(
        "CREATE TABLE t (id BIGINT PRIMARY KEY AUTO_INCREMENT, ts DATETIME(6) NOT NULL "
        "DEFAULT NOW(6) ON UPDATE NOW(6), v INT NOT NULL, KEY (ts, id))",
        "INSERT INTO t (ts, v) SELECT '2025-01-01' + INTERVAL seq SECOND, seq "
        f"FROM seq_1_to_{ROWS}",
    )
    replication.table(
        "t",
        cdc_strategy="hybrid",
        cdc_timestamp_column="ts",
        cdc_id_column="id",
        chunk_rows=CHUNK_ROWS,
        slices=SLICES,
    )


@contextlib.contextmanager
def _lost_within_its_range(
    replication: Replication, engine: Engine, *, files: int
) -> Iterator[None]:
    """What happens while the one worker is gone and the other has not gone on."""
    workers: Mapping[str, Any] = engine.workers
    wait_until("a frozen slice", workers["other"].is_frozen)
    wait_until("a slice that hangs", lambda: len(replication.objects()) == files + 3)
    source = engine.instance.event_log_storage.get_concurrency_info("mysql_db")
    assert (source.slot_count, source.active_slot_count) == (CONNECTIONS, CONNECTIONS)
    assert len(source.pending_steps) - source.assigned_step_count == SLICES - CONNECTIONS
    workers["lost"].kill()
    yield
    workers["other"].wake()


def _ranges(replication: Replication) -> list[tuple[int, bool]]:
    """Files of every range that has a worker, and whether it is done."""
    snapshot = replication.extract_state("t").mysql_state.snapshot
    assert snapshot is not None
    assert snapshot.slices is not None
    return sorted((one.files, one.done) for one in snapshot.slices.slices if one.worker)
