"""The MySQL source on a real server: sessions, keyset queries, lost connections, weak proxies."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from datetime import timedelta

import pytest
from pydantic import SecretStr

from mysql_s3_redshift.adapters.mysql.connection import MySqlConnection
from mysql_s3_redshift.adapters.mysql.source import MySqlSource
from mysql_s3_redshift.config import SourceConfig, TlsConfig, TlsMode
from mysql_s3_redshift.core.cursors import ChunkQuery
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.plan import ResolvedTable, resolve
from mysql_s3_redshift.core.types import map_table
from mysql_s3_redshift.errors import SourceConnectionError, SourceError
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.adapters.wire.proxies import Proxy, proxy_to
from mysql_s3_redshift_tests.servers import mysql_admin_connection

FLOATS = (0.1, -2.5e-7, 3.402823e38, 1.1754944e-38, 16777217.0, 1 / 3)


def source_config(sandbox: SandboxStatus, *, password: str | None = None) -> SourceConfig:
    reader = sandbox.mysql_reader
    return SourceConfig(
        host=reader.host,
        port=reader.port,
        user=reader.user,
        password=SecretStr(reader.password if password is None else password),
        tls=TlsConfig(mode=TlsMode.DISABLED),
    )


@pytest.fixture
def table(mysql_server: SandboxStatus, mysql_database: str) -> TablePlan:
    with contextlib.closing(mysql_admin_connection(mysql_server, mysql_database)) as admin:
        cursor = admin.cursor()
        cursor.execute("CREATE TABLE t (id INT PRIMARY KEY, f FLOAT, d DOUBLE, s VARCHAR(20))")
        for n, value in enumerate(FLOATS):
            cursor.execute(
                "INSERT INTO t VALUES (%s, %s, %s, %s)", (n, str(value), str(value), f"'{n}?")
            )
        admin.commit()
    return TablePlan("p", "s", "l", "w", mysql_database, "t", "x", "t")


@contextlib.contextmanager
def connected(config: SourceConfig, port: int | None = None) -> Iterator[MySqlSource]:
    connection = MySqlConnection("s", config.model_copy(update={"port": port or config.port}))
    try:
        yield MySqlSource(connection)
    finally:
        connection.close()


def read_all(source: MySqlSource, plan: TablePlan, *, after: int = -1) -> list[dict[str, object]]:
    table: ResolvedTable = resolve(plan, source.describe(plan))
    schema = map_table(table.table, plan.columns, primary_key=table.key)
    query = ChunkQuery(("id",), after=(after,), bound_column="id", at_most=100)
    rows = []
    for batch in source.read(table, schema, query):
        rows += batch.data.to_pylist()
    return rows


def bits(value: object) -> bytes:
    assert isinstance(value, float)
    return struct.pack("<d", value)


def test_session_is_utc_and_cannot_write(mysql_server: SandboxStatus, table: TablePlan):
    """I-44, P-02."""
    with connected(source_config(mysql_server)) as source:
        assert source.connection.query("SELECT @@session.time_zone")[0][0] == "+00:00"
        with pytest.raises(SourceError):
            source.connection.query(f"DELETE FROM `{table.schema}`.t")


def test_limits_of_the_server_cut_neither_rows_nor_texts(
    mysql_server: SandboxStatus, table: TablePlan
):
    """They end results early without an error: rows would be lost, and nothing would show it."""
    defaults = {
        "sql_select_limit": "4",
        "group_concat_max_len": "4",
        "sql_mode": "'STRICT_ALL_TABLES,ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'",
    }
    with contextlib.closing(mysql_admin_connection(mysql_server)) as admin:
        cursor = admin.cursor()
        try:
            for name, value in defaults.items():
                cursor.execute(f"SET GLOBAL {name} = {value}")
            with connected(source_config(mysql_server)) as source:
                assert len(read_all(source, table)) == len(FLOATS)
                joined = f"SELECT GROUP_CONCAT(s ORDER BY id) FROM `{table.schema}`.t"
                texts = ",".join(f"'{n}?" for n in range(len(FLOATS)))
                assert source.connection.query(joined) == [(texts,)]
        finally:
            for name in defaults:
                cursor.execute(f"SET GLOBAL {name} = DEFAULT")


def test_floats_are_exact_also_where_nothing_can_be_prepared(
    mysql_server: SandboxStatus, table: TablePlan
):
    config = source_config(mysql_server)
    with connected(config) as source:
        assert source.prepares
        direct = read_all(source, table)
    with proxy_to(config.host, config.port) as proxy, connected(config, proxy.port) as source:
        proxy.refuse_to_prepare = True
        assert not source.prepares
        weak = read_all(source, table)
    assert [r["s"] for r in weak] == [f"'{n}?" for n in range(len(FLOATS))]
    for row, other, value in zip(direct, weak, FLOATS, strict=True):
        assert (bits(row["d"]), bits(other["d"])) == (bits(value), bits(value))
        assert bits(row["f"]) == bits(other["f"])
        assert bits(row["f"]) == bits(struct.unpack("<f", struct.pack("<f", value))[0])


def test_a_lost_connection_is_opened_again(mysql_server: SandboxStatus, table: TablePlan):
    """I-42."""
    config = source_config(mysql_server)
    with proxy_to(config.host, config.port) as proxy, connected(config, proxy.port) as source:
        assert len(read_all(source, table)) == len(FLOATS)
        proxy.cut_after = 1
        with pytest.raises(SourceConnectionError):
            read_all(source, table)
        proxy.cut_after = None
        assert len(read_all(source, table, after=2)) == len(FLOATS) - 3


def test_a_silent_server_ends_by_the_deadline(mysql_server: SandboxStatus, table: TablePlan):
    """I-32."""
    second = timedelta(seconds=1)
    deadlines = {"read_timeout": second, "connect_timeout": second}
    config = source_config(mysql_server).model_copy(update=deadlines)
    with proxy_to(config.host, config.port) as proxy, connected(config, proxy.port) as source:
        assert len(read_all(source, table)) == len(FLOATS)
        proxy.stall_after = 0
        with pytest.raises(SourceConnectionError):
            read_all(source, table)


def test_a_wrong_password_is_told_without_showing_it(mysql_server: SandboxStatus):
    config = source_config(mysql_server, password="wr0ng-secret")
    with connected(config) as source, pytest.raises(SourceError) as caught:
        source.connection.query("SELECT 1")
    assert not caught.value.retryable
    assert "sources.s.user" in caught.value.remedy
    assert "wr0ng-secret" not in str(caught.value)


def test_a_server_that_is_down_is_told_with_its_address(proxy_port: int):
    config = SourceConfig(host="127.0.0.1", port=proxy_port, user="u", password=SecretStr("p"))
    with connected(config) as source, pytest.raises(SourceConnectionError) as caught:
        source.connection.query("SELECT 1")
    assert f"127.0.0.1:{proxy_port}" in caught.value.happened


@pytest.fixture
def proxy_port() -> int:
    """A port at which nobody listens."""
    proxy = Proxy(("127.0.0.1", 1))
    port = proxy.port
    proxy.close()
    return port
