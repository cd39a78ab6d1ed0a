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
    instance_variables,
    make_home,
    open_home,
    start_worker,
    wait_until,
)
from mysql_s3_redshift_tests.faults.replication import Replication

ROWS, CHUNK_ROWS = 500, 100
EXECUTION = {
    "executor": "celery",
    "config": {
        "broker": {"env": "CELERY_BROKER_URL"},
        "backend": {"env": "CELERY_RESULT_BACKEND"},
        "config_source": {
            "task_acks_late": True,
            "task_reject_on_worker_lost": True,
            "broker_transport_options": {
                "visibility_timeout": 8,
                "unacked_restore_interval": 1,
                "unacked_restore_throttle": 1,
                "unacked_mutex_expire": 2,
            },
        },
    },
}
"""As in docs/scaling.md, with a machine counted as lost after 8 seconds instead of hours."""

EXTRACTED = "extracted: files 1"


def test_a_worker_that_vanishes_during_an_extraction_costs_nothing(
    replication: Replication,
    sandbox: SandboxStatus,
    dagster_postgres: str,
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """H-01, I-32, I-35: the other worker takes the step over where the last commit left it."""
    names = make_tables(replication, 2, rows=ROWS, chunk_rows=CHUNK_ROWS)
    config = write_config(replication, tmp_path / "engine.yaml", EXECUTION)
    environment = {
        **instance_variables(sandbox, dagster_postgres, replication.prefix),
        "CELERY_BROKER_URL": redis_url,
        "CELERY_RESULT_BACKEND": redis_url,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(CONFIG_VARIABLE, str(config))
    hanging = environment | {VARIABLE: "extract.after_commit=hang@3"}
    workers = [
        start_worker(tmp_path / "lost", config, environment=hanging),
        start_worker(tmp_path / "other", config, environment=environment),
    ]
    lost = workers[0]
    home = make_home(tmp_path / "launcher", instance_settings(sandbox))
    try:
        wait_until("both workers", lambda: all(worker.is_ready() for worker in workers))
        with open_home(home) as instance, ThreadPoolExecutor(1) as pool:
            run = pool.submit(dg.execute_job, dg.reconstructable(celery_job), instance=instance)
            # Two tables, two workers: one of the tables is in the hands of the worker that hangs
            # after its third commit, long before the last of its five files.
            wait_until("some files", lambda: lost.log.read_text().count(EXTRACTED) > 0)
            lost.kill()
            assert run.result(120).success
    finally:
        for worker in workers:
            worker.kill()
    assert_exact(replication, names)
