"""Fixtures of the tests on other engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.engines.servers import running_postgres, running_redis
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
def redis_url(tmp_path: Path) -> Iterator[str]:
    """URL of a Redis of this test alone."""
    with running_redis(tmp_path / "redis") as url:
        yield url
