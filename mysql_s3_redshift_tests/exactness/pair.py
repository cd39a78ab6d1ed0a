"""One MySQL table and its Redshift table, moved by the product alone, looked at from both ends."""

from __future__ import annotations

import contextlib
import itertools
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mysql_s3_redshift.adapters import pair as product
from mysql_s3_redshift.adapters.comparing import open_comparison
from mysql_s3_redshift.adapters.comparing_rows import DeepComparison, compare_rows_deeply
from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.operations import Operation
from mysql_s3_redshift.config import Config, load
from mysql_s3_redshift.core.drift import Change
from mysql_s3_redshift.core.extraction import ExtractReport, ExtractRequest
from mysql_s3_redshift.core.load import LoadReport, LoadRequest
from mysql_s3_redshift.core.model import RunLimits, TablePlan
from mysql_s3_redshift.core.operate import ManualChange
from mysql_s3_redshift.core.schema import TableSchema
from mysql_s3_redshift.core.state import ExtractState, LoadState
from mysql_s3_redshift.sandbox import s3_server
from mysql_s3_redshift.sandbox.mysql_server import MysqlAccount
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.servers import mysql_admin_connection, redshift_connection, s3_client

LENIENT = "ALLOW_INVALID_DATES"
"""The session's sql_mode: what strict sessions refuse to store is what has to survive."""

PREFIX = "exactness"
"""One for all pairs: the client of a storage is made once, and names differ by database."""

Row = tuple[Any, ...]
_STATEMENTS = itertools.count()


@dataclass(frozen=True, slots=True)
class Servers:
    """Where a pair lives: its MySQL may be another sandbox's than its S3 and Redshift."""

    mysql: SandboxStatus
    other: SandboxStatus
    database: str
    schema: str


