"""Do all counts of a table agree: states, parquet footers, manifests, ledger, target?

The ledger is the witness: it was written in the transactions that loaded the rows. Every check says
what it compared, and a difference names its likely cause.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mysql_s3_redshift.core.model import LoadMode
from mysql_s3_redshift.core.state import DataFile, ExtractState, LoadState

COUNTS_REMEDY = (
    "Each difference names its likely cause. Rows that are missing in the target come back with "
    "`sync --redshift-only --reload`; rows that it had before are noted with "
    "`watermark-count set-count`."
)
SOURCE_REMEDY = (
    "Missing rows come back with `sync --from --to` or `sync --redshift-only --reload`; rows that "
    "were deleted in MySQL stay in the target, unless the table is read whole (`cdc_strategy: "
    "full_sync`, `load_mode: replace`)."
)
ADOPTED_ROWS = "adopted_rows"
"""In the load state's metadata: rows that the target had before the first load."""
TARGET_SINCE = "target_since"
"""In the extract state's metadata: the generation that the target was emptied for."""
WINDOWS = "windows"
"""In the extract state's metadata: set once a window was reloaded."""
IMPORTED = "imported"
"""In both states' metadata: what the documents of the tool before said."""


@dataclass(frozen=True, slots=True)
class LedgerFile:
    """One loaded file, as the load's own transaction recorded it."""

    load_id: str
    generation: int
    seq: int
    uri: str
    rows: int
    bytes: int
    manifest_uri: str


