"""What a sandbox remembers in its folder: passwords, ports and processes.

`sandbox.json` is the memory, `env` the same facts as variables for `pipelines.yaml`, `lock` keeps
two commands from changing one sandbox at once. All three are readable by their owner only.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from mysql_s3_redshift.errors import ConfigError
from mysql_s3_redshift.sandbox.processes import ServerProcess

_FILE = "sandbox.json"
_OWNER_ONLY = 0o600
_LOCK_SECONDS = 180.0
_UNWRITABLE = {errno.EACCES, errno.EDQUOT, errno.ENOSPC, errno.EPERM, errno.EROFS}


@dataclass(frozen=True, slots=True)
class Secrets:
    """The passwords of one sandbox, generated on its first start."""

    mysql_admin: str
    mysql_reader: str
    s3_access_key_id: str
    s3_secret_access_key: str
    redshift: str

    @staticmethod
    def generate() -> Secrets:
        """Draw new passwords; each has the upper case, lower case and digit Redshift asks for."""
        return Secrets(
            mysql_admin=_password(),
            mysql_reader=_password(),
            s3_access_key_id=f"SANDBOX{secrets.token_hex(6).upper()}",
            s3_secret_access_key=_password(),
            redshift=_password(),
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """The memory of one sandbox; every change returns a new value.

    Attributes:
        secrets: Passwords.
        ports: Port by purpose: `mysql`, `s3`, `s3_master`, …
        processes: The started servers by name.
        databases: Demo schemas that are complete.
        mysql_time_zone: The time zone of the MySQL server, as an offset.
        mysql_url: The foreign MySQL server in use instead of our own.
    """

    secrets: Secrets
    ports: Mapping[str, int] = field(default_factory=dict)
    processes: Mapping[str, ServerProcess] = field(default_factory=dict)
    databases: tuple[str, ...] = ()
    mysql_time_zone: str = "+00:00"
    mysql_url: str | None = None

    def with_process(self, name: str, process: ServerProcess | None) -> Settings:
        """Remember the process of a server, or forget it."""
        others = {key: value for key, value in self.processes.items() if key != name}
        return replace(self, processes=others if process is None else {**others, name: process})


def load_settings(folder: Path) -> Settings | None:
    """Read the memory of a folder, or None where no sandbox was ever started."""
    path = folder / _FILE
    if not path.exists():
        return None
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        processes = {
            name: ServerProcess(entry["pid"], entry["created"], tuple(entry["command"]))
            for name, entry in document["processes"].items()
        }
        return Settings(
            secrets=Secrets(**document["secrets"]),
            ports=document["ports"],
            processes=processes,
            databases=tuple(document["databases"]),
            mysql_time_zone=document["mysql_time_zone"],
            mysql_url=document["mysql_url"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{path} cannot be understood: {error!r}.",
            kept="Nothing was started or stopped.",
            remedy=f"Stop the servers that use {folder} and delete the folder.",
        ) from error


def save_settings(folder: Path, settings: Settings) -> None:
    """Replace the memory of a folder in one step."""
    write_private(folder / _FILE, json.dumps(asdict(settings), indent=2) + "\n")


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step; nobody but its owner can read it at any moment."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the kernel frees it when its holder dies.

    Raises:
        ConfigError: The folder cannot be written, or somebody holds the lock for too long.
    """
    try:
        with _locked(folder):
            yield
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        raise ConfigError(
            f"The sandbox's folder {folder} cannot be written: {error.strerror}.",
            kept="Servers that ran still run; their data stays.",
            remedy="Check the permissions of the folder and the room on its disk, or choose "
            "another one with `sandbox --folder`.",
        ) from error


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + _LOCK_SECONDS
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, _OWNER_ONLY)
    try:
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                raise ConfigError(
                    f"Another command has been changing the sandbox {folder} "
                    f"for {_LOCK_SECONDS:.0f} s.",
                    kept="Nothing was started or stopped.",
                    remedy="Wait for it to end, then try again.",
                )
            time.sleep(0.1)
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _password() -> str:
    return f"Sb1{secrets.token_hex(12)}"
