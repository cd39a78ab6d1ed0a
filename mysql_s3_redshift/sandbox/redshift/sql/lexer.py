"""Cuts a statement into tokens, folding and shortening identifiers on the way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise

from mysql_s3_redshift.sandbox.redshift.errors import not_supported, syntax_error
from mysql_s3_redshift.sandbox.redshift.names import POSTGRES_LIMIT, LongNames
from mysql_s3_redshift.sandbox.redshift.sql.reserved import RESERVED


class Kind(Enum):
    """What a token is."""

    WORD = auto()
    QUOTED = auto()
    STRING = auto()
    NUMBER = auto()
    PARAMETER = auto()
    OPERATOR = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """One token and the white space before it."""

    space: str
    kind: Kind
    text: str

    @property
    def upper(self) -> str:
        """The keyword that an unquoted word may be; any other token as it is."""
        return self.text.upper() if self.kind is Kind.WORD else self.text

    @property
    def name(self) -> str:
        """The bare identifier, without quotation marks."""
        return self.text[1:-1] if self.kind is Kind.QUOTED else self.text

    @property
    def is_name(self) -> bool:
        """Whether this token can be an identifier."""
        return self.kind in (Kind.WORD, Kind.QUOTED)


END = Token("", Kind.END, "")

_TOKEN = re.compile(
    r"""(?P<blank>\s+|--[^\n]*|/\*.*?\*/)
      | (?P<STRING>'(?:[^'\\]|''|\\.)*')
      | (?P<QUOTED>"[^"]*")
      | (?P<PARAMETER>\$\d+)
      | (?P<NUMBER>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
      | (?P<WORD>[A-Za-z_\u0080-\U0010ffff][\w$]*)
      | (?P<OPERATOR>::|<>|!=|<=|>=|\|\||[-+*/%^<>=(),.;~|&\#!])
      | (?P<unknown>.)""",
    re.VERBOSE | re.DOTALL,
)
_ASCII_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_ESCAPE = re.compile(r"''|\\(.)", re.DOTALL)
_CONTROL_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def fold(name: str) -> str:
    """Fold ASCII letters to lower case, as Redshift does with quoted names too (`r_names`)."""
    return name.translate(_ASCII_LOWER)


def tokenize(sql: str, names: LongNames) -> list[Token]:
    """Cut a statement into tokens, without comments and without the closing semicolon.

    Raises:
        RedshiftError: On characters and names that Redshift does not take.
    """
    tokens: list[Token] = []
    space = ""
    for match in _TOKEN.finditer(sql):
        group, text = str(match.lastgroup), match.group()
        if group == "blank":
            # A comment becomes a blank, so that the words around it stay apart.
            space += text if text.isspace() else " "
            continue
        if group == "unknown":
            raise syntax_error(text)
        tokens.append(_token(space, Kind[group], text, names))
        space = ""
    while tokens and tokens[-1].text == ";":
        tokens.pop()
    _refuse_string_prefixes(tokens)
    return tokens


def _token(space: str, kind: Kind, text: str, names: LongNames) -> Token:
    if kind is Kind.QUOTED:
        name = fold(text[1:-1])
        if not name or any(ord(character) < 32 for character in name):
            raise syntax_error(text)
        text = f'"{names.shorten(name)}"'
    elif kind is Kind.WORD and len(text.encode()) > POSTGRES_LIMIT:
        return Token(space, Kind.QUOTED, f'"{names.shorten(fold(text))}"')
    return Token(space, kind, text)


def _refuse_string_prefixes(tokens: Sequence[Token]) -> None:
    """Refuse E'..', B'..', X'..', N'..', U&'..': younger than, or no part of, Redshift's parser."""
    for before, token in pairwise(tokens):
        if token.kind is Kind.STRING and not token.space and before.kind is Kind.WORD:
            raise not_supported(f"String constant {before.text}'...'")


def split_statements(tokens: Sequence[Token]) -> list[list[Token]]:
    """Split at semicolons."""
    statements: list[list[Token]] = [[]]
    for token in tokens:
        if token.text == ";":
            statements.append([])
        else:
            statements[-1].append(token)
    return [statement for statement in statements if statement]


def render(tokens: Sequence[Token]) -> str:
    """Join tokens to SQL again."""
    return "".join(token.space + token.text for token in tokens).strip()


def word(text: str) -> Token:
    """Make a token of our own, set apart by a blank."""
    return Token(" ", Kind.WORD, text)


def quote_literal(text: str) -> str:
    """Quote a string for PostgreSQL, where backslashes are escapes in these sessions."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def quote_name(name: str) -> str:
    """Quote an identifier."""
    return '"' + name.replace('"', '""') + '"'


def string_value(token: Token) -> str:
    """Decode a string constant.

    Raises:
        RedshiftError: When the token is not a string.
    """
    if token.kind is not Kind.STRING:
        raise syntax_error(token.text)

    def unescape(match: re.Match[str]) -> str:
        character = match.group(1)
        return "'" if character is None else _CONTROL_ESCAPES.get(character, character)

    return _ESCAPE.sub(unescape, token.text[1:-1])


def integer_value(token: Token) -> int:
    """Decode an integer constant.

    Raises:
        RedshiftError: When the token is not an integer.
    """
    if token.kind is not Kind.NUMBER or not token.text.isdigit():
        raise syntax_error(token.text)
    return int(token.text)


def split_commas(tokens: Sequence[Token]) -> list[list[Token]]:
    """Split at the commas that are not inside parentheses."""
    depth, parts = 0, [list[Token]()]
    for token in tokens:
        depth += (token.text == "(") - (token.text == ")")
        if token.text == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


class Reader:
    """Reads a statement from left to right."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens, self._position = tokens, 0

    def peek(self, ahead: int = 0) -> Token:
        """Return a coming token without taking it."""
        index = self._position + ahead
        return self._tokens[index] if index < len(self._tokens) else END

    def take(self) -> Token:
        """Take the next token."""
        token = self.peek()
        self._position += 1
        return token

    def accept(self, *words: str) -> bool:
        """Take these keywords if they come next."""
        if all(self.peek(index).upper == text for index, text in enumerate(words)):
            self._position += len(words)
            return True
        return False

    def accept_any(self, *words: str) -> str:
        """Take the next token if it is one of these keywords; return it, or an empty string."""
        return self.take().upper if self.peek().upper in words else ""

    def expect(self, *words: str) -> None:
        """Take these keywords or fail."""
        for text in words:
            if not self.accept(text):
                raise syntax_error(self.peek().text)

    def identifier(self) -> str:
        """Take one identifier; an unquoted reserved word is none (`r_pg_keywords`)."""
        token = self.take()
        if not token.is_name or (token.kind is Kind.WORD and token.upper in RESERVED):
            raise syntax_error(token.text)
        return fold(token.name)

    def qualified_name(self) -> str:
        """Take a name with an optional schema; return it quoted."""
        parts = [self.identifier()]
        while self.accept("."):
            parts.append(self.identifier())
        if len(parts) > 2:
            raise not_supported("A reference to another database")
        return ".".join(quote_name(part) for part in parts)

    def group(self) -> list[Token]:
        """Take a parenthesised group; return what is inside."""
        self.expect("(")
        depth, inside = 1, list[Token]()
        while True:
            token = self.take()
            depth += (token.text == "(") - (token.text == ")")
            if token is END:
                raise syntax_error("")
            if depth == 0:
                return inside
            inside.append(token)

    def names(self) -> list[str]:
        """Take a parenthesised list of identifiers."""
        readers = [Reader(part) for part in split_commas(self.group())]
        names = [reader.identifier() for reader in readers]
        for reader in readers:
            reader.finish()
        return names

    def rest(self) -> list[Token]:
        """Take everything that is left."""
        rest = list(self._tokens[self._position :])
        self._position = len(self._tokens)
        return rest

    def finish(self) -> None:
        """Fail if anything is left."""
        if self.peek() is not END:
            raise syntax_error(self.peek().text)
