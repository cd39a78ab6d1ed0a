"""Where to cut a table's key into ranges of about equal numbers of rows.

A small table is cut exactly. A large one is halved again and again, its heaviest stretch first: a
value in the middle of a stretch is made up, the nearest keys that exist are looked up on both sides
of it, and the optimizer's index dives tell how many rows lie between. So the cost depends on the
number of slices and not on the table, and gaps and crowds of keys are found where they are.

Every cut is a key as the server gave it, and the server alone compares keys. A wrong guess (about
an odd collation, say) makes slices unequal, and never wrong.
"""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Protocol
from unicodedata import combining, normalize

from mysql_s3_redshift.core.cursors import EPOCH, ChunkQuery, Position
from mysql_s3_redshift.core.model import Value
from mysql_s3_redshift.errors import SourceConnectionError, SourceError

logger = logging.getLogger(__name__)

EXACT_ROWS = 20_000
"""Tables up to this size are cut by their real keys."""
STRETCHES_PER_SLICE = 4
"""How finely a large table is looked at: slices differ by about one stretch."""
MOST_SPLITS = 2_000
SAMPLES_PER_SLICE = 8
MOST_SAMPLES = 256
"""Rows at which the keys of a window are looked at."""
_PRINTABLE = (32, 127)
_PLAIN = tuple(map(ord, "0123456789abcdefghijklmnopqrstuvwxyz"))
_NO_CHARACTERS = ((0x7F, 0xA1), (0xD800, 0xE000))
_TEXT_DIGITS = 8


