"""Keys that a session lends (STS): the token goes with every request, and with COPY.

The store is moto with its own check of signatures, tokens and policies switched on, which is what
AWS does: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_use-resources.html
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto.core.authorization import enable_iam_authentication

from mysql_s3_redshift.adapters.redshift.target import copy_authorization
from mysql_s3_redshift.adapters.s3.bucket import Bucket
from mysql_s3_redshift.config import StorageConfig, TargetConfig
from mysql_s3_redshift.errors import StorageError
from mysql_s3_redshift_tests.sandbox.redshift.conftest import BUCKET, Lake, refusal, run

ALLOW_S3 = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
}
TARGET = TargetConfig.model_validate(
    {"host": "127.0.0.1", "database": "dev", "user": "u", "password": "p"}
)


@pytest.fixture(scope="module")
def lent(s3_endpoint: str, lake: Lake) -> Iterator[StorageConfig]:
    """A storage with the keys of a session, while the store demands that they are right."""
    aws: dict[str, Any] = {
        "endpoint_url": s3_endpoint,
        "region_name": "us-east-1",
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
    }
    iam = boto3.client("iam", **aws)
    role = iam.create_role(RoleName="replication", AssumeRolePolicyDocument="{}")["Role"]
    iam.put_role_policy(
        RoleName="replication", PolicyName="s3", PolicyDocument=json.dumps(ALLOW_S3)
    )
    session = boto3.client("sts", **aws).assume_role(RoleArn=role["Arn"], RoleSessionName="sync")
    keys = session["Credentials"]
    section = {
        "bucket": BUCKET,
        "prefix": "lent",
        "region": "us-east-1",
        "endpoint_url": s3_endpoint,
        "access_key_id": keys["AccessKeyId"],
        "secret_access_key": keys["SecretAccessKey"],
        "session_token": keys["SessionToken"],
    }
    with enable_iam_authentication():
        yield StorageConfig.model_validate(section)


def copy_lent(connection: Any, key: str, storage: StorageConfig) -> str:
    """A COPY with what the product says for a target without a role."""
    run(connection, "create table if not exists t (c int)")
    return f"copy t from 's3://{BUCKET}/{key}' {copy_authorization(TARGET, storage)} format parquet"


def test_a_file_that_was_written_with_lent_keys_is_copied_with_them(
    lent: StorageConfig, lake: Lake, connection: Any
):
    bucket = Bucket(lent)
    written = io.BytesIO()
    pq.write_table(pa.table({"c": pa.array([1, 2], pa.int32())}), written)
    bucket.put("lent/1.parquet", written.getvalue(), if_absent=True)
    assert [found.key for found in bucket.list("lent/")] == ["lent/1.parquet"]
    run(connection, copy_lent(connection, "lent/1.parquet", lent))
    assert run(connection, "select sum(c) from t") == [[3]]


@pytest.mark.parametrize("token", ["wrong", None])
def test_without_its_token_a_lent_key_is_worth_nothing(
    lent: StorageConfig, connection: Any, token: str | None
):
    stolen = StorageConfig.model_validate({**lent.model_dump(), "session_token": token})
    with pytest.raises(StorageError) as refused:
        Bucket(stolen).get("lent/1.parquet")
    assert "keys of this storage" in refused.value.remedy, refused.value
    refusal(connection, copy_lent(connection, "lent/1.parquet", stolen))
