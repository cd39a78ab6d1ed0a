"""Locks and snapshots: who waits for whom, and whose write is refused."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from redshift_connector.error import Error

from mysql_s3_redshift_tests.sandbox.redshift.background import PATIENCE_SECONDS, Background
from mysql_s3_redshift_tests.sandbox.redshift.conftest import (
    BUCKET,
    Lake,
    copy,
    refusal,
    run,
    start,
)


def test_a_second_writer_waits_and_a_reader_does_not(block: Any, another: Any, table: str) -> None:
    run(block, "update t set v = v + 1")
    writer = Background(another, "update t set v = v + 10", "commit")
    time.sleep(0.3)
    reader = run(block, "select v from t")
    assert reader == [[2]]
    assert writer.is_alive()
    block.commit()
    writer.join(PATIENCE_SECONDS)
    assert writer.error is None
    assert run(block, "select v from t") == [[12]]


def test_a_copy_waits_for_a_writer_too(block: Any, another: Any, table: str, lake: Lake) -> None:
    numbers = pa.array([2], pa.int32())
    lake.put_table("wait/1.parquet", pa.table({"a": numbers, "b": numbers}))
    run(block, "delete from t")
    loader = Background(another, copy("t", f"s3://{BUCKET}/wait/"), "commit")
    time.sleep(0.3)
    assert loader.is_alive()
    block.commit()
    loader.join(PATIENCE_SECONDS)
    assert run(block, "select * from t") == [[2, 2]]


def test_a_write_on_an_old_snapshot_is_error_1023(block: Any, another: Any, table: str) -> None:
    run(another, "select * from t")
    run(block, "update t set v = 5")
    block.commit()
    fields = refusal(another, "update t set v = 6")
    assert (fields["C"], fields["M"]) == ("XX000", "1023")
    assert fields["D"].startswith("Serializable isolation violation on table - ")
    another.rollback()
    assert run(another, "select count(*) > 0 from stl_tr_conflict") == [[True]]


def test_crossing_reads_commit_under_snapshot_isolation(
    block: Any, another: Any, table: str
) -> None:
    run(block, "create table u (id int, v int)")
    block.commit()
    run(block, "select * from t")
    run(block, "insert into u values (1, 1)")
    run(another, "select * from u")
    run(another, "insert into t values (1, 1)")
    block.commit()
    another.commit()


def test_lock_taken_first_makes_the_snapshot_younger(block: Any, another: Any, table: str) -> None:
    """P-09: the ledger is locked first, so a load sees what its predecessor has committed."""
    run(block, "lock table t")
    run(block, "insert into t values (2, 2)")
    seen: list[Any] = []
    waiting = threading.Thread(
        target=lambda: seen.extend([run(another, "lock t"), run(another, "select count(*) from t")])
    )
    waiting.start()
    time.sleep(0.3)
    assert waiting.is_alive()
    block.commit()
    waiting.join(PATIENCE_SECONDS)
    assert seen[1] == [[2]]
    another.rollback()


def test_a_deadlock_ends_one_of_both(block: Any, another: Any, table: str) -> None:
    run(block, "create table u (id int)")
    block.commit()
    run(block, "insert into t values (2, 2)")
    run(another, "insert into u values (2)")
    first = Background(another, "insert into t values (3, 3)")
    second = Background(block, "insert into u values (3)")
    first.join(PATIENCE_SECONDS)
    second.join(PATIENCE_SECONDS)
    assert [error["C"] for error in (first.error, second.error) if error] == ["40P01"]
    block.rollback()
    another.rollback()


def test_crossing_reads_conflict_under_serializable_isolation(
    short_folder: Path, s3_endpoint: str
) -> None:
    server = start(short_folder / "serializable", s3_endpoint, "--isolation", "serializable")
    a, b = server.connect(), server.connect()
    run(a, "create table tab1 (id int)")
    run(a, "create table tab2 (id int)")
    a.commit()
    run(a, "select * from tab1")
    run(a, "insert into tab2 values (1)")
    run(b, "insert into tab1 values (1)")
    run(b, "select * from tab2")
    a.commit()
    with pytest.raises(Error) as caught:
        b.commit()
    assert caught.value.args[0]["M"] == "1023"
    server.stop()
