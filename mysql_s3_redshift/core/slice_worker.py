"""One slice read by itself: in another process than the others, on another machine.

All workers commit into one document. A commit reads it, changes the worker's own range and the
files it registers, and writes it back on the condition that nobody wrote in between; else it begins
again with what the other one wrote. So no commit is lost, and numbers of files are given by the
document in the order of the commits: one that is taken and not registered yet does not exist.

A worker that finds its range changed by another one, its plan replaced or the history ended by a
reset, has lost: it changes nothing any more and ends with a `StateConflictError`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tenacity import (
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from mysql_s3_redshift.core.chunks import read_chunks
from mysql_s3_redshift.core.extraction import (
    Extraction,
    ExtractRequest,
    chunk_loop,
    file_record,
)
from mysql_s3_redshift.core.faultpoints import reach
from mysql_s3_redshift.core.plan import ResolvedTable
from mysql_s3_redshift.core.ports import ExtractPorts, ExtractStates
from mysql_s3_redshift.core.s3_names import WORKERS, first_number_of_slice
from mysql_s3_redshift.core.schema import TableSchema
from mysql_s3_redshift.core.slice_state import Slice, SlicePlan, Snapshot
from mysql_s3_redshift.core.slices import after_chunk, kind_of, slice_query, slices_of_phase
from mysql_s3_redshift.core.state import DataFile, ExtractState
from mysql_s3_redshift.errors import ReplicationError, StateConflictError

ATTEMPTS = 40
LONGEST_PAUSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class SliceWork:
    """One range of a plan, as it is handed to a worker."""

    plan_id: str
    number: int


@dataclass(frozen=True, slots=True)
class SliceReport:
    """What a worker did.

    Attributes:
        done: Whether every row of the range is on S3 now.
    """

    files: tuple[DataFile, ...]
    done: bool

    @property
    def rows(self) -> int:
        """Rows in its files."""
        return sum(f.rows for f in self.files)


def plan_slices(
    table: ResolvedTable, schema: TableSchema, request: ExtractRequest, ports: ExtractPorts
) -> tuple[SliceWork, ...]:
    """Begin a run, and tell the ranges that workers may read side by side.

    There are none where the run has a limit, which one process alone can keep; where it reloads a
    window, which is one snapshot; and once the snapshot phase is over. `extract` then does it all.

    Raises:
        ReplicationError: As `extract` does.
    """
    if request.window is not None or request.limits.max_rows(1) is not None:
        return ()
    run = Extraction(table, schema, request, ports)
    if run.state.mysql_state.phase != "snapshot" or not table.slice_columns:
        return ()
    try:
        plan = _plan_of(run.state) or _new_plan(run)
        if plan is None:
            return ()
        run.commit(run.state)
        reach("slice.after_plan")
    except StateConflictError:
        raise
    except ReplicationError as error:
        run.commit(run.state.failed(error.happened))
        raise
    return tuple(SliceWork(plan.id, number) for number in plan.open_slices())


def _new_plan(run: Extraction) -> SlicePlan | None:
    ceiling = run.fix_ceiling()
    return None if ceiling.value is None else slices_of_phase(run, ceiling.value)


def read_slice(
    table: ResolvedTable,
    schema: TableSchema,
    work: SliceWork,
    request: ExtractRequest,
    ports: ExtractPorts,
) -> SliceReport:
    """Read what is left of one range, chunk by chunk, each committed when it is complete.

    Raises:
        StateConflictError: Another worker or run has the range; this chunk is not registered.
        ReplicationError: Committed chunks stay.
    """
    hold = _Hold("/".join(table.plan.extract_key), ports.states, work)
    phase, one = hold.take()
    files: list[DataFile] = []
    if one.done or phase.slices is None:
        return SliceReport((), done=True)
    reach("slice.after_claim")
    first = first_number_of_slice(work.number, secrets.randbelow(WORKERS))
    loop = chunk_loop(table, schema, request, ports, first=first)
    columns, kind = phase.slices.columns, kind_of(phase.slices, table.cursor)
    try:
        for chunk in read_chunks(loop, slice_query(phase, one, table.cursor)):
            if not files:
                ports.storage.put_schema(schema)
            # The document gives the file its number; until then it has none.
            file = file_record(chunk, columns, loop, seq=1, kind=kind)
            files += hold.commit(after_chunk(hold.slice, chunk), [file])
            ports.progress("extracted", {"files": 1, "rows": file.rows})
        if loop.exhausted:
            reach("slice.before_end")
            changed = dict(loop.values_changed)
            hold.commit(hold.slice.with_(done=True, values_changed=changed))
    except StateConflictError:
        raise
    except ReplicationError as error:
        hold.fail(error.happened)
        raise
    return SliceReport(tuple(files), done=loop.exhausted)


class _OvertakenError(StateConflictError):
    """Another worker committed between the read and the write of a commit."""


class _Hold:
    """A worker's hold on one range: nothing else of the document is changed through it.

    Attributes:
        phase: The phase as it was when the range was taken.
        slice: The range as this worker committed it last.
    """

    def __init__(self, key: str, states: ExtractStates, work: SliceWork) -> None:
        self._key, self._states, self._work = key, states, work
        self._worker = secrets.token_hex(6)
        self.phase, self.slice = Snapshot(), Slice()

    def take(self) -> tuple[Snapshot, Slice]:
        """Become the worker of the range; one that is done is only looked at."""

        def claim(state: ExtractState, phase: Snapshot, plan: SlicePlan) -> ExtractState | None:
            self.phase, self.slice = phase, plan.slice(self._work.number)
            if self.slice.done or self.slice.worker == self._worker:
                return None
            self.slice = self.slice.with_(worker=self._worker)
            return _moved(state, phase, plan.put(self._work.number, self.slice))

        self._change(claim)
        return self.phase, self.slice

    def commit(self, moved: Slice, files: Sequence[DataFile] = ()) -> list[DataFile]:
        """Register files and move the range, in one write; returns the files as registered."""
        registered: list[DataFile] = []

        def register(state: ExtractState, phase: Snapshot, plan: SlicePlan) -> ExtractState | None:
            uris = {f.uri for f in files}
            if plan.slice(self._work.number) == moved:  # done, and only the answer was lost
                registered[:] = [f for f in state.files if f.uri in uris]
                return None
            self._refuse_loss(plan)
            registered[:] = [f.with_(seq=state.next_seq + n) for n, f in enumerate(files)]
            stored = {"stored_schema": files[0].schema_id} if files else {}
            state = state.with_(metadata={**state.metadata, **stored}).register(registered)
            return _moved(state, phase, plan.put(self._work.number, moved))

        self._change(register)
        self.slice = moved
        return registered

    def fail(self, error: str) -> None:
        """Tell why this worker gave up."""

        def tell(state: ExtractState, _phase: Snapshot, plan: SlicePlan) -> ExtractState:
            self._refuse_loss(plan)
            return state.failed(error)

        self._change(tell)

    def _change(
        self, change: Callable[[ExtractState, Snapshot, SlicePlan], ExtractState | None]
    ) -> None:
        """Apply a change to the newest document, however many others write at the same time."""
        retrying = Retrying(
            retry=retry_if_exception_type(_OvertakenError),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.02, max=LONGEST_PAUSE_SECONDS),
            reraise=True,
        )
        retrying(self._change_once, change)

    def _change_once(
        self, change: Callable[[ExtractState, Snapshot, SlicePlan], ExtractState | None]
    ) -> None:
        state = self._states.read()
        phase, plan = self._found(state)
        changed = None if state is None else change(state, phase, plan)
        if changed is None:
            return
        reach("extract.before_commit")
        try:
            self._states.write(changed)
        except StateConflictError as conflict:
            raise _OvertakenError(self._key) from conflict
        reach("extract.after_commit")

    def _found(self, state: ExtractState | None) -> tuple[Snapshot, SlicePlan]:
        """The plan that the work belongs to.

        Raises:
            StateConflictError: The document has another one, or none.
        """
        phase = state.mysql_state.snapshot if state else None
        if phase is None or phase.slices is None or phase.slices.id != self._work.plan_id:
            raise StateConflictError(self._key)
        return phase, phase.slices

    def _refuse_loss(self, plan: SlicePlan) -> None:
        if plan.slice(self._work.number) != self.slice:
            raise StateConflictError(self._key)


def _plan_of(state: ExtractState) -> SlicePlan | None:
    phase = state.mysql_state.snapshot
    return phase.slices if phase else None


def _moved(state: ExtractState, phase: Snapshot, plan: SlicePlan) -> ExtractState:
    moved = state.mysql_state.with_(snapshot=phase.with_(slices=plan))
    return state.with_(mysql_state=moved)
