"""Tables that change between syncs: old files, new files, old targets, new targets."""

import pytest

from mysql_s3_redshift.adapters.redshift import sql
from mysql_s3_redshift.core.drift import ChangeKind, TargetChange
from mysql_s3_redshift.errors import ConfigError, TargetError
from mysql_s3_redshift_tests.exactness.pair import Pair

CHANGES = "CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(10) CHARACTER SET utf8mb4)"


def start(table: Pair, definition: str = CHANGES) -> None:
    """A table with two loaded rows."""
    table.mysql(definition, "INSERT INTO t (id, a, b) VALUES (1, 10, 'one'), (2, NULL, '')")
    table.sync()


def rows(table: Pair, columns: str) -> list[tuple[object, ...]]:
    return table.redshift_rows(f"SELECT {columns} FROM {table.target} ORDER BY id")


def kinds(table: Pair) -> list[tuple[ChangeKind, str]]:
    return [(change.kind, change.column) for change in table.changes]


def test_added_columns_are_added_and_dropped_ones_stay_as_null(table: Pair):
    """I-25"""
    start(table)
    table.mysql(
        "ALTER TABLE t ADD COLUMN c DATETIME(6) COMMENT 'when' FIRST, DROP COLUMN a",
        "INSERT INTO t (id, b, c) VALUES (3, 'three', '2020-01-02 03:04:05.000006')",
    )
    _, loaded = table.sync()
    # A column that moves keeps its place among those that both schemas have.
    assert kinds(table) == [(ChangeKind.DROPPED, "a"), (ChangeKind.ADDED, "c")]
    assert loaded.changes == ("Added column `c` TIMESTAMP.",)
    assert list(table.target_types()) == ["id", "a", "b", "c"]
    assert [row[:3] for row in rows(table, "id, a, b")] == [
        (1, 10, "one"),
        (2, None, ""),
        (3, None, "three"),
    ]
    assert [str(row[1]) for row in rows(table, "id, c")][2] == "2020-01-02 03:04:05.000006"
    remarks = table.redshift_rows(
        "SELECT remarks FROM svv_columns WHERE column_name = 'c' AND table_schema = "
        f"'{table.servers.schema}'"
    )
    assert remarks == [("when",)]


def test_a_column_that_comes_back_is_filled_again(table: Pair):
    start(table)
    table.mysql("ALTER TABLE t DROP COLUMN a", "INSERT INTO t VALUES (3, 'three')")
    table.sync()
    table.mysql("ALTER TABLE t ADD COLUMN a INT", "INSERT INTO t VALUES (4, 'four', 40)")
    table.sync()
    assert rows(table, "id, a") == [(1, 10), (2, None), (3, None), (4, 40)]


def test_columns_are_matched_by_name_whatever_their_order(table: Pair):
    """I-26"""
    start(table)
    table.mysql("ALTER TABLE t MODIFY b VARCHAR(10) CHARACTER SET utf8mb4 FIRST")
    table.mysql("INSERT INTO t (id, a, b) VALUES (3, 30, 'three')")
    _, loaded = table.sync()
    assert kinds(table) == [(ChangeKind.REORDERED, "")]
    assert loaded.changes == ()
    assert rows(table, "id, a, b")[2] == (3, 30, "three")


def test_a_longer_varchar_widens_the_target(table: Pair):
    start(table)
    table.mysql("ALTER TABLE t MODIFY b VARCHAR(300) CHARACTER SET utf8mb4")
    table.mysql("INSERT INTO t VALUES (3, 30, REPEAT(X'F09F9A80', 300))")
    _, loaded = table.sync()
    assert kinds(table) == [(ChangeKind.WIDENED, "b")]
    assert loaded.changes == ("Widened column `b` from VARCHAR(40) to VARCHAR(1200).",)
    assert rows(table, "id, b")[2] == (3, "\N{ROCKET}" * 300)


def test_a_narrower_column_fits_into_the_wider_target(table: Pair):
    start(table)
    table.mysql("ALTER TABLE t MODIFY b VARCHAR(5) CHARACTER SET utf8mb4, MODIFY a SMALLINT")
    table.mysql("INSERT INTO t VALUES (3, -32768, 'three')")
    _, loaded = table.sync()
    assert kinds(table) == [(ChangeKind.NARROWED, "a"), (ChangeKind.NARROWED, "b")]
    assert loaded.changes == ()
    assert rows(table, "id, a, b")[2] == (3, -32768, "three")


