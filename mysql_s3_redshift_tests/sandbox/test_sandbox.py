"""Starting, repairing and stopping whole sandboxes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import psutil
import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner

from mysql_s3_redshift.cli import sandbox as command_line
from mysql_s3_redshift.errors import ConfigError, ExitCode
from mysql_s3_redshift.sandbox import ports
from mysql_s3_redshift.sandbox import s3_server as s3
from mysql_s3_redshift.sandbox import sandbox as sandboxes
from mysql_s3_redshift.sandbox.mysql_server import (
    ADMIN,
    READER,
)
from mysql_s3_redshift.sandbox.processes import find
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.servers import (
    mysql_admin_connection,
    mysql_answers,
    new_sandbox_folder,
    processes_of,
    redshift_connection,
    s3_client,
)

pytestmark = pytest.mark.usefixtures("own_mysql")


def pids(current: SandboxStatus) -> dict[str, int]:
    return {name: process.pid for name, process in current.settings.processes.items()}


def test_up_starts_all_three_and_down_leaves_no_process(folder):
    current = sandboxes.up(folder)
    assert dict(current.running) == {"mysql": True, "s3": True, "redshift": True}
    assert mysql_answers(current)
    s3_client(current).put_object(Bucket=s3.BUCKET, Key="a", Body=b"kept")
    with contextlib.closing(redshift_connection(current)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ["awsuser"]
    family = {
        member.pid
        for process in current.settings.processes.values()
        for member in [psutil.Process(process.pid), *psutil.Process(process.pid).children(True)]
    }
    assert len(family) > 3, "PostgreSQL runs below the stand-in"

    again = sandboxes.up(folder)
    assert pids(again) == pids(current), "up must leave running servers alone"

    assert set(sandboxes.down(folder)) == {"mysql", "s3", "redshift"}
    assert processes_of(folder) == []
    assert [pid for pid in family if psutil.pid_exists(pid)] == []
    assert sandboxes.down(folder) == ()
    assert not any(sandboxes.status(folder).running.values())

    restarted = sandboxes.up(folder)
    assert restarted.document() == current.document(), "addresses and passwords stay"
    body = s3_client(restarted).get_object(Bucket=s3.BUCKET, Key="a")["Body"].read()
    assert body == b"kept"


@pytest.mark.parametrize("victim", ["mysql", "s3", "redshift"])
def test_up_restarts_only_the_server_that_died(sandbox, sandbox_folder, victim):
    before = sandboxes.up(sandbox_folder)
    os.kill(before.settings.processes[victim].pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while find(before.settings.processes[victim]) is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not sandboxes.status(sandbox_folder).running[victim]
    lines: list[str] = []
    after = sandboxes.up(sandbox_folder, report=lines.append)
    assert lines == [f"starting {victim}"]
    assert {name for name, pid in pids(after).items() if pids(before)[name] != pid} == {victim}
    assert after.document() == before.document()


def test_two_folders_run_side_by_side(folder, mysql_server, s3_server):
    other = sandboxes.up(folder, ("mysql", "s3"))
    assert not set(other.settings.ports.values()) & set(mysql_server.settings.ports.values())
    assert other.settings.secrets != mysql_server.settings.secrets
    sandboxes.down(folder)
    assert mysql_answers(mysql_server), "the other sandbox must not be touched"


def test_two_folders_that_start_at_once_do_not_choose_the_same_ports(folder, monkeypatch):
    """Even if both try the free ones in the same order."""
    monkeypatch.setattr(ports, "random", SimpleNamespace(sample=lambda range_, _count: range_))
    with new_sandbox_folder() as other, ThreadPoolExecutor(2) as pool:
        started = list(pool.map(lambda place: sandboxes.up(place, ("s3",)), (folder, other)))
        chosen = [{n: p for n, p in s.settings.ports.items() if "s3" in n} for s in started]
        assert not set(chosen[0].values()) & set(chosen[1].values())
        assert all(s3_client(current).list_buckets()["Buckets"] for current in started)


def test_two_commands_at_once_start_each_server_once(folder):
    results: list[SandboxStatus] = []

    def start():
        results.append(sandboxes.up(folder, ("s3",)))

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({pids(current)["s3"] for current in results}) == 1
    assert len(processes_of(folder)) == 1


def test_each_test_gets_empty_places_of_its_own(
    sandbox, mysql_database, s3_prefix, redshift_schema
):
    with contextlib.closing(mysql_admin_connection(sandbox, mysql_database)) as connection:
        assert connection.cursor().execute("SHOW TABLES") == 0
    listed = s3_client(sandbox).list_objects_v2(Bucket=s3.BUCKET, Prefix=f"{s3_prefix}/")
    assert listed["KeyCount"] == 0
    s3_client(sandbox).put_object(Bucket=s3.BUCKET, Key=f"{s3_prefix}/a", Body=b"1")
    with contextlib.closing(redshift_connection(sandbox)) as connection:
        cursor = connection.cursor()
        cursor.execute(f"CREATE TABLE {redshift_schema}.t (a INTEGER)")
        connection.commit()


def test_secrets_are_readable_by_their_owner_only(sandbox, sandbox_folder):
    for name in ("sandbox.json", "env", "s3.json", "mysql-accounts.sql", "mysql.log", "lock"):
        assert stat.S_IMODE((sandbox_folder / name).stat().st_mode) == 0o600, name
    arguments = " ".join(
        word for process in processes_of(sandbox_folder) for word in process.cmdline()
    )
    secrets = sandbox.settings.secrets
    assert secrets.mysql_admin not in arguments
    assert secrets.redshift not in arguments
    assert secrets.s3_secret_access_key not in arguments


def test_status_json_is_the_contract_document(sandbox, sandbox_folder):
    result = CliRunner().invoke(
        command_line.sandbox, ["--folder", str(sandbox_folder), "status", "--json"]
    )
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert {name: list(part) for name, part in document.items() if isinstance(part, dict)} == {
        "mysql": ["host", "port", "user", "password", "databases"],
        "s3": ["endpoint_url", "access_key_id", "secret_access_key", "bucket"],
        "redshift": ["host", "port", "user", "password", "database"],
    }
    assert document["config"] == "pipelines.yaml"
    assert document["mysql"]["user"] == ADMIN, "outside checks write rows"
    variables = dict(
        line.split("=", 1) for line in (sandbox_folder / "env").read_text().splitlines()
    )
    assert variables["SANDBOX_MYSQL_USER"] == READER, "the product only reads"
    assert variables["SANDBOX_MYSQL_PORT"] == str(document["mysql"]["port"])
    assert variables["SANDBOX_S3_ENDPOINT_URL"] == document["s3"]["endpoint_url"]
    assert variables["SANDBOX_REDSHIFT_PASSWORD"] == document["redshift"]["password"]


def test_status_and_down_where_no_sandbox_is(tmp_path):
    with pytest.raises(ConfigError, match="There is no sandbox"):
        sandboxes.status(tmp_path / "nothing")
    assert sandboxes.down(tmp_path / "nothing") == ()
    assert not (tmp_path / "nothing").exists()


def test_the_command_line_stops_one_server_and_status_tells(sandbox, sandbox_folder):
    run = CliRunner()
    arguments = ["--folder", str(sandbox_folder)]
    down = run.invoke(command_line.sandbox, [*arguments, "down", "mysql", "--json"])
    assert json.loads(down.stdout)["stopped"] == ["mysql"]
    again = run.invoke(command_line.sandbox, [*arguments, "down", "mysql"])
    assert again.stdout == "nothing was running\n"
    status = run.invoke(command_line.sandbox, [*arguments, "status"])
    assert status.exit_code == ExitCode.MYSQL
    assert "mysql     stopped" in status.stdout
    assert "redshift  running" in status.stdout
    assert "web" not in status.stdout, "it does not run"
    up = run.invoke(command_line.sandbox, [*arguments, "up", "--no-data", "--json"])
    assert up.exit_code == 0, up.output
    assert json.loads(up.stdout)["mysql"] == sandbox.document()["mysql"], "steps go to stderr"
    assert run.invoke(command_line.sandbox, [*arguments, "status"]).exit_code == 0


def test_moto_takes_over_where_there_is_no_seaweedfs(folder, monkeypatch):
    monkeypatch.setattr("mysql_s3_redshift.sandbox.s3_server.find_weed", lambda: None)
    current = sandboxes.up(folder, ("s3",))
    assert current.settings.processes["s3"].command[1:3] == ("-m", "moto.server")
    client = s3_client(current)
    client.put_object(Bucket=s3.BUCKET, Key="a", Body=b"1", IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        client.put_object(Bucket=s3.BUCKET, Key="a", Body=b"2", IfNoneMatch="*")
