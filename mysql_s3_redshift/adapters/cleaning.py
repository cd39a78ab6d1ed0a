"""Deleting files of one table on S3, while no load of that table runs.

The ledger's lock is held from the reading of the states and the ledger until the last file is
deleted. So no load is inside its transaction meanwhile, and one that comes later finds what is
deleted here in the ledger and never asks S3 for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mysql_s3_redshift.adapters.operations import Operation
from mysql_s3_redshift.adapters.s3.bucket import Bucket
from mysql_s3_redshift.core import s3_names
from mysql_s3_redshift.core.clean import JudgedFile, Standing, StoredFile, judge, unregister
from mysql_s3_redshift.core.model import TablePlan

Choice = Callable[[Sequence[JudgedFile]], Sequence[JudgedFile]]


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Files of a table, and those that were (or would be) deleted."""

    files: tuple[JudgedFile, ...]
    chosen: tuple[JudgedFile, ...]
    deleted: bool


def list_files(operation: Operation, *, uploads: bool = False) -> list[JudgedFile]:
    """Every object under the table's folder, with its standing; changes nothing.

    Args:
        operation: The table.
        uploads: Whether to list multipart uploads that were not completed, too.
    """
    target = operation.target()
    return _judged(operation, {f.uri for f in target.files()}, uploads=uploads)


def clean(operation: Operation, choice: Choice, *, uploads: bool = False) -> Cleaned:
    """Delete the chosen files of a table, and abort the chosen uploads.

    Pending files that are chosen (by force alone) are unregistered first, so that no load asks for
    them; the document before that is in the history.

    Raises:
        TargetError: A load of the table is running.
        StateConflictError: A run registered files in between; nothing was deleted.
    """
    target = operation.target()
    with target.locked():
        files = _judged(operation, {f.uri for f in target.files()}, uploads=uploads)
        chosen = tuple(choice(files))
        pending = [f.file.uri for f in chosen if f.standing is Standing.PENDING]
        state = operation.states.extract.read()
        if pending and state is not None:
            operation.write(unregister(state, pending), None)
        bucket = operation.states.bucket
        bucket.delete([bucket.key(f.file.uri) for f in chosen if not f.file.upload_id])
        for upload in chosen:
            if upload.file.upload_id:
                bucket.abort_upload(bucket.key(upload.file.uri), upload.file.upload_id)
    return Cleaned(tuple(files), chosen, deleted=True)


def _judged(operation: Operation, ledger: set[str], *, uploads: bool) -> list[JudgedFile]:
    # Listed before the states are read: a file that is registered in between counts as registered.
    bucket, plan = operation.states.bucket, operation.plan
    stored = [*_stored(bucket, plan), *(_uploads(bucket, plan) if uploads else [])]
    extract, load = operation.states.read()
    return judge(stored, extract=extract, load=load, ledger=ledger)


def _stored(bucket: Bucket, plan: TablePlan) -> Iterator[StoredFile]:
    folder = s3_names.data_prefix(bucket.prefix, plan)
    for found in bucket.list(folder):
        yield _file(bucket, folder, found.key, found.bytes, found.modified)


def _uploads(bucket: Bucket, plan: TablePlan) -> Iterator[StoredFile]:
    """What killed processes left: S3 keeps and bills the parts until somebody aborts the upload."""
    folder = s3_names.data_prefix(bucket.prefix, plan)
    for found in bucket.list_uploads(folder):
        file = _file(bucket, folder, found.key, found.bytes, found.started)
        yield replace(file, upload_id=found.upload_id)


def _file(bucket: Bucket, folder: str, key: str, size: int, modified: datetime) -> StoredFile:
    parsed = s3_names.parse_data_key(bucket.prefix, key)
    return StoredFile(
        uri=bucket.uri(key),
        path=key.removeprefix(folder),
        bytes=size,
        when=parsed.when if parsed else None,
        modified=modified,
    )
