"""Values that both protocols send as length-encoded bytes: from their places to Arrow arrays."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mysql_s3_redshift.adapters.mysql.wire.arrays import (
    Bytes,
    Mask,
    Positions,
    Present,
    byte_array,
    fixed_width_array,
)
from mysql_s3_redshift.adapters.mysql.wire.columns import WireColumn, WireKind
from mysql_s3_redshift.adapters.mysql.wire.failures import damaged


def bytes_column(
    column: WireColumn, buffer: Bytes, starts: Positions, ends: Positions, present: Present
) -> pa.Array:
    """Copy text or bytes as they are."""
    return byte_array(column.arrow_type, buffer, starts, ends, present)


def number_column(
    column: WireColumn, buffer: Bytes, starts: Positions, ends: Positions, present: Present
) -> pa.Array:
    """Read numbers that are written as text: DECIMAL, and everything in the text protocol.

    Raises:
        SourceConnectionError: A text is no number of the column's type.
    """
    text = byte_array(pa.string(), buffer, starts, ends, present)
    # Arrow would also take hexadecimal, `nan` and exponents, which MySQL does not write.
    allowed = _FLOAT_BYTES if column.kind is WireKind.FLOAT else _DECIMAL_BYTES
    refusal = damaged(f"column `{column.name}` holds text that is no value of its type")
    if not allowed[np.frombuffer(text.buffers()[2], dtype=np.uint8)].all():
        raise refusal
    if column.arrow_type == pa.string():  # more digits than any Arrow decimal: kept as they are
        if pc.all(pc.match_substring_regex(text, _DECIMAL_TEXT)).as_py() is False:
            raise refusal
        return text
    try:
        return text.cast(column.arrow_type)
    except pa.ArrowInvalid as error:
        raise refusal from error


def _byte_set(characters: bytes) -> Mask:
    members = np.zeros(256, dtype=np.bool_)
    members[np.frombuffer(characters, dtype=np.uint8)] = True
    return members


_DECIMAL_BYTES = _byte_set(b"-.0123456789")
_FLOAT_BYTES = _byte_set(b"+-.0123456789e")
_DECIMAL_TEXT = r"^-?[0-9]+(\.[0-9]+)?$"


def bit_column(
    column: WireColumn, buffer: Bytes, starts: Positions, ends: Positions, present: Present
) -> pa.Array:
    """Read BIT values: up to eight bytes, the most significant first."""
    lengths = ends - starts
    if lengths.max() > 8:
        raise damaged(f"column `{column.name}` holds more than 64 bits")
    words = np.ndarray((len(buffer) - 7,), dtype=">u8", buffer=buffer, strides=(1,))
    unused = (64 - 8 * lengths).astype(np.uint64)
    # Shifting 64 bits by 64 is not defined; twice by half of it is, and gives the zero of no bytes.
    half = unused >> np.uint64(1)
    values = words[starts].astype(np.uint64) >> half >> (unused - half)
    return fixed_width_array(column.arrow_type, values, present)
