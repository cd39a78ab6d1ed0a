"""From Arrow batches to PostgreSQL's binary COPY format, checking values on the way."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pgpq
import pyarrow as pa
import pyarrow.compute as pc
from pgpq.encoders import StringEncoderBuilder
from pgpq.schema import Text

from mysql_s3_redshift.sandbox.redshift.copy.columns import TargetColumn
from mysql_s3_redshift.sandbox.redshift.copy.parquet_schema import arrow_type
from mysql_s3_redshift.sandbox.redshift.errors import null_value, spectrum_error


class BatchEncoder:
    """Encodes the batches of one COPY.

    Args:
        columns: The columns that the files fill.
        query: Query id, for error messages.
    """

    def __init__(self, columns: Sequence[TargetColumn], query: int) -> None:
        self._columns, self._query = columns, query
        self._schema = pa.schema([pa.field(c.name, arrow_type(c)) for c in columns])
        infer = pgpq.ArrowToPostgresBinaryEncoder.infer_encoder
        encoders = {
            field.name: StringEncoderBuilder.new_with_output(field, Text())
            if column.type == "super"
            else infer(field)
            for column, field in zip(columns, self._schema, strict=True)
        }
        self._encoder = pgpq.ArrowToPostgresBinaryEncoder.new_with_encoders(self._schema, encoders)

    def header(self) -> bytes:
        """Return the first bytes of the stream."""
        return bytes(self._encoder.write_header())

    def footer(self) -> bytes:
        """Return the last bytes of the stream."""
        return bytes(self._encoder.finish())

    def rows(self, batch: pa.RecordBatch, url: str, key: str) -> bytes:
        """Encode one batch of a file.

        Raises:
            RedshiftError: On a value that the table does not take.
        """
        arrays = []
        for index, (column, field) in enumerate(zip(self._columns, self._schema, strict=True)):
            if index < batch.num_columns:
                array = self._convert(column, batch.column(index), url, key)
            else:
                array = pa.nulls(batch.num_rows, field.type)  # FILLRECORD
            if column.not_null and array.null_count:
                raise null_value(column.name)
            if array.type != field.type:
                array = array.cast(field.type, safe=False)
            arrays.append(array)
        return bytes(self._encoder.write_batch(pa.record_batch(arrays, schema=self._schema)))

    def _convert(self, column: TargetColumn, array: pa.Array, url: str, key: str) -> pa.Array:
        if column.type == "super":
            return _as_json(array)
        if column.type not in ("varchar", "bpchar", "varbyte"):
            return array
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        if column.type != "varbyte":
            self._check_text(column, array, key)
        return self._fit_length(column, array, url, key)

    def _check_text(self, column: TargetColumn, array: pa.Array, key: str) -> None:
        if pc.any(pc.match_substring(array, "\0")).as_py():
            # A NUL makes COPY fail unless NULL AS says otherwise (t_preparing-input-data), and
            # columnar COPY has no NULL AS.
            context = f"Invalid null byte in column {column.name}"
            raise spectrum_error(15001, context, query=self._query, column=column.name, key=key)
        if column.type == "bpchar" and _has_multibyte(array):
            context = (
                "Multibyte character not supported for CHAR (Hint: try using VARCHAR). "
                f"Column: {column.name}"
            )
            raise spectrum_error(15001, context, query=self._query, column=column.name, key=key)

    def _fit_length(self, column: TargetColumn, array: pa.Array, url: str, key: str) -> pa.Array:
        """Refuse what is too long in bytes; blanks at the end do not count."""
        longest = _longest(array)
        if longest > column.length and column.type != "varbyte":
            trimmed = pc.utf8_rtrim(array, " ")
            array = pc.if_else(pc.greater(pc.binary_length(array), column.length), trimmed, array)
            longest = _longest(array)
        if longest > column.length:
            # aws-sdk-pandas#529
            context = (
                f"The length of the data column {column.name} is longer than the length defined "
                f"in the table. Table: {column.length}, Data: {longest}, File name: {url}"
            )
            raise spectrum_error(15007, context, query=self._query, column=column.name, key=key)
        return array


def _has_multibyte(array: pa.Array) -> bool:
    characters = pc.cast(pc.utf8_length(array), pa.int32())
    return bool(pc.any(pc.not_equal(pc.binary_length(array), characters)).as_py())


def _longest(array: pa.Array) -> int:
    return pc.max(pc.binary_length(array)).as_py() or 0


def _as_json(array: pa.Array) -> pa.Array:
    """Serialise nested values; a JSON text becomes a SUPER string, not an object.

    That a string stays a string: aws-sdk-pandas, test_copy_serialize_to_json_super, on a cluster.
    """
    texts = [
        None
        if value is None
        else json.dumps(value, default=str, ensure_ascii=False, separators=(",", ":"))
        for value in array.to_pylist()
    ]
    return pa.array(texts, pa.string())


def _dump(value: object) -> str:
    return json.dumps(value, default=str, ensure_ascii=False, separators=(",", ":"))
