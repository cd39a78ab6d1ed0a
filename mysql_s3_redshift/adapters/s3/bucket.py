"""One bucket: the only place that sends requests to S3 and knows its errors.

Writes of documents carry a precondition: `If-None-Match: *` for the first version, `If-Match: etag`
for the others (Amazon S3 User Guide, "How to prevent object overwrites with conditional writes").
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from mysql_s3_redshift.adapters.s3.client import client_of
from mysql_s3_redshift.adapters.s3.objects import StoredObject, StoredUpload, plain_etag
from mysql_s3_redshift.config import StorageConfig
from mysql_s3_redshift.errors import StorageError

ABSENT = {"404", "NoSuchKey", "NotFound"}
CONFLICT = {"412", "PreconditionFailed", "409", "ConditionalRequestConflict"}
PERMISSIONS = {
    "CompleteMultipartUpload": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "DeleteObjects": "DeleteObject",
    "HeadObject": "GetObject",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectsV2": "ListBucket",
    "UploadPart": "PutObject",
}
"""IAM's name of an operation, where it has another one."""

DELETE_BATCH = 1_000


class PreconditionFailedError(StorageError):
    """The object is not in the version that the write was based on."""


class Bucket:
    """Requests to one bucket under one configuration.

    Attributes:
        keeps_preconditions: Whether it was seen that the store does (see `preconditions`).
    """

    def __init__(self, config: StorageConfig) -> None:
        self.name = config.bucket
        self.prefix = config.prefix
        self.keeps_preconditions = False
        self._config = config
        self._client: Any = None
        self._lock = threading.Lock()

    def uri(self, key: str) -> str:
        """`s3://bucket/key`."""
        return f"s3://{self.name}/{key}"

    def key(self, uri: str) -> str:
        """The key of one of this bucket's URIs.

        Raises:
            StorageError: The URI names another bucket.
        """
        root = f"s3://{self.name}/"
        if not uri.startswith(root):
            raise StorageError(
                f"{uri} is not in bucket {self.name}.",
                kept="Nothing was changed.",
                remedy="Use the storage that the file was written to.",
            )
        return uri.removeprefix(root)

    @property
    def client(self) -> Any:
        """The boto3 client, made at first use; clients may be shared among threads."""
        with self._lock:
            if self._client is None:
                self._client = client_of(self._config)
        return self._client

    def put(
        self, key: str, body: bytes, *, if_match: str | None = None, if_absent: bool = False
    ) -> str:
        """Write an object whole; returns its ETag.

        Raises:
            PreconditionFailedError: The object is not in the expected version.
        """
        condition: dict[str, str] = {"IfMatch": if_match} if if_match else {}
        if if_absent:
            condition["IfNoneMatch"] = "*"
        with self._errors("PutObject", key):
            answer = self.client.put_object(
                Bucket=self.name, Key=key, Body=body, **condition, **self._write_options()
            )
        return str(answer["ETag"])

    def get(self, key: str) -> tuple[bytes, str] | None:
        """Read an object whole, with its ETag; None when it does not exist."""
        with self._errors("GetObject", key):
            try:
                answer = self.client.get_object(Bucket=self.name, Key=key, **self._owner())
            except ClientError as error:
                if _code(error) in ABSENT:
                    return None
                raise
            return answer["Body"].read(), str(answer["ETag"])

    def read_tail(self, key: str, length: int) -> tuple[bytes, str | None]:
        """The last `length` bytes of an object, or all of a shorter one, with its ETag."""
        with self._errors("GetObject", key):
            answer = self.client.get_object(
                Bucket=self.name, Key=key, Range=f"bytes=-{length}", **self._owner()
            )
            return bytes(answer["Body"].read()), plain_etag(answer)

    def exists(self, key: str) -> bool:
        """Whether the object exists."""
        return self.size(key) is not None

    def size(self, key: str) -> int | None:
        """Bytes of an object; None when it does not exist."""
        with self._errors("HeadObject", key):
            try:
                answer = self.client.head_object(Bucket=self.name, Key=key, **self._owner())
            except ClientError as error:
                if _code(error) in ABSENT:
                    return None
                raise
        return int(answer["ContentLength"])

    def list(self, prefix: str, *, after: str = "") -> Iterator[StoredObject]:
        """Every object under a prefix, or those of them after a key; pages until the end."""
        start = {"StartAfter": after} if after else {}
        with self._errors("ListObjectsV2", prefix):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.name, Prefix=prefix, **start, **self._owner()
            )
            for page in pages:
                for entry in page.get("Contents", []):
                    key, modified = entry["Key"], entry["LastModified"]
                    yield StoredObject(key, entry["Size"], modified, plain_etag(entry))

    def delete(self, keys: Sequence[str]) -> None:
        """Delete exactly these keys.

        Raises:
            StorageError: Some could not be deleted; the message names the first.
        """
        for start in range(0, len(keys), DELETE_BATCH):
            batch = [{"Key": key} for key in keys[start : start + DELETE_BATCH]]
            with self._errors("DeleteObjects", batch[0]["Key"]):
                answer = self.client.delete_objects(
                    Bucket=self.name, Delete={"Objects": batch, "Quiet": True}, **self._owner()
                )
            for failure in answer.get("Errors", [])[:1]:
                raise StorageError(
                    f"S3 did not delete {self.uri(failure['Key'])}: {failure.get('Message')}.",
                    kept="Files before it are deleted, the others are not.",
                    remedy="Check s3:DeleteObject for this prefix, then run again.",
                )

    # -- multipart upload --------------------------------------------------------------------

    def begin_upload(self, key: str) -> str:
        """Start a multipart upload; returns its id."""
        with self._errors("CreateMultipartUpload", key):
            answer = self.client.create_multipart_upload(
                Bucket=self.name, Key=key, **self._write_options()
            )
        return str(answer["UploadId"])

    def upload_part(
        self, key: str, upload_id: str, number: int, body: bytes | bytearray
    ) -> Mapping[str, Any]:
        """Send one part; returns what completion needs of it."""
        with self._errors("UploadPart", key):
            answer = self.client.upload_part(
                Bucket=self.name,
                Key=key,
                UploadId=upload_id,
                PartNumber=number,
                Body=body,
                **self._owner(),
            )
        return {"PartNumber": number, "ETag": answer["ETag"]}

    def complete_upload(self, key: str, upload_id: str, parts: Sequence[Mapping[str, Any]]) -> None:
        """Make the object of its parts."""
        with self._errors("CompleteMultipartUpload", key):
            self.client.complete_multipart_upload(
                Bucket=self.name,
                Key=key,
                UploadId=upload_id,
                MultipartUpload={"Parts": list(parts)},
                **self._owner(),
            )

    def abort_upload(self, key: str, upload_id: str) -> None:
        """Give a multipart upload up, so that its parts are not kept."""
        with self._errors("AbortMultipartUpload", key):
            self.client.abort_multipart_upload(
                Bucket=self.name, Key=key, UploadId=upload_id, **self._owner()
            )

    def list_uploads(self, prefix: str) -> Iterator[StoredUpload]:
        """Every multipart upload under a prefix that was not completed."""
        with self._errors("ListMultipartUploads", prefix):
            pages = self.client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self.name, Prefix=prefix, **self._owner()
            )
            for page in pages:
                for entry in page.get("Uploads", []):
                    key, upload_id = entry["Key"], entry["UploadId"]
                    size = self._upload_bytes(key, upload_id)
                    yield StoredUpload(key, upload_id, size, entry["Initiated"])

    def _upload_bytes(self, key: str, upload_id: str) -> int:
        pages = self.client.get_paginator("list_parts").paginate(
            Bucket=self.name, Key=key, UploadId=upload_id, **self._owner()
        )
        return sum(int(part["Size"]) for page in pages for part in page.get("Parts", []))

    # -- configuration and errors -------------------------------------------------------------

    def _owner(self) -> dict[str, str]:
        owner = self._config.expected_bucket_owner
        return {"ExpectedBucketOwner": owner} if owner else {}

    def _write_options(self) -> dict[str, str]:
        kms = self._config.kms_key_id
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms} if kms else {}
        return {**encryption, **self._owner()}

    @contextmanager
    def _errors(self, operation: str, key: str) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            code = _code(error)
            kind = PreconditionFailedError if code in CONFLICT else StorageError
            raise kind(
                f"S3 refused {operation} of {self.uri(key)}: {code} "
                f"{error.response.get('Error', {}).get('Message', '')}".rstrip(),
                kept="What was committed before is unchanged.",
                remedy=_remedy(code, operation),
            ) from error
        except (BotoCoreError, HTTPClientError, OSError) as error:
            raise StorageError(
                f"S3 did not answer {operation} of {self.uri(key)}: {error}",
                kept="What was committed before is unchanged.",
                remedy="Check endpoint, region and network, then run again.",
            ) from error


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _remedy(code: str, operation: str) -> str:
    if code in {"AccessDenied", "403", "Forbidden"}:
        action = PERMISSIONS.get(operation, operation)
        # S3 answers so for an object that is absent, too, where it may not be told.
        also = " and s3:ListBucket on the bucket" if action == "GetObject" else ""
        return f"Allow s3:{action} on this prefix{also} (docs/security.md), or check the keys."
    if code in {"NoSuchBucket"}:
        return "Create the bucket, or correct `bucket` in pipelines.yaml."
    if code in {"ExpiredToken", "InvalidToken", "TokenRefreshRequired"}:
        return (
            "Renew `session_token` and the access keys of this storage: they are valid for a time."
        )
    if code in {"InvalidAccessKeyId", "SignatureDoesNotMatch"}:
        return "Check the access keys of this storage in pipelines.yaml."
    return "Run again; S3 keeps what is complete."
