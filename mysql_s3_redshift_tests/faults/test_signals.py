"""Signals to the installed console script: the first ends a sync cleanly, the second at once.

Exit codes are 128 plus the signal's number, as docs/cli.md tells. That Ctrl-C commits the chunk
under way, too, is shown in `cli/test_sync.py`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mysql_s3_redshift.core.faultpoints import VARIABLE
from mysql_s3_redshift_tests.faults.replication import Replication
from mysql_s3_redshift_tests.faults.test_races import assert_exact, wait_until
from mysql_s3_redshift_tests.faults.test_zombies import is_frozen, wake

pytestmark = pytest.mark.faults

SCRIPT = Path(sys.executable).with_name("mysql-s3-redshift")
ROWS = 20_000
PATIENCE_SECONDS = 120.0
FINISHING = "Finishing the chunk under way; once more stops at once."
STOPPED = "Stopped at once; what was committed before stays."


@pytest.fixture(scope="module")
def dagster_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One Dagster instance: creating its databases takes seconds."""
    home = tmp_path_factory.mktemp("dagster")
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    return home


@pytest.fixture
def table(replication: Replication) -> Replication:
    """A table of two hundred chunks, so that a run is long under way."""
    replication.sql(
        "CREATE TABLE t (id INT PRIMARY KEY, v INT)",
        f"INSERT INTO t SELECT seq, seq FROM seq_1_to_{ROWS}",
    )
    declare(replication, chunk_rows=100)
    return replication


def declare(replication: Replication, chunk_rows: int) -> None:
    replication.table("t", cdc_strategy="id_only", load_mode="append", chunk_rows=chunk_rows)


def assert_next_run_is_exact(replication: Replication) -> None:
    declare(replication, chunk_rows=ROWS)
    replication.sync("t")
    assert_exact(replication)


@contextlib.contextmanager
def sync(
    replication: Replication, dagster_home: Path, faults: str
) -> Iterator[subprocess.Popen[str]]:
    """Run `sync` of the table; a run that does not end is killed."""
    command = [str(SCRIPT), "--config", str(replication.config_path)]
    running = subprocess.Popen(
        [*command, "sync", "-t", f"{replication.database}.t"],
        cwd=replication.folder,
        env={**os.environ, "DAGSTER_HOME": str(dagster_home), VARIABLE: faults},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(PATIENCE_SECONDS, running.kill)
    watchdog.start()
    try:
        yield running
    finally:
        watchdog.cancel()
        running.kill()
        running.wait()
        if running.stderr is not None:
            running.stderr.close()


def test_sigterm_finishes_the_chunk_and_the_next_run_goes_on(
    table: Replication, dagster_home: Path
) -> None:
    """H-01, H-20, I-34: it arrives when a chunk is on S3 and not registered."""
    with sync(table, dagster_home, "extract.before_commit=freeze@3") as running:
        wait_until(lambda: is_frozen(running.pid), PATIENCE_SECONDS)
        wake(running.pid)
        running.send_signal(signal.SIGTERM)
        _, told = running.communicate()
    assert running.returncode == 128 + signal.SIGTERM, told
    assert FINISHING in told
    state = table.extract_state("t").mysql_state
    assert (state.status, state.error) == ("success", None)
    assert 300 <= state.total_rows < ROWS
    assert state.last_id == state.total_rows
    assert not set(table.objects()) - {f.uri for f in table.extract_state("t").files}
    assert_next_run_is_exact(table)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_stops_at_once_and_the_next_run_is_exact(
    table: Replication, dagster_home: Path, number: signal.Signals
) -> None:
    """I-34, I-35: what hangs is not waited for; its file is an orphan."""
    with sync(table, dagster_home, "extract.after_upload=hang@3") as running:
        assert running.stderr is not None
        wait_until(lambda: len(table.objects()) >= 3, PATIENCE_SECONDS)
        running.send_signal(number)
        told = list(iter(running.stderr.readline, f"{FINISHING}\n"))
        running.send_signal(number)
        _, rest = running.communicate()
    assert running.returncode == 128 + number, told
    assert rest.splitlines()[-1] == STOPPED
    assert table.extract_state("t").mysql_state.total_rows == 200
    assert_next_run_is_exact(table)
    assert table.orphans("t")
