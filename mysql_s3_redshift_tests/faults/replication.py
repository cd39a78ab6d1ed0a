"""A MySQL database, a prefix on S3 and a schema of Redshift that a test replicates between.

`Replication` writes the `pipelines.yaml`, runs pairs in this process (`sync`) or as a process that
may be killed (`run`), and looks at both ends with clients of its own.
"""

from __future__ import annotations

import contextlib
import json
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mysql_s3_redshift.adapters import pair
from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.config import load as load_config
from mysql_s3_redshift.core import s3_names
from mysql_s3_redshift.core.extraction import ExtractReport, ExtractRequest
from mysql_s3_redshift.core.load import LoadReport, LoadRequest
from mysql_s3_redshift.core.model import RunLimits, TablePlan, Window
from mysql_s3_redshift.core.names import quote_mysql, table_identifier
from mysql_s3_redshift.core.state import ExtractState, LoadState, new_run_id
from mysql_s3_redshift.sandbox.mysql_server import MysqlConnection
from mysql_s3_redshift.sandbox.s3_server import BUCKET
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.faults.documents import connections_document
from mysql_s3_redshift_tests.faults.launcher import Launcher
from mysql_s3_redshift_tests.servers import (
    mysql_admin_connection,
    new_mysql_database,
    new_redshift_schema,
    redshift_connection,
    s3_client,
)

