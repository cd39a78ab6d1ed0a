"""Names: the one authority for what a MySQL name becomes in Redshift, and for quoting.

A name in Redshift has 1 to 127 bytes and starts with a letter or underscore
(https://docs.aws.amazon.com/redshift/latest/dg/r_names.html). People write queries by hand, so the
names made here need no quotes: lower case, letters, digits and underscores of any alphabet, no
reserved word. The program itself quotes every name all the same.

Columns are named in the table's order and the first to claim a name keeps it; a later one that
would be the same gets a suffix made from its MySQL name. So a column added at the end renames
nothing, and the names of an earlier schema document (`known`) hold wherever a column is added.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from mysql_s3_redshift.errors import ConfigError

MAX_IDENTIFIER_BYTES = 127

_RESERVED = """
aes128 aes256 all allowoverwrite analyse analyze and any array as asc authorization az64 backup
between binary blanksasnull both bytedict bzip2 case cast check collate column constraint create
credentials cross current_date current_time current_timestamp current_user current_user_id
default deferrable deflate defrag delta delta32k desc disable distinct do else emptyasnull
enable encode encrypt encryption end except explicit false for foreign freeze from full
globaldict256 globaldict64k grant group gzip having identity ignore ilike in initially inner
intersect interval into is isnull join leading left like limit localtime localtimestamp lun luns
lzo lzop minus mostly16 mostly32 mostly8 natural new not notnull null nulls off offline offset
oid old on only open or order outer overlaps parallel partition percent permissions pivot
placing primary raw readratio recover references rejectlog resort respect restore right select
session_user similar snapshot some sysdate system table tag tdes text255 text32k then timestamp
to top trailing true truncatecolumns union unique unnest unpivot user using verbose wallet when
where with without
"""

RESERVED_WORDS = frozenset(_RESERVED.split())
"""https://docs.aws.amazon.com/redshift/latest/dg/r_pg_keywords.html"""

SYSTEM_COLUMNS = frozenset({"oid", "tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})
"""Column names that Redshift refuses even in quotes (r_names.html, "System column names")."""


def quote_redshift(name: str) -> str:
    """Quote an identifier for Redshift."""
    return '"' + _without_nul(name).replace('"', '""') + '"'


def quote_mysql(name: str) -> str:
    """Quote an identifier for MySQL."""
    return "`" + _without_nul(name).replace("`", "``") + "`"


def _without_nul(name: str) -> str:
    if not name or "\0" in name:
        raise ConfigError(
            f"{name!r} is not a name: it is empty or contains a NUL character.",
            remedy="Correct the name in pipelines.yaml.",
        )
    return name


def table_identifier(name: str) -> str:
    """Return Redshift's name for a MySQL table."""
    return _identifier(name, "tbl_")


def schema_identifier(name: str) -> str:
    """Return Redshift's name for a MySQL database."""
    plain = _identifier(name, "schema_")
    # Schema names that start with pg_ belong to Redshift (r_CREATE_SCHEMA.html).
    return _fit("schema_" + plain) if plain.startswith("pg_") else plain


def column_identifier(name: str) -> str:
    """Return Redshift's name for a MySQL column that no other column of its table competes for."""
    return _identifier(name, "col_")


def column_identifiers(
    names: Sequence[str], rename: Mapping[str, str], *, known: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Name all columns of a table in Redshift, each differently.

    Args:
        names: MySQL's column names in the table's order.
        rename: MySQL name → chosen name, from the configuration.
        known: MySQL name → name of an earlier schema of the same table; these names are kept.

    Raises:
        ConfigError: A column occurs twice, or a chosen name is not valid or not free.
    """
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(
            f"Column `{twice}` occurs more than once.",
            remedy="Give each column of the query its own name.",
        )
    chosen = _chosen_names(names, rename)
    earlier = {source.lower(): name for source, name in (known or {}).items()}
    assigned: dict[str, str] = dict(chosen)
    for name in names:
        kept = earlier.get(name.lower())
        if kept and name not in assigned and kept not in assigned.values():
            assigned[name] = kept
    for name in names:
        if name not in assigned:
            assigned[name] = _first_free(name, assigned.values())
    return tuple(assigned[name] for name in names)


def _chosen_names(names: Sequence[str], rename: Mapping[str, str]) -> dict[str, str]:
    by_source = {source.lower(): name for source, name in rename.items()}
    chosen = {name: by_source[name.lower()] for name in names if name.lower() in by_source}
    owners: dict[str, str] = {column_identifier(name): name for name in names if name not in chosen}
    for source, name in chosen.items():
        if column_identifier(name) != name:
            raise ConfigError(
                f"columns.rename: `{source}` cannot become `{name}` in Redshift.",
                remedy=f"Choose a plain lower-case name, for example `{column_identifier(name)}`.",
            )
        if name in owners:
            raise ConfigError(
                f"columns.rename: `{source}` and `{owners[name]}` would both be `{name}`.",
                remedy="Choose another name, or rename the other column too.",
            )
        owners[name] = source
    return chosen


def _first_free(name: str, taken: Iterable[str]) -> str:
    occupied = set(taken)
    plain = column_identifier(name)
    digest = hashlib.sha256(name.encode()).hexdigest()
    suffixed = (_fit(plain, suffix="_" + digest[:n]) for n in range(8, len(digest) + 1))
    return next(c for c in (plain, *suffixed) if c not in occupied)


def _identifier(name: str, lead: str) -> str:
    """Make one plain identifier: full-width and other compatibility forms become the usual ones."""
    folded = unicodedata.normalize(
        "NFKC", unicodedata.normalize("NFKC", _without_nul(name)).lower()
    )
    plain = "".join(c if c.isalnum() or c == "_" else "_" for c in folded)
    if not (plain[0].isalpha() or plain[0] == "_"):
        plain = lead + plain
    if plain in RESERVED_WORDS or plain in SYSTEM_COLUMNS:
        plain += "_"
    if len(plain.encode()) <= MAX_IDENTIFIER_BYTES:
        return plain
    return _fit(plain, suffix="_" + hashlib.sha256(name.encode()).hexdigest()[:8])


def _fit(plain: str, *, suffix: str = "") -> str:
    """Cut a name at a character so that it and its suffix take at most 127 bytes."""
    room = MAX_IDENTIFIER_BYTES - len(suffix.encode())
    return plain.encode()[:room].decode(errors="ignore") + suffix
