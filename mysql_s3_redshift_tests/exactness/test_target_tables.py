"""The Redshift table: laid out as configured, or somebody else's and taken as it is."""

from typing import Any

import pytest

from mysql_s3_redshift.errors import TargetError
from mysql_s3_redshift_tests.exactness.pair import Pair

DEFINITION = (
    "CREATE TABLE t (id INT PRIMARY KEY COMMENT 'the key', region CHAR(2) COMMENT 'it''s \\\\ a', "
    "amount DECIMAL(10,2)) COMMENT 'what people ''ordered'''"
)


def layout(table: Pair) -> dict[str, tuple[Any, ...]]:
    """Encoding, distribution key, place in the sort key and NOT NULL of each column."""
    rows = table.redshift_rows(
        "SELECT column_name, encoding, distkey, sortkey, is_nullable, remarks FROM "
        f"svv_redshift_columns WHERE schema_name = '{table.servers.schema}' AND table_name = "
        f"'{table.plan.target_name}' ORDER BY ordinal_position"
    )
    return {row[0]: tuple(row[1:]) for row in rows}


@pytest.mark.parametrize(
    ("options", "diststyle", "keys"),
    [
        ({}, "AUTO", {}),
        ({"diststyle": "even"}, "EVEN", {}),
        ({"diststyle": "all", "sortkey": ["region"]}, "ALL", {"region": (False, 1)}),
        (
            {"distkey": "region", "sortkey": ["region", "id"]},
            "KEY(region)",
            {"region": (True, 1), "id": (False, 2)},
        ),
        (
            {"sortkey": ["region", "id"], "sortstyle": "interleaved"},
            "AUTO",
            {"region": (False, 1), "id": (False, -2)},
        ),
        ({"sortstyle": "auto"}, "AUTO", {}),
    ],
)
def test_the_target_is_laid_out_as_configured(
    table: Pair, options: dict[str, Any], diststyle: str, keys: dict[str, tuple[bool, int]]
):
    table.mysql(DEFINITION, "INSERT INTO t VALUES (1, 'us', 1.50)")
    table.options = dict(options)
    table.sync()
    told = table.redshift_rows(
        'SELECT diststyle FROM svv_table_info WHERE "table" = \'t\' AND "schema" = '
        f"'{table.servers.schema}'"
    )
    assert str(told[0][0]).startswith(diststyle)
    found = {name: facts[1:3] for name, facts in layout(table).items()}
    assert {n: (d, abs(s)) for n, (d, s) in found.items()} == {
        name: (keys.get(name, (False, 0))[0], abs(keys.get(name, (False, 0))[1])) for name in found
    }


def test_encodings_comments_and_the_key_arrive(table: Pair):
    table.mysql(DEFINITION, "INSERT INTO t VALUES (1, 'us', 1.50)")
    table.options["columns"] = {"encodings": {"amount": "ZSTD", "Region": "bytedict"}}
    table.sync()
    found = layout(table)
    assert [facts[0] for facts in found.values()][1:] == ["bytedict", "zstd"]
    assert [facts[3] for facts in found.values()] == ["NO", "YES", "YES"]
    assert [facts[4] for facts in found.values()] == ["the key", "it's \\ a", None]
    comments = table.redshift_rows(
        "SELECT remarks FROM svv_tables WHERE table_name = 't' AND table_schema = "
        f"'{table.servers.schema}'"
    )
    assert comments == [("what people 'ordered'",)]


def adopt(table: Pair, *columns: str) -> None:
    """Somebody else made the target, and put a row into it."""
    table.redshift(
        f"CREATE TABLE {table.target} ({', '.join(columns)}) DISTSTYLE EVEN",
        f"INSERT INTO {table.target} (id) VALUES (-1)",
    )


def test_a_table_that_somebody_else_made_is_filled_and_its_own_columns_are_left_alone(table: Pair):
    """I-26"""
    table.mysql(DEFINITION, "INSERT INTO t VALUES (1, 'us', 1.50)")
    adopt(
        table,
        "loaded_by VARCHAR(9) NOT NULL DEFAULT 'us'",
        "region VARCHAR(2)",
        "number BIGINT IDENTITY(1, 1)",
        "id BIGINT",
        "note VARCHAR(9)",
    )
    _, loaded = table.sync()
    assert loaded.changes == (
        "Widened column `region` from VARCHAR(2) to VARCHAR(8).",
        "Added column `amount` DECIMAL(10,2).",
    )
    rows = table.redshift_rows(
        f"SELECT id, region, amount::varchar, loaded_by, note FROM {table.target} ORDER BY id"
    )
    assert rows == [(-1, None, None, "us", None), (1, "us", "1.50", "us", None)]
    assert table.target_types()["id"] == "bigint"
    table.mysql("INSERT INTO t VALUES (2, 'eu', NULL)", "UPDATE t SET amount = 7 WHERE id = 1")
    table.sync()
    assert table.redshift_rows(f"SELECT COUNT(*) FROM {table.target}") == [(3,)]


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        (["id SMALLINT"], "`id` is SMALLINT there and INTEGER in the files"),
        (["id INT", "amount DECIMAL(10,1)"], "`amount` is DECIMAL(10,1) there"),
        (["id INT", "region CHAR(2)"], "`region` is CHAR(2) there"),
        (["id INT", "region VARCHAR(1) DEFAULT 'x'"], "widens no column with a default"),
        (["region VARCHAR(9)"], "`id` is part of the key"),
    ],
)
def test_a_table_that_cannot_take_the_files_is_not_touched(
    table: Pair, columns: list[str], problem: str
):
    table.mysql(DEFINITION, "INSERT INTO t VALUES (1, 'us', 1.50)")
    table.redshift(f"CREATE TABLE {table.target} ({', '.join(columns)})")
    before = table.target_types()
    table.extract()
    with pytest.raises(TargetError) as caught:
        table.load()
    assert problem in caught.value.happened
    assert table.target_types() == before


def test_a_column_that_must_have_a_value_and_gets_none_is_refused(table: Pair):
    table.mysql(DEFINITION, "INSERT INTO t VALUES (1, 'us', 1.50)")
    table.redshift(f"CREATE TABLE {table.target} (id INT, owner INT NOT NULL)")
    table.extract()
    with pytest.raises(TargetError, match="`owner` is NOT NULL and the files do not have it"):
        table.load()
