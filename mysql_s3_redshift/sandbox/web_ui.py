"""Dagster's web UI and daemon, as one more server of the sandbox."""

from __future__ import annotations

import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from mysql_s3_redshift.errors import ReplicationError
from mysql_s3_redshift.sandbox.ports import HOST
from mysql_s3_redshift.sandbox.processes import Server
from mysql_s3_redshift.sandbox.settings import Settings

PORTS = ("web",)
PROBE_SECONDS = 5.0


def address(settings: Settings) -> str:
    """Return where the web UI answers."""
    return f"http://{HOST}:{settings.ports['web']}"


def command(project: Path, settings: Settings) -> tuple[str, ...]:
    """Return the command that runs the web UI of the project in a folder."""
    workspace = str(project / "workspace.yaml")
    port = str(settings.ports["web"])
    dagster = (sys.executable, "-W", "ignore", "-m", "dagster")
    return (*dagster, "dev", "-w", workspace, "-h", HOST, "-p", port)


def environment(project: Path, settings: Settings) -> Mapping[str, str]:
    """Return what the web UI needs to find the project, its history of runs and itself."""
    return {
        "SANDBOX_WEB_UI": address(settings),
        "DAGSTER_HOME": str(project / ".dagster"),
        "MYSQL_S3_REDSHIFT_CONFIG": str(project / "pipelines.yaml"),
    }


def prepare(project: Path) -> None:
    """Make the folder that Dagster keeps its runs in, with the project's settings."""
    home = project / ".dagster"
    home.mkdir(exist_ok=True)
    shutil.copyfile(project / "dagster.yaml", home / "dagster.yaml")


def web_server(folder: Path, settings: Settings) -> Server:
    """Describe the web UI of the project that a sandbox folder lies in."""
    project = folder.parent

    def probe() -> None:
        url = f"{address(settings)}/server_info"
        with urllib.request.urlopen(url, timeout=PROBE_SECONDS) as answer:  # noqa: S310
            answer.read()

    return Server(
        name="web",
        command=command(project, settings),
        environment=environment(project, settings),
        log=folder / "web.log",
        prepare=lambda: prepare(project),
        probe=probe,
        not_ready=(urllib.error.URLError, ConnectionError, TimeoutError),
        failure=ReplicationError,
    )
