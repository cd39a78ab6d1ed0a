"""The benchmarks' own folder: a sandbox, a configuration, a place for output and results."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mysql_s3_redshift.errors import TargetError
from mysql_s3_redshift.sandbox import redshift_server, s3_server
from mysql_s3_redshift.sandbox import sandbox as sandboxes
from mysql_s3_redshift.sandbox.mysql_server import MysqlConnection, connect
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus

BENCHMARKS = Path(__file__).parent
REPOSITORY = BENCHMARKS.parent
DATABASE = "bench"

_CONFIG = """\
sources:
  bench:
    host: ${{SANDBOX_MYSQL_HOST}}
    port: ${{SANDBOX_MYSQL_PORT}}
    user: ${{SANDBOX_MYSQL_USER}}
    password: ${{SANDBOX_MYSQL_PASSWORD}}
storages:
  lake:
    bucket: ${{SANDBOX_S3_BUCKET}}
    prefix: {prefix}
    region: us-east-1
    endpoint_url: ${{SANDBOX_S3_ENDPOINT_URL}}
    access_key_id: ${{SANDBOX_S3_ACCESS_KEY_ID}}
    secret_access_key: ${{SANDBOX_S3_SECRET_ACCESS_KEY}}
targets:
  warehouse:
    host: ${{SANDBOX_REDSHIFT_HOST}}
    port: ${{SANDBOX_REDSHIFT_PORT}}
    database: ${{SANDBOX_REDSHIFT_DATABASE}}
    user: ${{SANDBOX_REDSHIFT_USER}}
    password: ${{SANDBOX_REDSHIFT_PASSWORD}}
    copy_role: default
pipelines:
  bench:
    source: bench
    storage: lake
    target: warehouse
    target_schema: {target_schema}
    sync: {{every: 1h}}
    tables:
{tables}
"""


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where the benchmarks work.

    Attributes:
        folder: `benchmarks/.work`.
        sandbox: The running servers.
    """

    folder: Path
    sandbox: SandboxStatus

    @property
    def results(self) -> Path:
        """What was measured so far, by benchmark."""
        return self.folder / "results.json"

    @property
    def mysql_url(self) -> str:
        """The source as other tools take it: the reader's account on TCP."""
        reader = self.sandbox.mysql_reader
        return f"mysql://{reader.user}:{reader.password}@{reader.host}:{reader.port}/{DATABASE}"

    def admin(self, database: str | None = DATABASE) -> contextlib.closing[MysqlConnection]:
        """Open a connection that may write; the caller closes it by `with`."""
        connection = connect(self.sandbox.mysql_admin)
        if database is not None:
            connection.select_db(database)
        return contextlib.closing(connection)

    def output(self, name: str) -> Path:
        """Give an empty folder for the files of one run."""
        folder = self.folder / "output" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def config(self, name: str, tables: str) -> Path:
        """Write a `pipelines.yaml` of its own prefix and target schema for some tables.

        Args:
            name: Names the file, the prefix and the schema.
            tables: The `tables:` section, indented by six spaces.
        """
        path = self.folder / f"{name}.yaml"
        path.write_text(_CONFIG.format(prefix=name, target_schema=f"bench_{name}", tables=tables))
        variables = self.sandbox.variables()
        (self.folder / ".env").write_text("".join(f"{k}={v}\n" for k, v in variables.items()))
        return path

    def fresh(self, name: str) -> str:
        """Make sure that nothing is left of a configuration of that name; return the name."""
        self.forget(name)
        return name

    def forget(self, name: str) -> None:
        """Delete what a configuration left on S3 and in the target."""
        settings = self.sandbox.settings
        client = s3_server.s3_client(settings)
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket=s3_server.BUCKET, Prefix=f"{name}/"
        )
        for page in pages:
            keys = [{"Key": item["Key"]} for item in page.get("Contents", [])]
            if keys:
                client.delete_objects(Bucket=s3_server.BUCKET, Delete={"Objects": keys})
        with contextlib.closing(redshift_server.redshift_connection(settings)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(f'DROP SCHEMA IF EXISTS "bench_{name}" CASCADE')
            cursor.execute(
                "SELECT table_schema, table_name FROM information_schema.tables "
                "WHERE table_name LIKE %s",
                (f"bench_{name}__%",),
            )
            for schema, table in cursor.fetchall():
                cursor.execute(f'DROP TABLE "{schema}"."{table}"')

    def keep(self, benchmark: str, results: dict[str, Any]) -> None:
        """Store what a benchmark measured."""
        known = json.loads(self.results.read_text()) if self.results.exists() else {}
        known[benchmark] = results
        self.results.write_text(json.dumps(known, indent=1, default=str) + "\n")


@contextlib.contextmanager
def open_workspace(folder: Path = BENCHMARKS / ".work") -> Iterator[Workspace]:
    """Start a sandbox of the benchmarks; stop it at the end. Its data is kept for the next call."""
    folder.mkdir(parents=True, exist_ok=True)
    servers = folder / "sandbox"
    try:
        yield Workspace(folder, _start(servers))
    finally:
        sandboxes.down(servers)


def _start(servers: Path) -> SandboxStatus:
    """Start the servers; what an older stand-in of Redshift has left is nothing to keep."""
    try:
        return sandboxes.up(servers, report=print)
    except TargetError:
        shutil.rmtree(servers / "redshift", ignore_errors=True)
        return sandboxes.up(servers, report=print)
