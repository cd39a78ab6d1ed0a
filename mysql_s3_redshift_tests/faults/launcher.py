"""Start drivers fast: a process that has everything imported and forks for every run.

A fault matrix runs the driver hundreds of times, and most of a run's second would be imports. The
launcher takes one JSON document per line on stdin, forks, runs the driver in the child with its own
environment, and answers with the exit code once the child has ended: -9 after `kill -9`.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mysql_s3_redshift.adapters.s3.bucket import Bucket
from mysql_s3_redshift.config import load as load_config
from mysql_s3_redshift.core import faultpoints
from mysql_s3_redshift_tests.faults import driver


class Launcher:
    """A launcher process; runs one driver at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mysql_s3_redshift_tests.faults.launcher"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(30)

    def start(self, arguments: Sequence[str], *, faults: str = "", log: Path) -> int:
        """Start a driver and return its process id."""
        order = {"arguments": list(arguments), "faults": faults, "log": str(log)}
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the launcher has no pipes")
        stdin.write(json.dumps(order) + "\n")
        stdin.flush()
        return int(stdout.readline())

    def wait(self) -> int:
        """Wait for the driver that was started and return its exit code."""
        stdout = self._process.stdout
        if stdout is None:
            raise RuntimeError("the launcher has no pipes")
        return int(stdout.readline())


def serve() -> None:
    """Fork a driver for every line of stdin."""
    for line in sys.stdin:
        order = json.loads(line)
        _make_clients(order["arguments"])
        child = os.fork()
        if child == 0:
            os._exit(_drive(order))
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _make_clients(arguments: Sequence[str]) -> None:
    """Make the S3 clients that all drivers of a configuration share; none connects here."""
    config = load_config(Path(arguments[arguments.index("--config") + 1]))
    for name in config.storage_names:
        _ = Bucket(config.storage(name)).client


def _drive(order: dict[str, Any]) -> int:
    """Be the driver: own output, own environment."""
    with Path(order["log"]).open("ab", buffering=0) as log:
        for number in (1, 2):
            os.dup2(log.fileno(), number)
    os.environ[faultpoints.VARIABLE] = order["faults"]
    importlib.reload(faultpoints)  # reads the variable again, in the module that all others share
    try:
        code = driver.main(order["arguments"])
    except SystemExit as stop:
        code = int(stop.code or 0)
    except BaseException:  # noqa: BLE001  a defect of the engine: shown, and an exit code like any
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    return code


if __name__ == "__main__":
    serve()
