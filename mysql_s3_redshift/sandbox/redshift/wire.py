"""Framing of the PostgreSQL protocol 3.0, which Redshift speaks too: bytes in, bytes out, no I/O.

The driver talks in the extended protocol only (Parse, Describe, Bind, Execute, Sync) and falls back
to its base protocol because no `server_protocol_version` is announced; in that protocol it un-hexes
VARBYTE values once more, see `ResultRewriter`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

PROTOCOL_3 = 196608
SSL_REQUEST = 80877103
CANCEL_REQUEST = 80877102

OID_GEOMETRY = 3000
OID_SUPER = 4000
OID_VARBYTE = 6551

_INT16 = struct.Struct("!h")
_INT32 = struct.Struct("!i")
_COLUMN_TRAILER = struct.Struct("!ihihih")


def message(kind: bytes, body: bytes = b"") -> bytes:
    """Frame one message."""
    return kind + _INT32.pack(len(body) + 4) + body


def startup_message(parameters: Mapping[str, str]) -> bytes:
    """Build the first message of a connection to PostgreSQL."""
    pairs = b"".join(cstring(key) + cstring(value) for key, value in parameters.items())
    body = _INT32.pack(PROTOCOL_3) + pairs + b"\0"
    return _INT32.pack(len(body) + 4) + body


def cancel_message(key: bytes) -> bytes:
    """Build a request to cancel the statement of the backend that issued `key`."""
    return _INT32.pack(16) + _INT32.pack(CANCEL_REQUEST) + key


def cstring(text: str) -> bytes:
    """Encode a zero-terminated string."""
    return text.encode() + b"\0"


def read_cstring(body: bytes, start: int = 0) -> tuple[str, int]:
    """Decode the zero-terminated string at `start`; return it and the position after it."""
    end = body.index(0, start)
    return body[start:end].decode(), end + 1


def read_int32(body: bytes, start: int = 0) -> int:
    """Decode a big-endian integer."""
    return int(_INT32.unpack_from(body, start)[0])


def error_fields(body: bytes) -> dict[str, str]:
    """Decode the fields of an ErrorResponse or NoticeResponse."""
    return {
        part[:1].decode(): part[1:].decode("utf8", "replace") for part in body.split(b"\0") if part
    }


def report(kind: bytes, fields: Mapping[str, str]) -> bytes:
    """Build an ErrorResponse (`E`) or NoticeResponse (`N`)."""
    body = b"".join(key.encode() + cstring(value) for key, value in fields.items())
    return message(kind, body + b"\0")


def startup_parameters(body: bytes) -> dict[str, str]:
    """Decode the key/value pairs of a startup message (after the protocol number)."""
    parts = [part.decode() for part in body.split(b"\0")]
    return {key: value for key, value in zip(parts[::2], parts[1::2], strict=False) if key}


def data_row(body: bytes) -> list[bytes | None]:
    """Decode the values of a DataRow."""
    values: list[bytes | None] = []
    position = 2
    for _ in range(_INT16.unpack_from(body)[0]):
        length = read_int32(body, position)
        position += 4
        values.append(None if length < 0 else body[position : position + length])
        position += max(length, 0)
    return values


def encode_row(values: Sequence[bytes | None]) -> bytes:
    """Encode the body of a DataRow."""
    parts: list[bytes] = [_INT16.pack(len(values))]
    for value in values:
        parts.append(_INT32.pack(-1 if value is None else len(value)))
        parts.append(value or b"")
    return b"".join(parts)


def replace_parameter_oids(body: bytes, oids: Mapping[int, int]) -> bytes:
    """Replace type OIDs in the tail of a Parse message."""
    count = _INT16.unpack_from(body)[0]
    given: Iterable[int] = struct.unpack_from(f"!{count}i", body, 2)
    return body[:2] + struct.pack(f"!{count}i", *(oids.get(oid, oid) for oid in given))


@dataclass(slots=True)
class ResultRewriter:
    """Turns PostgreSQL's result sets into Redshift's: type OIDs, long column names, VARBYTE text.

    Args:
        oids: PostgreSQL's OID of a type to Redshift's.
        full_name: Gives a column its full name back.
    """

    oids: Mapping[int, int]
    full_name: Callable[[str], str]
    _byte_columns: dict[int, int] = field(default_factory=dict)

    def describe(self, body: bytes) -> bytes:
        """Rewrite a RowDescription and remember which columns hold bytes."""
        self._byte_columns = {}
        parts, position = [body[:2]], 2
        for index in range(_INT16.unpack_from(body)[0]):
            name, position = read_cstring(body, position)
            table, number, oid, size, modifier, code = _COLUMN_TRAILER.unpack_from(body, position)
            position += _COLUMN_TRAILER.size
            oid = self.oids.get(oid, oid)
            if oid in (OID_VARBYTE, OID_GEOMETRY):
                self._byte_columns[index] = oid
            trailer = _COLUMN_TRAILER.pack(table, number, oid, size, modifier, code)
            parts += [cstring(self.full_name(name)), trailer]
        return b"".join(parts)

    def row(self, body: bytes) -> bytes:
        r"""Rewrite a DataRow: VARBYTE leaves PostgreSQL as `\x` and hex digits.

        Redshift sends the digits alone. In its base protocol the driver decodes them once more, so
        a VARBYTE goes out as the hex of the hex; a GEOMETRY is not decoded.
        """
        if not self._byte_columns:
            return body
        values = data_row(body)
        for index, oid in self._byte_columns.items():
            value = values[index]
            if value is not None:
                digits = value.removeprefix(b"\\x")
                values[index] = digits.hex().encode() if oid == OID_VARBYTE else digits.upper()
        return encode_row(values)