def test_a_renamed_column_is_a_dropped_and_an_added_one_unless_the_configuration_keeps_its_name(
    table: Pair,
):
    start(table)
    table.mysql("ALTER TABLE t CHANGE a amount INT", "INSERT INTO t VALUES (3, 30, 'three')")
    table.options["columns"] = {"rename": {"amount": "a"}}
    _, loaded = table.sync()
    assert loaded.changes == ()
    assert rows(table, "id, a") == [(1, 10), (2, None), (3, 30)]
    table.options = {}
    table.mysql("INSERT INTO t VALUES (4, 40, 'four')")
    _, loaded = table.sync()
    # Names are stable: what a schema was stored with stays until the configuration says otherwise.
    assert rows(table, "id, a")[3] == (4, 40)


RETYPED = [
    ("MODIFY a VARCHAR(20) CHARACTER SET utf8mb4", "`a` is INTEGER there and VARCHAR(80)"),
    ("MODIFY a DOUBLE", "`a` is INTEGER there and DOUBLE PRECISION"),
    ("MODIFY b VARBINARY(10)", "`b` is VARCHAR(40) there and VARBYTE(10)"),
]


@pytest.mark.parametrize(("alteration", "problem"), RETYPED)
def test_a_retyped_column_is_refused_with_the_way_out_and_its_files_stay_pending(
    table: Pair, alteration: str, problem: str
):
    """I-36: and once the change is undone, everything is loaded."""
    start(table)
    table.mysql(f"ALTER TABLE t {alteration}", "INSERT INTO t (id, a, b) VALUES (3, 30, 'x')")
    table.extract()
    assert [kind for kind, _ in kinds(table)] == [ChangeKind.RETYPED]
    before = table.target_types()
    with pytest.raises(TargetError, match="cannot take these files") as caught:
        table.load()
    assert problem in str(caught.value)
    assert "watermark reset" in caught.value.remedy
    state = table.load_state()
    assert state is not None
    assert state.redshift_state.status == "failed"
    assert (len(rows(table, "id")), table.target_types()) == (2, before)

    table.redshift(f"DROP TABLE {table.target}")
    table.load()
    assert [row[0] for row in rows(table, "id")] == [3]


def test_files_of_every_version_load_in_their_own_order_into_one_table(table: Pair):
    """I-25: three versions are extracted before anything is loaded."""
    table.mysql(CHANGES, "INSERT INTO t VALUES (1, 10, 'one')")
    table.extract()
    table.mysql("ALTER TABLE t ADD COLUMN c INT", "INSERT INTO t VALUES (2, 20, 'two', 200)")
    table.extract()
    table.mysql(
        "ALTER TABLE t DROP COLUMN a, MODIFY b VARCHAR(50) CHARACTER SET utf8mb4",
        "INSERT INTO t VALUES (3, REPEAT('x', 50), 300)",
    )
    table.extract()
    loaded = table.load()
    assert len(loaded.loads) == 3
    assert rows(table, "id, a, c") == [(1, 10, None), (2, 20, 200), (3, None, 300)]
    assert rows(table, "id, b")[2] == (3, "x" * 50)


def test_old_files_load_into_a_table_that_is_already_newer(table: Pair):
    """I-25, I-26: the target got its new column before the old file was loaded."""
    start(table)
    table.mysql("INSERT INTO t VALUES (3, 30, 'three')")
    table.extract()
    table.redshift(f"ALTER TABLE {table.target} ADD COLUMN c BIGINT DEFAULT 7")
    table.mysql("ALTER TABLE t ADD COLUMN c INT", "INSERT INTO t VALUES (4, 40, 'four', NULL)")
    table.load()
    table.sync()
    assert rows(table, "id, c") == [(1, 7), (2, 7), (3, 7), (4, None)]


def test_loading_asks_mysql_for_nothing(table: Pair):
    """I-25: MySQL is out of reach, and the table was altered and dropped since."""
    start(table)
    table.mysql("ALTER TABLE t ADD COLUMN c INT", "INSERT INTO t VALUES (3, 30, 'three', 300)")
    table.extract()
    table.mysql("DROP TABLE t")
    account = table.servers.mysql.mysql_reader
    table.reader = type(account)(account.host, 9, account.user, "wrong")  # nobody listens there
    table.load()
    assert rows(table, "id, c") == [(1, None), (2, None), (3, 300)]
    with pytest.raises(Exception, match="cannot be reached"):
        table.extract()


