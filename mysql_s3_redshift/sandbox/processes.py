"""Detached server processes, recognised again by pid and creation time.

A pid alone is no identity: after a crash or a reboot it may belong to anybody. Nothing here sends a
signal to a process whose creation time differs from the recorded one.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from mysql_s3_redshift.errors import ReplicationError

# The creation time is computed from the boot time, which moves a little when the clock is set.
_CLOCK_TOLERANCE = 2.0
_POLL_SECONDS = 0.05
_REAP_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """One started process.

    Attributes:
        pid: Its process id.
        created: When the kernel created it, in seconds since the epoch.
        command: The command line it was started with; another one means it must be restarted.
    """

    pid: int
    created: float
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Server:
    """How to start one server and how to know that it is ready.

    Attributes:
        name: `mysql`, `s3` or `redshift`.
        command: The command line; secrets travel in `environment`.
        environment: Variables added to those of this process.
        log: Where its output goes.
        prepare: Makes the data folder before the first start; must be safe to repeat.
        probe: Connects as a client; raises one of `not_ready` until the server answers.
        not_ready: Exceptions of `probe` that mean "not yet".
        failure: The error to raise when the server does not start.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    prepare: Callable[[], None]
    probe: Callable[[], None]
    not_ready: tuple[type[Exception], ...]
    failure: type[ReplicationError]


def start(server: Server) -> ServerProcess:
    """Start a server in a session of its own, so that it survives this process and its terminal.

    A shell without job control ignores SIGINT in what it runs in the background, and children
    inherit that. Dagster treats SIGTERM as it finds SIGINT, so its runs could not end their log
    tails any more: both signals are as usual in a server.
    """
    server.prepare()
    pid = os.posix_spawn(
        server.command[0],
        server.command,
        {**os.environ, **server.environment},
        setsid=True,
        setsigdef=(signal.SIGINT, signal.SIGTERM),
        file_actions=_redirect_to(server.log),
    )
    return ServerProcess(pid, psutil.Process(pid).create_time(), server.command)


def find(process: ServerProcess) -> psutil.Process | None:
    """Return the live process of this identity, or None when it has ended."""
    try:
        found = psutil.Process(process.pid)
        if abs(found.create_time() - process.created) > _CLOCK_TOLERANCE:
            return None
        if found.status() != psutil.STATUS_ZOMBIE:
            return found
    except psutil.NoSuchProcess:
        return None
    with contextlib.suppress(ChildProcessError):  # Not our child: its parent will reap it.
        os.waitpid(process.pid, os.WNOHANG)
    return None


def stop(*processes: ServerProcess, grace: float = 20.0) -> None:
    """End processes, all at once, and everything they started; kill what outlives the grace period.

    Processes that ended already, and strangers that have their pids now, are left alone.
    """
    family = []
    for process in processes:
        found = find(process)
        if found is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                family += [*found.children(recursive=True), found]
                found.terminate()
    for straggler in _wait_for_end(family, grace):
        with contextlib.suppress(psutil.NoSuchProcess):
            straggler.kill()
    _wait_for_end(family, grace)
    # What is left are zombies, which hold nothing. Their parent takes them away soon, or never.
    psutil.wait_procs(family, timeout=_REAP_SECONDS)


def wait_until_ready(server: Server, process: ServerProcess, *, timeout: float = 60.0) -> None:
    """Return when the server answers; raise its error, with the end of its log, when it cannot."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            server.probe()
        except server.not_ready as error:
            if find(process) is None:
                raise _not_started(server, "ended during its start") from error
            if time.monotonic() > deadline:
                raise _not_started(server, f"did not answer within {timeout:.0f} s") from error
            time.sleep(_POLL_SECONDS)
        else:
            return


def last_lines(log: Path, *, count: int = 3) -> str:
    """Return the last lines of a log on one line, for an error message."""
    if not log.exists():
        return ""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return " | ".join(line.strip() for line in lines[-count:] if line.strip())


def _wait_for_end(processes: Sequence[psutil.Process], timeout: float) -> list[psutil.Process]:
    """Return the processes that have not ended within the time."""
    deadline = time.monotonic() + timeout
    while (alive := [process for process in processes if not _has_ended(process)]) and (
        time.monotonic() < deadline
    ):
        time.sleep(_POLL_SECONDS)
    return alive


def _has_ended(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _not_started(server: Server, reason: str) -> ReplicationError:
    return server.failure(
        f"The sandbox's {server.name} server {reason}: {last_lines(server.log)}",
        kept="Its data folder is as it was.",
        remedy=f"Read {server.log}, then run `mysql-s3-redshift sandbox up` again.",
    )


def _redirect_to(log: Path) -> Sequence[tuple[int, ...] | tuple[int, int, str, int, int]]:
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), append, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
