"""What is usual: for the stretch of time, by a median that an outlier does not move."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mysql_s3_redshift.core.volume import LEAST_RUNS, Volume, usual_volume

RUNS = st.lists(st.integers(100, 10_000), min_size=LEAST_RUNS, max_size=20)


def test_fewer_runs_than_are_needed_tell_nothing() -> None:
    known = [Volume(1_000, 60.0)] * (LEAST_RUNS - 1)
    assert usual_volume(known, 60.0) is None
    assert usual_volume([*known, Volume(1_000, None)], 60.0) is None, "a whole table is another one"
    assert usual_volume([*known, Volume(1_000, 60.0)], 60.0) is not None


@given(RUNS, st.floats(1, 1e6), st.floats(1, 1e6))
def test_rows_at_the_usual_pace_are_usual_over_any_stretch(
    rows: list[int], seconds: float, stretch: float
) -> None:
    usual = usual_volume([Volume(r, seconds) for r in rows], stretch)
    assert usual is not None
    assert usual.least <= usual.rows <= usual.most
    assert usual.admits(round(usual.rows))


@given(RUNS.filter(lambda rows: len(rows) > LEAST_RUNS), st.integers(0, 10**9))
def test_one_outlier_moves_the_usual_no_further_than_its_neighbours(
    rows: list[int], outlier: int
) -> None:
    usual = usual_volume([Volume(r, None) for r in (*rows, outlier)], None)
    assert usual is not None
    assert min(rows) <= usual.rows <= max(rows)


def test_none_of_many_and_many_times_the_usual_stand_out_and_small_tables_do_not() -> None:
    """I-46: a run of no rows, and one of a tenth."""
    usual = usual_volume([Volume(1_000 + n, 300.0) for n in range(20)], 300.0)
    assert usual is not None
    assert [usual.admits(rows) for rows in (0, 100, 500, 1_000, 3_000, 9_000)] == [
        False, False, True, True, True, False,
    ]  # fmt: skip
    small = usual_volume([Volume(5, 300.0)] * 20, 300.0)
    assert small is not None
    assert small.admits(0)
    bursts = usual_volume([Volume(0, 300.0)] * 15 + [Volume(9_000, 300.0)] * 5, 300.0)
    assert bursts is not None
    assert bursts.admits(12_000)


def test_a_noisy_table_has_wide_bounds() -> None:
    noisy = usual_volume([Volume(100 * (1 + n % 10), 60.0) for n in range(20)], 60.0)
    assert noisy is not None
    assert noisy.admits(2_400)
    assert not noisy.admits(9_000)
