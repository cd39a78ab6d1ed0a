"""A worker's hold on one key range: how many commit into one document, and who has lost.

A commit reads the document, changes the worker's own range and what belongs to it, and writes it
back on the condition that nobody wrote in between; else it begins again with what the other one
wrote. A worker that finds its range changed by another one, its plan replaced or the history ended
by a reset has lost: it changes nothing any more and ends with a `StateConflictError`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from tenacity import (
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from mysql_s3_redshift.core.faultpoints import reach
from mysql_s3_redshift.core.ports import ExtractStates
from mysql_s3_redshift.core.slice_state import Slice, SlicePlan
from mysql_s3_redshift.core.state import DataFile, ExtractState
from mysql_s3_redshift.errors import StateConflictError

ATTEMPTS = 40
LONGEST_PAUSE_SECONDS = 5.0

Change = Callable[[ExtractState, SlicePlan], ExtractState | None]
"""The document and its plan → the document as it shall be; None where nothing is to be changed."""


@dataclass(frozen=True, slots=True)
class SliceWork:
    """One range of a plan, as it is handed to a worker."""

    plan_id: str
    number: int


class _OvertakenError(StateConflictError):
    """Another worker committed between the read and the write of a commit."""


class SliceHold:
    """A worker's hold on one range: nothing else of the document is changed through it.

    Attributes:
        slice: The range as this worker committed it last.
    """

    def __init__(self, key: str, states: ExtractStates, work: SliceWork) -> None:
        self._key, self._states, self._work = key, states, work
        self._worker = secrets.token_hex(6)
        self.slice = Slice()

    def take(self) -> ExtractState:
        """Become the worker of the range; one that is done is only looked at.

        Returns:
            The document as it was when the range was taken.
        """
        found: list[ExtractState] = []

        def claim(state: ExtractState, plan: SlicePlan) -> ExtractState | None:
            found[:] = [state]
            self.slice = plan.slice(self._work.number)
            if self.slice.done or self.slice.worker == self._worker:
                return None
            self.slice = self.slice.with_(worker=self._worker)
            return with_plan(state, plan.put(self._work.number, self.slice))

        self._change(claim)
        return found[0]

    def commit(self, moved: Slice, files: Sequence[DataFile] = ()) -> list[DataFile]:
        """Register files and move the range, in one write; returns the files as registered."""
        registered: list[DataFile] = []

        def register(state: ExtractState, plan: SlicePlan) -> ExtractState | None:
            uris = {f.uri for f in files}
            if plan.slice(self._work.number) == moved:  # done, and only the answer was lost
                registered[:] = [f for f in state.files if f.uri in uris]
                return None
            self._refuse_loss(plan)
            registered[:] = [f.with_(seq=state.next_seq + n) for n, f in enumerate(files)]
            stored = {"stored_schema": files[0].schema_id} if files else {}
            state = state.with_(metadata={**state.metadata, **stored}).register(registered)
            return with_plan(state, plan.put(self._work.number, moved))

        self._change(register)
        self.slice = moved
        return registered

    def keep(self, moved: Slice, files: Sequence[DataFile], days: Mapping[date, int]) -> None:
        """Keep the files of a reload with the plan and end the range, in one write."""

        def add(state: ExtractState, plan: SlicePlan) -> ExtractState | None:
            reload = state.mysql_state.reload
            if reload is None or plan.slice(self._work.number) == moved:
                return None
            self._refuse_loss(plan)
            kept = state.mysql_state.with_(reload=reload.with_files(files, days))
            state = state.with_(mysql_state=kept)
            return with_plan(state, plan.put(self._work.number, moved))

        self._change(add)
        self.slice = moved

    def fail(self, error: str) -> None:
        """Tell why this worker gave up."""

        def tell(state: ExtractState, plan: SlicePlan) -> ExtractState:
            self._refuse_loss(plan)
            return state.failed(error)

        self._change(tell)

    def _change(self, change: Change) -> None:
        """Apply a change to the newest document, however many others write at the same time."""
        retrying = Retrying(
            retry=retry_if_exception_type(_OvertakenError),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.02, max=LONGEST_PAUSE_SECONDS),
            reraise=True,
        )
        retrying(self._change_once, change)

    def _change_once(self, change: Change) -> None:
        state = self._states.read()
        plan = plan_of(state, self._work.plan_id) if state else None
        if state is None or plan is None:
            raise StateConflictError(self._key)
        changed = change(state, plan)
        if changed is None:
            return
        reach("extract.before_commit")
        try:
            self._states.write(changed)
        except StateConflictError as conflict:
            raise _OvertakenError(self._key) from conflict
        reach("extract.after_commit")

    def _refuse_loss(self, plan: SlicePlan) -> None:
        if plan.slice(self._work.number) != self.slice:
            raise StateConflictError(self._key)


def plan_of(state: ExtractState, plan_id: str) -> SlicePlan | None:
    """The ranges of that id: those of the snapshot phase or of a window reload."""
    phase, reload = state.mysql_state.snapshot, state.mysql_state.reload
    plans = (phase.slices if phase else None, reload.slices if reload else None)
    return next((plan for plan in plans if plan and plan.id == plan_id), None)


def with_plan(state: ExtractState, plan: SlicePlan) -> ExtractState:
    """The document with these ranges in the place of those with their id."""
    phase, reload = state.mysql_state.snapshot, state.mysql_state.reload
    moved = state.mysql_state
    if phase and phase.slices and phase.slices.id == plan.id:
        moved = moved.with_(snapshot=phase.with_(slices=plan))
    elif reload and reload.slices.id == plan.id:
        moved = moved.with_(reload=reload.with_(slices=plan))
    return state.with_(mysql_state=moved)
