"""Parquet files that are encoded and uploaded while their rows are still being read.

Two threads a file: one encodes row groups, one sends parts. Queues between them are short, so a
slow network slows the reader down instead of filling the memory. A file smaller than one part is a
single PUT. Nothing exists under the key before `finish`.

Types are written as COPY takes them (Amazon Redshift, "COPY from columnar data formats"): INT64
microseconds for timestamps, fixed-length byte arrays for decimals, format version 2.6, no schema
metadata, so that the footers of all files of one table version agree.
"""

from __future__ import annotations

import io
import queue
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mysql_s3_redshift.adapters.s3.bucket import Bucket
from mysql_s3_redshift.core.faultpoints import reach
from mysql_s3_redshift.core.ports import WrittenFile
from mysql_s3_redshift.errors import StorageError

PART_BYTES = 8 << 20
ROW_GROUP_BYTES = 8 << 20
ROW_GROUP_ROWS = 262_144
FOOTER_BYTES = 64 << 10
SAMPLE_ROWS = 20_000
REPEATED = 0.2
"""A column is worth a dictionary when at most this share of its sampled values is distinct."""


class PartUpload(io.RawIOBase):
    """A file object whose bytes become the parts of one object.

    Two buffers take turns: one fills while the other is sent. They grow as bytes come, because most
    files of a living table are far smaller than a part.
    """

    def __init__(self, bucket: Bucket, key: str) -> None:
        super().__init__()
        self._bucket, self._key = bucket, key
        self._filling, self._spare = bytearray(), bytearray()
        self._filled = 0
        self._upload_id: str | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="upload-part")
        self._parts: list[Future[Mapping[str, Any]]] = []
        self.size = 0

    def writable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Bytes written so far."""
        return self.size

    def write(self, data: Any) -> int:
        """Take bytes; sends a part whenever one is full and the one before it is sent."""
        rest = memoryview(data).cast("B")
        written = len(rest)
        self.size += written
        while rest:
            taken = min(len(rest), PART_BYTES - self._filled)
            self._filling[self._filled : self._filled + taken] = rest[:taken]
            self._filled, rest = self._filled + taken, rest[taken:]
            if self._filled == PART_BYTES:
                self._send(self._filling)
                self._filling, self._spare = self._spare, self._filling
                self._filled = 0
        return written

    def complete(self) -> None:
        """Make the object appear under its key."""
        try:
            last = bytes(memoryview(self._filling)[: self._filled])
            if self._upload_id is None:
                self._bucket.put(self._key, last, if_absent=True)
                return
            if last:
                self._send(last)
            parts = [part.result() for part in self._parts]
            self._bucket.complete_upload(self._key, self._upload_id, parts)
        except StorageError:
            # A request may be done though its answer was lost, and then its repetition is refused.
            if self._bucket.size(self._key) != self.size:
                raise
        finally:
            self._pool.shutdown(wait=True)

    def abort(self) -> None:
        """Give up; waits for the part in flight, so that no part arrives after the abort."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._upload_id is not None:
            self._bucket.abort_upload(self._key, self._upload_id)

    def _send(self, part: bytes | bytearray) -> None:
        """Send a part as soon as the one before it, whose buffer is used next, has arrived."""
        if self._upload_id is None:
            self._upload_id = self._bucket.begin_upload(self._key)
        if self._parts:
            self._parts[-1].result()
            reach("extract.during_upload")
        number = len(self._parts) + 1
        self._parts.append(
            self._pool.submit(self._bucket.upload_part, self._key, self._upload_id, number, part)
        )


