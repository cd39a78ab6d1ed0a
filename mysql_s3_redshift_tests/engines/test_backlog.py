"""A backlog of thousands of files: bounded transactions, bounded manifests, nothing lost."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

from mysql_s3_redshift.core.pending import MOST_FILES
from mysql_s3_redshift.core.state import DataFile, ExtractState
from mysql_s3_redshift.sandbox.s3_server import BUCKET
from mysql_s3_redshift_tests.faults.replication import Replication

FILES = 1_200


def test_a_backlog_is_loaded_in_bounded_transactions(replication: Replication) -> None:
    """I-12, I-19: every file of it, each once, a thousand at a time."""
    replication.sql("CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    replication.table("t", cdc_strategy="id_only", cdc_id_column="id", load_mode="append")
    state = _with_backlog(replication, replication.extract("t").state, FILES)
    report = replication.load("t", state=state)
    assert [len(load.files) for load in report.loads] == [MOST_FILES, FILES - MOST_FILES]
    for load in report.loads:
        entries = json.loads(replication.read_object(load.manifest_uri))["entries"]
        assert len(entries) == len(load.files)
    assert (report.pending, report.state.loaded_through) == (0, FILES)
    assert replication.target_rows("t", "COUNT(*)") == {(FILES,): 1}
    replication.check_evidence("t")
    assert len(replication.extract("t").state.files) < MOST_FILES


def _with_backlog(replication: Replication, state: ExtractState, count: int) -> ExtractState:
    """As if the same extraction had gone on for so many files of one row each."""
    [first] = state.files
    body = replication.read_object(first.uri)

    def copy(seq: int) -> DataFile:
        uri = first.uri.replace("00000001.parquet", f"{seq:08d}.parquet")
        replication.put_object(uri.removeprefix(f"s3://{BUCKET}/"), body)
        return first.with_(seq=seq, uri=uri)

    _ = replication.s3  # made once, before threads share it
    with ThreadPoolExecutor(8) as pool:
        files = list(pool.map(copy, range(2, count + 1)))
    with replication.connections() as connections:
        states = connections.storage(replication.plan("t")).extract_states()
        states.read()
        backlog = state.register(files)
        states.write(backlog)
    return backlog
