"""One run of `ssh`: started, waited for, and ended without leaving anything behind.

A shell stands between us and ssh. It holds the reading end of a pipe whose writing end only this
process has, so however this process ends, even by `kill -9`, the pipe closes and the shell ends ssh
and removes the socket. (PR_SET_PDEATHSIG would do so on Linux alone, and already when the *thread*
that started ssh ends.)
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from mysql_s3_redshift.adapters.ssh.command import PASSPHRASE_VARIABLE, READY

CLOSE_SECONDS = 5.0
_SOCKET, _ASKPASS = "socket", "askpass"
_TOLD_LINES = 4
_READ_BYTES = 16_384

_ASKPASS_SCRIPT = f"""#!/bin/sh
printf '%s\\n' "${PASSPHRASE_VARIABLE}"
"""
_SUPERVISE = """
folder=$1; shift
trap '' HUP INT
exec 3<&0
"$@" 3<&- </dev/null &
ssh=$!
{ read -r _; kill "$ssh"; } <&3 >/dev/null 2>&1 &
watcher=$!
trap 'kill "$ssh"' TERM
exec 3<&- >/dev/null 2>&1
wait "$ssh"; code=$?
wait "$ssh"  # the first one ends early when the trap was sprung
kill "$watcher" 2>/dev/null; wait "$watcher"
rm -rf "$folder"
exit "$code"
"""


class SshChild:
    """A running ssh. `socket` can be connected to once `wait_ready` has returned true."""

    def __init__(
        self,
        command: Callable[[Path], Sequence[str]],
        environment: Callable[[Path], dict[str, str]],
        *,
        asks: bool,
    ) -> None:
        """Start ssh.

        Args:
            command: Makes the command line, given the socket to listen on.
            environment: Makes its environment, given the program that tells the passphrase.
            asks: Whether ssh needs that program.
        """
        # Only this user can enter the folder, so only this user can use the tunnel.
        self._folder = Path(tempfile.mkdtemp(prefix="ssh-tunnel-"))
        self.socket = self._folder / _SOCKET
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        try:
            askpass = self._folder / _ASKPASS
            if asks:
                askpass.write_text(_ASKPASS_SCRIPT)
                askpass.chmod(0o700)
            self._process = subprocess.Popen(  # noqa: S603 - words, not a shell line
                ["/bin/sh", "-c", _SUPERVISE, "ssh-tunnel", self._folder, *command(self.socket)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env=environment(askpass),
                # A Ctrl-C at the terminal must not end the tunnel before what uses it.
                start_new_session=True,
            )
        except BaseException:
            self._log.close()
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    @property
    def alive(self) -> bool:
        """Whether ssh runs; its output ends a moment before the shell does."""
        output = self._process.stdout
        if output is None or output.closed or self._process.poll() is not None:
            return False
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            return not (selector.select(0) and not os.read(output.fileno(), _READ_BYTES))

    @property
    def pid(self) -> int:
        """The shell's process id; it leads the process group of the tunnel."""
        return self._process.pid

    def wait_ready(self, seconds: float) -> bool:
        """Wait until ssh listens; false when it ended before, or did not get there in time."""
        output = self._process.stdout
        if output is None:
            return False
        deadline, text = time.monotonic() + seconds, b""
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while selector.select(max(0.0, deadline - time.monotonic())):
                found = os.read(output.fileno(), _READ_BYTES)
                text += found
                if READY.encode() in text.split():
                    (self._folder / _ASKPASS).unlink(missing_ok=True)
                    return True
                if not found:
                    self._wait(CLOSE_SECONDS)
                    return False
        return False

    def complaints(self) -> str:
        """The last lines that ssh wrote, on one line."""
        if self._log.closed:
            return ""
        size = os.fstat(self._log.fileno()).st_size
        tail = os.pread(self._log.fileno(), _READ_BYTES, max(0, size - _READ_BYTES))
        lines = [line.strip() for line in tail.decode(errors="replace").splitlines()]
        text = " | ".join([line for line in lines if line][-_TOLD_LINES:])
        return "".join(char if char.isprintable() else " " for char in text)

    def close(self) -> None:
        """End ssh and everything that belongs to it; takes a few seconds at most."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        if not self._wait(CLOSE_SECONDS) or self._process.returncode < 0:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._wait(CLOSE_SECONDS)
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _wait(self, seconds: float) -> bool:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True
