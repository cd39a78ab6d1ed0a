"""The tables that are read: `orders` (narrow), `wide`, `documents`, and two of edge values.

They are made by SQL from MariaDB's sequence engine, the same rows every time. A table that has its
rows already is left as it is.
"""

from __future__ import annotations

import itertools

from benchmarks.workspace import DATABASE, Workspace

NARROW_ROWS = 3_000_000
WIDE_ROWS = 300_000
DOCUMENTS = 300
DOCUMENT_BYTES = 1 << 20

_NARROW = """
CREATE TABLE {name} (
  id BIGINT NOT NULL PRIMARY KEY,
  customer_id INT NOT NULL,
  status VARCHAR(16) NOT NULL,
  amount DECIMAL(12,2) NOT NULL,
  quantity SMALLINT NOT NULL,
  weight DOUBLE,
  tracking_number VARCHAR(32) NOT NULL,
  city VARCHAR(64) NOT NULL,
  is_paid TINYINT(1) NOT NULL,
  remark VARCHAR(255),
  created_at DATETIME NOT NULL,
  updated_at DATETIME(6) NOT NULL,
  KEY updated (updated_at, id)
) ENGINE=InnoDB
"""

# `updated_at` is spread over two years without regard to the key, as in a table that is worked on.
_NARROW_ROWS = """
INSERT INTO {name}
SELECT seq, CRC32(seq) % 200000,
  ELT(1 + CRC32(seq) % 5, 'created', 'paid', 'shipped', 'delivered', 'returned'),
  (CRC32(seq * 3) % 10000000) / 100, 1 + seq % 40, (CRC32(seq * 7) % 100000) / 7,
  CONCAT('UUS', LPAD(CRC32(seq * 11), 10, '0'), LPAD(seq, 9, '0')),
  ELT(1 + CRC32(seq * 5) % 8, 'Vancouver', 'Toronto', 'San Francisco', 'Los Angeles', 'New York',
      'Montréal', '深圳', 'Chicago'),
  seq % 3 = 0,
  IF(seq % 4 = 0, NULL, CONCAT('left at the door, order ', seq, ', item ', seq % 40)),
  '2023-01-01' + INTERVAL (seq * 20) SECOND,
  '2023-01-01' + INTERVAL (CRC32(seq * 13) % 63072000) SECOND + INTERVAL (seq % 1000000) MICROSECOND
FROM seq_{first}_to_{last}
"""

_WIDE_KINDS = {
    "n_big": ("BIGINT NOT NULL", "CRC32(seq + {i}) * 4096 + seq"),
    "n_int": ("INT", "IF(seq % 17 = {i}, NULL, CRC32(seq * {i} + 1) % 2000000000)"),
    "n_tiny": ("TINYINT NOT NULL", "(seq + {i}) % 127"),
    "price": ("DECIMAL(18,4) NOT NULL", "CRC32(seq * 3 + {i}) / 10000"),
    "ratio": ("DOUBLE NOT NULL", "(CRC32(seq + {i}) % 1000000) / 7"),
    "share": ("FLOAT", "IF(seq % 13 = {i}, NULL, (CRC32(seq + {i}) % 1000) / 3)"),
    "label": ("VARCHAR(40) NOT NULL", "ELT(1 + (seq + {i}) % 4, 'north', 'south', 'east', 'west')"),
    "note": ("VARCHAR(100)", "IF(seq % 5 = {i}, NULL, CONCAT('note ', seq, ' of column ', {i}))"),
    "at": ("DATETIME NOT NULL", "'2024-01-01' + INTERVAL (seq + {i}) SECOND"),
    "at_us": (
        "DATETIME(6)",
        "IF(seq % 19 = {i}, NULL, '2024-01-01' + INTERVAL seq SECOND + INTERVAL {i} MICROSECOND)",
    ),
    "day": ("DATE NOT NULL", "'2000-01-01' + INTERVAL (seq % 9000) DAY"),
    "token": ("VARBINARY(32) NOT NULL", "UNHEX(MD5(seq + {i}))"),
}
WIDE_REPEATS = 5


