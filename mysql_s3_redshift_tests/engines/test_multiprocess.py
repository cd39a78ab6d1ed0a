"""Steps in processes of their own: the same definitions, and no more connections than allowed."""

from __future__ import annotations

import secrets
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from mysql_s3_redshift.config import load
from mysql_s3_redshift.definitions import CONFIG_VARIABLE
from mysql_s3_redshift.defs.pools import apply_pool_limits, pool_limits
from mysql_s3_redshift_tests.engines.jobs import multiprocess_job
from mysql_s3_redshift_tests.engines.pipelines import assert_exact, make_tables, write_config
from mysql_s3_redshift_tests.engines.servers import make_home, open_home
from mysql_s3_redshift_tests.faults.replication import Replication

TABLES, MOST = 4, 2
EXECUTION = {
    "executor": "multiprocess",
    "config": {
        "max_concurrent": TABLES,
        "start_method": {
            "forkserver": {"preload_modules": ["mysql_s3_redshift_tests.engines.jobs"]}
        },
    },
}


def test_steps_side_by_side_never_hold_more_connections_than_the_source_allows(
    replication: Replication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four extractions could run at once, and slices too; `max_connections` lets two of them."""
    user = _own_user(replication)
    replication.sections["sources"] = {"db": {"user": user, "password": user, "max_connections": 2}}
    names = make_tables(replication, TABLES, rows=400, chunk_rows=50)
    replication.tables[names[0]]["slices"] = 3
    config_path = write_config(replication, tmp_path / "engine.yaml", EXECUTION)
    monkeypatch.setenv(CONFIG_VARIABLE, str(config_path))
    config = load(config_path)
    with open_home(make_home(tmp_path / "home", {})) as instance, ThreadPoolExecutor(1) as pool:
        apply_pool_limits(instance, pool_limits(config, config.plans()))
        run = pool.submit(dg.execute_job, dg.reconstructable(multiprocess_job), instance=instance)
        most = _most_connections(replication, user, run)
        assert run.result().success
    assert 1 <= most <= MOST
    assert_exact(replication, names)


def _own_user(replication: Replication) -> str:
    """A MySQL user of this test alone, so that its connections can be told from all others."""
    user = f"steps_{secrets.token_hex(4)}"
    replication.sql(
        f"CREATE USER {user} IDENTIFIED BY '{user}'",
        f"GRANT SELECT ON `{replication.database}`.* TO {user}",
        f"GRANT PROCESS, BINLOG MONITOR ON *.* TO {user}",
    )
    return user


def _most_connections(replication: Replication, user: str, run: Future[Any]) -> int:
    """Look at the server's process list until the run ends."""
    most = 0
    with replication.mysql() as connection, connection.cursor() as cursor:
        while not run.done():
            cursor.execute(
                "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = %s", (user,)
            )
            row = cursor.fetchone()
            assert row is not None
            most = max(most, int(row[0]))
            time.sleep(0.02)
        cursor.execute(f"DROP USER {user}")
    return most
