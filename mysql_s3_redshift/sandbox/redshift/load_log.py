"""What a COPY leaves in the system tables, whether it succeeded or not.

On a cluster errors of Spectrum often do not appear in STL_LOAD_ERRORS; here they always do, cut to
the sizes of its columns. SVL_S3LOG has the whole text in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mysql_s3_redshift.sandbox.redshift.copy.columns import TargetColumn
from mysql_s3_redshift.sandbox.redshift.copy.load import FileLoad
from mysql_s3_redshift.sandbox.redshift.copy.parquet_schema import shown_type
from mysql_s3_redshift.sandbox.redshift.errors import LoadError, LoadFailure, RedshiftError
from mysql_s3_redshift.sandbox.redshift.sql.lexer import quote_literal

_USER = 100
_NOW = "now() at time zone 'UTC'"


@dataclass(frozen=True, slots=True)
class LoadLog:
    """One COPY and its rows in the system tables."""

    pid: int
    query: int
    table_id: int
    table: str
    source: str

    def failed(self, error: RedshiftError, columns: Sequence[TargetColumn]) -> str:
        """Return the inserts for a failed COPY."""
        failure = (
            error.failure if isinstance(error, LoadError) else LoadFailure(8001, error.message)
        )
        file = _text(failure.key or self.source, 256)
        column = next((column for column in columns if column.name == failure.column), None)
        name = _text(failure.column, 127)
        kind = _text(shown_type(column).lower() if column else "", 10)
        length = _text(str(column.length) if column else "", 10)
        code, reason = failure.code, failure.reason
        return f"""
            insert into stl_load_errors values ({_USER}, 0, {self.table_id}, {_NOW}, {self.pid},
              {self.query}, {file}, 0, {name}, {kind}, {length}, 0, '', '', {code},
              {_text(reason, 100)}, 0, 0);
            insert into stl_error values ({_USER}, 'padbmaster', {_NOW}, {self.pid}, {code}, '', 0,
              {_text(reason, 100)}, {_text(reason, 512)});
            insert into svl_s3log values ({self.pid}, {self.query}, 0, 0, 0, 0, {_NOW},
              {_text(reason, 512)});
            insert into sys_load_error_detail values ({_USER}, {self.query}, 0, {self.pid},
              current_database(), {self.table_id}, {_NOW}, {file}, 0, {name}, {kind}, {length}, 0,
              {code}, {_text(reason, 512)});
            {self._history("failed", seconds=0.0, rows=0, files=0, size=0, errors=1)}"""

    def completed(self, load: FileLoad, seconds: float) -> str:
        """Return the inserts for a COPY that loaded its rows."""
        commits = "".join(
            f"insert into stl_load_commits values ({_USER}, {self.query}, 0, '', "
            f"{_text('s3://' + file.path, 256)}, 0, {rows}, 0, {_NOW}, 1, 'Parquet');"
            for file, rows in load.rows_of_files
        )
        size = sum(file.size for file in load.files)
        return commits + self._history(
            "completed", seconds=seconds, rows=load.rows, files=len(load.files), size=size, errors=0
        )

    def _history(
        self, status: str, *, seconds: float, rows: int, files: int, size: int, errors: int
    ) -> str:
        duration = int(seconds * 1_000_000)
        return f"""insert into sys_load_history values ({_USER}, {self.query}, 0, {self.pid},
            current_database(), {_text(self.table, 128)}, {_text(self.source, 1024)}, 'PARQUET',
            {_NOW} - interval '{duration} microseconds', {_NOW}, {duration}, '{status}', {rows},
            {size}, {files}, {size}, {errors})"""


def _text(text: str, size: int) -> str:
    return quote_literal(text[:size])
