"""Properties of the parts without I/O: names, string constants, message frames."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysql_s3_redshift.sandbox.redshift import wire
from mysql_s3_redshift.sandbox.redshift.errors import RedshiftError
from mysql_s3_redshift.sandbox.redshift.names import LongNames
from mysql_s3_redshift.sandbox.redshift.sql.lexer import (
    Kind,
    quote_literal,
    render,
    string_value,
    tokenize,
)

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(st.text(st.characters(min_codepoint=97, max_codepoint=0x2FFF), min_size=1, max_size=127))
def test_a_name_is_shortened_to_63_bytes_and_given_back(name: str) -> None:
    names = LongNames()
    if len(name.encode()) > 127:
        with pytest.raises(RedshiftError, match="longer than 127 bytes"):
            names.shorten(name)
        return
    short = names.shorten(name)
    assert len(short.encode()) <= 63
    assert names.full(short) == name == names.restore(short)
    assert LongNames().shorten(name) == short


@given(TEXT)
def test_a_quoted_string_is_one_token_with_its_value(text: str) -> None:
    tokens = tokenize(quote_literal(text), LongNames())
    assert [token.kind for token in tokens] == [Kind.STRING]
    assert string_value(tokens[0]) == text


@given(TEXT)
def test_any_text_is_tokenized_or_refused_by_the_judge(text: str) -> None:
    try:
        tokens = tokenize(text, LongNames())
    except RedshiftError:
        return
    assert [t.text for t in tokenize(render(tokens), LongNames())] == [t.text for t in tokens]


@given(st.lists(st.none() | st.binary(max_size=20), max_size=5))
def test_a_row_survives_its_frame(values: list[bytes | None]) -> None:
    assert wire.data_row(wire.encode_row(values)) == values
