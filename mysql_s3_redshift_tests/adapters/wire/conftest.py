"""Connections to the test run's MySQL server, and one more server that speaks TLS."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from mysql_s3_redshift.sandbox.mysql_server import find_binary
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.adapters.wire.certificates import write_certificate
from mysql_s3_redshift_tests.servers import free_port

Connect = Callable[..., Any]

# Values that a strict session refuses are what the reader has to survive.
LENIENT = "ALLOW_INVALID_DATES"


@pytest.fixture
def connect(mysql_server: SandboxStatus, mysql_database: str) -> Iterator[Connect]:
    """Open connections to a new database; they are closed at the end of the test."""
    account = mysql_server.mysql_admin
    with contextlib.ExitStack() as opened:

        def open_connection(**options: Any) -> Any:
            settings: dict[str, Any] = {
                "host": account.host,
                "port": account.port,
                "user": account.user,
                "password": account.password,
                "database": mysql_database,
                "charset": "utf8mb4",
                "sql_mode": LENIENT,
                "autocommit": True,
                "read_timeout": 20,
                "ssl_disabled": account.own,
            }
            connection = pymysql.connect(**(settings | options))
            opened.callback(_close, connection)
            return connection

        yield open_connection


def _close(connection: Any) -> None:
    if connection.open:
        connection.close()


@pytest.fixture
def connection(connect: Connect) -> Any:
    """One connection to a new database."""
    return connect()


@pytest.fixture
def numbers(connection: Any) -> str:
    """A table of the digits; joined with itself it gives many rows on every server."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE digits (d INT NOT NULL PRIMARY KEY)")
        cursor.execute("INSERT INTO digits VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)")
    return "digits"


@pytest.fixture(scope="session")
def tls_server() -> Iterator[dict[str, Any]]:
    """Options to connect to a MariaDB that has a certificate."""
    binary = Path(find_binary().path)
    # A socket's path must be shorter than 108 bytes, so not in pytest's folder.
    folder = Path(tempfile.mkdtemp(prefix="wire-tls-"))
    data, log = folder / "data", folder / "log"
    authority = write_certificate(folder)
    try:
        with log.open("wb") as output:
            subprocess.run(
                ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--skip-test-db",
                 "--auth-root-authentication-method=normal", "--user=root"],
                stdout=output, stderr=output, check=True,
            )  # fmt: skip
            port = free_port()
            server = subprocess.Popen(
                [binary, "--no-defaults", "--user=root", f"--datadir={data}", f"--port={port}",
                 "--bind-address=127.0.0.1", f"--socket={folder / 's'}",
                 f"--ssl-cert={folder / 'server.pem'}", f"--ssl-key={folder / 'server.key'}"],
                stdout=output, stderr=output,
            )  # fmt: skip
        options = {
            "host": "127.0.0.1",
            "port": port,
            "user": "root",
            "database": "mysql",
            "ssl_ca": str(authority),
            "ssl_verify_cert": True,
            "ssl_verify_identity": True,
            "charset": "utf8mb4",
            "read_timeout": 20,
        }
        try:
            _wait_for(options, log)
            yield options | {"socket_path": str(folder / "s")}
        finally:
            server.terminate()
            server.wait(60)
    finally:
        shutil.rmtree(folder)


def _wait_for(options: dict[str, Any], log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            pymysql.connect(**options).close()
        except pymysql.OperationalError:
            if time.monotonic() > deadline:
                raise AssertionError(log.read_text()) from None
            time.sleep(0.1)
        else:
            return
