"""Tables, columns, names, users and the views that tell about them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from redshift_connector.error import Error

from mysql_s3_redshift_tests.sandbox.redshift.conftest import (
    BUCKET,
    PASSWORD,
    Lake,
    StandIn,
    copy,
    refusal,
    run,
)

LONG = "a" * 60 + "_long_table_name_" + "b" * 50
LONG_COLUMN = "é" * 60 + "_column"


def test_names_of_64_to_127_bytes_work_exactly(connection: Any, lake: Lake) -> None:
    assert len(LONG.encode()) == len(LONG_COLUMN.encode()) == 127
    run(connection, f'create table {LONG} (id int, "{LONG_COLUMN}" varchar(5))')
    lake.put_table("long/1.parquet", pa.table({"a": pa.array([1], pa.int32()), "b": ["x"]}))
    run(connection, copy(f'{LONG} (id, "{LONG_COLUMN}")', f"s3://{BUCKET}/long/"))
    cursor = connection.cursor()
    cursor.execute(f"select *, 1 as {'z' * 127} from {LONG}")
    assert [column[0] for column in cursor.description] == ["id", LONG_COLUMN, "z" * 127]
    columns = "select column_name from {} where table_name = %s order by ordinal_position"
    for view in ("svv_columns", "information_schema.columns", "svv_redshift_columns"):
        assert run(connection, columns.format(view), LONG) == [["id"], [LONG_COLUMN]]
    assert run(connection, "select tablename from pg_table_def") == [[LONG]] * 2
    assert LONG in refusal(connection, f"select nope from {LONG}, {LONG}")["M"]


def test_long_names_differ_by_their_last_letter(connection: Any) -> None:
    run(connection, f"create table t ({LONG[:-1]}x int, {LONG[:-1]}y int)")
    run(connection, f"alter table t rename column {LONG[:-1]}x to short")
    run(connection, f"alter table t drop column {LONG[:-1]}y")
    assert run(connection, "select column_name from svv_columns where table_name = 't'") == [
        ["short"]
    ]


def test_long_names_are_seen_inside_the_block_that_made_them(block: Any) -> None:
    run(block, "select 1 from pg_class")
    run(block, f"create table {LONG} (a int)")
    assert run(block, "select table_name from svv_tables where table_schema = 'scratch'") == [
        [LONG]
    ]
    block.rollback()


def test_names_fold_to_lower_case_quoted_or_not(connection: Any) -> None:
    run(connection, 'create table "Orders" ("Id" int, NAME varchar(10), "É" int)')
    cursor = connection.cursor()
    cursor.execute('select "ID", name, "É" from ORDERS')
    assert [column[0] for column in cursor.description] == ["id", "name", "É"]


def test_lengths_count_bytes_and_follow_a_renamed_column(connection: Any) -> None:
    run(connection, "create table t (a varchar(4), b varbyte(2), c char(3))")
    run(connection, "alter table t rename column a to d")
    run(connection, "alter table t add column a varchar(2)")
    run(connection, "insert into t (d, b, c, a) values ('éé', '12', 'abc', 'é')")
    for column, value in (("d", "ééé"), ("a", "éa"), ("b", "123"), ("c", "é")):
        fields = refusal(connection, f"insert into t ({column}) values (%s)", value)
        assert (fields["C"], fields["M"]) == ("XX000", "Value too long for character type")
    run(connection, "create table u (like t)")
    assert refusal(connection, "insert into u (d) values ('ééé')")["C"] == "XX000"
    run(connection, "alter table t alter column d type varchar(6)")
    run(connection, "insert into t (d) values ('ééé')")
    assert (
        "current maximum"
        in refusal(connection, "alter table t alter column d type varchar(5)")["M"]
    )


@pytest.mark.parametrize(
    "definition", ["varchar(5) default 'x'", "varchar(5) primary key", "varchar(5) encode text255"]
)
def test_a_varchar_with_a_default_key_or_old_encoding_keeps_its_size(
    connection: Any, definition: str
) -> None:
    run(connection, f"create table t (a {definition})")
    fields = refusal(connection, "alter table t alter column a type varchar(10)")
    assert fields["C"] == "0A000"


def test_alter_column_type_and_vacuum_refuse_to_run_in_a_block(block: Any) -> None:
    run(block, "create table t (a varchar(5))")
    block.commit()
    for sql in ("alter table t alter column a type varchar(9)", "vacuum t"):
        run(block, "select 1")
        assert refusal(block, sql)["C"] == "25001"
        block.rollback()


def test_keys_are_informational_and_a_primary_key_is_not_null(connection: Any) -> None:
    run(
        connection,
        "create table t (id int primary key, u int unique, foreign key (u) references x (a))",
    )
    run(connection, "insert into t values (1, 1), (1, 1)")
    assert refusal(connection, "insert into t values (null, 1)")["M"].startswith(
        "Cannot insert a NULL"
    )


def test_truncate_commits_the_block(block: Any) -> None:
    run(block, "create table t (a int)")
    run(block, "create table kept (a int)")
    block.commit()
    run(block, "insert into kept values (1)")
    run(block, "truncate t")
    block.rollback()
    assert run(block, "select count(*) from kept") == [[1]]


def test_the_views_tell_what_create_table_said(connection: Any) -> None:
    run(
        connection,
        "create table t (id bigint not null encode az64, s varchar(20) encode zstd, n decimal(9,2),"
        " v varbyte(7), j super, primary key (id)) backup no diststyle key distkey (id)"
        " compound sortkey (s, id)",
    )
    run(connection, "comment on column t.s is 'a remark'")
    run(connection, "comment on table t is 'about t'")
    assert run(connection, "select * from pg_table_def where tablename = 't'") == [
        ["scratch", "t", "id", "bigint", "az64", True, 2, True],
        ["scratch", "t", "s", "character varying(20)", "zstd", False, 1, False],
        ["scratch", "t", "n", "numeric(9,2)", "none", False, 0, False],
        ["scratch", "t", "v", "binary varying(7)", "none", False, 0, False],
        ["scratch", "t", "j", "super", "none", False, 0, False],
    ]
    remarks = "select remarks from svv_columns where table_name = 't' and column_name = 's'"
    assert run(connection, remarks) == [["a remark"]]
    assert run(connection, "select remarks from svv_tables where table_name = 't'") == [["about t"]]
    run(connection, "insert into t (id) values (1)")
    info = "select diststyle, sortkey1 from svv_table_info where \"table\" = 't'"
    assert run(connection, info) == [["KEY(id)", "s"]]


def test_views_survive_the_change_of_their_rows(connection: Any) -> None:
    run(connection, "create table t (a int)")
    run(connection, "create view v as select a from t")
    assert refusal(connection, "drop table t")["C"] == "2BP01"
    run(connection, "insert into t values (1)")
    assert run(connection, "select * from v") == [[1]]
    run(connection, "drop table t cascade")
    assert refusal(connection, "select * from v")["C"] == "42P01"


def test_upsert_by_staging_table_and_by_merge(block: Any) -> None:
    run(block, "create table t (id int, v varchar(9))")
    run(block, "insert into t values (1, 'a'), (2, 'b')")
    run(block, "create temp table s (like t)")
    run(block, "insert into s values (2, 'B'), (3, 'C')")
    cursor = block.cursor()
    cursor.execute("delete from t using s where t.id = s.id")
    assert cursor.rowcount == 1
    cursor.execute(
        "insert into t (id, v) select id, v from (select id, v, row_number() over "
        "(partition by id order by v desc) as n from s) ranked where n = 1"
    )
    assert cursor.rowcount == 2
    run(block, "update t set v = s.v || '!' from s where t.id = s.id and s.id = 3")
    run(
        block,
        "merge into t using s on t.id = s.id when matched then update set v = 'm' "
        "when not matched then insert (id, v) values (s.id, s.v)",
    )
    assert run(block, "select * from t order by id") == [[1, "a"], [2, "m"], [3, "m"]]
    block.rollback()


def test_identity_columns_count_for_themselves(connection: Any) -> None:
    run(connection, "create table t (id bigint identity(1, 1), v varchar(9) default 'z')")
    run(connection, "insert into t (v) values ('a'), (default)")
    assert run(connection, "select v from t order by id") == [["a"], ["z"]]
    told = "select column_default from svv_columns where table_name = 't' and column_name = 'id'"
    assert str(run(connection, told)[0][0]).startswith('"identity"(')


def test_geometry_keeps_wkb_and_refuses_what_is_none(connection: Any) -> None:
    point = "0101000000000000000000F03F0000000000000040"
    run(connection, "create table t (g geometry, raw_bytes varbyte(100))")
    run(connection, f"insert into t select st_geomfromwkb('{point}', 4326), from_hex('{point}')")
    run(connection, "insert into t select st_geomfromwkb(to_hex(raw_bytes)), raw_bytes from t")
    rows = run(connection, "select st_asbinary(g), st_asewkb(g), st_srid(g), g from t order by 3")
    ewkb = "0101000020E6100000" + point[10:]
    assert rows[0] == [point.lower(), point.lower(), 0, point]
    assert rows[1] == [point.lower(), ewkb.lower(), 4326, ewkb]
    for text in ("", "02", "0101", point + "00", "01FF000000", "xyz"):
        assert refusal(connection, f"select st_geomfromwkb('{text}')")["C"] == "22023"


def test_a_second_user_can_do_what_was_granted_and_no_more(
    connection: Any, stand_in: StandIn, lake: Lake
) -> None:
    run(connection, "drop user if exists loader")
    run(connection, "create user loader password 'Loader-pass1'")
    run(connection, "create table t (a int)")
    run(connection, "create table hidden (a int)")
    run(connection, "grant usage on schema scratch to loader")
    run(connection, "grant insert, select on table t to loader")
    with pytest.raises(Error, match="28000"):
        stand_in.connect(user="loader", password=PASSWORD)
    loader = stand_in.connect(user="loader", password="Loader-pass1")
    lake.put_table("granted/1.parquet", pa.table({"a": pa.array([1], pa.int32())}))
    run(loader, copy("scratch.t", f"s3://{BUCKET}/granted/"))
    run(loader, "insert into scratch.t values (2)")
    run(loader, "create temp table mine (like scratch.t)")
    assert run(loader, "select count(*) from scratch.t") == [[2]]
    assert run(loader, "select current_user") == [["loader"]]
    loader.commit()
    for sql in (
        "delete from scratch.t",
        "select * from scratch.hidden",
        "create table scratch.x (a int)",
        "drop table scratch.t",
        "create user other password 'Other-pass1'",
        "create schema other",
        copy("scratch.hidden", f"s3://{BUCKET}/granted/"),
    ):
        assert refusal(loader, sql)["C"] == "42501", sql
        loader.rollback()
    assert run(loader, "select table_name from svv_tables where table_schema = 'scratch'") == [
        ["t"]
    ]
    loader.rollback()
    run(connection, "revoke insert on t from loader")
    assert refusal(loader, "insert into scratch.t values (3)")["C"] == "42501"
    loader.close()
    run(connection, "alter user loader password 'Loader-pass2'")
    stand_in.connect(user="loader", password="Loader-pass2").close()


def test_rows_affected_and_parameters_of_every_type(connection: Any) -> None:
    run(connection, "create table t (i bigint, s varchar(20), d date, n decimal(18, 4), b boolean)")
    cursor = connection.cursor()
    cursor.execute(
        "insert into t values (%s, %s, %s, %s, %s), (2, 'b', null, null, null)",
        (1, "é", None, None, True),
    )
    assert cursor.rowcount == 2
    cursor.execute("select i, s, b from t where s = %s", ("é",))
    assert [list(row) for row in cursor.fetchall()] == [[1, "é", True]]
    assert run(connection, "select '12:34:56.5'::time::varchar(20)") == [["12:34:56.5"]]
