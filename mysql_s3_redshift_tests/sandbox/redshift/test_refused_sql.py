"""What Redshift refuses is refused; what it takes is taken."""

from __future__ import annotations

from typing import Any

import pytest

from mysql_s3_redshift_tests.sandbox.redshift.conftest import refusal, run

REFUSED = [
    # PostgreSQL's own statements and clauses
    ("insert into t (id) values (1) on conflict do nothing", "0A000"),
    ("insert into t (id) values (1) returning id", "0A000"),
    ("update t set id = 1 returning id", "0A000"),
    ("delete from t where id = 1 returning id", "0A000"),
    ("create index i on t (id)", "0A000"),
    ("create unique index i on t (id)", "0A000"),
    ("create sequence s", "0A000"),
    ("create trigger x", "0A000"),
    ("create extension pgcrypto", "0A000"),
    ("create materialized view v as select 1", "0A000"),
    ("savepoint a", "0A000"),
    ("rollback to savepoint a", "0A000"),
    ("do 'begin end'", "0A000"),
    ("values (1)", "0A000"),
    ("listen a", "0A000"),
    ("select * from (values (1)) x", "0A000"),
    ("select distinct on (id) id from t", "0A000"),
    ("select id from t for update", "0A000"),
    ("select id from t where id is distinct from 1", "0A000"),
    ("select id from t where id is not distinct from 1", "0A000"),
    ("select id from t fetch first 1 rows only", "0A000"),
    ("select count(*) filter (where id = 1) from t", "0A000"),
    ("select * from t, lateral (select 1) x", "0A000"),
    ("select * from t tablesample system (1)", "0A000"),
    ("select array[1]", "42601"),
    ("select row(1, 2)", "0A000"),
    ("select 1 as a, 2 as b; select 3", "42601"),
    ("select $$a$$", "42601"),
    ("select E'a'", "0A000"),
    ("set session authorization rdsdb", "0A000"),
    ("set role rdsdb", "0A000"),
    ("set work_mem to '1GB'", "42704"),
    ("grant awsuser to public", "0A000"),
    ("with x as (insert into t values (1, 'a')) select 1", "0A000"),
    ("with x as (select 1) delete from t", "0A000"),
    ("delete from t x where x.id = 1", "42601"),
    ("update t set (id, s) = (1, 'a')", "42601"),
    ("insert into t as x (id) values (1)", "42601"),
    ("insert into t overriding system value values (1, 'a')", "42601"),
    # functions and operators
    ("select now()", "42883"),
    ("select current_timestamp", "0A000"),
    ("select clock_timestamp()", "42883"),
    ("select pg_sleep(1)", "42883"),
    ("select generate_series(1, 3)", "42883"),
    ("select * from generate_series(1, 3)", "42883"),
    ("select string_agg(s, ',') from t", "42883"),
    ("select array_agg(s) from t", "42883"),
    ("select gen_random_uuid()", "42883"),
    ("select jsonb_build_object('a', 1)", "42883"),
    ("select format('%s', 1)", "42883"),
    ("select encode('a', 'hex')", "42883"),
    ("select pg_catalog.now()", "42883"),
    ('select "now"()', "42883"),
    ("select rs.getdate()", "42883"),
    ("select set_config('a.b', 'c', false)", "42883"),
    ("select concat('a', 'b', 'c')", "42883"),
    ("select s ->> 'a' from t", "42883"),
    ("select s @> 'a' from t", "42601"),
    ("select s !~* 'a' from t", "42883"),
    # types
    ("create table x (a json)", "0A000"),
    ("create table x (a jsonb)", "0A000"),
    ("create table x (a uuid)", "0A000"),
    ("create table x (a bytea)", "0A000"),
    ("create table x (a serial)", "0A000"),
    ("create table x (a int[])", "42601"),
    ("create table x (a tinyint)", "0A000"),
    ("create table x (a timestamp(6))", "0A000"),
    ("create table x (a time(3))", "0A000"),
    ("create table x (a money)", "0A000"),
    ("create table x (a enum)", "0A000"),
    ("create table x (a varchar(65536))", "22023"),
    ("create table x (a varchar(0))", "22023"),
    ("create table x (a char(4097))", "22023"),
    ("create table x (a decimal(39, 0))", "22023"),
    ("create table x (a decimal(10, 11))", "22023"),
    ("create table x (a varbyte(16777217))", "22023"),
    ("select '1'::jsonb", "0A000"),
    ("select cast('1' as uuid)", "0A000"),
    ("select cast(id as text[]) from t", "42601"),
    # definitions
    ("create table x (a int check (a > 0))", "0A000"),
    ("create table x (a int, check (a > 0))", "0A000"),
    ("create table x (a int generated always as (1) stored)", "42601"),
    ('create table x (a varchar(10) collate "C")', "42601"),
    ("create table x (a int encode zlib)", "42704"),
    ("create table x (a int) diststyle maybe", "42601"),
    ("create table x (a int) distkey (b)", "42703"),
    ("create table x (a super) sortkey (a)", "0A000"),
    ("create table x (a varbyte(3) distkey)", "0A000"),
    ("create table x (a int) with (fillfactor = 10)", "42601"),
    ("create table x (a int) partition by range (a)", "42601"),
    ("create table x (a int) inherits (t)", "42601"),
    ("create table x (a int) tablespace y", "42601"),
    ("create unlogged table x (a int)", "0A000"),
    ("create table x (like t including all)", "42601"),
    ("create table x (tag int)", "42601"),
    ("create table x (open int)", "42601"),
    ("create table x (new int, old int)", "42601"),
    ("create table x (percent int)", "42601"),
    ("create table tag (a int)", "42601"),
    ("select tag from t", "42601"),
    ("create table x (ctid int)", "42701"),
    ('create table x ("xmin" int)', "42701"),
    (f"create table x ({', '.join(f'c{n} int' for n in range(1601))})", "54011"),
    (f"create table x ({'c' * 128} int)", "42622"),
    ('create table x ("" int)', "42601"),
    ('create table x ("a""b" int)', "0A000"),
    ("alter table t add column a int, add column b int", "42601"),
    ("alter table t add column if not exists a int", "42601"),
    ("alter table t drop column if exists a", "42601"),
    ("alter table t add column a int not null", "0A000"),
    ("alter table t add column a int primary key", "42601"),
    ("alter table t alter column s set default 'x'", "42601"),
    ("alter table t alter column s set not null", "42601"),
    ("alter table t alter column s type int using 1", "0A000"),
    ("alter table t alter column id type bigint", "0A000"),
    ("alter table t rename column s to tag", "42601"),
    ("alter table t append from u", "0A000"),
    ("truncate t, u", "42601"),
    ("lock t in share mode", "42601"),
    ("merge into t using (select 1 as id) u on t.id = u.id when matched then delete", "42601"),
    ("merge into t using t u on t.id = u.id when matched then delete", "42601"),
    ("create user weak password 'abc'", "22023"),
    ("unload ('select 1') to 's3://lake/x' iam_role default", "0A000"),
]


