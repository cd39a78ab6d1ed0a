"""Which files a COPY reads: those under a key prefix, or those of a manifest.

The rules are those of `copy-parameters-data-source-s3`: without MANIFEST the source is a prefix and
not a folder; `mandatory` is false unless the manifest says otherwise; columnar formats need
`meta.content_length`; a file listed twice is loaded twice.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlparse

from botocore.exceptions import BotoCoreError, ClientError

from mysql_s3_redshift.sandbox.redshift.errors import LoadError, load_error, spectrum_error

MISSING = frozenset({"404", "NoSuchKey", "NotFound"})


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file to load."""

    bucket: str
    key: str
    size: int

    @property
    def path(self) -> str:
        """Bucket and key, as PyArrow's file system takes them."""
        return f"{self.bucket}/{self.key}"


def find_files(s3: Any, source: str, *, manifest: bool, query: int) -> list[SourceFile]:
    """Return the files of a COPY in the order of their loading.

    Raises:
        LoadError: When there are none, or the manifest is not acceptable.
    """
    url = urlparse(source)
    bucket, key = url.netloc, url.path.lstrip("/")
    try:
        if manifest:
            return _files_of_manifest(s3, bucket, key, query)
        return _files_under_prefix(s3, bucket, key, query)
    except (ClientError, BotoCoreError) as error:
        raise s3_error(error, query) from error


def s3_error(error: ClientError | BotoCoreError, query: int) -> LoadError:
    """Build Redshift's error for a refused S3 request."""
    if not isinstance(error, ClientError):
        return load_error(8001, f"S3ServiceException:{error}", query=query)
    response: Any = error.response
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    reason, code = response["Error"].get("Message", ""), response["Error"].get("Code", "")
    message = f"S3ServiceException:{reason},Status {status},Error {code}"
    return load_error(8001, message, query=query)


def _files_under_prefix(s3: Any, bucket: str, prefix: str, query: int) -> list[SourceFile]:
    files = [
        SourceFile(bucket, entry["Key"], entry["Size"])
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for entry in page.get("Contents", [])
        if entry["Size"] > 0
    ]
    if not files:
        message = f"The specified S3 prefix '{prefix}' does not exist"
        raise load_error(8001, message, query=query)
    return files


def _files_of_manifest(s3: Any, bucket: str, key: str, query: int) -> list[SourceFile]:
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in MISSING:
            message = (
                "Problem reading manifest file - S3ServiceException:The specified key does not "
                "exist.,Status 404,Error NoSuchKey"
            )
            raise load_error(8001, message, query=query, key=key) from error
        raise
    try:
        entries = json.loads(body)["entries"]
        files = [_file_of_entry(s3, entry, query) for entry in entries]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = "Problem reading manifest file - the manifest is not in the correct JSON format"
        raise load_error(8001, message, query=query, key=key) from error
    found = [file for file in files if file is not None]
    if not found:
        raise load_error(8001, "No files found in the manifest", query=query, key=key)
    return found


def _file_of_entry(s3: Any, entry: dict[str, Any], query: int) -> SourceFile | None:
    for holder, wanted in ((entry, "meta"), (entry.get("meta", {}), "content_length")):
        if wanted not in holder:
            # aws-lambda-redshift-loader#221
            message = f"File entry does not have '{wanted}' key."
            raise load_error(15003, message, query=query)
    url = urlparse(entry["url"])
    if url.scheme != "s3" or not url.netloc or not url.path.strip("/"):
        raise load_error(8001, f"Invalid S3 URL in manifest: {entry['url']}", query=query)
    bucket, key = url.netloc, url.path.lstrip("/")
    try:
        size = s3.head_object(Bucket=bucket, Key=key)["ContentLength"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in MISSING:
            raise
        if entry.get("mandatory", False):
            message = f"Problem reading manifest file - mandatory file {entry['url']} not found"
            raise load_error(8001, message, query=query, key=key) from error
        return None
    if size != int(entry["meta"]["content_length"]):
        # aws-lambda-redshift-loader#223
        context = (
            "HTTP response error code: 416 Message: InvalidRange The requested range is not "
            f"satisfiable {entry['url']}"
        )
        raise spectrum_error(15001, context, query=query, key=f"{bucket}/{key}")
    return SourceFile(bucket, key, size)
