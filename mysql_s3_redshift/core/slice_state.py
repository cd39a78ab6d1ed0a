"""A snapshot phase as the extract state holds it: its ceiling, and how far each key range is.

The ranges of a phase are half-open, each from the end of the one before it (exclusive) to its own
end (inclusive); the first has no beginning, the last no end. So together they are every key there
is, whatever the cuts are worth and whatever is inserted later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Self

from pydantic import Field, model_validator

from mysql_s3_redshift.core.cursors import Position
from mysql_s3_redshift.core.documents import CursorValue, Document, decode_value, encode_value

Key = tuple[CursorValue, ...]


class Slice(Document):
    """One key range.

    Attributes:
        position: Key of the last row that is on S3; at first the end of the range before.
        through: Last key of the range; empty for the last range, which has no end.
        worker: Who reads it. A worker that finds another one here has lost the range.
        files: Files that are registered.
        rows: Their rows.
        done: Whether every row of the range is on S3.
        values_changed: Values that a policy changed in this run, by policy and column.
    """

    position: Key = ()
    through: Key = ()
    worker: str | None = None
    files: int = Field(default=0, ge=0)
    rows: int = Field(default=0, ge=0)
    done: bool = False
    values_changed: dict[str, int] = Field(default_factory=dict)

    @property
    def after(self) -> Position:
        """Where the next query begins."""
        return decode_key(self.position)

    @property
    def end(self) -> Position:
        """The last key; empty without an end."""
        return decode_key(self.through)


class SlicePlan(Document):
    """The key ranges of a phase. They stay as they are until the phase is over.

    Attributes:
        id: Tells this plan from the one of another run.
        columns: The key that they are ranges of.
    """

    id: str
    columns: tuple[str, ...] = Field(min_length=1)
    slices: tuple[Slice, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _ranges_meet(self) -> Self:
        if any(not s.through for s in self.slices[:-1]) or self.slices[-1].through:
            raise ValueError("every slice but the last has an end, and the last has none")
        return self

    @classmethod
    def between(
        cls, columns: Sequence[str], cuts: Sequence[Position], *, after: Position, plan_id: str
    ) -> SlicePlan:
        """Make the ranges that begin after a key and meet at `cuts`."""
        ends: list[Key] = [encode_key(cut) for cut in cuts]
        starts = [encode_key(after), *ends]
        ranges = zip(starts, [*ends, ()], strict=True)
        slices = tuple(Slice(position=start, through=end) for start, end in ranges)
        return cls(id=plan_id, columns=tuple(columns), slices=slices)

    @property
    def done(self) -> bool:
        """Whether all ranges are on S3."""
        return all(s.done for s in self.slices)

    @property
    def values_changed(self) -> Counter[str]:
        """Values that policies changed in this run, in all ranges."""
        total: Counter[str] = Counter()
        for one in self.slices:
            total.update(one.values_changed)
        return total

    def open_slices(self) -> tuple[int, ...]:
        """Numbers of the ranges that are not done, from 1."""
        return tuple(n for n, s in enumerate(self.slices, 1) if not s.done)

    def slice(self, number: int) -> Slice:
        """The range of that number."""
        return self.slices[number - 1]

    def put(self, number: int, changed: Slice) -> SlicePlan:
        """Replace one range by what became of it."""
        before, after = self.slices[: number - 1], self.slices[number:]
        return self.with_(slices=(*before, changed, *after))

    def released(self) -> SlicePlan:
        """A new run takes over: whoever still reads a range has lost it."""
        fresh = (s.with_(worker=None, values_changed={}) for s in self.slices)
        return self.with_(slices=tuple(fresh))


class Snapshot(Document):
    """A snapshot phase under way.

    Attributes:
        ceiling: Bound of the whole phase, fixed by its first run: rows that change later have
            timestamps beyond it and belong to the incremental phase.
        position: Key of the last row that is on S3, by column.
        set_id: The set that the files of a whole-table read belong to; None in other phases.
        slices: The key ranges of a phase that is read in slices; they have their own positions.
    """

    ceiling: CursorValue = None
    position: dict[str, CursorValue] = Field(default_factory=dict)
    set_id: str | None = None
    slices: SlicePlan | None = None

    def text(self) -> str:
        """How far the phase is, for people."""
        if self.slices is not None:
            done = sum(s.done for s in self.slices.slices)
            return f"{done} of {len(self.slices.slices)} slices"
        position = [f"{k} = {v}" for k, v in self.position.items()]
        return ", ".join(position) or "its start"


def encode_key(position: Position) -> Key:
    """A key as the document holds it."""
    return tuple(encode_value(value) for value in position)


def decode_key(key: Key) -> Position:
    """What `encode_key` wrote."""
    return tuple(decode_value(value) for value in key)