class KeyRanges(Protocol):
    """What a server tells about the keys of one table. Queries have no condition but their range.

    The keyset's order is the server's.
    """

    def keys(self, query: ChunkQuery) -> Sequence[Position]:
        """The first `query.limit` keys of a range, in order."""

    def last_key(self, query: ChunkQuery) -> Position | None:
        """The last key of a range; None in an empty one."""

    def in_order(self, columns: Sequence[str], positions: Sequence[Position]) -> Sequence[Position]:
        """Those of some keys that exist, in the server's order."""

    def estimate(self, query: ChunkQuery) -> int:
        """About how many rows a range has."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """All rows from one key that exists to another."""

    query: ChunkQuery
    first: Position
    last: Position
    rows: int


def choose_cuts(ranges: KeyRanges, query: ChunkQuery, slices: int) -> list[Position]:
    """Choose the keys at which slices end; the last slice needs none.

    Args:
        ranges: The table's keys.
        query: The whole range: its keyset and where it begins.
        slices: Slices that are wanted.

    Returns:
        At most `slices` - 1 keys in the keyset's order; fewer where there are not enough rows.
    """
    keys = ranges.keys(replace(query, limit=EXACT_ROWS + 1))
    if len(keys) <= EXACT_ROWS:
        ends = [len(keys) * n // slices for n in range(1, slices)]
        return [keys[end - 1] for end in dict.fromkeys(ends) if 0 < end < len(keys)]
    last = ranges.last_key(query)
    if last is None:  # all rows were deleted meanwhile
        return []
    return _ends(_stretches(ranges, _Stretch(query, keys[0], last, 0), slices), slices)


def choose_cuts_of_rows(
    ranges: KeyRanges, query: ChunkQuery, key: tuple[str, ...], slices: int
) -> list[Position]:
    """Choose values of a key that cut the rows of a query into slices of about equal numbers.

    The query goes by another index than the key's. Every so-manyth of its rows is a sample.

    Args:
        ranges: The table's keys.
        query: The rows; its keyset has all columns of the key.
        key: The key to cut.
        slices: Slices that are wanted.
    """
    wanted = max(slices, min(SAMPLES_PER_SLICE * slices, MOST_SAMPLES))
    places = [query.order_by.index(column) for column in key]
    sampled = [tuple(row[at] for at in places) for row in choose_cuts(ranges, query, wanted)]
    keys = ranges.in_order(key, sampled) if sampled else []
    ends = [len(keys) * n // slices for n in range(1, slices)]
    return [keys[end - 1] for end in dict.fromkeys(ends) if end > 0]


def _stretches(ranges: KeyRanges, whole: _Stretch, slices: int) -> list[_Stretch]:
    """Halve the heaviest stretch until all are light, or none can be halved any more."""
    halves = _split(ranges, whole)
    if halves is None:
        return [whole]
    stretches, final = list(halves), set[Position]()
    for _ in range(min(MOST_SPLITS, 4 * STRETCHES_PER_SLICE * slices)):
        open_ones = [s for s in stretches if s.first not in final]
        heaviest = max(open_ones, key=lambda s: s.rows, default=None)
        total = sum(s.rows for s in stretches)
        if heaviest is None or heaviest.rows * STRETCHES_PER_SLICE * slices <= total:
            break
        halves = _split(ranges, heaviest)
        if halves is None:
            final.add(heaviest.first)
            continue
        at = stretches.index(heaviest)
        stretches[at : at + 1] = halves
    return stretches


def _ends(stretches: Sequence[_Stretch], slices: int) -> list[Position]:
    """The ends of those stretches at which the next share of the rows is full."""
    total, seen, cuts = sum(s.rows for s in stretches), 0, list[Position]()
    for stretch in stretches[:-1]:
        seen += stretch.rows
        if seen * slices >= total * (len(cuts) + 1) and len(cuts) < slices - 1:
            cuts.append(stretch.last)
    return cuts


def _split(ranges: KeyRanges, stretch: _Stretch) -> tuple[_Stretch, _Stretch] | None:
    """Two stretches with a key each at least; None where no value lies between the edges."""
    for middle in _middles(stretch.first, stretch.last):
        upper = replace(stretch.query, after=middle)
        lower = replace(stretch.query, through=middle)
        try:
            first, last = ranges.keys(replace(upper, limit=1)), ranges.last_key(lower)
        except SourceConnectionError:
            raise
        except SourceError as error:  # a text that the column's character set does not have
            logger.debug("a made-up key was refused: %s", error.happened)
            continue
        if not first or last is None:
            continue
        # Cut at the key below the middle, where rows can be told apart whatever is inserted.
        upper, lower = replace(upper, after=last), replace(lower, through=last)
        return (
            _Stretch(lower, stretch.first, last, ranges.estimate(lower)),
            _Stretch(upper, first[0], stretch.last, ranges.estimate(upper)),
        )
    return None


def _middles(first: Position, last: Position) -> list[Position]:
    """Positions between two keys, the best guess first.

    They are made in the first column in which the keys differ. A position shorter than the keyset
    belongs to the upper half, one of full length to the lower.
    """
    for i, (low, high) in enumerate(zip(first, last, strict=True)):
        if low == high:
            continue
        full = i == len(first) - 1
        values = [*_between(low, high, full=full), *([] if full else [high])]
        return [(*first[:i], value) for value in values]
    return []


def _between(low: Value, high: Value, *, full: bool) -> list[Value]:
    """Values in between: `full` from `low` on and below `high`, else above it and up to `high`."""
    match low, high:
        case (bool(), _) | (_, bool()):
            return []
        case int(), int():
            return [low + (high - low + (0 if full else 1)) // 2]
        case ((int() | float() | Decimal()), (int() | float() | Decimal())):
            return [(Decimal(low) + Decimal(high)) / 2]
        case datetime(), datetime():
            return [_moment(low, high)]
        case date(), date():
            return [low + timedelta(days=((high - low).days + (0 if full else 1)) // 2)]
        case bytes(), bytes():
            return [_bytes_between(low, high)]
        case str(), str():
            return [*_texts_between(low, high)]
    return []


def _moment(low: datetime, high: datetime) -> datetime:
    micros = ((low - EPOCH) + (high - EPOCH)) // timedelta(microseconds=2)
    return EPOCH + timedelta(microseconds=micros)


def _bytes_between(low: bytes, high: bytes) -> bytes:
    """The mean of two strings of digits in base 256."""
    size = max(len(low), len(high)) + 1
    numbers = [int.from_bytes(edge.ljust(size, b"\0"), "big") for edge in (low, high)]
    return (sum(numbers) // 2).to_bytes(size, "big").rstrip(b"\0")


def _texts_between(low: str, high: str) -> list[str]:
    """Guesses by character code, and by letters and digits alone, which collations agree about."""
    top = max(_PRINTABLE[1], *(ord(character) + 1 for character in low + high))
    by_code = _text_between(low, high, range(_PRINTABLE[0], top))
    return list(dict.fromkeys([by_code, _text_between(_folded(low), _folded(high), _PLAIN)]))


def _text_between(low: str, high: str, codes: Sequence[int]) -> str:
    """The mean of two texts as digits; `codes` are the characters that digits are written in."""
    shared = 0
    while shared < min(len(low), len(high)) and low[shared] == high[shared]:
        shared += 1
    base, total = len(codes), 0
    for edge in (low, high):
        number = 0
        for character in edge[shared : shared + _TEXT_DIGITS].ljust(_TEXT_DIGITS, "\0"):
            number = number * base + min(bisect_left(codes, ord(character)), base - 1)
        total += number
    mean, digits = total // 2, list[str]()
    for _ in range(_TEXT_DIGITS):
        mean, digit = divmod(mean, base)
        digits.append(_character(codes[digit]))
    return (low[:shared] + "".join(reversed(digits))).rstrip()


def _character(code: int) -> str:
    """A character for a digit; controls and halves of characters are none."""
    for first, beyond in _NO_CHARACTERS:
        if first <= code < beyond:
            return chr(first - 1)
    return chr(code)


def _folded(text: str) -> str:
    """Without letter case and accents, which most collations ignore."""
    return "".join(c for c in normalize("NFKD", text.casefold()) if not combining(c))
