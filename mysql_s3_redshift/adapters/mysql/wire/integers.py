"""Length-encoded integers and strings (`page_protocol_basic_dt_integers`).

A first byte below 251 is the number itself; 252, 253 and 254 announce 2, 3 and 8 bytes, little end
first. 251 is NULL in rows of the text protocol, 255 starts an ERR packet; neither is a number.
"""

from __future__ import annotations

WIDTHS = {0xFC: 2, 0xFD: 3, 0xFE: 8}
"""Bytes of the number that follow each announcing first byte."""

LARGEST_INLINE = 250
"""The largest number that is its own first byte."""


def read_length_encoded(data: bytes, position: int) -> tuple[int, int]:
    """Read one number; return it and the position behind it.

    Raises:
        IndexError: The data end too early, or no number starts here.
    """
    first = data[position]
    if first <= LARGEST_INLINE:
        return first, position + 1
    width = WIDTHS.get(first)
    end = position + 1 + (width or 0)
    if width is None or end > len(data):
        raise IndexError(position)
    return int.from_bytes(data[position + 1 : end], "little"), end


def length_encoded(number: int) -> bytes:
    """Write one number in its shortest form."""
    if number <= LARGEST_INLINE:
        return bytes([number])
    for first, width in WIDTHS.items():
        if number < 1 << (8 * width):
            return bytes([first]) + number.to_bytes(width, "little")
    raise ValueError(number)


def length_encoded_bytes(data: bytes) -> bytes:
    """Write a string: its length, then its bytes."""
    return length_encoded(len(data)) + data
