"""Tunnels through a real sshd: failures, the way back, and that nothing is left behind."""

from __future__ import annotations

import gc
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from mysql_s3_redshift.adapters.mysql.connection import MySqlConnection
from mysql_s3_redshift.adapters.ssh import Tunnel, child, command
from mysql_s3_redshift.adapters.ssh import tunnel as tunnels
from mysql_s3_redshift.config import SourceConfig, TargetConfig
from mysql_s3_redshift.errors import ConfigError, SourceConnectionError, TargetConnectionError
from mysql_s3_redshift.sandbox.ports import HOST
from mysql_s3_redshift_tests.security.tunnels import (
    clients,
    command_line,
    eventually,
    is_zombie,
    source,
    tunnel_folders,
    tunnel_processes,
)

# -- what a tunnel is ---------------------------------------------------------------------------


def test_rows_come_through_a_tunnel(connection):
    assert connection.query("SELECT 40 + %s", (2,)) == [(42,)]


def test_only_this_user_can_reach_the_local_end_and_no_port_is_opened(tunnel_to_mysql):
    path = tunnel_to_mysql().open()
    opened = [entry for client in clients() for entry in client.net_connections("inet")]
    assert [entry.status for entry in opened] == ["ESTABLISHED"], "its line to the bastion"
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_ssh_gets_nothing_of_our_environment_that_it_does_not_need(tunnel_to_mysql, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-4711")
    tunnel_to_mysql().open()
    (client,) = clients()
    assert "canary-4711" not in client.environ().values()
    assert "AWS_SECRET_ACCESS_KEY" not in client.environ()


def test_a_bastion_that_may_not_forward_is_quoted_in_the_error(
    bastion, mysql_server, tunnel_to_mysql
):
    bastion.stop()
    bastion.permitted = f"{HOST}:1"
    bastion.start()
    try:
        config = source(mysql_server, bastion.section())
        lost = MySqlConnection("shop", config, tunnel_to_mysql())
        with pytest.raises(SourceConnectionError, match="administratively prohibited"):
            lost.query("SELECT 1")
    finally:
        bastion.permitted = "any"
        bastion.stop()


# -- failures and the way back ------------------------------------------------------------------


def test_without_the_client_the_error_tells_how_to_install_it(tunnel_to_mysql, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ConfigError, match="there is no `ssh`") as refused:
        tunnel_to_mysql().open()
    assert "openssh-client" in refused.value.remedy


@pytest.mark.parametrize("section", ["sources", "targets"])
def test_a_bastion_that_is_down_is_a_lost_connection(bastion, section):
    with socket.socket() as nobody:
        nobody.bind((HOST, 0))  # and does not listen; nor can anybody else
        ssh = bastion.section(port=nobody.getsockname()[1])
        tunnel = tunnel_of(section, {"host": HOST, "port": 1, "user": "u", "ssh": ssh})
        kind = SourceConnectionError if section == "sources" else TargetConnectionError
        with pytest.raises(kind, match=rf"{section}\.x\.ssh: .*Connection refused") as lost:
            tunnel.open()
    assert lost.value.retryable


def tunnel_of(section: str, common: dict[str, Any]) -> Tunnel:
    if section == "sources":
        return Tunnel(section, "x", SourceConfig.model_validate(common))
    target = common | {"password": "p", "database": "dev"}
    return Tunnel(section, "x", TargetConfig.model_validate(target))


def test_a_lost_tunnel_is_opened_again_for_the_next_connection(bastion, connection):
    assert connection.query("SELECT 1") == [(1,)]
    bastion.drop_connections()
    with pytest.raises(SourceConnectionError):
        connection.query("SELECT 2")
    assert connection.query("SELECT 3") == [(3,)]


def test_a_bastion_that_restarts_is_waited_for(bastion, connection):
    assert connection.query("SELECT 1") == [(1,)]
    bastion.stop()
    with pytest.raises(SourceConnectionError):
        connection.query("SELECT 2")
    restart = threading.Timer(1.2, bastion.start)
    began = time.monotonic()
    restart.start()
    assert connection.query("SELECT 3") == [(3,)]
    restart.join()
    assert time.monotonic() - began >= 1.0


def test_a_bastion_that_does_not_come_back_ends_the_wait(bastion, connection, monkeypatch):
    monkeypatch.setattr(tunnels, "REOPEN_SECONDS", 1.0)
    assert connection.query("SELECT 1") == [(1,)]
    bastion.stop()
    with pytest.raises(SourceConnectionError):
        connection.query("SELECT 2")
    with pytest.raises(SourceConnectionError, match="Connection refused"):
        connection.query("SELECT 3")


def test_a_bastion_that_went_silent_is_given_up(bastion, tunnel_to_mysql, monkeypatch):
    monkeypatch.setattr(command, "KEEP_ALIVE_SECONDS", 1)
    monkeypatch.setattr(command, "KEEP_ALIVE_COUNT", 1)
    end = tunnel_to_mysql().connect()
    end.settimeout(60)
    end.recv(1000)
    bastion.freeze()
    assert end.recv(1) == b""
    end.close()


def test_a_bastion_that_does_not_answer_is_given_up_in_time(bastion, mysql_server, monkeypatch):
    monkeypatch.setattr(tunnels, "_HANDSHAKE_SECONDS", 0.5)
    with_silence = psutil.Process(bastion._server.pid)
    with_silence.suspend()
    try:
        config = source(mysql_server, bastion.section(), connect_timeout="1s")
        began = time.monotonic()
        with pytest.raises(SourceConnectionError):
            Tunnel("sources", "shop", config).open()
        assert time.monotonic() - began < 30
    finally:
        with_silence.resume()


# -- nothing is left behind ---------------------------------------------------------------------


def test_fifty_cycles_leave_no_process_thread_descriptor_or_folder(bastion, tunnel_to_mysql):
    """I-41."""
    tunnel_to_mysql().open()

    def held() -> tuple[int, ...]:
        gc.collect()  # what earlier tests dropped must not be counted
        counts = psutil.Process().num_fds(), threading.active_count()
        return *counts, len(tunnel_processes()), len(tunnel_folders())

    before = held()

    def cycle(_: int) -> None:
        tunnel = tunnel_to_mysql()
        tunnel.connect().close()
        tunnel.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(cycle, range(50)))
    # Earlier tests' threads may end meanwhile, so: not one more than before.
    eventually(lambda: all(now <= then for now, then in zip(held(), before, strict=True)))
    eventually(lambda: not any(map(is_zombie, psutil.Process().children())))


