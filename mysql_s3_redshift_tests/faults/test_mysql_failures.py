"""MySQL that kills, restarts and stalls: what was committed stays, and the rest is read again."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import pytest

from mysql_s3_redshift.core import chunks
from mysql_s3_redshift.core.model import RunLimits
from mysql_s3_redshift.errors import ExitCode, SourceConnectionError, SourceError
from mysql_s3_redshift_tests.adapters.wire.proxies import Proxy, proxy_to
from mysql_s3_redshift_tests.faults.replication import Replication

pytestmark = pytest.mark.faults


@pytest.fixture
def table(replication: Replication, monkeypatch: pytest.MonkeyPatch) -> Replication:
    """A table of 20 MB in three chunks, so that a stream has a middle."""
    monkeypatch.setattr(chunks, "LONGEST_PAUSE_SECONDS", 0.05)
    replication.sql(
        "CREATE TABLE t (id INT PRIMARY KEY, ts DATETIME(6) NOT NULL DEFAULT NOW(6), v INT, "
        "pad VARCHAR(8000), KEY (ts, id))",
        "INSERT INTO t (id, v, pad) SELECT seq, seq, REPEAT(MD5(seq), 220) FROM seq_1_to_3000",
    )
    replication.table("t", cdc_timestamp_column="ts", load_mode="append", chunk_rows=1000)
    return replication


def assert_exact(replication: Replication) -> None:
    assert replication.target_rows("t") == replication.source_rows("t")
    replication.check_evidence("t")


@contextlib.contextmanager
def slowed(replication: Replication) -> Iterator[Proxy]:
    """A connection to MySQL that a test can cut."""
    with proxy_to(
        replication.sandbox.mysql_reader.host, replication.sandbox.mysql_reader.port
    ) as p:
        replication.sections["sources"] = {"db": {"port": p.port, "read_timeout": "2s"}}
        yield p


def kill_readers(replication: Replication, kind: str, times: int) -> list[int]:
    """Kill running chunk queries from outside, some times."""
    killed: list[int] = []
    deadline = time.monotonic() + 20
    with replication.mysql() as connection, connection.cursor() as cursor:
        while len(killed) < times and time.monotonic() < deadline:
            cursor.execute(
                "SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE "
                f"'/* mysql-s3-redshift */ SELECT%%`{replication.database}`.`t`%%ORDER BY%%'"
            )
            for (thread,) in cursor.fetchall():
                cursor.execute(f"KILL {kind} {thread}")
                killed.append(thread)
            time.sleep(0.002)
    return killed


@pytest.mark.parametrize("kind", ["CONNECTION", "QUERY"])
def test_a_killed_read_goes_on_or_fails_and_loses_nothing(table: Replication, kind: str) -> None:
    """I-42: goes on at the last committed key, or fails and leaves it to the next run."""
    killed: list[int] = []
    killer = threading.Thread(target=lambda: killed.extend(kill_readers(table, kind, 3)))
    killer.start()
    for _ in range(4):
        with contextlib.suppress(SourceError):
            table.extract("t")
    killer.join()
    table.sync("t")
    assert_exact(table)


def test_a_stream_that_is_cut_in_its_middle_is_read_again(table: Replication) -> None:
    """I-42: the connection ends after some megabytes, over and over; the run gets through."""
    with slowed(table) as proxy:
        proxy.cut_after = 3 << 20
        stopped = threading.Event()

        def heal() -> None:
            while not stopped.wait(0.05):
                if proxy.cut_after == 0:
                    proxy.cut_after = 9 << 20

        healer = threading.Thread(target=heal)
        healer.start()
        report = table.extract("t")
        stopped.set()
        healer.join()
    table.sections.clear()
    assert [f.rows for f in report.files] == [1000, 1000, 1000]
    table.load("t")
    assert_exact(table)
    assert table.orphans("t") == set()


def test_a_server_that_goes_silent_is_given_up_within_the_read_timeout(
    table: Replication, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I-32: no call waits for ever: two seconds here, ten minutes by default."""
    monkeypatch.setattr(chunks, "ATTEMPTS", 1)
    with slowed(table) as proxy:
        proxy.stall_after = 5 << 20
        started = time.monotonic()
        with pytest.raises(SourceConnectionError) as failure:
            table.extract("t")
        assert time.monotonic() - started < 60, "not the ten minutes of the default"
        assert failure.value.exit_code is ExitCode.MYSQL
    table.sections.clear()
    table.sync("t")
    assert_exact(table)


def test_a_server_that_is_not_there_is_an_error_of_mysql(table: Replication) -> None:
    table.sync("t")
    before = table.extract_state("t")
    table.sections["sources"] = {"db": {"port": 1}}
    with pytest.raises(SourceConnectionError) as failure:
        table.extract("t")
    assert failure.value.exit_code is ExitCode.MYSQL
    assert table.extract_state("t") == before
    table.sections.clear()
    table.sync("t")
    assert_exact(table)


def test_a_full_snapshot_that_loses_its_connection_starts_anew(table: Replication) -> None:
    """I-37: one consistent snapshot cannot be continued on another connection."""
    table.table("t", cdc_strategy="full_sync", load_mode="replace", chunk_rows=1000)
    with slowed(table) as proxy:
        proxy.cut_after = 8 << 20
        with pytest.raises(SourceConnectionError):
            table.extract("t")
        assert table.extract_state("t").files == ()
    table.sections.clear()
    table.sync("t")
    assert table.target_rows("t") == table.source_rows("t")


def test_a_run_that_is_asked_to_stop_finishes_its_chunk(table: Replication) -> None:
    """SIGTERM: the chunk under way is committed, the state says so, the next run goes on."""
    asked = iter([False, True])
    report = table.extract("t", stopping=lambda: next(asked, True))
    assert report.rows == 1000
    assert table.extract_state("t").mysql_state.status == "success"
    assert table.extract("t", RunLimits(limit=500)).files[0].first["id"] == 1001
    table.sync("t")
    assert_exact(table)
