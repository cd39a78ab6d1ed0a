"""Requests as a real S3 server gets them: encryption, owner, proxy, further attempts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pyarrow as pa
import pytest

from mysql_s3_redshift.adapters.s3.bucket import Bucket
from mysql_s3_redshift.adapters.s3.documents import StateDocument
from mysql_s3_redshift.adapters.s3.parquet import ParquetUpload
from mysql_s3_redshift.config import StorageConfig
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.state import ExtractState
from mysql_s3_redshift.errors import StorageError
from mysql_s3_redshift_tests.security.strict_store import BUCKET, StrictStore, strict_store

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OWNER = "123456789012"
PLAN = TablePlan("p", "s", "lake", "t", "shop", "orders", "shop", "orders")
ROWS = pa.record_batch([pa.array(range(10), pa.int64())], names=["a"])


@pytest.fixture(scope="module")
def server() -> Iterator[StrictStore]:
    with strict_store() as running:
        client(running).create_bucket(Bucket=BUCKET)
        yield running


@pytest.fixture
def store(server: StrictStore) -> Iterator[StrictStore]:
    """The store without rules, its memory empty."""
    server.requests.clear()
    yield server
    server.key = server.owner = None
    server.failures = 0


def client(store: StrictStore) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=store.url,
        region_name="us-east-1",
        aws_access_key_id="A",
        aws_secret_access_key="B",
    )


def bucket_of(store: StrictStore, **section: Any) -> Bucket:
    given = {
        "bucket": BUCKET,
        "prefix": "mysql",
        "endpoint_url": store.url,
        "region": "us-east-1",
        "access_key_id": "A",
        "secret_access_key": "B",
    }
    return Bucket(StorageConfig.model_validate(given | section))


def write_everything(bucket: Bucket) -> list[str]:
    """A document, a manifest and a data file in parts, and what is done to them later."""
    document = StateDocument(bucket, "mysql/state/s3/orders.json", ExtractState)
    document.write(ExtractState.first(PLAN, "hybrid"))
    assert document.read() is not None
    document.write(ExtractState.first(PLAN, "hybrid").begin("run"))
    bucket.put("mysql/loads/one.manifest.json", b"{}")
    file = ParquetUpload(bucket, "mysql/data/one.parquet", ROWS.schema)
    file.write(ROWS)
    assert file.finish() is not None
    assert bucket.read_tail("mysql/data/one.parquet", 4)[0] == b"PAR1"
    parts = bucket.begin_upload("mysql/data/parts.parquet")
    part = bucket.upload_part("mysql/data/parts.parquet", parts, 1, b"x" * 10)
    bucket.complete_upload("mysql/data/parts.parquet", parts, [part])
    bucket.abort_upload("mysql/data/none", bucket.begin_upload("mysql/data/none"))
    keys = [found.key for found in bucket.list("mysql/")]
    bucket.put("mysql/data/gone", b"")
    bucket.delete(["mysql/data/gone"])
    return keys


def test_a_bucket_that_demands_a_key_and_an_owner_gets_both(store: StrictStore) -> None:
    """SSE-KMS: every object is encrypted by the key; every request expects the owner."""
    store.key, store.owner = KEY, OWNER
    keys = write_everything(bucket_of(store, kms_key_id=KEY, expected_bucket_owner=OWNER))
    assert len(keys) == 5
    store.key = store.owner = None
    for key in keys:
        head = client(store).head_object(Bucket=BUCKET, Key=key)
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", KEY), key
    assert {request.method for request in store.requests} == {
        "GET", "PUT", "POST", "HEAD", "DELETE"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "section"),
    [
        ("key", {}),
        ("key", {"kms_key_id": KEY.replace("1234abcd", "ffff0000")}),
        ("owner", {}),
        ("owner", {"expected_bucket_owner": "999999999999"}),
    ],
)
def test_another_key_or_owner_is_refused_before_anything_is_written(
    store: StrictStore, rule: str, section: dict[str, str]
) -> None:
    """The rules above are rules: without them the test before would prove nothing."""
    setattr(store, rule, {"key": KEY, "owner": OWNER}[rule])
    document = StateDocument(bucket_of(store, **section), "mysql/new.json", ExtractState)
    with pytest.raises(StorageError, match="AccessDenied"):
        document.write(ExtractState.first(PLAN, "hybrid"))
    setattr(store, rule, None)
    assert client(store).list_objects_v2(Bucket=BUCKET, Prefix="mysql/new")["KeyCount"] == 0


def test_requests_go_through_the_proxy_of_the_environment(
    store: StrictStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", store.url)
    monkeypatch.setenv("http_proxy", store.url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    through = bucket_of(store, endpoint_url="http://store.example")
    through.put("mysql/proxied", b"1")
    found = through.get("mysql/proxied")
    assert found is not None
    assert found[0] == b"1"
    assert {request.url for request in store.requests} == {
        f"http://store.example/{BUCKET}/mysql/proxied"
    }


def test_hosts_of_no_proxy_are_asked_directly(
    store: StrictStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1,localhost")
    direct = bucket_of(store, region="eu-west-1")  # another client than the other tests'
    direct.put("mysql/direct", b"1")
    assert [request.url for request in store.requests] == [f"/{BUCKET}/mysql/direct"]


def test_a_failing_request_is_sent_again_five_times_at_most(
    store: StrictStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.retries.standard.random.random", lambda: 0.001)
    bucket = bucket_of(store)
    assert bucket.client.meta.config.retries["mode"] == "adaptive"
    store.failures = 2
    bucket.put("mysql/late", b"1")
    assert len(store.requests) == 3
    store.failures, store.requests = 100, []
    with pytest.raises(StorageError, match="InternalError"):
        bucket.put("mysql/never", b"1")
    assert len(store.requests) == 5
