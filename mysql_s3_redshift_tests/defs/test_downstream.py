"""Other code locations depend on the Redshift tables by their keys, as docs/dagster.md shows."""

import re
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from mysql_s3_redshift.config import load
from mysql_s3_redshift.defs.build import build_definitions

ROOT = Path(__file__).parents[2]
SECTION = (ROOT / "docs/dagster.md").read_text(encoding="utf-8").split("## Depend on")[1]
CODE = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)[0]
DBT = re.findall(r"```yaml\n(sources:.*?)```", SECTION, re.DOTALL)[0]


def documented() -> dict[str, Any]:
    """What the example defines."""
    names: dict[str, Any] = {"__name__": "finance"}
    exec(compile(CODE, "docs/dagster.md", "exec", dont_inherit=True), names)
    return names


def test_the_documented_asset_is_downstream_of_mysql() -> None:
    names = documented()
    demo = build_definitions(load(ROOT / "pipelines.yaml"))
    graph = dg.Definitions.merge(demo, dg.Definitions([names["revenue"]])).resolve_asset_graph()
    revenue = dg.AssetKey("revenue")
    assert graph.get(revenue).parent_keys == {names["ORDERS"]}
    above = {key.path[0] for key in graph.get_ancestor_asset_keys(revenue)}
    assert {"redshift", "s3", "mysql"} <= above


def test_a_loaded_table_makes_the_documented_asset_anew() -> None:
    """Without the definitions of this project: the event of the load is enough."""
    names = documented()
    finance = dg.Definitions([names["revenue"]])
    with dg.DagsterInstance.ephemeral() as instance:
        seen = dg.evaluate_automation_conditions(finance, instance)
        for _ in range(2):
            instance.report_runless_asset_event(dg.AssetMaterialization(names["ORDERS"]))
            seen = dg.evaluate_automation_conditions(finance, instance, cursor=seen.cursor)
            assert seen.total_requested == 1
            instance.report_runless_asset_event(dg.AssetMaterialization("revenue"))
            seen = dg.evaluate_automation_conditions(finance, instance, cursor=seen.cursor)
            assert seen.total_requested == 0


def test_the_documented_source_of_dbt_has_the_key_of_a_table() -> None:
    [source] = yaml.safe_load(DBT)["sources"]
    [table] = source["tables"]
    key = dg.AssetKey(table["meta"]["dagster"]["asset_key"])
    assert key == documented()["ORDERS"]
    assert key.path[2:] == [source["name"], table["name"]]
