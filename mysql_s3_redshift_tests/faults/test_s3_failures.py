"""S3 that fails, hangs, lies and loses answers: a run fails or succeeds, and is never half done.

The clients' deadlines are shortened here by replacing the module's constants before the client of
the proxy is made.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator

import pytest

from mysql_s3_redshift.adapters.s3 import client, parquet
from mysql_s3_redshift.errors import (
    ExitCode,
    ReplicationError,
    StateConflictError,
    StateUnreadableError,
    StorageError,
)
from mysql_s3_redshift.sandbox.s3_server import endpoint_url
from mysql_s3_redshift_tests.faults.replication import Replication
from mysql_s3_redshift_tests.faults.s3_proxy import S3Proxy, s3_proxy

pytestmark = pytest.mark.faults

STATE_OF_EXTRACT = "/state/s3/"
STATE_OF_LOAD = "/state/redshift/"


@pytest.fixture
def proxy(replication: Replication, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Proxy]:
    """The product's way to S3, and a table of three chunks to send through it."""
    monkeypatch.setattr(client, "READ_SECONDS", 0.5)
    monkeypatch.setattr(client, "ATTEMPTS", 3)
    monkeypatch.setattr(client, "CONNECT_SECONDS", 1)
    with s3_proxy(endpoint_url(replication.sandbox.settings)) as running:
        replication.sections["storages"] = {"lake": {"endpoint_url": running.endpoint_url}}
        replication.sql(
            "CREATE TABLE t (id INT PRIMARY KEY, ts DATETIME(6) NOT NULL DEFAULT NOW(6), "
            "v INT, KEY (ts, id))",
            "INSERT INTO t (id, v) SELECT seq, seq FROM seq_1_to_300",
        )
        replication.table(
            "t",
            cdc_strategy="hybrid",
            cdc_timestamp_column="ts",
            load_mode="append",
            chunk_rows=100,
        )
        yield running


