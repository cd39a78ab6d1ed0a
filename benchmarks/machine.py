"""What the numbers were measured on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from benchmarks.environments import PACKAGES, versions
from benchmarks.workspace import Workspace

OURS = ("pyarrow", "numpy", "pymysql", "boto3", "redshift-connector", "dagster")


def describe(workspace: Workspace) -> dict[str, Any]:
    """Machine and versions, as the results name them."""
    with workspace.admin(None) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT VERSION()")
        (server,) = cursor.fetchone() or ("?",)
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "mysql": server,
        "load": round(os.getloadavg()[0], 1),
        "ours": {name: version(name) for name in OURS},
        "others": {name: versions(workspace, name) for name in PACKAGES if name != "plots"},
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
