import ast
import os
import pickle
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from mysql_s3_redshift.config import InvalidConfigError, SslMode, TlsMode, json_schema, load
from mysql_s3_redshift.config.tables import TableOptions
from mysql_s3_redshift.core.model import (
    CdcStrategy,
    LoadMode,
    OverlongPolicy,
    PartitionOptions,
    TargetOptions,
    ZeroDatePolicy,
)
from mysql_s3_redshift.core.policies import ENCODINGS
from mysql_s3_redshift.core.types import RULES
from mysql_s3_redshift_tests.config.documents import (
    SOURCE,
    STORAGE,
    TARGET,
    document,
    loaded,
    with_table,
    with_value,
)

CONTRACT = Path(__file__).with_name("contract.yaml")
CONTRACT_VARIABLES = {
    "MYSQL_USER": "reader",
    "MYSQL_PASSWORD": "secret-1",
    "SSH_USER": "hopper",
    "REDSHIFT_USER": "loader",
    "REDSHIFT_PASSWORD": "secret-2",
    "HASH_SALT": "secret-3",
}


def test_the_example_of_the_contract_loads_as_it_stands():
    config = load(CONTRACT, environ=CONTRACT_VARIABLES)
    orders, countries, totals = config.plans("settlement")
    assert orders.scoped_name == "US_DW_RO_SSH:settlement.settle_orders"
    assert orders.strategy is CdcStrategy.HYBRID
    assert orders.load_mode is LoadMode.UPSERT
    assert orders.primary_key == ("id",)
    assert orders.start_from == datetime.fromisoformat("2025-01-01")
    assert orders.lag == timedelta(0)
    assert orders.chunk_rows == 500_000
    assert orders.columns.types == {"payload": "super"}
    assert orders.columns.hash == ("email",)
    assert orders.partitions == PartitionOptions("created_at", date(2025, 1, 1))
    assert orders.target_options == TargetOptions("key", "id", ("update_at", "id"), "compound")
    assert countries.strategy is CdcStrategy.FULL_SYNC
    assert countries.load_mode is LoadMode.REPLACE
    assert totals.query is not None
    assert totals.query.startswith("SELECT region")
    assert totals.primary_key == ("region", "day")


def test_the_connections_of_the_contract_have_their_variables_filled_in():
    config = load(CONTRACT, environ=CONTRACT_VARIABLES)
    source = config.source("US_DW_RO_SSH")
    assert (source.user, source.port, source.tls.mode) == (
        "reader",
        3306,
        TlsMode.VERIFY_IDENTITY,
    )
    assert source.tls.ca == CONTRACT.parent / "certs/rds.pem"
    assert source.ssh is not None
    assert source.ssh.known_hosts == Path("~/.ssh/known_hosts").expanduser()
    target = config.target("warehouse")
    assert target.password is not None
    assert target.password.get_secret_value() == "secret-2"
    assert target.sslmode is SslMode.VERIFY_FULL
    assert config.storage("lake").prefix == "mysql"


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


def test_plans_keep_the_order_of_the_file(tmp_path):
    names = [f"shop.t{number}" for number in (3, 1, 2)]
    config = loaded(tmp_path, with_value(("pipelines", "shop", "tables"), dict.fromkeys(names)))
    assert [plan.qualified_name for plan in config.plans()] == names


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


@pytest.mark.parametrize(
    ("host", "tls", "sslmode"),
    [
        ("127.0.0.1", TlsMode.DISABLED, SslMode.DISABLE),
        ("127.8.8.8", TlsMode.DISABLED, SslMode.DISABLE),
        ("::1", TlsMode.DISABLED, SslMode.DISABLE),
        ("[::1]", TlsMode.DISABLED, SslMode.DISABLE),
        ("LocalHost", TlsMode.DISABLED, SslMode.DISABLE),
        ("10.0.0.1", TlsMode.REQUIRED, SslMode.VERIFY_FULL),
        ("localhost.example.com", TlsMode.REQUIRED, SslMode.VERIFY_FULL),
        ("127.0.0.1.example.com", TlsMode.REQUIRED, SslMode.VERIFY_FULL),
    ],
)
def test_connections_are_encrypted_unless_they_stay_on_this_machine(tmp_path, host, tls, sslmode):
    config = loaded(
        tmp_path,
        document(
            sources={"main": {**SOURCE, "host": host}},
            targets={"warehouse": {**TARGET, "host": "${H}"}},
        ),
        environ={"H": host},
    )
    assert config.source("main").tls.mode is tls
    assert config.target("warehouse").sslmode is sslmode


def test_a_trusted_certificate_alone_means_full_verification(tmp_path):
    config = loaded(tmp_path, with_value(("sources", "main", "tls"), {"ca": "/etc/rds.pem"}))
    assert config.source("main").tls.mode is TlsMode.VERIFY_IDENTITY


