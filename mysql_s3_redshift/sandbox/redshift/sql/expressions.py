"""Rewrites queries and expressions, refusing functions, operators and clauses Redshift lacks."""

from __future__ import annotations

from collections.abc import Sequence

from mysql_s3_redshift.sandbox.redshift.errors import (
    UNDEFINED_FUNCTION,
    RedshiftError,
    not_offered,
    not_supported,
    syntax_error,
)
from mysql_s3_redshift.sandbox.redshift.sql.functions import (
    AS_IN_POSTGRES,
    BEFORE_PARENTHESIS,
    DATE_PART_FIRST,
    FROM_INSIDE,
    NAME_FOLLOWS,
    OF_THE_STAND_IN,
    RENAMED,
)
from mysql_s3_redshift.sandbox.redshift.sql.lexer import (
    END,
    Kind,
    Reader,
    Token,
    fold,
    quote_literal,
    word,
)
from mysql_s3_redshift.sandbox.redshift.sql.reserved import GRAMMAR_WORDS, RESERVED
from mysql_s3_redshift.sandbox.redshift.sql.types import read_type

_OPERATOR_CHARACTERS = frozenset("-+*/%^<>=~|&#!")
_LEADER_NODE_CLOCKS = frozenset(
    {"CURRENT_TIMESTAMP", "CURRENT_TIME", "LOCALTIME", "LOCALTIMESTAMP"}
)
_REFUSED_CLAUSES = (
    ("RETURNING",),
    ("ON", "CONFLICT"),
    ("DISTINCT", "ON"),
    ("IS", "DISTINCT"),
    ("IS", "NOT", "DISTINCT"),
    ("FOR", "UPDATE"),
    ("FOR", "SHARE"),
    ("FOR", "NO"),
    ("FOR", "KEY"),
    ("LATERAL",),
    ("TABLESAMPLE",),
    ("WITH", "ORDINALITY"),
    ("FETCH", "FIRST"),
    ("FETCH", "NEXT"),
    (")", "FILTER", "("),
    ("FROM", "(", "VALUES"),
    ("JOIN", "(", "VALUES"),
    ("NULLS", "DISTINCT"),
    ("MATERIALIZED", "("),
    ("CURRENT", "OF"),
    ("SYMMETRIC",),
)
_REFUSED_CALLS = {
    "ROW": "A row constructor",
    "ARRAY": "An array constructor",
}
_NOT_OFFERED_WORDS = {
    "QUALIFY": "QUALIFY",
    "PIVOT": "PIVOT",
    "UNPIVOT": "UNPIVOT",
    "TOP": "TOP",
    "RECURSIVE": "WITH RECURSIVE",
    "APPROXIMATE": "APPROXIMATE",
}
_INFORMATION_SCHEMA = frozenset({"tables", "columns", "schemata"})


def rewrite(tokens: Sequence[Token]) -> list[Token]:
    """Return the tokens as PostgreSQL has to see them.

    Raises:
        RedshiftError: On the first thing that Redshift does not take.
    """
    return _Rewriter(tokens).run()


