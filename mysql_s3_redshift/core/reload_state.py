"""A window reload in slices, as the extract state holds it while it is under way.

Its files are no registered files: nobody loads them, and no count has them. They become registered
all at once, when every slice is on S3. A reload that is dropped before leaves orphans.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date

from pydantic import Field

from mysql_s3_redshift.core.cursors import Position, parse_timestamp
from mysql_s3_redshift.core.documents import DataFile, Document, Timestamp
from mysql_s3_redshift.core.model import LoadMode, TimestampUnit, Window
from mysql_s3_redshift.core.slice_state import Key, SlicePlan, decode_key


class ReloadTerms(Document):
    """What a reload is of. All of it stays until the reload is registered, or it ends.

    Attributes:
        run_id: Run that asked for it; those that retry that run go on with it.
        window: Half-open stretch [from, to) that is read again, data time.
        window_on: Column (MySQL's name) and unit of that stretch.
        daily: Whether the rows of each day are told and filed apart.
        watermark: Where the cursor stands: an append leaves out what lies beyond.
        next_seq: Number of the next file: it tells that nothing was registered meanwhile.
        schema_id: Fingerprint of the schema that the files of all slices have.
    """

    run_id: str
    window: tuple[Timestamp, Timestamp]
    window_on: tuple[str, TimestampUnit]
    daily: bool = False
    load_mode: LoadMode
    watermark: Key = ()
    next_seq: int = Field(ge=1)
    schema_id: str

    @property
    def position(self) -> Position:
        """The watermark as a position of the cursor."""
        return decode_key(self.watermark)

    def as_window(self) -> Window:
        """The window that was asked for."""
        start, end = (parse_timestamp(edge) for edge in self.window)
        return Window(start, end, *self.window_on, daily=self.daily)


class Reload(Document):
    """A window reload under way.

    Attributes:
        slices: Its ranges of the rows' key; the id is that of the set that the files become.
        files: Files of the slices that are done, in that order; their numbers mean nothing yet.
        days: Their rows by day, where the window is read day by day.
    """

    terms: ReloadTerms
    slices: SlicePlan
    files: tuple[DataFile, ...] = ()
    days: dict[date, int] = Field(default_factory=dict)

    def fits(self, terms: ReloadTerms) -> bool:
        """Whether it is what is asked for now; once all is read, the schema may have changed."""
        if self.slices.done:
            terms = terms.with_(schema_id=self.terms.schema_id)
        return self.terms == terms

    def with_files(self, files: Sequence[DataFile], days: Mapping[date, int]) -> Reload:
        """Keep the files of one more slice."""
        total = Counter(self.days)
        total.update(days)  # which keeps days without rows, as adding would not
        return self.with_(files=(*self.files, *files), days=dict(sorted(total.items())))

    def text(self) -> str:
        """How far it is, for people."""
        done = sum(s.done for s in self.slices.slices)
        edges = " to ".join(self.terms.window)
        return f"{edges}, {done} of {len(self.slices.slices)} slices"
