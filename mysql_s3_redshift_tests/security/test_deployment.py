"""Whole syncs through two bastions, everything encrypted; and what happens when lines are cut."""

from __future__ import annotations

import io
import random
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pymysql
import pytest

from mysql_s3_redshift.core import chunks
from mysql_s3_redshift.core.extraction import ExtractReport
from mysql_s3_redshift.core.ports import Progress
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.security.bastion import Bastion
from mysql_s3_redshift_tests.security.cutting_proxy import Cut, cutting_proxy
from mysql_s3_redshift_tests.security.deployment import Deployment
from mysql_s3_redshift_tests.security.tls_servers import TlsServers
from mysql_s3_redshift_tests.security.tunnels import tunnel_folders, tunnel_processes
from mysql_s3_redshift_tests.servers import s3_client

ORDERS = (
    "CREATE TABLE {0}.orders (id INT PRIMARY KEY AUTO_INCREMENT, note VARCHAR(60) NOT NULL, "
    "updated_at DATETIME(6) NOT NULL, KEY (updated_at, id))"
)
MILLION = 1 << 20
SEED = 20_240_611
CHECKSUM = "COUNT(*), COUNT(DISTINCT id), SUM(CAST(id AS DECIMAL(30,0))), SUM(LENGTH(note))"


def fill(deployment: Deployment, rows: int) -> None:
    deployment.servers.mysql.run(
        ORDERS.format(deployment.database),
        f"INSERT INTO {deployment.database}.orders (note, updated_at) VALUES "
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
        self.enough = threading.Event()

    def run(self) -> None:
        while not self._stop_asked.wait(self._random.uniform(0.05, 0.3)):
            if min(self.cuts.values()) >= 2:
                self.enough.set()
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
        self.join(60)


@pytest.fixture(scope="module")
def million(tls_servers: TlsServers) -> Iterator[str]:
    """A million narrow rows, which several tests read; the name of their database."""
    name = f"million_{secrets.token_hex(4)}"
    doubled = (
        f"INSERT INTO {name}.orders SELECT id + {{0}}, CONCAT('note ', id + {{0}}, "
        "REPEAT('x', (id + {0}) % 40)), '2025-01-01' + INTERVAL ((id + {0}) DIV 3) SECOND "
        f"FROM {name}.orders"
    )
    tls_servers.mysql.run(
        f"CREATE DATABASE {name}",
        ORDERS.format(name),
        f"ALTER TABLE {name}.orders DROP KEY updated_at",  # quicker to build at the end
        f"INSERT INTO {name}.orders VALUES (1, 'note 1', '2025-01-01')",
        *(doubled.format(1 << power) for power in range(20)),
        f"ALTER TABLE {name}.orders ADD KEY (updated_at, id)",
    )
    yield name
    tls_servers.mysql.run(f"DROP DATABASE {name}")


@pytest.fixture
def reading_a_million(
    deployment: Deployment, million: str, monkeypatch: pytest.MonkeyPatch
) -> Deployment:
    """The deployment with the million rows in place of its own."""
    # More cuts hit one chunk here than in a year of production.
    monkeypatch.setattr(chunks, "ATTEMPTS", 30)
    monkeypatch.setattr(chunks, "LONGEST_PAUSE_SECONDS", 0.2)
    deployment.servers.mysql.run(f"GRANT SELECT ON {million}.* TO {deployment.database}@'%'")
    tables = {f"{million}.orders": {"chunk_rows": 50_000}}
    return deployment.changed(("pipelines", "shop", "tables"), tables)


def from_the_first_chunk_on(
    begin: Callable[[], None], wait: Callable[[float], object] = lambda _: None
) -> Progress:
    """What begins when the first chunk is on S3, and is waited for before the last quarter."""
    chunks_done: list[object] = []

    def told(event: str, facts: Mapping[str, object]) -> None:
        if event != "extracted":
            return
        chunks_done.append(facts)
        if len(chunks_done) == 1:
            begin()
        if len(chunks_done) == 15:
            wait(60)

    return told


def test_cut_tunnels_and_killed_connections_in_a_million_rows_lose_and_double_nothing(
    reading_a_million: Deployment, million: str, bastion: Bastion
) -> None:
    """The tunnel or the connection in it ends again and again; the run goes on from its chunk."""
    deployment = reading_a_million
    plan = deployment.plans()[0]
    cutter = _Cutter(deployment, bastion, seed=7)
    try:
        extracted = deployment.extract(
            plan, from_the_first_chunk_on(cutter.start, cutter.enough.wait)
        )
    finally:
        cutter.stop()
    assert extracted.rows == MILLION
    assert cutter.cuts["tunnel"] >= 2
    assert cutter.cuts["connection"] >= 2
    deployment.load(plan)
    expected = deployment.servers.mysql.rows(f"SELECT {CHECKSUM} FROM {million}.orders")
    assert deployment.target_rows("orders", CHECKSUM) == expected


def test_cut_and_damaged_tls_sessions_in_a_million_rows_lose_and_double_nothing(
    reading_a_million: Deployment, million: str, s3_server: SandboxStatus
) -> None:
    """I-42: TCP is reset or ended, a byte of the TLS stream changes, or it falls silent."""
    cuts = [*Cut, Cut.RESET, Cut.END, Cut.DAMAGE, Cut.RESET, Cut.END, Cut.DAMAGE]
    print(f"seed of the cuts: {SEED}")
    port = reading_a_million.servers.mysql.port
    with cutting_proxy(port, cuts, within=3 << 20, seed=SEED) as proxy:
        section = reading_a_million.sections["sources"]["shop"] | {
            "port": proxy.port,
            "read_timeout": "2s",
        }
        del section["ssh"]
        deployment = reading_a_million.changed(("sources", "shop"), section)
        extracted = deployment.extract(deployment.plans()[0], from_the_first_chunk_on(proxy.arm))
    assert proxy.done == Counter(cuts)
    assert extracted.rows == MILLION
    rows = deployment.servers.mysql.rows(f"SELECT {CHECKSUM} FROM {million}.orders")
    assert [written_checksum(extracted, s3_server)] == rows


def written_checksum(report: ExtractReport, s3: SandboxStatus) -> tuple[int, ...]:
    """CHECKSUM over the files, as they lie on S3."""
    client, rows = s3_client(s3), []
    for file in report.files:
        bucket, key = file.uri.removeprefix("s3://").split("/", 1)
        body = client.get_object(Bucket=bucket, Key=key)["Body"].read()
        rows.append(pq.read_table(io.BytesIO(body), columns=["id", "note"]))
    table = pa.concat_tables(rows)
    ids, notes = table.column("id"), table.column("note")
    length = pc.sum(pc.binary_length(notes)).as_py()
    return table.num_rows, len(pc.unique(ids)), pc.sum(ids).as_py(), length
