from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysql_s3_redshift.config import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("30s", 30),
        ("5m", 300),
        ("1h30m", 5400),
        ("2w1d", 1_296_000),
        ("250ms", 0.25),
    ],
)
def test_durations_are_counts_with_units(text, seconds):
    assert parse_duration(text).total_seconds() == seconds


@pytest.mark.parametrize(
    "text", ["", " ", "5", "5 m", "m", "-5m", "5m1h", "1.5h", "5M", "٥m", "9999999d", "99999w"]
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="a duration"):
        parse_duration(text)


@given(st.integers(0, 3650 * 86_400_000))
def test_a_duration_is_read_as_it_is_written(milliseconds):
    duration = timedelta(milliseconds=milliseconds)
    assert parse_duration(format_duration(duration)) == duration
