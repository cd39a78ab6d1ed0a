"""COPY .. FROM 's3://..' FORMAT PARQUET: reading the options and refusing those it cannot have.

Which options columnar COPY takes: `copy-usage_notes-copy-from-columnar`. STATUPDATE is among them,
COMPUPDATE is not. SERIALIZETOJSON: `ingest-super`.
"""

from __future__ import annotations

import re

from mysql_s3_redshift.sandbox.redshift.errors import (
    NOT_SUPPORTED,
    SYNTAX_ERROR,
    RedshiftError,
    not_offered,
    syntax_error,
)
from mysql_s3_redshift.sandbox.redshift.sql.lexer import END, Kind, Reader, string_value
from mysql_s3_redshift.sandbox.redshift.sql.statement import CopyFrom, Statement

_FORMATS = frozenset({"PARQUET", "ORC", "CSV", "JSON", "AVRO", "SHAPEFILE"})
_KEY_OPTIONS = frozenset({"ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"})
_CREDENTIAL_KEYS = {
    "aws_access_key_id": "ACCESS_KEY_ID",
    "aws_secret_access_key": "SECRET_ACCESS_KEY",
    "token": "SESSION_TOKEN",
}
_ALLOWED = frozenset(
    {"MANIFEST", "FILLRECORD", "SERIALIZETOJSON", "EXPLICIT_IDS", "STATUPDATE", "ACCEPTINVCHARS"}
)
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")
_SWITCHES = frozenset({"ON", "OFF", "TRUE", "FALSE", "PRESET"})


class _Options:
    """What has been read so far."""

    def __init__(self) -> None:
        self.format = ""
        self.words: set[str] = set()
        self.keys: dict[str, str] = {}
        self.has_role = False


def copy_from(reader: Reader) -> Statement:
    """Translate what follows COPY."""
    table = reader.qualified_name()
    columns = tuple(reader.names()) if reader.peek().text == "(" else None
    reader.expect("FROM")
    source = string_value(reader.take())
    if not source.startswith("s3://"):
        raise not_offered("COPY from anything but S3")
    options = _Options()
    while reader.peek() is not END:
        _read_option(reader, options)
    _check(options)
    action = CopyFrom(table, columns, source, _credentials(options), frozenset(options.words))
    return Statement(tag="COPY", action=action)


def _read_option(reader: Reader, options: _Options) -> None:
    name = reader.take().upper
    if name in ("WITH", "AS"):
        return
    reader.accept("AS")
    if name == "IAM_ROLE":
        _read_role(reader, options)
    elif name == "CREDENTIALS":
        _read_credentials(string_value(reader.take()), options)
    elif name in _KEY_OPTIONS:
        options.keys[name] = string_value(reader.take())
    elif name == "FORMAT":
        reader.accept("AS")
        options.format = reader.take().upper
    elif name in _FORMATS:
        options.format = name
    elif name and name.replace("_", "").isalnum():
        options.words.add(name)
        _skip_argument(reader)
    else:
        raise syntax_error(name)


def _skip_argument(reader: Reader) -> None:
    reader.accept("AS")
    if reader.peek().kind in (Kind.STRING, Kind.NUMBER) or reader.peek().upper in _SWITCHES:
        reader.take()


def _read_role(reader: Reader, options: _Options) -> None:
    options.has_role = True
    if reader.accept("DEFAULT"):
        return
    role = string_value(reader.take())
    if not all(_ROLE.fullmatch(part) for part in role.split(",")):
        raise RedshiftError("XX000", f"Invalid IAM_ROLE: '{role}' is not the ARN of a role")


def _read_credentials(text: str, options: _Options) -> None:
    pairs = dict(part.split("=", 1) for part in text.split(";") if "=" in part)
    if role := pairs.get("aws_iam_role"):
        if not _ROLE.fullmatch(role):
            raise RedshiftError("XX000", f"Invalid credentials: '{role}' is not the ARN of a role")
        options.has_role = True
    for key, value in pairs.items():
        if key in _CREDENTIAL_KEYS:
            options.keys[_CREDENTIAL_KEYS[key]] = value


def _check(options: _Options) -> None:
    if not options.has_role and not options.keys:
        message = "Missing credentials: COPY needs IAM_ROLE, CREDENTIALS or access keys"
        raise RedshiftError(SYNTAX_ERROR, message)
    if options.has_role and options.keys:
        raise RedshiftError(SYNTAX_ERROR, "Credentials conflict: IAM_ROLE and access keys")
    if options.format != "PARQUET":
        raise not_offered(f"COPY in the format {options.format or 'of delimited text'}")
    for name in sorted(options.words - _ALLOWED):
        message = f"{name} argument is not supported for PARQUET based COPY"
        raise RedshiftError(NOT_SUPPORTED, message)
    if "ACCEPTINVCHARS" in options.words:
        raise not_offered("COPY with ACCEPTINVCHARS")


def _credentials(options: _Options) -> tuple[str, str, str | None] | None:
    if not options.keys:
        return None
    try:
        key, secret = options.keys["ACCESS_KEY_ID"], options.keys["SECRET_ACCESS_KEY"]
    except KeyError as missing:
        raise RedshiftError(SYNTAX_ERROR, f"Missing credentials: {missing.args[0]}") from None
    return key, secret, options.keys.get("SESSION_TOKEN")
