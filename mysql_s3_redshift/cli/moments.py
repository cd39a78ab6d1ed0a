"""Times and ages as options take them: callbacks of `click.option`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import click

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?", re.ASCII)


def moment(_context: click.Context, _option: click.Parameter, text: str | None) -> datetime | None:
    """Read a time in the clock of the data, so without a zone."""
    if text is None:
        return None
    if not _MOMENT.fullmatch(text):
        raise click.BadParameter(
            f"`{text}`: write `2025-01-31` or `2025-01-31 13:30:00`, without a time zone."
        )
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(f"`{text}` is not in the calendar: {error}.") from error


def age(_context: click.Context, _option: click.Parameter, text: str | None) -> timedelta | None:
    """Read a stretch of time as pipelines.yaml writes it: `30m`, `24h`, `7d`."""
    from mysql_s3_redshift.config import parse_duration

    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(f"`{text}`: {error}.") from error
