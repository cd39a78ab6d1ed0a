"""Every type at its edges, from MySQL through S3 to Redshift, value by value."""

from collections.abc import Sequence

import pytest

from mysql_s3_redshift.core.target_types import parse_target_type
from mysql_s3_redshift_tests.exactness.comparison import differences, told_by_both
from mysql_s3_redshift_tests.exactness.edges import Edges
from mysql_s3_redshift_tests.exactness.families import FAMILIES
from mysql_s3_redshift_tests.exactness.pair import Pair


def is_mariadb(pair: Pair) -> bool:
    return "mariadb" in str(pair.mysql_rows("SELECT VERSION()")[0][0]).lower()


def columns_of(pair: Pair, edges: Sequence[Edges]) -> dict[str, Edges]:
    """The family's columns that this server has, by name."""
    other = "mysql" if is_mariadb(pair) else "mariadb"
    return {f"c{n}": edge for n, edge in enumerate(edges) if edge.only != other}


def create_and_fill(pair: Pair, columns: dict[str, Edges]) -> None:
    definitions = ", ".join(f"`{name}` {edge.mysql}" for name, edge in columns.items())
    pair.mysql(f"CREATE TABLE t (id INT NOT NULL PRIMARY KEY, {definitions})")
    count = max(len(edge.literals) for edge in columns.values()) + 1
    rows = [
        [
            str(row),
            *(e.literals[row] if row < len(e.literals) else "NULL" for e in columns.values()),
        ]
        for row in range(count)
    ]
    for row in rows:
        pair.insert(["id", *columns], [row])


@pytest.mark.parametrize("family", FAMILIES)
def test_every_value_in_redshift_is_what_mysql_says(zoned_pair: Pair, family: str):
    """H-31, P-01, P-02, I-27, I-28: each type at its edges, with MySQL's clock at UTC and not."""
    pair = zoned_pair
    columns = columns_of(pair, FAMILIES[family])
    create_and_fill(pair, columns)
    pair.options["columns"] = {"types": {n: e.option for n, e in columns.items() if e.option}}
    extracted, _ = pair.sync()

    said_by_mysql, said_by_redshift = told_by_both(pair, columns)
    assert differences(columns, said_by_mysql, said_by_redshift) == []
    assert extracted.values_changed == {}
    stored = [row[n] for row in said_by_mysql for n in range(1, len(row)) if row[n] is not None]
    assert len(stored) == sum(len(edge.literals) for edge in columns.values())
    types = {name: parse_target_type(kind) for name, kind in pair.target_types().items()}
    assert {n: types[n] for n in columns} == {
        n: parse_target_type(edge.redshift) for n, edge in columns.items()
    }
    compared = pair.compare()
    assert compared.rows == ()
    assert compared.left_out == ()
    assert {c.target_type for c in compared.sampled} <= {"SUPER"}
    assert compared.sampled_rows == (len(said_by_mysql) if compared.sampled else 0)