@pytest.mark.parametrize(("sql", "sqlstate"), REFUSED, ids=[sql[:60] for sql, _ in REFUSED])
def test_what_redshift_does_not_take_is_refused(connection: Any, sql: str, sqlstate: str) -> None:
    run(connection, "create table t (id int, s varchar(10))")
    fields = refusal(connection, sql)
    assert fields["C"] == sqlstate, fields["M"]


TAKEN = [
    ("select nvl(null, 1), len('ab'), ifnull(null, 2), nvl2(1, 'a', 'b')", [1, 2, 2, "a"]),
    ("select concat('a', 'b'), concat('a', null)", ["ab", None]),
    ("select func_sha1('abc')", ["a9993e364706816aba3e25717850c26c9cd0d89d"]),
    ("select left(sha2('abc', 256), 8), sha2('abc', 7)", ["ba7816bf", ""]),
    ("select md5('abc')", ["900150983cd24fb0d6963f7d28e17f72"]),
    ("select strtol('0xf', 16), strtol(' -zz', 36), strtol('', 10)", [15, -1295, 0]),
    ("select to_hex(255), to_hex('abc'::varbyte)", ["ff", "616263"]),
    ("select 'abc'::varbyte, from_varbyte('abc'::varbyte, 'hex')", ["616263", "616263"]),
    (
        'select json_serialize(json_parse(\'{"b" : 1, "a": [1, "x y"]}\'))',
        ['{"b":1,"a":[1,"x y"]}'],
    ),
    ("select json_serialize(null), can_json_parse('{')", ["null", False]),
    ("select '1'::int, cast('1.50' as decimal(5, 2))::varchar(9)", [1, "1.50"]),
    ("select dateadd(day, 1, '2024-02-28'::timestamp)::date::varchar(10)", ["2024-02-29"]),
    ("select datediff(month, '2024-01-31'::date, '2024-03-01'::date)", [2]),
    ("select trunc('2024-01-01 10:00'::timestamp)::varchar(10)", ["2024-01-01"]),
    ("select 'a\\\\b', 'it''s', 'it\\'s'", ["a\\b", "it's", "it's"]),
    ("select extract(year from date '2020-05-01')::int", [2020]),
    ("select from_varbyte(substring('abc'::varbyte, 2, 9), 'hex')", ["6263"]),
    ("select floor(ln(8.5::float8) / ln(2)), power(2::float8, -1)", [3.0, 0.5]),
    ("select trim(both '-' from '-a-'), substring('abc' from 2 for 1)", ["a", "b"]),
    ("with x (a, b) as (select 1, 2) select a + b from x", [3]),
    ("select x.a from (select 1 as a minus select 2) x", [1]),
    ("select sum(n) over (), row_number() over (order by n) from (select 1 as n) x", [1, 1]),
    ("select 1 where 1 in (1, 2) and not exists (select 1 where 1 = 2)", [1]),
    ("select case when 1 = 1 then -1 else +1 end", [-1]),
    ("select pg_last_copy_count() >= 0, pg_backend_pid() > 0", [True, True]),
]


@pytest.mark.parametrize(("sql", "row"), TAKEN, ids=[sql[:60] for sql, _ in TAKEN])
def test_what_redshift_takes_gives_its_result(connection: Any, sql: str, row: list[Any]) -> None:
    assert run(connection, sql) == [row]


def test_a_result_that_no_varchar_holds_is_refused(connection: Any) -> None:
    for size, taken in ((32_767, True), (32_768, False)):
        statement = f"select length(from_varbyte(repeat('x', {size})::varbyte, 'hex'))"
        if taken:
            assert run(connection, statement) == [[2 * size]]
        else:
            assert "too long" in refusal(connection, statement)["M"]


def test_an_error_of_the_judge_aborts_the_block(block: Any) -> None:
    refusal(block, "select now()")
    assert refusal(block, "select 1")["C"] == "25P02"
    block.rollback()
    assert run(block, "select 1") == [[1]]
