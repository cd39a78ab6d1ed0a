"""The command of an OpenSSH client that forwards one socket, and what must hold before it runs.

Everything that decides about trust is on the command line, where it wins over any configuration
file (ssh_config(5): "the first obtained value will be used"), and no file is read unasked.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path

from mysql_s3_redshift.config import SshConfig
from mysql_s3_redshift.errors import ConfigError

PASSPHRASE_VARIABLE = "TUNNEL_KEY_PASSPHRASE"  # noqa: S105 - a name, not a passphrase
READY = "forwarding"
"""What ssh prints when it listens: LocalCommand runs after the forwarding is set up."""

KEEP_ALIVE_SECONDS = 10
KEEP_ALIVE_COUNT = 3
"""A bastion that went silent is given up after half a minute."""

_KEPT = "No connection was opened."
_ENVIRONMENT = ("HOME", "LOGNAME", "PATH", "SSH_AUTH_SOCK", "USER")
_FIRST_BYTES = 100


def find_ssh(place: str) -> str:
    """Find the OpenSSH client.

    Raises:
        ConfigError: There is none.
    """
    binary = shutil.which("ssh")
    if binary is None:
        raise ConfigError(
            f"{place} needs the OpenSSH client, and there is no `ssh` in PATH.",
            kept=_KEPT,
            remedy="Install it (Debian, Ubuntu: `apt-get install -y openssh-client`; Fedora, "
            "Amazon Linux: `dnf install -y openssh-clients`).",
        )
    return binary


def ssh_command(binary: str, config: SshConfig, *, forward: str, connect_seconds: int) -> list[str]:
    """Build the command line; no secret is on it.

    Args:
        binary: The OpenSSH client.
        config: The bastion.
        forward: Value of `-L`.
        connect_seconds: Bound for reaching the bastion.
    """
    interactive = config.private_key_passphrase is not None
    options = {
        "BatchMode": "no" if interactive else "yes",
        "CheckHostIP": "no",
        "ConnectTimeout": str(connect_seconds),
        "ControlMaster": "no",
        "ControlPath": "none",
        "ExitOnForwardFailure": "yes",
        "ForwardAgent": "no",
        "ForwardX11": "no",
        "GlobalKnownHostsFile": "/dev/null",
        # A passphrase must never be offered to the bastion as a password.
        "KbdInteractiveAuthentication": "no",
        "LocalCommand": f"echo {READY}",
        "LogLevel": "INFO",
        "NumberOfPasswordPrompts": "1",
        "PasswordAuthentication": "no",
        "PermitLocalCommand": "yes",
        "PreferredAuthentications": "publickey",
        "ServerAliveCountMax": str(KEEP_ALIVE_COUNT),
        "ServerAliveInterval": str(KEEP_ALIVE_SECONDS),
        "StreamLocalBindUnlink": "yes",
        "StrictHostKeyChecking": "yes",
        "UpdateHostKeys": "no",
        "UserKnownHostsFile": _quoted(config.known_hosts),
    }
    if config.private_key is not None:
        options |= {"IdentitiesOnly": "yes", "IdentityFile": _quoted(config.private_key)}
    elif config.config_file is None:
        options |= {"IdentityFile": "none"}
    words = [f"-o{name}={value}" for name, value in options.items()]
    settings = str(config.config_file) if config.config_file else "none"
    target = ["-p", str(config.port), "-l", config.user, "--", config.host]
    return [binary, "-N", "-T", "-F", settings, *words, "-L", forward, *target]


def ssh_environment(config: SshConfig, askpass: Path | None) -> dict[str, str]:
    """Return what ssh may know of our environment: not the secrets that are in it.

    A configuration file may name a ProxyCommand, which needs the environment of a shell.
    """
    names = os.environ if config.config_file else _ENVIRONMENT
    environment = {name: os.environ[name] for name in names if name in os.environ}
    environment["SHELL"] = "/bin/sh"
    if askpass is not None and config.private_key_passphrase is not None:
        environment |= {
            "DISPLAY": environment.get("DISPLAY", ":0"),  # asked for by OpenSSH before 8.4
            "SSH_ASKPASS": str(askpass),
            "SSH_ASKPASS_REQUIRE": "force",
            PASSPHRASE_VARIABLE: config.private_key_passphrase.get_secret_value(),
        }
    return environment


def check_files(place: str, config: SshConfig, environ: Mapping[str, str]) -> None:
    """Refuse what ssh would refuse with fewer words, or not at all.

    Raises:
        ConfigError: A file is missing, not what it should be, or open to others.
    """
    if config.private_key is not None:
        _check_key(f"{place}.private_key", config.private_key)
    elif config.config_file is None and not environ.get("SSH_AUTH_SOCK"):
        raise ConfigError(
            f"{place} names no private_key, and no SSH agent is running (SSH_AUTH_SOCK).",
            kept=_KEPT,
            remedy=f"Set {place}.private_key, or start an agent and `ssh-add` the key.",
        )
    if not config.known_hosts.is_file():
        raise ConfigError(
            f"{place}.known_hosts: there is no file {config.known_hosts}.",
            kept=_KEPT,
            remedy=add_host_key(config),
        )
    for path in (config.private_key, config.known_hosts):
        if path is not None and any(bad in str(path) for bad in ('"', "\\", "\n", "${")):
            raise ConfigError(
                f"{place}: ssh cannot be told the path {path}.",
                kept=_KEPT,
                remedy='Use a path without `"`, `\\`, `${` and line breaks.',
            )


def add_host_key(config: SshConfig) -> str:
    """Say how the bastion's host key gets into the file."""
    port = f"-p {config.port} " if config.port != 22 else ""
    return (
        f"Run `ssh-keyscan {port}{config.host} >> {config.known_hosts}`, and compare the "
        "fingerprint (`ssh-keygen -lf FILE`) with the one the bastion's owner tells you."
    )


def _check_key(place: str, path: Path) -> None:
    try:
        status = path.stat()
        with path.open("rb") as file:
            first = file.read(_FIRST_BYTES)
    except OSError as error:
        raise ConfigError(
            f"{place}: {path} cannot be read: {error.strerror}.",
            kept=_KEPT,
            remedy="Check the path and that this user may read the file.",
        ) from error
    # Secrets that are mounted belong to somebody else and are shared by group: ssh takes those.
    closed_to = 0o077 if status.st_uid == os.geteuid() else 0o007
    if status.st_mode & closed_to:
        raise ConfigError(
            f"{place}: {path} is open to other users (mode {stat.S_IMODE(status.st_mode):04o}).",
            kept=_KEPT,
            remedy=f"Run `chmod 600 {path}`.",
        )
    if b"PRIVATE KEY-----" not in first:
        raise ConfigError(
            f"{place}: {path} is not a private key in OpenSSH or PEM format.",
            kept=_KEPT,
            remedy="Name the private key, not the `.pub` file; convert a PuTTY key with "
            "`puttygen KEY.ppk -O private-openssh -o KEY`.",
        )


def _quoted(path: Path) -> str:
    """Write a path as ssh reads it back: `%` begins a token there, a space ends a word."""
    return '"{}"'.format(str(path).replace("%", "%%"))