def test_closing_takes_no_longer_than_its_bound_when_ssh_hangs(tunnel_to_mysql, monkeypatch):
    monkeypatch.setattr(child, "CLOSE_SECONDS", 1.0)
    tunnel = tunnel_to_mysql()
    tunnel.open()
    (client,) = clients()
    client.suspend()
    began = time.monotonic()
    tunnel.close()
    assert time.monotonic() - began < 30
    assert tunnel_processes() == []


_HOLDER = """
import sys, time
from mysql_s3_redshift.adapters.ssh import Tunnel
from mysql_s3_redshift.config import SourceConfig
tunnel = Tunnel("sources", "shop", SourceConfig.model_validate_json(sys.stdin.read()))
print(tunnel.open(), flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_process_takes_its_tunnel_along(bastion, mysql_server, number):
    config = {"host": HOST, "port": mysql_server.mysql_reader.port, "user": "u"}
    section = SourceConfig.model_validate(config | {"ssh": bastion.section()})
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    with holder.stdin as document:
        document.write(section.model_dump_json())
    with holder.stdout as answer:
        path = Path(answer.readline().strip())
    family = psutil.Process(holder.pid).children(recursive=True)
    assert any("ssh-tunnel-" in word for p in family for word in command_line(p))
    os.kill(holder.pid, number)
    holder.wait(60)
    eventually(lambda: not any(p.is_running() and not is_zombie(p) for p in family))
    eventually(lambda: not path.parent.exists())