class ParquetUpload:
    """One parquet file under way (see `core.ports.FileWriter`)."""

    def __init__(self, bucket: Bucket, key: str, schema: pa.Schema) -> None:
        self._bucket, self._key, self._schema = bucket, key, schema
        self._sink = PartUpload(bucket, key)
        self._writer: pq.ParquetWriter | None = None
        self._collected: list[pa.RecordBatch] = []
        self._collected_rows = self._collected_bytes = 0
        self._queue: queue.Queue[pa.Table | None] = queue.Queue(1)
        self._error: BaseException | None = None
        self._encoder = threading.Thread(target=self._encode, name="encode-parquet", daemon=True)
        self._encoder.start()

    def write(self, batch: pa.RecordBatch) -> None:
        """Collect a batch; a full row group goes to the encoder.

        Raises:
            StorageError: An earlier part could not be written.
        """
        self._collected.append(batch)
        self._collected_rows += batch.num_rows
        self._collected_bytes += batch.nbytes
        if self._collected_rows >= ROW_GROUP_ROWS or self._collected_bytes >= ROW_GROUP_BYTES:
            self._hand_over()

    def finish(self) -> WrittenFile:
        """Encode what is left, complete the upload and read the footer back from S3.

        Raises:
            StorageError: The file could not be written or its footer could not be read.
        """
        try:
            if self._collected:
                self._hand_over()
            self._stop_encoder()
            self._raise_error()
            (self._writer or self._open(pa.Table.from_batches([], self._schema))).close()
            self._sink.complete()
        except BaseException:
            self.abort()
            raise
        footer, etag = read_footer_and_etag(self._bucket, self._key)
        uri = self._bucket.uri(self._key)
        return WrittenFile(uri, int(footer.num_rows), self._sink.size, etag)

    def abort(self) -> None:
        """Stop both threads and give the upload up."""
        self._collected = []
        self._stop_encoder()
        self._sink.abort()

    def _hand_over(self) -> None:
        self._raise_error()
        table = pa.Table.from_batches(self._collected, self._schema)
        self._collected, self._collected_rows, self._collected_bytes = [], 0, 0
        self._queue.join()  # one row group is collected while one is encoded: no third in between
        self._queue.put(table)

    def _stop_encoder(self) -> None:
        if self._encoder.is_alive():
            self._queue.put(None)
            self._encoder.join()

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _encode(self) -> None:
        """Runs in its own thread until it gets None; after an error it only empties the queue."""
        while (table := self._queue.get()) is not None:
            try:
                if self._error is None:
                    writer = self._writer or self._open(table)
                    writer.write_table(table, row_group_size=max(table.num_rows, 1))
            except BaseException as error:  # noqa: BLE001  raised again in the reader's thread
                self._error = error
            finally:
                del table  # its memory is free while the next one is waited for
                self._queue.task_done()

    def _open(self, first: pa.Table) -> pq.ParquetWriter:
        self._writer = pq.ParquetWriter(
            pa.PythonFile(self._sink, mode="w"),
            self._schema,
            compression="snappy",
            use_dictionary=repeating_columns(first),
            write_statistics=True,
            store_schema=False,
        )
        return self._writer


def read_footer(bucket: Bucket, key: str) -> pq.FileMetaData:
    """Read what a parquet file on S3 tells about itself.

    Raises:
        StorageError: It is not there, or it is damaged.
    """
    return read_footer_and_etag(bucket, key)[0]


def read_footer_and_etag(bucket: Bucket, key: str) -> tuple[pq.FileMetaData, str | None]:
    """Read a footer as `read_footer` does, with the ETag of the object that it was read from."""
    tail, etag = bucket.read_tail(key, FOOTER_BYTES)
    length = int.from_bytes(tail[-8:-4], "little") + 8
    if tail[-4:] == b"PAR1" and length > len(tail):
        tail, etag = bucket.read_tail(key, length)
    try:
        return pq.read_metadata(io.BytesIO(tail)), etag
    except (pa.ArrowInvalid, OSError) as error:
        raise StorageError(
            f"The footer of {bucket.uri(key)} cannot be read: {error}",
            kept="A file that is not registered yet will never be loaded.",
            remedy="Run again; when a registered file is damaged, reload its rows.",
        ) from error


def repeating_columns(table: pa.Table) -> list[str]:
    """Columns that are worth a dictionary, judged by the first rows."""
    sample = table.slice(0, SAMPLE_ROWS)
    limit = max(1.0, REPEATED * sample.num_rows)
    return [
        name
        for name, column in zip(sample.column_names, sample.columns, strict=True)
        if not pa.types.is_boolean(column.type) and pc.count_distinct(column).as_py() <= limit
    ]
