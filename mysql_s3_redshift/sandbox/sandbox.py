"""Start, inspect and stop the three servers of one sandbox folder.

`up` is idempotent and repairs: a server that runs as it should is left alone, one that is missing,
dead or was started with other options is started again. Ports and passwords are remembered, so the
addresses stay the same wherever their ports are still free.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mysql_s3_redshift.errors import ConfigError
from mysql_s3_redshift.sandbox import mysql_server, redshift_server, s3_server, web_ui
from mysql_s3_redshift.sandbox.mysql_server import MysqlAccount
from mysql_s3_redshift.sandbox.ports import HOST, choose_port, choosing
from mysql_s3_redshift.sandbox.processes import Server, find, start, stop, wait_until_ready
from mysql_s3_redshift.sandbox.settings import (
    Secrets,
    Settings,
    load_settings,
    locked,
    save_settings,
    write_private,
)

# The slowest to start comes first.
SERVERS = ("redshift", "mysql", "s3")
WEB = "web"
CONFIG = "pipelines.yaml"

_PORTS: Mapping[str, tuple[str, ...]] = {
    "mysql": mysql_server.PORTS,
    "s3": s3_server.PORTS,
    "redshift": redshift_server.PORTS,
    WEB: web_ui.PORTS,
}


@dataclass(frozen=True, slots=True)
class SandboxStatus:
    """Where the servers of a sandbox are, how to log in, and which of them run.

    Attributes:
        folder: The sandbox's folder.
        settings: Its memory.
        running: By server, whether it runs; a MySQL server given by URL counts as running.
    """

    folder: Path
    settings: Settings
    running: Mapping[str, bool]

    @property
    def mysql_admin(self) -> MysqlAccount:
        """The MySQL account that may write."""
        return mysql_server.accounts(self.settings)[0]

    @property
    def mysql_reader(self) -> MysqlAccount:
        """The MySQL account of the product: it can only read."""
        return mysql_server.accounts(self.settings)[1]

    @property
    def web_address(self) -> str | None:
        """Where the web UI answers; None where it does not run."""
        process = self.settings.processes.get(WEB)
        runs = process is not None and find(process) is not None
        return web_ui.address(self.settings) if runs else None

    def document(self) -> dict[str, Any]:
        """Return what `sandbox status --json` prints: the access of an outside client."""
        admin, secrets = self.mysql_admin, self.settings.secrets
        return {
            "mysql": {
                "host": admin.host,
                "port": admin.port,
                "user": admin.user,
                "password": admin.password,
                "databases": list(self.settings.databases),
            },
            "s3": {
                "endpoint_url": s3_server.endpoint_url(self.settings),
                "access_key_id": secrets.s3_access_key_id,
                "secret_access_key": secrets.s3_secret_access_key,
                "bucket": s3_server.BUCKET,
            },
            "redshift": {
                "host": HOST,
                "port": self.settings.ports["redshift"],
                "user": redshift_server.USER,
                "password": secrets.redshift,
                "database": redshift_server.DATABASE,
            },
            "config": CONFIG,
        }

    def variables(self) -> dict[str, str]:
        """Return the variables that `pipelines.yaml` names."""
        reader, access = self.mysql_reader, self.document()
        return {
            "SANDBOX_MYSQL_HOST": reader.host,
            "SANDBOX_MYSQL_PORT": str(reader.port),
            "SANDBOX_MYSQL_USER": reader.user,
            "SANDBOX_MYSQL_PASSWORD": reader.password,
            **{f"SANDBOX_S3_{key.upper()}": value for key, value in access["s3"].items()},
            **{
                f"SANDBOX_REDSHIFT_{key.upper()}": str(value)
                for key, value in access["redshift"].items()
            },
        }


def up(
    folder: Path,
    servers: Sequence[str] = SERVERS,
    *,
    time_zone: str | None = None,
    report: Callable[[str], None] = lambda _line: None,
) -> SandboxStatus:
    """Start what is not running and return when the servers answer.

    Args:
        folder: The sandbox's folder; created when it does not exist.
        servers: Names of the servers to look after; the others are left as they are.
        time_zone: The MySQL server's time zone as an offset such as `+02:00`; remembered.
        report: Receives a line for each server that is started.
    """
    folder = folder.resolve()
    with locked(folder):
        settings = load_settings(folder) or Settings(Secrets.generate())
        settings = replace(
            settings,
            mysql_url=os.environ.get(mysql_server.URL_VARIABLE) or None,
            mysql_time_zone=time_zone or settings.mysql_time_zone,
        )
        with choosing():
            settings = _start_missing(folder, settings, servers, report)
        current = _status(folder, settings)
        lines = [f"{name}={_quoted(value)}\n" for name, value in current.variables().items()]
        write_private(folder / "env", "".join(lines))
        return current


def down(folder: Path, servers: Iterable[str] = (WEB, *SERVERS)) -> tuple[str, ...]:
    """Stop servers of a sandbox and return the names of those that ran; data and ports stay."""
    folder = folder.resolve()
    if load_settings(folder) is None:
        return ()
    with locked(folder):
        settings = _require_settings(folder)
        known = {name: settings.processes[name] for name in servers if name in settings.processes}
        running = tuple(name for name, process in known.items() if find(process) is not None)
        stop(*known.values())
        for name in known:
            settings = settings.with_process(name, None)
        save_settings(folder, settings)
    return running


def status(folder: Path) -> SandboxStatus:
    """Return the state of a sandbox; raise `ConfigError` where none was ever started."""
    folder = folder.resolve()
    return _status(folder, _require_settings(folder))


def remember_databases(folder: Path, databases: Iterable[str]) -> SandboxStatus:
    """Record which demo schemas are complete."""
    folder = folder.resolve()
    with locked(folder):
        settings = replace(_require_settings(folder), databases=tuple(databases))
        save_settings(folder, settings)
    return _status(folder, settings)


def _quoted(value: str) -> str:
    """Quote a value for the file `env`; the password of a foreign server may need it."""
    if re.fullmatch(r"[\w.:/@+-]+", value):
        return value
    escaped = re.sub(r'[\\"$]', r"\\\g<0>", value)
    return f'"{escaped}"'


def _require_settings(folder: Path) -> Settings:
    settings = load_settings(folder)
    if settings is None:
        raise ConfigError(
            f"There is no sandbox in {folder}.",
            kept="Nothing was started or stopped.",
            remedy="Start one with `mysql-s3-redshift sandbox up`.",
        )
    return settings


def _status(folder: Path, settings: Settings) -> SandboxStatus:
    running = {
        name: (process := settings.processes.get(name)) is not None and find(process) is not None
        for name in SERVERS
    }
    if settings.mysql_url is not None:
        running["mysql"] = True
    return SandboxStatus(folder, settings, running)


def _start_missing(
    folder: Path, settings: Settings, names: Iterable[str], report: Callable[[str], None]
) -> Settings:
    """Start all missing servers at once, then wait for each: their starts overlap."""
    settings = _choose_ports(settings)
    described = {name: _describe(name, folder, settings) for name in names}
    settings = _stop_unwanted(settings, described)
    servers = [server for server in described.values() if server is not None]
    for server in servers:
        if server.name not in settings.processes:
            report(f"starting {server.name}")
            settings = settings.with_process(server.name, start(server))
        # Saved after each start: a command killed right here leaves no unknown process behind.
        save_settings(folder, settings)
    for server in servers:
        wait_until_ready(server, settings.processes[server.name])
    return settings


def _stop_unwanted(settings: Settings, described: Mapping[str, Server | None]) -> Settings:
    """Forget the processes that ended; stop those that should not run, or not like this."""
    for name, server in described.items():
        process = settings.processes.get(name)
        if process is None:
            continue
        if server is None or find(process) is None or process.command != server.command:
            stop(process)
            settings = settings.with_process(name, None)
    return settings


def _choose_ports(settings: Settings) -> Settings:
    """Keep the ports of running servers and the remembered ones that are free; replace the rest."""
    ports = dict(settings.ports)
    for server, names in _PORTS.items():
        process = settings.processes.get(server)
        if process is not None and find(process) is not None:
            continue
        for name in names:
            taken = {port for other, port in ports.items() if other != name}
            patience = 0.0 if process is None else 1.0
            ports[name] = choose_port(ports.get(name), taken, patience=patience)
    return replace(settings, ports=ports)


def _describe(name: str, folder: Path, settings: Settings) -> Server | None:
    """Return how a server should run, or None where a foreign one takes its place."""
    if name == WEB:
        return web_ui.web_server(folder, settings)
    if name == "s3":
        return s3_server.s3_server(folder, settings)
    if name == "redshift":
        return redshift_server.redshift_server(folder, settings)
    if settings.mysql_url is not None:
        mysql_server.check_foreign_server(settings.mysql_url)
        return None
    return mysql_server.mysql_server(folder, settings, mysql_server.find_binary())
