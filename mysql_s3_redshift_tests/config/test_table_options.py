"""Options of tables: their defaults, how they are merged, and what a plan makes of them."""

from datetime import datetime, timedelta

import pytest

from mysql_s3_redshift.config.tables import TableOptions
from mysql_s3_redshift.core.model import OverlongPolicy, TargetOptions, ZeroDatePolicy
from mysql_s3_redshift.core.policies import ENCODINGS
from mysql_s3_redshift.core.types import RULES
from mysql_s3_redshift_tests.config.documents import document, loaded, with_table, with_value


def test_a_table_without_options_is_left_to_discovery(tmp_path):
    (plan,) = loaded(tmp_path, document()).plans()
    assert plan.strategy is None
    assert plan.load_mode is None
    assert plan.target_options == TargetOptions()
    assert plan.extract_key == ("s3", "shop", "shop", "orders")
    assert plan.load_key == ("redshift", "warehouse", "shop", "orders")


@pytest.mark.parametrize("empty", [None, {}])
def test_a_table_may_have_an_empty_section_or_none(tmp_path, empty):
    content = with_value(("pipelines", "shop", "tables", "shop.orders"), empty)
    assert len(loaded(tmp_path, content).plans()) == 1


def test_names_in_redshift_default_to_plain_lower_case(tmp_path):
    config = with_value(("pipelines", "shop", "target_schema"), None)
    config = with_value(("pipelines", "shop", "tables"), {"Shop-EU.Order Items": {}}, start=config)
    (plan,) = loaded(tmp_path, config).plans()
    assert (plan.target_schema, plan.target_name) == ("shop_eu", "order_items")


def test_a_chosen_redshift_name_is_folded_as_redshift_folds_it(tmp_path):
    (plan,) = loaded(tmp_path, with_table({"target_name": "OrderItems"})).plans()
    assert plan.target_name == "orderitems"


def test_tables_take_the_defaults_of_their_pipeline(tmp_path):
    config = with_table({"chunk_rows": 10, "additional_where": None, "tags": {"tier": "gold"}})
    defaults = {
        "chunk_rows": 1000,
        "slices": 4,
        "additional_where": "a = 1",
        "tags": {"tier": "silver", "team": "ops"},
    }
    (plan,) = loaded(
        tmp_path, with_value(("pipelines", "shop", "defaults"), defaults, start=config)
    ).plans()
    assert (plan.chunk_rows, plan.slices) == (10, 4)
    assert plan.additional_where is None, "null takes a default back"
    assert plan.tags == {"tier": "gold", "team": "ops"}


def test_column_options_are_merged_key_by_key(tmp_path):
    config = with_table({"columns": {"exclude": "blob", "zero_dates": None}})
    defaults = {"columns": {"exclude": ["a", "b"], "overlong": "truncate", "zero_dates": "error"}}
    (plan,) = loaded(
        tmp_path, with_value(("pipelines", "shop", "defaults"), defaults, start=config)
    ).plans()
    assert plan.columns.exclude == ("blob",)
    assert plan.columns.overlong == {"*": OverlongPolicy.TRUNCATE}
    assert plan.columns.zero_dates == {"*": ZeroDatePolicy.NULL}, "an unquoted null is the policy"


def test_a_policy_may_be_given_for_all_columns_or_per_column(tmp_path):
    options = {"columns": {"zero_dates": {"*": "error", "born": None}, "overlong": "null"}}
    (plan,) = loaded(tmp_path, with_table(options)).plans()
    assert plan.columns.zero_dates == {"*": ZeroDatePolicy.ERROR, "born": ZeroDatePolicy.NULL}
    assert plan.columns.overlong == {"*": OverlongPolicy.NULL}


def test_every_option_of_a_plan_can_be_set(tmp_path):
    options = {
        "cdc_strategy": "timestamp_only",
        "cdc_timestamp_column": "changed",
        "cdc_timestamp_unit": "epoch_ms",
        "cdc_timestamp_timezone": "Europe/Berlin",
        "cdc_id_column": "id",
        "load_mode": "append",
        "primary_key": "id",
        "target_name": "o",
        "start_from": "2025-01-31 13:30:00.5",
        "additional_where": "a = 'x'\n AND b > 1",
        "lag": "1m30s",
        "chunk_rows": "7",
        "allow_empty": True,
        "slices": 3,
        "diststyle": "EVEN",
        "sortkey": "changed",
        "sortstyle": "interleaved",
        "columns": {
            "exclude": "pin",
            "rename": {"ID": "order_id"},
            "types": {"flag": "BOOL", "note": "varchar( 100 )"},
            "hash": ["email"],
            "hash_salt": "pepper",
            "invalid_text": "replace",
            "encodings": {"a": "ZSTD"},
        },
        "partitions": {"column": "created", "start": "2025-01-01"},
        "description": "Orders.",
        "owners": ["team:data", "someone@example.com"],
        "tags": {"tier": "1"},
        "freshness": "1h",
    }
    (plan,) = loaded(tmp_path, with_table(options)).plans()
    assert set(TableOptions.model_fields) - set(options) == {"query", "distkey"}
    assert plan.timestamp_timezone == "Europe/Berlin"
    assert plan.start_from == datetime.fromisoformat("2025-01-31T13:30:00.500")
    assert plan.additional_where == "a = 'x'\n AND b > 1"
    assert plan.lag == timedelta(seconds=90)
    assert plan.chunk_rows == 7
    assert plan.target_options == TargetOptions("even", None, ("changed",), "interleaved")
    assert plan.columns.types == {"flag": "bool", "note": "varchar(100)"}
    assert plan.columns.hash_salt == "pepper"
    assert "pepper" not in repr(plan)
    assert plan.freshness == timedelta(hours=1)


def test_every_type_and_encoding_of_the_core_can_be_chosen(tmp_path):
    types = {rule.option.replace("(n)", "(9)") for rule in RULES if rule.option}
    columns = {
        "types": {f"t{number}": name for number, name in enumerate(sorted(types))},
        "encodings": {f"e{number}": name for number, name in enumerate(sorted(ENCODINGS))},
    }
    (plan,) = loaded(tmp_path, with_table({"columns": columns})).plans()
    assert set(plan.columns.types.values()) == types
    assert set(plan.columns.encodings.values()) == ENCODINGS


def test_start_from_of_the_defaults_does_not_concern_tables_without_a_timestamp(tmp_path):
    config = with_value(("pipelines", "shop", "defaults"), {"start_from": "2025-01-01"})
    tables = {"shop.a": {"cdc_strategy": "id_only"}, "shop.b": None}
    a, b = loaded(
        tmp_path, with_value(("pipelines", "shop", "tables"), tables, start=config)
    ).plans()
    assert a.start_from is None
    assert b.start_from == datetime.fromisoformat("2025-01-01")
