import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysql_s3_redshift.core.names import (
    RESERVED_WORDS,
    SYSTEM_COLUMNS,
    column_identifier,
    column_identifiers,
    quote_mysql,
    quote_redshift,
    schema_identifier,
    table_identifier,
)
from mysql_s3_redshift.errors import ConfigError

# MySQL's identifiers: the Basic Multilingual Plane without NUL, at most 64 characters.
mysql_names = st.text(
    st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"], exclude_characters="\0"),
    min_size=1,
    max_size=64,
)
column_lists = st.lists(
    st.one_of(mysql_names, st.text("aA_-. 1", min_size=1, max_size=4)),
    min_size=1,
    max_size=12,
    unique=True,
)


@pytest.mark.parametrize(
    ("mysql", "redshift"),
    [
        ("id", "id"),
        ("Order", "order_"),
        ("group", "group_"),
        ("190_time", "col_190_time"),
        ("a-b", "a_b"),
        ("Ａ", "a"),
        ("userID", "userid"),
        ("ctid", "ctid_"),
        ("a b", "a_b"),
        ("prix_€", "prix__"),
        ("名称", "名称"),
        ("Größe", "größe"),
        ("²", "col_2"),
        ('"; DROP TABLE x', "___drop_table_x"),
    ],
)
def test_a_column_gets_a_plain_lower_case_name(mysql, redshift):
    """I-29"""
    assert column_identifier(mysql) == redshift


@given(mysql_names)
def test_every_name_becomes_an_identifier_that_needs_no_quotes(name):
    """I-29"""
    for make in (column_identifier, table_identifier, schema_identifier):
        made = make(name)
        assert 1 <= len(made.encode()) <= 127
        assert made[0].isalpha() or made[0] == "_"
        assert all(c.isalnum() or c == "_" for c in made)
        assert not set(made) & set(string.ascii_uppercase)
        assert made not in RESERVED_WORDS | SYSTEM_COLUMNS
        assert make(made) == made


@given(column_lists)
def test_the_columns_of_a_table_get_different_names(names):
    """I-29"""
    made = column_identifiers(names, {})
    assert len(set(made)) == len(names)
    assert all(len(name.encode()) <= 127 for name in made)


@given(column_lists, st.lists(mysql_names, max_size=4))
def test_a_column_added_at_the_end_renames_no_other(names, added):
    made = column_identifiers(names, {})
    later = [name for name in dict.fromkeys(added) if name not in names]
    assert column_identifiers([*names, *later], {})[: len(names)] == made


@given(column_lists, st.data())
def test_known_names_are_kept_wherever_columns_are_added_or_dropped(names, data):
    known = dict(zip(names, column_identifiers(names, {}), strict=True))
    if len({name.lower() for name in names}) < len(names):
        return  # MySQL has no two columns that differ in letter case alone
    kept = data.draw(st.lists(st.sampled_from(names), unique=True))
    new = data.draw(mysql_names.filter(lambda n: n.lower() not in {x.lower() for x in names}))
    made = column_identifiers([new, *kept], {}, known=known)
    assert made[1:] == tuple(known[name] for name in kept)
    assert len(set(made)) == len(made)


def test_colliding_names_are_told_apart_by_a_hash_of_the_mysql_name():
    """I-29"""
    first, second, third = column_identifiers(["a-b", "a b", "a_b"], {})
    assert first == "a_b"
    assert second.startswith("a_b_")
    assert third.startswith("a_b_")
    assert column_identifiers(["a_b", "a b"], {})[1] == second
    assert len(set(column_identifiers(["id", "ID"], {}))) == 2


def test_a_chosen_name_is_taken_and_must_be_free_and_plain():
    assert column_identifiers(["Id", "x"], {"id": "key_id"}) == ("key_id", "x")
    with pytest.raises(ConfigError, match="would both be `x`"):
        column_identifiers(["id", "x"], {"id": "x"})
    with pytest.raises(ConfigError, match="would both be `y`"):
        column_identifiers(["id", "x"], {"id": "y", "x": "y"})
    with pytest.raises(ConfigError, match="cannot become `Group`"):
        column_identifiers(["id"], {"id": "Group"})


def test_a_column_that_occurs_twice_is_refused():
    with pytest.raises(ConfigError, match="more than once"):
        column_identifiers(["a", "a", "a", "a", "a", "a"], {})


def test_a_schema_name_does_not_look_like_one_of_redshift():
    assert schema_identifier("pg_shop") == "schema_pg_shop"
    assert schema_identifier("2024") == "schema_2024"
    assert table_identifier("2024-Orders") == "tbl_2024_orders"


@given(mysql_names)
def test_quotes_cannot_be_escaped_from(name):
    quoted = quote_redshift(name)
    assert quoted[0] == quoted[-1] == '"'
    assert quoted[1:-1].replace('""', "") == name.replace('"', "")
    assert quoted[1:-1].count('"') == 2 * name.count('"')
    assert quote_mysql(name)[1:-1].replace("``", "`") == name


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_what_is_no_name_at_all_is_refused(name):
    with pytest.raises(ConfigError):
        quote_mysql(name)
    with pytest.raises(ConfigError):
        quote_redshift(name)
