"""Which files the next load takes: registered minus loaded, in order, sets whole."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mysql_s3_redshift.core.model import LoadMode
from mysql_s3_redshift.core.pending import MOST_FILES, select_files
from mysql_s3_redshift.core.state import DataFile, ExtractState, LoadState, Snapshot
from mysql_s3_redshift_tests.core.test_state import PLAN, data_file


def registered(*files: dict[str, Any], **mysql_state: Any) -> ExtractState:
    """A state with files numbered from 1 on."""
    state = ExtractState.first(PLAN, "hybrid")
    made = [data_file(seq).with_(**facts) for seq, facts in enumerate(files, 1)]
    return state.register(made, **mysql_state)


def chosen(state: ExtractState, mode: LoadMode, *loaded: int, **more: Any) -> list[int]:
    """Numbers of the files that are taken next."""
    group = select_files(state, loaded_state(state, *loaded), mode, **more).group
    return [f.seq for f in group.files] if group else []


def loaded_state(state: ExtractState, *loaded: int) -> LoadState:
    files = [f for f in state.files if f.seq in loaded]
    return LoadState.first(PLAN).mark(files, known=(f.seq for f in state.files))


WINDOW = {"window": ("2024-01-01", "2024-01-02")}


def test_files_go_by_number_and_one_schema_at_a_time() -> None:
    """I-07, I-25: neither clock nor listing, and a new schema waits for the files before it."""
    state = registered({}, {}, {"schema_id": "new"}, {"schema_id": "new"}, {})
    assert chosen(state, LoadMode.APPEND) == [1, 2]
    assert chosen(state, LoadMode.APPEND, 1, 2) == [3, 4]
    assert chosen(state, LoadMode.APPEND, 1, 2, 3, 4) == [5]
    assert chosen(state, LoadMode.APPEND, 1, 2, 3, 4, 5) == []


def test_a_window_is_loaded_by_itself_and_whole() -> None:
    state = registered({}, {"set_id": "w", **WINDOW}, {"set_id": "w", **WINDOW}, {})
    assert chosen(state, LoadMode.UPSERT) == [1]
    assert chosen(state, LoadMode.UPSERT, 1) == [2, 3]
    assert chosen(state, LoadMode.UPSERT, 1, max_files=1) == []
    assert (
        "more than --max-files allows"
        in select_files(state, loaded_state(state, 1), LoadMode.UPSERT, max_files=1).note
    )


def test_replace_takes_the_newest_complete_snapshot_alone() -> None:
    """I-38: an older one is superseded, one under way is left alone."""
    sets = [{"set_id": name, "kind": "full"} for name in ("a", "a", "b", "b", "c")]
    state = registered(*sets, set_done="b", snapshot=Snapshot(set_id="c"))
    selection = select_files(state, loaded_state(state), LoadMode.REPLACE)
    assert selection.group is not None
    assert [f.seq for f in selection.group.files] == [3, 4]
    assert [f.seq for f in selection.group.superseded] == [1, 2]
    assert chosen(state, LoadMode.REPLACE, 1, 2, 3, 4) == []


def test_replace_by_a_part_of_a_snapshot_never_happens() -> None:
    state = registered({"set_id": "a", "kind": "full"}, snapshot=Snapshot(position={"set": "a"}))
    selection = select_files(state, loaded_state(state), LoadMode.REPLACE)
    assert selection.group is None
    assert "not complete" in selection.note


def test_a_load_has_a_bounded_number_of_files() -> None:
    state = registered(*[{} for _ in range(MOST_FILES + 5)])
    assert len(chosen(state, LoadMode.APPEND)) == MOST_FILES


@given(
    st.lists(st.sampled_from(["x", "y", "w"]), max_size=15),
    st.one_of(st.none(), st.integers(0, 5)),
)
def test_group_after_group_takes_every_file_once_and_in_order(
    kinds: list[str], max_files: int | None
) -> None:
    """I-08, I-19: nothing is left over and nothing is taken twice, with any bound."""
    facts: list[dict[str, Any]] = [
        {"set_id": f"w{n}", **WINDOW} if kind == "w" else {"schema_id": kind}
        for n, kind in enumerate(kinds)
    ]
    state, load = registered(*facts), LoadState.first(PLAN)
    taken: list[DataFile] = []
    while group := select_files(state, load, LoadMode.APPEND, max_files=max_files).group:
        assert len({f.schema_id for f in group.files}) == 1
        assert max_files is None or len(group.files) <= max_files
        taken += group.files
        load = load.mark(group.files, known=(f.seq for f in state.files))
    if max_files != 0:
        assert [f.seq for f in taken] == list(range(1, len(kinds) + 1))
