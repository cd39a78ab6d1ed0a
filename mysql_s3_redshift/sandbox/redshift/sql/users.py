"""CREATE USER, ALTER USER, DROP USER, GRANT and REVOKE."""

from __future__ import annotations

import hashlib
import re

from mysql_s3_redshift.sandbox.redshift.errors import RedshiftError, not_offered, syntax_error
from mysql_s3_redshift.sandbox.redshift.sql.lexer import (
    Reader,
    quote_literal,
    quote_name,
    render,
    string_value,
)
from mysql_s3_redshift.sandbox.redshift.sql.statement import Statement
from mysql_s3_redshift.sandbox.redshift.sql.words import word_set

_MD5 = re.compile(r"md5[0-9a-f]{32}")
_CLEAR_TEXT = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[!-~]{8,64}")
_PRIVILEGES = word_set(
    """
    SELECT INSERT UPDATE DELETE REFERENCES TRUNCATE CREATE USAGE TEMP TEMPORARY ALL
    """
)


def md5_password(password: str, user: str) -> str:
    """Hash a password as the MD5 login expects it (`r_CREATE_USER`)."""
    text = (password + user).encode()
    return "md5" + hashlib.md5(text, usedforsecurity=False).hexdigest()


def create_user(reader: Reader) -> Statement:
    """Translate what follows CREATE USER."""
    name = reader.identifier()
    reader.accept("WITH")
    reader.expect("PASSWORD")
    password = _read_password(reader, name)
    superuser = "superuser" if reader.accept("CREATEUSER") else "nosuperuser"
    reader.accept("NOCREATEUSER")
    reader.accept("NOCREATEDB")
    reader.finish()
    sql = f"create role {quote_name(name)} login {superuser}"
    return Statement(sql, "CREATE USER", then=(_set_password(name, password),))


def alter_user(reader: Reader) -> Statement:
    """Translate what follows ALTER USER: a new password."""
    name = reader.identifier()
    reader.accept("WITH")
    reader.expect("PASSWORD")
    password = _read_password(reader, name)
    reader.finish()
    # Restating LOGIN lets PostgreSQL judge whether this user may alter that one.
    sql = f"alter role {quote_name(name)} login"
    return Statement(sql, "ALTER USER", then=(_set_password(name, password),))


def drop_user(reader: Reader) -> Statement:
    """Translate what follows DROP USER."""
    missing = "if exists " if reader.accept("IF", "EXISTS") else ""
    name = reader.identifier()
    reader.finish()
    return Statement(f"drop role {missing}{quote_name(name)}", "DROP USER")


def grant(reader: Reader, *, revoke: bool) -> Statement:
    """Translate what follows GRANT or REVOKE on tables, schemas and databases."""
    tokens = reader.rest()
    words = [token.upper for token in tokens]
    if "ON" not in words:
        raise not_offered("GRANT of a role")
    for token in tokens[: words.index("ON")]:
        if token.text not in (",", "(", ")") and token.upper not in _PRIVILEGES:
            if token.upper in ("PRIVILEGES", "GRANT", "OPTION", "FOR"):
                continue
            raise not_offered(f"The privilege {token.text}")
    if "ROLE" in words or "GROUP" in words:
        raise not_offered("GRANT to a role or group")
    verb = "revoke" if revoke else "grant"
    return Statement(f"{verb} {render(tokens)}", verb.upper())


def _read_password(reader: Reader, user: str) -> str:
    if reader.accept("DISABLE"):
        raise not_offered("PASSWORD DISABLE")
    if reader.peek().is_name:
        raise syntax_error(reader.peek().text)
    password = string_value(reader.take())
    if _MD5.fullmatch(password):
        return password
    if password.startswith("sha256|"):
        raise not_offered("A SHA-256 password")
    if not _CLEAR_TEXT.fullmatch(password) or set(password) & set("'\"\\/@ "):
        message = (
            "password must be 8 to 64 characters with an upper case letter, a lower case letter "
            "and a digit, without quotation marks, backslash, slash, @ and blanks"
        )
        raise RedshiftError("22023", message)
    return md5_password(password, user)


def _set_password(user: str, password: str) -> str:
    return f"select rs.set_password({quote_literal(user)}, {quote_literal(password)})"
