"""A connection to MySQL that is killed before any of a run's commands: the run ends exact."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from mysql_s3_redshift.adapters.mysql import connection as connections
from mysql_s3_redshift.adapters.mysql.connection import MySqlConnection
from mysql_s3_redshift.adapters.mysql.login import GuardedConnection
from mysql_s3_redshift.adapters.mysql.source import MySqlSource
from mysql_s3_redshift.config import SourceConfig
from mysql_s3_redshift.core import chunks
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.errors import SourceConnectionError, SourceError
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.faults.replication import Replication, new_replication
from mysql_s3_redshift_tests.servers import mysql_admin_connection

MOST_COMMANDS = 60


@pytest.fixture
def replication(sandbox: SandboxStatus, tmp_path: Path) -> Iterator[Replication]:
    """A table that is read by timestamp and id."""
    with new_replication(sandbox, tmp_path) as opened:
        opened.sql(
            "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, ts DATETIME(6) NOT NULL "
            "DEFAULT NOW(6), KEY (ts, id))",
            "INSERT INTO t () VALUES (), (), (), ()",
        )
        opened.table("t", cdc_timestamp_column="ts", chunk_rows=2, load_mode="append")
        yield opened


class Killer:
    """Kills the connection of the command that it is told, before the command is sent.

    Attributes:
        seen: Commands that were sent since the first one that reads.
        victims: Numbers of the commands whose connection is killed first.
    """

    def __init__(self, server: SandboxStatus, send: Callable[..., None]) -> None:
        self._server, self._send = server, send
        self.seen = 0
        self.victims: set[int] = set()

    def arm(self, *victims: int) -> None:
        self.seen, self.victims = 0, set(victims)

    def send(self, connection: Any, command: int, sql: Any) -> None:
        text = sql.encode() if isinstance(sql, str) else bytes(sql)
        # A connection that was never open is not waited for: the first one's set-up is left alone.
        if self.seen or not text.startswith(b"SET "):
            self.seen += 1
            if self.seen in self.victims:
                self.kill(connection.thread_id())
        self._send(connection, command, sql)

    def kill(self, thread: int) -> None:
        admin = mysql_admin_connection(self._server)
        gone_already = contextlib.suppress(pymysql.OperationalError)
        with contextlib.closing(admin), gone_already:
            admin.cursor().execute(f"KILL {thread}")


@pytest.fixture
def killer(mysql_server: SandboxStatus, monkeypatch: pytest.MonkeyPatch) -> Killer:
    """Sees every command that goes to MySQL; pauses are short."""
    monkeypatch.setattr(chunks, "LONGEST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(connections, "LONGEST_PAUSE_SECONDS", 0.01)
    guarded: Any = GuardedConnection
    created = Killer(mysql_server, guarded._execute_command)
    monkeypatch.setattr(GuardedConnection, "_execute_command", lambda *sent: created.send(*sent))
    return created


@pytest.mark.parametrize(("on_end", "step"), [(1, 1), (2, 3)])
def test_a_connection_that_is_lost_before_any_command_of_a_run_costs_nothing(
    replication: Replication, killer: Killer, on_end: int, step: int
) -> None:
    """I-42: while the table is described, the clocks and open work are read, and the rows."""
    replication.extract("t")
    lost = 0
    for number in range(1, MOST_COMMANDS, step):
        replication.sql("INSERT INTO t () VALUES (), (), ()")
        killer.arm(*range(number, number + on_end))
        report = replication.extract("t")
        assert report.rows == 3, f"killed before command {number}"
        if killer.seen < number:
            break
        lost += step
    assert 12 <= lost < MOST_COMMANDS - step
    replication.load("t")
    assert replication.target_rows("t") == replication.source_rows("t")
    replication.check_evidence("t")


@pytest.fixture
def source(mysql_server: SandboxStatus) -> Iterator[MySqlSource]:
    """A source of this test alone."""
    account = mysql_server.mysql_reader
    section = {"host": account.host, "port": account.port, "user": account.user}
    config = SourceConfig.model_validate(section | {"password": account.password})
    connection = MySqlConnection("shop", config)
    yield MySqlSource(connection)
    connection.close()


def test_a_server_that_keeps_killing_is_given_up_after_some_attempts(
    source: MySqlSource, killer: Killer, caplog: pytest.LogCaptureFixture
) -> None:
    killer.arm(*range(1, 1000))
    with caplog.at_level(logging.WARNING), pytest.raises(SourceConnectionError):
        _ = source.facts
    asked = [r for r in caplog.records if "asking again" in r.message]
    assert len(asked) == connections.ATTEMPTS - 1


def test_a_server_that_was_never_reached_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = SourceConfig.model_validate({"host": "127.0.0.1", "port": 1, "user": "u"})
    connection, tries = MySqlConnection("shop", config), []

    def refuse() -> None:
        tries.append(1)
        raise ConnectionRefusedError

    monkeypatch.setattr(connection, "_open_socket", refuse)
    with pytest.raises(SourceConnectionError):
        _ = MySqlSource(connection).facts
    assert tries == [1]


def test_what_mysql_refuses_is_not_asked_again(source: MySqlSource, killer: Killer) -> None:
    assert source.facts.version
    killer.arm()
    with pytest.raises(SourceError, match="refused a query"):
        source.connection.ask(lambda: source.connection.query("SELECT no_such_column"))
    assert killer.seen == 1


def test_a_snapshot_that_lost_its_connection_is_not_read_on(
    source: MySqlSource, killer: Killer
) -> None:
    """A new connection would show another moment."""
    plan = TablePlan("p", "s", "lake", "t", "shop", "orders", "shop", "orders")

    def kill() -> None:
        ((thread,),) = source.connection.query("SELECT CONNECTION_ID()")
        killer.kill(int(thread))

    def use() -> None:
        with source.snapshot():
            kill()
            source.clock(plan)

    with pytest.raises(SourceConnectionError):
        use()
    assert source.clock(plan).utc.year > 2000
    with source.snapshot():
        kill()  # when all is read, the loss of the snapshot is its end
    assert source.clock(plan).utc.year > 2000
