"""What a table's `columns:` section may change: all of it is counted, the rest is refused."""

import hashlib

import pytest

from mysql_s3_redshift.errors import ConfigError, UnsupportedValueError
from mysql_s3_redshift_tests.exactness.edges import text
from mysql_s3_redshift_tests.exactness.pair import Pair

NO_DATES = ["'0000-00-00'", "'2024-00-10'", "'2024-02-31'"]
SURROGATE = "_ucs2 X'0041D8000042'"
"""A lone surrogate, which MySQL keeps in UCS-2 and which UTF-8 cannot tell."""


def refused(table: Pair, column: str, key: str) -> str:
    """Extract and return the refusal; it names table, column and key, and nothing is registered."""
    before = table.extract_state()
    with pytest.raises(UnsupportedValueError) as caught:
        table.extract()
    happened = caught.value.happened
    for part in (f"{table.servers.database}.t", f"column `{column}`", key):
        assert part in happened
    state = table.extract_state()
    assert state is not None
    assert state.files == (before.files if before else ())
    assert state.mysql_state.total_rows == (before.mysql_state.total_rows if before else 0)
    assert (state.mysql_state.status, state.mysql_state.error) == ("failed", happened)
    return f"{happened} {caught.value.remedy}"


def rows(table: Pair, columns: str = "*") -> list[tuple[object, ...]]:
    return table.redshift_rows(f"SELECT {columns} FROM {table.target} ORDER BY id")


def test_zero_dates_become_null_and_are_counted_or_stop_the_run(table: Pair):
    """H-31, P-01"""
    table.mysql("CREATE TABLE t (id INT PRIMARY KEY, d DATE, m DATETIME(6), s TIMESTAMP NULL)")
    table.mysql("SET SESSION sql_mode = 'ALLOW_INVALID_DATES'")
    for row, date in enumerate(NO_DATES):
        table.insert(["id", "d", "m"], [[str(row), date, f"CONCAT({date}, ' 01:02:03.4')"]])
    table.insert(["id", "s"], [["7", "'0000-00-00 00:00:00'"]])
    table.insert(["id", "d"], [["8", "'2024-02-29'"]])
    table.options["columns"] = {"zero_dates": "error"}
    assert "`columns.zero_dates.d` to `null`" in refused(table, "d", "id=0")
    table.options["columns"] = {"zero_dates": {"m": "null", "s": "null", "d": "error"}}
    assert "0000-00-00" in refused(table, "d", "id=0")

    table.options = {}
    extracted, loaded = table.sync()
    counted = {"zero_dates_nulled:d": 3, "zero_dates_nulled:m": 3, "zero_dates_nulled:s": 1}
    assert extracted.values_changed == counted
    assert [row[1:] for row in rows(table, "id, d, m, s")[:4]] == [(None, None, None)] * 4
    assert str(rows(table, "id, d")[4][1]) == "2024-02-29"
    assert loaded.state.redshift_state.total_rows == 5
    assert table.compare().rows == ()


def test_overlong_values_are_refused_or_cut_between_characters_or_nulled(table: Pair):
    """I-28, P-07"""
    table.mysql("CREATE TABLE t (id INT PRIMARY KEY, c LONGTEXT CHARACTER SET utf8mb4, d LONGTEXT)")
    table.insert(["id", "c"], [["1", "'fits'"], ["2", f"CONCAT(REPEAT('x', 65533), {text('€')})"]])
    table.insert(["id", "c"], [["4", "REPEAT('y', 65535)"]])
    assert "65536 bytes" in refused(table, "c", "id=2")

    table.options["columns"] = {"overlong": "truncate"}
    extracted, _ = table.sync()
    assert extracted.values_changed == {"overlong_truncated:c": 1}
    assert [row[1] for row in rows(table, "id, c")] == ["fits", "x" * 65533, "y" * 65535]
    table.insert(["id", "c", "d"], [["5", "REPEAT('z', 100000)", "REPEAT('z', 70000)"]])
    table.options["columns"] = {"overlong": {"*": "null", "d": "truncate"}}
    extracted, _ = table.sync()
    assert extracted.values_changed == {"overlong_nulled:c": 1, "overlong_truncated:d": 1}
    assert rows(table, "id, c, d")[-1] == (5, None, "z" * 65535)
    cut = [row.source["id"] for row in table.compare().rows if row.source]
    assert cut == [2], "it was cut, and would be nulled now"


def test_a_chosen_size_counts_bytes(table: Pair):
    """I-28"""
    table.mysql("CREATE TABLE t (id INT PRIMARY KEY, c VARCHAR(9) CHARACTER SET utf8mb4)")
    table.insert(["id", "c"], [["1", text("éé")], ["2", text("ééé")]])
    table.options["columns"] = {"types": {"c": "varchar(5)"}}
    assert "has 6 bytes, more than VARCHAR(5) takes" in refused(table, "c", "id=2")
    table.options["columns"]["overlong"] = {"c": "truncate"}
    extracted, _ = table.sync()
    assert extracted.values_changed == {"overlong_truncated:c": 1}
    assert [row[1] for row in rows(table)] == ["éé", "éé"]
    assert table.compare().rows == ()


