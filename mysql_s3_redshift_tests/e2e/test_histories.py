"""Whose rows a Redshift table has: renamed, moved and rival pipelines, and lost states."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from mysql_s3_redshift.adapters.operations import Operation, reset, set_watermark
from mysql_s3_redshift.core.operate import ManualChange
from mysql_s3_redshift.errors import ConfigError
from mysql_s3_redshift_tests.e2e.minutes import assert_same, declare, make_table
from mysql_s3_redshift_tests.faults.replication import Replication


def renamed(replication: Replication, folder: Path, prefix: str = "") -> Replication:
    """Another `pipelines.yaml`, in which the pipeline of the same table is called `q`."""
    folder.mkdir()
    access = {"source": "db", "storage": "lake", "target": "warehouse"}
    tables = {f"{replication.database}.{name}": o for name, o in replication.tables.items()}
    pipeline = {**access, "target_schema": replication.schema, "tables": tables}
    return replace(
        replication,
        folder=folder,
        prefix=f"{replication.prefix}{prefix}",
        tables={"other": {}},
        more={"q": pipeline},
    )


def operate_on(replication: Replication, pipeline: str, *, timestamp: str | None = None) -> None:
    """Set the watermark of `t` by hand, or start it anew with an empty target."""
    with replication.connections() as connections:
        plan = replication.plan("t", pipeline)
        operation = Operation(plan, connections, ManualChange("test", "a test", ""))
        if timestamp is None:
            reset(operation, mysql=True, redshift=True, truncate=True)
        else:
            moment = datetime.fromisoformat(timestamp)
            set_watermark(operation, timestamp=moment, identity=None)


@pytest.mark.parametrize("prefix", ["", "/moved"])
def test_a_renamed_or_moved_pipeline_that_appends_does_not_double_its_rows(
    replication: Replication, tmp_path: Path, prefix: str
) -> None:
    make_table(replication)
    declare(replication, "append")
    replication.sync("t")
    other = renamed(replication, tmp_path / "renamed", prefix)
    with pytest.raises(ConfigError, match="rows of another history") as refused:
        other.sync("t", pipeline="q")
    assert any(uri in refused.value.happened for uri, *_ in replication.ledger("t"))
    assert_same(replication)
    with pytest.raises(ConfigError, match="rows of another history"):
        other.load("t", pipeline="q")
    operate_on(other, "q")
    other.sync("t", pipeline="q")
    assert_same(replication)


def test_a_renamed_pipeline_goes_on_where_its_watermark_is_set(
    replication: Replication, tmp_path: Path
) -> None:
    """Its files are numbered behind those of before, so none of them counts as loaded."""
    make_table(replication)
    declare(replication, "append")
    replication.sync("t")
    other = renamed(replication, tmp_path / "renamed")
    operate_on(other, "q", timestamp="2024-01-01 05:00:00.000001")
    replication.sql("INSERT INTO t SELECT seq, '2024-01-02', seq FROM seq_301_to_550")
    done = other.sync("t", pipeline="q")
    assert [f.seq for f in done.load.files] == [4, 5, 6]
    assert_same(replication)


def test_a_history_that_began_later_takes_the_target_over_and_the_one_before_is_refused(
    replication: Replication, tmp_path: Path
) -> None:
    """An upsert doubles nothing; two pipelines that take turns would lose each other's files."""
    make_table(replication)
    declare(replication, "upsert")
    replication.sync("t")
    other = renamed(replication, tmp_path / "renamed")
    other.sync("t", pipeline="q")
    replication.sql("UPDATE t SET v = -1, ts = NOW(6) WHERE id <= 150")
    before = replication.extract_state("t")
    with pytest.raises(ConfigError, match=r"is loaded from s3/q/.*, not from s3/p/"):
        replication.sync("t")
    assert replication.extract_state("t") == before
    other.sync("t", pipeline="q")
    assert_same(replication)
    operate_on(replication, "p")
    replication.sync("t")
    assert_same(replication)
    with pytest.raises(ConfigError, match=r"is loaded from s3/p/"):
        other.sync("t", pipeline="q")


def test_of_two_pipelines_that_begin_at_once_one_loads(
    replication: Replication, tmp_path: Path
) -> None:
    """Neither saw a load of the other, so their files have the same numbers."""
    make_table(replication)
    declare(replication, "upsert")
    other = renamed(replication, tmp_path / "rival")
    replication.extract("t")
    replication.sql("UPDATE t SET v = -1")
    other.extract("t", pipeline="q")
    other.load("t", pipeline="q")
    with pytest.raises(ConfigError, match=r"is loaded from s3/q/"):
        replication.load("t")
    assert_same(replication)


def test_a_lost_extract_state_of_a_table_that_appends_does_not_double_its_rows(
    replication: Replication,
) -> None:
    """I-15: whoever empties the target has decided; the files that wait are loaded then."""
    make_table(replication)
    declare(replication, "append")
    replication.sync("t")
    replication.s3.delete_object(Bucket="lake", Key=replication.state_key("t"))
    with pytest.raises(ConfigError, match="rows of another history"):
        replication.sync("t")
    assert_same(replication)
    replication.redshift(f'DELETE FROM "{replication.schema}"."t"')
    replication.load("t")
    assert_same(replication)
