"""Celery: workers that share nothing but S3, the databases, Redis and Dagster's storage."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import pytest

from mysql_s3_redshift.config import load
from mysql_s3_redshift.core.faultpoints import VARIABLE
from mysql_s3_redshift.definitions import CONFIG_VARIABLE
from mysql_s3_redshift.defs.pools import apply_pool_limits, pool_limits
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.engines.jobs import celery_job, celery_slices_job
from mysql_s3_redshift_tests.engines.pipelines import assert_exact, make_tables, write_config
from mysql_s3_redshift_tests.engines.servers import (
    instance_settings,
    make_home,
    open_home,
    wait_until,
)
from mysql_s3_redshift_tests.engines.workers import EXECUTION, running_workers
from mysql_s3_redshift_tests.faults.replication import Replication

ROWS, CHUNK_ROWS = 500, 100
SLICES, CONNECTIONS = 3, 2
EXTRACTED = "extracted: files 1"


def test_a_worker_that_vanishes_during_an_extraction_costs_nothing(
    replication: Replication,
    sandbox: SandboxStatus,
    celery_environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """H-01, I-32, I-35: the other worker takes the step over where the last commit left it."""
    names = make_tables(replication, 2, rows=ROWS, chunk_rows=CHUNK_ROWS)
    config = write_config(replication, tmp_path / "engine.yaml", EXECUTION)
    monkeypatch.setenv(CONFIG_VARIABLE, str(config))
    environments = {
        "lost": celery_environment | {VARIABLE: "extract.after_commit=hang@3"},
        "other": celery_environment | {VARIABLE: "extract.after_state_read=freeze"},
    }
    home = make_home(tmp_path / "launcher", instance_settings(sandbox))
    with (
        running_workers(tmp_path, config, environments=environments) as workers,
        open_home(home) as instance,
        ThreadPoolExecutor(1) as pool,
    ):
        lost, other = workers["lost"], workers["other"]
        run = pool.submit(dg.execute_job, dg.reconstructable(celery_job), instance=instance)
        # Two tables, two workers: while one stops itself with the first table in its hands, the
        # second is in the hands of the one that hangs after its third commit, long before the last
        # of its five files.
        wait_until("a frozen table", other.is_frozen)
        wait_until("some files", lambda: lost.log.read_text().count(EXTRACTED) > 0)
        lost.kill()
        other.wake()
        assert run.result(120).success
    assert_exact(replication, names)


def test_a_worker_that_vanishes_within_a_slice_costs_nothing(
    replication: Replication,
    sandbox: SandboxStatus,
    celery_environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """H-01, I-05, I-32, I-35, H-20: its range is read on; rows change all the while.

    One worker stops itself with the first range in its hands, so the other has to take the second,
    and hangs with two of its chunks committed and one on S3 only. The third range is handed to
    nobody: the source allows two connections, however many workers there are.
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
        run = pool.submit(dg.execute_job, dg.reconstructable(celery_slices_job), instance=instance)
        wait_until("a frozen slice", workers["other"].is_frozen)
        wait_until("a slice that hangs", lambda: len(replication.objects()) == 3)
        source = instance.event_log_storage.get_concurrency_info("mysql_db")
        assert (source.slot_count, source.active_slot_count) == (CONNECTIONS, CONNECTIONS)
        assert len(source.pending_steps) - source.assigned_step_count == SLICES - CONNECTIONS
        assert _ranges(replication) == [(0, False), (2, False)]
        workers["lost"].kill()
        replication.sql(
            "UPDATE t SET v = -v WHERE id % 5 = 0",
            f"INSERT INTO t (v) SELECT seq FROM seq_1_to_{CHUNK_ROWS}",
        )
        workers["other"].wake()
        assert run.result(120).success
    assert_exact(replication, ["t"])
    assert len(replication.orphans("t")) == 1  # what the lost worker had not committed


def _make_sliced_table(replication: Replication) -> None:
    replication.sql(
        "CREATE TABLE t (id BIGINT PRIMARY KEY AUTO_INCREMENT, ts DATETIME(6) NOT NULL "
        "DEFAULT NOW(6) ON UPDATE NOW(6), v INT NOT NULL, KEY (ts, id))",
        f"INSERT INTO t (v) SELECT seq FROM seq_1_to_{4 * SLICES * CHUNK_ROWS}",
    )
    replication.table(
        "t",
        cdc_strategy="hybrid",
        cdc_timestamp_column="ts",
        cdc_id_column="id",
        chunk_rows=CHUNK_ROWS,
        slices=SLICES,
    )


def _ranges(replication: Replication) -> list[tuple[int, bool]]:
    """Files of every range that has a worker, and whether it is done."""
    snapshot = replication.extract_state("t").mysql_state.snapshot
    assert snapshot is not None
    assert snapshot.slices is not None
    return sorted((one.files, one.done) for one in snapshot.slices.slices if one.worker)
