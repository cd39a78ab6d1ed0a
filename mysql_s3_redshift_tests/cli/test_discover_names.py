"""What `discover` prints loads, whatever the schemas and tables are called."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from mysql_s3_redshift.cli.discover_names import place_tables
from mysql_s3_redshift.cli.discover_run import Stanza
from mysql_s3_redshift.config import load
from mysql_s3_redshift.core.discover import Suggestion, suggest
from mysql_s3_redshift.core.schema import SourceColumn, SourceTable

HEAD = """\
sources: {"db": {host: 127.0.0.1, user: u}}
storages: {lake: {bucket: lake-of-all}}
targets: {"1": {host: 127.0.0.1, database: d, user: u, password: p, copy_role: default}}
"""

LETTERS = st.text("aAb-_. $`ä/ß", min_size=1, max_size=4)
LONG = st.sampled_from(["x" * 64, "X" * 64, "表" * 64, "表" * 63 + "_", "x" * 63 + "-"])
WORDS = st.sampled_from(
    ["null", "true", "No", "1", "-a", "~", "mysql_s3_redshift", "mysql-s3-redshift", "pg_x", "user"]
)
NAMES = LETTERS | LONG | WORDS


def suggestion(schema: str, table: str) -> Suggestion:
    """What fits a table with an id alone."""
    column = SourceColumn(name="id", data_type="int", column_type="int", nullable=False)
    return suggest(SourceTable(schema, table, (column,), primary_key=("id",)))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=8, unique=True))
def test_any_names_make_a_file_that_loads_and_has_every_table_once(
    tables: list[tuple[str, str]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipelines.yaml"
        path.write_text(HEAD)
        stanza = Stanza.of(load(path), "db", [suggestion(*table) for table in tables])
        path.write_text("\n".join([HEAD, *stanza.lines()]))
        plans = load(path).plans()
    assert {(p.schema, p.table) for p in plans} == set(stanza.places)
    assert len(plans) == len(stanza.places)
    assert set(stanza.places) | set(stanza.left_out) == set(tables)


def test_a_name_stays_as_it_is_and_the_other_gets_a_digest() -> None:
    """Whatever comes first, and whatever else is there."""
    asked = [("a.b", "t"), ("a_b", "t"), ("a_b", "T"), ("a_b", "t x"), ("a_b", "t_x"), ("A_B", "u")]
    places = place_tables(asked, target="w", ledger_schema="l")
    assert places["a_b", "t"].pipeline == "a_b"
    assert (places["a_b", "t"].target_schema, places["a_b", "t"].target_name) == (None, None)
    assert places["a.b", "t"].pipeline.startswith("a_b_")
    assert str(places["a_b", "T"].target_name).startswith("t_")
    assert places["a_b", "t x"].pipeline.startswith("a_b_")
    assert places["a_b", "t_x"].pipeline == "a_b"
    assert places["A_B", "u"].pipeline == "A_B"
    assert str(places["A_B", "u"].target_schema).startswith("a_b_")
    assert place_tables(asked[::-1], target="w", ledger_schema="l") == places
