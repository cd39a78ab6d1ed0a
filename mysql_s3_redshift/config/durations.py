"""Durations as people write them: `30s`, `5m`, `1h30m`, `7d`, `0s`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

_DURATION = re.compile(
    r"(?:(?P<weeks>\d{1,6})w)?(?:(?P<days>\d{1,6})d)?(?:(?P<hours>\d{1,6})h)?"
    r"(?:(?P<minutes>\d{1,6})m)?(?:(?P<seconds>\d{1,9})s)?(?:(?P<milliseconds>\d{1,9})ms)?",
    re.ASCII,
)
_LONGEST = timedelta(days=3660)


def parse_duration(text: str) -> timedelta:
    """Parse a duration.

    Args:
        text: Whole numbers, each with a unit, largest unit first: `w d h m s ms`; or `0`.

    Raises:
        ValueError: The text is no duration, or one of more than ten years.
    """
    match = _DURATION.fullmatch(text.strip())
    parts = {unit: int(count) for unit, count in match.groupdict("0").items()} if match else {}
    if text.strip() != "0" and (not match or not match.group()):
        raise ValueError("a duration has units, as in `30s`, `5m` or `1h30m`")
    duration = timedelta(**parts)
    if duration > _LONGEST:
        raise ValueError("a duration is at most ten years")
    return duration


def format_duration(duration: timedelta) -> str:
    """Write a duration the way it is read."""
    seconds, text = round(duration.total_seconds() * 1000), ""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, seconds = divmod(seconds, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def _from_yaml(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError("a duration has units, as in `30s`, `5m` or `1h30m`")  # noqa: TRY004
    return parse_duration(str(value))


def _positive(duration: timedelta) -> timedelta:
    if not duration:
        raise ValueError("this duration must be longer than zero")
    return duration


Duration = Annotated[
    timedelta,
    BeforeValidator(_from_yaml),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["30s", "5m", "1h30m"]}),
]
PositiveDuration = Annotated[Duration, AfterValidator(_positive)]