@pytest.mark.parametrize(
    ("definition", "literal", "problem", "repaired"),
    [
        ("VARCHAR(9) CHARACTER SET utf8mb4", text("a\0b"), "contains a NUL", "a\ufffdb"),
        ("VARCHAR(9) CHARACTER SET ucs2", SURROGATE, "is not valid UTF-8", "A\ufffd\ufffd\ufffdB"),
    ],
)
def test_text_that_redshift_cannot_hold_is_refused_or_repaired_or_nulled(
    table: Pair, definition: str, literal: str, problem: str, repaired: str
):
    """I-28"""
    table.mysql(f"CREATE TABLE t (id INT PRIMARY KEY, c {definition})")
    table.insert(["id", "c"], [["1", literal], ["2", text("fine")]])
    assert problem in refused(table, "c", "id=1")
    table.options["columns"] = {"invalid_text": {"c": "replace"}}
    extracted, _ = table.sync()
    assert extracted.values_changed == {"invalid_text_replaced:c": 1}
    assert rows(table) == [(1, repaired), (2, "fine")]
    assert table.compare().rows == () or literal == SURROGATE, "MySQL repairs it in its own way"
    table.insert(["id", "c"], [["3", literal]])
    table.options["columns"] = {"invalid_text": "null"}
    extracted, _ = table.sync()
    assert extracted.values_changed == {"invalid_text_nulled:c": 1}
    assert rows(table)[-1] == (3, None)


@pytest.mark.parametrize(
    ("definition", "option", "literal", "problem"),
    [
        ("TINYINT(1)", "bool", "5", "is 5, neither 0 nor 1"),
        ("TIME", "time", "'24:00:00'", "no time of a day"),
        ("TIME(6)", "time", "'-00:00:00.000001'", "no time of a day"),
        ("TEXT", "super", "'{]'", "is no JSON document"),
    ],
)
def test_a_chosen_type_refuses_what_it_cannot_mean(
    table: Pair, definition: str, option: str, literal: str, problem: str
):
    """H-31"""
    table.mysql(f"CREATE TABLE t (id INT PRIMARY KEY, c {definition})")
    table.insert(["id", "c"], [["1", "NULL"], ["2", literal]])
    table.options["columns"] = {"types": {"c": option}}
    message = refused(table, "c", "id=2")
    assert problem in message
    assert f"`c: {option}`" in message


def test_a_refusal_keeps_the_chunks_before_it_and_the_run_goes_on_once_it_is_mended(table: Pair):
    """H-20, I-34"""
    table.mysql("CREATE TABLE t (id INT PRIMARY KEY, c VARCHAR(9) CHARACTER SET utf8mb4)")
    table.insert(["id", "c"], [[str(i), text("bad\0" if i == 5 else "ok")] for i in range(1, 8)])
    table.options["chunk_rows"] = 2
    with pytest.raises(UnsupportedValueError, match="id=5"):
        table.extract()
    table.load()
    assert [row[0] for row in rows(table, "id")] == [1, 2, 3, 4]
    table.mysql("UPDATE t SET c = 'good' WHERE id = 5")
    extracted, _ = table.sync()
    assert (extracted.rows, len(rows(table))) == (3, 7)


def test_excluded_columns_are_never_read(table: Pair):
    table.mysql(
        "CREATE TABLE t (id INT PRIMARY KEY, update_at DATETIME(6) NOT NULL, secret TEXT, "
        "kept INT, KEY (update_at, id))"
    )
    table.insert(
        ["id", "update_at", "secret", "kept"],
        [["1", "NOW(6)", text("\0 not even valid"), "7"]],
    )
    table.options["columns"] = {"exclude": ["SECRET"]}
    table.sync()
    assert list(table.target_types()) == ["id", "update_at", "kept"]
    # The cursor may be left out too: it is still read for the watermark.
    table.options = {"columns": {"exclude": ["secret", "update_at"]}, "load_mode": "append"}
    table.insert(["id", "update_at", "kept"], [["2", "NOW(6)", "8"]])
    extracted, _ = table.sync()
    stamp = table.mysql_rows("SELECT DATE_FORMAT(update_at, '%Y-%m-%dT%T.%f') FROM t WHERE id = 2")
    assert extracted.state.mysql_state.last_timestamp == stamp[0][0]
    assert [(row[0], row[1] is None, row[2]) for row in rows(table)] == [
        (1, False, 7),
        (2, True, 8),
    ]


