"""Parameters of a query: bound by the protocol, or written into the text of the query.

Bound parameters keep their type and every digit (`page_protocol_com_stmt_execute` and, for the
values, `page_protocol_binary_resultset`). Where a server cannot prepare, PyMySQL's own escaping
writes them in place of the `?` that are not part of a string, a name or a comment.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

from pymysql.constants import FIELD_TYPE

from mysql_s3_redshift.adapters.mysql.wire.integers import length_encoded_bytes
from mysql_s3_redshift.errors import SourceError

Parameter: TypeAlias = int | float | str | bytes | Decimal | datetime | date | None
"""What a `?` in a query can stand for. Datetimes are naive, in the session's time zone."""

_UNSIGNED = 0x80
_BIGINT = range(-(1 << 63), 1 << 63)
_BIGINT_UNSIGNED = range(1 << 64)


def execute_payload(statement: int, parameters: Sequence[Parameter]) -> bytes:
    """Build COM_STMT_EXECUTE: no cursor, one iteration, types always sent along."""
    head = struct.pack("<IBI", statement, 0, 1)
    if not parameters:
        return head
    bitmap = bytearray((len(parameters) + 7) // 8)
    types, values = bytearray(), bytearray()
    for index, parameter in enumerate(parameters):
        type_code, flag, value = _bind(parameter)
        types += bytes([type_code, flag])
        values += value
        if parameter is None:
            bitmap[index // 8] |= 1 << (index % 8)
    return b"".join([head, bitmap, b"\x01", types, values])


def _bind(parameter: Parameter) -> tuple[int, int, bytes]:
    match parameter:
        case None:
            return FIELD_TYPE.NULL, 0, b""
        case int() if parameter in _BIGINT:
            return FIELD_TYPE.LONGLONG, 0, struct.pack("<q", parameter)
        case int() if parameter in _BIGINT_UNSIGNED:
            return FIELD_TYPE.LONGLONG, _UNSIGNED, struct.pack("<Q", parameter)
        case float() if math.isfinite(parameter):
            return FIELD_TYPE.DOUBLE, 0, struct.pack("<d", parameter)
        case Decimal() if parameter.is_finite():
            return FIELD_TYPE.NEWDECIMAL, 0, length_encoded_bytes(f"{parameter:f}".encode())
        case str():
            return FIELD_TYPE.VAR_STRING, 0, length_encoded_bytes(parameter.encode())
        case bytes():
            return FIELD_TYPE.BLOB, 0, length_encoded_bytes(parameter)
        case datetime() if parameter.tzinfo is None:
            return FIELD_TYPE.DATETIME, 0, _bind_datetime(parameter)
        case date() if not isinstance(parameter, datetime):
            packed = struct.pack("<BHBB", 4, parameter.year, parameter.month, parameter.day)
            return FIELD_TYPE.DATE, 0, packed
    raise ValueError(f"{parameter!r} cannot be bound to a query")


def _bind_datetime(value: datetime) -> bytes:
    return struct.pack(
        "<BHBBBBBI",
        11,
        value.year,
        value.month,
        value.day,
        value.hour,
        value.minute,
        value.second,
        value.microsecond,
    )


def inline(
    sql: str,
    parameters: Sequence[Parameter],
    *,
    escape: Callable[[Parameter], str],
    backslash_escapes: bool,
) -> str:
    """Write parameters into a query as literals, for the text protocol.

    Args:
        sql: The query with a `?` for each parameter.
        parameters: The values.
        escape: Writes one value as a literal of the session.
        backslash_escapes: Whether a backslash escapes in the session's string literals.
    """
    pieces = list(_pieces(sql, _TOKENS if backslash_escapes else _TOKENS_WITHOUT_ESCAPES))
    check_count(sum(piece == "?" for piece in pieces), parameters)
    literals = iter([_literal(parameter, escape) for parameter in parameters])
    return "".join(next(literals) if piece == "?" else piece for piece in pieces)


def check_count(placeholders: int, parameters: Sequence[Parameter]) -> None:
    """Refuse a query whose placeholders are not as many as its parameters."""
    if placeholders != len(parameters):
        raise SourceError(
            f"The query has {placeholders} placeholders (`?`) for {len(parameters)} parameters.",
            kept="The query was not executed.",
            remedy="Write a `?` for each parameter, and no other `?` outside of quotes.",
        )


def _literal(parameter: Parameter, escape: Callable[[Parameter], str]) -> str:
    _bind(parameter)  # the same values are refused as in the binary protocol
    if isinstance(parameter, bytes):
        return f"X'{parameter.hex()}'"
    return escape(parameter)


# https://dev.mysql.com/doc/refman/8.4/en/string-literals.html and .../comments.html. An executable
# comment (`/*! … */`) is code, so a placeholder in one is found by reading on behind its opening.
_SKIPPED = r"`[^`]*`|--(?=[\s\x00-\x1f]|\Z)[^\n]*|\#[^\n]*|/\*(?!!|M!).*?\*/"
_STRINGS_WITHOUT_ESCAPES = r"'[^']*'|\"[^\"]*\""
_STRINGS = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_TOKENS = re.compile(rf"{_STRINGS}|{_SKIPPED}|\?", re.DOTALL)
_TOKENS_WITHOUT_ESCAPES = re.compile(rf"{_STRINGS_WITHOUT_ESCAPES}|{_SKIPPED}|\?", re.DOTALL)


def _pieces(sql: str, tokens: re.Pattern[str]) -> Iterator[str]:
    """Split a query so that exactly the placeholders are pieces that read `?`."""
    end = 0
    for token in tokens.finditer(sql):
        yield sql[end : token.start()]
        yield token.group()
        end = token.end()
    yield sql[end:]