def test_a_store_with_an_endpoint_of_its_own_is_addressed_by_path(tmp_path):
    endpoint = "http://127.0.0.1:9000/"
    config = loaded(tmp_path, with_value(("storages", "lake", "endpoint_url"), endpoint))
    assert config.storage("lake").endpoint_url == "http://127.0.0.1:9000"
    assert config.storage("lake").path_style is True
    assert loaded(tmp_path, document()).storage("lake").path_style is False


def test_iam_options_reach_the_driver_as_they_are(tmp_path):
    iam = {"iam": True, "cluster_identifier": "c", "db_user": "etl"}
    target = {"host": "h", "database": "dev", "iam": iam, "copy_role": "default"}
    checked = loaded(tmp_path, document(targets={"warehouse": target})).target("warehouse")
    assert checked.iam is not None
    assert checked.iam.get_secret_value() == iam


def test_sync_defaults_to_five_minutes_and_takes_a_schedule(tmp_path):
    pipeline = loaded(tmp_path, document()).pipeline("shop")
    assert pipeline.sync.every == timedelta(minutes=5)
    assert pipeline.processing.parallelism == 4
    sync = {"schedule": "*/15 8-18 * * MON-FRI", "timezone": "Europe/Berlin"}
    config = with_value(("pipelines", "shop", "sync"), sync)
    config = with_value(
        ("pipelines", "shop", "processing"), {"strategy": "sequential"}, start=config
    )
    pipeline = loaded(tmp_path, config).pipeline("shop")
    assert pipeline.sync.every is None
    assert pipeline.sync.schedule == "*/15 8-18 * * mon-fri"
    assert pipeline.processing.parallelism == 1


def test_two_sources_with_the_same_tables_have_keys_of_their_own(tmp_path):
    second = {**document()["pipelines"]["shop"], "source": "other", "target_schema": "shop_eu"}
    config = document(sources={"main": SOURCE, "other": SOURCE})
    plans = loaded(tmp_path, with_value(("pipelines", "eu"), second, start=config)).plans()
    assert len({key for p in plans for key in (p.source_key, p.extract_key, p.load_key)}) == 6


def test_one_table_may_go_into_two_targets(tmp_path):
    second = {**document()["pipelines"]["shop"], "target": "other"}
    config = document(targets={"warehouse": TARGET, "other": {**TARGET, "database": "reporting"}})
    plans = loaded(tmp_path, with_value(("pipelines", "again"), second, start=config)).plans()
    assert len({plan.load_key for plan in plans}) == 2


def test_a_file_with_connections_only_is_a_start(tmp_path):
    config = loaded(tmp_path, {"sources": {"main": SOURCE}, "storages": {"lake": STORAGE}})
    assert config.plans() == ()
    assert config.source_names == ("main",)
    assert config.target_names == ()


def test_anchors_live_in_extension_keys(tmp_path):
    text = """
x-table: &table {cdc_strategy: hybrid, chunk_rows: 10}
sources: {main: {host: localhost, user: u}}
storages: {lake: {bucket: lake}}
targets: {w: {host: localhost, database: d, user: u, password: p}}
pipelines:
  shop:
    source: main
    storage: lake
    target: w
    tables:
      shop.a: *table
      shop.b:
        <<: *table
        chunk_rows: 20
"""
    a, b = loaded(tmp_path, text).plans()
    assert (a.chunk_rows, b.chunk_rows) == (10, 20)
    assert a.strategy is b.strategy is CdcStrategy.HYBRID


def test_five_hundred_tables_load(tmp_path):
    names = [f"shop.table_{number:03d}" for number in range(500)]
    options = {"cdc_strategy": "hybrid", "load_mode": "upsert", "columns": {"hash": ["email"]}}
    config = with_value(("pipelines", "shop", "tables"), dict.fromkeys(names, options))
    assert len(loaded(tmp_path, config, environ={"HASH_SALT": "x"}).plans()) == 500


def test_the_json_schema_describes_every_section():
    schema = json_schema()
    assert set(schema["properties"]) == {"sources", "storages", "targets", "pipelines", "execution"}
    assert schema["$defs"]["TableOptions"]["properties"]["lag"]["description"]


def test_errors_survive_a_process_boundary(tmp_path):
    with pytest.raises(InvalidConfigError) as caught:
        loaded(tmp_path, with_table({"lag": 5, "slices": 0}))
    copy = pickle.loads(pickle.dumps(caught.value))
    assert str(copy) == str(caught.value)
    assert copy.problems == caught.value.problems
    assert len(copy.problems) == 2


def test_the_package_imports_neither_dagster_nor_a_driver():
    """Definitions are loaded often; a second spent on imports would be spent each time."""
    code = "import mysql_s3_redshift.config, sys; print(sorted(sys.modules))"
    output = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ).stdout
    heavy = {"dagster", "boto3", "botocore", "sqlalchemy", "pymysql", "redshift_connector"}
    assert not heavy & set(ast.literal_eval(output))
