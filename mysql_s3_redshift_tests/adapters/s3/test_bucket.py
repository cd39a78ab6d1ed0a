"""Requests to S3 as they are sent: encryption, owner, addressing; and stores without conditions."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from botocore.client import BaseClient as BotocoreClient
from botocore.exceptions import ClientError

from mysql_s3_redshift.adapters.s3.bucket import Bucket
from mysql_s3_redshift.adapters.s3.documents import StateDocument
from mysql_s3_redshift.adapters.s3.parquet import ParquetUpload
from mysql_s3_redshift.adapters.s3.preconditions import require_conditional_writes
from mysql_s3_redshift.config import StorageConfig
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.state import ExtractState
from mysql_s3_redshift.errors import StorageError
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.adapters.s3.test_documents import storage_config

KMS = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OWNER = "123456789012"
PLAN = TablePlan("p", "s", "lake", "t", "shop", "orders", "shop", "orders")

BaseClient: Any = BotocoreClient
Call = tuple[str, dict[str, Any]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """Every call to S3 and its parameters; encryption and owner are recorded, not sent."""
    made: list[Call] = []
    send = BaseClient._make_api_call

    def record(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        made.append((operation, dict(parameters)))
        # The sandbox's store has neither keys nor accounts.
        for name in ("ServerSideEncryption", "SSEKMSKeyId", "ExpectedBucketOwner"):
            parameters.pop(name, None)
        return send(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", record)
    return made


@pytest.fixture
def bucket(s3_server: SandboxStatus, s3_prefix: str) -> Bucket:
    config = storage_config(s3_server, s3_prefix)
    return Bucket(config.model_copy(update={"kms_key_id": KMS, "expected_bucket_owner": OWNER}))


def use_everything(bucket: Bucket) -> None:
    key = f"{bucket.prefix}/x"
    bucket.put(key, b"1")
    bucket.get(key)
    bucket.exists(key)
    bucket.read_tail(key, 1)
    list(bucket.list(bucket.prefix))
    upload = ParquetUpload(bucket, f"{key}.parquet", pa.schema([("a", pa.int64())]))
    upload.write(pa.record_batch([pa.array([1], pa.int64())], names=["a"]))
    upload.finish()
    bucket.abort_upload(f"{key}.none", bucket.begin_upload(f"{key}.none"))
    bucket.delete([key])


def test_every_write_is_encrypted_by_the_key_and_every_call_checks_the_owner(bucket, calls):
    use_everything(bucket)
    names = {operation for operation, _ in calls}
    assert names >= {"PutObject", "GetObject", "HeadObject", "ListObjectsV2", "DeleteObjects"}
    for operation, parameters in calls:
        assert parameters.get("ExpectedBucketOwner") == OWNER, operation
        if operation in {"PutObject", "CreateMultipartUpload"}:
            assert parameters["ServerSideEncryption"] == "aws:kms"
            assert parameters["SSEKMSKeyId"] == KMS
        else:
            assert "SSEKMSKeyId" not in parameters


def test_without_a_key_the_buckets_own_encryption_counts(s3_server, s3_prefix, calls):
    use_everything(Bucket(storage_config(s3_server, s3_prefix)))
    for _, parameters in calls:
        assert "ServerSideEncryption" not in parameters
        assert "ExpectedBucketOwner" not in parameters


@pytest.mark.parametrize(
    ("section", "url"),
    [
        ({}, "https://lake.s3.amazonaws.com/k"),
        ({"path_style": True}, "https://s3.eu-west-1.amazonaws.com/lake/k"),
        ({"endpoint_url": "https://store.example"}, "https://store.example/lake/k"),
        (
            {"endpoint_url": "https://store.example", "path_style": False},
            "https://lake.store.example/k",
        ),
    ],
)
def test_the_bucket_goes_into_host_or_path_as_configured(section, url):
    keys = {"access_key_id": "A", "secret_access_key": "B", "region": "eu-west-1"}
    config = StorageConfig.model_validate({"bucket": "lake"} | keys | section)
    signed = Bucket(config).client.generate_presigned_url(
        "get_object", Params={"Bucket": "lake", "Key": "k"}
    )
    assert signed.split("?")[0] == url


# -- stores that ignore preconditions -----------------------------------------------------------


@pytest.fixture
def plain(s3_server: SandboxStatus, s3_prefix: str) -> Bucket:
    return Bucket(storage_config(s3_server, s3_prefix))


def document(bucket: Bucket) -> StateDocument[ExtractState]:
    return StateDocument(bucket, f"{bucket.prefix}/state/s3/p/shop/orders.json", ExtractState)


@pytest.mark.parametrize("ignored", ["IfNoneMatch", "IfMatch"])
def test_a_store_that_ignores_a_precondition_is_refused_before_any_state(
    plain, monkeypatch, ignored
):
    """I-33."""
    send = BaseClient._make_api_call

    def ignore(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        parameters.pop(ignored, None)
        return send(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", ignore)
    for _ in range(2):
        with pytest.raises(StorageError, match="ignores the precondition") as refused:
            document(plain).write(ExtractState.first(PLAN, "hybrid"))
        assert "conditional writes" in refused.value.remedy
    assert document(plain).read() is None


def test_a_store_without_conditional_writes_is_refused(plain, monkeypatch):
    def refuse(_client: Any, operation: str, _parameters: dict[str, Any]) -> Any:
        error: Any = {"Code": "NotImplemented", "Message": "A header implies functionality"}
        raise ClientError({"Error": error}, operation)

    monkeypatch.setattr(BaseClient, "_make_api_call", refuse)
    with pytest.raises(StorageError, match="has no conditional writes"):
        require_conditional_writes(plain)


def test_only_the_first_document_of_a_table_costs_requests(plain, calls):
    first = document(plain)
    first.write(ExtractState.first(PLAN, "hybrid"))
    assert [operation for operation, _ in calls] == ["PutObject"] * 4
    calls.clear()
    first.write(ExtractState.first(PLAN, "hybrid").begin("run-2"))
    known = document(plain)
    known.read()
    known.write(ExtractState.first(PLAN, "hybrid").begin("run-3"))
    assert [operation for operation, _ in calls] == ["PutObject", "GetObject", "PutObject"]


def test_a_second_process_proves_it_by_two_refused_writes(s3_server, s3_prefix, plain, calls):
    require_conditional_writes(plain)
    calls.clear()
    require_conditional_writes(Bucket(storage_config(s3_server, s3_prefix)))
    assert [operation for operation, _ in calls] == ["PutObject"] * 2


def test_a_refused_read_names_the_permissions_that_are_missing(plain, monkeypatch):
    """Without s3:ListBucket an absent document is forbidden: never a first run."""

    def forbid(_client: Any, operation: str, _parameters: dict[str, Any]) -> Any:
        error: Any = {"Code": "AccessDenied", "Message": "Access Denied"}
        raise ClientError({"Error": error}, operation)

    monkeypatch.setattr(BaseClient, "_make_api_call", forbid)
    with pytest.raises(StorageError, match="AccessDenied") as refused:
        document(plain).read()
    assert "s3:GetObject" in refused.value.remedy
    assert "s3:ListBucket" in refused.value.remedy
    with pytest.raises(StorageError) as refused:
        plain.begin_upload("k")
    assert "s3:PutObject" in refused.value.remedy


def test_storages_of_one_address_and_account_share_a_client(s3_server: SandboxStatus) -> None:
    """Making one takes longer than an idle table needs for everything else."""
    one, other = (Bucket(storage_config(s3_server, prefix)) for prefix in ("one", "other"))
    elsewhere = storage_config(s3_server, "one").model_copy(
        update={"endpoint_url": "http://127.0.0.1:9"}
    )
    assert one.client is other.client
    assert Bucket(elsewhere).client is not one.client
