"""Parquet uploads on a real S3 server: content, footers, nothing before the end."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mysql_s3_redshift.adapters.s3.bucket import Bucket
from mysql_s3_redshift.adapters.s3.parquet import PART_BYTES, ParquetUpload, repeating_columns
from mysql_s3_redshift.errors import StorageError
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.adapters.s3.test_documents import storage_config

SCHEMA = pa.schema([("id", pa.int64()), ("text", pa.string()), ("amount", pa.decimal128(12, 2))])


@pytest.fixture
def bucket(s3_server: SandboxStatus, s3_prefix: str) -> Bucket:
    return Bucket(storage_config(s3_server, s3_prefix))


def rows(first: int, count: int, *, width: int = 10) -> pa.RecordBatch:
    random = np.random.default_rng(first)
    text = [random.bytes(width).hex() if n % 7 else None for n in range(count)]
    amounts = pa.array(np.arange(count), pa.int32()).cast(pa.decimal128(12, 2))
    return pa.record_batch(
        [pa.array(range(first, first + count), pa.int64()), pa.array(text), amounts], schema=SCHEMA
    )


def read(bucket: Bucket, key: str) -> pa.Table:
    found = bucket.get(key)
    assert found is not None
    return pq.read_table(io.BytesIO(found[0]))


def test_small_file_is_exact_and_its_footer_is_read_back(bucket: Bucket):
    key = f"{bucket.prefix}/data/small.parquet"
    upload = ParquetUpload(bucket, key, SCHEMA)
    batches = [rows(0, 100), rows(100, 50)]
    for batch in batches:
        upload.write(batch)
    assert not bucket.exists(key)
    written = upload.finish()
    assert written.rows == 150
    assert written.uri == bucket.uri(key)
    assert read(bucket, key).equals(pa.Table.from_batches(batches))


def test_large_file_goes_up_in_parts_and_is_exact(bucket: Bucket):
    key = f"{bucket.prefix}/data/large.parquet"
    upload = ParquetUpload(bucket, key, SCHEMA)
    batches = [rows(n * 20_000, 20_000, width=500) for n in range(3)]
    for batch in batches:
        upload.write(batch)
    written = upload.finish()
    assert written.bytes > 2 * PART_BYTES
    assert written.bytes == next(bucket.list(key)).bytes
    assert read(bucket, key).equals(pa.Table.from_batches(batches))


def test_file_without_rows_has_the_schema(bucket: Bucket):
    key = f"{bucket.prefix}/data/empty.parquet"
    written = ParquetUpload(bucket, key, SCHEMA).finish()
    assert written.rows == 0
    assert read(bucket, key).schema.equals(SCHEMA)


def test_aborted_file_leaves_nothing(bucket: Bucket):
    key = f"{bucket.prefix}/data/aborted.parquet"
    upload = ParquetUpload(bucket, key, SCHEMA)
    for n in range(3):
        upload.write(rows(n * 20_000, 20_000, width=500))
    upload.abort()
    assert not bucket.exists(key)
    uploads = bucket.client.list_multipart_uploads(Bucket=bucket.name).get("Uploads", [])
    assert key not in [u["Key"] for u in uploads]


def test_error_of_an_upload_reaches_the_reader(bucket: Bucket, monkeypatch: pytest.MonkeyPatch):
    def refuse(*args: object) -> None:
        raise StorageError("no space left")

    monkeypatch.setattr(bucket, "upload_part", refuse)
    upload = ParquetUpload(bucket, f"{bucket.prefix}/data/refused.parquet", SCHEMA)

    def write_on() -> None:
        for n in range(50):
            upload.write(rows(n * 20_000, 20_000, width=500))

    with pytest.raises(StorageError, match="no space left"):
        write_on()
    upload.abort()


def test_footers_of_one_schema_agree_and_carry_no_metadata(bucket: Bucket):
    """I-27."""
    schemas = []
    for n in range(2):
        key = f"{bucket.prefix}/data/{n}.parquet"
        upload = ParquetUpload(bucket, key, SCHEMA)
        upload.write(rows(n, 10 + n))
        upload.finish()
        found = bucket.get(key)
        assert found is not None
        footer = pq.read_metadata(io.BytesIO(found[0]))
        assert footer.metadata is None
        schemas.append(footer.schema.to_arrow_schema())
    assert schemas[0].equals(schemas[1], check_metadata=True)


def test_only_columns_that_repeat_get_a_dictionary():
    table = pa.table(
        {
            "id": range(1_000),
            "status": ["open" if n % 2 else "done" for n in range(1_000)],
            "empty": pa.nulls(1_000, pa.string()),
            "flag": [True] * 1_000,
        }
    )
    assert repeating_columns(table) == ["status", "empty"]
