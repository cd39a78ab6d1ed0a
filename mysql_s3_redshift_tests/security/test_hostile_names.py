"""Names and conditions that try to leave their quotes: they arrive as they are, or are refused."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mysql_s3_redshift.adapters import pair
from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.config import Config, load
from mysql_s3_redshift.core.extraction import ExtractRequest
from mysql_s3_redshift.core.load import LoadRequest
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.names import quote_mysql, quote_redshift
from mysql_s3_redshift.core.state import new_run_id
from mysql_s3_redshift.errors import ConfigError
from mysql_s3_redshift.sandbox import s3_server
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.servers import mysql_admin_connection, redshift_connection, s3_client

NAMES = (
    "back`tick",
    "x; DROP TABLE guard",
    'double"quote',
    "%2e%2e",
    "quo'te",
    "comment -- x",
    "mark %s :name ?",
    "оrders",  # a Cyrillic о
    "ｆullwidth",
    "ÜMLAUT",
    "$(id) {0}",
)
COLUMNS = (*NAMES, "orders /* x", "../../guard", "a\\b")
REFUSED_TABLES = ("orders /* x", "../../guard", "a/b", "a\\b", "..", "or\u202eders", "a\nb")


class Ends:
    """A MySQL database and a Redshift schema of one test, and a pipeline between them."""

    def __init__(
        self, sandbox: SandboxStatus, folder: Path, *, database: str, schema: str, prefix: str
    ) -> None:
        self.sandbox, self.folder = sandbox, folder
        self.database, self.schema, self.prefix = database, schema, prefix

    def config(self, tables: dict[str, dict[str, Any] | None], **pipeline: Any) -> Config:
        access, reader = self.sandbox.document(), self.sandbox.mysql_reader
        keys = ("endpoint_url", "access_key_id", "secret_access_key", "bucket")
        source = {"host": reader.host, "port": reader.port, "user": reader.user}
        document = {
            "sources": {"main": source | {"password": reader.password}},
            "storages": {"lake": {k: access["s3"][k] for k in keys} | {"prefix": self.prefix}},
            "targets": {"warehouse": access["redshift"]},
            "pipelines": {
                "hostile": {
                    "source": "main",
                    "storage": "lake",
                    "target": "warehouse",
                    "target_schema": self.schema,
                    "tables": tables,
                }
                | pipeline
            },
        }
        path = self.folder / "pipelines.yaml"
        path.write_text(json.dumps(document), encoding="utf-8")
        return load(path)

    def mysql(self, *statements: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(mysql_admin_connection(self.sandbox, self.database)) as opened:
            cursor = opened.cursor()
            for statement in statements:
                cursor.execute(statement)
            opened.commit()
            return [tuple(row) for row in cursor.fetchall()]

    def redshift(self, statement: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(redshift_connection(self.sandbox)) as opened:
            opened.autocommit = True
            cursor = opened.cursor()
            cursor.execute(statement)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []

    def keys(self) -> list[str]:
        listing = s3_client(self.sandbox).list_objects_v2(Bucket=s3_server.BUCKET)
        return [entry["Key"] for entry in listing.get("Contents", [])]


@pytest.fixture
def ends(
    sandbox: SandboxStatus,
    tmp_path: Path,
    mysql_database: str,
    s3_prefix: str,
    redshift_schema: str,
) -> Iterator[Ends]:
    """Empty ends, but for a table in each that nothing may touch."""
    created = Ends(
        sandbox, tmp_path, database=mysql_database, schema=redshift_schema, prefix=s3_prefix
    )
    created.mysql("CREATE TABLE guard (a INT PRIMARY KEY)", "INSERT INTO guard VALUES (1)")
    created.redshift(f"CREATE TABLE {redshift_schema}.guard (a INT)")
    created.redshift(f"INSERT INTO {redshift_schema}.guard VALUES (1)")
    yield created
    assert created.mysql("SELECT a FROM guard") == [(1,)]
    assert created.redshift(f"SELECT a FROM {redshift_schema}.guard") == [(1,)]


def sync(config: Config, *plans: TablePlan) -> None:
    with Connections(config) as connections:
        for plan in plans:
            _sync(plan, connections)


def _sync(plan: TablePlan, connections: Connections) -> None:
    described = pair.describe(plan, connections)
    request = ExtractRequest(new_run_id())
    report = pair.extract_table(described, request, connections, lambda *_: None)
    load_request = LoadRequest(new_run_id())
    pair.load_table(plan, report.state, load_request, connections, lambda *_: None)


def test_tables_of_any_name_arrive_and_touch_nothing_else(ends: Ends) -> None:
    before = set(ends.keys())
    tables: dict[str, dict[str, Any] | None] = {}
    for number, name in enumerate(NAMES):
        quoted = quote_mysql(name)
        ends.mysql(
            f"CREATE TABLE {quoted} (id INT PRIMARY KEY, note VARCHAR(99))",
            f"INSERT INTO {quoted} VALUES ({number}, 'row of {number}')",
        )
        tables[f"{ends.database}.{quoted}"] = {"cdc_strategy": "id_only", "cdc_id_column": "id"}
    config = ends.config(tables)
    sync(config, *config.plans())
    for number, plan in enumerate(config.plans()):
        assert plan.table == NAMES[number]
        target = f"{quote_redshift(ends.schema)}.{quote_redshift(plan.target_name)}"
        assert ends.redshift(f"SELECT * FROM {target}") == [(number, f"row of {number}")]
    new = set(ends.keys()) - before
    assert len(new) > 3 * len(NAMES)
    for key in new:
        assert key.startswith(f"{ends.prefix}/")
        assert not {"", ".", ".."} & set(key.split("/"))


def test_columns_of_any_name_arrive(ends: Ends) -> None:
    columns = ", ".join(f"{quote_mysql(name)} INT" for name in COLUMNS)
    ends.mysql(
        f"CREATE TABLE t (id INT PRIMARY KEY, {columns})",
        f"INSERT INTO t VALUES (0, {', '.join(str(n) for n in range(len(COLUMNS)))})",
    )
    config = ends.config({f"{ends.database}.t": {"cdc_strategy": "id_only", "cdc_id_column": "id"}})
    sync(config, config.plans()[0])
    assert ends.redshift(f"SELECT * FROM {ends.schema}.t") == [(0, *range(len(COLUMNS)))]


@pytest.mark.parametrize("first", [0, 2, 6, 12])
def test_a_cursor_and_a_key_may_have_any_name(ends: Ends, first: int) -> None:
    """One keyset of all the names: each is in the order, in a bound, and in a merge's condition."""
    names = [*COLUMNS[first:], *COLUMNS[:first]]
    columns = ", ".join(f"{quote_mysql(name)} INT" for name in names)
    key = ", ".join(quote_mysql(name) for name in names)
    ones = ", ".join("1" for _ in names)
    ends.mysql(
        f"CREATE TABLE t ({columns}, note TEXT, PRIMARY KEY ({key}))",
        f"INSERT INTO t VALUES ({ones}, 'a')",
    )
    config = ends.config(
        {
            f"{ends.database}.t": {
                "cdc_strategy": "id_only",
                "cdc_id_column": names[0],
                "load_mode": "upsert",
                "primary_key": names,
            }
        }
    )
    sync(config, config.plans()[0])
    ends.mysql(f"INSERT INTO t VALUES (2{ones[1:]}, 'b')")
    sync(config, config.plans()[0])
    assert sorted(ends.redshift(f"SELECT note FROM {ends.schema}.t")) == [("a",), ("b",)]


