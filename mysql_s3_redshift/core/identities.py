"""Ids as people write them: what they are worth is the column's to say.

MySQL compares a number with text as two numbers, whatever the text: `abc` is 0 then, and a key of
text that is compared with a number is read without its index.
https://dev.mysql.com/doc/refman/8.4/en/type-conversion.html
"""

from __future__ import annotations

import re

from mysql_s3_redshift.core.cursors import Cursor
from mysql_s3_redshift.core.model import CdcStrategy, Value
from mysql_s3_redshift.core.schema import TableSchema
from mysql_s3_redshift.errors import ConfigError

_INTEGER = re.compile(r"(tiny|small|medium|big)?int(eger)?\b", re.IGNORECASE)
_WHOLE = re.compile(r"-?\d{1,20}", re.ASCII)
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1


def read_identity(written: str, schema: TableSchema, cursor: Cursor) -> Value:
    """Read the id half of a watermark.

    Args:
        written: As a person wrote it.
        schema: The table's columns.
        cursor: Tells which of them is the id; where none is, the text stays.

    Raises:
        ConfigError: The column holds whole numbers, and this is none that it could hold.
    """
    columns = cursor.columns if cursor.strategy is CdcStrategy.ID_ONLY else cursor.columns[1:]
    column = schema.by_source(columns[0]) if columns else None
    if column is None or not _INTEGER.match(column.source_type):
        return written
    if _WHOLE.fullmatch(written) and _SMALLEST <= int(written) <= _LARGEST:
        return int(written)
    raise ConfigError(
        f"`{written}` is no id of {column.source}, which is {column.source_type}.",
        kept="Nothing was changed.",
        remedy="Give the id of the last row that counts as extracted, a whole number.",
    )
