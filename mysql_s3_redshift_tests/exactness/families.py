"""Every MySQL type at its edges: times, shapes, types by option, and all families together.

A family is one table. Each of its columns is filled with its own literals, one to a row, and the
rest of the column is NULL.
"""

from __future__ import annotations

from mysql_s3_redshift_tests.exactness.edges import Edges, quoted, text
from mysql_s3_redshift_tests.exactness.number_families import BITS, DECIMALS, FLOATS, INTEGERS
from mysql_s3_redshift_tests.exactness.text_families import BYTES, CHOICES, DOCUMENTS, TEXTS

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
