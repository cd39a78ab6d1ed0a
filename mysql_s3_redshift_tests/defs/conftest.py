"""Fixtures of the tests of the Dagster side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.defs.shop import Shop
from mysql_s3_redshift_tests.faults.replication import new_replication


@pytest.fixture
def shop(sandbox: SandboxStatus, tmp_path: Path) -> Iterator[Shop]:
    """A pipeline of this test alone, with two small tables."""
    with new_replication(sandbox, tmp_path) as replication:
        yield Shop(replication)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance of this test alone, in memory."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance
