"""Windows read in slices: every row at one moment, all of them loaded at once, whatever changes."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from mysql_s3_redshift.adapters import pair
from mysql_s3_redshift.adapters.preview import preview_extract
from mysql_s3_redshift.core import slice_cuts
from mysql_s3_redshift.core.cursors import parse_timestamp
from mysql_s3_redshift.core.extraction import ExtractRequest
from mysql_s3_redshift.core.model import RunLimits, Window
from mysql_s3_redshift.core.reload_state import Reload
from mysql_s3_redshift.core.state import new_run_id
from mysql_s3_redshift.errors import ConfigError
from mysql_s3_redshift_tests.e2e.sliced import KEYS, SlicedRun
from mysql_s3_redshift_tests.e2e.sliced_orders import (
    ALL,
    BY_ID,
    FIRST,
    HYBRID,
    assert_same,
    days,
    make_orders,
    reload_of,
)
from mysql_s3_redshift_tests.faults.replication import Replication

# -- which rows -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "indexed"), [("text", True), ("composite", True), ("binary", False)]
)
def test_a_window_is_cut_by_the_key_of_its_rows(
    shared: Replication, kind: str, *, indexed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I-24: about equal parts, by an index that the window's column has or the key's own."""
    monkeypatch.setattr(slice_cuts, "EXACT_ROWS", 3)
    columns, key, values = KEYS[kind]
    table = f"{kind}_{indexed}"
    shared.sql(
        f"CREATE TABLE `{table}` ({columns}, ts DATETIME NOT NULL, made DATETIME, "
        f"PRIMARY KEY ({key}), KEY (ts){', KEY (made)' if indexed else ''})",
        f"INSERT INTO `{table}` SELECT {values}, '2024-01-01', '{FIRST}' + INTERVAL seq % 4 DAY "
        "FROM seq_1_to_300",
        f"ANALYZE TABLE `{table}`",
    )
    options = {"cdc_strategy": "timestamp_only", "cdc_timestamp_column": "ts"}
    shared.table(table, slices=4, chunk_rows=20, load_mode="append", **options)
    shared.sync(table)
    run = SlicedRun(shared, table, window=ALL)
    works = run.plan()
    assert len(works) == 4
    rows = [run.read(work).rows for work in reversed(works)]
    assert sum(rows) == run.finish().rows == 225
    assert max(rows) <= 110
    shared.load(table)
    columns = "LOWER(HEX(k)), ts, made" if kind == "binary" else "*"
    assert shared.target_rows(table) == shared.source_rows(table, columns)
    shared.check_evidence(table)


CHANGES: dict[str, tuple[str, ...]] = {
    "changed": ("UPDATE `{t}` SET v = v + 1000, ts = NOW(6) WHERE id % 5 = {n}",),
    "changed behind the cursor": ("UPDATE `{t}` SET v = -v, ts = ts WHERE id % 4 = {n}",),
    "moved in time": (
        "UPDATE `{t}` SET made = '{first}' + INTERVAL (id * 7 + {n}) % 96 HOUR, ts = ts "
        "WHERE id % 3 = 0 AND id % 7 > {n}",
    ),
    "moved and changed": (
        "UPDATE `{t}` SET made = '{first}' + INTERVAL (id * 5 + {n}) % 96 HOUR, ts = NOW(6) "
        "WHERE id % 7 = {n}",
    ),
    "deleted": ("DELETE FROM `{t}` WHERE id % 11 = {n}",),
    "inserted": (
        "INSERT INTO `{t}` (id, made, ts, v) SELECT seq * 9 + {n} + 1, '{first}' + INTERVAL seq % "
        "90 HOUR, NOW(6), {n} FROM seq_1_to_30 WHERE seq * 9 + {n} + 1 NOT IN (SELECT id FROM "
        "`{t}`)",
        "INSERT INTO `{t}` (made, ts, v) SELECT '{first}' + INTERVAL seq HOUR, NOW(6), {n} FROM "
        "seq_1_to_9",
    ),
    "inserted in the past": (
        "INSERT IGNORE INTO `{t}` (id, made, ts, v) SELECT seq * 12 + {n} - 1, '{first}' + "
        "INTERVAL seq HOUR, '2024-01-01', -{n} FROM seq_1_to_30",
    ),
}


