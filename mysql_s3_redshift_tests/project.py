"""The demo's project in a folder of its own, used as a user uses it: by the console script."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymysql.constants import FIELD_TYPE

from mysql_s3_redshift.sandbox import sandbox as sandboxes
from mysql_s3_redshift_tests.servers import (
    discard,
    mysql_admin_connection,
    new_sandbox_folder,
    redshift_connection,
    s3_client,
)

ROOT = Path(__file__).parents[1]
TOOL = Path(sys.executable).with_name("mysql-s3-redshift")
SECONDS = 240


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with the demo's `pipelines.yaml` and a running sandbox."""

    folder: Path

    def run(self, *arguments: str, check: int = 0) -> str:
        """Run the command; returns its standard output."""
        done = subprocess.run(
            [TOOL, *arguments],
            cwd=self.folder,
            env={k: v for k, v in os.environ.items() if k != "DAGSTER_HOME"},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == check, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def sync(self, *arguments: str) -> dict[str, dict[str, Any]]:
        """Run a sync; returns what it tells of each table."""
        document = json.loads(self.run("--json", "sync", *arguments))
        assert document["status"] == "success"
        tables: dict[str, dict[str, Any]] = document["tables"]
        return tables

    @property
    def status(self) -> sandboxes.SandboxStatus:
        """How to reach the servers."""
        return sandboxes.status(self.folder / ".sandbox")

    def mysql(self, statement: str) -> list[tuple[Any, ...]]:
        """Query MySQL with a client of its own."""
        with contextlib.closing(mysql_admin_connection(self.status)) as connection:
            connection.decoders.pop(FIELD_TYPE.TIME)  # as MySQL writes it, beyond a day too
            cursor = connection.cursor()
            cursor.execute(statement)
            connection.commit()
            return [tuple(row) for row in cursor.fetchall()]

    def redshift(self, statement: str) -> list[tuple[Any, ...]]:
        """Query Redshift with a client of its own."""
        with contextlib.closing(redshift_connection(self.status)) as connection:
            cursor = connection.cursor()
            cursor.execute(statement)
            rows = [tuple(row) for row in cursor.fetchall()] if cursor.description else []
            connection.commit()
            return rows

    def state(self, key: str) -> dict[str, Any]:
        """A state document as it lies on S3."""
        body = s3_client(self.status).get_object(Bucket="lake", Key=f"mysql/state/{key}.json")
        document: dict[str, Any] = json.loads(body["Body"].read())
        return document

    def assert_equal(self, table: str) -> None:
        """The whole content of a table is the same in MySQL and in Redshift."""
        schema, name = table.split(".")
        columns = [
            row[0]
            for row in self.redshift(
                "SELECT column_name FROM svv_columns WHERE table_schema = "
                f"'{schema}' AND table_name = '{name}' ORDER BY ordinal_position"
            )
        ]
        in_mysql = self.mysql(f"SELECT * FROM {schema}.{name}")
        quoted = ", ".join(f'"{c}"' for c in columns)
        in_redshift = self.redshift(f"SELECT {quoted} FROM {schema}.{name}")
        source, target = (Counter(map(normal, rows)) for rows in (in_mysql, in_redshift))
        missing, extra = source - target, target - source
        assert not missing, f"{table}: missing in Redshift: {list(missing)[:2]}"
        assert not extra, f"{table}: only in Redshift: {list(extra)[:2]}"


def normal(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row in which both drivers agree: the one gives VARBYTE as bytes, the other as hex."""
    return tuple(v.hex() if isinstance(v, bytes) else v for v in row)


@contextlib.contextmanager
def new_project(scale: float) -> Iterator[Project]:
    """Start the demo in a new folder; stop and remove everything at the end."""
    with new_sandbox_folder() as folder:
        for name in ("pipelines.yaml", "workspace.yaml", "dagster.yaml"):
            shutil.copy(ROOT / name, folder / name)
        project = Project(folder)
        project.run("sandbox", "up", "--scale", str(scale))
        try:
            yield project
        finally:
            discard(folder / ".sandbox")
