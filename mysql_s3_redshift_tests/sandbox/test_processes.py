"""Ports, process identity and the memory of a sandbox."""

from __future__ import annotations

import dataclasses
import errno
import os
import signal
import socket
import stat
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from mysql_s3_redshift.errors import ConfigError, StorageError
from mysql_s3_redshift.sandbox import ports
from mysql_s3_redshift.sandbox.processes import (
    Server,
    ServerProcess,
    find,
    start,
    stop,
    wait_until_ready,
)
from mysql_s3_redshift.sandbox.settings import (
    Secrets,
    Settings,
    load_settings,
    locked,
    save_settings,
)


def python_server(folder: Path, code: str, probe: Callable[[], None] = lambda: None) -> Server:
    """Describe a server that runs a line of Python."""
    return Server(
        name="s3",
        command=(sys.executable, "-c", code),
        environment={},
        log=folder / "server.log",
        prepare=lambda: None,
        probe=probe,
        not_ready=(OSError,),
        failure=StorageError,
    )


def refuse() -> None:
    raise ConnectionRefusedError


def test_a_port_is_kept_while_it_is_free_and_replaced_when_it_is_taken():
    port = ports.choose_port(None, ())
    assert ports.choose_port(port, ()) == port
    assert ports.choose_port(port, {port}) != port
    with socket.socket() as other:
        other.bind((ports.HOST, port))
        other.listen()
        assert not ports.is_free(port)
        assert ports.choose_port(port, ()) != port


def test_a_port_whose_grpc_companion_is_taken_is_not_free():
    port = ports.choose_port(None, ())
    with socket.socket() as other:
        other.bind((ports.HOST, port + 10_000))
        other.listen()
        assert not ports.is_free(port)


def test_a_started_process_is_found_again_and_stopped(tmp_path):
    process = start(python_server(tmp_path, "import time; time.sleep(60)"))
    assert find(process) is not None
    assert os.getsid(process.pid) == process.pid, "must survive the terminal of its starter"
    stop(process)
    assert find(process) is None
    assert not psutil.pid_exists(process.pid)
    stop(process)


def test_a_process_with_another_creation_time_is_never_signalled(tmp_path):
    process = start(python_server(tmp_path, "import time; time.sleep(60)"))
    stranger = dataclasses.replace(process, created=process.created - 60)
    assert find(stranger) is None
    stop(stranger)
    assert find(process) is not None
    stop(process)


def test_stop_ends_a_process_that_ignores_the_signal_and_its_children(tmp_path):
    code = (
        "import signal, subprocess, sys, time;"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    process = start(python_server(tmp_path, code))
    log = tmp_path / "server.log"
    while not log.read_text().strip():
        time.sleep(0.02)
    child = int(log.read_text())
    stop(process, grace=0.3)
    assert find(process) is None
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_signals_are_as_usual_in_a_server_that_a_background_shell_starts(tmp_path):
    code = (
        "import signal; print([signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)] == "
        "[signal.default_int_handler, signal.SIG_DFL], flush=True)"
    )
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        start(python_server(tmp_path, code))
    finally:
        signal.signal(signal.SIGINT, before)
    log = tmp_path / "server.log"
    while not log.read_text().endswith("\n"):
        time.sleep(0.02)
    assert log.read_text() == "True\n"


def test_a_server_that_ends_during_its_start_is_reported_with_its_log(tmp_path):
    server = python_server(tmp_path, "import sys; sys.exit('the disk is full')", refuse)
    process = start(server)
    with pytest.raises(StorageError, match="ended during its start: the disk is full") as caught:
        wait_until_ready(server, process)
    assert str(tmp_path / "server.log") in caught.value.remedy


def test_a_server_that_never_answers_is_reported(tmp_path):
    server = python_server(tmp_path, "import time; time.sleep(60)", refuse)
    process = start(server)
    with pytest.raises(StorageError, match="did not answer"):
        wait_until_ready(server, process, timeout=0.2)
    stop(process)


def test_the_memory_is_read_back_as_written_and_only_its_owner_can_read_it(tmp_path):
    assert load_settings(tmp_path) is None
    settings = Settings(
        Secrets.generate(),
        ports={"mysql": 21_000},
        processes={"mysql": ServerProcess(17, 12.5, ("mariadbd", "--port=21000"))},
        databases=("settlement",),
        mysql_url="mysql://root@127.0.0.1/",
    )
    save_settings(tmp_path, settings)
    assert load_settings(tmp_path) == settings
    assert stat.S_IMODE((tmp_path / "sandbox.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"secrets": {}}'])
def test_a_broken_memory_is_an_error_that_names_the_file(tmp_path, text):
    (tmp_path / "sandbox.json").write_text(text)
    with pytest.raises(ConfigError, match=r"sandbox\.json cannot be understood"):
        load_settings(tmp_path)


def test_a_folder_that_cannot_be_written_is_told_as_such(tmp_path):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(ConfigError, match="cannot be written: No space left"), locked(tmp_path):
        raise full
    with pytest.raises(ConnectionRefusedError), locked(tmp_path):
        raise ConnectionRefusedError


def test_the_lock_lets_one_command_in_at_a_time(tmp_path):
    inside, most = [], []

    def change():
        with locked(tmp_path):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.05)
            inside.pop()

    threads = [threading.Thread(target=change) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1, 1]
