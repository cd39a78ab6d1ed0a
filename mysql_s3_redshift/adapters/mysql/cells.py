"""Single values of a result, for positions and bounds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from mysql_s3_redshift.adapters.mysql.wire import WireBatch, WireKind
from mysql_s3_redshift.core.model import Value


def cell(wire: WireBatch, column: int, row: int) -> Value:
    """One value as the next query takes it; TIME and dates such as 2024-02-00 as text."""
    value: Any = wire.batch.column(column)[row].as_py()
    if value is None and column in wire.bad_dates and wire.bad_dates[column][row]:
        return wire.bad_date_text(column, row)
    if isinstance(value, bytes) and wire.columns[column].kind is WireKind.TEXT:
        return value.decode("utf-8")
    return _time_text(value) if isinstance(value, timedelta) else value


def _time_text(time: timedelta) -> str:
    """A TIME as MySQL writes it, `-838:59:59.000000`."""
    seconds, micros = divmod(abs(time) // timedelta(microseconds=1), 1_000_000)
    sign = "-" if time < timedelta(0) else ""
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{micros:06}"
