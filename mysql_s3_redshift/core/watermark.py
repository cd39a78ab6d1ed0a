"""Between a keyset position and the fields of the extract state that hold it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import JsonValue

from mysql_s3_redshift.core.cursors import (
    Cursor,
    Position,
    format_timestamp,
    from_datetime,
    parse_timestamp,
    to_datetime,
)
from mysql_s3_redshift.core.model import TimestampUnit, Value
from mysql_s3_redshift.core.state import MysqlState, decode_value, encode_value
from mysql_s3_redshift.errors import UnsupportedValueError

NULL_TIE: JsonValue = {"null": True}
"""A tie-breaking column that is NULL; a plain null means that the half is not known."""


def watermark_of(state: MysqlState, cursor: Cursor) -> Position:
    """The position after which the next incremental query reads; empty means from the start.

    A missing half is the smallest value: a timestamp without id reads from that timestamp on,
    inclusive; an id without timestamp, on a table ordered by time, reads from the start.
    """
    values: list[Value] = []
    if cursor.timestamp is not None:
        if state.last_timestamp is None:
            return ()
        values.append(from_datetime(parse_timestamp(state.last_timestamp), cursor.unit))
    for tie in (state.last_id, *state.last_ties):
        if tie is None or len(values) == len(cursor.columns):
            break
        values.append(decode_value(tie))
    return tuple(values)


def watermark_fields(position: Sequence[Value], cursor: Cursor) -> dict[str, Any]:
    """The state's fields for a position."""
    values = list(position)
    stamp = None
    if cursor.timestamp is not None:
        stamp = format_timestamp(_moment(values.pop(0), cursor)) if values else None
    ties = [NULL_TIE if v is None else encode_value(v) for v in values]
    return {"last_timestamp": stamp, "last_id": ties[0] if ties else None, "last_ties": ties[1:]}


def _moment(value: Value, cursor: Cursor) -> datetime:
    """A cursor timestamp.

    Raises:
        UnsupportedValueError: It is no date, such as 2024-02-00, so nothing can follow it.
    """
    if value is None or isinstance(value, str):
        raise UnsupportedValueError(
            f"Cursor column {cursor.timestamp} holds {value or 'a zero date'}, which is no time "
            "that a watermark can stand for.",
            kept="The chunk was not registered; what was committed before stays.",
            remedy="Correct the row in MySQL, or choose another cursor.",
        )
    return to_datetime(value, cursor.unit)


def past_ceiling(value: Value, cursor: Cursor) -> dict[str, Any]:
    """The state's fields once everything below a ceiling is on S3, whatever its order was."""
    if cursor.timestamp is None:
        return {"last_timestamp": None, "last_id": encode_value(value), "last_ties": []}
    return {"last_timestamp": format_timestamp(as_moment(value)), "last_id": None, "last_ties": []}


def ceiling_bounds(value: Value, cursor: Cursor) -> dict[str, Any]:
    """A ceiling as the arguments of a `ChunkQuery`, in the units of the column."""
    bounds: dict[str, Any] = {"bound_column": cursor.first_column}
    if cursor.timestamp is None:
        return {**bounds, "at_most": value}
    return {**bounds, "below": from_datetime(as_moment(value), cursor.unit)}


def as_moment(value: Value) -> datetime:
    """A timestamp ceiling as a date and time.

    Raises:
        TypeError: It is neither a date nor a date and time.
    """
    return to_datetime(value, TimestampUnit.DATETIME)


def named(columns: Sequence[str], position: Sequence[Value]) -> dict[str, Any]:
    """A position by column, as file records hold it."""
    return {c: encode_value(v) for c, v in zip(columns, position, strict=False)}
