from collections.abc import Sequence
from typing import Any

import pytest

from mysql_s3_redshift.config import select
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.errors import ConfigError
from mysql_s3_redshift_tests.config.documents import SOURCE, document, loaded


def pipeline(source: str, schema: str, *tables: str) -> dict[str, Any]:
    names = dict.fromkeys(tables)
    return {
        "source": source,
        "storage": "lake",
        "target": "warehouse",
        "target_schema": schema,
        "tables": names,
    }


@pytest.fixture
def config(tmp_path):
    return loaded(
        tmp_path,
        document(
            sources={"us": SOURCE, "eu": SOURCE},
            pipelines={
                "orders-us": pipeline("us", "us", "shop.orders", "shop.items"),
                "orders-eu": pipeline("eu", "eu", "shop.orders", "`s.x`.odd"),
            },
        ),
    )


def names(plans: Sequence[TablePlan]) -> list[tuple[str, str]]:
    return [(plan.pipeline, plan.qualified_name) for plan in plans]


def test_a_pipeline_means_all_its_tables(config):
    assert names(select(config, "orders-us", [])) == [
        ("orders-us", "shop.orders"),
        ("orders-us", "shop.items"),
    ]


def test_a_table_alone_tells_its_pipeline(config):
    assert names(select(config, None, ["shop.items"])) == [("orders-us", "shop.items")]


def test_a_source_tells_tables_of_one_name_apart(config):
    assert names(select(config, None, ["eu:shop.orders"])) == [("orders-eu", "shop.orders")]


@pytest.mark.parametrize("spelling", ["`s.x`.odd", "s.x.odd", "eu:`s.x`.`odd`", "eu:s.x.odd"])
def test_any_spelling_of_a_table_finds_it(config, spelling):
    assert names(select(config, None, [spelling])) == [("orders-eu", "s.x.odd")]


def test_tables_come_once_and_in_the_order_asked_for(config):
    asked = ["shop.items", "shop.orders", "us:shop.items"]
    assert names(select(config, "orders-us", asked)) == [
        ("orders-us", "shop.items"),
        ("orders-us", "shop.orders"),
    ]


def test_the_only_pipeline_need_not_be_named(tmp_path):
    assert names(select(loaded(tmp_path, document()), None, [])) == [("shop", "shop.orders")]


@pytest.mark.parametrize(
    ("name", "tables", "expected"),
    [
        (None, [], ["has 2 pipelines; which one is meant?", "`-p PIPELINE`: orders-us, orders-eu"]),
        (
            None,
            ["shop.orders"],
            ["is in 2 pipelines", "-p orders-us -t us:shop.orders", "-p orders-eu"],
        ),
        ("orders_us", [], ["has no pipeline `orders_us`", "Did you mean `orders-us`?"]),
        ("orders-us", ["shop.ordres"], ["has no table `shop.ordres`", "`shop.orders`?"]),
        ("orders-us", ["xx:shop.orders"], ["has no table `xx:shop.orders`", "us:shop.items"]),
        (
            "orders-us",
            ["eu:shop.orders"],
            ["Pipeline `orders-us` has no table `eu:shop.orders`", "It is in orders-eu"],
        ),
        (None, ["orders"], ["has no table `orders`", "Known: shop.orders, shop.items"]),
        (None, [""], ["has no table ``"]),
        (None, ["a\nb.c"], ["has no table `a\\nb.c`"]),
    ],
)
def test_what_cannot_be_found_is_told_with_the_candidates(config, name, tables, expected):
    with pytest.raises(ConfigError) as caught:
        select(config, name, tables)
    for part in expected:
        assert part in str(caught.value)
    assert len(str(caught.value).splitlines()) == 3


def test_a_table_is_never_found_by_a_part_of_its_name(config):
    for name in ("shop.order", "hop.orders", "u:shop.items", "shop.items ", "SHOP.ITEMS"):
        with pytest.raises(ConfigError):
            select(config, None, [name])
