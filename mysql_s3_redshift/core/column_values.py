"""Conversions of whole columns from what MySQL sends to what the files hold.

Each takes an Arrow array and returns one. A value that cannot be kept raises `RefusedValueError`
with the row; the caller, who knows table, key and policy names, makes it a sentence.
"""

from __future__ import annotations

import hashlib
import json

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

MICROS_PER_SECOND = 1_000_000
MICROS_PER_DAY = 86_400 * MICROS_PER_SECOND
_EWKB_SRID_FLAG = 0x20
"""Of the type's last byte (0x20000000): a SRID follows the type."""


class RefusedValueError(Exception):
    """A value of a column cannot be kept.

    Attributes:
        row: Its row in the batch.
        problem: What is wrong with it, as the rest of a sentence about the value.
        remedy: What to do; `{column}` stands for MySQL's name of the column.
        policy: The policy that allows a change, and the choice to make: `overlong`, `truncate`.
    """

    def __init__(
        self, row: int, problem: str, *, remedy: str = "", policy: tuple[str, str] | None = None
    ) -> None:
        self.row, self.problem, self.remedy, self.policy = row, problem, remedy, policy
        super().__init__(problem)


def first_row(mask: pa.BooleanArray) -> int:
    """Return the first row where the mask is true; NULL counts as false."""
    return int(np.argmax(truth(mask)))


def truth(mask: pa.BooleanArray) -> npt.NDArray[np.bool_]:
    """Return a mask as numpy has it, NULL as false."""
    values: npt.NDArray[np.bool_] = mask.fill_null(fill_value=False).to_numpy(zero_copy_only=False)
    return values


def to_bool(array: pa.Array) -> pa.BooleanArray:
    """Read 0 and 1 as false and true; anything else is refused."""
    wrong = pc.greater(array, 1)
    if not pa.types.is_unsigned_integer(array.type):
        wrong = pc.or_(wrong, pc.less(array, 0))
    if pc.any(wrong).as_py():
        row = first_row(wrong)
        raise RefusedValueError(
            row,
            f"is {array[row].as_py()}, neither 0 nor 1",
            remedy="Remove `{column}: bool` from `columns.types`: the column holds numbers.",
        )
    return array.cast(pa.bool_())


def to_float32(array: pa.Array) -> pa.FloatArray:
    """Take FLOATs that a text protocol had to send as doubles.

    Raises:
        pa.ArrowInvalid: A value has more bits than a FLOAT, so the column is one no longer.
    """
    narrow = array.cast(pa.float32())
    if array.type != narrow.type and not narrow.cast(array.type).equals(array):
        message = f"{array.type} values with more bits than a float has"
        raise pa.ArrowInvalid(message)
    return narrow


def check_time_of_day(array: pa.DurationArray) -> None:
    """Refuse a duration that is no time of a day."""
    micros = array.cast(pa.int64())
    wrong = pc.or_(pc.less(micros, 0), pc.greater_equal(micros, MICROS_PER_DAY))
    if pc.any(wrong).as_py():
        row = first_row(wrong)
        text = time_text(array.slice(row, 1), digits=6)[0].as_py()
        raise RefusedValueError(
            row,
            f"is {text}, which is no time of a day",
            remedy="Remove `{column}: time` from `columns.types`: the column holds durations.",
        )