@pytest.mark.parametrize(
    ("mode", "cursor"), [("append", "hybrid"), ("append", "id_only"), ("upsert", "hybrid")]
)
def test_every_row_is_there_as_it_was_when_its_slice_was_read(
    shared: Replication, mode: str, cursor: str
) -> None:
    """I-11, I-24: moved, changed, deleted or inserted between slices: once, or not at all."""
    table = f"moments_{mode}_{cursor}"
    make_orders(shared, table, mode, **(HYBRID if cursor == "hybrid" else BY_ID))
    before = shared.target_rows(table)
    known = shared.extract_state(table).mysql_state
    run = SlicedRun(shared, table, window=ALL)
    works, expected = run.plan(), Counter[tuple[Any, ...]]()
    reload = reload_of(shared, table)
    assert reload is not None
    for turn, number in enumerate((2, 4, 1, 3)):
        expected += seen_by(shared, table, reload, number, mode=mode, cursor=cursor)
        run.read(works[number - 1])
        shared.load(table)
        assert shared.target_rows(table) == before, "a part of the window is visible"
        for statements in CHANGES.values():
            shared.sql(*(s.format(t=table, n=turn, first=FIRST) for s in statements))
    report = run.finish()
    assert report.rows == expected.total()
    assert max(Counter(row[0] for row in expected).values()) == 1, "a row is there twice"
    after = report.state.mysql_state
    assert (after.last_timestamp, after.last_id) == (known.last_timestamp, known.last_id)
    assert after.reload is None
    assert len(shared.load(table).loads) == 1
    assert shared.target_rows(table) == reloaded(before, expected, mode=mode, cursor=cursor)
    shared.sync(table)
    if cursor == "hybrid" and mode == "upsert":
        reached = parse_timestamp(str(known.last_timestamp))
        newest = {row for row in shared.source_rows(table) if row[2] >= reached}
        assert newest <= set(shared.target_rows(table)), "the increments leave a row out"
    shared.check_evidence(table)


def seen_by(
    replication: Replication, table: str, reload: Reload, number: int, *, mode: str, cursor: str
) -> Counter[tuple[Any, ...]]:
    """The rows of the window that a slice has now; an append has those up to the watermark."""
    one, state = reload.slices.slice(number), replication.extract_state(table).mysql_state
    conditions = [f"made >= '{ALL.start}'", f"made < '{ALL.end}'"]
    conditions += [f"id > {value!r}" for value in one.after]
    conditions += [f"id <= {value!r}" for value in one.end]
    if mode == "append" and cursor == "hybrid":
        conditions.append(f"ts < '{state.last_timestamp}'")
    elif mode == "append":
        conditions.append(f"id <= {state.last_id}")
    found = replication.sql(f"SELECT * FROM `{table}` WHERE {' AND '.join(conditions)}")
    return Counter(found)


def reloaded(
    before: Counter[tuple[Any, ...]], read: Counter[tuple[Any, ...]], *, mode: str, cursor: str
) -> Counter[tuple[Any, ...]]:
    """What a target becomes by a reload: what the load mode promises, row by row."""
    if mode == "append":
        kept = [row for row in before if not ALL.start <= row[1] < ALL.end]
        return Counter(kept) + read
    rows = {row[0]: row for row in before}
    for row in read:
        held = rows.get(row[0])
        if held is None or cursor == "id_only" or held[2] <= row[2]:
            rows[row[0]] = row
    return Counter(rows.values())


def test_workers_side_by_side_while_rows_change_leave_nothing_out(shared: Replication) -> None:
    """I-33: four threads, one document; the next sync brings what changed meanwhile."""
    table = "side_by_side"
    make_orders(shared, table, "append")
    run, ended = SlicedRun(shared, table, window=ALL), threading.Event()
    # Behind the cursor only what the window brings again, however far the writer gets.
    shared.sql(f"UPDATE `{table}` SET v = v + 1, ts = ts WHERE made >= '{FIRST}'")
    works = run.plan()
    writer = threading.Thread(target=write, args=(shared, table, ended))
    writer.start()
    with ThreadPoolExecutor(len(works)) as pool:
        reports = list(pool.map(run.read, works))
    ended.set()
    writer.join()
    report = run.finish()
    assert sum(r.rows for r in reports) == report.rows
    shared.load(table)
    shared.sync(table)
    target = shared.target_rows(table)
    assert set(shared.source_rows(table)) <= set(target), "a row is lost"
    assert set(target.values()) == {1}, "a row version is doubled"
    shared.check_evidence(table)


