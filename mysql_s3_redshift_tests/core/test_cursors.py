"""Cursors: clocks, units and limits, by property."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysql_s3_redshift.core.cursors import (
    advances,
    floor_to_fraction,
    format_timestamp,
    from_datetime,
    parse_timestamp,
    to_datetime,
)
from mysql_s3_redshift.core.model import RunLimits, TimestampUnit, Value

MOMENTS = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31))  # noqa: DTZ001
EPOCHS = [TimestampUnit.EPOCH_S, TimestampUnit.EPOCH_MS, TimestampUnit.EPOCH_US]


@given(MOMENTS)
def test_timestamps_keep_their_microseconds_as_text(moment: datetime) -> None:
    """I-13."""
    assert parse_timestamp(format_timestamp(moment)) == moment


@given(MOMENTS.filter(lambda m: 2 < m.year < 9998), st.integers(-12 * 60, 14 * 60))
def test_a_zone_in_a_text_means_utc(moment: datetime, minutes: int) -> None:
    """I-13: an aware value is converted, never compared with a naive one."""
    zone = timezone(timedelta(minutes=minutes))
    aware = moment.replace(tzinfo=UTC).astimezone(zone)
    assert parse_timestamp(aware.isoformat()) == moment


@given(st.integers(-(2**31), 2**53), st.sampled_from(EPOCHS))
def test_counts_since_1970_are_exact(ticks: int, unit: TimestampUnit) -> None:
    """H-06."""
    ticks = ticks % 2**34 if unit is TimestampUnit.EPOCH_S else ticks % 2**45
    assert from_datetime(to_datetime(ticks, unit), unit) == ticks
    assert to_datetime(Decimal(ticks), unit) == to_datetime(ticks, unit)


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        (1.5, TimestampUnit.EPOCH_S),
        (Decimal("1.5"), TimestampUnit.EPOCH_S),
        ("2024-01-01", TimestampUnit.DATETIME),
        (None, TimestampUnit.DATETIME),
        (5, TimestampUnit.DATETIME),
    ],
)
def test_what_is_no_timestamp_is_refused(value: Value, unit: TimestampUnit) -> None:
    with pytest.raises(TypeError, match="cannot hold"):
        to_datetime(value, unit)


@given(MOMENTS, st.integers(-1, 6))
def test_cutting_is_idempotent_and_keeps_the_digits(moment: datetime, fraction: int) -> None:
    cut = floor_to_fraction(moment, fraction)
    assert floor_to_fraction(cut, fraction) == cut
    unit = timedelta(days=1) if fraction < 0 else timedelta(seconds=10.0**-fraction)
    assert timedelta(0) <= moment - cut < unit


@given(st.lists(st.integers(), min_size=1, max_size=3), st.lists(st.integers(), max_size=3))
def test_a_cursor_advances_when_its_values_grow(after: list[int], before: list[int]) -> None:
    """I-21."""
    assert advances(before, after) == (tuple(after) > tuple(before))


def test_values_that_python_cannot_order_advance_when_they_differ() -> None:
    moment = datetime(2024, 1, 1)  # noqa: DTZ001
    pairs: list[tuple[Value, Value]] = [
        ("B", "a"),
        (b"\xff", b"\x00"),
        (None, 1),
        (1, None),
        ("2024-02-00", moment),
        (date(2024, 1, 1), "2024-02-00"),
    ]
    for before, after in pairs:
        assert advances((before,), (after,))
        assert not advances((before,), (before,))


def test_a_day_of_a_row_is_compared_with_a_watermark_that_holds_a_moment() -> None:
    """The state keeps a timestamp, a DATE column gives a day."""
    start = datetime(2024, 1, 1)  # noqa: DTZ001
    assert advances((start,), (date(2024, 1, 2),))
    assert advances((start,), (date(2024, 1, 1), 3))
    assert not advances((start, 3), (date(2024, 1, 1), 3))
    assert not advances((start, 3), (date(2023, 12, 31), 4))


@given(
    st.one_of(st.none(), st.integers(1, 1000)),
    st.one_of(st.none(), st.integers(1, 20)),
    st.integers(1, 1000),
)
def test_limits_bound_rows_and_chunks(
    limit: int | None, max_chunks: int | None, default: int
) -> None:
    """I-10: alone a limit is the cap; with chunks it is the chunk size, and the product the cap."""
    limits = RunLimits(limit=limit, max_chunks=max_chunks)
    chunk, cap = limits.chunk_rows(default), limits.max_rows(default)
    assert 1 <= chunk <= max(default, limit or 0)
    if limit is None and max_chunks is None:
        assert cap is None
    elif max_chunks is None:
        assert cap == limit
    else:
        assert cap == (limit or default) * max_chunks == chunk * max_chunks
