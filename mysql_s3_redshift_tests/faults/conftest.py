"""Fixtures of the tests that break things."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.faults.launcher import Launcher
from mysql_s3_redshift_tests.faults.replication import Replication, new_replication


@pytest.fixture
def replication(sandbox: SandboxStatus, tmp_path: Path) -> Iterator[Replication]:
    """A database, a prefix and a schema of this test alone."""
    with new_replication(sandbox, tmp_path) as opened:
        yield opened


@pytest.fixture(scope="session")
def launchers() -> Iterator[tuple[Launcher, Launcher]]:
    """Two processes that start drivers."""
    with Launcher() as one, Launcher() as other:
        yield one, other


@pytest.fixture
def launcher(launchers: tuple[Launcher, Launcher]) -> Launcher:
    """A process that starts drivers, one at a time."""
    return launchers[0]
