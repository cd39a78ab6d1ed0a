"""What a run will take, from what earlier runs did."""

from __future__ import annotations

import pytest

from mysql_s3_redshift.core.estimate import (
    STEP_SECONDS,
    TYPICAL_PACKING,
    Basis,
    estimate_extraction,
    estimate_load,
)
from mysql_s3_redshift.core.schema import SourceTable
from mysql_s3_redshift.core.state import DataFile, LoadState, RedshiftState

SOURCE = SourceTable("shop", "orders", (), row_estimate=1_000, data_bytes=300_000)


def file(seq: int, second: int, *, rows: int = 1_000, run: str = "r", set_id: str | None = None):
    return DataFile(
        seq=seq,
        uri=f"s3://b/{seq}",
        rows=rows,
        bytes=rows * 50,
        schema_id="s",
        kind="incremental",
        run_id=run,
        written_at=f"2025-01-01T00:00:{second:02d}.000000Z",
        set_id=set_id,
    )


def loaded(began: str, ended: str) -> LoadState:
    state = RedshiftState(last_load_id=f"{began}_abcdef12", last_load_time=ended)
    return LoadState(table_name="t", target="w", redshift_state=state)


def test_rows_take_as_long_as_those_of_earlier_runs():
    """Rows of all files but a run's first, by the time between its first and last."""
    files = [file(1, 0), file(2, 2), file(3, 4), file(4, 30, run="s"), file(5, 36, run="s")]
    estimate = estimate_extraction(9_000, files, SOURCE)
    assert estimate.seconds == pytest.approx(STEP_SECONDS + 9_000 / (3_000 / 10))
    assert (estimate.bytes, estimate.basis) == (9_000 * 50, Basis.PAST_RUNS)


@pytest.mark.parametrize(
    "files", [[], [file(1, 0)], [file(1, 5, set_id="a"), file(2, 5, set_id="a")]]
)
def test_without_a_past_that_tells_the_figures_are_typical_and_say_so(files):
    estimate = estimate_extraction(1_000_000, files, SOURCE)
    assert estimate.basis is Basis.TYPICAL
    assert estimate.seconds > STEP_SECONDS


def test_a_table_without_files_has_the_size_that_mysql_tells():
    assert estimate_extraction(100, [], SOURCE).bytes == round(100 * 300 * TYPICAL_PACKING)


def test_nothing_to_do_takes_a_step():
    assert estimate_extraction(0, [], None).seconds == STEP_SECONDS
    assert estimate_load(0, None, None).seconds == STEP_SECONDS


def test_a_load_takes_as_long_as_the_last_by_its_bytes():
    state = loaded("20250101_000000_000000", "2025-01-01T00:00:10.000000Z")
    assert estimate_load(4_000, 1_000, state).seconds == pytest.approx(40)
    assert estimate_load(10, 1_000, state).seconds == pytest.approx(10)
    assert estimate_load(4_000, 1_000, state).basis is Basis.PAST_RUNS


@pytest.mark.parametrize("state", [None, loaded("adopted", "2025-01-01T00:00:10.000000Z")])
def test_a_load_state_that_tells_no_duration_is_no_past(state):
    assert estimate_load(4_000, 1_000, state).basis is Basis.TYPICAL
