"""Values that both protocols send as length-encoded bytes: from their places to Arrow arrays."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from mysql_s3_redshift.adapters.mysql.wire.arrays import (
    Bytes,
    Positions,
    Present,
    byte_array,
    fixed_width_array,
)
from mysql_s3_redshift.adapters.mysql.wire.columns import WireColumn
from mysql_s3_redshift.adapters.mysql.wire.failures import damaged


def bytes_column(
    column: WireColumn, buffer: Bytes, starts: Positions, ends: Positions, present: Present
) -> pa.Array:
    """Copy text or bytes as they are."""
    return byte_array(column.arrow_type, buffer, starts, ends, present)


def number_column(
    column: WireColumn, buffer: Bytes, starts: Positions, ends: Positions, present: Present
) -> pa.Array:
    """Read numbers that are written as text: DECIMAL, and everything in the text protocol."""
    text = byte_array(pa.string(), buffer, starts, ends, present)
    try:
        return text.cast(column.arrow_type)
    except ValueError as error:  # ArrowInvalid, or UnicodeDecodeError in its message
        raise damaged(f"column `{column.name}` holds text that is no value of its type") from error


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
