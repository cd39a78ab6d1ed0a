"""Fixtures of the tests of the Dagster side."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.defs.shop import Shop
from mysql_s3_redshift_tests.defs.webhooks import new_webhook
from mysql_s3_redshift_tests.faults.replication import new_replication

NO_COMPUTE_LOGS = {
    "module": "dagster._core.storage.noop_compute_log_manager",
    "class": "NoOpComputeLogManager",
}
ONE_EVENT_LOG = {
    "module": "dagster._core.storage.event_log",
    "class": "ConsolidatedSqliteEventLogStorage",
}


@pytest.fixture
def shop(sandbox: SandboxStatus, tmp_path: Path) -> Iterator[Shop]:
    """A pipeline of this test alone, with two small tables."""
    with new_replication(sandbox, tmp_path) as replication:
        yield Shop(replication)


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[Any]]]:
    """An address that takes documents, and the documents that it took."""
    with new_webhook() as one:
        yield one


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """One Dagster instance for all tests, whose tables have names of their own.

    In files, because the one in memory serves one thread; in memory where that is a file system,
    because each of a run's eighty commits waits for a disk that other tests keep busy. Standard
    output is not captured: that is four processes for every step, and no test reads it. All runs
    log to one database, as they do on PostgreSQL: a database for each takes a fifth of the time.
    """
    shared = Path("/dev/shm")
    root = shared if os.access(shared, os.W_OK) else tmp_path_factory.mktemp("dagster")
    with (
        tempfile.TemporaryDirectory(dir=root) as folder,
        dg.DagsterInstance.local_temp(
            folder,
            overrides={
                "compute_logs": NO_COMPUTE_LOGS,
                "event_log_storage": {**ONE_EVENT_LOG, "config": {"base_dir": f"{folder}/events"}},
            },
        ) as instance,
    ):
        yield instance
