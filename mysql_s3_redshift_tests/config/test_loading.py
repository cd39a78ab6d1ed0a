"""Whole configurations: the contract's example, connections, pipelines, and errors."""

import ast
import os
import pickle
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from mysql_s3_redshift.config import InvalidConfigError, SslMode, TlsMode, json_schema, load
from mysql_s3_redshift.core.model import CdcStrategy, LoadMode, PartitionOptions, TargetOptions
from mysql_s3_redshift_tests.config.contract import CONTRACT, CONTRACT_VARIABLES
from mysql_s3_redshift_tests.config.documents import (
    SOURCE,
    STORAGE,
    TARGET,
    document,
    loaded,
    with_table,
    with_value,
)


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


def test_plans_keep_the_order_of_the_file(tmp_path):
    names = [f"shop.t{number}" for number in (3, 1, 2)]
    config = loaded(tmp_path, with_value(("pipelines", "shop", "tables"), dict.fromkeys(names)))
    assert [plan.qualified_name for plan in config.plans()] == names


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
