"""A MySQL server that restarts under an extraction: by its administrator, and by a crash.

The server is one of the module's own. A run is interrupted at exact moments: the engine's fault
points call the test back.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mysql_s3_redshift.adapters.mysql import connection
from mysql_s3_redshift.core import chunks, extraction
from mysql_s3_redshift.errors import ExitCode, SourceConnectionError
from mysql_s3_redshift.sandbox import mysql_server
from mysql_s3_redshift.sandbox import sandbox as sandboxes
from mysql_s3_redshift.sandbox.ports import is_free
from mysql_s3_redshift.sandbox.processes import find, start, stop, wait_until_ready
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift.sandbox.settings import Settings, load_settings, save_settings
from mysql_s3_redshift_tests.faults.replication import Replication, new_replication
from mysql_s3_redshift_tests.servers import new_sandbox_folder

pytestmark = pytest.mark.faults

PATIENCE_SECONDS = 60.0
CHUNK_ROWS, CHUNKS = 1_000, 3


@dataclass(frozen=True, slots=True)
class OwnServer:
    """A MySQL server that a test may stop; it keeps its port and its data."""

    folder: Path
    status: SandboxStatus

    def stop(self) -> None:
        """Shut it down."""
        stop(self._settings.processes["mysql"])

    def kill(self) -> None:
        """Let it crash."""
        process = self._settings.processes["mysql"]
        os.kill(process.pid, signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while find(process) is not None:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def start(self) -> None:
        """Start it again where it was."""
        settings = self._settings
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_free(settings.ports["mysql"]):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        server = mysql_server.mysql_server(self.folder, settings, mysql_server.find_binary())
        process = start(server)
        save_settings(self.folder, settings.with_process("mysql", process))
        wait_until_ready(server, process, timeout=PATIENCE_SECONDS)

    def restart(self) -> None:
        """Stop it and start it again."""
        self.stop()
        self.start()

    @property
    def _settings(self) -> Settings:
        settings = load_settings(self.folder)
        assert settings is not None
        return settings


@pytest.fixture(scope="module")
def server(sandbox: SandboxStatus) -> Iterator[OwnServer]:
    """A MySQL server beside the S3 and the Redshift of all tests."""
    with new_sandbox_folder() as folder, pytest.MonkeyPatch.context() as variables:
        variables.delenv(mysql_server.URL_VARIABLE, raising=False)
        own = sandboxes.up(folder, ("mysql",)).settings
        passwords = {
            "mysql_admin": own.secrets.mysql_admin,
            "mysql_reader": own.secrets.mysql_reader,
        }
        settings = replace(
            sandbox.settings,
            ports={**sandbox.settings.ports, "mysql": own.ports["mysql"]},
            secrets=replace(sandbox.settings.secrets, **passwords),
            mysql_url=None,
        )
        yield OwnServer(folder, replace(sandbox, settings=settings))


@pytest.fixture
def table(
    server: OwnServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Replication]:
    """A table of 20 MB in three chunks, so that a stream has a middle."""
    for module in (chunks, connection):
        monkeypatch.setattr(module, "LONGEST_PAUSE_SECONDS", 0.05)
    with new_replication(server.status, tmp_path) as opened:
        numbers = "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
        opened.sql(
            "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, "
            "ts DATETIME(6) NOT NULL DEFAULT NOW(6), pad VARCHAR(8000), KEY (ts, id))",
            *[f"INSERT INTO t (pad) {numbers} SELECT REPEAT(SHA2(i, 256), 110) FROM n"] * CHUNKS,
        )
        opened.table("t", cdc_timestamp_column="ts", load_mode="append", chunk_rows=CHUNK_ROWS)
        yield opened


@contextlib.contextmanager
def interrupted(point: str, turn: int, happen: Callable[[], None]) -> Iterator[None]:
    """Let something happen when this process passes a fault point for the n-th time."""
    passed: Counter[str] = Counter()

    def reach(reached: str) -> None:
        passed[reached] += 1
        if reached == point and passed[point] == turn:
            happen()

    with pytest.MonkeyPatch.context() as hooks:
        for module in (chunks, extraction):
            hooks.setattr(module, "reach", reach)
        yield
    assert passed[point] >= turn, f"{point} was not reached"


def assert_exact(replication: Replication) -> None:
    assert replication.target_rows("t") == replication.source_rows("t")
    replication.check_evidence("t")


@pytest.mark.parametrize(
    ("point", "turn"),
    [("extract.after_ceiling", 1), ("extract.before_read", 2), ("extract.during_read", 2)],
)
def test_a_server_that_restarts_under_a_run_does_not_end_it(
    server: OwnServer, table: Replication, point: str, turn: int
) -> None:
    """I-42, H-04: before the first chunk the bound still holds; later a chunk is read again."""
    with interrupted(point, turn, server.restart):
        report = table.extract("t")
    assert report.ceiling is not None
    assert report.ceiling.method == "proven"
    assert [f.rows for f in report.files] == [CHUNK_ROWS] * CHUNKS
    table.load("t")
    assert_exact(table)


@pytest.mark.parametrize(
    ("point", "turn", "kept"), [("extract.before_read", 1, 0), ("extract.before_read", 3, 2)]
)
def test_a_server_that_crashes_and_stays_away_is_an_error_and_the_next_run_is_exact(
    server: OwnServer, table: Replication, point: str, turn: int, kept: int
) -> None:
    """H-20, I-32, I-42: exit code 5; what was committed stays, the rest is read later."""
    with interrupted(point, turn, server.kill), pytest.raises(SourceConnectionError) as failure:
        table.extract("t")
    server.start()
    assert failure.value.exit_code is ExitCode.MYSQL
    state = table.extract_state("t").mysql_state
    assert (state.status, state.total_files) == ("failed", kept)
    assert state.total_rows == kept * CHUNK_ROWS
    table.sql("INSERT INTO t (pad) VALUES ('after the crash')")
    assert table.sync("t").extract.rows == (CHUNKS - kept) * CHUNK_ROWS + 1
    assert_exact(table)
