"""Are the files that a table's state names on S3, as they were written?

A loaded file may be gone: cleaning deletes those. One that waits to be loaded may not, and none may
have changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mysql_s3_redshift.core.state import DataFile, ExtractState, LoadState


@dataclass(frozen=True, slots=True)
class FoundFile:
    """An object as S3 lists it."""

    bytes: int
    etag: str | None


@dataclass(frozen=True, slots=True)
class DamagedFile:
    """A registered file that is not there, or not as it was written.

    Attributes:
        found: What is there in its place; None where nothing is.
        pending: Whether it waits to be loaded.
    """

    file: DataFile
    found: FoundFile | None
    pending: bool

    @property
    def what(self) -> str:
        """What is wrong with it, in two words."""
        if self.found is None:
            return "not there"
        return "other size" if self.found.bytes != self.file.bytes else "other content"


@dataclass(frozen=True, slots=True)
class StoredFiles:
    """What S3 has of the files that a state names.

    Attributes:
        present: Files that are there as they were written.
        cleaned: Loaded files that are not there any more.
    """

    present: int
    cleaned: int
    damaged: tuple[DamagedFile, ...]


def compare_files(
    extract: ExtractState, load: LoadState | None, there: Mapping[str, FoundFile]
) -> StoredFiles:
    """Compare the registered files with those on S3, by URI."""
    waiting = {f.seq for f in extract.pending(load)}
    cleaned, damaged = 0, []
    for file in extract.files:
        found, pending = there.get(file.uri), file.seq in waiting
        if found is None and not pending:
            cleaned += 1
        elif found is None or not _is_as_written(file, found):
            damaged.append(DamagedFile(file, found, pending))
    present = len(extract.files) - cleaned - len(damaged)
    return StoredFiles(present, cleaned, tuple(damaged))


def _is_as_written(file: DataFile, found: FoundFile) -> bool:
    return found.bytes == file.bytes and file.etag in {None, found.etag}
