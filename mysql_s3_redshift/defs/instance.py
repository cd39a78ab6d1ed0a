"""The Dagster instance that runs of the command line are recorded in.

The same one that the web UI shows, so people see both kinds of runs in one place.
"""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from sqlalchemy.exc import SQLAlchemyError

from mysql_s3_redshift.config import Config
from mysql_s3_redshift.config.yaml_reader import read_document
from mysql_s3_redshift.defs.pools import apply_pool_limits, pool_limits
from mysql_s3_redshift.errors import ConfigError

HOME_VARIABLE = "DAGSTER_HOME"
PROCESS_TAG = "mysql_s3_redshift/process"
"""`host:pid` of the process that a run lives in; nobody else could tell that it died."""

_COMMAND_LINE_FILE = "command-line.yaml"
_NO_COMPUTE_LOGS = {
    "module": "dagster._core.storage.noop_compute_log_manager",
    "class": "NoOpComputeLogManager",
}
_OPEN = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def dagster_home(config: Config) -> Path:
    """Folder of the instance: `DAGSTER_HOME`, else `.dagster/` next to `pipelines.yaml`.

    Raises:
        ConfigError: It cannot be made.
    """
    given = os.environ.get(HOME_VARIABLE)
    home = _expanded(given) if given else config.path.parent / ".dagster"
    own, project = home / "dagster.yaml", config.path.parent / "dagster.yaml"
    with _told(home):
        home.mkdir(parents=True, exist_ok=True)
        if not own.exists() and project.exists():
            own.write_bytes(project.read_bytes())
    return home


def _expanded(given: str) -> Path:
    try:
        return Path(given).expanduser()
    except RuntimeError as error:
        raise ConfigError(
            f"{HOME_VARIABLE} is `{given}`, and that home folder is not known.",
            kept="Nothing was read or written.",
            remedy=f"Set {HOME_VARIABLE} to an absolute path.",
        ) from error


@contextmanager
def open_instance(config: Config) -> Iterator[dg.DagsterInstance]:
    """Open the instance for runs inside this process; runs of dead processes are closed first.

    Two settings of `dagster.yaml` are for processes of one run and are left out here: capturing
    standard output would take the terminal's, and log records of one table would appear in the
    runs of all others.

    Raises:
        ConfigError: `dagster.yaml` or the storage of the instance cannot be used.
    """
    home = dagster_home(config)
    with _told(home):
        _write_settings(home)
        instance = dg.DagsterInstance.from_config(str(home), _COMMAND_LINE_FILE)
    with instance:
        with _told(home):
            close_dead_runs(instance)
            apply_pool_limits(instance, pool_limits(config, config.plans()))
        yield instance


@contextmanager
def _told(home: Path) -> Iterator[None]:
    """Say which instance it is that cannot be used."""
    try:
        yield
    except (OSError, ConfigError, dg.DagsterError, SQLAlchemyError) as error:
        raise ConfigError(
            f"The Dagster instance in {home} cannot be opened: {storage_reason(error)}",
            kept="Nothing was read or written.",
            remedy=f"Check {home / 'dagster.yaml'}, the permissions of the folder and the room on "
            "its disk.",
        ) from error


def storage_reason(error: Exception) -> str:
    """What went wrong, without the statement of Dagster's storage or all that a file may hold."""
    if isinstance(error, ConfigError):
        return error.happened
    return str(getattr(error, "orig", None) or error).partition(" Expected: ")[0]


def process_tag() -> str:
    """This process, as `PROCESS_TAG` names it."""
    return f"{socket.gethostname()}:{os.getpid()}"


def close_dead_runs(instance: dg.DagsterInstance) -> int:
    """Mark runs as failed whose process on this machine is gone, and give their pool slots back.

    No daemon watches runs that live in a terminal's process, and a run that seems to go on for ever
    would keep its table's sensor waiting.

    Returns:
        How many were closed.
    """
    closed = 0
    host = socket.gethostname()
    for run in instance.get_runs(dg.RunsFilter(statuses=_OPEN)):
        owner, _, pid = run.tags.get(PROCESS_TAG, "").rpartition(":")
        if owner != host or not pid.isdigit() or _is_alive(int(pid)):
            continue
        instance.report_run_failed(run, f"Process {pid} on {host} ended before the run did.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        closed += 1
    return closed


def share_among_threads(instance: dg.DagsterInstance) -> None:
    """Make an instance safe for several runs at once in one process.

    Every run asks the instance for the log handlers of `dagster.yaml`, and the answer goes through
    `logging.config.dictConfig`, which closes all handlers of the process under the lock of the
    logging module; a second run that logs an event at that moment holds the handler and waits for
    that lock. Both wait for ever (seen with Dagster 1.13.27, four runs at once). Runs of the
    command line have no such handlers, so there is nothing to ask for.
    """
    instance.get_yaml_python_handlers = list  # type: ignore[method-assign]


def _write_settings(home: Path) -> None:
    own = home / "dagster.yaml"
    settings: Any = read_document(own).root if _has_settings(own) else {}
    changed = {k: v for k, v in (settings or {}).items() if k != "python_logs"}
    changed["compute_logs"] = _NO_COMPUTE_LOGS
    changed.setdefault("telemetry", {"enabled": False})  # on by default, with a notice on stderr
    text = f"# Written from dagster.yaml at every start.\n{json.dumps(changed, indent=1)}\n"
    target = home / _COMMAND_LINE_FILE
    if not target.exists() or target.read_text() != text:
        partial = target.with_suffix(f".{os.getpid()}")
        partial.write_text(text)
        partial.replace(target)


def _has_settings(path: Path) -> bool:
    """Whether there is anything but comments: Dagster takes an empty file for its defaults."""
    lines = path.read_text().splitlines() if path.exists() else []
    return any(line.strip() and not line.lstrip().startswith("#") for line in lines)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
