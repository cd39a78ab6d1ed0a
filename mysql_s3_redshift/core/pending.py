"""Which files the next load takes: registered minus loaded, set-wise; no clock, no listing."""

from __future__ import annotations

from dataclasses import dataclass

from mysql_s3_redshift.core.model import LoadMode
from mysql_s3_redshift.core.state import DataFile, ExtractState, LoadState

MOST_FILES = 1_000
"""Files of one load, so that transactions and manifests stay bounded."""


@dataclass(frozen=True, slots=True)
class Group:
    """Files of one schema that are loaded in one transaction.

    Attributes:
        superseded: Older files that this load makes superfluous (`replace` only).
    """

    files: tuple[DataFile, ...]
    superseded: tuple[DataFile, ...] = ()

    @property
    def schema_id(self) -> str:
        """Fingerprint of their schema."""
        return self.files[0].schema_id


@dataclass(frozen=True, slots=True)
class Selection:
    """The next group, or why there is none."""

    group: Group | None
    note: str = ""


def select_files(
    extract: ExtractState, load: LoadState, mode: LoadMode, *, max_files: int | None = None
) -> Selection:
    """Pick the next group of pending files.

    Args:
        extract: What is registered.
        load: What is loaded.
        mode: `replace` takes the newest complete set only; the other modes go by number.
        max_files: Files that may still be taken; None without a bound.
    """
    pending = extract.pending(load)
    if mode is LoadMode.REPLACE:
        return _select_set(extract, pending, max_files)
    if not pending:
        return Selection(None)
    if max_files is not None and max_files <= 0:
        return Selection(None, f"--max-files reached; {len(pending)} files are pending")
    first = pending[0]
    if first.window is not None:
        files = tuple(f for f in pending if f.set_id == first.set_id)
        return _whole(files, max_files, "the window's")
    most = MOST_FILES if max_files is None else min(MOST_FILES, max_files)
    run: list[DataFile] = []
    for file in pending[:most]:
        if file.window is not None or file.schema_id != first.schema_id:
            break
        run.append(file)
    return Selection(Group(tuple(run)))


def _select_set(
    extract: ExtractState, pending: tuple[DataFile, ...], max_files: int | None
) -> Selection:
    state = extract.mysql_state
    newest = tuple(f for f in pending if f.set_id is not None and f.set_id == state.set_done)
    under_way = state.snapshot.set_id if state.snapshot else None
    if not newest:
        waiting = "the snapshot is not complete, so nothing is replaced yet" if pending else ""
        return Selection(None, waiting)
    files = tuple(f for f in extract.files if f.set_id == state.set_done)
    superseded = tuple(
        f for f in pending if f not in files and (f.set_id is None or f.set_id != under_way)
    )
    chosen = _whole(files, max_files, "the snapshot's")
    if chosen.group is None:
        return chosen
    return Selection(Group(files, superseded))


def _whole(files: tuple[DataFile, ...], max_files: int | None, whose: str) -> Selection:
    if max_files is not None and len(files) > max_files:
        return Selection(
            None, f"{whose} {len(files)} files load together, more than --max-files allows"
        )
    return Selection(Group(files))
