"""Checks cron expressions without asking Dagster, which takes a second to import."""

from __future__ import annotations

import re

_NICKNAMES = frozenset({"@hourly", "@daily", "@weekly", "@monthly", "@yearly"})
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[int, int, dict[str, int]], ...] = (
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, {name: number for number, name in enumerate(_MONTHS, start=1)}),
    (0, 7, {name: number for number, name in enumerate(_DAYS)}),
)
_ITEM = re.compile(
    r"(?:\*|(?P<first>\w{1,3})(?:-(?P<last>\w{1,3}))?)(?:/(?P<step>\d{1,3}))?", re.ASCII
)
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def check_cron(expression: str) -> str:
    """Check a cron expression of five fields, or a nickname such as `@daily`.

    Raises:
        ValueError: A field is not valid, or the day never comes.
    """
    fields = expression.lower().split()
    if fields and fields[0] in _NICKNAMES and len(fields) == 1:
        return fields[0]
    valid = len(fields) == len(_FIELDS) and all(
        _is_valid(item, *bounds)
        for text, bounds in zip(fields, _FIELDS, strict=True)
        for item in text.split(",")
    )
    if not valid:
        raise ValueError("a schedule has five cron fields, as in `*/15 * * * *`, or is `@daily`")
    if not _can_happen(fields[2], fields[3], fields[4]):
        raise ValueError("this day never comes")
    return " ".join(fields)


def _is_valid(item: str, lowest: int, highest: int, names: dict[str, int]) -> bool:
    match = _ITEM.fullmatch(item)
    if not match or (match["step"] and int(match["step"]) < 1):
        return False
    if match["first"] is None:
        return True
    if match["step"] and match["last"] is None:
        return False
    first = _number(match["first"], names)
    last = first if match["last"] is None else _number(match["last"], names)
    return first is not None and last is not None and lowest <= first <= last <= highest


def _number(text: str, names: dict[str, int]) -> int | None:
    return int(text) if text.isdigit() else names.get(text)


def _can_happen(days: str, months: str, weekdays: str) -> bool:
    """Tell whether plain days such as `31` exist in at least one of the months."""
    if weekdays != "*" or not all(day.isdigit() for day in days.split(",")):
        return True
    wanted = {month for item in months.split(",") for month in _expanded(item)}
    first = min(int(day) for day in days.split(","))
    return any(first <= _LONGEST_MONTHS[month - 1] for month in wanted)


def _expanded(months: str) -> range:
    match = _ITEM.fullmatch(months)
    if match is None or match["first"] is None:
        return range(1, 13, int(match["step"] or 1) if match else 1)
    first = _number(match["first"], _FIELDS[3][2]) or 1
    last = first if match["last"] is None else _number(match["last"], _FIELDS[3][2]) or 12
    return range(first, last + 1, int(match["step"] or 1))
