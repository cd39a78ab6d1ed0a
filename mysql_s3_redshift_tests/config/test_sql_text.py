"""SQL of people that would reach beyond its place is refused; everything else is taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysql_s3_redshift.config.sql_text import closed_condition, closed_query
from mysql_s3_redshift.errors import ConfigError
from mysql_s3_redshift_tests.config.documents import loaded, with_table


@pytest.mark.parametrize(
    "text",
    [
        "region = 'us'",
        "(a OR b) AND c IN (1, 2)",
        "note = ')'",
        'note = "it\'s; (fine"',
        "note = 'a\\') OR (\\''",
        "note = 'it''s ('",
        "`odd)name` = 1",
        "`odd``(` = 1",
        "a = 1 -- ) a comment (",
        "a = 1 # ) a comment (",
        "a = 1 /* ; ) */ AND b = 2",
        "a--1 = 2",
    ],
)
def test_a_condition_that_ends_where_it_stands_is_taken(text):
    assert closed_condition(text) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1 = 1) OR (1 = 1", "did not open"),
        ("a = 1)", "did not open"),
        ("(a = 1", "does not close"),
        ("a = 1 -- )\n)", "did not open"),
        ("a = 1 --) OR (1", "did not open"),
        ("a = 'open", "a string or name"),
        ('a = "open', "a string or name"),
        ("`a = 1", "a string or name"),
        ("a = 'x\\' OR 1", "a string or name"),
        ("a = 1 /* open", "a comment"),
        ("a = 1 /*! ) OR ( */", "executes"),
        ("a = 1 /*M!100 ) OR ( */", "executes"),
        ("a = 1; DROP TABLE t", "more than one"),
        ("a = 1;", "more than one"),
    ],
)
def test_a_condition_that_reaches_beyond_is_refused(text, why):
    with pytest.raises(ValueError, match=why):
        closed_condition(text)


def test_a_query_may_end_with_a_semicolon_and_hold_no_other():
    assert closed_query("SELECT 1;\n") == "SELECT 1;\n"
    with pytest.raises(ValueError, match="more than one"):
        closed_query("SELECT 1; SELECT 2")
    with pytest.raises(ValueError, match="did not open"):
        closed_query("SELECT 1) AS x UNION SELECT * FROM (mysql.user")


@given(st.text("()'\"`\\-#/*!; \nab", max_size=30))
def test_what_is_taken_stays_taken_inside_parentheses_and_what_follows_is_code(text):
    """The text and a line break leave MySQL's reader where it was: in plain SQL, depth 0."""
    try:
        closed_condition(text)
    except ValueError:
        return
    assert closed_condition(f"({text}\n)")
    with pytest.raises(ValueError, match="did not open"):
        closed_condition(f"({text}\n))")


def test_the_file_names_the_place(tmp_path):
    with pytest.raises(ConfigError, match=r"additional_where.* did not open"):
        loaded(tmp_path, with_table({"additional_where": "1 = 1) OR (1 = 1"}))
