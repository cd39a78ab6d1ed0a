"""Fixtures of the tests that start sandboxes of their own."""

from __future__ import annotations

import pytest

from mysql_s3_redshift.sandbox.mysql_server import URL_VARIABLE
from mysql_s3_redshift_tests.servers import new_sandbox_folder


@pytest.fixture
def own_mysql(monkeypatch):
    """Ignore a MySQL server that the suite was told to use."""
    monkeypatch.delenv(URL_VARIABLE, raising=False)


@pytest.fixture
def folder():
    """A folder for one more sandbox."""
    with new_sandbox_folder() as path:
        yield path
