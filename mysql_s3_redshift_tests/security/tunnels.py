"""A source behind a tunnel, and what tunnels of a test have on this machine."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from mysql_s3_redshift.adapters.ssh import Tunnel
from mysql_s3_redshift.config import SourceConfig
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus

OpenTunnel = Callable[..., Tunnel]


def source(server: SandboxStatus, ssh: dict[str, Any], **changes: Any) -> SourceConfig:
    account = server.mysql_reader
    section = {
        "host": account.host,
        "port": account.port,
        "user": account.user,
        "password": account.password,
        "ssh": ssh,
    }
    return SourceConfig.model_validate(section | changes)


def descendants() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def command_line(process: psutil.Process) -> list[str]:
    """The words that started a process; none when it has ended just now."""
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def is_zombie(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def tunnel_processes() -> list[str]:
    """Command lines of this test's tunnels."""
    lines = [command_line(process) for process in descendants()]
    return [" ".join(words) for words in lines if any("ssh-tunnel-" in word for word in words)]


def clients() -> list[psutil.Process]:
    """The `ssh` of each of this test's tunnels."""
    return [p for p in descendants() if Path([*command_line(p), ""][0]).name == "ssh"]


def tunnel_folders() -> set[Path]:
    """Folders of this test's tunnels: the fixture `own_temporary_folder` keeps others out."""
    return set(Path(tempfile.gettempdir()).glob("ssh-tunnel-*"))


def eventually(condition: Callable[[], object], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
