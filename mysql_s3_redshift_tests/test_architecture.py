"""The shape of the code: imports point one way, modules stay short, names say something."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "mysql_s3_redshift"
LAYERS = {
    "errors": set(),
    "core": {"errors"},
    "config": {"errors", "core"},
    "adapters": {"errors", "core", "config"},
    "defs": {"errors", "core", "config", "adapters", "definitions"},
    "definitions": {"errors", "core", "config", "adapters", "defs"},
    "sandbox": {"errors", "core", "config", "adapters"},
    "cli": {"errors", "core", "config", "adapters", "defs", "definitions", "sandbox"},
    "__main__": {"cli"},
}
DRIVERS = {"boto3", "botocore", "sqlalchemy", "pymysql", "redshift_connector", "dagster", "click"}
ONLY_IN = {
    "dagster": {"defs", "definitions"},
    "boto3": {"adapters", "sandbox"},
    "botocore": {"adapters", "sandbox"},
    "redshift_connector": {"adapters", "sandbox"},
    "yaml": {"config"},
    "click": {"cli", "sandbox"},
}
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}
MOST_LINES = 315
WEB_CLIENTS = {"urllib.request", "http.client", "requests", "httpx", "aiohttp", "urllib3", "ftplib"}
INSTALLERS = {"pip", "curl", "wget", "npm", "apt-get", "urlretrieve"}


def modules() -> Iterator[Path]:
    """Every module of the product."""
    return PACKAGE.rglob("*.py")


def layer_of(path: Path) -> str:
    """First part of a module's path inside the package."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Names of all modules that a module imports, lazily or not."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("path", sorted(modules()), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path):
    layer = layer_of(path)
    if layer == "__init__":
        return
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "mysql_s3_redshift" and len(parts) > 1 and parts[1] != layer:
            assert parts[1] in LAYERS[layer], f"{layer} must not import {name}"
        if parts[0] in ONLY_IN:
            assert layer in ONLY_IN[parts[0]], f"{layer} must not import {name}"
        if layer == "core":
            assert parts[0] not in DRIVERS, f"core must not import {name}"


def test_definitions_keep_their_annotations():
    for path in (PACKAGE / "defs").rglob("*.py"):
        assert "__future__" not in set(imported(path)), f"{path}: Dagster reads annotations"


def test_modules_are_short_and_their_names_say_something():
    for path in modules():
        assert path.stem not in EMPTY_NAMES, path
        assert len(path.read_text().splitlines()) <= MOST_LINES, f"{path} is too long"


def test_no_table_name_of_the_demo_is_known_to_the_product():
    """I-11: nothing is special about any table."""
    names = ("settle_orders", "uni_parcels", "exchange_rates", "settlement_")
    for path in modules():
        if layer_of(path) in {"sandbox"}:
            continue
        text = path.read_text()
        assert not [name for name in names if name in text], path


def test_nothing_is_fetched_or_installed_while_the_product_runs():
    """P-10: what runs is what pip has installed; no program comes from the network at first use.

    Two modules speak HTTP themselves: alerts are posted, and the sandbox looks at its web UI.
    """
    for path in modules():
        place = str(path.relative_to(PACKAGE))
        if place not in {"defs/alert_channels.py", "sandbox/web_ui.py"}:
            assert WEB_CLIENTS.isdisjoint(imported(path)), place
        words = {
            str(node.value) if isinstance(node, ast.Constant) else node.attr
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, (ast.Constant, ast.Attribute))
        }
        assert INSTALLERS.isdisjoint(words), place
