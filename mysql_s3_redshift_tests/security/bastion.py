"""A bastion: OpenSSH's server on loopback, which forwards to the ports that a test allows."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from mysql_s3_redshift.sandbox.ports import HOST
from mysql_s3_redshift_tests.servers import free_port

_SETTINGS = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile none
StrictModes no
UsePAM no
AuthorizedKeysFile {folder}/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowTcpForwarding local
AllowStreamLocalForwarding no
PermitOpen {permitted}
ForceCommand /bin/false
MaxStartups 100
KexAlgorithms curve25519-sha256
LoginGraceTime 20
"""


def make_key(path: Path, passphrase: str = "") -> Path:
    """Write a private key; its public half lies beside it."""
    # The passphrase of a test's key may stand on a command line; the product's may not.
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


@dataclass
class Bastion:
    """A bastion in a folder of its own; `key` opens it, `known_hosts` knows it.

    Attributes:
        permitted: What it may forward to.
    """

    folder: Path
    permitted: str = "any"
    port: int = 0
    _server: subprocess.Popen[bytes] | None = None

    @property
    def key(self) -> Path:
        return self.folder / "key"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def runs(self) -> bool:
        return self._server is not None

    def create(self) -> None:
        self.folder.mkdir()
        self.port = free_port()
        make_key(self.folder / "host_key")
        self.admit(make_key(self.key))
        self.known_hosts.write_text(
            f"[{HOST}]:{self.port} {self._public(self.folder / 'host_key')}"
        )
        self.start()

    def admit(self, key: Path) -> None:
        with (self.folder / "authorized_keys").open("a") as file:
            file.write(self._public(key))

    def start(self) -> None:
        binary = shutil.which(
            "sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
        )
        assert binary is not None, "openssh-server is needed: scripts/install-system.sh ssh"
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        settings = self.folder / "sshd_config"
        settings.write_text(
            _SETTINGS.format(port=self.port, folder=self.folder, permitted=self.permitted)
        )
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [binary, "-D", "-e", "-f", str(settings)], stdout=log, stderr=log
            )
        _wait_until_open(self.port)

    def stop(self) -> None:
        """End the server and every connection through it."""
        if self._server is not None:
            self.drop_connections()
            late = self.sessions()
            self._server.kill()
            self._server.wait(60)
            self._server = None
            _kill(late)

    def sessions(self) -> list[psutil.Process]:
        """The processes that serve connections."""
        if self._server is None:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(self._server.pid).children(recursive=True)
        return []

    def drop_connections(self) -> None:
        """Cut every connection; new ones are taken."""
        _kill(self.sessions())

    def freeze(self) -> None:
        """Let every connection hang."""
        for process in self.sessions():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()

    def section(self, **changes: Any) -> dict[str, Any]:
        """The `ssh` section of a connection that goes through it."""
        section = {
            "host": HOST,
            "port": self.port,
            "user": getpass.getuser(),
            "private_key": str(self.key),
            "known_hosts": str(self.known_hosts),
        }
        return {k: v for k, v in (section | changes).items() if v is not None}

    @staticmethod
    def _public(key: Path) -> str:
        return key.with_name(f"{key.name}.pub").read_text()


def _kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=60)


def _wait_until_open(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection((HOST, port), 1).close()
        except OSError:
            assert time.monotonic() < deadline, f"nothing listens on port {port}"
            time.sleep(0.02)
        else:
            return
