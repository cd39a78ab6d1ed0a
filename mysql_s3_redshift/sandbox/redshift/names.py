"""Identifiers of 64 to 127 bytes, which Redshift has and PostgreSQL (63 bytes) has not.

A longer name is replaced by its first characters, a tilde and a digest of the whole: the same short
name in every session, so that a map from short to full names is all that has to be remembered. The
map lives in `rs.long_name`, from which the catalogue views restore the full names.

Redshift cuts names above 127 bytes with a notice (`r_CREATE_TABLE_NEW`); the stand-in refuses them,
because a cut name is never what the caller meant.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from mysql_s3_redshift.sandbox.redshift.errors import RedshiftError

POSTGRES_LIMIT = 63
REDSHIFT_LIMIT = 127

_DIGEST_LENGTH = 12
_PREFIX_BYTES = POSTGRES_LIMIT - _DIGEST_LENGTH - 1


class LongNames:
    """The long identifiers of one database."""

    def __init__(self, known: Mapping[str, str] | None = None) -> None:
        self._full = dict(known or {})
        self._unsaved: dict[str, str] = {}

    def shorten(self, name: str) -> str:
        """Return the name to use inside PostgreSQL.

        Raises:
            RedshiftError: When the name is longer than Redshift allows.
        """
        size = len(name.encode())
        if size <= POSTGRES_LIMIT:
            return name
        if size > REDSHIFT_LIMIT:
            raise RedshiftError("42622", f'identifier "{name}" is longer than 127 bytes')
        prefix = name.encode()[:_PREFIX_BYTES].decode(errors="ignore")
        short = f"{prefix}~{hashlib.sha256(name.encode()).hexdigest()[:_DIGEST_LENGTH]}"
        if short not in self._full:
            self._full[short] = self._unsaved[short] = name
        return short

    def full(self, name: str) -> str:
        """Return the name that the client gave."""
        return self._full.get(name, name)

    def restore(self, text: str) -> str:
        """Put full names back into an error message."""
        if "~" not in text or not self._full:
            return text
        for short in self._full:
            text = text.replace(short, self._full[short])
        return text

    def take_unsaved(self) -> dict[str, str]:
        """Return the names seen since the last call; they have to be stored."""
        unsaved, self._unsaved = self._unsaved, {}
        return unsaved
