"""Texts, choices, bytes and documents of every MySQL type at their edges."""

from __future__ import annotations

from mysql_s3_redshift_tests.exactness.edges import Edges, quoted, text

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
