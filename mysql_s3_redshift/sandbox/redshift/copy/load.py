"""Reads the files of one COPY and yields the stream for PostgreSQL. Runs in a worker thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.fs import FileSystem

from mysql_s3_redshift.sandbox.redshift.copy.columns import TargetColumn
from mysql_s3_redshift.sandbox.redshift.copy.encode import BatchEncoder
from mysql_s3_redshift.sandbox.redshift.copy.manifest import SourceFile
from mysql_s3_redshift.sandbox.redshift.copy.parquet_schema import check_schema
from mysql_s3_redshift.sandbox.redshift.errors import spectrum_error

_BATCH_ROWS = 65536


@dataclass(slots=True)
class FileLoad:
    """The loading of a list of files into a list of columns.

    Args:
        filesystem: Where the files are.
        files: What to read, in order.
        columns: What they fill.
        options: The options of the COPY.
        query: Query id.
        region: For the URLs in messages.
        interrupted: Called between batches; raises to stop the load.
    """

    filesystem: FileSystem
    files: Sequence[SourceFile]
    columns: Sequence[TargetColumn]
    options: frozenset[str]
    query: int
    region: str
    interrupted: Callable[[int], None]
    rows: int = 0
    rows_of_files: list[tuple[SourceFile, int]] = field(default_factory=list)

    def check(self) -> None:
        """Check the schemas of all files before the first row is sent.

        Raises:
            LoadError: When one does not fit.
        """
        for file in self.files:
            with self._open(file) as parquet:
                check_schema(
                    parquet,
                    self.columns,
                    options=self.options,
                    url=self._url(file),
                    key=file.path,
                    query=self.query,
                )

    def stream(self) -> Iterator[bytes]:
        """Yield the binary COPY stream, counting rows.

        Raises:
            RedshiftError: On a value that the table does not take.
        """
        encoder = BatchEncoder(self.columns, self.query)
        yield encoder.header()
        for file in self.files:
            before = self.rows
            with self._open(file) as parquet:
                for batch in parquet.iter_batches(batch_size=_BATCH_ROWS, use_threads=True):
                    self.interrupted(self.rows)
                    self.rows += batch.num_rows
                    yield encoder.rows(batch, self._url(file), file.path)
            self.rows_of_files.append((file, self.rows - before))
        self.interrupted(self.rows)
        yield encoder.footer()

    def _open(self, file: SourceFile) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(self.filesystem.open_input_file(file.path))
        except pa.ArrowInvalid as error:
            context = f"File '{self._url(file)}' has an invalid version number: not a Parquet file"
            raise spectrum_error(15007, context, query=self.query, key=file.path) from error

    def _url(self, file: SourceFile) -> str:
        return f"https://s3.{self.region}.amazonaws.com/{file.path}"
