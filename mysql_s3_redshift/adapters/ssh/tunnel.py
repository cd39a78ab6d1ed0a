"""A tunnel to one server behind a bastion; opened at first use, opened again when it was lost."""

from __future__ import annotations

import logging
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

from mysql_s3_redshift.adapters.ssh.child import SshChild
from mysql_s3_redshift.adapters.ssh.command import (
    add_host_key,
    check_files,
    find_ssh,
    ssh_command,
    ssh_environment,
)
from mysql_s3_redshift.config import SourceConfig, SshConfig, TargetConfig
from mysql_s3_redshift.errors import (
    ConfigError,
    ReplicationError,
    SourceConnectionError,
    TargetConnectionError,
)

logger = logging.getLogger(__name__)

REOPEN_SECONDS = 60.0
"""How long a tunnel that was lost is tried again, with growing pauses."""

LONGEST_PAUSE_SECONDS = 10.0
_FIRST_PAUSE_SECONDS = 0.5
_HANDSHAKE_SECONDS = 5.0
_KEPT = "No connection was opened; what was committed before is unchanged."
_UNKNOWN_HOST = re.compile(r"Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED")
_REFUSED_KEY = re.compile(r"Permission denied \(|Too many authentication failures")
_UNUSABLE = re.compile(r"[Bb]ad configuration option|no such identity|Load key ")


class Tunnel:
    """The way to one source or target through its bastion; may be shared among threads."""

    def __init__(self, section: str, name: str, config: SourceConfig | TargetConfig) -> None:
        """Describe a tunnel; nothing is started yet.

        Args:
            section: `sources` or `targets`.
            name: Name of the connection.
            config: The connection, with `ssh`.
        """
        if config.ssh is None:
            raise ConfigError(f"{section}.{name} has no `ssh` section.")
        self._place, self._ssh = f"{section}.{name}.ssh", config.ssh
        host = f"[{config.host}]" if ":" in config.host else config.host
        self._remote = f"{host}:{config.port}"
        self._seconds = max(1, int(config.connect_timeout.total_seconds()))
        self._lost: type[ReplicationError] = (
            SourceConnectionError if section == "sources" else TargetConnectionError
        )
        self._lock = threading.Lock()
        self._child: SshChild | None = None
        self._was_open = False

    def connect(self) -> socket.socket:
        """Return a socket that leads to the server.

        Raises:
            ConfigError: The tunnel cannot be opened as it is configured.
            SourceConnectionError: The source's bastion cannot be reached.
            TargetConnectionError: The target's bastion cannot be reached.
        """
        try:
            return _connected(self.open(), self._seconds)
        except OSError as error:
            logger.debug("%s: the tunnel broke just now: %s", self._place, error)
        self.close()
        try:
            return _connected(self.open(), self._seconds)
        except OSError as error:
            raise self._unreachable(f"the tunnel broke: {error}") from error

    def open(self) -> Path:
        """Return the socket to connect to; opens the tunnel where it is not open.

        One that was open before is tried again for a minute; raises as `connect`.
        """
        with self._lock:
            if self._child is not None and self._child.alive:
                return self._child.socket
            deadline = time.monotonic() + (REOPEN_SECONDS if self._was_open else 0.0)
            pause = _FIRST_PAUSE_SECONDS
            while True:
                try:
                    return self._start()
                except (SourceConnectionError, TargetConnectionError) as error:
                    if time.monotonic() + pause > deadline:
                        raise
                    logger.warning("%s: trying again in %.1f s: %s", self._place, pause, error)
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def complaints(self) -> str:
        """What ssh said last, for the error of a connection that failed inside the tunnel."""
        child = self._child
        return child.complaints() if child is not None else ""

    def close(self) -> None:
        """Close the tunnel, and with it the connections through it."""
        with self._lock:
            child, self._child = self._child, None
            if child is not None:
                child.close()

    def _start(self) -> Path:
        if self._child is not None:
            logger.warning("%s: the tunnel was lost: %s", self._place, self._child.complaints())
            self._child.close()
            self._child = None
        ssh, binary = self._ssh, find_ssh(self._place)
        check_files(self._place, ssh, os.environ)
        asks = ssh.private_key_passphrase is not None
        child = SshChild(
            lambda end: ssh_command(
                binary, ssh, forward=f"{end}:{self._remote}", connect_seconds=self._seconds
            ),
            lambda askpass: ssh_environment(ssh, askpass if asks else None),
            asks=asks,
        )
        error: ReplicationError | None = None
        try:
            if not child.wait_ready(self._seconds + _HANDSHAKE_SECONDS):
                error = self._error(child)
        except BaseException:
            child.close()
            raise
        if error is not None:
            child.close()
            raise error
        logger.debug("%s: tunnel to %s is open, pid %d", self._place, self._remote, child.pid)
        self._child, self._was_open = child, True
        return child.socket

    def _error(self, child: SshChild) -> ReplicationError:
        said = child.complaints()
        ssh = self._ssh
        if _UNKNOWN_HOST.search(said):
            return ConfigError(
                f"{self._place}: {ssh.host} did not show a host key that {ssh.known_hosts} has: "
                f"{said}",
                kept=_KEPT,
                remedy=add_host_key(ssh),
            )
        if _REFUSED_KEY.search(said) or _UNUSABLE.search(said):
            return self._refused(said)
        if child.alive:
            said = f"no answer within {self._seconds + _HANDSHAKE_SECONDS:.0f} s. {said}".strip()
        return self._unreachable(said)

    def _refused(self, said: str) -> ConfigError:
        ssh, key = self._ssh, self._ssh.private_key
        if key is not None and _is_protected(ssh):
            how = "does not open" if ssh.private_key_passphrase else "is not given for"
            return ConfigError(
                f"{self._place}: the passphrase {how} the private key {key}.",
                kept=_KEPT,
                remedy=f"Set {self._place}.private_key_passphrase, or `ssh-add {key}` and run "
                "where SSH_AUTH_SOCK is set.",
            )
        shown = f"the key {key}" if key else "the SSH agent's keys"
        return ConfigError(
            f"{self._place}: {ssh.host} refused user {ssh.user} with {shown}: {said}",
            kept=_KEPT,
            remedy=f"Check {self._place}.user, and that the bastion's authorized_keys has the key.",
        )

    def _unreachable(self, why: str) -> ReplicationError:
        return self._lost(
            f"{self._place}: no tunnel through {self._ssh.host}:{self._ssh.port}: {why}",
            kept=_KEPT,
            remedy=f"Check {self._place} (host, port), the network and the bastion.",
        )


def _connected(path: Path, seconds: float) -> socket.socket:
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        end.settimeout(seconds)
        end.connect(str(path))
    except BaseException:
        end.close()
        raise
    return end


def _is_protected(ssh: SshConfig) -> bool:
    """Tell whether the key does not open without a passphrase."""
    keygen = shutil.which("ssh-keygen")
    if keygen is None:
        return False
    outcome = subprocess.run(  # noqa: S603 - words, not a shell line
        [keygen, "-y", "-P", "", "-f", str(ssh.private_key)],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return outcome.returncode != 0 and b"passphrase" in outcome.stderr