class _Rewriter:
    """One pass over a query.

    `_openers` holds the word before each open parenthesis, `_casts` the depths at which a CAST(
    waits for its AS.
    """

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._reader = Reader(tokens)
        self._out: list[Token] = []
        self._before = END
        self._openers: list[str] = []
        self._casts: list[int] = []

    def run(self) -> list[Token]:
        while self._reader.peek() is not END:
            self._check_clause()
            token = self._reader.take()
            self._out += self._rewrite(token)
            self._before = token
        return self._out

    def _rewrite(self, token: Token) -> list[Token]:
        if token.kind is Kind.OPERATOR:
            return self._operator(token)
        if token.kind is Kind.WORD and self._before.text != ".":
            return self._word(token)
        if token.is_name and self._reader.peek().text == "(" and self._is_call(token):
            return self._call(token)
        return [token]

    @property
    def _depth(self) -> int:
        return len(self._openers)

    def _check_clause(self) -> None:
        if self._before.text == ".":
            return
        for clause in _REFUSED_CLAUSES:
            if all(self._reader.peek(index).upper == text for index, text in enumerate(clause)):
                raise not_supported(" ".join(part for part in clause if part.isalpha()))

    def _operator(self, token: Token) -> list[Token]:
        following = self._reader.peek()
        joined = not following.space and following.kind is Kind.OPERATOR
        if joined and token.text[-1] in _OPERATOR_CHARACTERS and _starts_operator(following.text):
            name = token.text + following.text
            raise RedshiftError(UNDEFINED_FUNCTION, f"operator does not exist: {name}")
        if token.text == "(":
            self._openers.append(self._before.upper)
        elif token.text == ")" and self._openers:
            self._openers.pop()
        if token.text == "::":
            return [token, word(read_type(self._reader).postgres)]
        return [token]

    def _word(self, token: Token) -> list[Token]:
        upper, called = token.upper, self._reader.peek().text == "("
        if called and self._is_call(token):
            return self._call(token)
        after_as = self._before.upper == "AS"
        if after_as and self._casts and self._casts[-1] == self._depth:
            self._casts.pop()
        if upper == "AS" and self._casts and self._casts[-1] == self._depth:
            self._casts.pop()
            return [token, word(read_type(self._reader).postgres)]
        if after_as:
            return [token]
        if upper == "SYSDATE":
            return [word("rs.getdate()")]
        if upper == "MINUS":
            return [word("EXCEPT")]
        if upper == "INFORMATION_SCHEMA" and self._reader.accept("."):
            return self._information_schema()
        if upper in _LEADER_NODE_CLOCKS:
            raise not_supported(f"Function {upper}")
        if upper in _NOT_OFFERED_WORDS:
            raise not_offered(_NOT_OFFERED_WORDS[upper])
        if upper in RESERVED and upper not in GRAMMAR_WORDS:
            raise syntax_error(token.text)
        return [token]

    def _is_call(self, token: Token) -> bool:
        """Tell a call from a keyword, a column list and an alias: `INTO t (`, `) x (`, `t x (`."""
        if token.kind is Kind.WORD and token.upper in BEFORE_PARENTHESIS:
            if token.upper == "CAST":
                self._casts.append(self._depth + 1)
            # LEFT(text, n) and RIGHT(text, n) are calls, LEFT JOIN ( is none.
            return token.upper in ("LEFT", "RIGHT") and self._before.upper != ")"
        before = self._before
        if before.upper in NAME_FOLLOWS and before.kind is Kind.WORD:
            return False
        if before.upper == "FROM" and (self._openers or [""])[-1] not in FROM_INSIDE:
            raise _no_function(token.text)
        if before.kind is Kind.WORD and before.upper in ("WITH", "RECURSIVE"):
            return False
        if before.text in (")", ".") or before.kind is Kind.QUOTED:
            if before.text == ".":
                raise _no_function(token.text)
            return False
        is_plain_word = before.kind is Kind.WORD and before.upper not in GRAMMAR_WORDS
        return not is_plain_word or before.upper in ("SET", "BY", "VALUES", "RETURN", "CUBE")

    def _call(self, token: Token) -> list[Token]:
        name = fold(token.name)
        if token.kind is Kind.WORD and token.upper in _REFUSED_CALLS:
            raise not_supported(_REFUSED_CALLS[token.upper])
        if name in DATE_PART_FIRST:
            return self._date_part_call(token, name)
        if name in RENAMED:
            return [Token(token.space, Kind.WORD, RENAMED[name])]
        if name in OF_THE_STAND_IN:
            return [Token(token.space, Kind.WORD, f"rs.{name}")]
        if name not in AS_IN_POSTGRES:
            raise _no_function(name)
        return [token]

    def _date_part_call(self, token: Token, name: str) -> list[Token]:
        parenthesis, part = self._reader.take(), self._reader.take()
        self._openers.append(token.upper)
        if part.kind not in (Kind.WORD, Kind.STRING):
            raise syntax_error(part.text)
        if part.kind is Kind.WORD:
            part = Token("", Kind.STRING, quote_literal(part.text.lower()))
        called = f"rs.{name}" if name in OF_THE_STAND_IN else name
        return [Token(token.space, Kind.WORD, called), parenthesis, part]

    def _information_schema(self) -> list[Token]:
        view = self._reader.identifier()
        if view not in _INFORMATION_SCHEMA:
            raise not_offered(f"information_schema.{view}")
        return [word(f"rs.information_schema_{view}")]


def _starts_operator(text: str) -> bool:
    """Tell whether a token glued to an operator would make another operator of it."""
    return text[0] in _OPERATOR_CHARACTERS and text not in ("-", "+")


def _no_function(name: str) -> RedshiftError:
    return RedshiftError(UNDEFINED_FUNCTION, f"function {name}() does not exist")
