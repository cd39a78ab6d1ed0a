"""The state documents: round trips, transitions, and counts that are sums."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mysql_s3_redshift.core.cursors import Cursor
from mysql_s3_redshift.core.model import CdcStrategy, TablePlan, TimestampUnit, Value
from mysql_s3_redshift.core.state import (
    LOADED_FILES_KEPT,
    PROCESSED_FILES_KEPT,
    DataFile,
    ExtractState,
    LoadState,
    decode_value,
    encode_value,
    fold,
    utc_now,
)
from mysql_s3_redshift.core.watermark import watermark_fields, watermark_of

PLAN = TablePlan(
    pipeline="p",
    source="db",
    storage="lake",
    target="warehouse",
    schema="s",
    table="t",
    target_schema="s",
    target_name="t",
)
VALUES: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**64 - 1),
    st.text(),
    st.binary(),
    st.floats(allow_nan=False),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)),  # noqa: DTZ001
    st.dates(date(1000, 1, 1)),
)


def data_file(seq: int, rows: int = 10) -> DataFile:
    return DataFile(
        seq=seq,
        uri=f"s3://lake/{seq}",
        rows=rows,
        bytes=100,
        schema_id="f",
        kind="incremental",
        run_id="r",
        written_at=utc_now(),
    )


@given(VALUES)
def test_cursor_values_survive_json_exactly(value: Value) -> None:
    """I-13: microseconds, digits, bytes and types, through real JSON text."""
    again = decode_value(json.loads(json.dumps(encode_value(value))))
    assert again == value
    assert type(again) is type(value)


@pytest.mark.parametrize("damaged", [{}, [], {"float": 1}, {"unknown": "x"}, {"date": "2024"}, 1.5])
def test_what_is_no_cursor_value_is_refused(damaged: Any) -> None:
    with pytest.raises(ValueError, match=r"cursor value|isoformat|hex"):
        decode_value(damaged)


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1)),  # noqa: DTZ001
    st.lists(st.one_of(st.none(), st.integers(0, 2**63), st.text()), min_size=0, max_size=3),
)
def test_a_watermark_is_the_position_of_its_row(moment: datetime, ties: list[Value]) -> None:
    """I-03, I-13, I-17: also where a tie-breaking column is NULL."""
    columns = ("ts", *(f"k{n}" for n in range(len(ties))))
    cursor = Cursor(CdcStrategy.HYBRID, columns, timestamp="ts")
    state = ExtractState.first(PLAN, "hybrid").mysql_state
    moved = state.with_(**watermark_fields((moment, *ties), cursor))
    again = type(moved).model_validate_json(moved.model_dump_json())
    assert watermark_of(again, cursor) == (moment, *ties)


@given(st.integers(0, 2**40), st.sampled_from(list(TimestampUnit)[1:]))
def test_an_epoch_watermark_is_exact(ticks: int, unit: TimestampUnit) -> None:
    """H-06: counts go through the timestamp of the document and come back as they were."""
    cursor = Cursor(CdcStrategy.TIMESTAMP_ONLY, ("ts",), timestamp="ts", unit=unit)
    ticks = min(ticks, 2**33) if unit is TimestampUnit.EPOCH_S else ticks
    state = ExtractState.first(PLAN, "timestamp_only").mysql_state
    assert watermark_of(state.with_(**watermark_fields((ticks,), cursor)), cursor) == (ticks,)


def test_a_missing_half_of_a_watermark_is_the_smallest_value() -> None:
    """H-27: a timestamp without id is inclusive; an id without timestamp reads from the start."""
    cursor = Cursor(CdcStrategy.HYBRID, ("ts", "id"), timestamp="ts")
    state = ExtractState.first(PLAN, "hybrid").mysql_state
    moment = datetime(2024, 1, 1)  # noqa: DTZ001
    assert watermark_of(state.with_(last_timestamp="2024-01-01"), cursor) == (moment,)
    assert watermark_of(state.with_(last_id=5), cursor) == ()


@given(st.lists(st.integers(0, 1000), max_size=12))
def test_counts_are_the_sums_of_the_registered_files(rows: list[int]) -> None:
    """I-01: at every step; a new run starts its session at 0, a reset starts at 0."""
    state = ExtractState.first(PLAN, "id_only")
    for seq, count in enumerate(rows, 1):
        state = state.begin(f"run {seq}").register([data_file(seq, count)], last_id=seq)
        counts = state.mysql_state
        assert counts.total_rows == sum(f.rows for f in state.files) == sum(rows[:seq])
        assert (counts.last_session_rows, counts.last_session_files) == (count, 1)
    again = ExtractState.model_validate_json(state.model_dump_json(by_alias=True))
    assert again == state
    reset = state.reset()
    assert (reset.mysql_state.total_rows, reset.files) == (0, ())
    assert (reset.generation, reset.next_seq) == (state.generation + 1, len(rows) + 1)


@settings(max_examples=200)
@given(st.data())
def test_any_order_of_loading_leaves_registered_minus_loaded(data: st.DataObject) -> None:
    """I-18, I-19: set-wise, however files are registered, loaded and folded away."""
    extract, load = ExtractState.first(PLAN, "id_only"), LoadState.first(PLAN)
    loaded: set[int] = set()
    for _ in range(data.draw(st.integers(1, 12))):
        if data.draw(st.booleans()):
            extract = extract.register([data_file(extract.next_seq)])
        pending = extract.pending(load)
        chosen = data.draw(st.sets(st.sampled_from([f.seq for f in pending]))) if pending else set()
        files = [f for f in pending if f.seq in chosen]
        load = load.mark(files, known=(f.seq for f in extract.files))
        loaded |= chosen
        extract = extract.without_loaded(load)
        expected = set(range(1, extract.next_seq)) - loaded
        assert {f.seq for f in extract.pending(load)} == expected
        assert load.redshift_state.total_files == len(loaded)
        assert load.redshift_state.total_rows == 10 * len(loaded)
        assert load == load.mark(files, known=(f.seq for f in extract.files))


def test_six_thousand_loads_leave_small_documents_and_nothing_pending() -> None:
    """I-18, I-19: compaction never makes a loaded file loadable."""
    extract, load = ExtractState.first(PLAN, "id_only"), LoadState.first(PLAN)
    extract = extract.register([data_file(seq) for seq in range(1, 6001)])
    load = load.mark(extract.files[1::2], known=(f.seq for f in extract.files))
    assert len(extract.pending(load)) == 3000
    load = load.mark(extract.files[::2], known=(f.seq for f in extract.files))
    extract = extract.without_loaded(load)
    assert extract.pending(load) == ()
    assert (load.loaded_through, load.loaded_beyond) == (6000, ())
    assert len(extract.files) == LOADED_FILES_KEPT
    assert len(load.processed_files) == PROCESSED_FILES_KEPT
    assert load.redshift_state.total_rows == 60_000


@given(st.integers(0, 20), st.sets(st.integers(1, 40)), st.sets(st.integers(1, 40)))
def test_fold_covers_what_is_loaded_and_nothing_that_waits(
    through: int, have: set[int], known: set[int]
) -> None:
    """I-18: a registered number that is not loaded is never covered."""
    new_through, beyond = fold(through, have, known=known)
    covered = {*range(1, new_through + 1), *beyond}
    assert new_through >= through
    assert have <= covered
    assert not {n for n in known if n > through and n not in have} & covered


def test_a_lost_extract_state_numbers_its_files_after_the_load_state() -> None:
    """I-15, I-18."""
    load = LoadState.first(PLAN).with_(loaded_through=7, loaded_beyond=(9,), generation=3)
    state = ExtractState.first(PLAN, "hybrid").beyond(load)
    assert (state.next_seq, state.generation) == (10, 4)
    assert not load.has(state.next_seq)


@pytest.mark.parametrize(
    "change",
    [
        {"files": [data_file(1), data_file(1)], "next_seq": 9},
        {"files": [data_file(5)], "next_seq": 5},
        {"generation": 0},
        {"unknown": 1},
    ],
)
def test_documents_that_contradict_themselves_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ExtractState.first(PLAN, "hybrid").with_(**change)


def test_an_error_leaves_counts_and_watermark() -> None:
    """H-20: status and error change, nothing else."""
    state = ExtractState.first(PLAN, "id_only").register([data_file(1)], last_id=5)
    failed = state.failed("it broke")
    assert failed.mysql_state == state.mysql_state.with_(status="failed", error="it broke")
    assert failed.files == state.files
