"""INSERT, UPDATE, DELETE and MERGE."""

from __future__ import annotations

from collections.abc import Callable

from mysql_s3_redshift.sandbox.redshift.errors import RedshiftError, not_offered, syntax_error
from mysql_s3_redshift.sandbox.redshift.sql.expressions import rewrite
from mysql_s3_redshift.sandbox.redshift.sql.lexer import END, Kind, Reader, Token, render
from mysql_s3_redshift.sandbox.redshift.sql.statement import Statement


def write(verb: str, *before_table: str) -> Callable[[Reader], Statement]:
    """Return the translator of INSERT, UPDATE or DELETE.

    Args:
        verb: The first word of the statement.
        before_table: The words between it and the table.
    """

    def translator(reader: Reader) -> Statement:
        reader.expect(*before_table)
        table = reader.qualified_name()
        head = " ".join((verb, *before_table)).lower()
        _check_write(verb, reader)
        rest = reader.rest()
        # What precedes the table tells the rewriter that a parenthesis after it is no call.
        body = rewrite([Token(" ", Kind.WORD, "INTO"), Token(" ", Kind.QUOTED, table), *rest])
        return Statement(f"{head} {table} {render(body[2:])}", verb, locks=table)

    return translator


def merge(reader: Reader) -> Statement:
    """Translate what follows MERGE: a table as source, both WHEN clauses (`r_MERGE`)."""
    reader.expect("INTO")
    table = reader.qualified_name()
    reader.expect("USING")
    source = reader.qualified_name()
    rest = reader.rest()
    words = [token.upper for token in rest]
    if words[-2:] == ["REMOVE", "DUPLICATES"]:
        raise not_offered("MERGE .. REMOVE DUPLICATES")
    if "MATCHED" not in words or words.count("MATCHED") != 2:
        raise RedshiftError("42601", "MERGE needs WHEN MATCHED and WHEN NOT MATCHED, once each")
    body = render(rewrite([Token(" ", Kind.QUOTED, source), *rest]))
    return Statement(f"merge into {table} using {body}", "MERGE", locks=table)


def _check_write(verb: str, reader: Reader) -> None:
    """Refuse what PostgreSQL takes after the table and Redshift does not."""
    following = reader.peek()
    if verb == "DELETE" and following is not END and following.upper not in ("USING", "WHERE"):
        raise syntax_error(following.text)
    if verb == "INSERT" and following.upper in ("AS", "OVERRIDING"):
        raise syntax_error(following.text)
    if verb == "UPDATE" and following.upper == "SET" and reader.peek(1).text == "(":
        raise syntax_error("(")