def make_tables(workspace: Workspace) -> None:
    """Make `orders`, `wide` and the two tables of edge values."""
    with workspace.admin(None) as connection:
        connection.cursor().execute(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
    make_narrow(workspace, "orders", NARROW_ROWS)
    _make_wide(workspace, WIDE_ROWS)
    for name, statements in EDGES.items():
        _make(workspace, name, statements, rows=None)


def make_narrow(workspace: Workspace, name: str, rows: int) -> None:
    """Make a table like `orders` with so many rows, a million at a time."""
    edges = [*range(0, rows, 1_000_000), rows]
    steps = [
        _NARROW_ROWS.format(name=name, first=first + 1, last=last)
        for first, last in itertools.pairwise(edges)
    ]
    _make(workspace, name, [_NARROW.format(name=name), *steps], rows=rows)


def make_documents(workspace: Workspace) -> None:
    """Make a table of large texts: a megabyte a row."""
    create = "CREATE TABLE documents (id INT NOT NULL PRIMARY KEY, body LONGTEXT NOT NULL)"
    fill = (
        "INSERT INTO documents SELECT seq, "
        f"REPEAT(MD5(seq), {DOCUMENT_BYTES // 32}) FROM seq_1_to_{DOCUMENTS}"
    )
    _make(workspace, "documents", [create, fill], rows=DOCUMENTS)


def _make_wide(workspace: Workspace, rows: int) -> None:
    columns = {
        f"{name}_{i}": (kind, value.format(i=i))
        for i in range(1, WIDE_REPEATS + 1)
        for name, (kind, value) in _WIDE_KINDS.items()
    }
    declared = ", ".join(f"{name} {kind}" for name, (kind, _) in columns.items())
    values = ", ".join(value for _, value in columns.values())
    create = f"CREATE TABLE wide ({declared}, PRIMARY KEY (n_big_1)) ENGINE=InnoDB"
    fill = f"INSERT INTO wide SELECT {values} FROM seq_1_to_{rows}"
    _make(workspace, "wide", [create, fill], rows=rows)


def _make(workspace: Workspace, name: str, statements: list[str], *, rows: int | None) -> None:
    with workspace.admin() as connection:
        cursor = connection.cursor()
        cursor.execute("SET SESSION sql_mode = 'ALLOW_INVALID_DATES', unique_checks = 0")
        cursor.execute(f"SHOW TABLES LIKE '{name}'")
        if cursor.fetchone() is not None and rows is not None:
            cursor.execute(f"SELECT COUNT(*) FROM {name}")
            found = cursor.fetchone()
            if found == (rows,):
                return
        print(f"making {name}", flush=True)
        cursor.execute(f"DROP TABLE IF EXISTS {name}")
        for statement in statements:
            cursor.execute(statement)
            connection.commit()
        cursor.execute(f"ANALYZE TABLE {name}")
        cursor.fetchall()


EDGES = {
    # What every tool should manage.
    "edges_common": [
        """CREATE TABLE edges_common (
          id INT NOT NULL PRIMARY KEY,
          c_tinyint TINYINT, c_tinyint1 TINYINT(1), c_smallint SMALLINT, c_mediumint MEDIUMINT,
          c_int INT, c_bigint BIGINT,
          c_decimal DECIMAL(12,2), c_decimal38 DECIMAL(38,10), c_float FLOAT, c_double DOUBLE,
          c_date DATE, c_datetime DATETIME, c_datetime6 DATETIME(6), c_timestamp6 TIMESTAMP(6) NULL,
          c_char CHAR(10), c_varchar VARCHAR(100), c_text TEXT, c_blob BLOB
        )""",
        """INSERT INTO edges_common VALUES
          (1, -128, 0, -32768, -8388608, -2147483648, -9223372036854775808,
           -9999999999.99, -9999999999999999999999999999.9999999999, 16777215, 4.9e-324,
           '1000-01-01', '1000-01-01 00:00:00', '1000-01-01 00:00:00.000001',
           '1970-01-01 00:00:01.000001', 'a', 'NULL',
           'line\\nbreak\\ttab "quote", \\\\', x'00ff0a'),
          (2, 127, 5, 32767, 8388607, 2147483647, 9223372036854775807,
           9999999999.99, 9999999999999999999999999999.9999999999, 3.4028234e38,
           1.7976931348623157e308,
           '9999-12-31', '9999-12-31 23:59:59', '9999-12-31 23:59:59.999999',
           '2038-01-19 03:14:07.999999', '深圳', '', '😀', x''),
          (3, 0, 1, 0, 0, 0, 9007199254740993,
           0.10, 0.0000000001, 0.1, 0.1,
           '2024-02-29', '2024-02-29 12:34:56', '2024-02-29 12:34:56.123456',
           '2024-02-29 12:34:56.123456', 'x', 'Zürich', 'plain', x'deadbeef'),
          (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
           NULL, NULL, NULL, NULL)""",
    ],
    # What MySQL also has.
    "edges_rare": [
        """CREATE TABLE edges_rare (
          id INT NOT NULL PRIMARY KEY,
          c_bigint_unsigned BIGINT UNSIGNED, c_int_unsigned INT UNSIGNED,
          c_decimal65 DECIMAL(65,30), c_bit BIT(64), c_year YEAR, c_time TIME, c_time6 TIME(6),
          c_enum ENUM('a', 'b'), c_set SET('a', 'b'), c_json JSON, c_binary BINARY(4),
          c_zero_date DATE, c_zero_datetime DATETIME
        )""",
        """INSERT INTO edges_rare VALUES
          (1, 18446744073709551615, 4294967295,
           -99999999999999999999999999999999999.999999999999999999999999999999,
           b'1111111111111111111111111111111111111111111111111111111111111111', 1901,
           '-838:59:59', '-838:59:59.000000', 'a', 'a,b', '{"a": 1.10}', x'00ff00ff',
           '0000-00-00', '0000-00-00 00:00:00'),
          (2, 9223372036854775808, 2147483648, 0.000000000000000000000000000001, b'1', 2155,
           '838:59:59', '00:00:00.000001', 'b', '', '[1, "ü"]', x'61000000',
           '2024-02-30', '2024-00-00 10:00:00'),
          (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)""",
    ],
}
