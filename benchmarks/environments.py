"""The other tools, each in an environment of its own under `.work/environments`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.workspace import Workspace

PACKAGES = {
    "connectorx": ("connectorx==0.4.6", "pyarrow==26.0.1"),
    "dlt": (
        "dlt[parquet]==1.31.0",
        "sqlalchemy==2.0.51",
        "connectorx==0.4.6",
        "pymysql==1.2.4",
        "pandas==3.1.1",
    ),
    "sling": ("sling==1.4.11", "sling-linux-amd64==1.4.11"),
    "ingestr": ("ingestr==1.1.22",),
    "mysqlclient": ("mysqlclient==2.3.1", "pyarrow==26.0.1"),
    "plots": ("matplotlib==3.11.2",),
}


def make_environment(workspace: Workspace, name: str) -> Path:
    """Create an environment and install its packages; return its `bin` folder.

    One that is complete, for the same packages, is used as it is.
    """
    folder = workspace.folder / "environments" / name
    stamp, wanted = folder / "installed.txt", "\n".join(PACKAGES[name])
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"installing {name}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *PACKAGES[name]], check=True)
        stamp.write_text(wanted)
    return folder / "bin"


def versions(workspace: Workspace, name: str) -> dict[str, str]:
    """Tell which versions of its packages an environment has."""
    pip = workspace.folder / "environments" / name / "bin" / "pip"
    listed = subprocess.run(
        [str(pip), "list", "--format=freeze", "--disable-pip-version-check"],
        capture_output=True,
        text=True,
        check=True,
    )
    pairs = (line.split("==", 1) for line in listed.stdout.splitlines() if "==" in line)
    found = dict(pairs)
    wanted = {package.split("==")[0].split("[")[0].lower() for package in PACKAGES[name]}
    return {package: version for package, version in found.items() if package.lower() in wanted}