def time_text(array: pa.DurationArray, *, digits: int) -> pa.StringArray:
    """Write durations as MySQL does: `-838:59:59.999999`.

    Every value is written into one row of a byte matrix of full width; the bytes that a value does
    not have (sign, hundreds of hours) are left out when the matrix is flattened.

    Args:
        array: Durations in microseconds.
        digits: Digits after the second.
    """
    micros = array.cast(pa.int64()).fill_null(0).to_numpy()
    rest = np.abs(micros)
    if digits < 6 and (rest % 10 ** (6 - digits)).any():
        digits = 6  # more precise than the column was described: all digits are kept
    seconds, fraction = np.divmod(rest, MICROS_PER_SECOND)
    hours = seconds // 3600
    numbers = [(hours, 3), (seconds // 60 % 60, 2), (seconds % 60, 2)]
    if digits:
        numbers.append((fraction // 10 ** (6 - digits), digits))
    columns = [np.full(len(micros), ord("-"), np.uint8)]
    for (number, width), mark in zip(numbers, "::..", strict=False):
        columns += [(number // 10**i % 10 + ord("0")).astype(np.uint8) for i in range(width)[::-1]]
        columns.append(np.full(len(micros), ord(mark), np.uint8))
    return _flatten(np.column_stack(columns[:-1]), negative=micros < 0, hours=hours, array=array)


def _flatten(
    text: npt.NDArray[np.uint8],
    *,
    negative: npt.NDArray[np.bool_],
    hours: npt.NDArray[np.int64],
    array: pa.Array,
) -> pa.StringArray:
    valid = array.is_valid().to_numpy(zero_copy_only=False)
    keep = np.ones(text.shape, np.bool_)
    keep[:, 0] = negative
    keep[:, 1] = hours >= 100
    keep[~valid] = False
    offsets = np.zeros(len(text) + 1, np.int32)
    np.cumsum(keep.sum(axis=1), out=offsets[1:])
    bitmap = pa.py_buffer(np.packbits(valid, bitorder="little")) if array.null_count else None
    buffers = [bitmap, pa.py_buffer(offsets), pa.py_buffer(text[keep])]
    return pa.StringArray.from_buffers(len(text), buffers[1], buffers[2], buffers[0])


def hash_text(array: pa.Array, salt: bytes) -> pa.StringArray:
    """Replace every value by the SHA-256 of salt and value; each different value is hashed once."""
    encoded = array.cast(pa.binary()).dictionary_encode()
    digests = [hashlib.sha256(salt + value).hexdigest() for value in encoded.dictionary.to_pylist()]
    return pa.array(digests, pa.string()).take(encoded.indices)


def extended_wkb(array: pa.BinaryArray, *, as_hex: bool) -> pa.Array:
    """Write geometries as EWKB: byte order, type with the SRID flag, SRID, coordinates.

    MySQL stores and sends the SRID (0 for none) in four bytes before the well-known binary, which
    is always little-endian (https://dev.mysql.com/doc/refman/8.4/en/gis-data-formats.html).
    """
    values = [None if v is None else _with_srid(v) for v in array.to_pylist()]
    if as_hex:
        return pa.array([None if v is None else v.hex().upper() for v in values], pa.string())
    return pa.array(values, pa.binary())


def _with_srid(value: bytes) -> bytes:
    srid, order, kind, rest = value[:4], value[4:5], value[5:9], value[9:]
    if srid == bytes(4):
        return value[4:]
    return order + kind[:3] + bytes([kind[3] | _EWKB_SRID_FLAG]) + srid + rest


def valid_text(array: pa.Array) -> pa.StringArray | None:
    """Take bytes as text, without a copy; None when some are not UTF-8 or contain NUL.

    Redshift cannot hold a NUL character (https://docs.aws.amazon.com/redshift/latest/dg/
    t_preparing-input-data.html).
    """
    try:
        text = array.cast(pa.string())
    except pa.ArrowInvalid:
        return None
    _, offsets, data = text.buffers()
    if data is None or not len(text):
        return text
    ends = np.frombuffer(offsets, np.int32)[[text.offset, text.offset + len(text)]]
    used = np.frombuffer(data, np.uint8)[ends[0] : ends[1]]
    if used.size and used.min() == 0 and pc.any(pc.match_substring(text, "\0")).as_py():
        return None
    return text


def is_valid_text(value: bytes) -> bool:
    """Tell whether Redshift can hold these bytes as text."""
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in value


def repaired_text(value: bytes) -> str:
    """Replace every invalid byte and every NUL by U+FFFD."""
    return value.decode(errors="replace").replace("\0", "\ufffd")


def cut_text(value: str, limit: int) -> str:
    """Cut text to a number of bytes, between two characters."""
    return value.encode()[:limit].decode(errors="ignore")


def check_json(text: pa.StringArray) -> None:
    """Refuse text that is no JSON document."""
    for row, value in enumerate(text.to_pylist()):
        if value is None:
            continue
        try:
            json.loads(value, parse_constant=_no_constant)
        except ValueError as error:
            raise RefusedValueError(
                row,
                f"is no JSON document ({error})",
                remedy="Correct the value, or remove `{column}: super` from `columns.types`.",
            ) from error


def _no_constant(name: str) -> float:
    message = f"{name} is no number of JSON"
    raise ValueError(message)
