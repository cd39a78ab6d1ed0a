"""The demo schemas and the traffic."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mysql_s3_redshift.errors import SourceError
from mysql_s3_redshift.sandbox import demo_data
from mysql_s3_redshift.sandbox import sandbox as sandboxes
from mysql_s3_redshift.sandbox.bulk_load import Batch, BulkTable, bulk_load
from mysql_s3_redshift.sandbox.columns import ColumnFactory
from mysql_s3_redshift.sandbox.mysql_server import URL_VARIABLE
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift.sandbox.settlement import ROWS, YEAR_END, settlement_tables
from mysql_s3_redshift.sandbox.traffic import run_traffic
from mysql_s3_redshift_tests.servers import mysql_admin_connection, new_sandbox_folder

SCALE = 0.01


@pytest.fixture(scope="module")
def folder():
    with new_sandbox_folder() as path:
        yield path


@pytest.fixture(scope="module")
def filled(folder):
    """A sandbox of its own, with one hundredth of the demo data.

    Never on a server given by URL: these tests drop the demo schemas.
    """
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv(URL_VARIABLE, raising=False)
        sandboxes.up(folder, ("mysql",))
    return demo_data.create_demo_data(folder, scale=SCALE)


def query(
    current: SandboxStatus, statement: str, database: str | None = None
) -> list[tuple[Any, ...]]:
    with contextlib.closing(mysql_admin_connection(current, database)) as connection:
        cursor = connection.cursor()
        cursor.execute(statement)
        return list(cursor.fetchall())


def counts(current: SandboxStatus, schema: str = "settlement") -> Counter[str]:
    tables = [
        name
        for (name,) in query(
            current,
            f"SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{schema}'",
        )
    ]
    return Counter(
        {name: query(current, f"SELECT COUNT(*) FROM {schema}.{name}")[0][0] for name in tables}
    )


def test_both_schemas_have_their_rows(filled):
    assert filled.document()["mysql"]["databases"] == ["settlement", "flights"]
    expected = {name: max(1, round(rows * SCALE)) for name, rows in ROWS.items()}
    assert counts(filled) == expected
    assert counts(filled, "flights") == {
        "airlines": 16,
        "airports": 1_458,
        "planes": 3_322,
        "weather": 261,
        "flights": 3_368,
    }


def test_the_full_size_is_one_and_a_half_million_rows():
    assert 1_500_000 <= sum(ROWS.values()) <= 1_520_000


def test_a_second_up_changes_nothing(filled, folder):
    query_of_all = "CHECKSUM TABLE settlement.settle_orders, settlement.exchange_rates"
    before = query(filled, query_of_all)
    lines: list[str] = []
    demo_data.create_demo_data(folder, scale=1.0, report=lines.append)
    assert lines == []
    assert query(filled, query_of_all) == before


def test_the_same_seed_gives_the_same_rows():
    for first, second in zip(settlement_tables(0.001), settlement_tables(0.001), strict=True):
        assert [dict(batch) for batch in first.batches()] == [
            dict(batch) for batch in second.batches()
        ]


def test_no_row_is_newer_than_the_end_of_the_year(filled):
    for table, column in {
        "settle_orders": "update_at",
        "settlement_normal_delivery_detail": "update_at",
        "settlement_claim_detail": "update_time",
        "settlement_partners": "update_at",
    }.items():
        ((newest,),) = query(filled, f"SELECT MAX({column}) FROM settlement.{table}")
        assert newest < YEAR_END


def test_the_rows_have_what_makes_replication_hard(filled):
    """Ties of the timestamp, NULLs, empty texts, tabs, line ends, quotes, emoji, odd names."""
    ((ties,),) = query(
        filled,
        "SELECT MAX(n) FROM (SELECT COUNT(*) n FROM settlement.settle_orders GROUP BY update_at) g",
    )
    assert ties > 50
    remarks = {row[0] for row in query(filled, "SELECT remark FROM settlement.settle_orders")}
    assert {None, "", 'tab\tseparated \\ and "quoted" by O\'Hara'} <= remarks
    assert any(remark and "📦" in remark for remark in remarks)
    assert any(remark and "\n" in remark for remark in remarks)
    ((active,),) = query(
        filled, "SELECT COUNT(DISTINCT active) FROM settlement.settlement_partners"
    )
    assert active == 2
    ((traces,),) = query(
        filled,
        "SELECT COUNT(DISTINCT trace_id) FROM settlement.settlement_normal_delivery_detail"
        " WHERE `190_time` IS NOT NULL",
    )
    assert traces == 6_000
    ((cancelled,),) = query(filled, "SELECT COUNT(*) FROM flights.flights WHERE dep_time IS NULL")
    assert cancelled > 0


def test_tables_and_columns_are_described(filled):
    described = query(
        filled,
        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_COMMENT = ''"
        " AND TABLE_SCHEMA IN ('settlement', 'flights')",
    )
    assert described == []
    ((comments,),) = query(
        filled,
        "SELECT COUNT(*) FROM information_schema.COLUMNS WHERE COLUMN_COMMENT <> ''"
        " AND TABLE_SCHEMA IN ('settlement', 'flights')",
    )
    assert comments > 40


def test_an_interrupted_generation_leaves_no_half_of_a_schema(filled, folder, monkeypatch):
    def interrupted() -> Iterator[Batch]:
        yield from ()
        raise KeyboardInterrupt

    def broken(scale: float) -> list[BulkTable]:
        tables = settlement_tables(scale)
        return [*tables[1:], BulkTable(tables[0].name, interrupted)]

    query(filled, "CREATE DATABASE kept_orders")
    query(filled, "RENAME TABLE settlement.uni_parcels TO kept_orders.uni_parcels")
    query(filled, "DROP DATABASE settlement")
    monkeypatch.setitem(demo_data.SCHEMAS, "settlement", broken)
    with pytest.raises(KeyboardInterrupt):
        demo_data.create_demo_data(folder, scale=SCALE)
    assert counts(filled) == {}
    monkeypatch.undo()
    demo_data.create_demo_data(folder, scale=SCALE)
    assert counts(filled)["settle_orders"] == 5_000
    checksums = query(filled, "CHECKSUM TABLE settlement.uni_parcels, kept_orders.uni_parcels")
    assert checksums[0][1] == checksums[1][1]


def test_a_bulk_load_that_loses_or_changes_a_row_is_rolled_back(mysql_server, mysql_database):
    make = ColumnFactory((1,), first=1, rows=3)
    with contextlib.closing(mysql_admin_connection(mysql_server, mysql_database)) as connection:
        connection.cursor().execute("CREATE TABLE t (a TINYINT PRIMARY KEY)")
        duplicates = BulkTable("t", lambda: [{"a": make.choice(("1",))}])
        too_large = BulkTable("t", lambda: [{"a": make.choice(("1000",))}])
        with pytest.raises(SourceError, match="Duplicate entry"):
            bulk_load(connection, duplicates)
        with pytest.raises(SourceError, match="Out of range"):
            bulk_load(connection, too_large)
    assert query(mysql_server, "SELECT COUNT(*) FROM t", mysql_database) == [(0,)]


def test_the_traffic_counts_exactly_what_it_committed(filled):
    before = counts(filled)
    ((since,),) = query(filled, "SELECT NOW()")
    report = run_traffic(filled.mysql_admin, stop=threading.Event(), rate=400, seconds=3)
    assert counts(filled) - before == report.committed.inserted
    assert report.transactions > 10
    assert report.committed.updated["settle_orders"] > 0
    ((touched,),) = query(
        filled, f"SELECT COUNT(*) FROM settlement.settle_orders WHERE update_at >= '{since}'"
    )
    assert touched >= report.committed.inserted["settle_orders"]
    assert query(filled, "SELECT COUNT(*) FROM information_schema.INNODB_TRX") == [(0,)]


def test_a_signal_ends_the_traffic_cleanly(filled, folder):
    before = counts(filled)
    code = "from mysql_s3_redshift.cli.sandbox import sandbox; sandbox()"
    traffic = subprocess.Popen(
        [sys.executable, "-c", code, "--folder", str(folder), "traffic"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    deadline = time.monotonic() + 20
    while counts(filled) == before and time.monotonic() < deadline:
        time.sleep(0.1)
    os.kill(traffic.pid, signal.SIGTERM)
    output, _ = traffic.communicate(timeout=20)
    assert traffic.returncode == 0
    assert "transactions committed" in output.splitlines()[-1]
    assert query(filled, "SELECT COUNT(*) FROM information_schema.INNODB_TRX") == [(0,)]


def test_the_traffic_says_so_when_its_server_goes_away(filled, folder):
    failures: list[BaseException] = []

    def write():
        try:
            run_traffic(filled.mysql_admin, stop=threading.Event(), rate=100)
        except SourceError as error:
            failures.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    time.sleep(0.5)
    sandboxes.down(folder, ("mysql",))
    thread.join(20)
    assert not thread.is_alive()
    assert "sandbox up" in str(failures[0])