def test_a_key_may_be_left_out_only_where_rows_are_appended(table: Pair):
    table.mysql("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
    table.insert(["id", "v"], [["1", "7"], ["2", "7"]])
    table.options["columns"] = {"exclude": ["id"]}
    with pytest.raises(ConfigError, match="leaves out id") as caught:
        table.extract()
    assert table.extract_state() is None
    assert "append" in caught.value.remedy
    table.options["load_mode"] = "append"
    extracted, loaded = table.sync()
    assert (extracted.rows, loaded.state.redshift_state.total_rows) == (2, 2)
    assert table.redshift_rows(f"SELECT * FROM {table.target}") == [(7,), (7,)]


def test_renamed_columns_have_their_chosen_names(table: Pair):
    """I-29"""
    table.mysql("CREATE TABLE t (`Order` INT PRIMARY KEY, `190_time` INT, `a-b` INT, `a b` INT)")
    table.mysql("INSERT INTO t VALUES (1, 2, 3, 4)")
    table.options["columns"] = {"rename": {"Order": "number", "A-B": "dash"}}
    table.options["sortkey"] = ["Order"]
    table.options["distkey"] = "a-b"
    table.sync()
    table.mysql("UPDATE t SET `190_time` = 9")
    assert list(table.target_types()) == ["number", "col_190_time", "dash", "a_b"]
    assert table.redshift_rows(f"SELECT * FROM {table.target}") == [(1, 2, 3, 4)]


def test_hashed_columns_arrive_as_salted_digests_of_mysqls_text(table: Pair):
    def digest(value: bytes) -> str:
        return hashlib.sha256(b"pepper" + value).hexdigest()

    table.mysql(
        "CREATE TABLE t (id BIGINT UNSIGNED PRIMARY KEY, email VARCHAR(99) CHARACTER SET utf8mb4, "
        "photo BLOB, born DATE, balance DECIMAL(9,2), b BIT(9), nothing TEXT)"
    )
    table.insert(
        ["id", "email", "photo", "born", "balance", "b"],
        [
            [str(2**64 - 1), text("é@x"), "X'00FF'", "'2000-01-31'", "-1.50", "b'101'"],
            ["2", text(""), "X''", "'0000-00-00'", "0", "0"],
        ],
    )
    columns = ["id", "email", "photo", "born", "balance", "b", "nothing"]
    table.options["columns"] = {"hash": columns, "hash_salt": "${SALT}"}
    table.sync()
    assert set(table.target_types().values()) == {"character varying(64)"}
    read = {row[0]: row[1:] for row in table.redshift_rows(f"SELECT * FROM {table.target}")}
    facts = [b"18446744073709551615", "é@x".encode(), b"\0\xff", b"2000-01-31", b"-1.50", b"5"]
    assert read[digest(facts[0])] == (*map(digest, facts[1:]), None)
    assert read[digest(b"2")][:3] == (digest(b""), digest(b""), digest(b"0000-00-00"))
    assert all(b"pepper" not in stored for stored in table.objects().values())

    compared = table.compare()
    assert (compared.rows, compared.sampled_rows) == ((), 2)
    table.redshift(f"UPDATE {table.target} SET photo = email WHERE balance = '{digest(b'-1.50')}'")
    found = table.compare().rows
    assert [row.kind for row in found] == ["different"]
    assert "x" not in str(found), "nothing of a hashed value is shown"


def test_upserts_find_their_rows_by_a_hashed_key(table: Pair):
    table.mysql(
        "CREATE TABLE t (email VARCHAR(99) CHARACTER SET utf8mb4 PRIMARY KEY, n INT, "
        "update_at DATETIME(6) NOT NULL, KEY (update_at))"
    )
    table.insert(["email", "n", "update_at"], [["'a'", "1", "NOW(6)"]])
    table.insert(["email", "n", "update_at"], [["'b'", "1", "NOW(6)"]])
    table.options = {
        "cdc_strategy": "timestamp_only",
        "load_mode": "upsert",
        "columns": {"hash": ["email"], "hash_salt": "${SALT}"},
    }
    table.sync()
    table.mysql("UPDATE t SET n = 2, update_at = NOW(6) WHERE email = 'a'")
    _, loaded = table.sync()
    assert [(one.applied.inserted, one.applied.updated) for one in loaded.loads] == [(0, 1)]
    counts = table.redshift_rows(f"SELECT n, LEN(email) FROM {table.target} ORDER BY n")
    assert counts == [(1, 64), (2, 64)]


def test_a_refusal_never_shows_what_a_hash_hides(table: Pair):
    table.mysql("CREATE TABLE t (email VARCHAR(99) PRIMARY KEY, c TEXT)")
    table.insert(["email", "c"], [["'me@x'", text("a\0")]])
    table.options["columns"] = {"hash": ["email"], "hash_salt": "${SALT}"}
    table.options["cdc_strategy"] = "full_sync"
    assert "me@x" not in refused(table, "c", "email=(hashed)")


def test_generated_and_invisible_columns_arrive_as_plain_ones(table: Pair):
    """I-43"""
    table.mysql(
        "CREATE TABLE t (id INT PRIMARY KEY, a INT, "
        "v INT AS (a * 2) VIRTUAL, s VARCHAR(9) CHARACTER SET utf8mb4 AS (CONCAT(a, '€')) STORED, "
        "h INT DEFAULT 5 INVISIBLE)"
    )
    table.insert(["id", "a"], [["1", "10"], ["2", "NULL"]])
    table.sync()
    assert list(table.target_types()) == ["id", "a", "v", "s", "h"]
    assert rows(table) == [(1, 10, 20, "10€", 5), (2, None, None, None, 5)]
