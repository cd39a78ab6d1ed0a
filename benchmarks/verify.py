"""`verify` of a table of 1,000,000 rows: equal on both sides, and with three rows that differ."""

from __future__ import annotations

import contextlib
import json
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.relay import Relay
from benchmarks.tables import make_narrow
from benchmarks.timing import Run, run_program
from benchmarks.workspace import DATABASE, Workspace
from mysql_s3_redshift.sandbox import redshift_server

NAME = "verify"
TABLE = "orders_1m"
ROWS = 1_000_000
DIFFERING = (777, 500_000, 999_999)
ROUNDS = 3
TIMEOUT = 240


def run(workspace: Workspace) -> dict[str, Any]:
    """Load the table once; compare it, change rows of the target, compare it again."""
    with workspace.admin(None) as connection:
        connection.cursor().execute(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
    make_narrow(workspace, TABLE, ROWS)
    workspace.forget(NAME)
    config = workspace.config(NAME, f"      {DATABASE}.{TABLE}: {{}}\n")
    loaded = run_program(
        [sys.executable, "-m", "benchmarks.programs.engine_sync", str(config), TABLE],
        timeout=TIMEOUT,
    )
    if loaded.error or loaded.facts["rows"] != ROWS:
        raise RuntimeError(f"{loaded.facts.get('rows')} of {ROWS} rows. {loaded.error}")
    reader, settings = workspace.sandbox.mysql_reader, workspace.sandbox.settings
    with (
        Relay(reader.host, reader.port) as mysql,
        Relay("127.0.0.1", settings.ports["redshift"]) as redshift,
    ):
        routed = _through(config, mysql, redshift)
        results = {
            "counts": _compare(workspace, routed, (mysql, redshift), deep=False, differing=0),
            "equal": _compare(workspace, routed, (mysql, redshift), deep=True, differing=0),
        }
        _damage(workspace)
        found = _compare(workspace, routed, (mysql, redshift), deep=True, differing=len(DIFFERING))
    workspace.forget(NAME)
    return {**results, "differing": found, "bytes": _table_bytes(workspace), "rows": ROWS}


def _through(config: Path, mysql: Relay, redshift: Relay) -> Path:
    """The same configuration, with both servers behind their relays."""
    text = config.read_text()
    text = text.replace("${SANDBOX_MYSQL_PORT}", str(mysql.port))
    text = text.replace("${SANDBOX_REDSHIFT_PORT}", str(redshift.port))
    routed = config.with_name(f"{NAME}_relayed.yaml")
    routed.write_text(text)
    return routed


def _compare(
    workspace: Workspace,
    config: Path,
    relays: tuple[Relay, Relay],
    *,
    deep: bool,
    differing: int,
) -> dict[str, Any]:
    runs: list[Run] = []
    moved: list[tuple[int, int]] = []
    for _ in range(ROUNDS):
        runs.append(_once(workspace, config, deep=deep, differing=differing))
        moved.append((relays[0].take(), relays[1].take()))
    seconds = [one.wall for one in runs]
    told = {
        "seconds": statistics.median(seconds),
        "fastest": min(seconds),
        "slowest": max(seconds),
        "cpu": statistics.median(one.cpu for one in runs),
        "mysql_bytes": max(mysql for mysql, _ in moved),
        "redshift_bytes": max(redshift for _, redshift in moved),
    }
    print(
        f"{'deep' if deep else 'counts':6} {differing} rows differ: {told['seconds']:5.1f} s, "
        f"{told['mysql_bytes']:,} + {told['redshift_bytes']:,} bytes",
        flush=True,
    )
    return told


def _once(workspace: Workspace, config: Path, *, deep: bool, differing: int) -> Run:
    tool = str(Path(sys.executable).with_name("mysql-s3-redshift"))
    output = workspace.folder / "verify.json"
    how = "--deep" if deep else ""
    code = 4 if differing else 0
    # The exit code tells that rows differ: here that is what is expected.
    line = (
        f"{tool} --config {config} --json verify -t {DATABASE}.{TABLE} {how} > {output}; "
        f"test $? = {code}"
    )
    done = run_program(["/bin/sh", "-c", line], timeout=TIMEOUT)
    (table,) = json.loads(output.read_text())["tables"].values()
    found = len(table["deep"]["rows"]) if deep else 0
    if done.error or found != differing:
        raise RuntimeError(f"{found} rows differ, not {differing}. {done.error}")
    return done


def _damage(workspace: Workspace) -> None:
    """Change one row, delete one, double one."""
    settings = workspace.sandbox.settings
    changed, deleted, doubled = DIFFERING
    table = f"bench_{NAME}.{TABLE}"
    with contextlib.closing(redshift_server.redshift_connection(settings)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(f"UPDATE {table} SET amount = amount + 1 WHERE id = {changed}")
        cursor.execute(f"DELETE FROM {table} WHERE id = {deleted}")
        cursor.execute(f"INSERT INTO {table} SELECT * FROM {table} WHERE id = {doubled}")


def _table_bytes(workspace: Workspace) -> int:
    with workspace.admin() as connection:
        cursor = connection.cursor()
        cursor.execute(
            "SELECT data_length FROM information_schema.tables "
            "WHERE table_schema = %s AND table_name = %s",
            (DATABASE, TABLE),
        )
        (size,) = cursor.fetchone() or (0,)
    return int(size)
