"""Small configurations that tests start from and break in one place."""

import copy
import json
from pathlib import Path
from typing import Any

from mysql_s3_redshift.config import Config, load
from mysql_s3_redshift.config.variables import SecretReader

SOURCE = {"host": "db.internal", "user": "reader", "password": "source-canary"}
STORAGE = {"bucket": "company-lake", "prefix": "mysql", "region": "us-west-2"}
TARGET = {
    "host": "cluster.abc.us-west-2.redshift.amazonaws.com",
    "database": "dev",
    "user": "loader",
    "password": "target-canary",
}
TABLE_PATH = ("pipelines", "shop", "tables", "shop.orders")


def document(**changes: Any) -> dict[str, Any]:
    """A configuration with one pipeline of one discovered table."""
    return {
        "sources": {"main": SOURCE},
        "storages": {"lake": STORAGE},
        "targets": {"warehouse": TARGET},
        "pipelines": {
            "shop": {
                "source": "main",
                "storage": "lake",
                "target": "warehouse",
                "target_schema": "shop",
                "tables": {"shop.orders": None},
            }
        },
        **changes,
    }


def with_value(
    path: tuple[str, ...], value: Any, *, start: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The same configuration with one value set."""
    result = copy.deepcopy(start or document())
    section = result
    for part in path[:-1]:
        if section.get(part) is None:
            section[part] = {}
        section = section[part]
    section[path[-1]] = value
    return result


def with_table(options: dict[str, Any], name: str = "shop.orders") -> dict[str, Any]:
    """The same configuration with options of a table set."""
    return with_value((*TABLE_PATH[:-1], name), options)


def write(folder: Path, content: dict[str, Any] | str | bytes) -> Path:
    """Write a configuration; JSON is YAML, so a mapping is written as that."""
    path = folder / "pipelines.yaml"
    if isinstance(content, dict):
        content = json.dumps(content, indent=1, ensure_ascii=False)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def loaded(
    folder: Path,
    content: dict[str, Any] | str | bytes,
    *,
    environ: dict[str, str] | None = None,
    secret_reader: SecretReader | None = None,
) -> Config:
    """Write a configuration and load it, in an environment without variables."""
    return load(write(folder, content), environ=environ or {}, secret_reader=secret_reader)