def test_a_recreated_table_whose_ids_start_again_is_refused(table: Pair):
    start(table)
    table.mysql("INSERT INTO t VALUES (100, 1, 'x')")
    table.sync()
    table.mysql("DO SLEEP(1)", "DROP TABLE t", CHANGES, "INSERT INTO t VALUES (1, 1, 'new')")
    with pytest.raises(ConfigError, match="its ids started again") as caught:
        table.extract()
    assert "watermark reset --truncate-target" in caught.value.remedy
    assert len(rows(table, "id")) == 3


def test_a_changed_key_is_told_and_the_target_follows_it(table: Pair):
    table.options = {"cdc_strategy": "id_only", "cdc_id_column": "id"}
    table.mysql(CHANGES, "INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two')")
    table.sync()
    table.mysql("ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (id, a)")
    table.mysql("INSERT INTO t VALUES (3, 30, 'three'), (3, 31, 'three too')")
    table.extract()
    assert kinds(table) == [(ChangeKind.KEY_CHANGED, "")]
    table.load()
    assert len(rows(table, "id")) == 4


def test_many_columns_change_at_once(table: Pair):
    table.mysql(
        f"CREATE TABLE t (id INT PRIMARY KEY, {', '.join(f'c{n} INT' for n in range(300))})"
    )
    table.mysql("INSERT INTO t (id, c0, c299) VALUES (1, 2, 3)")
    table.sync()
    added = ", ".join(f"ADD COLUMN d{n} INT" for n in range(20))
    dropped = ", ".join(f"DROP COLUMN c{n}" for n in range(150))
    table.mysql(f"ALTER TABLE t {added}, {dropped}", "INSERT INTO t (id, d19) VALUES (2, 19)")
    table.sync()
    assert rows(table, "id, c0, c299, d19") == [(1, 2, 3, None), (2, None, None, 19)]


def test_a_wider_number_copies_the_column_of_a_target_that_we_made(table: Pair):
    start(table)
    table.redshift(f'CREATE VIEW {table.target[:-1]}_ids" AS SELECT id FROM {table.target}')
    table.mysql(
        "ALTER TABLE t MODIFY a BIGINT COMMENT 'wide', ADD COLUMN c DECIMAL(10,2)",
        f"INSERT INTO t (id, a, b, c) VALUES (3, {2**63 - 1}, 'three', 1.25)",
    )
    _, loaded = table.sync()
    assert kinds(table) == [(ChangeKind.WIDENED, "a"), (ChangeKind.ADDED, "c")]
    assert loaded.changes == (
        "Copied column `a` from INTEGER to BIGINT.",
        "Added column `c` DECIMAL(10,2).",
    )
    assert table.target_types()["a"] == "bigint"
    assert rows(table, "id, a, b") == [(1, 10, "one"), (2, None, ""), (3, 2**63 - 1, "three")]
    table.mysql("ALTER TABLE t MODIFY c DECIMAL(20,4)", "INSERT INTO t VALUES (4, 1, '', 0.0001)")
    table.sync()
    assert [str(row[1]) for row in rows(table, "id, c")][2:] == ["1.2500", "0.0001"]


@pytest.mark.parametrize("statement", [2, 3, 4])
def test_a_crash_while_a_column_is_copied_leaves_the_target_as_it_was(
    table: Pair, monkeypatch: pytest.MonkeyPatch, statement: int
):
    start(table)
    table.mysql("ALTER TABLE t MODIFY a BIGINT", "INSERT INTO t VALUES (3, 30, 'three')")
    table.extract()
    rebuild = sql.rebuild_column

    def broken(target: str, change: TargetChange) -> tuple[str, ...]:
        return (*rebuild(target, change)[: statement - 1], "SELECT 1 / 0")

    monkeypatch.setattr(sql, "rebuild_column", broken)
    with pytest.raises(TargetError):
        table.load()
    assert table.target_types()["a"] == "integer"
    assert rows(table, "id, a") == [(1, 10), (2, None)]
    monkeypatch.undo()
    table.load()
    assert rows(table, "id, a") == [(1, 10), (2, None), (3, 30)]


@pytest.mark.parametrize("alteration", ["MODIFY id BIGINT NOT NULL", "MODIFY a BIGINT"])
def test_key_columns_and_other_peoples_tables_are_not_copied(table: Pair, alteration: str):
    if "MODIFY a" in alteration:
        table.redshift(f"CREATE TABLE {table.target} (id INT, a INT, b VARCHAR(40))")
    start(table)
    table.mysql(f"ALTER TABLE t {alteration}", "INSERT INTO t VALUES (3, 30, 'three')")
    table.extract()
    with pytest.raises(TargetError, match="is INTEGER there and BIGINT in the files") as caught:
        table.load()
    assert "watermark reset" in caught.value.remedy
    assert len(rows(table, "id")) == 2
