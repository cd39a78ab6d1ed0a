"""Many workers and one document: no commit is lost, none is done twice, whoever is faster."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mysql_s3_redshift.core import operate
from mysql_s3_redshift.core.clean import unregister
from mysql_s3_redshift.core.cursors import Cursor
from mysql_s3_redshift.core.model import CdcStrategy, LoadMode, TimestampUnit
from mysql_s3_redshift.core.reload_state import Reload, ReloadTerms
from mysql_s3_redshift.core.s3_names import WORKERS, data_key, first_number_of_slice, parse_data_key
from mysql_s3_redshift.core.slice_hold import SliceHold, SliceWork
from mysql_s3_redshift.core.slice_state import SlicePlan, Snapshot
from mysql_s3_redshift.core.state import DataFile, ExtractState, LoadState
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


def commit_file(hold: SliceHold, number: int) -> DataFile:
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
    holds = {n: SliceHold("t", Handle(store), SliceWork("plan", n)) for n in (1, 2, 3)}
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
    first = SliceHold("t", Handle(store), SliceWork("plan", 2))
    first.take()
    commit_file(first, 1)
    second = SliceHold("t", Handle(store), SliceWork("plan", 2))
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
    hold = SliceHold("t", Handle(store), SliceWork("plan", 1))
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


def reloading(slices: int = 3) -> ExtractState:
    """A state with a window reload under way."""
    cuts = [(100 * n,) for n in range(1, slices)]
    terms = ReloadTerms(
        run_id="r",
        window=("2024-03-30T00:00:00.000000", "2024-04-01T00:00:00.000000"),
        window_on=("made", TimestampUnit.DATETIME),
        daily=True,
        load_mode=LoadMode.APPEND,
        watermark=("2024-04-02T00:00:00.000000", {"decimal": "7.50"}, {"bytes": "00ff"}),
        next_seq=1,
        schema_id="f",
    )
    plan = SlicePlan.between(("id",), cuts, after=(), plan_id="plan")
    state = ExtractState.first(PLAN, "id_only").begin("r")
    reload = Reload(terms=terms, slices=plan)
    return state.with_(mysql_state=state.mysql_state.with_(reload=reload))


def reload_in(state: ExtractState) -> Reload:
    reload = state.mysql_state.reload
    assert reload is not None
    return reload


@settings(max_examples=25, deadline=None)
@given(
    st.permutations([1, 2, 3]),
    st.sets(st.integers(0, 12), max_size=4),
    st.sets(st.integers(0, 12), max_size=4),
)
def test_files_of_a_reload_are_kept_once_in_any_order_and_registered_by_none(
    order: list[int], lost_answers: set[int], overtaken: set[int]
) -> None:
    """I-33, I-35: also when the answer of a write was lost, and another one came after it."""
    store = Store(reloading())
    store.lost_answers, store.overtaken = lost_answers, overtaken
    holds = {n: SliceHold("t", Handle(store), SliceWork("plan", n)) for n in (1, 2, 3)}
    for hold in holds.values():
        hold.take()
    day = date(2024, 3, 30)
    for number in order:
        file = data_file(1).with_(uri=f"s3://lake/{number}")
        done = holds[number].slice.with_(done=True, files=1, rows=10)
        holds[number].keep(done, [file], {day: 10, day + timedelta(number): 0})
    reload = reload_in(store.state)
    assert [f.uri for f in reload.files] == [f"s3://lake/{number}" for number in order]
    assert reload.days == {day: 30} | {day + timedelta(n): 0 for n in (1, 2, 3)}
    assert reload.slices.done
    assert (store.state.files, store.state.next_seq) == ((), 1)
    assert store.state.mysql_state.total_rows == 0
    assert store.state.pending(None) == ()
    stored = ExtractState.model_validate_json(store.state.model_dump_json(by_alias=True))
    assert stored == store.state
    assert reload_in(stored).fits(reload.terms.with_(schema_id="another"))
    assert not reload_in(stored).fits(reload.terms.with_(next_seq=2))


def test_every_change_by_hand_ends_a_reload() -> None:
    """I-16: no earlier version brings it back, and its files count as orphans then."""
    state, file = reloading(), data_file(1).with_(uri="s3://lake/1")
    kept = reload_in(state).with_files([file], {})
    state = state.with_(mysql_state=state.mysql_state.with_(reload=kept))
    load, cursor = LoadState.first(PLAN), Cursor(CdcStrategy.ID_ONLY, ("id",))
    after = {
        "watermark": operate.set_watermark(state, cursor, timestamp=None, identity=3),
        "reset": operate.reset_extract(state),
        "loaded again": operate.load_again(state, load, ())[0],
        "restored": operate.restore(state, state),
        "restored from before a reset": operate.restore(operate.reset_extract(state), state),
        "brought back": operate.restore(None, state),
        "a file deleted": unregister(state, [file.uri]),
    }
    assert {name: s.mysql_state.reload for name, s in after.items()} == dict.fromkeys(after)
    assert unregister(state, ["s3://lake/2"]) == state


def test_documents_of_before_have_no_reload() -> None:
    """A field that is not there is one that is empty."""
    state = planned()
    document = state.model_dump(mode="json", by_alias=True)
    del document["mysql_state"]["reload"]
    assert ExtractState.model_validate(document) == state


def test_a_new_run_takes_the_ranges_over() -> None:
    store = Store(planned())
    hold = SliceHold("t", Handle(store), SliceWork("plan", 1))
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