@pytest.mark.parametrize("name", REFUSED_TABLES)
def test_a_table_whose_name_cannot_be_a_key_is_refused_by_name(ends: Ends, name: str) -> None:
    with pytest.raises(ConfigError, match=r"a table is `schema\.table`"):
        ends.config({f"{ends.database}.{quote_mysql(name)}": None})


OTHER_NAMES = ("../x", "a/b", "a'b", 'a"b', "a`b", "a;b", "a--b ", "a b", "-x", ".x", "о", "")


@pytest.mark.parametrize("section", ["sources", "storages", "targets", "pipelines"])
def test_a_pipeline_or_connection_of_another_name_is_refused(ends: Ends, section: str) -> None:
    path = ends.config({f"{ends.database}.guard": None}).path
    good = json.loads(path.read_text())
    ((known, options),) = good[section].items()
    for name in OTHER_NAMES:
        assert name != known
        path.write_text(json.dumps(good | {section: {name: options}}), encoding="utf-8")
        with pytest.raises(ConfigError, match="a name has 1 to 63"):
            load(path)


CONDITIONS = (
    ("note <> 'a''b -- ) ('", 4),
    ('note <> "x\\" OR (1=1) -- "', 4),
    ("note LIKE '%s%' OR note LIKE '%:name%' OR note LIKE '%?%'", 1),
    ("id > 1 -- ends in a comment", 3),
    ("id > 1 OR id < 0", 3),
)


@pytest.mark.parametrize(("condition", "rows"), CONDITIONS)
def test_a_condition_counts_as_a_whole_and_keeps_the_bound(
    ends: Ends, condition: str, rows: int
) -> None:
    ends.mysql(
        "CREATE TABLE t (id INT PRIMARY KEY, note TEXT)",
        "INSERT INTO t VALUES (1, 'a'), (2, 'b :name ?'), (3, 'c'), (4, 'd')",
    )
    options = {
        "cdc_strategy": "id_only",
        "cdc_id_column": "id",
        "load_mode": "append",
        "additional_where": condition,
    }
    config = ends.config({f"{ends.database}.t": options})
    for _ in range(2):  # a condition that reached beyond its bound would read the rows again
        sync(config, config.plans()[0])
    assert ends.redshift(f"SELECT COUNT(*) FROM {ends.schema}.t") == [(rows,)]
