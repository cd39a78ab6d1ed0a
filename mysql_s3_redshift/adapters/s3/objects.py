"""What S3 tells of an object, in our words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object of a listing."""

    key: str
    bytes: int
    modified: datetime
    etag: str | None


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """A multipart upload that was not completed, and the bytes of the parts it has."""

    key: str
    upload_id: str
    bytes: int
    started: datetime


def plain_etag(answer: Mapping[str, Any]) -> str | None:
    """The ETag that an answer carries, without what only HTTP needs.

    It changes with the content and with nothing else that one may change in place; that it is an
    MD5 is not said, and of parts or under SSE-KMS it is none (Amazon S3 API Reference, "Object").

    Returns:
        The ETag; None where the store gives none.
    """
    return str(answer.get("ETag") or "").removeprefix("W/").strip('"') or None
