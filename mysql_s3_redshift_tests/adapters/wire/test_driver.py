"""PyMySQL's private names, in the oldest and the newest version that the project allows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pymysql
import pytest

from mysql_s3_redshift.adapters.mysql.wire import failures
from mysql_s3_redshift.errors import SourceConnectionError, SourceError
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus

PROJECT = Path(__file__).parents[3]
QUERIES = """
import json, sys
import pymysql
from mysql_s3_redshift.adapters.mysql import wire

connection = pymysql.connect(charset="utf8mb4", read_timeout=20, **json.loads(sys.argv[1]))
rows = []
for protocol in ("binary", "text"):
    for _ in range(2):
        with wire.query(connection, "SELECT ? AS a, ? AS b", (7, b"x'"), prefer=protocol) as stream:
            rows += [batch.batch.column(0).to_pylist() for batch in stream]
    with connection.cursor() as cursor:
        cursor.execute("SELECT 8")
        rows.append(list(cursor.fetchone()))
for _ in wire.query(connection, "SELECT 1 UNION ALL SELECT 2", batch_rows=1):
    break
print(json.dumps({"version": pymysql.VERSION_STRING, "rows": rows, "open": connection.open}))
"""


def allowed_versions() -> list[str]:
    """The requirement's lower and upper end."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    (requirement,) = (r for r in project["dependencies"] if r.startswith("pymysql"))
    oldest, newest = requirement.removeprefix("pymysql").split(",")
    return [oldest.replace(">=", "=="), newest]


@pytest.mark.parametrize("version", allowed_versions())
def test_the_reader_works_with_the_oldest_and_the_newest_pymysql(
    mysql_server: SandboxStatus, tmp_path: Path, version: str
):
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", tmp_path,
         f"pymysql{version}"],
        check=True,
    )  # fmt: skip
    account = mysql_server.mysql_admin
    options = {
        "host": account.host,
        "port": account.port,
        "user": account.user,
        "password": account.password,
    }

    outcome = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", "-c", QUERIES, json.dumps(options)],
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{PROJECT}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert outcome.returncode == 0, outcome.stderr
    report = json.loads(outcome.stdout)
    assert report["rows"] == [[7], [7], [8]] * 2
    assert not report["open"]
    if version.startswith("=="):
        assert report["version"] == version.removeprefix("==")


@pytest.mark.parametrize("code", sorted(failures.CONNECTION_LOST))
def test_lost_connections_can_be_retried(code: int):
    error = failures.driver_error(pymysql.err.OperationalError(code, "gone"))
    assert isinstance(error, SourceConnectionError)
    packet = b"\xff" + code.to_bytes(2, "little") + b"#08S01gone"
    assert isinstance(failures.ServerRefusal(packet).source_error(), SourceConnectionError)


def test_other_errors_of_the_server_are_not_retried():
    for code, text in ((1064, b"#42000syntax"), (1146, b"no state")):
        error = failures.ServerRefusal(b"\xff" + code.to_bytes(2, "little") + text).source_error()
        assert type(error) is SourceError
        assert text[-5:].decode() in str(error)
    assert type(failures.driver_error(pymysql.err.DataError("odd"))) is SourceError