def make_large(replication: Replication, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a file of two parts of the least size that S3 takes, the last part apart."""
    monkeypatch.setattr(parquet, "PART_BYTES", 5 << 20)
    replication.sql("ALTER TABLE t ADD COLUMN noise VARBINARY(60000)")
    noise = [(secrets.token_bytes(60_000), number) for number in range(1, 96)]
    with replication.mysql() as connection, connection.cursor() as cursor:
        cursor.executemany("UPDATE t SET noise = %s WHERE id = %s", noise)


def assert_exact(replication: Replication) -> None:
    """Every row once, and all evidence agrees."""
    assert replication.target_rows("t", "id, ts, v") == replication.source_rows("t", "id, ts, v")
    replication.check_evidence("t")


@pytest.mark.parametrize("action", [500, 503, "drop", "lose", "lose_500", "hang"])
def test_a_passing_failure_of_any_write_is_ridden_out(
    replication: Replication, proxy: S3Proxy, action: int | str
) -> None:
    """A data file, a state document, a manifest: the client tries again, and nothing is doubled.

    An answer that is lost after the write was done is the hard one: the retry meets its own
    object, and must take it for its own.
    """
    for path in ("/data/", STATE_OF_EXTRACT, "/schemas/", "/loads/", STATE_OF_LOAD):
        proxy.arm("PUT", path, action)
    replication.sync("t")
    assert proxy.struck == [action] * 5
    assert_exact(replication)


@pytest.mark.parametrize("action", [500, "drop", "hang"])
def test_a_passing_failure_of_any_read_is_ridden_out(
    replication: Replication, proxy: S3Proxy, action: int | str
) -> None:
    for path in ("/data/", STATE_OF_EXTRACT, "/schemas/", STATE_OF_LOAD):
        proxy.arm("GET", path, action)
    replication.sync("t")
    assert proxy.struck == [action] * 4
    assert_exact(replication)


@pytest.mark.parametrize("action", [403, 507])
def test_a_lasting_refusal_fails_the_run_and_the_next_one_is_exact(
    replication: Replication, proxy: S3Proxy, action: int
) -> None:
    """H-11, H-21: no permission, no space: exit code 6, and nothing that was committed moves."""
    for number, path in enumerate(("/data/", STATE_OF_EXTRACT, "/loads/", STATE_OF_LOAD)):
        start = 301 + 200 * number
        replication.sql(f"INSERT INTO t (id, v) SELECT seq, 1 FROM seq_{start}_to_{start + 150}")
        proxy.arm("PUT", path, action, times=1_000_000)
        with pytest.raises(StorageError) as failure:
            replication.sync("t")
        assert failure.value.exit_code is ExitCode.S3
        assert f"/{path.strip('/').split('/')[0]}/" in failure.value.happened
        proxy.faults.clear()
        replication.sync("t")
        assert_exact(replication)


@pytest.mark.parametrize("path", [STATE_OF_EXTRACT, STATE_OF_LOAD])
def test_a_state_that_cannot_be_read_stops_the_run(
    replication: Replication, proxy: S3Proxy, path: str
) -> None:
    """I-15: forbidden, broken or cut off is not absent: nothing is read again, nothing changes."""
    replication.sync("t")
    before = (replication.extract_state("t"), replication.load_state("t"))
    for action in (403, 500, "truncate", "damage", "hang"):
        proxy.arm("GET", path, action, times=1_000_000)
        with pytest.raises(StorageError) as failure:
            replication.sync("t")
        assert failure.value.exit_code is ExitCode.S3, action
        proxy.faults.clear()
        assert (replication.extract_state("t"), replication.load_state("t")) == before, action
    assert replication.sync("t").extract.rows == 0
    assert_exact(replication)


def test_a_state_that_is_absent_is_a_first_run(replication: Replication, proxy: S3Proxy) -> None:
    """I-15: 404 alone means that nothing was ever extracted."""
    proxy.arm("GET", STATE_OF_EXTRACT, 404)
    proxy.arm("GET", STATE_OF_LOAD, 404, times=2)
    assert replication.sync("t").extract.rows == 300
    assert_exact(replication)


def test_a_document_of_somebody_else_stops_the_run(
    replication: Replication, proxy: S3Proxy
) -> None:
    """I-15: empty, foreign, newer and incomplete documents are left as they are."""
    replication.sync("t")
    for body in (b"", b"[]", b'{"version": "9.0"}', b'{"version": "3.0"}', b'{"version": "3.0"'):
        replication.put_object(replication.state_key("t"), body)
        with pytest.raises(StateUnreadableError):
            replication.sync("t")
        assert replication.read_object(replication.state_key("t")) == body
    assert not proxy.struck


def test_a_file_that_was_cut_off_on_its_way_is_never_loaded(
    replication: Replication, proxy: S3Proxy
) -> None:
    """I-36, P-03: the footer is read back from S3, and COPY's count must be the footer's."""
    proxy.arm("GET", "/data/", "truncate", times=1_000_000)
    with pytest.raises(StorageError):
        replication.sync("t")
    proxy.faults.clear()
    assert replication.extract_state("t").files == ()
    replication.sync("t")
    assert_exact(replication)
    assert replication.orphans("t")


def test_a_lost_race_for_the_state_is_told_from_a_lost_answer(
    replication: Replication, proxy: S3Proxy
) -> None:
    """H-26: another run's write is a conflict, exit code 8; one's own is not."""
    replication.sync("t")
    key = replication.state_key("t")
    replication.sql("INSERT INTO t (id, v) SELECT seq, seq FROM seq_301_to_400")
    written = json.loads(replication.read_object(key))

    class Interfering(list[int | str]):
        """Writes the state from outside when the run is about to."""

        def append(self, action: int | str, /) -> None:
            if not self:
                replication.put_object(key, json.dumps(written, indent=2).encode())
            super().append(action)

    proxy.struck = Interfering()
    proxy.arm("PUT", STATE_OF_EXTRACT, 500)
    with pytest.raises(StateConflictError) as conflict:
        replication.extract("t")
    assert conflict.value.exit_code is ExitCode.STATE_CONFLICT
    assert replication.extract_state("t").mysql_state.total_rows == 300
    replication.sync("t")
    assert_exact(replication)


def test_an_upload_that_fails_in_its_middle_leaves_nothing_behind(
    replication: Replication, proxy: S3Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Multipart: a part that cannot be sent ends the upload; parts that are sent are given up."""
    make_large(replication, monkeypatch)
    proxy.arm("PUT", "partNumber=2", 403, times=1_000_000)
    with pytest.raises(ReplicationError):
        replication.extract("t")
    assert any(method == "DELETE" and "uploadId" in path for method, path in proxy.requests)
    assert replication.objects() == {}
    proxy.faults.clear()
    for action in ("lose", 500):
        proxy.arm("PUT", "partNumber=1", action)
        proxy.arm("POST", "uploads", action)
    replication.sync("t")
    assert len(proxy.struck) >= 5
    assert_exact(replication)


@pytest.mark.parametrize("action", ["lose", "lose_500"])
def test_a_completed_upload_whose_answer_is_lost_is_taken_for_complete(
    replication: Replication,
    proxy: S3Proxy,
    monkeypatch: pytest.MonkeyPatch,
    action: str,
) -> None:
    """The retry of CompleteMultipartUpload finds no upload any more, but the object."""
    make_large(replication, monkeypatch)
    proxy.arm("POST", "uploadId=", action)
    replication.sync("t")
    assert proxy.struck == [action]
    assert_exact(replication)
