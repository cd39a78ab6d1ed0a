"""A project of its own for each test: configuration, MySQL database, S3 prefix, Redshift schema."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mysql_s3_redshift.adapters import pair
from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.s3.states import TableStates
from mysql_s3_redshift.cli import frame
from mysql_s3_redshift.config import load
from mysql_s3_redshift.core.extraction import ExtractRequest
from mysql_s3_redshift.core.load import LoadRequest
from mysql_s3_redshift.core.model import RunLimits, TablePlan
from mysql_s3_redshift.core.state import new_run_id
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.servers import (
    mysql_admin_connection,
    new_mysql_database,
    new_redshift_schema,
    new_s3_prefix,
    redshift_connection,
    s3_client,
)

SCRIPT = Path(sys.executable).with_name("mysql-s3-redshift")

CONNECTIONS = """
sources:
  shop_db: {{host: "{mysql[host]}", port: {mysql[port]}, user: {user}, password: "{password}"}}
storages:
  lake:
    bucket: {s3[bucket]}
    prefix: {prefix}
    region: us-east-1
    endpoint_url: {s3[endpoint_url]}
    access_key_id: {s3[access_key_id]}
    secret_access_key: {s3[secret_access_key]}
targets:
  warehouse:
    host: "{redshift[host]}"
    port: {redshift[port]}
    database: {redshift[database]}
    user: {redshift[user]}
    password: "{redshift[password]}"
    copy_role: default
    ledger_schema: {schema}_ledger
pipelines:
  shop:
    source: shop_db
    storage: lake
    target: warehouse
    target_schema: {schema}
    defaults: {{chunk_rows: 40}}
    tables:
{tables}
"""


@dataclass(frozen=True, slots=True)
class Result:
    """What one command left."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