def write(replication: Replication, table: str, ended: threading.Event) -> None:
    """Update, move and insert all over the table, as an application would."""
    with replication.mysql() as connection, connection.cursor() as cursor:
        for number in range(200):
            if ended.is_set():
                return
            cursor.execute(
                f"UPDATE `{table}` SET v = v + 1, made = made + INTERVAL 1 HOUR, ts = NOW(6) "
                f"WHERE id % 53 = {number % 53}"
            )
            cursor.execute(
                f"INSERT INTO `{table}` (made, ts, v) VALUES ('{FIRST}', NOW(6), {number})"
            )


# -- days, limits, small windows --------------------------------------------------------------


def test_days_are_counted_and_filed_apart_in_every_slice(shared: Replication) -> None:
    """An empty day counts, and loses the rows that it had; all days are one load."""
    make_orders(shared, "by_day", "append")
    shared.sql(
        f"DELETE FROM by_day WHERE made >= '{FIRST + timedelta(days=1)}' "
        f"AND made < '{FIRST + timedelta(days=2)}'",
        "UPDATE by_day SET v = 0, ts = ts",
    )
    run = SlicedRun(shared, "by_day", window=days(0, 2, daily=True))
    works = run.plan()
    assert len(works) == 4
    for work in works:
        run.read(work)
    report = run.finish()
    assert list(report.days.values()) == [40, 0, 40]
    folders = {f.uri.split("/year=")[1].rsplit("/", 1)[0] for f in report.files}
    assert folders == {"2024/month=03/day=30", "2024/month=04/day=01"}
    assert {f.set_id for f in report.files} == {report.files[0].set_id}
    assert len(shared.load("by_day").loads) == 1
    shared.sql("UPDATE by_day SET v = 0, ts = ts")
    shared.sync("by_day", window=Window(FIRST - timedelta(days=9), FIRST + timedelta(9), "made"))
    assert_same(shared, "by_day")


def test_what_one_read_does_better_is_read_at_once(shared: Replication) -> None:
    """One file's rows, a limit, an upsert by columns that are no key in MySQL."""
    make_orders(shared, "at_once", "append")
    assert SlicedRun(shared, "at_once", window=days(0, 0)).plan() != ()
    half = Window(FIRST, FIRST + timedelta(hours=5.5), "made")
    small = SlicedRun(shared, "at_once", window=half)
    assert small.plan() == ()
    assert small.finish().rows == 9
    assert reload_of(shared, "at_once") is None
    limited = SlicedRun(shared, "at_once", RunLimits(limit=50), window=ALL)
    assert limited.plan() == ()
    with pytest.raises(ConfigError, match="more rows than the limit"):
        limited.finish()
    shared.table(
        "at_once", **HYBRID, load_mode="upsert", primary_key=["v"], slices=4, chunk_rows=20
    )
    assert SlicedRun(shared, "at_once", window=ALL).plan() == ()
    to_come = Window(datetime(2100, 1, 1), datetime(2100, 1, 2))  # noqa: DTZ001
    shared.table("at_once", **HYBRID, load_mode="append", slices=4, chunk_rows=20)
    assert SlicedRun(shared, "at_once", window=to_come).plan() == ()


def test_a_window_that_lost_all_its_rows_is_emptied(shared: Replication) -> None:
    """Rows that are deleted after the plan: an append has a file without rows for them."""
    for mode, left in (("append", 40), ("upsert", 160)):
        table = f"emptied_{mode}"
        make_orders(shared, table, mode)
        run = SlicedRun(shared, table, window=ALL)
        works = run.plan()
        shared.sql(f"DELETE FROM `{table}` WHERE made >= '{FIRST}'")
        assert [run.read(work).rows for work in works] == [0] * len(works)
        assert run.finish().rows == 0
        shared.load(table)
        assert shared.target_rows(table).total() == left
        assert reload_of(shared, table) is None
        shared.check_evidence(table)


def test_a_preview_counts_the_window_and_changes_nothing(shared: Replication) -> None:
    """Also while slices of it are read."""
    make_orders(shared, "previewed", "append")
    assert previewed_rows(shared, "previewed") == 120
    run = SlicedRun(shared, "previewed", window=ALL)
    run.read(run.plan()[1])
    state = shared.extract_state("previewed")
    assert previewed_rows(shared, "previewed") == 120
    assert shared.extract_state("previewed") == state


def previewed_rows(replication: Replication, table: str) -> int:
    """What `sync --from --to --dry-run` counts."""
    plan = replication.plan(table)
    with replication.connections() as connections:
        described = pair.describe(plan, connections)
        return preview_extract(
            described, ExtractRequest(new_run_id(), window=ALL), connections
        ).rows
