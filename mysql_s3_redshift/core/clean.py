"""Which files of a table may be deleted: only exact keys that are proven loaded, or are orphans.

A file is judged by its whole URI, never by a part of its name. What a state registers and the
target does not have yet is pending, whatever the ledger says of an earlier load of the same file.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from mysql_s3_redshift.core.state import DataFile, ExtractState, LoadState


class Standing(StrEnum):
    """What the states and the ledger say of one object; an upload is none yet."""

    LOADED = "loaded"
    PENDING = "pending"
    ORPHAN = "orphan"
    UPLOAD = "upload"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One object under a table's folder, or a multipart upload that was not completed.

    Attributes:
        path: Its key below the table's folder.
        bytes: Of an upload, those of the parts that S3 keeps.
        when: Time in its name, UTC; None for a key that is not a data file's.
        modified: When S3 got it, or when the upload began, UTC.
        upload_id: Of an upload; empty for an object.
    """

    uri: str
    path: str
    bytes: int
    when: datetime | None
    modified: datetime
    upload_id: str = ""


@dataclass(frozen=True, slots=True)
class JudgedFile:
    """An object and its standing."""

    file: StoredFile
    standing: Standing

    @property
    def newest(self) -> datetime:
        """The later of its two times: a reloaded window carries the day of its data."""
        when = self.file.when
        return self.file.modified if when is None else max(when, self.file.modified)


def judge(
    stored: Iterable[StoredFile],
    *,
    extract: ExtractState | None,
    load: LoadState | None,
    ledger: Iterable[str],
) -> list[JudgedFile]:
    """Tell the standing of every object of a table.

    Args:
        stored: Every object under the table's folder.
        extract: What is registered.
        load: What is loaded, as the state tells.
        ledger: URIs that Redshift's ledger has.
    """
    registered = extract.files if extract else ()
    pending = {f.uri for f in (extract.pending(load) if extract else ())}
    pending |= _waiting(extract)
    loaded = {*ledger, *(f.uri for f in registered if load is not None and load.has(f.seq))}
    return [JudgedFile(file, _standing(file, pending, loaded)) for file in stored]


def _waiting(extract: ExtractState | None) -> set[str]:
    """Files that a window reload under way keeps until all of them are there."""
    reload = extract.mysql_state.reload if extract else None
    return {f.uri for f in reload.files} if reload else set()


def _standing(file: StoredFile, pending: set[str], loaded: set[str]) -> Standing:
    if file.upload_id:
        return Standing.UPLOAD
    if file.uri in pending:
        return Standing.PENDING
    if file.uri in loaded:
        return Standing.LOADED
    return Standing.FOREIGN if file.when is None else Standing.ORPHAN


def choose(
    files: Iterable[JudgedFile],
    standings: set[Standing],
    *,
    now: datetime,
    older_than: timedelta | None = None,
    pattern: str | None = None,
) -> list[JudgedFile]:
    """Pick files to delete.

    Args:
        files: The judged files of one table.
        standings: What may be deleted.
        now: The present, UTC.
        older_than: Least age, by the later of name and S3.
        pattern: Shell pattern that the whole name, or the whole path below the table, must match.
    """
    return [
        f
        for f in files
        if f.standing in standings
        and (older_than is None or now - f.newest >= older_than)
        and (pattern is None or _matches(f.file.path, pattern))
    ]


def _matches(path: str, pattern: str) -> bool:
    name = path.rsplit("/", 1)[-1]
    return fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(path, pattern)


def unregister(state: ExtractState, uris: Sequence[str]) -> ExtractState:
    """Forget pending files that are about to be deleted, and take them out of the counts.

    A set goes as a whole, because its rest would replace more than it brings. Without a snapshot's
    set the next run reads the whole table anew, even if nothing changed since. A window reload
    under way that loses a file ends.
    """
    deleted = set(uris)
    sets = {f.set_id for f in state.files if f.uri in deleted and f.set_id is not None}
    gone: list[DataFile] = [f for f in state.files if f.uri in deleted or f.set_id in sets]
    mysql = state.mysql_state
    changes: dict[str, Any] = {
        "total_rows": mysql.total_rows - sum(f.rows for f in gone),
        "total_files": mysql.total_files - len(gone),
    }
    if any(f.kind == "full" for f in gone):
        done = None if mysql.set_done in sets else mysql.set_done
        changes |= {"phase": "snapshot", "snapshot": None, "digest": None, "set_done": done}
    if not _waiting(state).isdisjoint(uris):
        changes["reload"] = None
    left = tuple(f for f in state.files if f not in gone)
    return state.with_(files=left, mysql_state=mysql.with_(**changes))
