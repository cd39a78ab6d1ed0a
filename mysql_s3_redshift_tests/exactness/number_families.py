"""Numbers of every MySQL type at their edges."""

from __future__ import annotations

from collections.abc import Sequence

from mysql_s3_redshift_tests.exactness.edges import Edges, numbers


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
