"""Fixtures of the tests of whole pairs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.faults.replication import Replication, new_replication


@pytest.fixture
def replication(sandbox: SandboxStatus, tmp_path: Path) -> Iterator[Replication]:
    """A database, a prefix and a schema of this test alone."""
    with new_replication(sandbox, tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared(
    sandbox: SandboxStatus, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Replication]:
    """One database, prefix and schema for the tests of a module that need a table of their own."""
    with new_replication(sandbox, tmp_path_factory.mktemp("shared")) as opened:
        yield opened