@dataclass
class Pair:
    """A table `t` of a test's database, in both systems.

    Attributes:
        options: The table's options in `pipelines.yaml`; changed by assignment.
        changes: What the last extraction found changed in MySQL's schema.
    """

    servers: Servers
    folder: Path
    options: dict[str, Any] = field(default_factory=dict)
    table: str = "t"
    changes: tuple[Change, ...] = ()
    reader: MysqlAccount | None = None

    def __enter__(self) -> Self:
        self._mysql = mysql_admin_connection(self.servers.mysql, self.servers.database)
        self._redshift = redshift_connection(self.servers.other)
        self._redshift.autocommit = True
        self.mysql("SET SESSION time_zone = '+00:00'", f"SET SESSION sql_mode = '{LENIENT}'")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._mysql.close()
        self._redshift.close()

    # -- the product ----------------------------------------------------------------------------

    @property
    def config(self) -> Config:
        """The configuration as it is now."""
        path = self.folder / "pipelines.yaml"
        path.write_text(json.dumps(self._document()), encoding="utf-8")
        return load(path, environ={"SALT": "pepper"})

    @property
    def plan(self) -> TablePlan:
        """The table's plan."""
        return self.config.plans()[0]

    @property
    def target(self) -> str:
        """The Redshift table, qualified and quoted."""
        return f'"{self.servers.schema}"."{self.plan.target_name}"'

    def extract(self, *, limit: int | None = None) -> ExtractReport:
        """Run the S3 half."""
        with Connections(self.config) as connections:
            described = product.describe(self.plan, connections)
            self.changes = described.changes
            request = ExtractRequest(secrets.token_hex(8), RunLimits(limit=limit))
            return product.extract_table(described, request, connections, _ignore)

    def load(self, *, max_files: int | None = None) -> LoadReport:
        """Run the Redshift half, from the stored extract state."""
        with Connections(self.config) as connections:
            state = connections.storage(self.plan).extract_states().read()
            assert state is not None
            request = LoadRequest(secrets.token_hex(8), max_files=max_files)
            return product.load_table(self.plan, state, request, connections, _ignore)

    def sync(self) -> tuple[ExtractReport, LoadReport]:
        """Run both halves."""
        return self.extract(), self.load()

    def compare(self) -> DeepComparison:
        """Compare all rows by checksums that both servers compute."""
        with Connections(self.config) as connections:
            operation = Operation(self.plan, connections, ManualChange("verify", "a test", ""))
            return compare_rows_deeply(open_comparison(operation), most=20)

    def extract_state(self) -> ExtractState | None:
        """The stored extract state."""
        with Connections(self.config) as connections:
            return connections.storage(self.plan).extract_states().read()

    def load_state(self) -> LoadState | None:
        """The stored load state."""
        with Connections(self.config) as connections:
            return connections.storage(self.plan).load_states().read()

    def stored_schema(self, fingerprint: str) -> TableSchema:
        """A schema document."""
        with Connections(self.config) as connections:
            return connections.storage(self.plan).get_schema(fingerprint)

    def objects(self) -> dict[str, bytes]:
        """Every object on S3 whose key names the pair."""
        client, bucket = s3_client(self.servers.other), s3_server.BUCKET
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=PREFIX)
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        keys = [k for k in keys if self.servers.database in k or self.servers.schema in k]
        return {key: client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    # -- the two ends ---------------------------------------------------------------------------

    def mysql(self, *statements: str) -> None:
        """Run statements and commit."""
        with self._mysql.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        self._mysql.commit()

    def mysql_rows(self, query: str) -> list[Row]:
        """Run a query in UTC."""
        with self._mysql.cursor() as cursor:
            cursor.execute(query)
            rows = [tuple(row) for row in cursor.fetchall()]
        self._mysql.commit()
        return rows

    def insert(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Insert rows of SQL literals."""
        values = ", ".join(f"({', '.join(row)})" for row in rows)
        names = ", ".join(f"`{name}`" for name in columns)
        self.mysql(f"INSERT INTO `{self.table}` ({names}) VALUES {values}")

    def redshift(self, *statements: str) -> None:
        """Run statements, each a transaction of its own."""
        with self._redshift.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def redshift_rows(self, query: str) -> list[Row]:
        """Run a query, prepared anew each time: the table may have other columns now."""
        with self._redshift.cursor() as cursor:
            cursor.execute(f"/* {next(_STATEMENTS)} */ {query}")
            return [tuple(row) for row in cursor.fetchall()]

    def target_types(self) -> dict[str, str]:
        """The target's columns as the catalog has them, in order."""
        rows = self.redshift_rows(
            "SELECT column_name, data_type FROM svv_redshift_columns "
            f"WHERE schema_name = '{self.servers.schema}' AND table_name = "
            f"'{self.plan.target_name}' ORDER BY ordinal_position"
        )
        return {str(name): str(kind) for name, kind in rows}

    def _document(self) -> Mapping[str, Any]:
        access = self.servers.other.document()
        reader = self.reader or self.servers.mysql.mysql_reader
        keys = ("endpoint_url", "access_key_id", "secret_access_key", "bucket")
        storage = {key: access["s3"][key] for key in keys}
        name = f"{self.servers.database}.{self.table}"
        return {
            "sources": {
                "main": {
                    "host": reader.host,
                    "port": reader.port,
                    "user": reader.user,
                    "password": reader.password,
                }
            },
            "storages": {"lake": {**storage, "prefix": PREFIX, "region": "us-east-1"}},
            "targets": {"warehouse": {**access["redshift"], "connect_timeout": "5s"}},
            "pipelines": {
                "exact": {
                    "source": "main",
                    "storage": "lake",
                    "target": "warehouse",
                    "target_schema": self.servers.schema,
                    "tables": {name: self.options or None},
                }
            },
        }


@contextlib.contextmanager
def pair(servers: Servers, folder: Path, **options: Any) -> Iterator[Pair]:
    """Open a pair with these options of its table."""
    with Pair(servers, folder, dict(options)) as opened:
        yield opened


def _ignore(_event: str, _facts: Mapping[str, object]) -> None:
    return None
