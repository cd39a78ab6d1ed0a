"""Every MySQL type at its edges: what is stored, and how each side tells a value as text.

A family is one table. Each of its columns is filled with its own literals, one to a row, and the
rest of the column is NULL. Both texts come from the two servers themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edges:
    """One column.

    Attributes:
        mysql: Its type and attributes in MySQL.
        redshift: The type that it has to get in Redshift.
        literals: Its values as MySQL literals.
        said_by_mysql: A value as MySQL tells it; `{}` is the column.
        said_by_redshift: The same for Redshift.
        option: `columns.types` of the column.
        only: `mysql` or `mariadb`, for what the other does not have.
    """

    mysql: str
    redshift: str
    literals: Sequence[str]
    said_by_mysql: str = "CAST({} AS CHAR)"
    said_by_redshift: str = "{}"
    option: str | None = None
    only: str = ""


def text(value: str) -> str:
    """A text literal that no sql_mode and no escape changes."""
    return f"_utf8mb4 X'{value.encode().hex()}'"


def numbers(*values: int) -> list[str]:
    """Number literals."""
    return [str(value) for value in values]


def quoted(*values: str) -> list[str]:
    """Plain string literals."""
    return [f"'{value}'" for value in values]


def _integer(mysql: str, redshift: str, *values: int) -> Edges:
    # `+0` takes off the zeros that ZEROFILL and YEAR show.
    return Edges(mysql, redshift, numbers(0, *values), said_by_mysql="{}+0")


INTEGERS = (
    _integer("TINYINT", "smallint", -128, 127),
    _integer("TINYINT(1)", "smallint", 1, 5, -1),
    _integer("TINYINT UNSIGNED", "smallint", 255),
    _integer("SMALLINT", "smallint", -32768, 32767),
    _integer("SMALLINT UNSIGNED", "integer", 65535),
    _integer("MEDIUMINT", "integer", -(2**23), 2**23 - 1),
    _integer("MEDIUMINT UNSIGNED", "integer", 2**24 - 1),
    _integer("INT", "integer", -(2**31), 2**31 - 1),
    _integer("INT(8) UNSIGNED ZEROFILL", "bigint", 42, 2**32 - 1),
    _integer("BIGINT", "bigint", -(2**63), 2**63 - 1, 2**53 + 1),
    _integer("BIGINT UNSIGNED", "decimal(20,0)", 2**64 - 1, 2**63, 2**53 + 1),
    _integer("YEAR", "smallint", 1901, 2155, 2024),
)


def _decimal(mysql: str, redshift: str, literals: Sequence[str], only: str = "") -> Edges:
    return Edges(mysql, redshift, literals, said_by_redshift="{}::varchar(70)", only=only)


_NINES = "9" * 38
DECIMALS = (
    _decimal("DECIMAL(38,0)", "decimal(38,0)", [_NINES, f"-{_NINES}", "0", "-1"]),
    _decimal("DECIMAL(38,30)", "decimal(38,30)", [f"0.{'0' * 29}1", f"-99999999.{'9' * 30}"]),
    _decimal("DECIMAL(10,2)", "decimal(10,2)", ["-0.01", "99999999.99", "0.10", "5"]),
    _decimal("DECIMAL(1,1)", "decimal(1,1)", ["0.9", "-0.9", "0"]),
    _decimal("DECIMAL(38,37)", "decimal(38,37)", [f"-9.{'9' * 37}"], only="mariadb"),
    Edges("DECIMAL(38,38)", "varchar(41)", [f"0.{_NINES}", f"-0.{'0' * 37}1"], only="mariadb"),
    Edges("DECIMAL(65,0)", "varchar(68)", ["9" * 65, "-" + "9" * 65]),
    Edges("DECIMAL(65,30)", "varchar(68)", [f"-{'9' * 35}.{'9' * 30}", f"0.{'0' * 29}1", "0"]),
)

_BITS = {"said_by_mysql": "{}*1e0", "said_by_redshift": "{}::double precision"}
FLOATS = (
    Edges(
        "FLOAT",
        "real",
        ["3.402823466e38", "-3.402823466e38", "1.17549435e-38", "0.1", "16777217", "-0e0", "1e-30"],
        **_BITS,
    ),
    Edges("FLOAT(7,3)", "real", ["1234.567", "-0.001"], **_BITS),
    Edges(
        "DOUBLE",
        "double precision",
        [
            "1.7976931348623157e308",
            "-1.7976931348623157e308",
            "2.2250738585072014e-308",
            "1e-15",
            "0.1e0+0.2e0",
            "9007199254740993e0",
            "-0e0",
        ],
        **_BITS,
    ),
    Edges("DOUBLE(10,2)", "double precision", ["1.005e0", "-99999999.99e0"], **_BITS),
)


def _bit(mysql: str, redshift: str, *values: int) -> Edges:
    return Edges(mysql, redshift, numbers(0, *values), said_by_mysql="CAST({}+0 AS CHAR)")


BITS = (
    Edges(
        "BIT(1)",
        "boolean",
        ["b'0'", "b'1'"],
        said_by_mysql="CAST({}+0 AS CHAR)",
        said_by_redshift="CASE WHEN {} THEN '1' WHEN NOT {} THEN '0' END",
    ),
    _bit("BIT(5)", "bigint", 1, 31),
    _bit("BIT(63)", "bigint", 2**63 - 1),
    _bit("BIT(64)", "decimal(20,0)", 2**64 - 1, 2**63),
)

_DAY = {"said_by_redshift": "to_char({}, 'YYYY-MM-DD')"}
_MOMENT = {
    "said_by_mysql": "DATE_FORMAT({}, '%Y-%m-%d %H:%i:%s.%f')",
    "said_by_redshift": "to_char({}, 'YYYY-MM-DD HH24:MI:SS.US')",
}
_EARLY, _LATE = "0001-01-01 00:00:00", "9999-12-31 23:59:59"
TIMES = (
    Edges(
        "DATE",
        "date",
        quoted("0001-01-01", "9999-12-31", "1969-12-31", "2024-02-29", "1582-10-10"),
        **_DAY,
    ),
    Edges("DATETIME", "timestamp", quoted(_EARLY, _LATE, "1969-12-31 23:59:59"), **_MOMENT),
    Edges("DATETIME(3)", "timestamp", quoted(_EARLY, f"{_LATE}.999"), **_MOMENT),
    Edges(
        "DATETIME(6)",
        "timestamp",
        quoted(_EARLY, f"{_LATE}.999999", "1969-12-31 23:59:59.000001", "2024-03-10 02:30:00"),
        **_MOMENT,
    ),
    Edges(
        "TIMESTAMP NULL",
        "timestamp",
        quoted("1970-01-01 00:00:01", "2038-01-19 03:14:07", "2024-03-10 02:30:00"),
        **_MOMENT,
    ),
    Edges(
        "TIMESTAMP(6) NULL",
        "timestamp",
        quoted("1970-01-01 00:00:01.000001", "2038-01-19 03:14:07.999999"),
        **_MOMENT,
    ),
    Edges(
        "TIME", "varchar(17)", quoted("838:59:59", "-838:59:59", "00:00:00", "24:00:00", "-0:00:01")
    ),
    Edges("TIME(3)", "varchar(17)", quoted("23:59:59.999", "-00:00:00.001")),
    Edges("TIME(6)", "varchar(17)", quoted("837:59:59.999999", "-837:59:59.999999", "838:59:59")),
    Edges("TIME(6)", "varchar(17)", quoted("-838:59:59.999999"), only="mariadb"),
)

_WORDS = (
    "", " ", "  two spaces around  ", "NULL", "null", "Null", "None", "NaN", "nan", "\\N", "\\n",
    "inf", "true", "0000-00-00", "'", "''", '"', '""', "`", "\\", "\\\\", "\\'", "a\\",
    "line\nline", "\r\n", "\t", "\x1a", "\x7f", "\x01", "a,b;c|d", "%s %(x)s {} ? :a $1 --",
    "\N{ROCKET}\N{PILE OF POO}", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "e\u0301 \u00e9",
    "\u202eltr", "\ufeffbom", "\ufffd", "\U0010ffff", "\u4e2d\u6587", "\u0e01\u0e33", "\u1e9e",
    "\N{ROCKET}" * 255,
)  # fmt: skip
_LATIN = ("\u20ac", "\u00e9\u00ff", "\u0081\u008d", "NULL", "", "\u2019\u201d\u2122")
_WIDE = ("\u20ac\u00e9", "\u4e2d\u6587", "", "\u0416")
TEXTS = (
    Edges("VARCHAR(255) CHARACTER SET utf8mb4", "varchar(1020)", [text(word) for word in _WORDS]),
    Edges(
        "CHAR(20) CHARACTER SET utf8mb4",
        "varchar(80)",
        [text(w) for w in ("", "x", "\N{ROCKET}" * 20, " a ")],
    ),
    Edges("VARCHAR(9) CHARACTER SET latin1", "varchar(27)", [text(word) for word in _LATIN]),
    Edges("CHAR(9) CHARACTER SET ascii", "varchar(18)", [text("~ \x7f"), text("")]),
    Edges("VARCHAR(5) CHARACTER SET utf8mb3", "varchar(15)", [text(word) for word in _WIDE]),
    Edges("VARCHAR(5) CHARACTER SET ucs2", "varchar(15)", [text(word) for word in _WIDE]),
    Edges("VARCHAR(5) CHARACTER SET utf16", "varchar(20)", [text("\N{ROCKET}" * 5), text("")]),
    Edges("VARCHAR(5) CHARACTER SET utf32", "varchar(20)", [text("\N{ROCKET}" * 5), text("")]),
    Edges("VARCHAR(5) CHARACTER SET sjis", "varchar(15)", [text("\u8868\uff71\\"), text("")]),
    Edges("VARCHAR(5) CHARACTER SET gbk", "varchar(15)", [text("\u4e2d\u20ac"), text("")]),
    Edges("TINYTEXT CHARACTER SET utf8mb4", "varchar(65535)", [text(""), text("\N{ROCKET}" * 63)]),
    Edges(
        "TEXT CHARACTER SET utf8mb4",
        "varchar(65535)",
        [text("NULL"), "REPEAT('x', 65535)", "CONCAT(REPEAT(X'F09F9A80', 16383), 'xyz')"],
    ),
    Edges("LONGTEXT CHARACTER SET utf8mb4", "varchar(65535)", [text(""), "REPEAT('y', 65535)"]),
)

CHOICES = (
    Edges(
        "ENUM('a','','NULL','\u20ac') CHARACTER SET utf8mb4",
        "varchar(16)",
        ["'a'", "''", "'NULL'", "4", "0", "'none of them'"],
    ),
    Edges("ENUM('\u00e9') CHARACTER SET latin1", "varchar(3)", ["1", "0"]),
    Edges("SET('x','y','NULL') CHARACTER SET utf8mb4", "varchar(32)", quoted("", "x,NULL", "y")),
)

_HEX = {"said_by_mysql": "LOWER(HEX({}))", "said_by_redshift": "to_hex({})"}
_ALL_BYTES = bytes(range(256)).hex()
BYTES = (
    Edges("BINARY(4)", "varbyte(4)", ["X'00'", "X'FFFFFFFF'", "X'20'"], **_HEX),
    Edges("VARBINARY(300)", "varbyte(300)", ["X''", "X'00'", f"X'{_ALL_BYTES}'"], **_HEX),
    Edges("TINYBLOB", "varbyte(255)", ["X''", "X'C3'", "'\\\\x41'"], **_HEX),
    Edges("BLOB", "varbyte(65535)", [f"REPEAT(X'{_ALL_BYTES}', 255)", "'NULL'"], **_HEX),
    Edges("LONGBLOB", "varbyte(1024000)", ["REPEAT(X'FF00', 50000)", "X''"], **_HEX),
    Edges(
        "VECTOR(3)",
        "varbyte(12)",
        ["STRING_TO_VECTOR('[1,-2.5,3e38]')", "STRING_TO_VECTOR('[0]')"],
        **_HEX,
        only="mysql",
    ),
)

_DOCUMENT = (
    '{"big": 18446744073709551615, "small": -9223372036854775808, "float": 1e-7, "b": [true, null],'
    ' "text": "\\u20ac \\"q\\" \\\\ \\n", "emoji": "\U0001f680", "": {"a": {"A": 1}}}'
)
DOCUMENTS = (
    Edges(
        "JSON",
        "varchar(65535)",
        [
            text(_DOCUMENT),
            "'{}'",
            "'[]'",
            "'null'",
            "'\"NULL\"'",
            "'1.0'",
            "'123456789012345678901234567890'",
        ],
    ),
    Edges(
        "INET6",
        "varchar(45)",
        quoted("::", "2001:db8::ff00:42:8329", "::ffff:1.2.3.4"),
        only="mariadb",
    ),
    Edges("INET4", "varchar(15)", quoted("0.0.0.0", "255.255.255.255"), only="mariadb"),
    Edges("UUID", "varchar(36)", quoted("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), only="mariadb"),
)

_SHAPES = (
    "POINT(-180 90.5)", "LINESTRING(0 0,1e-300 1,2 1e300)", "MULTIPOINT(0 0,1 1)",
    "POLYGON((0 0,0 9,9 9,0 0),(1 2,1 3,2 3,1 2))", "MULTILINESTRING((0 0,1 1),(2 2,3 3))",
    "MULTIPOLYGON(((0 0,0 1,1 1,0 0)))", "GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))",
)  # fmt: skip
_SHAPED = [f"ST_GeomFromText('{shape}')" for shape in _SHAPES]
_SHAPED += ["ST_GeomFromText('POINT(1 2)', 3857)", "ST_GeomFromText('LINESTRING(3 4,5 6)', 4326)"]
# Byte order, type, SRID and coordinates are laid out differently by the two servers, so each tells
# the SRID and the plain binary. MySQL writes geographic coordinates latitude first unless told.
_SHAPE = {
    "said_by_redshift": "st_srid(st_geomfromewkb(to_hex({}))) || ' ' || "
    "to_hex(st_asbinary(st_geomfromewkb(to_hex({}))))",
}
_BY_MARIADB = {"said_by_mysql": "CONCAT(ST_SRID({}), ' ', LOWER(HEX(ST_AsWKB({}))))"}
_BY_MYSQL = {
    "said_by_mysql": "CONCAT(ST_SRID({}), ' ', LOWER(HEX(ST_AsWKB({}, 'axis-order=long-lat'))))"
}
_AS_GEOMETRY = {
    "said_by_redshift": "st_srid({}) || ' ' || to_hex(st_asbinary({}))",
    "option": "geometry",
}
SHAPES = (
    Edges("GEOMETRY", "varbyte(1024000)", _SHAPED, only="mariadb", **_SHAPE, **_BY_MARIADB),
    Edges("GEOMETRY", "varbyte(1024000)", _SHAPED, only="mysql", **_SHAPE, **_BY_MYSQL),
    Edges("POINT", "varbyte(1024000)", _SHAPED[:1], **_SHAPE, **_BY_MARIADB),
    Edges("GEOMETRY", "geometry", _SHAPED, only="mariadb", **_AS_GEOMETRY, **_BY_MARIADB),
    Edges("GEOMETRY", "geometry", _SHAPED, only="mysql", **_AS_GEOMETRY, **_BY_MYSQL),
)

OPTIONS = (
    Edges(
        "TINYINT(1)",
        "boolean",
        ["0", "1"],
        said_by_redshift="CASE WHEN {} THEN '1' WHEN NOT {} THEN '0' END",
        option="bool",
    ),
    Edges(
        "TIME(6)",
        "time",
        quoted("00:00:00", "23:59:59.999999", "00:00:00.000001"),
        said_by_redshift="to_char({}, 'HH24:MI:SS.US')",
        option="time",
    ),
    Edges("TIME", "time", quoted("00:00:00", "23:59:59"), option="time"),
    Edges(
        "TIMESTAMP(6) NULL",
        "timestamptz",
        quoted("1970-01-01 00:00:01.000001", "2038-01-19 03:14:07.999999", "2024-03-10 02:30:00"),
        said_by_mysql=_MOMENT["said_by_mysql"],
        said_by_redshift="to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')",
        option="timestamptz",
    ),
    Edges(
        "TEXT",
        "super",
        [
            text('{"a":18446744073709551615,"b":[1.50,null,"\u20ac"]}'),
            "'[]'",
            "'\"NULL\"'",
            "'12345678901234567890.5'",
        ],
        said_by_redshift="CASE WHEN {} IS NOT NULL THEN json_serialize({}) END",
        option="super",
    ),
    Edges(
        "VARCHAR(255) CHARACTER SET utf8mb4",
        "varchar(20)",
        [text("\N{ROCKET}" * 5), text("")],
        option="varchar(20)",
    ),
    Edges("JSON", "varchar(100)", ["'[1,2]'"], option="varchar(100)"),
)

FAMILIES = {
    "integers": INTEGERS,
    "decimals": DECIMALS,
    "floats": FLOATS,
    "bits": BITS,
    "times": TIMES,
    "texts": TEXTS,
    "choices": CHOICES,
    "bytes": BYTES,
    "documents": DOCUMENTS,
    "shapes": SHAPES,
    "options": OPTIONS,
}