@dataclass(frozen=True, slots=True)
class CountFacts:
    """What the systems say of one table.

    Attributes:
        footers: URI → rows that its footer tells, for the files that are still on S3.
        manifests: URI → bytes, of every manifest.
        target_rows: None when the table does not exist.
        target_keys: Different keys of an upserted table; None where there is no key.
    """

    mode: str
    extract: ExtractState
    load: LoadState | None
    ledger: Sequence[LedgerFile]
    footers: Mapping[str, int]
    manifests: Mapping[str, int]
    target_rows: int | None
    target_keys: int | None


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison.

    Attributes:
        what: What was compared.
        found: One side, `expected` the other.
        cause: Likely cause where they differ; empty where they agree.
    """

    what: str
    found: int
    expected: int
    cause: str = ""

    @property
    def agrees(self) -> bool:
        """Whether both sides are equal."""
        return not self.cause


def check_counts(facts: CountFacts) -> list[Check]:
    """Compare everything that must be equal."""
    return [
        *_check_load_state(facts),
        *_check_extract_state(facts),
        *_check_footers(facts),
        *_check_manifests(facts),
        *_check_target(facts),
    ]


def check_documents(
    extract: ExtractState, load: LoadState, *, mode: str, target_rows: int | None
) -> list[Check]:
    """Compare what a load knows without asking anybody: both states, and the target's rows.

    Args:
        extract: What the load worked from.
        load: What it left.
        mode: The load mode.
        target_rows: Rows of the target; None where they were not counted.

    Returns:
        The comparisons; none when the load state belongs to a newer extract state.
    """
    newest = max((load.loaded_through, *load.loaded_beyond))
    if load.generation != extract.generation or newest >= extract.next_seq:
        return []
    checks: list[Check] = []
    extracted, loaded = extract.mysql_state, load.redshift_state
    if mode != LoadMode.REPLACE:
        pending = extract.pending(load)
        cause = "one of the state documents was changed by hand"
        files, rows = loaded.total_files + len(pending), loaded.total_rows + _rows(pending)
        checks += [
            _equal(
                "extract state and loaded + pending: files", extracted.total_files, files, cause
            ),
            _equal("extract state and loaded + pending: rows", extracted.total_rows, rows, cause),
        ]
    if target_rows is not None:
        checks += _check_target_by_documents(extract, load, mode, target_rows)
    return checks


def _check_target_by_documents(
    extract: ExtractState, load: LoadState, mode: str, target_rows: int
) -> Iterator[Check]:
    """Rows of the target, as far as the states tell what must be there."""
    if mode == LoadMode.REPLACE:
        snapshot = [f for f in extract.files if f.set_id == extract.mysql_state.set_done]
        if snapshot and all(load.has(f.seq) for f in snapshot):
            cause = "somebody else wrote to the target"
            yield _equal("target and last snapshot: rows", target_rows, _rows(snapshot), cause)
        return
    if extract.generation != extract.metadata.get(TARGET_SINCE, 1):
        return  # rows of earlier generations are there too, and only the ledger knows of them
    if IMPORTED in load.metadata and ADOPTED_ROWS not in load.metadata:
        return  # rows of the tool before are there too, and nobody has noted how many
    brought = load.redshift_state.total_rows + _adopted(load)
    if mode == LoadMode.UPSERT:
        cause = "the target has rows that no file brought; see set-count"
        wrong = target_rows > brought
        yield Check("target: rows, at most those loaded", target_rows, brought, cause * wrong)
        if brought and not target_rows:
            yield Check("target: empty though rows were loaded", 0, brought, "its rows are gone")
    elif not _has_windows(extract):
        cause = (
            "somebody else wrote to the target, or it had rows before the first load "
            "(watermark-count set-count)"
        )
        yield _equal("target and loaded rows", target_rows, brought, cause)


def _equal(what: str, found: int, expected: int, cause: str) -> Check:
    return Check(what, found, expected, "" if found == expected else cause)


def _check_load_state(facts: CountFacts) -> Iterator[Check]:
    if facts.load is None:
        yield _equal(
            "files of the ledger, without a load state",
            len(facts.ledger),
            0,
            "the load state was deleted; the next load finds its files in the ledger",
        )
        return
    mine = [f for f in facts.ledger if f.generation == facts.load.generation]
    state = facts.load.redshift_state
    cause = (
        "a load was committed and could not write its state (the next load repairs it), or the "
        "document was changed by hand"
    )
    yield _equal("load state and ledger: files", state.total_files, len(mine), cause)
    yield _equal("load state and ledger: rows", state.total_rows, _rows(mine), cause)


def _check_extract_state(facts: CountFacts) -> Iterator[Check]:
    """A replaced table has files that a newer snapshot made superfluous: in no ledger."""
    if facts.mode == LoadMode.REPLACE:
        return
    state, pending = facts.extract.mysql_state, facts.extract.pending(facts.load)
    waiting = {f.seq for f in pending}
    mine = [
        f for f in facts.ledger if f.generation == facts.extract.generation and f.seq not in waiting
    ]
    cause = "the document was changed by hand, or its ledger rows were deleted"
    files, rows = len(mine) + len(pending), _rows(mine) + sum(f.rows for f in pending)
    yield _equal("extract state and ledger + pending: files", state.total_files, files, cause)
    yield _equal("extract state and ledger + pending: rows", state.total_rows, rows, cause)


def _check_footers(facts: CountFacts) -> Iterator[Check]:
    recorded: dict[str, int] = {f.uri: f.rows for f in facts.ledger}
    recorded |= {f.uri: f.rows for f in facts.extract.files}
    there = {uri: rows for uri, rows in recorded.items() if uri in facts.footers}
    wrong = [uri for uri, rows in there.items() if facts.footers[uri] != rows]
    cause = f"the file was changed after it was written: {wrong[0]}" if wrong else ""
    found = sum(facts.footers[uri] for uri in there)
    yield Check("parquet footers and records: rows", found, sum(there.values()), cause)
    gone = [f.uri for f in facts.extract.pending(facts.load) if f.uri not in facts.footers]
    cause = f"a pending file was deleted: {gone[0]}" if gone else ""
    yield Check("pending files that are not on S3", len(gone), 0, cause)


def _check_manifests(facts: CountFacts) -> Iterator[Check]:
    named = [f for f in facts.ledger if f.manifest_uri]
    there = [f for f in named if facts.manifests.get(f.uri) == f.bytes]
    cause = "manifests were deleted or changed: they are the evidence of the loads"
    yield _equal("manifests and ledger: files", len(there), len(named), cause)


def _check_target(facts: CountFacts) -> Iterator[Check]:
    since = facts.extract.metadata.get(TARGET_SINCE, 1)
    brought = [f for f in facts.ledger if isinstance(since, int) and f.generation >= since]
    if facts.target_rows is None:
        cause = "the target table was dropped" if brought else ""
        yield Check("target table: rows", 0, _rows(brought), cause)
        return
    most = _rows(brought) + _adopted(facts.load)
    if facts.mode == LoadMode.REPLACE:
        last = max(facts.ledger, key=lambda f: (f.seq, f.load_id), default=None)
        mine = [f for f in facts.ledger if last is not None and f.load_id == last.load_id]
        cause = "somebody else wrote to the target"
        yield _equal("target and last snapshot: rows", facts.target_rows, _rows(mine), cause)
    elif facts.target_keys is not None:
        cause = "somebody else wrote to the target, so that keys are there twice"
        yield _equal("target: rows and different keys", facts.target_rows, facts.target_keys, cause)
        missing = facts.target_rows > most
        cause = "the target has rows that no file brought; see set-count" if missing else ""
        yield Check("target: rows, at most those of the ledger", facts.target_rows, most, cause)
        empty = most > 0 and facts.target_rows == 0
        if empty:
            yield Check("target: empty though rows were loaded", 0, most, "its rows were deleted")
    elif not _has_windows(facts.extract):
        cause = (
            "somebody else wrote to the target, or it had rows before the first load "
            "(watermark-count set-count)"
        )
        yield _equal("target and ledger: rows", facts.target_rows, most, cause)


def _has_windows(extract: ExtractState) -> bool:
    """A window that was reloaded replaced rows, which the ledger counts twice then."""
    return bool(extract.metadata.get(WINDOWS)) or any(f.window for f in extract.files)


def _adopted(load: LoadState | None) -> int:
    noted = load.metadata.get(ADOPTED_ROWS, 0) if load else 0
    return noted if isinstance(noted, int) else 0


def _rows(files: Sequence[LedgerFile | DataFile]) -> int:
    return sum(f.rows for f in files)