Rows = Counter[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Synced:
    """What one run of a pair did."""

    extract: ExtractReport
    load: LoadReport


@dataclass(frozen=True, slots=True)
class Replication:
    """One pipeline `p` from a database of its own to a schema of its own.

    Attributes:
        folder: Where `pipelines.yaml` and the logs of drivers lie.
        tables: Options by table, as `pipelines.yaml` has them.
        sections: Changes of whole connections: `{"storages": {"lake": {...}}}`.
        more: Further pipelines by name.
    """

    sandbox: SandboxStatus
    database: str
    prefix: str
    schema: str
    folder: Path
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    sections: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    more: dict[str, dict[str, Any]] = field(default_factory=dict)

    # -- the two ends -------------------------------------------------------------------------

    def mysql(self) -> contextlib.closing[MysqlConnection]:
        """A connection that may write; autocommit is on."""
        connection = mysql_admin_connection(self.sandbox, self.database)
        connection.autocommit(True)
        return contextlib.closing(connection)

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements in MySQL; returns the rows of the last."""
        with self.mysql() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return [tuple(row) for row in cursor.fetchall()]

    def redshift(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements in Redshift, each by itself; returns the rows of the last."""
        with contextlib.closing(redshift_connection(self.sandbox)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []

    def source_rows(self, table: str, columns: str = "*") -> Rows:
        """All rows of a MySQL table with how often each is there."""
        return Counter(self.sql(f"SELECT {columns} FROM {quote_mysql(table)}"))

    def target_rows(self, table: str, columns: str = "*") -> Rows:
        """All rows of the Redshift table with how often each is there."""
        return Counter(self.redshift(f'SELECT {columns} FROM "{self.schema}"."{table}"'))

    @property
    def s3(self) -> Any:
        """A boto3 client of the test's own."""
        return s3_client(self.sandbox)

    # -- runs ---------------------------------------------------------------------------------

    def table(self, name: str, **options: Any) -> None:
        """Add a table to the pipeline, or change its options."""
        self.tables[name] = options

    @property
    def config_path(self) -> Path:
        """The `pipelines.yaml`, written anew where anything in it changed."""
        text = yaml.safe_dump(self._document(), allow_unicode=True)
        path = self.folder / "pipelines.yaml"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            # Another thread may be reading it: it is never half written.
            draft = path.with_suffix(f".{secrets.token_hex(4)}")
            draft.write_text(text, encoding="utf-8")
            draft.replace(path)
        return path

    def plan(self, table: str, pipeline: str = "p") -> TablePlan:
        """The plan of a table."""
        config = load_config(self.config_path)
        return next(p for p in config.plans(pipeline) if p.table == table)

    @contextlib.contextmanager
    def connections(self) -> Iterator[Connections]:
        """Connections of the product's own."""
        with Connections(load_config(self.config_path)) as connections:
            yield connections

    def extract(
        self,
        table: str,
        limits: RunLimits = RunLimits(),  # noqa: B008  a frozen value
        *,
        pipeline: str = "p",
        window: Window | None = None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> ExtractReport:
        """Run the S3 asset of a table in this process."""
        plan = self.plan(table, pipeline)
        request = ExtractRequest(new_run_id(), limits, window=window, stopping=stopping)
        with self.connections() as connections:
            described = pair.describe(plan, connections)
            return pair.extract_table(described, request, connections, lambda *_: None)

    def load(
        self,
        table: str,
        *,
        pipeline: str = "p",
        max_files: int | None = None,
        state: ExtractState | None = None,
    ) -> LoadReport:
        """Run the Redshift asset of a table in this process; `state` is a value read earlier."""
        plan = self.plan(table, pipeline)
        request = LoadRequest(new_run_id(), max_files=max_files)
        with self.connections() as connections:
            value = state or connections.storage(plan).extract_states().read()
            assert value is not None
            return pair.load_table(plan, value, request, connections, lambda *_: None)

    def sync(self, table: str, limits: RunLimits = RunLimits(), **more: Any) -> Synced:  # noqa: B008
        """Run both halves of a table in this process."""
        extracted = self.extract(table, limits, **more)
        pipeline = more.get("pipeline", "p")
        loaded = self.load(table, pipeline=pipeline, state=extracted.state)
        return Synced(extracted, loaded)

    def start(self, launcher: Launcher, table: str, *arguments: str, faults: str = "") -> int:
        """Start a driver for a table as a process of its own; returns its process id."""
        options = ["--config", str(self.config_path), "-t", f"{self.database}.{table}"]
        return launcher.start([*options, *arguments], faults=faults, log=self.log)

    def run(self, launcher: Launcher, table: str, *arguments: str, faults: str = "") -> int:
        """Run a driver for a table as a process of its own; returns its exit code."""
        self.start(launcher, table, *arguments, faults=faults)
        return launcher.wait()

    @property
    def log(self) -> Path:
        """What drivers printed."""
        return self.folder / "driver.log"

    # -- evidence -----------------------------------------------------------------------------

    def extract_state(self, table: str, pipeline: str = "p") -> ExtractState:
        """The extract state as it is stored."""
        with self.connections() as connections:
            plan = self.plan(table, pipeline)
            found = connections.storage(plan).extract_states().read()
        assert found is not None
        return found

    def load_state(self, table: str, pipeline: str = "p") -> LoadState:
        """The load state as it is stored."""
        with self.connections() as connections:
            found = connections.storage(self.plan(table, pipeline)).load_states().read()
        assert found is not None
        return found

    def state_key(self, table: str, pipeline: str = "p", *, load: bool = False) -> str:
        """Key of a state document."""
        plan = self.plan(table, pipeline)
        return s3_names.state_key(self.prefix, plan.load_key if load else plan.extract_key)

    def ledger(self, table: str, columns: str = "uri, rows, bytes, seq") -> list[tuple[Any, ...]]:
        """Rows of the table's ledger, by number."""
        name = table_identifier(f"{self.schema}__{self.plan(table).target_name}")
        return self.redshift(
            f'SELECT {columns} FROM "{self.schema}_ledger"."{name}" ORDER BY seq, uri'
        )

    def objects(self, folder: str = "data") -> dict[str, int]:
        """URI → bytes of all objects in a folder of the prefix."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=BUCKET, Prefix=f"{self.prefix}/{folder}/" if folder else f"{self.prefix}/"
        )
        entries = [entry for page in pages for entry in page.get("Contents", [])]
        return {f"s3://{BUCKET}/{entry['Key']}": entry["Size"] for entry in entries}

    def read_object(self, uri: str) -> bytes:
        """An object of the bucket."""
        key = uri.removeprefix(f"s3://{BUCKET}/")
        body: bytes = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return body

    def put_object(self, key: str, body: bytes) -> None:
        """Overwrite an object of the bucket, as another program would."""
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)

    def check_evidence(self, table: str, *, superseded: bool = False) -> None:
        """State, ledger, manifests and objects tell the same once everything is loaded.

        Every count of the state is a sum over the ledger; every file of the ledger is an object of
        its size and is named by the manifest of its load; every registered file is in the ledger.
        `superseded`: snapshots may have been replaced by newer ones before they were loaded.
        """
        extract, load = self.extract_state(table), self.load_state(table)
        ledger = self.ledger(table, "uri, rows, bytes, manifest_uri")
        objects = self.objects()
        loaded = load.redshift_state
        assert len({uri for uri, *_ in ledger}) == len(ledger), "a file is in the ledger twice"
        assert extract.pending(load) == ()
        assert loaded.total_files == len(ledger)
        assert loaded.total_rows == sum(row[1] for row in ledger)
        if not superseded:
            extracted = extract.mysql_state
            assert {f.uri for f in extract.files} <= {uri for uri, *_ in ledger}
            assert (extracted.total_files, extracted.total_rows) == (
                loaded.total_files,
                loaded.total_rows,
            )
        assert {uri: size for uri, _, size, _ in ledger}.items() <= objects.items()
        named = {
            manifest: {e["url"] for e in json.loads(self.read_object(manifest))["entries"]}
            for manifest in {manifest for *_, manifest in ledger}
        }
        assert all(uri in named[manifest] for uri, _, _, manifest in ledger)

    def orphans(self, table: str) -> set[str]:
        """Objects of the data folder that neither the ledger nor the state names."""
        known = {uri for uri, *_ in self.ledger(table)}
        return set(self.objects()) - known - {f.uri for f in self.extract_state(table).files}

    def _document(self) -> dict[str, Any]:
        pipeline = {
            "source": "db",
            "storage": "lake",
            "target": "warehouse",
            "target_schema": self.schema,
            "tables": {f"{self.database}.{quote_mysql(n)}": o for n, o in self.tables.items()},
        }
        document = connections_document(self.sandbox, self.prefix, f"{self.schema}_ledger")
        document["pipelines"] = {"p": pipeline, **self.more}
        for section, connections in self.sections.items():
            for name, changes in connections.items():
                document[section][name] = {**document[section].get(name, {}), **changes}
        return document


@contextlib.contextmanager
def new_replication(sandbox: SandboxStatus, folder: Path) -> Iterator[Replication]:
    """Make a replication with names of its own, and remove what it wrote at the end."""
    with new_mysql_database(sandbox) as database, new_redshift_schema(sandbox) as schema:
        replication = Replication(sandbox, database, f"test-{secrets.token_hex(4)}", schema, folder)
        try:
            yield replication
        finally:
            replication.redshift(f'DROP SCHEMA IF EXISTS "{schema}_ledger" CASCADE')
            _delete_objects(replication)


def _delete_objects(replication: Replication) -> None:
    keys = [uri.removeprefix(f"s3://{BUCKET}/") for uri in replication.objects("")]
    for start in range(0, len(keys), 1_000):
        batch = [{"Key": key} for key in keys[start : start + 1_000]]
        replication.s3.delete_objects(Bucket=BUCKET, Delete={"Objects": batch})
