"""Counts agree everywhere, after resets, lost documents and runs that stopped, too."""

from __future__ import annotations

import json

import pytest

from mysql_s3_redshift.errors import UnsupportedValueError
from mysql_s3_redshift_tests.e2e.minutes import assert_same, declare, make_table
from mysql_s3_redshift_tests.faults.replication import Replication


def test_counts_are_the_same_everywhere_for_110_files(replication: Replication) -> None:
    """I-01, I-02, I-06, I-08, I-12, I-19: files, listing, manifest, ledger, state."""
    make_table(replication, 1100)
    declare(replication, "append", chunk_rows=10)
    report = replication.extract("t")
    assert (len(report.files), report.rows) == (110, 1100)
    assert len(replication.objects()) == 110
    assert replication.extract_state("t").mysql_state.total_rows == 1100
    loaded = replication.load("t")
    assert len(loaded.files) == 110
    (manifest,) = replication.objects("loads")
    assert len(json.loads(replication.read_object(manifest))["entries"]) == 110
    assert len(replication.ledger("t")) == 110
    replication.check_evidence("t")
    assert_same(replication)


def test_max_files_bounds_the_load_alone(replication: Replication) -> None:
    """I-09: what is left stays pending, and the next load takes it."""
    make_table(replication)
    declare(replication, "append", chunk_rows=30)
    replication.extract("t")
    first = replication.load("t", max_files=3)
    assert (len(first.files), first.pending) == (3, 7)
    assert replication.target_rows("t").total() == 90
    assert replication.load("t", max_files=0).loads == ()
    assert len(replication.load("t").files) == 7
    assert_same(replication)


def test_reset_starts_a_history_at_zero_and_numbers_go_on(replication: Replication) -> None:
    """I-01, I-16: counts are those of the new generation, and no number is used twice."""
    make_table(replication)
    declare(replication, "upsert")
    replication.sync("t")
    state = replication.extract_state("t").reset()
    replication.put_object(
        replication.state_key("t"), state.model_dump_json(by_alias=True).encode()
    )
    assert replication.extract_state("t").mysql_state.total_rows == 0
    replication.sync("t")
    assert replication.extract_state("t").mysql_state.total_rows == 300
    assert replication.load_state("t").redshift_state.total_rows == 300
    assert [seq for *_, seq in replication.ledger("t")] == [1, 2, 3, 4, 5, 6]
    assert_same(replication)


def test_a_lost_extract_state_makes_no_file_count_as_loaded(replication: Replication) -> None:
    """I-15, I-18: a first run beside an old load state numbers its files after that."""
    make_table(replication)
    declare(replication, "upsert")
    replication.sync("t")
    replication.s3.delete_object(Bucket="lake", Key=replication.state_key("t"))
    replication.sql("UPDATE t SET v = -1 WHERE id = 7")
    done = replication.sync("t")
    assert [f.seq for f in done.load.files] == [4, 5, 6]
    assert done.extract.state.generation == 2
    assert_same(replication)


def test_a_lost_load_state_is_made_good_by_the_ledger(replication: Replication) -> None:
    """I-05, H-21: every file is found in the ledger and none is loaded again."""
    make_table(replication)
    declare(replication, "append")
    replication.sync("t")
    replication.s3.delete_object(Bucket="lake", Key=replication.state_key("t", load=True))
    done = replication.load("t")
    assert (done.loads, len(done.recovered), done.pending) == ((), 3, 0)
    assert_same(replication)
    replication.check_evidence("t")


def test_a_value_that_cannot_be_kept_stops_the_table_where_it_is(replication: Replication) -> None:
    """H-20: chunks before it are committed, the state tells the error, nothing is re-appended."""
    replication.sql(
        "CREATE TABLE t (id INT PRIMARY KEY, ts DATETIME NOT NULL, body LONGTEXT, KEY (ts))",
        "INSERT INTO t SELECT seq, '2024-01-01', IF(seq = 150, REPEAT('x', 70000), 'ok') "
        "FROM seq_1_to_300",
    )
    declare(replication, "append")
    for _ in range(2):
        with pytest.raises(UnsupportedValueError, match="body"):
            replication.sync("t")
        state = replication.extract_state("t").mysql_state
        assert (state.status, state.total_rows) == ("failed", 100)
    replication.sql("UPDATE t SET body = 'short' WHERE id = 150")
    replication.sync("t")
    assert_same(replication)
    replication.check_evidence("t")
