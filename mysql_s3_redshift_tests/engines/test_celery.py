"""Celery: workers that share nothing but S3, the databases, Redis and Dagster's storage."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import pytest

from mysql_s3_redshift.core.faultpoints import VARIABLE
from mysql_s3_redshift.definitions import CONFIG_VARIABLE
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.engines.jobs import celery_job
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
