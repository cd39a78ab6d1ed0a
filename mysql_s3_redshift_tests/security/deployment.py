"""A deployment as companies have it: two bastions, TLS everywhere, accounts with few rights."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redshift_connector

from mysql_s3_redshift.adapters import pair
from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.cli import frame
from mysql_s3_redshift.config import load
from mysql_s3_redshift.core.extraction import ExtractReport, ExtractRequest
from mysql_s3_redshift.core.load import LoadReport, LoadRequest
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.ports import Progress
from mysql_s3_redshift.core.state import new_run_id
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.security.tls_servers import PASSWORD, TlsServers

DOCUMENT = Path(__file__).parents[2] / "docs/security.md"


def documented(mark: str) -> str:
    """The block of docs/security.md that follows a mark."""
    found = re.search(
        rf"<!-- {mark} -->\n```\w+\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL
    )
    assert found is not None, f"docs/security.md has no block {mark}"
    return found[1]


def _grants(server: str, password: str, **names: str) -> list[str]:
    """The documented statements for these names."""
    text = documented(f"grants: {server}").replace("<password>", password)
    for word, name in names.items():
        text = re.sub(rf"\b{word}\b", name, text)
    return [line.strip() for line in text.split(";") if line.strip()]


def _ignore(_event: str, _facts: Mapping[str, object]) -> None:
    return None


@dataclass
class Deployment:
    """One pipeline of one MySQL database to one Redshift schema.

    Attributes:
        sections: The document of `pipelines.yaml`; tests change copies of it.
    """

    folder: Path
    servers: TlsServers
    database: str
    schema: str
    prefix: str
    sections: dict[str, Any]

    @property
    def config_path(self) -> Path:
        return self.folder / "pipelines.yaml"

    def changed(self, path: tuple[str, ...], value: Any) -> Deployment:
        """The same deployment with one value of its document changed."""
        sections = copy.deepcopy(self.sections)
        section = sections
        for part in path[:-1]:
            section = section[part]
        section[path[-1]] = value
        return Deployment(
            self.folder, self.servers, self.database, self.schema, self.prefix, sections
        )

    def write(self) -> Path:
        self.config_path.write_text(json.dumps(self.sections, ensure_ascii=False))
        return self.config_path

    @contextlib.contextmanager
    def connections(self) -> Iterator[Connections]:
        with Connections(load(self.write())) as connections:
            yield connections

    def plans(self) -> tuple[TablePlan, ...]:
        return load(self.write()).plans()

    def extract(self, plan: TablePlan, progress: Progress = _ignore) -> ExtractReport:
        with self.connections() as connections:
            described = pair.describe(plan, connections)
            request = ExtractRequest(new_run_id())
            return pair.extract_table(described, request, connections, progress)

    def load(self, plan: TablePlan) -> LoadReport:
        with self.connections() as connections:
            state = connections.storage(plan).extract_states().read()
            assert state is not None
            request = LoadRequest(new_run_id())
            return pair.load_table(plan, state, request, connections, _ignore)

    def sync(self, plan: TablePlan) -> tuple[ExtractReport, LoadReport]:
        return self.extract(plan), self.load(plan)

    def redshift_rows(self, query: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(redshift_admin(self.servers)) as connection:
            cursor = connection.cursor()
            cursor.execute(query)
            return [tuple(row) for row in cursor.fetchall()]

    def target_rows(self, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
        return sorted(self.redshift_rows(f'SELECT {columns} FROM "{self.schema}"."{table}"'))

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run a command in this process; returns its exit code and all that it printed."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            code = frame.run(["--config", str(self.write()), *arguments])
        return code, printed.getvalue()


def redshift_admin(servers: TlsServers) -> Any:
    """The master user's connection; SSL_CERT_FILE names the authority."""
    with _certificates(servers):
        connection = redshift_connector.connect(
            host="localhost",
            port=servers.redshift_port,
            database="dev",
            user="awsuser",
            password=PASSWORD,
            application_name="tests",
        )
    connection.autocommit = True
    return connection


def run_in_redshift(servers: TlsServers, *statements: str) -> None:
    with contextlib.closing(redshift_admin(servers)) as connection:
        for statement in statements:
            connection.cursor().execute(statement)


@contextlib.contextmanager
def _certificates(servers: TlsServers) -> Iterator[None]:
    before = os.environ.get("SSL_CERT_FILE")
    os.environ["SSL_CERT_FILE"] = str(servers.authority.path)
    try:
        yield
    finally:
        del os.environ["SSL_CERT_FILE"]
        if before is not None:
            os.environ["SSL_CERT_FILE"] = before


@contextlib.contextmanager
def new_deployment(
    folder: Path,
    servers: TlsServers,
    s3: SandboxStatus,
    *,
    prefix: str,
    ssh: Mapping[str, Mapping[str, Any]],
) -> Iterator[Deployment]:
    """Create a database, a schema and an account in each; drop them at the end.

    Args:
        folder: Where `pipelines.yaml` lies.
        servers: MySQL and Redshift.
        s3: S3.
        prefix: Prefix of the storage.
        ssh: The `ssh` sections of `source` and `target`.
    """
    name = f"test_{secrets.token_hex(4)}"
    passwords = {end: f"Canary1{end}{secrets.token_hex(6)}" for end in ("source", "target")}
    servers.mysql.run(
        f"CREATE DATABASE {name}",
        *_grants(servers.mysql.flavor, passwords["source"], replication=name, shop=name),
    )
    run_in_redshift(
        servers,
        *_grants(
            "redshift",
            passwords["target"],
            replication=name,
            shop=name,
            mysql_s3_redshift=f"{name}_ledger",
        ),
    )
    access = s3.document()["s3"]
    keys = ("endpoint_url", "access_key_id", "secret_access_key", "bucket")
    sections = {
        "sources": {
            "shop": {
                "host": "localhost",
                "port": servers.mysql.port,
                "user": name,
                "password": passwords["source"],
                "tls": {"mode": "verify_identity", "ca": str(servers.authority.path)},
                "ssh": dict(ssh["source"]),
            }
        },
        "storages": {
            "lake": {key: access[key] for key in keys} | {"prefix": prefix, "region": "us-east-1"}
        },
        "targets": {
            "warehouse": {
                "host": "localhost",
                "port": servers.redshift_port,
                "database": "dev",
                "user": name,
                "password": passwords["target"],
                "sslmode": "verify-full",
                "ssh": dict(ssh["target"]),
                "ledger_schema": f"{name}_ledger",
            }
        },
        "pipelines": {
            "shop": {
                "source": "shop",
                "storage": "lake",
                "target": "warehouse",
                "target_schema": name,
                "tables": {f"{name}.orders": {"chunk_rows": 50_000}},
            }
        },
    }
    try:
        yield Deployment(folder, servers, name, name, prefix, sections)
    finally:
        servers.mysql.run(f"DROP DATABASE {name}", f"DROP USER {name}@'%'")
        run_in_redshift(
            servers,
            f"DROP SCHEMA {name} CASCADE",
            f"DROP SCHEMA {name}_ledger CASCADE",
            f"REVOKE TEMP ON DATABASE dev FROM {name}",
            f"DROP USER {name}",
        )
