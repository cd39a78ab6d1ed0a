"""Fixtures of the tests on other engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.engines.servers import (
    instance_variables,
    running_postgres,
    running_redis,
)
from mysql_s3_redshift_tests.faults.replication import Replication, new_replication
from mysql_s3_redshift_tests.servers import new_sandbox_folder


@pytest.fixture
def replication(sandbox: SandboxStatus, tmp_path: Path) -> Iterator[Replication]:
    """A database, a prefix and a schema of this test alone."""
    with new_replication(sandbox, tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def dagster_postgres() -> Iterator[str]:
    """URL of a PostgreSQL that holds Dagster's storage."""
    with new_sandbox_folder() as folder, running_postgres(folder) as url:
        yield url


@pytest.fixture
def celery_environment(
    replication: Replication,
    sandbox: SandboxStatus,
    dagster_postgres: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[dict[str, str]]:
    """What workers and launcher have in common: a Redis of this test alone, Dagster's storage."""
    with running_redis(tmp_path / "redis") as url:
        shared = {
            **instance_variables(sandbox, dagster_postgres, replication.prefix),
            "CELERY_BROKER_URL": url,
            "CELERY_RESULT_BACKEND": url,
        }
        for name, value in shared.items():
            monkeypatch.setenv(name, value)
        yield shared
