"""An upsert into an empty target: straight into it, where the keys allow it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mysql_s3_redshift.adapters.redshift.connection import RedshiftConnection
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.faults.replication import Replication, new_replication

Copies = Callable[[], list[str]]


@pytest.fixture
def replication(sandbox: SandboxStatus, tmp_path: Path) -> Iterator[Replication]:
    with new_replication(sandbox, tmp_path) as opened:
        opened.sql(
            "CREATE TABLE t (id INT PRIMARY KEY, region VARCHAR(9), update_at DATETIME(6), "
            "KEY (update_at))",
            "INSERT INTO t VALUES (1, 'eu', '2025-01-01'), (2, 'eu', '2025-01-02'), "
            "(3, 'us', '2025-01-01')",
        )
        yield opened


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> Copies:
    """The tables that COPY filled, in order."""
    seen: list[str] = []
    execute = RedshiftConnection.execute

    def listening(self, statement, *arguments):
        if statement.startswith("COPY"):
            seen.append(statement.split()[1].rsplit(".")[-1].strip('"'))
        return execute(self, statement, *arguments)

    monkeypatch.setattr(RedshiftConnection, "execute", listening)
    return lambda: seen


def test_the_first_upsert_copies_straight_into_the_target_and_the_next_one_merges(
    replication, copies
):
    replication.table("t", load_mode="upsert")
    first = replication.sync("t").load.loads[0].applied
    assert (copies(), first.inserted, first.updated) == (["t"], 3, 0)
    assert replication.target_rows("t") == replication.source_rows("t")

    replication.sql("UPDATE t SET region = 'apac', update_at = NOW(6)")
    second = replication.sync("t").load.loads[0].applied
    assert (copies()[1:], second.updated) == (["mysql_s3_redshift_staging"], 3)
    assert replication.target_rows("t") == replication.source_rows("t")


def test_rows_of_one_key_in_the_first_upsert_take_the_way_by_staging(replication, copies):
    replication.table("t", load_mode="upsert", primary_key=["region"])
    applied = replication.sync("t").load.loads[0].applied
    assert copies() == ["t", "mysql_s3_redshift_staging"]
    assert (applied.copied, applied.inserted, applied.updated) == (3, 2, 0)
    rows = replication.target_rows("t", "id, region")
    assert rows == {(2, "eu"): 1, (3, "us"): 1}


def test_a_target_that_has_rows_is_merged_into_also_by_the_first_load(replication, copies):
    replication.table("t", load_mode="upsert")
    replication.extract("t")
    replication.redshift(
        f'CREATE TABLE "{replication.schema}"."t" '
        "(id INTEGER NOT NULL, region VARCHAR(72), update_at TIMESTAMP, PRIMARY KEY (id))",
        f"INSERT INTO \"{replication.schema}\".\"t\" VALUES (1, 'newer', '2026-01-01')",
    )
    replication.load("t")
    assert copies() == ["mysql_s3_redshift_staging"]
    kept = replication.target_rows("t", "id, region")
    assert kept == {(1, "newer"): 1, (2, "eu"): 1, (3, "us"): 1}
