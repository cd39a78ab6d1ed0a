"""One stand-in for all tests of this folder, started as users start it, and an S3 server."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import redshift_connector
from moto.server import ThreadedMotoServer
from redshift_connector.error import Error

from mysql_s3_redshift_tests.servers import free_port

PASSWORD = "Sandbox-1234"
ROLE = "arn:aws:iam::123456789012:role/copy"
BUCKET = "lake"


@dataclass
class StandIn:
    """A running stand-in process."""

    process: subprocess.Popen[str]
    port: int
    control_port: int

    def connect(self, **options: Any) -> Any:
        defaults = {
            "host": "127.0.0.1",
            "port": self.port,
            "database": "dev",
            "user": "awsuser",
            "password": PASSWORD,
            "ssl": False,
            "application_name": "tests",  # or the driver looks for its caller's on the stack
        }
        return redshift_connector.connect(**{**defaults, **options})

    def stop(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)
        self.process.wait(60)


def start(data: Path, s3: str, *options: str) -> StandIn:
    port, control_port = free_port(), free_port()
    environment = os.environ | {
        "REDSHIFT_PASSWORD": PASSWORD,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    command = [sys.executable, "-m", "mysql_s3_redshift.sandbox.redshift"]
    command += ["--data", str(data), "--port", str(port), "--s3-endpoint", s3]
    command += ["--control-port", str(control_port), *options]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == f"ready on 127.0.0.1:{port}\n"
    return StandIn(process, port, control_port)


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def short_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="redshift-tests-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def stand_in(short_folder: Path, s3_endpoint: str) -> Iterator[StandIn]:
    running = start(short_folder / "shared", s3_endpoint)
    yield running
    running.stop()


@dataclass
class Lake:
    """The bucket that COPY reads."""

    client: Any

    def put_table(self, key: str, table: pa.Table, **options: Any) -> int:
        buffer = io.BytesIO()
        pq.write_table(table, buffer, **options)
        self.client.put_object(Bucket=BUCKET, Key=key, Body=buffer.getvalue())
        return len(buffer.getvalue())

    def put_manifest(self, key: str, entries: Any) -> str:
        body = entries if isinstance(entries, bytes) else json.dumps({"entries": entries}).encode()
        self.client.put_object(Bucket=BUCKET, Key=key, Body=body)
        return f"s3://{BUCKET}/{key}"


def entry(key: str, size: int, **more: Any) -> dict[str, Any]:
    return {"url": f"s3://{BUCKET}/{key}", "meta": {"content_length": size}, **more}


@pytest.fixture(scope="session")
def lake(s3_endpoint: str) -> Lake:
    client = boto3.client(
        "s3",
        endpoint_url=s3_endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    client.create_bucket(Bucket=BUCKET)
    return Lake(client)


@pytest.fixture
def connection(stand_in: StandIn) -> Iterator[Any]:
    """A connection in autocommit mode, in a schema of its own for every test."""
    opened = stand_in.connect()
    opened.autocommit = True
    run(opened, "drop schema if exists scratch cascade")
    run(opened, "create schema scratch")
    run(opened, "set search_path to scratch, public")
    yield opened
    with contextlib.suppress(Error, OSError):
        opened.close()


@pytest.fixture
def block(connection: Any) -> Any:
    """The same connection inside transactions."""
    connection.autocommit = False
    return connection


@pytest.fixture
def another(stand_in: StandIn, connection: Any) -> Iterator[Any]:
    """A second session in the same schema, inside transactions."""
    opened = stand_in.connect()
    opened.autocommit = True
    run(opened, "set search_path to scratch, public")
    opened.autocommit = False
    yield opened
    with contextlib.suppress(Error, OSError):
        opened.close()


@pytest.fixture
def table(block: Any) -> str:
    """A table with one row."""
    run(block, "create table t (id int, v int)")
    run(block, "insert into t values (1, 1)")
    block.commit()
    return "t"


def run(connection: Any, sql: str, *arguments: Any) -> list[list[Any]]:
    cursor = connection.cursor()
    cursor.execute(sql, arguments or None)
    return [list(row) for row in cursor.fetchall()] if cursor.description else []


def refusal(connection: Any, sql: str, *arguments: Any) -> dict[str, str]:
    """Run what must be refused and return the error's fields."""
    with pytest.raises(Error) as caught:
        run(connection, sql, *arguments)
    fields: dict[str, str] = caught.value.args[0]
    return fields


def copy(table: str, source: str, options: str = "") -> str:
    return f"copy {table} from '{source}' iam_role '{ROLE}' format as parquet {options}"
