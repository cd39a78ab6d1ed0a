"""Random tables with random rows, and tables that change at random between two syncs."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mysql_s3_redshift.errors import TargetError
from mysql_s3_redshift_tests.exactness.comparison import differences, told_by_both
from mysql_s3_redshift_tests.exactness.edges import Edges, text
from mysql_s3_redshift_tests.exactness.families import TIMES
from mysql_s3_redshift_tests.exactness.number_families import BITS, FLOATS
from mysql_s3_redshift_tests.exactness.pair import Pair

IN_ONE_DATABASE = settings(
    max_examples=8,
    deadline=None,
    # An example takes half a second, so a search for the smallest one would take minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TABLES = itertools.count()


@dataclass(frozen=True)
class RandomColumn:
    """A column, how both sides tell its values, and what may be in it."""

    edges: Edges
    literals: st.SearchStrategy[str]


def like(family: Sequence[Edges], mysql: str, literals: st.SearchStrategy[str]) -> RandomColumn:
    """A column told as its family's are."""
    known = next(edge for edge in family if edge.mysql == mysql)
    return RandomColumn(known, literals)


def seconds(value: timedelta) -> str:
    sign, value = ("-", -value) if value < timedelta(0) else ("", value)
    minutes, rest = divmod(value // timedelta(seconds=1), 60)
    return f"'{sign}{minutes // 60}:{minutes % 60:02}:{rest:02}.{value.microseconds:06}'"


@st.composite
def decimals(draw: st.DrawFn) -> RandomColumn:
    precision = draw(st.integers(1, 65))
    scale = draw(st.integers(0, min(precision, 30)))
    digits = st.integers(-(10**precision) + 1, 10**precision - 1)
    literals = digits.map(lambda n: f"CAST('{n}e-{scale}' AS DECIMAL({precision},{scale}))")
    exact = precision <= 38
    said = "{}::varchar(70)" if exact else "{}"
    edges = Edges(f"DECIMAL({precision},{scale})", "", [], said_by_redshift=said)
    return RandomColumn(edges, literals)


def integers(mysql: str, low: int, high: int) -> RandomColumn:
    return RandomColumn(Edges(mysql, "", []), st.integers(low, high).map(str))


CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(CHARACTERS, max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(CHARACTERS, max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
HEX = {"said_by_mysql": "LOWER(HEX({}))", "said_by_redshift": "to_hex({})"}
COLUMNS = st.one_of(
    decimals(),
    st.sampled_from(
        [
            integers("TINYINT", -128, 127),
            integers("BIGINT", -(2**63), 2**63 - 1),
            integers("BIGINT UNSIGNED", 0, 2**64 - 1),
            like(BITS, "BIT(63)", st.integers(0, 2**63 - 1).map(str)),
            like(
                FLOATS,
                "DOUBLE",
                st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False).map(
                    lambda value: f"{value!r}e0" if "e" not in repr(value) else repr(value)
                ),
            ),
            like(
                FLOATS,
                "FLOAT",
                st.floats(-(2.0**120), 2.0**120, width=32, allow_subnormal=False).map(
                    lambda value: f"{value!r}e0" if "e" not in repr(value) else repr(value)
                ),
            ),
            like(TIMES, "DATE", st.dates(date(1, 1, 1)).map(lambda day: f"'{day.isoformat()}'")),
            like(
                TIMES,
                "DATETIME(6)",
                st.datetimes(datetime(1, 1, 1)).map(lambda t: f"'{t.isoformat(' ')}'"),  # noqa: DTZ001
            ),
            like(
                TIMES,
                "TIME(6)",
                st.timedeltas(-timedelta(hours=838), timedelta(hours=838)).map(seconds),
            ),
            RandomColumn(
                Edges("VARCHAR(40) CHARACTER SET utf8mb4", "", []),
                st.text(CHARACTERS, max_size=40).map(text),
            ),
            RandomColumn(
                Edges("TEXT CHARACTER SET utf8mb4", "", []), st.text(CHARACTERS).map(text)
            ),
            RandomColumn(
                Edges("VARBINARY(40)", "", [], **HEX),
                st.binary(max_size=40).map(lambda value: f"X'{value.hex()}'"),
            ),
            RandomColumn(Edges("JSON", "", []), JSON.map(json.dumps).map(text)),
        ]
    ),
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[RandomColumn], list[list[str]], int]:
    columns = draw(st.lists(COLUMNS, min_size=1, max_size=6))
    cells = [st.just("NULL") | column.literals for column in columns]
    return columns, draw(st.lists(st.tuples(*cells).map(list), max_size=9)), draw(st.integers(1, 9))


@IN_ONE_DATABASE
@given(tables())
def test_random_tables_arrive_as_they_are(
    table: Pair, drawn: tuple[list[RandomColumn], list[list[str]], int]
):
    """H-31, I-27: whatever the types, the values and the size of the chunks."""
    random_columns, rows, chunk_rows = drawn
    table.table = f"t{next(TABLES)}"
    columns = {f"c{n}": column.edges for n, column in enumerate(random_columns)}
    definitions = ", ".join(f"{name} {edge.mysql}" for name, edge in columns.items())
    table.mysql(f"CREATE TABLE {table.table} (id INT AUTO_INCREMENT PRIMARY KEY, {definitions})")
    if rows:
        table.insert(list(columns), rows)
    table.options = {"chunk_rows": chunk_rows}
    extracted, loaded = table.sync()
    assert (extracted.rows, loaded.state.redshift_state.total_rows) == (len(rows), len(rows))
    assert len(extracted.files) == -(-len(rows) // chunk_rows)
    assert extracted.values_changed == {}
    assert differences(columns, *told_by_both(table, columns)) == []


# -- tables that change ---------------------------------------------------------------------------

NUMBERS = ["SMALLINT", "INT", "BIGINT", "DECIMAL(30,2)"]
WHOLE_NUMBERS = NUMBERS[:3]
WORDS = [f"VARCHAR({n}) CHARACTER SET utf8mb4" for n in (3, 10, 200)]
KINDS = [*NUMBERS, *WORDS, "DOUBLE"]
STEPS = st.tuples(
    st.sampled_from(["add", "drop", "move", "rename", "keep_name", "modify", "modify", "insert"]),
    st.integers(0, 99),
    st.sampled_from(KINDS),
)


@dataclass
class ChangingTable:
    """A table under alteration, and whether an honest refusal is due."""

    pair: Pair
    columns: dict[str, str] = field(default_factory=lambda: {"c0": "INT", "c1": WORDS[1]})
    renamed: dict[str, str] = field(default_factory=dict)
    names: Any = field(default_factory=lambda: itertools.count(2))
    may_refuse: bool = False

    def take(self, step: tuple[str, int, str]) -> None:
        what, number, kind = step
        name = list(self.columns)[number % len(self.columns)] if self.columns else ""
        if what == "add":
            self._add(kind)
        elif what == "insert" or not name:
            self.pair.mysql(f"INSERT INTO {self.pair.table} (id) VALUES (NULL)")
        elif what == "drop":
            self._alter(f"DROP COLUMN {name}")
            self.columns.pop(name)
            self.renamed.pop(name, None)
        elif what == "move":
            self._alter(f"MODIFY {name} {self.columns[name]} FIRST")
        elif what == "modify":
            both = (self.columns[name], kind)
            same = any(set(both) <= set(kinds) for kinds in (WORDS, WHOLE_NUMBERS))
            self.may_refuse |= not same and both[0] != kind
            self._alter(f"MODIFY {name} {kind}")
            self.columns[name] = kind
        else:
            self._rename(name, keep=what == "keep_name")

    def _add(self, kind: str) -> None:
        name = f"c{next(self.names)}"
        self.columns[name] = kind
        self._alter(f"ADD COLUMN {name} {kind} DEFAULT 7")

    def _rename(self, name: str, *, keep: bool) -> None:
        new = f"c{next(self.names)}"
        kind, target = self.columns.pop(name), self.renamed.pop(name, name)
        self._alter(f"CHANGE {name} {new} {kind}")
        self.columns[new] = kind
        if keep:
            self.renamed[new] = target

    def _alter(self, change: str) -> None:
        self.pair.mysql(f"ALTER TABLE {self.pair.table} {change}")

    def sync(self) -> None:
        """Bring every row over again: all that MySQL holds now."""
        options = self.pair.options
        options["columns"] = {"rename": dict(self.renamed)}
        self.pair.mysql(f"UPDATE {self.pair.table} SET update_at = NOW(6)")
        self.pair.sync()

    def sync_or_be_refused(self) -> TargetError | None:
        try:
            self.sync()
        except TargetError as refused:
            return refused
        return None

    def rows(self) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        names = {name: self.renamed.get(name, name) for name in self.columns}
        mysql = ", ".join(f"CAST({name} AS CHAR)" for name in ("id", *names))
        redshift = ", ".join(f"{name}::varchar(4000)" for name in ("id", *names.values()))
        return (
            self.pair.mysql_rows(f"SELECT {mysql} FROM {self.pair.table} ORDER BY id"),
            self.pair.redshift_rows(f"SELECT {redshift} FROM {self.pair.target} ORDER BY id"),
        )


@IN_ONE_DATABASE
@given(
    rounds=st.lists(st.lists(STEPS, min_size=1, max_size=4), min_size=1, max_size=2),
    mode=st.sampled_from(["replace", "upsert"]),
)
def test_a_table_that_changes_at_random_is_followed_or_clearly_refused(
    table: Pair, rounds: list[list[tuple[str, int, str]]], mode: str
):
    """I-25, I-26: add, drop, move, rename, widen, narrow and retype, in any order."""
    table.table = f"t{next(TABLES)}"
    table.mysql(
        f"CREATE TABLE {table.table} (id INT AUTO_INCREMENT PRIMARY KEY, update_at DATETIME(6) "
        f"NOT NULL, c0 INT, c1 {WORDS[1]}, KEY (update_at, id))",
        f"INSERT INTO {table.table} (c0, c1) VALUES (1, '2'), (NULL, '3'), (4, NULL)",
    )
    table.options = {"load_mode": mode}
    if mode == "replace":
        table.options["cdc_strategy"] = "full_sync"
    changing = ChangingTable(table)
    changing.sync()
    for steps in rounds:
        for step in steps:
            changing.take(step)
        before = table.redshift_rows(f"SELECT * FROM {table.target} ORDER BY id")
        refused = changing.sync_or_be_refused()
        if refused is not None:
            assert changing.may_refuse
            assert "cannot take these files" in refused.happened
            assert "watermark reset" in refused.remedy
            assert before == table.redshift_rows(f"SELECT * FROM {table.target} ORDER BY id")
            return
        said_by_mysql, said_by_redshift = changing.rows()
        assert said_by_redshift == said_by_mysql
