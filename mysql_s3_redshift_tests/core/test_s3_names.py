from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.s3_names import (
    data_key,
    data_prefix,
    history_key,
    history_prefix,
    manifest_key,
    manifest_prefix,
    parse_data_key,
    schema_key,
    state_key,
)
from mysql_s3_redshift.errors import ConfigError

WHEN = datetime(2025, 8, 25, 6, 30, 8, tzinfo=UTC)

hostile = st.one_of(
    st.text("ab_-.$/ %:'\"A\n", min_size=1, max_size=10),
    st.sampled_from(["..", ".", "%2E", "a.b", "orders", "orders_old", "Ａ", "名称", "_", "x" * 64]),
    st.text(
        st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"], exclude_characters="\0"),
        min_size=1,
        max_size=12,
    ),
)


def plan(
    schema: str = "shop",
    table: str = "orders",
    source: str = "US_DW_RO_SSH",
    pipeline: str = "settlement",
) -> TablePlan:
    return TablePlan(
        pipeline=pipeline,
        source=source,
        storage="lake",
        target="warehouse",
        schema=schema,
        table=table,
        target_schema="s",
        target_name="t",
    )


def test_keys_are_those_of_the_contract():
    orders = plan()
    assert data_key("mysql", orders, when=WHEN, run_id="1a2b3c4d-5e6f", seq=11) == (
        "mysql/data/settlement/shop.orders/year=2025/month=08/day=25/"
        "US_DW_RO_SSH_shop_orders_20250825_063008_1a2b3c4d_00000011.parquet"
    )
    key = ("s3", "settlement", "shop", "orders")
    assert state_key("mysql/", key) == "mysql/state/s3/settlement/shop/orders.json"
    assert history_key("mysql", key, when=WHEN, action="watermark-set") == (
        "mysql/history/s3/settlement/shop/orders/20250825T063008.000000Z-watermark-set.json"
    )
    assert manifest_key("mysql", orders, "L1") == (
        "mysql/loads/settlement/shop.orders/L1.manifest.json"
    )
    assert schema_key("", orders, "0123456789abcdef") == (
        "schemas/settlement/shop.orders/0123456789abcdef.json"
    )


def test_case_dash_dot_and_dollar_survive_in_keys():
    """H-09"""
    key = data_key("p", plan("Shop-1", "Orders.v$2"), when=WHEN, run_id="r", seq=0)
    assert "/Shop-1.Orders.v$2/" in key


@given(hostile, hostile, hostile, hostile, st.integers(0, 10**9))
def test_what_the_writer_names_the_reader_finds(schema, table, source, pipeline, seq):
    """I-30"""
    written = plan(schema, table, source, pipeline)
    key = data_key("lake/mysql", written, when=WHEN, run_id="1a2b3c4d-5e6f", seq=seq)
    assert key.startswith(data_prefix("lake/mysql", written))
    assert not {".", "..", ""} & set(key.split("/"))
    parsed = parse_data_key("lake/mysql", key)
    assert parsed is not None
    assert (parsed.schema, parsed.table, parsed.source) == (schema, table, source)
    assert (parsed.pipeline, parsed.when, parsed.run, parsed.seq) == (
        pipeline,
        WHEN,
        "1a2b3c4d",
        seq,
    )


@given(hostile, hostile, hostile, hostile)
def test_two_tables_never_share_a_folder(schema, table, other_schema, other_table):
    """H-12"""
    assume((schema, table) != (other_schema, other_table))
    one, two = plan(schema, table), plan(other_schema, other_table)
    for prefix_of in (data_prefix, manifest_prefix):
        assert not prefix_of("p", one).startswith(prefix_of("p", two))
    keys = [("s3", "p", schema, table), ("s3", "p", other_schema, other_table)]
    assert state_key("p", keys[0]) != state_key("p", keys[1])
    assert history_prefix("p", keys[0]) != history_prefix("p", keys[1])


def test_a_table_does_not_find_the_files_of_a_longer_name():
    """H-12"""
    old = data_key("p", plan(table="orders_old"), when=WHEN, run_id="r", seq=1)
    assert not old.startswith(data_prefix("p", plan(table="orders")))


@given(st.text(max_size=60))
def test_foreign_keys_are_not_read_as_data_files(key):
    assert parse_data_key("p", key) is None
    assert parse_data_key("p", f"p/data/{key}") is None


@pytest.mark.parametrize(
    "tail",
    [
        "a/b.c/year=2025/month=13/day=01/s_b_c_20251301_000000_r_00000001.parquet",
        "a/b.c/year=2025/month=01/day=02/s_b_c_20250101_000000_r_00000001.parquet",
        "a/b.c/year=2025/month=01/day=01/s_b_x_20250101_000000_r_00000001.parquet",
        "a/b.c/year=2025/month=01/day=01/_b_c_20250101_000000_r_00000001.parquet",
        "a/.c/year=2025/month=01/day=01/s__c_20250101_000000_r_00000001.parquet",
        "a/b.%FF/year=2025/month=01/day=01/s_b_%FF_20250101_000000_r_00000001.parquet",
        "a/b.c/year=2025/month=01/day=01/s_b_c_20250101_000000_r_1.parquet",
    ],
)
def test_keys_that_only_look_like_data_files_are_foreign(tail):
    assert parse_data_key("p", f"p/data/{tail}") is None


def test_times_in_other_zones_become_utc_and_naive_times_are_utc():
    """I-07"""
    local = WHEN.astimezone(timezone(timedelta(hours=-5)))
    keys = {
        data_key("p", plan(), when=when, run_id="r", seq=1)
        for when in (WHEN, local, WHEN.replace(tzinfo=None))
    }
    assert len(keys) == 1


def test_a_key_longer_than_s3_takes_is_refused_before_it_is_written():
    symbols = "☃" * 64
    with pytest.raises(ConfigError, match="1024"):
        data_key("p", plan(symbols, symbols), when=WHEN, run_id="r", seq=1)


def test_a_run_id_without_letters_is_refused():
    with pytest.raises(ValueError, match="do not make a file name"):
        data_key("p", plan(), when=WHEN, run_id="--", seq=1)
