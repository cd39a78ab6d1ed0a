"""Columns that neither server can write as the other does, so that this program compares them.

* Hashed columns: MySQL would have to be told the salt, which must not stand in its logs. So MySQL's
  text is fetched and hashed here.
* SUPER: Redshift keeps a document's values, not its text. So both texts are fetched and written in
  one form: names in order, numbers by their value.

Both need the values themselves, so they are compared in rows picked at random.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mysql_s3_redshift.core.compared_columns import changed_text
from mysql_s3_redshift.core.model import ColumnPolicies
from mysql_s3_redshift.core.names import quote_mysql, quote_redshift
from mysql_s3_redshift.core.policies import value_policies
from mysql_s3_redshift.core.schema import Column
from mysql_s3_redshift.core.types import HASH_RULE, holds_bytes, select_expression

_BIGINT = range(-(1 << 63), 1 << 63)


@dataclass(frozen=True, slots=True)
class SampledColumn:
    """One column: what each side is asked for, and what makes the answers comparable.

    Attributes:
        column: The column.
        mysql: Expression for its value, as bytes.
        redshift: Expression for its value.
        from_mysql: Writes a value of MySQL as it must be found in Redshift.
        from_redshift: Writes a value of Redshift in the same form.
    """

    column: Column
    mysql: str
    redshift: str
    from_mysql: Callable[[bytes], str]
    from_redshift: Callable[[str], str]


def sampled_columns(columns: Sequence[Column], policies: ColumnPolicies) -> list[SampledColumn]:
    """How these columns, hashed or SUPER, are compared."""
    return [
        _hashed(c, policies.hash_salt.encode())
        if c.rule == HASH_RULE.name
        else _document(c, policies)
        for c in columns
    ]


def _hashed(column: Column, salt: bytes) -> SampledColumn:
    value = select_expression(column)
    sent = value if holds_bytes(column) else f"CONVERT({value} USING utf8mb4)"
    return SampledColumn(
        column,
        f"CAST({sent} AS BINARY)",
        quote_redshift(column.name),
        lambda value: hashlib.sha256(salt + value).hexdigest(),
        str,
    )


def _document(column: Column, policies: ColumnPolicies) -> SampledColumn:
    own = value_policies(policies, column)
    return SampledColumn(
        column,
        changed_text(quote_mysql(column.source), column, own),
        quote_redshift(column.name),
        canonical_json,
        canonical_json,
    )


def canonical_json(document: str | bytes) -> str:
    """Write a document so that equal documents are equal texts.

    Redshift holds whole numbers of 64 bits exactly and others as floating point (Amazon Redshift,
    "SUPER type"), so 1.0 is 1 and 0.10 is 0.1.
    """
    found = json.loads(document, parse_int=_number, parse_float=_number)
    return json.dumps(found, sort_keys=True, ensure_ascii=False)


def _number(text: str) -> Any:
    if text.lstrip("-").isdigit() and int(text) in _BIGINT:
        return int(text)
    value = float(text)
    return int(value) if value.is_integer() and int(value) in _BIGINT else value
