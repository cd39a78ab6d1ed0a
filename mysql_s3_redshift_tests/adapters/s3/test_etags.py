"""What tells that an object is still the one that was written, on a real S3 server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from mysql_s3_redshift.adapters.s3 import parquet
from mysql_s3_redshift.adapters.s3.bucket import Bucket
from mysql_s3_redshift.adapters.s3.objects import plain_etag
from mysql_s3_redshift.adapters.s3.storage import TableStorage
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.adapters.s3.test_documents import storage_config

PLAN = TablePlan("p q", "s", "lake", "t", "shöp", "a+b %", "shop", "orders")
SCHEMA = pa.schema([("noise", pa.binary())])


@pytest.fixture
def storage(s3_server: SandboxStatus, s3_prefix: str) -> TableStorage:
    return TableStorage(Bucket(storage_config(s3_server, s3_prefix)), PLAN)


def write(storage: TableStorage, seq: int, *, day: datetime, size: int = 10) -> Any:
    file = storage.open_file("run", seq, schema=SCHEMA, day=day)
    file.write(pa.record_batch([pa.array([bytes([seq]) * size])], schema=SCHEMA))
    return file.finish()


def test_files_are_found_as_they_were_written_until_they_are_replaced_or_gone(
    storage: TableStorage,
) -> None:
    """Of several days, some of the files of each; names are such as a listing has to encode."""
    start = datetime(2025, 12, 30, tzinfo=UTC)
    days = [start + timedelta(days=n) for n in range(3)]
    files = [write(storage, n + 1, day=days[n % 3]) for n in range(9)]
    asked = [files[n] for n in (7, 0, 3, 8, 5)]
    marks = {f.uri: f.etag for f in asked}
    assert all(marks.values())
    assert storage.etags([f.uri for f in asked]) == marks
    replaced, gone = asked[1], asked[4]
    storage.bucket.put(storage.bucket.key(replaced.uri), b"x" * replaced.bytes)
    storage.delete_files([gone.uri])
    found = storage.etags(list(marks))
    assert set(found) == set(marks) - {gone.uri}
    assert [uri for uri, etag in found.items() if etag != marks[uri]] == [replaced.uri]
    assert storage.etags([]) == {}


def test_a_file_in_parts_has_the_same_mark_in_a_listing_as_when_it_is_read(
    storage: TableStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "PART_BYTES", 5 << 20)
    file = storage.open_file("run", 1, schema=SCHEMA, day=datetime(2025, 1, 1, tzinfo=UTC))
    for n in range(12):
        noise = pa.array([n.to_bytes(2) + bytes(1 << 20)])
        file.write(pa.record_batch([noise], schema=SCHEMA))
    written = file.finish()
    assert storage.etags([written.uri]) == {written.uri: written.etag}


def test_one_request_lists_the_files_of_a_day_from_the_first_to_the_last(
    storage: TableStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies before and behind the files is not listed."""
    day = datetime(2025, 1, 1, tzinfo=UTC)
    files = [write(storage, n, day=day) for n in range(1, 7)]
    listed: list[str] = []
    list_all = Bucket.list

    def recorded(bucket: Bucket, prefix: str, *, after: str = "") -> Any:
        for found in list_all(bucket, prefix, after=after):
            listed.append(found.key)
            yield found

    monkeypatch.setattr(Bucket, "list", recorded)
    storage.etags([f.uri for f in files[2:4]])
    assert listed == [storage.bucket.key(f.uri) for f in files[2:5]]


@pytest.mark.parametrize(
    ("answer", "etag"),
    [({"ETag": '"ab-2"'}, "ab-2"), ({"ETag": 'W/"ab"'}, "ab"), ({"ETag": ""}, None), ({}, None)],
)
def test_an_etag_is_kept_without_what_only_http_needs(
    answer: dict[str, str], etag: str | None
) -> None:
    assert plain_etag(answer) == etag
