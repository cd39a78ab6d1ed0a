"""What an engine needs besides the three systems: Dagster's storage, Redis, workers."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import redis
import yaml

from mysql_s3_redshift.sandbox.redshift.postgres import SUPERUSER, EmbeddedPostgres
from mysql_s3_redshift.sandbox.s3_server import BUCKET
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.servers import free_port

ROOT = Path(__file__).parents[2]
SECONDS = 60.0


def wait_until(what: str, found: Callable[[], bool]) -> None:
    """Wait for something that other processes do."""
    deadline = time.monotonic() + SECONDS
    while not found():
        assert time.monotonic() < deadline, f"after {SECONDS} seconds still waiting: {what}"
        time.sleep(0.1)


def program(name: str) -> str:
    """Path of a console script of this environment."""
    return str(Path(sys.executable).with_name(name))


@contextlib.contextmanager
def running_postgres(folder: Path) -> Iterator[str]:
    """Start a PostgreSQL for Dagster; gives its URL."""
    server = EmbeddedPostgres(folder / "postgres")
    server.start()
    try:
        socket = Path(server.socket_path).parent
        yield f"postgresql://{SUPERUSER}@/postgres?host={socket}"
    finally:
        server.stop()


@contextlib.contextmanager
def running_redis(folder: Path) -> Iterator[str]:
    """Start a Redis on loopback; gives its URL."""
    binary = shutil.which("redis-server")
    assert binary is not None, "redis-server is not installed: scripts/install-system.sh redis"
    port = free_port()
    folder.mkdir()
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    server = subprocess.Popen([*command, "--save", "", "--logfile", str(folder / "log")])
    url = f"redis://127.0.0.1:{port}/0"
    client = redis.Redis.from_url(url)

    def answers() -> bool:
        assert server.poll() is None, (folder / "log").read_text()
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False

    try:
        wait_until("Redis", answers)
        yield url
    finally:
        client.close()
        server.terminate()
        server.wait(SECONDS)


def instance_settings(sandbox: SandboxStatus) -> dict[str, Any]:
    """`deploy/dagster.yaml`, pointed at the sandbox's S3 instead of AWS."""
    settings: dict[str, Any] = yaml.safe_load((ROOT / "deploy/dagster.yaml").read_text())
    settings["compute_logs"]["config"] |= {
        "endpoint_url": sandbox.document()["s3"]["endpoint_url"],
        "region": "us-east-1",
    }
    return settings


def instance_variables(sandbox: SandboxStatus, postgres_url: str, prefix: str) -> dict[str, str]:
    """The variables that `deploy/dagster.yaml` names, and the keys of the sandbox's S3."""
    s3 = sandbox.document()["s3"]
    return {
        "DAGSTER_POSTGRES_URL": postgres_url,
        "DAGSTER_LOGS_BUCKET": BUCKET,
        "DAGSTER_LOGS_PREFIX": f"{prefix}/dagster-logs",
        "AWS_ACCESS_KEY_ID": s3["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": s3["secret_access_key"],
    }


def make_home(folder: Path, settings: Mapping[str, Any]) -> Path:
    """A `DAGSTER_HOME` of its own with these settings."""
    folder.mkdir(parents=True)
    (folder / "dagster.yaml").write_text(yaml.safe_dump(dict(settings)))
    return folder


@contextlib.contextmanager
def open_home(folder: Path) -> Iterator[dg.DagsterInstance]:
    """Open the instance of a `DAGSTER_HOME`."""
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        yield instance
