"""The code location: what it holds, how fast it loads, and that loading connects to nothing."""

from __future__ import annotations

import gc
import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

import dagster as dg
import pytest

from mysql_s3_redshift.config import load
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.defs.build import build_definitions, build_resources
from mysql_s3_redshift.defs.names import source_key, table_tag
from mysql_s3_redshift_tests.config.documents import SOURCE, STORAGE, TARGET, document, loaded

PROJECT = Path(__file__).parent.parent.parent


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail whatever connects or looks up a name."""

    def refuse(*_: object) -> NoReturn:
        message = "loading definitions must not connect"
        raise AssertionError(message)

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def pipeline(tables: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A pipeline between the connections of `document`."""
    return {"source": "main", "storage": "lake", "target": "warehouse", "tables": tables, **more}


def plan_of(content: dict[str, Any], folder: Path, table: str) -> TablePlan:
    """The plan of a table."""
    return next(plan for plan in loaded(folder, content).plans() if plan.table == table)


def text(key: dg.AssetKey) -> str:
    """An asset key on one line."""
    return "/".join(key.path)


def test_every_table_is_a_pair_downstream_of_its_mysql_table(tmp_path: Path) -> None:
    content = document(
        pipelines={
            "shop-eu": pipeline(
                {
                    "shop.orders": {
                        "description": "All orders.",
                        "owners": ["team:data-platform"],
                        "tags": {"domain": "sales"},
                        "freshness": "2h",
                    },
                    "shop.Odd $ name": {},
                },
                target_schema="eu",
            )
        }
    )
    specs = build_definitions(loaded(tmp_path, content)).resolve_all_asset_specs()
    shown = sorted(
        (text(s.key), [text(d.asset_key) for d in s.deps], s.group_name, sorted(s.kinds))
        for s in specs
    )
    odd = text(source_key(plan_of(content, tmp_path, "Odd $ name")))
    assert shown == [
        (odd, [], "shop_eu", ["mysql"]),
        ("mysql/main/shop/orders", [], "shop_eu", ["mysql"]),
        ("redshift/warehouse/eu/odd___name", ["s3/shop-eu/shop/Odd___name"], "shop_eu",
         ["redshift", "table"]),
        ("redshift/warehouse/eu/orders", ["s3/shop-eu/shop/orders"], "shop_eu",
         ["redshift", "table"]),
        ("s3/shop-eu/shop/Odd___name", [odd], "shop_eu",
         ["parquet", "s3"]),
        ("s3/shop-eu/shop/orders", ["mysql/main/shop/orders"], "shop_eu", ["parquet", "s3"]),
    ]  # fmt: skip
    assert odd.startswith("mysql/main/shop/Odd___name-")
    [orders] = [s for s in specs if text(s.key) == "redshift/warehouse/eu/orders"]
    assert orders.owners == ["team:data-platform"]
    assert orders.tags["domain"] == "sales"
    assert (orders.description or "").startswith("All orders.")
    assert orders.freshness_policy is not None
    assert orders.code_version


def test_a_code_version_changes_with_the_options_that_change_rows_alone(tmp_path: Path) -> None:
    def version(options: dict[str, Any]) -> str | None:
        content = document(pipelines={"shop": pipeline({"shop.orders": options})})
        specs = build_definitions(loaded(tmp_path, content)).resolve_all_asset_specs()
        return next(s.code_version for s in specs if text(s.key).startswith("s3/"))

    plain = version({})
    assert version({"description": "new", "tags": {"a": "b"}, "freshness": "1h"}) == plain
    assert version({"partitions": {"column": "made", "start": "2025-01-01"}, "slices": 4}) == plain
    assert version({"columns": {"exclude": ["note"]}}) != plain


def test_a_step_takes_a_place_in_the_pool_of_the_system_that_it_talks_to(tmp_path: Path) -> None:
    """So the connections of all runs together are bounded, per system."""
    content = document(pipelines={"shop": pipeline({"shop.orders": {}, "shop.items": {}})})
    definitions = build_definitions(loaded(tmp_path, content))
    assets = [a for a in definitions.assets or () if isinstance(a, dg.AssetsDefinition) and a.keys]
    pools = {(key.path[0], asset.op.pool) for asset in assets for key in asset.keys}
    assert pools == {("s3", "mysql_main"), ("redshift", "redshift_warehouse")}


def test_two_pipelines_of_one_mysql_table_share_its_external_asset(tmp_path: Path) -> None:
    """I-31: the pairs are different assets with different state documents."""
    content = document(
        pipelines={
            "one": pipeline({"shop.orders": {}}, target_schema="one"),
            "two": pipeline({"shop.orders": {}}, target_schema="two"),
        }
    )
    specs = build_definitions(loaded(tmp_path, content)).resolve_all_asset_specs()
    keys = [text(spec.key) for spec in specs]
    assert keys.count("mysql/main/shop/orders") == 1
    assert {"s3/one/shop/orders", "s3/two/shop/orders"} <= set(keys)


