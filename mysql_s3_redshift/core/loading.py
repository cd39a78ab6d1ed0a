"""One run of the Redshift asset: what it is asked, where it stands, what it did."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from mysql_s3_redshift.core.faultpoints import reach
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.ports import (
    AppliedLoad,
    ExtractStates,
    LoadStates,
    LoadTarget,
    Progress,
    Storage,
    Target,
)
from mysql_s3_redshift.core.state import DataFile, ExtractState, LoadState
from mysql_s3_redshift.errors import ConfigError, StateConflictError

TRUNCATING = "truncating_target"
"""Set in the extract state's metadata while a reset empties the target."""


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """What one run of the Redshift asset is asked to do."""

    run_id: str
    max_files: int | None = None
    stopping: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class FinishedLoad:
    """One committed transaction."""

    load_id: str
    manifest_uri: str
    files: tuple[DataFile, ...]
    applied: AppliedLoad


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a run did.

    Attributes:
        recovered: Files that the ledger had already: loaded by a run that could not say so.
        changes: What was changed in the target's columns, as sentences.
        pending: Files that are still to be loaded.
    """

    state: LoadState
    loads: tuple[FinishedLoad, ...]
    recovered: tuple[DataFile, ...]
    changes: tuple[str, ...]
    pending: int
    note: str

    @property
    def files(self) -> tuple[DataFile, ...]:
        """All files that this run loaded."""
        return tuple(f for load in self.loads for f in load.files)


def load_target(plan: TablePlan, extract: ExtractState) -> LoadTarget:
    """What loading needs to know, without asking MySQL.

    Raises:
        ConfigError: The extract state does not tell the load mode and neither does the file.
    """
    facts = extract.metadata
    if facts.get(TRUNCATING):
        raise ConfigError(
            f"{plan.display_name}: a reset with --truncate-target did not come to its end, so the "
            "target may still have the rows of the history before it.",
            kept="Nothing was loaded; extracted files stay pending.",
            remedy="Run the same `watermark reset --truncate-target` again.",
        )
    mode = plan.load_mode or facts.get("load_mode")
    key = facts.get("key")
    if mode is None or not isinstance(key, list):
        raise ConfigError(
            f"{plan.display_name}: the extract state does not tell the load mode and the key.",
            kept="Nothing was loaded.",
            remedy="Run `sync --backup-only` once, which completes the state.",
        )
    version = facts.get("version_column")
    return LoadTarget(
        plan=plan,
        load_mode=str(mode),
        key=tuple(plan.primary_key) or tuple(str(k) for k in key),
        version=None if version is None else str(version),
        generation=extract.generation,
    )


@dataclass(slots=True)
class Loading:
    """One run: the load state as it was last committed, and what was loaded since."""

    table: LoadTarget
    extract: ExtractState
    request: LoadRequest
    storage: Storage
    states: LoadStates
    target: Target
    progress: Progress
    state: LoadState
    extracts: ExtractStates | None = None
    loads: list[FinishedLoad] = field(default_factory=list)
    recovered: list[DataFile] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)

    def commit(self, state: LoadState) -> None:
        """Write a new state; only then it counts."""
        self.states.write(state)
        self.state = state
        reach("load.after_state_write")

    def refuse_ended_history(self) -> None:
        """A reset since this run read the extract state began a history without its files.

        Asked while the ledger is locked: a reset that empties the target writes the extract state
        before it takes the same lock, so no file of the old history can follow it.

        Raises:
            StateConflictError: There was a reset.
        """
        current = self.extracts.read() if self.extracts is not None else self.extract
        if current is None or current.generation != self.extract.generation:
            raise StateConflictError("/".join(self.table.plan.extract_key))

    def mark(self, files: Sequence[DataFile], superseded: Sequence[DataFile] = ()) -> LoadState:
        """The state with these files on the blacklist."""
        return self.state.mark(
            files, known=(f.seq for f in self.extract.files), superseded=(f.seq for f in superseded)
        )


def manifest_of(files: Sequence[DataFile]) -> Mapping[str, object]:
    """The COPY manifest of a set of files.

    `content_length` is what COPY demands of columnar files, `mandatory` makes a missing file an
    error (Amazon Redshift, "Using a manifest to specify data files").
    """
    return {
        "entries": [
            {"url": f.uri, "mandatory": True, "meta": {"content_length": f.bytes}} for f in files
        ]
    }
