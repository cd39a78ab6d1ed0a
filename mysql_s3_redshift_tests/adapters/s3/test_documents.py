"""State documents on a real S3 server: conditional writes, damaged documents, lost answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import SecretStr

from mysql_s3_redshift.adapters.s3.bucket import Bucket
from mysql_s3_redshift.adapters.s3.documents import READ_BY_PEOPLE, StateDocument, serialize
from mysql_s3_redshift.config import StorageConfig
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.state import DataFile, ExtractState
from mysql_s3_redshift.errors import StateConflictError, StateUnreadableError, StorageError
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus

PLAN = TablePlan("p", "s", "lake", "t", "shop", "orders", "shop", "orders")


def storage_config(sandbox: SandboxStatus, prefix: str, **changes: Any) -> StorageConfig:
    access = sandbox.document()["s3"]
    return StorageConfig(
        bucket=access["bucket"],
        prefix=prefix,
        region="us-east-1",
        endpoint_url=access["endpoint_url"],
        access_key_id=SecretStr(access["access_key_id"]),
        secret_access_key=SecretStr(changes.get("secret", access["secret_access_key"])),
    )


@pytest.fixture
def bucket(s3_server: SandboxStatus, s3_prefix: str) -> Bucket:
    return Bucket(storage_config(s3_server, s3_prefix))


def document(bucket: Bucket) -> StateDocument[ExtractState]:
    return StateDocument(bucket, f"{bucket.prefix}/state/s3/p/shop/orders.json", ExtractState)


def test_absent_document_is_a_first_run(bucket: Bucket):
    assert document(bucket).read() is None


def test_written_document_is_read_back_whole(bucket: Bucket):
    state = ExtractState.first(PLAN, "hybrid").begin("run-1")
    document(bucket).write(state)
    found = document(bucket).read()
    assert found is not None
    assert found.mysql_state == state.mysql_state
    assert found.files == state.files


def test_a_document_is_in_lines_while_people_read_it(bucket: Bucket):
    """A backlog of thousands of files is written whole with every commit, so it has no padding."""

    def files(count: int) -> tuple[DataFile, ...]:
        return tuple(
            DataFile(seq=seq, uri="u", rows=1, bytes=1, schema_id="s", kind="full", run_id="r",
                     written_at="w")
            for seq in range(1, count + 1)
        )  # fmt: skip

    state = ExtractState.first(PLAN, "hybrid").register(files(READ_BY_PEOPLE))
    short = serialize(state)
    long = serialize(state.with_(files=files(READ_BY_PEOPLE + 1), next_seq=READ_BY_PEOPLE + 2))
    assert short.count(b"\n") > READ_BY_PEOPLE
    assert b"\n" not in long
    stored = document(bucket)
    bucket.put(stored.key, long)
    found = stored.read()
    assert found is not None
    assert found.files[:-1] == state.files


def test_second_writer_of_one_version_loses_and_changes_nothing(bucket: Bucket):
    """H-26, I-33."""
    document(bucket).write(ExtractState.first(PLAN, "hybrid"))
    winner, loser = document(bucket), document(bucket)
    first, second = winner.read(), loser.read()
    assert first is not None
    assert second is not None
    winner.write(first.begin("winner"))
    with pytest.raises(StateConflictError):
        loser.write(second.begin("loser"))
    kept = document(bucket).read()
    assert kept is not None
    assert kept.mysql_state.last_run_id == "winner"


def test_two_first_writers_leave_one_document(bucket: Bucket):
    one, two = document(bucket), document(bucket)
    assert one.read() is None
    assert two.read() is None
    one.write(ExtractState.first(PLAN, "hybrid"))
    with pytest.raises(StateConflictError):
        two.write(ExtractState.first(PLAN, "id_only"))


def test_write_whose_answer_was_lost_recognises_itself(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
):
    """A PUT that was done and answered with an error is tried again and meets its own version."""
    states = document(bucket)
    states.write(ExtractState.first(PLAN, "hybrid"))
    put = bucket.put

    def put_twice(*args: Any, **options: Any) -> str:
        put(*args, **options)
        return put(*args, **options)

    monkeypatch.setattr(bucket, "put", put_twice)
    states.write(ExtractState.first(PLAN, "hybrid").begin("again"))
    monkeypatch.undo()
    kept = document(bucket).read()
    assert kept is not None
    assert kept.mysql_state.last_run_id == "again"
    states.write(kept.begin("afterwards"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"version": "9.0"}',
        b'{"version": "3.0"}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        json.dumps(
            {
                "version": "3.0",
                "table_name": "x",
                "pipeline": "p",
                "cdc_strategy": "hybrid",
                "files": "many",
            }
        ).encode(),
    ],
)
def test_unreadable_document_stops_the_run_and_stays(bucket: Bucket, body: bytes):
    """I-15: absent is not unreadable."""
    states = document(bucket)
    bucket.put(states.key, body)
    with pytest.raises(StateUnreadableError) as caught:
        states.read()
    assert states.key in caught.value.happened
    assert bucket.get(states.key) is not None


def test_wrong_secret_is_an_error_and_not_an_absent_document(
    s3_server: SandboxStatus, s3_prefix: str
):
    """I-15."""
    forbidden = Bucket(storage_config(s3_server, s3_prefix, secret="wrong"))
    with pytest.raises(StorageError) as caught:
        document(forbidden).read()
    assert not isinstance(caught.value, StateUnreadableError)
    assert "wrong" not in str(caught.value)


def test_listing_has_no_cap(bucket: Bucket):
    """I-12: more objects than one page holds."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: bucket.put(f"{bucket.prefix}/many/{n:05d}", b"x"), range(1_100)))
    found = [o.key for o in bucket.list(f"{bucket.prefix}/many/")]
    assert len(found) == 1_100
    bucket.delete(found)
    assert list(bucket.list(f"{bucket.prefix}/many/")) == []
