"""A dry run is the run itself on ports that write nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from mysql_s3_redshift.adapters import pair
from mysql_s3_redshift.adapters.mysql import preview as counting
from mysql_s3_redshift.adapters.preview import preview_extract, preview_load
from mysql_s3_redshift.adapters.redshift.connection import RedshiftConnection
from mysql_s3_redshift.core.estimate import Basis
from mysql_s3_redshift.core.extraction import ExtractRequest
from mysql_s3_redshift.core.state import new_run_id
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.faults.replication import Replication, new_replication


@pytest.fixture
def replication(sandbox: SandboxStatus, tmp_path: Path) -> Iterator[Replication]:
    with new_replication(sandbox, tmp_path) as opened:
        yield opened


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that Redshift is sent from now on."""
    statements: list[str] = []

    def record(name: str) -> None:
        real = getattr(RedshiftConnection, name)

        def recording(self: RedshiftConnection, sql: str, parameters: Sequence[Any] = ()) -> Any:
            statements.append(sql)
            return real(self, sql, parameters)

        monkeypatch.setattr(RedshiftConnection, name, recording)

    record("execute")
    record("query")
    return statements


def comparable(statements: Sequence[str]) -> list[str]:
    """From the ledger's lock on, without what only a load that ran can know."""
    start = next(n for n, one in enumerate(statements) if one.startswith("LOCK"))
    kept = [one for one in statements[start:] if one not in {"COMMIT", "ROLLBACK"}]
    kept = [re.sub(r"loads/\S+\.manifest\.json", "manifest", one) for one in kept]
    return [re.sub(r"IAM_ROLE '…'|IAM_ROLE default", "role", one) for one in kept]


@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
@pytest.mark.parametrize("times", [1, 2])
def test_the_statements_that_a_dry_run_shows_are_those_that_the_load_sends(
    replication: Replication, sent: list[str], mode: str, times: int
) -> None:
    """The first load and a later one, by every mode: COPY's options, staging, ANALYZE and all."""
    replication.sql(
        "CREATE TABLE t (id BIGINT PRIMARY KEY, ts DATETIME(6) NOT NULL, KEY (ts, id))",
        "INSERT INTO t SELECT seq, '2025-01-01' + INTERVAL seq SECOND FROM seq_1_to_30",
    )
    replication.table("t", cdc_strategy="hybrid", cdc_timestamp_column="ts", load_mode=mode)
    if times == 2:
        replication.sync("t")
        replication.sql("INSERT INTO t VALUES (31, NOW(6))")
    replication.extract("t")
    plan = replication.plan("t")
    with replication.connections() as connections:
        shown = preview_load(plan, connections, max_files=None, described=None)
    sent.clear()
    replication.load("t")
    assert comparable(shown.statements) == comparable(sent)


def test_a_table_too_large_to_be_counted_is_estimated_from_statistics(
    replication: Replication, monkeypatch: pytest.MonkeyPatch
) -> None:
    replication.sql(
        "CREATE TABLE t (id BIGINT PRIMARY KEY, v INT)",
        "INSERT INTO t SELECT seq, seq FROM seq_1_to_5000",
        "ANALYZE TABLE t",
    )
    replication.table("t", cdc_strategy="id_only", cdc_id_column="id")
    plan, request = replication.plan("t"), ExtractRequest(new_run_id())
    with replication.connections() as connections:
        described = pair.describe(plan, connections)
        counted = preview_extract(described, request, connections)
        monkeypatch.setattr(counting, "COUNTED_ROWS", 1_000)
        estimated = preview_extract(described, request, connections)
    assert (counted.rows, counted.is_counted) == (5_000, True)
    assert not estimated.is_counted
    assert 2_000 < estimated.rows < 10_000
    assert counted.estimate.basis is Basis.TYPICAL


def test_what_earlier_runs_did_is_what_the_next_is_estimated_by(replication: Replication) -> None:
    replication.sql("CREATE TABLE t (id BIGINT PRIMARY KEY, v INT)")
    replication.sql("INSERT INTO t SELECT seq, seq FROM seq_1_to_400")
    replication.table("t", cdc_strategy="id_only", cdc_id_column="id", chunk_rows=100)
    replication.sync("t")
    replication.sql("INSERT INTO t SELECT seq, seq FROM seq_401_to_600")
    plan, request = replication.plan("t"), ExtractRequest(new_run_id())
    with replication.connections() as connections:
        described = pair.describe(plan, connections)
        extracted = preview_extract(described, request, connections)
        loaded = preview_load(
            plan,
            connections,
            max_files=None,
            described=described,
            bytes_to_come=extracted.estimate.bytes,
        )
    assert (extracted.rows, extracted.files) == (200, 2)
    assert extracted.estimate.basis is loaded.estimate.basis is Basis.PAST_RUNS
    assert loaded.estimate.bytes == extracted.estimate.bytes > 0
