"""Whole syncs through two bastions, everything encrypted; and what happens when lines are cut."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping

import pymysql
import pytest

from mysql_s3_redshift.core import chunks
from mysql_s3_redshift_tests.security.bastion import Bastion
from mysql_s3_redshift_tests.security.deployment import Deployment
from mysql_s3_redshift_tests.security.test_tunnel import tunnel_folders, tunnel_processes

ORDERS = (
    "CREATE TABLE {0}.orders (id INT PRIMARY KEY AUTO_INCREMENT, note VARCHAR(60) NOT NULL, "
    "updated_at DATETIME(6) NOT NULL, KEY (updated_at, id))"
)
CHECKSUM = "COUNT(*), COUNT(DISTINCT id), SUM(CAST(id AS DECIMAL(30,0))), SUM(LENGTH(note))"


def fill(deployment: Deployment, rows: int) -> None:
    deployment.servers.mysql.run(
        ORDERS.format(deployment.database),
        f"INSERT INTO {deployment.database}.orders (note, updated_at) "
        "SELECT CONCAT('note ', seq, REPEAT('x', seq % 40)), "
        "'2025-01-01' + INTERVAL (seq DIV 3) SECOND "
        f"FROM {deployment.database}.numbers"
        if rows > 1000
        else f"INSERT INTO {deployment.database}.orders (note, updated_at) VALUES "
        + ", ".join(f"('note {n}', '2025-01-01')" for n in range(rows)),
    )


def test_a_table_syncs_through_both_bastions(deployment: Deployment) -> None:
    fill(deployment, 3)
    plan = deployment.plans()[0]
    extracted, loaded = deployment.sync(plan)
    assert (extracted.rows, len(loaded.files)) == (3, 1)
    assert [row[1] for row in deployment.target_rows("orders")] == ["note 0", "note 1", "note 2"]
    assert tunnel_processes() == []
    assert tunnel_folders() == set()


def test_the_connections_of_a_run_share_one_tunnel_for_each_end(deployment: Deployment) -> None:
    fill(deployment, 1)
    plan = deployment.plans()[0]
    with deployment.connections() as connections:
        connections.source(plan.source).connection.query("SELECT 1")
        connections.source(plan.source).connection.close()
        connections.source(plan.source).connection.query("SELECT 1")
        connections.target(plan).connection.query("SELECT 1")
        running = [line for line in tunnel_processes() if line.startswith("/bin/sh")]
        assert len({line.split(" ssh-tunnel ")[1].split()[0] for line in running}) == 2
    assert tunnel_processes() == []


class _Cutter(threading.Thread):
    """Cuts a line, then waits a random moment, until it is told to stop."""

    def __init__(self, deployment: Deployment, bastion: Bastion, seed: int) -> None:
        super().__init__(daemon=True)
        self.cuts = {"tunnel": 0, "connection": 0}
        self._deployment, self._bastion = deployment, bastion
        self._random = random.Random(seed)
        self._stop_asked = threading.Event()

    def run(self) -> None:
        while not self._stop_asked.wait(self._random.uniform(0.05, 0.3)):
            if sum(self.cuts.values()) >= 6:
                return
            if self.cuts["tunnel"] <= self.cuts["connection"]:
                self._bastion.drop_connections()
                self.cuts["tunnel"] += 1
            else:
                self._kill_connections()

    def _kill_connections(self) -> None:
        mysql = self._deployment.servers.mysql
        user = self._deployment.database
        for (number,) in mysql.rows(
            f"SELECT id FROM information_schema.processlist WHERE user = '{user}'"
        ):
            try:
                mysql.run(f"KILL {number}")
            except pymysql.Error:
                continue  # it ended by itself
            self.cuts["connection"] += 1

    def stop(self) -> None:
        self._stop_asked.set()
        self.join(20)


def test_cut_lines_in_the_middle_of_a_million_rows_lose_and_double_nothing(
    deployment: Deployment, bastion: Bastion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tunnel or the TLS session in it ends again and again; the run goes on from its chunk."""
    # More cuts hit one chunk here than in a year of production.
    monkeypatch.setattr(chunks, "ATTEMPTS", 20)
    monkeypatch.setattr(chunks, "LONGEST_PAUSE_SECONDS", 0.2)
    name = deployment.database
    deployment.servers.mysql.run(
        f"CREATE VIEW {name}.numbers AS SELECT seq FROM {name}.seq_1_to_1000000"
    )
    fill(deployment, 1_000_000)
    plan = deployment.plans()[0]
    cutter = _Cutter(deployment, bastion, seed=7)

    def cut_from_the_first_chunk_on(event: str, _facts: Mapping[str, object]) -> None:
        if event == "extracted" and cutter.ident is None:
            cutter.start()

    try:
        extracted = deployment.extract(plan, cut_from_the_first_chunk_on)
    finally:
        cutter.stop()
    assert extracted.rows == 1_000_000
    assert cutter.cuts["tunnel"] >= 2
    assert cutter.cuts["connection"] >= 2
    deployment.load(plan)
    expected = deployment.servers.mysql.rows(f"SELECT {CHECKSUM} FROM {name}.orders")
    assert deployment.target_rows("orders", CHECKSUM) == expected
