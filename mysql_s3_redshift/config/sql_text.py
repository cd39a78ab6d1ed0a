"""SQL that people write into `pipelines.yaml`: it must end where it stands.

A condition is put into parentheses and joined to the bounds of a chunk by AND, a query becomes a
subquery. Text that closes a parenthesis which it did not open would reach beyond them:
`1 = 1) OR (1 = 1` would read rows beyond the bound, and read them again. So the text is read the
way MySQL reads it (Reference Manual, "Comments" and "String Literals"; the sessions here have an
empty sql_mode) and refused when it does not close what it opens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""
      (?P<string> '(?:[^'\\]|''|\\.)*' | "(?:[^"\\]|""|\\.)*" | `(?:[^`]|``)*` )
    | (?P<executed> /\*M?! )
    | (?P<comment> /\*.*?\*/ | \#[^\n]* | --(?=[\s\x00-\x1f]|$)[^\n]* )
    | (?P<unclosed> ['"`] | /\* )
    | (?P<mark> [();] )
    """,
    re.VERBOSE | re.DOTALL,
)


def closed_condition(text: str) -> str:
    """Check that a condition closes its parentheses, strings and comments.

    Raises:
        ValueError: It does not.
    """
    depth = 0
    for kind, found in _tokens(text):
        if kind == "unclosed":
            what = "a comment" if found == "/*" else f"a string or name ({found})"
            raise ValueError(f"it opens {what} and does not close it")
        if kind == "executed":
            raise ValueError("it has a comment that MySQL executes (`/*!`)")
        if found == ";":
            raise ValueError("it has more than one statement (`;`)")
        depth += {"(": 1, ")": -1}.get(found, 0)
        if depth < 0:
            raise ValueError("it closes a parenthesis that it did not open")
    if depth:
        raise ValueError("it opens a parenthesis and does not close it")
    return text


def closed_query(text: str) -> str:
    """Check a query as `closed_condition` does; it may end with semicolons."""
    closed_condition(text.strip().rstrip(";"))
    return text


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    for match in _TOKEN.finditer(text):
        if match.lastgroup not in {"string", "comment", None}:
            yield str(match.lastgroup), match[0]
