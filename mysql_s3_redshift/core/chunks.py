"""Chunks: one keyset query becomes one parquet file.

`read_chunks` reads the next chunk while the last one is still being completed on S3, and hands the
files out in order, each with its footer checked against the rows that were read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime

import pyarrow as pa
from tenacity import (
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from mysql_s3_redshift.core.cursors import ChunkQuery, Position, advances
from mysql_s3_redshift.core.digest import ContentDigest
from mysql_s3_redshift.core.faultpoints import reach
from mysql_s3_redshift.core.plan import ResolvedTable
from mysql_s3_redshift.core.ports import ChunkReader, FileWriter, Source, Storage, WrittenFile
from mysql_s3_redshift.core.schema import TableSchema
from mysql_s3_redshift.errors import (
    ConfigError,
    CountMismatchError,
    ReplicationError,
    SourceConnectionError,
)

ATTEMPTS = 5
LONGEST_PAUSE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Chunk:
    """One finished file: what was written, and the keyset values of its edges."""

    seq: int
    written: WrittenFile
    first: Position
    last: Position


@dataclass(slots=True)
class ChunkLoop:
    """What a sequence of chunk queries needs, and what it found.

    Attributes:
        chunk_rows: Rows of one chunk.
        budget: Rows that may still be read; None without a limit. Counts down.
        rows: Rows that were read.
        stopping: Asked before each chunk; true ends the loop early.
        one_snapshot: Whether all reads see one moment, which a new connection would not.
        exhausted: Set when the bound was reached, so nothing is left below it.
    """

    table: ResolvedTable
    schema: TableSchema
    arrow_schema: pa.Schema
    source: Source
    storage: Storage
    run_id: str
    day: datetime
    chunk_rows: int
    budget: int | None
    stopping: Callable[[], bool]
    next_seq: int
    digest: ContentDigest | None = None
    one_snapshot: bool = False
    exhausted: bool = False
    rows: int = 0
    values_changed: Counter[str] = field(default_factory=Counter)


def read_chunks(loop: ChunkLoop, query: ChunkQuery) -> Iterator[Chunk]:
    """Read from `query.after` on until the bound, the budget or a stop.

    Yields:
        Chunks in order. A chunk's file is complete and proven when it is yielded.

    Raises:
        CountMismatchError: A footer tells another number of rows than were read.
        ReplicationError: A chunk did not move the cursor.
    """
    loop.exhausted = False
    opened: _OpenChunk | None = None
    finishing: Future[Chunk] | None = None
    with ThreadPoolExecutor(1, thread_name_prefix="finish-file") as pool:
        try:
            while not loop.exhausted and not _at_limit(loop):
                try:
                    opened = _read_again(loop, query)
                except ReplicationError:
                    if finishing is not None:  # its rows are safe: let them be committed first
                        yield finishing.result()
                    raise
                if finishing is not None:
                    chunk, finishing = finishing.result(), None
                    yield chunk
                if opened is None:
                    break
                query = replace(query, after=opened.last)
                finishing, opened = pool.submit(opened.finish), None
            if finishing is not None:
                yield finishing.result()
        finally:
            if opened is not None:
                opened.writer.abort()


def _read_again(loop: ChunkLoop, query: ChunkQuery) -> _OpenChunk | None:
    """Read a chunk; after a lost connection again, from where the last chunk ended.

    A read of one moment fails instead: a new connection would see another one.
    """
    retrying = Retrying(
        retry=retry_if_exception_type(SourceConnectionError),
        stop=stop_after_attempt(1 if loop.one_snapshot else ATTEMPTS),
        wait=wait_random_exponential(multiplier=0.5, max=LONGEST_PAUSE_SECONDS),
        reraise=True,
    )
    return retrying(_read_one, loop, query)


def write_empty(loop: ChunkLoop) -> Chunk:
    """A file without rows, for a set that must be loaded though there is nothing in it."""
    writer = loop.storage.open_file(
        loop.run_id, loop.next_seq, schema=loop.arrow_schema, day=loop.day
    )
    seq, loop.next_seq = loop.next_seq, loop.next_seq + 1
    return _OpenChunk(loop, writer, seq, 0, (), ()).finish()


def _at_limit(loop: ChunkLoop) -> bool:
    return loop.stopping() or loop.budget == 0


@dataclass(frozen=True, slots=True)
class _OpenChunk:
    """All rows of a chunk are read; the file is still being encoded and uploaded."""

    loop: ChunkLoop
    writer: FileWriter
    seq: int
    rows: int
    first: Position
    last: Position

    def finish(self) -> Chunk:
        reach("extract.before_upload_completes")
        written = self.writer.finish()
        reach("extract.after_upload")
        if written.rows != self.rows:
            raise CountMismatchError(
                f"{self.loop.table.plan.display_name}: {self.rows} rows were read, and the footer "
                f"of {written.uri} tells {written.rows}.",
                kept="The file is not registered, so it will never be loaded.",
                remedy="Run again; when it repeats, the storage changes files.",
            )
        return Chunk(self.seq, written, self.first, self.last)


def _read_one(loop: ChunkLoop, query: ChunkQuery) -> _OpenChunk | None:
    """Stream one chunk into a file under way; None when there are no rows."""
    wanted = loop.chunk_rows if loop.budget is None else min(loop.chunk_rows, loop.budget)
    bounded = _bounded(loop, query, wanted)
    if bounded is None:
        return None
    query = bounded
    reach("extract.before_read")
    reader = loop.source.read(loop.table, loop.schema, query)
    opened = _stream(loop, reader)
    rows = opened.rows if opened is not None else 0
    bound_reached = query.limit is None and query.before is None
    loop.exhausted = bound_reached or (query.limit is not None and rows < query.limit)
    loop.values_changed.update(reader.values_changed)
    if opened is None:
        return None
    if query.order_by and not advances(query.after, opened.last):
        opened.writer.abort()
        raise _stuck(loop, query)
    loop.next_seq += 1
    if loop.budget is not None:
        loop.budget -= rows
    loop.rows += rows
    return opened


def _stream(loop: ChunkLoop, reader: ChunkReader) -> _OpenChunk | None:
    """Send the rows of a query on to a file, which is begun with the first of them."""
    writer: FileWriter | None = None
    rows = 0
    first: Position = ()
    last: Position = ()
    try:
        for batch in reader:
            if writer is None:
                first = batch.first
                writer = loop.storage.open_file(
                    loop.run_id, loop.next_seq, schema=loop.arrow_schema, day=loop.day
                )
            writer.write(batch.data)
            if loop.digest is not None:
                loop.digest.update(batch.data)
            rows, last = rows + batch.data.num_rows, batch.last
            reach("extract.during_read")
    except BaseException:
        if writer is not None:
            writer.abort()
        raise
    return None if writer is None else _OpenChunk(loop, writer, loop.next_seq, rows, first, last)


def _bounded(loop: ChunkLoop, query: ChunkQuery, wanted: int) -> ChunkQuery | None:
    """Limit a query to `wanted` rows; without a unique keyset, between two distinct values.

    A group of equal values that is larger than a chunk makes a larger chunk. None: it is larger
    than what is left of the limit, so the next run begins with it.
    """
    cursor = loop.table.cursor
    if query.order_by != cursor.columns or cursor.unique or query.nulls == "only":
        return replace(query, limit=wanted if query.order_by else None)
    edge = loop.source.boundary(loop.table, query, wanted)
    if edge is None or loop.source.has_rows(loop.table, replace(query, before=edge)):
        return replace(query, before=edge, limit=None)
    if loop.budget is None:
        beyond = replace(query, order_by=cursor.columns[:1], after=(edge,))
        return replace(query, before=loop.source.boundary(loop.table, beyond, 0), limit=None)
    if loop.rows:
        return None
    raise ConfigError(
        f"{loop.table.plan.display_name}: more than {wanted:,} rows share "
        f"{cursor.first_column} = {edge!r}, and the table has no key to tell them apart.",
        kept="What was committed before stays; nothing of this group was read.",
        remedy="Raise the limit above the group's size, leave it out, or add a primary key.",
    )


def _stuck(loop: ChunkLoop, query: ChunkQuery) -> ReplicationError:
    return ReplicationError(
        f"{loop.table.plan.display_name}: a chunk after {query.after!r} did not advance the "
        f"cursor ({', '.join(query.order_by)}).",
        kept="The chunk was not registered; what was committed before stays.",
        remedy="This is a defect: please report the table's definition.",
    )