@dataclass
class Project:
    """One configuration over the shared servers."""

    folder: Path
    sandbox: SandboxStatus
    database: str
    schema: str
    facts: Mapping[str, Any]
    tables: dict[str, str] = field(default_factory=dict)

    @property
    def config_path(self) -> Path:
        """The configuration file."""
        return self.folder / "pipelines.yaml"

    def write_config(self, **changes: str) -> None:
        """Write the configuration; `changes` replace one text by another."""
        lines = (
            f"      {self.database}.{name}: {options or '{}'}"
            for name, options in self.tables.items()
        )
        text = CONNECTIONS.format(**self.facts, tables="\n".join(lines))
        for old, new in changes.items():
            text = text.replace(self.facts.get(old, old), new)
        self.config_path.write_text(text)

    def create(self, table: str, *, rows: int = 0, options: str = "", stamped: bool = True) -> str:
        """Create a table with some rows and add it to the configuration; returns its name."""
        stamp = (
            ", update_at DATETIME(6) NOT NULL DEFAULT '2025-01-01', KEY (update_at, id)"
            if stamped
            else ""
        )
        self.mysql(f"CREATE TABLE {table} (id BIGINT PRIMARY KEY, v VARCHAR(40){stamp})")
        self.insert(table, 1, rows, stamped=stamped)
        self.tables[table] = options
        self.write_config()
        return f"{self.database}.{table}"

    def insert(self, table: str, first: int, count: int, *, stamped: bool = True) -> None:
        """Insert rows; those of the first call are old, later ones are stamped now."""
        names = "id, v, update_at" if stamped else "id, v"
        old = "TIMESTAMP '2025-01-01 00:00:00' + INTERVAL seq SECOND"
        stamp = f", {old if first == 1 else 'NOW(6)'}" if stamped else ""
        if count:
            last = first + count - 1
            self.mysql(
                f"INSERT INTO {table} ({names}) SELECT seq, CONCAT('v', seq){stamp} "
                f"FROM seq_{first}_to_{last}"
            )

    def mysql(self, *statements: str) -> None:
        """Change MySQL."""
        with contextlib.closing(mysql_admin_connection(self.sandbox, self.database)) as connection:
            for statement in statements:
                connection.cursor().execute(statement)
            connection.commit()

    def redshift(self, statement: str) -> list[Any]:
        """Run a statement in Redshift, `{s}` for the schema; returns its rows."""
        with contextlib.closing(redshift_connection(self.sandbox)) as connection:
            cursor = connection.cursor()
            cursor.execute(statement.format(s=f'"{self.schema}"'))
            rows = list(cursor.fetchall()) if cursor.description else []
            connection.commit()
        return rows

    def plan(self, table: str) -> TablePlan:
        """The plan of a table."""
        return next(p for p in load(self.config_path).plans() if p.table == table)

    def states(self, table: str) -> TableStates:
        """The documents of a table."""
        plan = self.plan(table)
        return TableStates(Connections(load(self.config_path)).bucket(plan.storage), plan)

    def replicate(self, table: str, *, limit: int | None = None, loads: bool = True) -> None:
        """Run a table's pair without Dagster, which is much quicker."""
        plan = self.plan(table)
        with Connections(load(self.config_path)) as connections:
            described = pair.describe(plan, connections)
            request = ExtractRequest(new_run_id(), RunLimits(limit=limit))
            report = pair.extract_table(described, request, connections, _silent)
            if loads:
                pair.load_table(plan, report.state, LoadRequest(new_run_id()), connections, _silent)

    def put(self, key: str, body: bytes) -> str:
        """Write an object into the bucket; returns its URI."""
        bucket = self.facts["s3"]["bucket"]
        s3_client(self.sandbox).put_object(Bucket=bucket, Key=key, Body=body)
        return f"s3://{bucket}/{key}"

    def objects(self) -> dict[str, str]:
        """Key → ETag of everything under the project's prefix."""
        pages = (
            s3_client(self.sandbox)
            .get_paginator("list_objects_v2")
            .paginate(Bucket=self.facts["s3"]["bucket"], Prefix=f"{self.facts['prefix']}/")
        )
        return {o["Key"]: o["ETag"] for page in pages for o in page.get("Contents", [])}

    def run(self, *arguments: str) -> Result:
        """Run a command in this process."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = frame.run(["--config", str(self.config_path), *arguments])
        return Result(code, out.getvalue(), err.getvalue())

    def script(self, *arguments: str, **variables: str) -> Result:
        """Run the installed console script in the project's folder."""
        done = subprocess.run(
            [str(SCRIPT), *arguments],
            cwd=self.folder,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return Result(done.returncode, done.stdout, done.stderr)


def _silent(_event: str, _facts: Mapping[str, object]) -> None:
    return


@pytest.fixture(scope="session")
def dagster_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One Dagster instance for all projects: creating its databases takes seconds."""
    home = tmp_path_factory.mktemp("dagster")
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    return home


@contextlib.contextmanager
def new_project(folder: Path, sandbox: SandboxStatus, dagster_home: Path) -> Iterator[Project]:
    """Make an empty project; remove what it left on the servers."""
    reader = sandbox.mysql_reader
    with (
        new_mysql_database(sandbox) as database,
        new_s3_prefix(sandbox) as prefix,
        new_redshift_schema(sandbox) as schema,
        pytest.MonkeyPatch.context() as variables,
    ):
        facts = {
            **sandbox.document(),
            "user": reader.user,
            "password": reader.password,
            "prefix": prefix,
            "schema": schema,
        }
        made = Project(folder, sandbox, database, schema, facts)
        variables.setenv("DAGSTER_HOME", str(dagster_home))
        yield made
        for other in ("ledger", "staging"):
            made.redshift(f'DROP SCHEMA IF EXISTS "{schema}_{other}" CASCADE')


@pytest.fixture
def project(tmp_path: Path, dagster_home: Path, sandbox: SandboxStatus) -> Iterator[Project]:
    """An empty project of a test's own."""
    with new_project(tmp_path, sandbox, dagster_home) as made:
        yield made


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, dagster_home: Path, sandbox: SandboxStatus
) -> Iterator[Project]:
    """A project that the tests of one module fill and look at together."""
    with new_project(tmp_path_factory.mktemp("shared"), sandbox, dagster_home) as made:
        yield made
