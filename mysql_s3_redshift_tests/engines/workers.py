"""Celery's workers, each as if it were a machine of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from mysql_s3_redshift_tests.engines.servers import ROOT, SECONDS, make_home, program, wait_until

EXECUTION: dict[str, Any] = {
    "executor": "celery",
    "config": {
        "broker": {"env": "CELERY_BROKER_URL"},
        "backend": {"env": "CELERY_RESULT_BACKEND"},
        "config_source": {
            "task_acks_late": True,
            "task_reject_on_worker_lost": True,
            "worker_prefetch_multiplier": 1,
            "broker_transport_options": {
                "visibility_timeout": 8,
                "unacked_restore_interval": 1,
                "unacked_restore_throttle": 1,
                "unacked_mutex_expire": 2,
            },
        },
    },
}
"""As in docs/scaling.md, with a machine counted as lost after 8 seconds instead of hours."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A Celery worker: a machine of its own, as far as it can tell."""

    process: subprocess.Popen[bytes]
    log: Path

    def is_ready(self) -> bool:
        """Whether it takes tasks."""
        text = self.log.read_text(errors="replace")
        assert self.process.poll() is None, text[-3000:]
        return " ready." in text

    def is_frozen(self) -> bool:
        """Whether the process that runs its steps has stopped itself."""
        for process in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess):  # a short-lived one of its many
                if process.status() == psutil.STATUS_STOPPED:
                    return True
        return False

    def wake(self) -> None:
        """Let frozen processes go on."""
        for process in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()

    def kill(self) -> None:
        """Let the machine vanish: SIGKILL to every process of it."""
        for process in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait(SECONDS)

    def _processes(self) -> list[psutil.Process]:
        try:
            main = psutil.Process(self.process.pid)
            return [main, *main.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


@contextlib.contextmanager
def running_workers(
    folder: Path, config: Path, *, environments: Mapping[str, Mapping[str, str]]
) -> Iterator[dict[str, Worker]]:
    """Workers by name, each with an environment of its own, that are ready to take tasks."""
    workers: dict[str, Worker] = {}
    try:
        for name, environment in environments.items():
            workers[name] = start_worker(folder / name, config, environment=environment)
        wait_until("the workers", lambda: all(worker.is_ready() for worker in workers.values()))
        yield workers
    finally:
        for worker in workers.values():
            worker.kill()


def start_worker(folder: Path, config: Path, *, environment: Mapping[str, str]) -> Worker:
    """Start a worker by the documented command in a folder of its own.

    It shares nothing with others but what its copy of `pipelines.yaml` and its environment name:
    S3, the databases, Redis and Dagster's storage.
    """
    home = make_home(folder / "dagster", {})
    own = folder / "pipelines.yaml"
    shutil.copy(config, own)
    log = folder / "worker.log"
    command = [program("dagster-celery"), "worker", "start", "-A", "dagster_celery.app"]
    command += ["-y", str(own), "-q", "dagster", "-n", folder.name, "--", "--concurrency", "1"]
    kept = {name: os.environ[name] for name in ("LANG", "LD_LIBRARY_PATH") if name in os.environ}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={
                **kept,
                **environment,
                "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}",
                "PYTHONPATH": str(ROOT),
                "HOME": str(folder),
                "DAGSTER_HOME": str(home),
                "MYSQL_S3_REDSHIFT_CONFIG": str(own),
            },
        )
    return Worker(process, log)
