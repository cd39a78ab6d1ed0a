"""A table's state documents, the versions before each manual change, and its manifests.

Kept apart from `storage`, which needs pyarrow, so that looking at a watermark is quick.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mysql_s3_redshift.adapters.s3.bucket import Bucket
from mysql_s3_redshift.adapters.s3.documents import StateDocument, printable, read_json
from mysql_s3_redshift.core import s3_names
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.state import ExtractState, LoadState
from mysql_s3_redshift.errors import ConfigError, StateUnreadableError


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One earlier version of a document: as it was before `action`."""

    name: str
    stage: str
    when: datetime
    action: str
    uri: str


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """One entry of a COPY manifest."""

    load_id: str
    uri: str
    bytes: int


@dataclass(frozen=True, slots=True)
class ChangeNote:
    """Who changed a document by hand, when and why (see `core.operate.ManualChange`)."""

    action: str
    who: str
    why: str
    when: datetime


def _moment(stamp: str) -> datetime | None:
    try:
        return datetime.strptime(stamp, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def _notes(body: bytes) -> list[ChangeNote]:
    """The note of a document; a document that is damaged tells nothing."""
    try:
        note = read_json(body)["metadata"]["manual_change"]
        when = datetime.fromisoformat(note["at"])
        return [ChangeNote(str(note["action"]), str(note["who"]), str(note["why"]), when)]
    except (KeyError, TypeError, ValueError):
        return []


class TableStates:
    """The documents of one table."""

    def __init__(self, bucket: Bucket, plan: TablePlan) -> None:
        self.bucket, self.plan = bucket, plan
        self.extract = StateDocument(bucket, self._key(plan.extract_key), ExtractState)
        self.load = StateDocument(bucket, self._key(plan.load_key), LoadState)

    def read(self) -> tuple[ExtractState | None, LoadState | None]:
        """Both documents; None for one that does not exist."""
        return self.extract.read(), self.load.read()

    def archive(self, action: str, *, when: datetime) -> list[str]:
        """Copy both documents, as they lie there, into the history; returns the copies' URIs.

        A damaged document is copied too: the command that repairs it must not destroy it.
        """
        copies = []
        for document, asset_key in self._documents():
            found = self.bucket.get(document.key)
            if found is not None:
                key = s3_names.history_key(self.bucket.prefix, asset_key, when=when, action=action)
                self.bucket.put(key, found[0], if_absent=True)
                copies.append(self.bucket.uri(key))
        return copies

    def history(self) -> list[HistoryEntry]:
        """Earlier versions, the newest first."""
        entries = []
        for stage, (_, asset_key) in zip(("extract", "load"), self._documents(), strict=True):
            folder = s3_names.history_prefix(self.bucket.prefix, asset_key)
            for found in self.bucket.list(folder):
                name = found.key.removeprefix(folder)
                stamp, _, action = name.removesuffix(".json").partition("-")
                when = _moment(stamp)
                if when is not None:  # else it is somebody's copy, or a folder of the S3 console
                    uri = self.bucket.uri(found.key)
                    entries.append(HistoryEntry(stamp, stage, when, action, uri))
        return sorted(entries, key=lambda e: (e.name, e.stage), reverse=True)

    def notes(self, entries: Sequence[HistoryEntry]) -> dict[str, ChangeNote]:
        """Who made the change after each version, and why, by the version's name.

        A change is noted in the documents that it wrote: in those of today, or in the copies that a
        later change made of them.
        """
        keys = [self.bucket.key(entry.uri) for entry in entries]
        found = [self.bucket.get(key) for key in (self.extract.key, self.load.key, *keys)]
        written = [note for body in found if body is not None for note in _notes(body[0])]
        notes: dict[str, ChangeNote] = {}
        for entry in entries:
            after = [n for n in written if n.action == entry.action and n.when >= entry.when]
            if after:
                notes[entry.name] = min(after, key=lambda note: note.when)
        return notes

    def earlier(self, name: str) -> tuple[ExtractState | None, LoadState | None]:
        """Both documents as they were before the change of that name.

        Raises:
            ConfigError: The history has no such version.
            StateUnreadableError: It cannot be read.
        """
        entries = [e for e in self.history() if e.name == name]
        if not entries:
            raise ConfigError(
                f"{self.plan.display_name}: the history has no version {name}.",
                kept="Nothing was changed.",
                remedy="Take a name that `watermark history` shows.",
            )
        return self._version(entries)

    def last_of(self, generation: int) -> tuple[ExtractState | None, LoadState | None]:
        """Both documents as the history has them last of a generation, with all that it brought."""
        entries = self.history()
        for name in dict.fromkeys(e.name for e in entries):
            try:
                found = self._version([e for e in entries if e.name == name])
            except StateUnreadableError:  # a command that repairs keeps what was damaged
                continue
            if found[0] is not None and found[0].generation == generation:
                return found
        return None, None

    def _version(
        self, entries: Sequence[HistoryEntry]
    ) -> tuple[ExtractState | None, LoadState | None]:
        keys = {e.stage: self.bucket.key(e.uri) for e in entries}
        extract = load = None
        if "extract" in keys:
            extract = StateDocument(self.bucket, keys["extract"], ExtractState).read()
        if "load" in keys:
            load = StateDocument(self.bucket, keys["load"], LoadState).read()
        return extract, load

    def manifests(self) -> list[ManifestFile]:
        """Every entry of every manifest, in the order of the loads.

        Raises:
            StateUnreadableError: A manifest is damaged.
        """
        folder = s3_names.manifest_prefix(self.bucket.prefix, self.plan)
        files = []
        for found in sorted(self.bucket.list(folder), key=lambda f: f.key):
            stored = self.bucket.get(found.key)
            load_id = found.key.removeprefix(folder).removesuffix(".manifest.json")
            if stored is not None:
                files += self._entries(load_id, stored[0], self.bucket.uri(found.key))
        return files

    def _entries(self, load_id: str, body: bytes, uri: str) -> list[ManifestFile]:
        try:
            return [
                ManifestFile(load_id, str(entry["url"]), int(entry["meta"]["content_length"]))
                for entry in read_json(body)["entries"]
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise StateUnreadableError(
                f"Manifest {uri} cannot be used: {printable(error)}.",
                kept="It was left as it is.",
                remedy="Restore the object; the ledger in Redshift tells the same files.",
            ) from error

    def _key(self, asset_key: Sequence[str]) -> str:
        return s3_names.state_key(self.bucket.prefix, asset_key)

    def _documents(
        self,
    ) -> tuple[
        tuple[StateDocument[ExtractState], Sequence[str]],
        tuple[StateDocument[LoadState], Sequence[str]],
    ]:
        return (self.extract, self.plan.extract_key), (self.load, self.plan.load_key)
