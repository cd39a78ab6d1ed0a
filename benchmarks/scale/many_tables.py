"""Many tables: what a pipeline of 1,000 small tables costs without a sync, and in the web UI."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dagster as dg

from benchmarks.workspace import REPOSITORY, Workspace
from mysql_s3_redshift.adapters import pair
from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.config import Config, load
from mysql_s3_redshift.core.extraction import ExtractRequest
from mysql_s3_redshift.core.load import LoadRequest
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.state import new_run_id
from mysql_s3_redshift.defs.build import build_definitions
from mysql_s3_redshift.defs.polling import READERS, find_work
from mysql_s3_redshift_tests.servers import free_port

SIZES = (100, 300, 1_000)
ROWS = 20
DATABASE = "bench_many"
SECONDS = 240
ASSET_LIST = """
query { assetNodes { id assetKey { path } groupName kinds
  assetMaterializations(limit: 1) { timestamp runId } } }
"""


def run(workspace: Workspace) -> list[dict[str, Any]]:
    """Look at pipelines whose tables are all synced already."""
    make_tables(workspace, max(SIZES))
    found = []
    for size in SIZES:
        found.append(_measure(workspace, size))
        print(found[-1], flush=True)
    return found


def _measure(workspace: Workspace, size: int) -> dict[str, Any]:
    """What is paid for tables without syncing any of them."""
    path, config, home = make_pipeline(workspace, size)
    _write_states(config)
    _, definitions = _timed(lambda: _load_definitions(config))
    with Connections(config) as connections:
        _, states = _timed(lambda: _read_states(config, connections))
        found, poll = _timed(lambda: list(find_work(connections, config.plans())))
        _, again = _timed(lambda: list(find_work(connections, config.plans())))
    needed = [finding.reason for finding in found if finding.reason]
    if needed:
        raise RuntimeError(f"{len(needed)} tables are not idle: {needed[0]}")
    return {
        "tables": size,
        "definitions": definitions,
        "states": states,
        "poll": poll,
        "poll_again": again,
        "asset_list": _asset_list(path, home),
    }


def make_pipeline(workspace: Workspace, size: int) -> tuple[Path, Config, Path]:
    """Write the file of so many tables; gives it, what is in it, and a new home of Dagster."""
    workspace.fresh(_name(size))
    tables = "".join(f"      {DATABASE}.t{number:04}: {{}}\n" for number in range(size))
    workspace.config(_name(size), tables)
    path, home = known_pipeline(workspace, size)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    shutil.copy(REPOSITORY / "dagster.yaml", home)
    os.environ["DAGSTER_HOME"] = str(home)
    return path, load(path), home


def known_pipeline(workspace: Workspace, size: int) -> tuple[Path, Path]:
    """The file that was made for so many tables, and its home of Dagster."""
    return workspace.folder / f"{_name(size)}.yaml", workspace.folder / f"{_name(size)}_home"


def _name(size: int) -> str:
    return f"scale_many_{size}"


def _write_states(config: Config) -> None:
    """Sync one table; the others get its documents, under their own names."""
    plans = config.plans()
    with Connections(config) as connections:
        described = pair.describe(plans[0], connections)
        request = ExtractRequest(new_run_id())
        extracted = pair.extract_table(described, request, connections, _nobody)
        load_request = LoadRequest(new_run_id())
        loaded = pair.load_table(
            plans[0], extracted.state, load_request, connections, _nobody
        ).state

        def write(plan: TablePlan) -> None:
            storage = connections.storage(plan)
            named = {"table_name": plan.scoped_name}
            storage.extract_states().write(extracted.state.with_(**named))
            storage.load_states().write(loaded.with_(**named))

        with ThreadPoolExecutor(READERS) as pool:
            list(pool.map(write, plans[1:]))


def _nobody(*_event: object) -> None:
    """Nobody watches."""


def _load_definitions(config: Config) -> None:
    definitions = build_definitions(config)
    dg.Definitions.validate_loadable(definitions)


def _read_states(config: Config, connections: Connections) -> None:
    """Both documents of every table, as a tick reads them."""

    def read(plan: Any) -> None:
        storage = connections.storage(plan)
        storage.extract_states().read()
        storage.load_states().read()

    with ThreadPoolExecutor(READERS) as pool:
        list(pool.map(read, config.plans()))


def _asset_list(config: Path, home: Path) -> dict[str, float]:
    """The web server's answer to the query of the asset list, first and again."""
    port = free_port()
    variables = {"MYSQL_S3_REDSHIFT_CONFIG": str(config), "DAGSTER_HOME": str(home)}
    command = [str(Path(sys.executable).with_name("dagster-webserver")), "-p", str(port)]
    command += ["-h", "127.0.0.1", "-m", "mysql_s3_redshift.definitions"]
    began = time.perf_counter()
    with (home / "webserver.log").open("wb") as log:
        server = subprocess.Popen(command, env=os.environ | variables, stdout=log, stderr=log)
    try:
        _await(port, server)
        ready = time.perf_counter() - began
        answers = [_timed(lambda: _ask(port)) for _ in range(3)]
        seconds = [answer[1] for answer in answers]
        assets = len(answers[0][0])
        return {"ready": ready, "first": seconds[0], "again": min(seconds[1:]), "assets": assets}
    finally:
        server.terminate()
        server.wait(60)


def _ask(port: int) -> list[Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        data=json.dumps({"query": ASSET_LIST}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        nodes: list[Any] = json.load(answer)["data"]["assetNodes"]
        return nodes


def _await(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError("the web server ended")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/server_info", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("the web server does not answer")


def make_tables(workspace: Workspace, count: int) -> None:
    """Make the tables that are not there yet."""
    with workspace.admin(None) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
        connection.select_db(DATABASE)
        cursor.execute("SHOW TABLES")
        known = {row[0] for row in cursor.fetchall()}
        for number in range(count):
            name = f"t{number:04}"
            if name not in known:
                cursor.execute(
                    f"CREATE TABLE {name} (id BIGINT AUTO_INCREMENT PRIMARY KEY, "
                    "note VARCHAR(40), updated_at DATETIME(6) NOT NULL, KEY (updated_at, id))"
                )
                cursor.execute(
                    f"INSERT INTO {name} (note, updated_at) SELECT seq, "
                    f"NOW(6) - INTERVAL 1 DAY FROM seq_1_to_{ROWS}"
                )
        connection.commit()


def _timed(call: Callable[[], Any]) -> tuple[Any, float]:
    began = time.perf_counter()
    return call(), time.perf_counter() - began
