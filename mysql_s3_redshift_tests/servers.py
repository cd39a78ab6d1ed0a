"""Real local servers for the tests: one sandbox for the whole run, fresh names for each test.

`sandbox` has all three servers; `mysql_server` and `s3_server` start just the one a test needs.
Tests never share rows: `mysql_database`, `s3_prefix` and `redshift_schema` are new for each test
and removed after it.
"""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from redshift_connector.core import Connection as RedshiftConnection

from mysql_s3_redshift.sandbox import redshift_server
from mysql_s3_redshift.sandbox import s3_server as s3
from mysql_s3_redshift.sandbox import sandbox as sandboxes
from mysql_s3_redshift.sandbox.mysql_server import MysqlConnection, connect
from mysql_s3_redshift.sandbox.processes import stop
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift.sandbox.settings import load_settings


def mysql_admin_connection(sandbox: SandboxStatus, database: str | None = None) -> MysqlConnection:
    """Open a MySQL connection that may write; autocommit is off."""
    connection = connect(sandbox.mysql_admin)
    if database is not None:
        connection.select_db(database)
    return connection


_s3_clients: dict[tuple[str, str], Any] = {}


def s3_client(sandbox: SandboxStatus) -> Any:
    """Return the boto3 client for the sandbox's S3; making one takes more than most tests do."""
    settings = sandbox.settings
    place = (s3.endpoint_url(settings), settings.secrets.s3_secret_access_key)
    if place not in _s3_clients:
        _s3_clients[place] = s3.s3_client(settings)
    return _s3_clients[place]


def redshift_connection(sandbox: SandboxStatus) -> RedshiftConnection:
    """Open a connection to the Redshift stand-in; autocommit is off."""
    return redshift_server.redshift_connection(sandbox.settings)


MEMORY = Path("/dev/shm")
MEMORY_BYTES = 6 << 30


def _roomy_memory() -> Path | None:
    """A file system in memory where there is room for a sandbox: no test waits for a disk then."""
    if not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < MEMORY_BYTES:
        return None
    return MEMORY


@contextlib.contextmanager
def new_sandbox_folder() -> Iterator[Path]:
    """Give a folder for a sandbox; stop what runs in it and remove it at the end.

    Not pytest's `tmp_path`: as root, PostgreSQL runs as another user, who must be able to reach
    the folder, and pytest makes its folders private.
    """
    folder = Path(tempfile.mkdtemp(prefix="sandbox-", dir=_roomy_memory()))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        discard(folder)
        shutil.rmtree(folder)


def discard(folder: Path) -> None:
    """Stop a sandbox whose data nobody needs any more.

    SeaweedFS is not asked: it waits ten seconds for clients that keep their connections open.
    """
    settings = load_settings(folder)
    if settings is not None and "s3" in settings.processes:
        stop(settings.processes["s3"], grace=0)
    sandboxes.down(folder)


@contextlib.contextmanager
def new_mysql_database(sandbox: SandboxStatus) -> Iterator[str]:
    """Create a MySQL database with a random name; drop it at the end."""
    name = f"test_{secrets.token_hex(4)}"
    with contextlib.closing(mysql_admin_connection(sandbox)) as connection:
        connection.cursor().execute(f"CREATE DATABASE `{name}`")
    try:
        yield name
    finally:
        with contextlib.closing(mysql_admin_connection(sandbox)) as connection:
            # A test that failed may still hold a transaction: do not wait for it for a whole day.
            connection.cursor().execute("SET lock_wait_timeout = 20")
            connection.cursor().execute(f"DROP DATABASE `{name}`")


@contextlib.contextmanager
def new_redshift_schema(sandbox: SandboxStatus) -> Iterator[str]:
    """Create a Redshift schema with a random name; drop it at the end."""
    name = f"test_{secrets.token_hex(4)}"
    _run_in_redshift(sandbox, f'CREATE SCHEMA "{name}"')
    try:
        yield name
    finally:
        _run_in_redshift(sandbox, f'DROP SCHEMA "{name}" CASCADE')


@contextlib.contextmanager
def new_s3_prefix(sandbox: SandboxStatus) -> Iterator[str]:
    """Make up a random key prefix; delete what lies below it at the end."""
    prefix = f"test-{secrets.token_hex(4)}"
    yield prefix
    client = s3_client(sandbox)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=s3.BUCKET, Prefix=f"{prefix}/")
    for page in pages:
        keys = [{"Key": item["Key"]} for item in page.get("Contents", [])]
        if keys:
            client.delete_objects(Bucket=s3.BUCKET, Delete={"Objects": keys})


def processes_of(folder: Path) -> list[psutil.Process]:
    """Return every process of this machine that has the folder in its command line."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess):
            if any(str(folder) in word for word in process.cmdline()):
                found.append(process)
    return found


TEST_PORTS = range(23_000, 30_000)
"""Neither ports of sandboxes, nor ports that Linux gives to outgoing connections (32768 on): what
a test's server leaves for a moment, to start again there, is not taken meanwhile."""


def free_port() -> int:
    """Return a port of loopback where nothing listens."""
    for port in random.sample(TEST_PORTS, len(TEST_PORTS)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    msg = f"No free port in {TEST_PORTS}."
    raise OSError(msg)


def mysql_answers(current: SandboxStatus) -> bool:
    """Tell whether the MySQL server answers a query."""
    with contextlib.closing(mysql_admin_connection(current)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
        return cursor.fetchone() == (1,)


@pytest.fixture(scope="session")
def sandbox_folder() -> Iterator[Path]:
    """The folder of the test run's sandbox."""
    with new_sandbox_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def mysql_server(sandbox_folder: Path) -> SandboxStatus:
    """The test run's sandbox with at least its MySQL server running, without demo data."""
    return sandboxes.up(sandbox_folder, ("mysql",))


@pytest.fixture(scope="session")
def s3_server(sandbox_folder: Path) -> SandboxStatus:
    """The test run's sandbox with at least its S3 server running."""
    return sandboxes.up(sandbox_folder, ("s3",))


@pytest.fixture(scope="session")
def sandbox(sandbox_folder: Path) -> SandboxStatus:
    """The test run's sandbox with all servers running, without demo data."""
    return sandboxes.up(sandbox_folder)


@pytest.fixture
def mysql_database(mysql_server: SandboxStatus) -> Iterator[str]:
    """An empty MySQL database of this test alone."""
    with new_mysql_database(mysql_server) as name:
        yield name


@pytest.fixture
def s3_prefix(s3_server: SandboxStatus) -> Iterator[str]:
    """A key prefix, without slashes, of this test alone in the bucket `s3.BUCKET`."""
    with new_s3_prefix(s3_server) as prefix:
        yield prefix


@pytest.fixture
def redshift_schema(sandbox: SandboxStatus) -> Iterator[str]:
    """An empty Redshift schema of this test alone."""
    with new_redshift_schema(sandbox) as name:
        yield name


def _run_in_redshift(sandbox: SandboxStatus, statement: str) -> None:
    with contextlib.closing(redshift_connection(sandbox)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