def test_each_pipeline_has_a_job_and_a_sensor_or_a_schedule(tmp_path: Path) -> None:
    content = document(
        pipelines={
            "polled": pipeline({"shop.orders": {}}, sync={"every": "90s"}),
            "timed": pipeline(
                {"shop.items": {}},
                sync={"schedule": "*/15 * * * *", "timezone": "Europe/Berlin"},
                alerts={"command": ["true"]},
            ),
        }
    )
    repository = build_definitions(loaded(tmp_path, content)).get_repository_def()
    jobs = {"polled_sync", "timed_sync", "polled_checks", "timed_checks"}
    assert jobs <= set(repository.job_names)
    sensors = {sensor.name: sensor for sensor in repository.sensor_defs}
    assert set(sensors) == {"polled_sensor", "timed_alerts", "timed_alerts_of_checks"}
    assert sensors["polled_sensor"].minimum_interval_seconds == 15
    schedules = {schedule.name: schedule for schedule in repository.schedule_defs}
    assert set(schedules) == {"timed_schedule", "polled_checks_schedule", "timed_checks_schedule"}
    assert schedules["timed_schedule"].execution_timezone == "Europe/Berlin"


@pytest.mark.usefixtures("no_network")
def test_five_hundred_tables_load_in_seconds_and_connect_to_nothing(tmp_path: Path) -> None:
    tables: dict[str, Any] = {f"shop.table_{n}": {} for n in range(500)}
    config = loaded(tmp_path, document(pipelines={"shop": pipeline(tables)}))
    began = time.process_time()  # whatever else the machine is doing
    definitions = build_definitions(config)
    dg.Definitions.validate_loadable(definitions)
    assert time.process_time() - began < 60
    assert len(list(definitions.resolve_all_asset_specs())) == 1500


def test_definitions_import_nothing_that_only_a_step_needs(tmp_path: Path) -> None:
    tables: dict[str, Any] = {"shop.orders": None, "shop.big": {"slices": 4}}
    config = loaded(tmp_path, document(pipelines={"shop": pipeline(tables)})).path
    program = (
        "import sys, json; from mysql_s3_redshift.config import load; "
        "from mysql_s3_redshift.defs.build import build_definitions; from pathlib import Path; "
        "build_definitions(load(Path(sys.argv[1]))).get_repository_def().load_all_definitions(); "
        "print(json.dumps(list(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(config)],
        cwd=PROJECT,
        capture_output=True,
        check=True,
    )
    packages = {name.split(".")[0] for name in json.loads(done.stdout)}
    assert not packages & {"boto3", "pymysql", "redshift_connector", "pyarrow", "numpy", "tenacity"}


def test_steps_of_all_tables_have_one_config_schema(tmp_path: Path) -> None:
    tables: dict[str, Any] = {"shop.a": None, "shop.b": {}}
    config = loaded(tmp_path, document(pipelines={"shop": pipeline(tables)}))
    repository = build_definitions(config).get_repository_def()
    fields = {
        text(key): id(repository.assets_defs_by_key[key].op.config_schema.as_field())
        for key in repository.assets_defs_by_key
        if key.path[0] == "s3"
    }
    assert len(fields) == 2
    assert len(set(fields.values())) == 1


@pytest.mark.usefixtures("no_network")
def test_definitions_load_where_no_secret_is_set(tmp_path: Path) -> None:
    content = document(
        sources={"main": {**SOURCE, "password": "${MISSING_PASSWORD}"}},
        targets={"warehouse": {**TARGET, "host": "${MISSING_HOST}"}},
    )
    dg.Definitions.validate_loadable(build_definitions(loaded(tmp_path, content)))


def test_resources_show_nothing_secret(tmp_path: Path) -> None:
    """I-40: what Dagster prints, stores and shows of a resource is a path and a name."""
    content = document(
        storages={"lake": {**STORAGE, "access_key_id": "key-canary", "secret_access_key": "canary"}}
    )
    config = loaded(tmp_path, content)
    resources = build_resources(config, config.plans())
    assert "canary" not in repr(resources)
    definitions = build_definitions(config)
    assert "canary" not in repr(definitions.get_repository_def().get_top_level_resources())


def test_run_tags_tell_tables_apart_whatever_their_names(tmp_path: Path) -> None:
    names = ["shop.a b", "shop.a_b", "shop.a$b", f"shop.{'x' * 64}", f"shop.{'x' * 63}y"]
    config = loaded(tmp_path, document(pipelines={"shop": pipeline(dict.fromkeys(names[:1]))}))
    tags = set()
    for name in names:
        path = tmp_path / "one"
        path.mkdir(exist_ok=True)
        config = loaded(path, document(pipelines={"shop": pipeline({name: None})}))
        tags.add(table_tag(config.plans()[0]))
    assert len(tags) == len(names)
    assert all(len(tag) <= 63 for tag in tags)


def test_the_workspace_file_loads_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    from mysql_s3_redshift import definitions

    monkeypatch.chdir(PROJECT)
    monkeypatch.delenv(definitions.CONFIG_VARIABLE, raising=False)
    built = definitions.defs()
    assert gc.isenabled()
    dg.Definitions.validate_loadable(built)
    tables = len(load(PROJECT / "pipelines.yaml").plans())
    pairs = [s for s in built.resolve_all_asset_specs() if s.key.path[0] in {"s3", "redshift"}]
    assert len(pairs) == 2 * tables
