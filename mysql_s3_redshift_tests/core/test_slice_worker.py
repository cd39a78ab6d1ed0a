"""Many workers and one document: no commit is lost, none is done twice, whoever is faster."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mysql_s3_redshift.core.s3_names import WORKERS, data_key, first_number_of_slice, parse_data_key
from mysql_s3_redshift.core.slice_state import SlicePlan, Snapshot
from mysql_s3_redshift.core.slice_worker import SliceWork, _Hold
from mysql_s3_redshift.core.state import DataFile, ExtractState
from mysql_s3_redshift.errors import StateConflictError
from mysql_s3_redshift_tests.core.test_s3_names import WHEN
from mysql_s3_redshift_tests.core.test_state import PLAN, data_file


class Store:
    """The document and its version.

    Attributes:
        lost_answers: Turns of writes that are done, written over by others and not answered.
        overtaken: Turns of writes that others write just before.
    """

    def __init__(self, state: ExtractState) -> None:
        self.state, self.version = state, 0
        self.lost_answers: set[int] = set()
        self.overtaken: set[int] = set()
        self.writes = count()
        self.is_gone = False

    def touch(self) -> None:
        """Somebody else writes something else."""
        metadata = {**self.state.metadata, "touched": self.version}
        self.state, self.version = self.state.with_(metadata=metadata), self.version + 1


class Handle:
    """One process's view of the store (see `core.ports.ExtractStates`)."""

    def __init__(self, store: Store) -> None:
        self._store, self._version = store, -1

    def read(self) -> ExtractState | None:
        self._version = self._store.version
        return None if self._store.is_gone else self._store.state

    def write(self, state: ExtractState) -> None:
        turn = next(self._store.writes)
        if turn in self._store.overtaken:
            self._store.touch()
        if self._version != self._store.version:
            raise StateConflictError("t")
        self._store.state, self._store.version = state, self._store.version + 1
        self._version = self._store.version
        if turn in self._store.lost_answers:  # and somebody wrote before it was looked for
            self._store.touch()
            raise StateConflictError("t")


def planned(slices: int = 3) -> ExtractState:
    cuts = [(100 * n,) for n in range(1, slices)]
    plan = SlicePlan.between(("id",), cuts, after=(), plan_id="plan")
    state = ExtractState.first(PLAN, "id_only").begin("r")
    return state.with_(mysql_state=state.mysql_state.with_(snapshot=Snapshot(slices=plan)))


def plan_in(state: ExtractState) -> SlicePlan:
    phase = state.mysql_state.snapshot
    assert phase is not None
    assert phase.slices is not None
    return phase.slices


def commit_file(hold: _Hold, number: int) -> DataFile:
    """Commit one file of ten rows, as a worker does after a chunk."""
    held = hold.slice
    moved = held.with_(position=(number,), files=held.files + 1, rows=held.rows + 10)
    file = data_file(1).with_(uri=f"s3://lake/{number}")
    [registered] = hold.commit(moved, [file])
    return registered


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=12),
    st.sets(st.integers(0, 30), max_size=4),
    st.sets(st.integers(0, 30), max_size=4),
)
def test_commits_in_any_order_are_all_there_once(
    order: list[int], lost_answers: set[int], overtaken: set[int]
) -> None:
    """I-33: also when a write was done, its answer lost, and another one written over it."""
    store = Store(planned())
    store.lost_answers, store.overtaken = lost_answers, overtaken
    holds = {n: _Hold("t", Handle(store), SliceWork("plan", n)) for n in (1, 2, 3)}
    for hold in holds.values():
        hold.take()
    files = [commit_file(holds[number], step) for step, number in enumerate(order)]
    assert list(store.state.files) == files
    assert [f.seq for f in files] == list(range(1, len(order) + 1))
    assert store.state.mysql_state.total_rows == 10 * len(order)
    for number in holds:
        assert plan_in(store.state).slice(number).files == order.count(number)


def test_a_worker_that_was_replaced_changes_nothing() -> None:
    """H-26: neither a file, nor its end, nor its error."""
    store = Store(planned())
    first = _Hold("t", Handle(store), SliceWork("plan", 2))
    first.take()
    commit_file(first, 1)
    second = _Hold("t", Handle(store), SliceWork("plan", 2))
    second.take()
    before = store.state
    with pytest.raises(StateConflictError):
        commit_file(first, 2)
    with pytest.raises(StateConflictError):
        first.commit(first.slice.with_(done=True))
    with pytest.raises(StateConflictError):
        first.fail("too late")
    assert store.state == before
    assert commit_file(second, 2).seq == 2


@pytest.mark.parametrize("ended", ["another plan", "no plan", "no document"])
def test_a_worker_without_its_plan_changes_nothing(ended: str) -> None:
    store = Store(planned())
    hold = _Hold("t", Handle(store), SliceWork("plan", 1))
    hold.take()
    if ended == "another plan":
        other = plan_in(store.state).with_(id="other")
        moved = store.state.mysql_state.with_(snapshot=Snapshot(slices=other))
        store.state = store.state.with_(mysql_state=moved)
    elif ended == "no plan":
        store.state = store.state.reset()
    before, store.is_gone = store.state, ended == "no document"
    with pytest.raises(StateConflictError):
        commit_file(hold, 1)
    assert store.state == before


def test_a_new_run_takes_the_ranges_over() -> None:
    store = Store(planned())
    hold = _Hold("t", Handle(store), SliceWork("plan", 1))
    hold.take()
    released = Snapshot(slices=plan_in(store.state).released())
    store.state = store.state.with_(mysql_state=store.state.mysql_state.with_(snapshot=released))
    with pytest.raises(StateConflictError):
        commit_file(hold, 1)


@given(st.integers(1, 1024), st.integers(1, 1024), st.integers(0, WORKERS - 1), st.integers(0, 99))
def test_workers_never_share_a_name_with_another_or_with_a_number_of_the_table(
    one: int, other: int, worker: int, files: int
) -> None:
    """Same run, same second: slice and worker make the difference."""
    mine = first_number_of_slice(one, worker) + files
    assert mine > 10**18
    if one != other:
        assert mine != first_number_of_slice(other, worker) + files
    assert mine != first_number_of_slice(one, (worker + 1) % WORKERS) + files
    key = data_key("x", PLAN, when=WHEN, run_id="12345678-abc", seq=mine)
    parsed = parse_data_key("x", key)
    assert parsed is not None
    assert (parsed.run, parsed.seq) == ("12345678", mine)
