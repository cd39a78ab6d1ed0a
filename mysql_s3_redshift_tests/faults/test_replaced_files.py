"""Objects that somebody replaces between extract and load by others of the same name and size."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mysql_s3_redshift.adapters.operations import Operation, reset
from mysql_s3_redshift.core.operate import ManualChange
from mysql_s3_redshift.core.state import DataFile
from mysql_s3_redshift.errors import ExitCode, FileChangedError
from mysql_s3_redshift.sandbox.s3_server import BUCKET
from mysql_s3_redshift_tests.faults.replication import Replication

pytestmark = pytest.mark.faults


def declare(replication: Replication, mode: str) -> None:
    replication.sql(
        "CREATE TABLE t (id INT PRIMARY KEY, ts DATETIME(6) NOT NULL DEFAULT NOW(6), "
        "said VARCHAR(9) NOT NULL, KEY (ts, id))",
        "INSERT INTO t (id, said) SELECT seq, 'kept' FROM seq_1_to_250",
    )
    replication.table("t", cdc_timestamp_column="ts", load_mode=mode, chunk_rows=100)


def replace_content(replication: Replication, file: DataFile) -> Callable[[], None]:
    """Put a parquet file of the same rows and bytes and other values in its place.

    Returns:
        What puts the old one back.
    """
    key, body = file.uri.removeprefix(f"s3://{BUCKET}/"), replication.read_object(file.uri)
    other = body.replace(b"kept", b"lost")
    assert other != body
    replication.put_object(key, other)
    return lambda: replication.put_object(key, body)


@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
def test_a_file_that_was_replaced_since_it_was_extracted_is_not_loaded(
    replication: Replication, mode: str
) -> None:
    """Values never change: neither rows nor bytes tell such a file from the one it replaced."""
    declare(replication, mode)
    replication.sync("t")
    replication.sql("INSERT INTO t (id, said) SELECT seq, 'kept' FROM seq_251_to_500")
    before = replication.target_rows("t")
    extracted = replication.extract("t")
    victim = extracted.files[1]
    restore = replace_content(replication, victim)
    with pytest.raises(FileChangedError) as refused:
        replication.load("t")
    assert refused.value.exit_code is ExitCode.MISMATCH
    assert victim.uri in refused.value.happened
    assert replication.target_rows("t") == before
    restore()
    replication.load("t")
    assert replication.target_rows("t") == replication.source_rows("t")
    replication.check_evidence("t", superseded=mode == "replace")


def test_a_file_whose_mark_is_unknown_is_loaded_by_its_rows_and_bytes(
    replication: Replication,
) -> None:
    """Documents of versions that knew no marks stay loadable; this is what the mark is for."""
    declare(replication, "append")
    state = replication.extract("t").state
    replace_content(replication, state.files[0])
    unmarked = tuple(f.with_(etag=None) for f in state.files)
    replication.load("t", state=state.with_(files=unmarked))
    assert set(replication.target_rows("t", "said")) == {("kept",), ("lost",)}


def test_files_that_are_loaded_again_are_taken_as_they_are_now(replication: Replication) -> None:
    """Objects that came back from a backup have other marks: who reloads means what is there."""
    declare(replication, "append")
    replication.sync("t")
    replace_content(replication, replication.extract_state("t").files[0])
    with replication.connections() as connections:
        change = ManualChange("sync-reload", "a test", "")
        operation = Operation(replication.plan("t"), connections, change)
        reset(operation, mysql=False, redshift=True, truncate=True)
    replication.load("t")
    assert set(replication.target_rows("t", "said")) == {("kept",), ("lost",)}
