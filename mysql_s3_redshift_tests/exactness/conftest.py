"""Servers of the exactness suite: MySQL at UTC (or the one of MYSQL_URL), and one at -05:00."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mysql_s3_redshift.sandbox import sandbox as sandboxes
from mysql_s3_redshift.sandbox.mysql_server import URL_VARIABLE
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.exactness.pair import Pair, Servers, pair
from mysql_s3_redshift_tests.servers import new_mysql_database, new_sandbox_folder


@pytest.fixture(scope="session")
def western_server() -> Iterator[SandboxStatus]:
    """A MySQL server of our own whose clock is five hours behind UTC."""
    with new_sandbox_folder() as folder, pytest.MonkeyPatch.context() as patch:
        patch.delenv(URL_VARIABLE, raising=False)
        yield sandboxes.up(folder, ("mysql",), time_zone="-05:00")


@pytest.fixture(params=["utc", "western"])
def mysql_of_each_zone(request: pytest.FixtureRequest, sandbox: SandboxStatus) -> SandboxStatus:
    """The suite's MySQL server, then one at -05:00."""
    if request.param == "utc":
        return sandbox
    western: SandboxStatus = request.getfixturevalue("western_server")
    return western


@pytest.fixture
def zoned_pair(
    mysql_of_each_zone: SandboxStatus,
    sandbox: SandboxStatus,
    redshift_schema: str,
    tmp_path: Path,
) -> Iterator[Pair]:
    """A pair on each of the two MySQL servers."""
    with new_mysql_database(mysql_of_each_zone) as database:
        servers = Servers(mysql_of_each_zone, sandbox, database, redshift_schema)
        with pair(servers, tmp_path) as opened:
            yield opened


@pytest.fixture
def servers(sandbox: SandboxStatus, mysql_database: str, redshift_schema: str) -> Servers:
    """New names on the suite's servers."""
    return Servers(sandbox, sandbox, mysql_database, redshift_schema)


@pytest.fixture
def table(servers: Servers, tmp_path: Path) -> Iterator[Pair]:
    """A pair on the suite's servers."""
    with pair(servers, tmp_path) as opened:
        yield opened
