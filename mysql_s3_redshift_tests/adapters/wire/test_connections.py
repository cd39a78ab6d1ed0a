"""What happens to the connection: ends, kills, losses, time-outs, TLS and servers that differ."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pymysql
import pytest
from pymysql.constants import CLIENT

from mysql_s3_redshift.adapters.mysql import wire
from mysql_s3_redshift.adapters.mysql.wire.driver import DEPRECATE_EOF
from mysql_s3_redshift.errors import SourceConnectionError, SourceError
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.adapters.wire.comparison import read
from mysql_s3_redshift_tests.adapters.wire.proxies import Proxy, proxy_to

PROTOCOLS = pytest.mark.parametrize("protocol", ["binary", "text"])

# A million rows of about 1 kB: far more than any socket buffer holds.
MANY_ROWS = (
    "SELECT a.d + 10 * b.d AS n, REPEAT('x', 1000) AS t FROM "
    "digits a, digits b, digits c, digits d, digits e, digits f"
)


@pytest.fixture
def proxy(mysql_server: SandboxStatus) -> Iterator[Proxy]:
    account = mysql_server.mysql_admin
    with proxy_to(account.host, account.port) as running:
        yield running


@pytest.fixture
def through_proxy(connect: Any, proxy: Proxy) -> Any:
    return connect(host="127.0.0.1", port=proxy.port, ssl_disabled=True, read_timeout=20)


@PROTOCOLS
def test_a_connection_can_be_used_again_after_the_last_row(connection: Any, protocol: Any):
    for number in range(3):
        assert read(connection, "SELECT ?", (number,), prefer=protocol) == [(number,)]
        with connection.cursor() as cursor:
            cursor.execute("SELECT 'pymysql'")
            assert cursor.fetchall() == (("pymysql",),)


def test_statements_are_closed_on_the_server(connection: Any):
    def prepared() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'")
            return int(cursor.fetchone()[1])

    before = prepared()
    for _ in range(5):
        read(connection, "SELECT 1")
        with pytest.raises(SourceError):
            read(connection, "SELECT (SELECT 1 UNION SELECT 2)")
        with pytest.raises(SourceError):
            read(connection, "SELECT ?", ())
    assert prepared() == before


@PROTOCOLS
def test_a_refused_query_leaves_the_connection_usable(connection: Any, protocol: Any):
    with pytest.raises(SourceError, match="1146") as raised:
        wire.query(connection, "SELECT * FROM nothing_here", prefer=protocol)
    assert not raised.value.retryable
    assert read(connection, "SELECT 1", prefer=protocol) == [(1,)]


@PROTOCOLS
def test_an_error_between_rows_leaves_the_connection_usable(connection: Any, protocol: Any):
    """The subquery has two rows only for the last of the outer rows."""
    sql = (
        "SELECT n, (SELECT 1 FROM (SELECT 1 AS x UNION ALL SELECT 3) s WHERE s.x <= o.n) AS one "
        "FROM (SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3) o"
    )
    with pytest.raises(SourceError, match="1242"):
        read(connection, sql, prefer=protocol)
    assert read(connection, "SELECT 1", prefer=protocol) == [(1,)]


def test_a_statement_without_rows_is_refused(connection: Any):
    for protocol in ("binary", "text"):
        with pytest.raises(SourceError, match="not a SELECT"):
            wire.query(connection, "SET @x = 1", prefer=protocol)
    assert read(connection, "SELECT 1") == [(1,)]


@PROTOCOLS
def test_the_connection_refuses_other_commands_while_rows_are_read(
    connection: Any, numbers: str, protocol: Any
):
    with wire.query(connection, MANY_ROWS, prefer=protocol) as stream:
        next(iter(stream))
        with pytest.raises(pymysql.err.InterfaceError):
            connection.cursor().execute("SELECT 1")
        with pytest.raises(SourceConnectionError, match="rows of another query"):
            wire.query(connection, "SELECT 1")


def test_closing_a_stream_early_closes_the_connection(connection: Any, numbers: str):
    with wire.query(connection, MANY_ROWS) as stream:
        next(iter(stream))
    assert not connection.open
    with pytest.raises(ValueError, match="closed before its end"):
        next(iter(stream))
    stream.close()


def test_an_abandoned_loop_closes_the_connection(connection: Any, numbers: str):
    for _ in wire.query(connection, MANY_ROWS):
        break
    gc.collect()
    assert not connection.open


def test_a_read_stream_gives_no_rows_twice(connection: Any):
    with wire.query(connection, "SELECT 1") as stream:
        assert sum(batch.batch.num_rows for batch in stream) == 1
        assert list(stream) == []
    assert connection.open


@PROTOCOLS
@pytest.mark.parametrize("kill", ["KILL QUERY", "KILL"])
def test_a_killed_query_is_a_lost_connection(
    connect: Any, connection: Any, numbers: str, protocol: Any, kill: str
):
    """I-42: the rows before the KILL are right, and the end is an error."""
    with wire.query(connection, MANY_ROWS, prefer=protocol, buffer_bytes=1 << 16) as stream:
        batches = iter(stream)
        first = next(batches)
        with connect().cursor() as cursor:
            cursor.execute(f"{kill} {connection.thread_id()}")
        rows = first.batch.num_rows
        with pytest.raises(SourceConnectionError) as raised:
            rows += sum(_checked_rows(batch) for batch in batches)
    assert raised.value.retryable
    assert 0 < rows < 1_000_000
    assert not connection.open


def _checked_rows(batch: wire.WireBatch) -> int:
    assert set(batch.batch.column("t").to_pylist()) == {b"x" * 1000}
    return int(batch.batch.num_rows)


@PROTOCOLS
def test_a_connection_that_breaks_anywhere_is_lost(
    through_proxy: Any, proxy: Proxy, numbers: str, protocol: Any
):
    """I-42."""
    proxy.cut_after = 100_000
    with pytest.raises(SourceConnectionError, match="lost") as raised:
        read(through_proxy, MANY_ROWS, prefer=protocol)
    assert raised.value.retryable
    assert not through_proxy.open


def test_a_silent_connection_ends_with_the_read_timeout(connect: Any, proxy: Proxy, numbers: str):
    """I-32."""
    connection = connect(host="127.0.0.1", port=proxy.port, ssl_disabled=True, read_timeout=1)
    proxy.stall_after = 100_000
    started = time.monotonic()
    with pytest.raises(SourceConnectionError, match="nothing arrived for 1 seconds"):
        read(connection, MANY_ROWS)
    assert 0.9 < time.monotonic() - started < 60


def test_the_last_packet_is_not_waited_past(through_proxy: Any):
    started = time.monotonic()
    for _ in range(50):
        assert read(through_proxy, "SELECT 1 UNION ALL SELECT 2") == [(1,), (2,)]
    assert time.monotonic() - started < 20, "less than the read timeout of a single query"


def test_a_closed_connection_is_refused(connection: Any):
    connection.close()
    with pytest.raises(SourceConnectionError, match="closed"):
        wire.query(connection, "SELECT 1")


def test_where_nothing_can_be_prepared_the_text_protocol_gives_the_same_rows(
    through_proxy: Any, proxy: Proxy
):
    sql = "SELECT ? AS a, CAST(? AS DECIMAL(20,5)) AS d, x'00ff' AS b, 1e-15 AS f, NULL AS n"
    bound = read(through_proxy, sql, ("x'y", 12))
    proxy.refuse_to_prepare = True
    with wire.query(through_proxy, sql, ("x'y", 12)) as stream:
        assert stream.protocol == "text"
        list(stream)
    assert read(through_proxy, sql, ("x'y", 12)) == bound


def test_servers_and_connections_without_eof_packets_are_read_too(connect: Any):
    connection = connect(client_flag=DEPRECATE_EOF, sql_mode=None)
    for protocol in ("binary", "text"):
        for _ in range(2):
            rows = read(connection, "SELECT ? UNION ALL SELECT 2", (1,), prefer=protocol)
            assert rows == [(1,), (2,)]


def test_tls_and_unix_sockets_carry_the_same_rows(tls_server: dict[str, Any]):
    options = dict(tls_server)
    socket_path = options.pop("socket_path")
    encrypted = pymysql.connect(**options)
    local = pymysql.connect(
        unix_socket=socket_path, user="root", database="mysql", charset="utf8mb4"
    )
    sql = "SELECT seq, REPEAT(CHAR(65 + seq % 26), seq % 3000) AS t FROM seq_1_to_20000"
    for protocol in ("binary", "text"):
        rows = read(encrypted, sql, prefer=protocol)
        assert rows == read(local, sql, prefer=protocol)
        assert [row[0] for row in rows] == list(range(1, 20_001))
        assert read(encrypted, "SELECT VARIABLE_VALUE != '' FROM information_schema.SESSION_STATUS "
                    "WHERE VARIABLE_NAME = 'ssl_cipher'") == [(1,)]  # fmt: skip
    encrypted.close()
    local.close()


def test_connections_that_cannot_be_read_exactly_are_refused(connect: Any):
    with pytest.raises(SourceError, match="UTF-8"):
        wire.query(connect(charset="latin1"), "SELECT 1")
    compressed = connect()
    compressed.client_flag |= CLIENT.COMPRESS
    with pytest.raises(SourceError, match="compressed"):
        wire.query(compressed, "SELECT 1")


@PROTOCOLS
@pytest.mark.parametrize("excess", [-8, -7, -6, -5, 0, 1])
def test_rows_around_16_mb_are_whole(connection: Any, protocol: Any, excess: int):
    """Some of these payloads are exactly 0xFFFFFF bytes long, so that an empty packet follows."""
    size = (1 << 24) + excess
    sql = f"SELECT n, REPEAT('ab', {size} DIV 2) AS t FROM (SELECT 1 AS n UNION ALL SELECT 2) s"
    with wire.query(connection, sql, prefer=protocol) as stream:
        lengths = [(len(t.as_buffer()), n.as_py()) for b in stream for n, t in _cells(b)]
    assert lengths == [(size // 2 * 2, 1), (size // 2 * 2, 2)]


def _cells(batch: wire.WireBatch) -> Iterator[tuple[pa.Scalar, pa.Scalar]]:
    return zip(batch.batch.column(0), batch.batch.column(1), strict=True)


def test_memory_is_bounded_by_bytes_not_rows(connection: Any, numbers: str):
    """P-11: 200 MB of 1 MB values need a few megabytes."""
    sql = (
        "SELECT REPEAT('x', 1000000) AS t FROM digits a, digits b, (SELECT 1 UNION ALL SELECT 2) c"
    )
    total, largest, before = 0, 0, pa.total_allocated_bytes()
    tracemalloc.start()
    try:
        with wire.query(connection, sql, buffer_bytes=2 << 20) as stream:
            for batch in stream:
                total += batch.batch.nbytes
                largest = max(largest, pa.total_allocated_bytes() - before)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total > 200_000_000
    assert largest < 5 << 20
    assert peak < 8 << 20


def test_batches_are_cut_by_rows_and_by_bytes(connection: Any, numbers: str):
    sql = "SELECT a.d, REPEAT('x', 100) AS t FROM digits a, digits b, digits c"
    with wire.query(connection, sql, batch_rows=7) as stream:
        sizes = [batch.batch.num_rows for batch in stream]
    assert (sum(sizes), max(sizes)) == (1000, 7)
    with wire.query(connection, sql, buffer_bytes=1000) as stream:
        batches = [batch.batch for batch in stream]
    assert sum(batch.num_rows for batch in batches) == 1000
    assert max(batch.nbytes for batch in batches) < 2000
