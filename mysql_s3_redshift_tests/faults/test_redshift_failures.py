"""Redshift that goes away or refuses, at every moment at which the client cannot know."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from mysql_s3_redshift.core import load
from mysql_s3_redshift.errors import (
    ConfigError,
    ExitCode,
    SerializableConflictError,
    TargetConnectionError,
    TargetError,
)
from mysql_s3_redshift.sandbox.redshift.control import send_command
from mysql_s3_redshift.sandbox.s3_server import endpoint_url
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.faults.replication import Replication, new_replication
from mysql_s3_redshift_tests.servers import free_port

pytestmark = pytest.mark.faults

POINTS = ("before_copy", "during_copy", "before_commit", "during_commit", "after_commit")


@dataclass(frozen=True, slots=True)
class FaultyRedshift:
    """A stand-in that takes orders to fail, in place of the sandbox's own."""

    sandbox: SandboxStatus
    control_port: int

    def order(self, **command: Any) -> dict[str, Any]:
        return send_command(self.control_port, command)


@pytest.fixture(scope="module")
def faulty_redshift(sandbox: SandboxStatus) -> Iterator[FaultyRedshift]:
    port, control_port = free_port(), free_port()
    secrets = sandbox.settings.secrets
    environment = {
        "REDSHIFT_PASSWORD": secrets.redshift,
        "AWS_ACCESS_KEY_ID": secrets.s3_access_key_id,
        "AWS_SECRET_ACCESS_KEY": secrets.s3_secret_access_key,
    }
    with tempfile.TemporaryDirectory(prefix="redshift-") as folder:
        Path(folder).chmod(0o755)  # as root, PostgreSQL runs as another user
        command = [sys.executable, "-m", "mysql_s3_redshift.sandbox.redshift"]
        command += ["--data", f"{folder}/data", "--port", str(port)]
        command += ["--control-port", str(control_port)]
        command += ["--s3-endpoint", endpoint_url(sandbox.settings)]
        process = subprocess.Popen(
            command, env=os.environ | environment, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready")
        settings = replace(sandbox.settings, ports={**sandbox.settings.ports, "redshift": port})
        yield FaultyRedshift(replace(sandbox, settings=settings), control_port)
        process.terminate()
        process.wait(60)


@pytest.fixture
def replication(faulty_redshift: FaultyRedshift, tmp_path: Path) -> Iterator[Replication]:
    """A table of three files, one of which changes every row again."""
    faulty_redshift.order(clear=True)
    with new_replication(faulty_redshift.sandbox, tmp_path) as opened:
        opened.sql(
            "CREATE TABLE t (id INT PRIMARY KEY, ts DATETIME(6) NOT NULL DEFAULT NOW(6), v INT, "
            "KEY (ts, id))",
            "INSERT INTO t (id, v) SELECT seq, seq FROM seq_1_to_300",
        )
        yield opened
        faulty_redshift.order(clear=True)


def declare(replication: Replication, mode: str) -> None:
    replication.table("t", cdc_timestamp_column="ts", load_mode=mode, chunk_rows=100)


def change(replication: Replication, v: int) -> None:
    replication.sql(
        f"UPDATE t SET v = {v}, ts = NOW(6) WHERE id % 3 = 0",
        "INSERT INTO t (id, v) SELECT MAX(id) + 1, 0 FROM t",
    )


def assert_exact(replication: Replication, mode: str) -> None:
    source, target = replication.source_rows("t"), replication.target_rows("t")
    if mode == "append":
        assert source <= target
        assert set(target.values()) == {1}
    else:
        assert target == source
    replication.check_evidence("t", superseded=mode == "replace")


@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
def test_a_connection_that_breaks_anywhere_is_made_good_in_the_same_run(
    replication: Replication, faulty_redshift: FaultyRedshift, mode: str
) -> None:
    """I-05, H-21: before COMMIT it is done again; after it the ledger tells that it was done."""
    declare(replication, mode)
    replication.sync("t")
    for number, point in enumerate(POINTS, 1):
        change(replication, -number)
        faulty_redshift.order(drop=point)
        done = replication.sync("t").load
        assert faulty_redshift.order()["drops"] == {}, f"{point} was not reached"
        committed = point in {"during_commit"}
        assert bool(done.recovered) is committed, point
        assert_exact(replication, mode)


def test_a_connection_that_breaks_for_good_is_an_error_and_nothing_is_half_there(
    replication: Replication, faulty_redshift: FaultyRedshift, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I-36, H-20: exit code 7, the files stay pending, the next run loads them."""
    monkeypatch.setattr(load, "LONGEST_PAUSE_SECONDS", 0.05)
    declare(replication, "append")
    faulty_redshift.order(drop="during_copy", times=1_000)
    with pytest.raises(TargetConnectionError) as failure:
        replication.sync("t")
    assert failure.value.exit_code is ExitCode.REDSHIFT
    assert replication.load_state("t").redshift_state.status == "failed"
    assert replication.target_rows("t").total() == 0
    faulty_redshift.order(clear=True)
    assert replication.load("t").pending == 0
    assert_exact(replication, "append")


def test_serializable_conflicts_are_tried_again_and_at_last_told(
    replication: Replication, faulty_redshift: FaultyRedshift, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P-09: error 1023 rolls back; trying again is safe."""
    monkeypatch.setattr(load, "LONGEST_PAUSE_SECONDS", 0.05)
    declare(replication, "upsert")
    conflict = {"pattern": "(?i)^(copy|commit|lock)", "sqlstate": "XX000"}
    conflict["message"] = "1023"
    faulty_redshift.order(answer=conflict, times=4)
    replication.sync("t")
    assert_exact(replication, "upsert")
    change(replication, -1)
    faulty_redshift.order(answer=conflict, times=1_000)
    with pytest.raises(SerializableConflictError):
        replication.sync("t")
    faulty_redshift.order(clear=True)
    replication.load("t")
    assert_exact(replication, "upsert")


@pytest.mark.parametrize(
    "pattern",
    ["(?i)^create schema", "(?i)^create table", "(?i)^insert into", "(?i)^delete", "(?i)^select"],
)
def test_a_refused_statement_leaves_the_target_as_it_was(
    replication: Replication, faulty_redshift: FaultyRedshift, pattern: str
) -> None:
    """I-36, I-38: disk full in the middle of a load: old rows stay, the run fails, exit code 7."""
    declare(replication, "replace")
    if "create" not in pattern:
        replication.sync("t")
        change(replication, -1)
    before = rows_or_none(replication)
    refusal = {"pattern": pattern, "sqlstate": "53100", "message": "Disk Full"}
    faulty_redshift.order(answer=refusal, times=1)
    with pytest.raises(TargetError) as failure:
        replication.sync("t")
    assert "Disk Full" in failure.value.happened
    assert failure.value.exit_code is ExitCode.REDSHIFT
    assert rows_or_none(replication) == before
    replication.sync("t")
    assert_exact(replication, "replace")


def rows_or_none(replication: Replication) -> Any:
    with contextlib.suppress(Exception):
        return replication.target_rows("t")
    return None


def test_one_damaged_file_of_five_loads_nothing(
    replication: Replication, faulty_redshift: FaultyRedshift
) -> None:
    """I-36, P-06: one manifest, one ledger: all planned files or none, and nothing is visible."""
    declare(replication, "append")
    replication.table("t", cdc_timestamp_column="ts", load_mode="append", chunk_rows=60)
    report = replication.extract("t")
    victim = report.files[2].uri.removeprefix("s3://lake/")
    body = replication.read_object(report.files[2].uri)
    for damaged in (body[: len(body) // 2], b"", b"x" * len(body)):
        replication.put_object(victim, damaged)
        with pytest.raises(TargetError):
            replication.load("t")
        assert replication.target_rows("t").total() == 0
        assert len(replication.extract_state("t").pending(replication.load_state("t"))) == 5
    replication.put_object(victim, body)
    replication.load("t")
    assert_exact(replication, "append")
    assert faulty_redshift.order()["drops"] == {}


def test_first_loads_of_many_tables_at_once_do_not_trip_over_each_other(
    replication: Replication,
) -> None:
    """P-05: the ledger's schema is created by whoever comes first."""
    failures: list[BaseException] = []
    names = [f"many_{n}" for n in range(6)]
    for name in names:
        replication.sql(
            f"CREATE TABLE {name} (id INT PRIMARY KEY)", f"INSERT INTO {name} VALUES(1)"
        )
        replication.table(name)
    states = {name: replication.extract(name).state for name in names}

    def load_one(name: str) -> None:
        try:
            replication.load(name, state=states[name])
        except ConfigError as error:
            failures.append(error)
        except TargetError as error:
            failures.append(error)

    threads = [threading.Thread(target=load_one, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert all(replication.target_rows(name).total() == 1 for name in names)
