"""Windows of any column: what is read again, what is replaced, and that no row is there twice."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timedelta
from types import ModuleType

import pytest

from mysql_s3_redshift.adapters.redshift import transaction
from mysql_s3_redshift.core import extraction, load
from mysql_s3_redshift.core.model import RunLimits, TimestampUnit, Window
from mysql_s3_redshift.errors import ConfigError
from mysql_s3_redshift_tests.faults.replication import Replication

FIRST = datetime(2024, 3, 30)  # noqa: DTZ001  data has no zone
"""The night after the next is the one in which Europe sets its clocks."""
DAYS = 3


def days(first: int, last: int | None = None) -> Window:
    """The window of a day, or of several, counted from `FIRST`."""
    end = first if last is None else last
    start, stop = FIRST + timedelta(days=first), FIRST + timedelta(days=end + 1)
    return Window(start, stop, "made", daily=True)


def make_orders(replication: Replication, mode: str, cursor: str = "hybrid") -> None:
    """Twenty orders a day: one at midnight, one a microsecond before the next, chunks of seven."""
    replication.sql(
        "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, made DATETIME(6), ts DATETIME(6) NOT "
        "NULL, v INT, KEY (ts, id), KEY (made))",
        f"INSERT INTO t (made, ts, v) SELECT '{FIRST}' + INTERVAL (seq - 1) DIV 20 DAY + INTERVAL "
        "IF(seq % 20 = 0, 86399999999, (seq - 1) % 20 * 3600000000) MICROSECOND, NOW(6), seq "
        "FROM seq_1_to_60",
    )
    options = {"cdc_strategy": cursor, "load_mode": mode, "chunk_rows": 7}
    if cursor == "hybrid":
        options["cdc_timestamp_column"] = "ts"
    replication.table("t", **options)


def assert_same(replication: Replication) -> None:
    assert replication.target_rows("t") == replication.source_rows("t")


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_a_day_of_another_column_replaces_and_the_watermark_stays(
    replication: Replication, mode: str
) -> None:
    """I-24, I-47: days that meet share no row; what changed behind the cursor's back is there."""
    make_orders(replication, mode)
    replication.sync("t")
    before = replication.extract_state("t").mysql_state
    replication.sql("UPDATE t SET v = -v, ts = ts")
    done = replication.sync("t", window=days(1))
    assert done.extract.days == {(FIRST + timedelta(days=1)).date(): 20}
    assert sorted(row[0] for row in replication.target_rows("t") if row[3] < 0) == [*range(21, 41)]
    assert replication.target_rows("t").total() == 60
    after = replication.extract_state("t").mysql_state
    assert (after.last_timestamp, after.last_id) == (before.last_timestamp, before.last_id)
    replication.sync("t", window=days(0))
    replication.sync("t", window=days(2))
    assert_same(replication)
    assert (replication.sync("t").extract.rows, replication.load_state("t").loaded_beyond) == (
        0,
        (),
    )


def test_a_range_of_days_is_counted_by_day_and_loaded_in_one_transaction(
    replication: Replication,
) -> None:
    """Its files lie below their days; an empty day counts, and loses the rows that it had."""
    make_orders(replication, "append")
    replication.sync("t")
    replication.sql("DELETE FROM t WHERE id BETWEEN 21 AND 40", "UPDATE t SET v = 0, ts = ts")
    done = replication.sync("t", window=days(0, 2))
    assert list(done.extract.days.values()) == [20, 0, 20]
    assert len(done.load.loads) == 1
    assert done.load.loads[0].applied.updated == 60
    folders = [uri.split("/year=")[1].rsplit("/", 1)[0] for uri in (f.uri for f in done.load.files)]
    assert set(folders) == {"2024/month=03/day=30", "2024/month=04/day=01"}
    assert_same(replication)


@pytest.mark.parametrize("cursor", ["hybrid", "id_only"])
def test_rows_that_the_cursor_is_still_to_deliver_are_not_appended_twice(
    replication: Replication, cursor: str
) -> None:
    """I-11: a window of today reaches rows beyond the watermark; they come with the next sync."""
    make_orders(replication, "append", cursor)
    replication.sync("t")
    replication.sql(f"INSERT INTO t (made, ts, v) SELECT '{FIRST}', NOW(6), seq FROM seq_61_to_70")
    if cursor == "hybrid":
        replication.sql("UPDATE t SET v = -v, ts = NOW(6) WHERE id = 3")
    done = replication.sync("t", window=days(0))
    assert done.extract.rows == (19 if cursor == "hybrid" else 20)
    replication.sync("t")
    assert_same(replication)


def test_an_upsert_takes_rows_beyond_the_watermark_at_once(replication: Replication) -> None:
    make_orders(replication, "upsert")
    replication.sync("t")
    replication.sql(
        f"INSERT INTO t (made, ts, v) SELECT '{FIRST}', NOW(6), seq FROM seq_61_to_70",
        "UPDATE t SET v = -v, ts = NOW(6) WHERE id = 3",
    )
    assert replication.sync("t", window=days(0)).extract.rows == 30
    assert_same(replication)
    assert replication.sync("t").extract.rows == 11
    assert_same(replication)


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_nothing_is_doubled_or_lost_while_rows_change(replication: Replication, mode: str) -> None:
    """I-11, I-24: windows, syncs and halves of both in any order, while the source goes on."""
    make_orders(replication, mode)
    replication.sync("t")
    chance = random.Random(f"windows of {mode}")
    for _ in range(12):
        match chance.choice(["insert", "update", "move", "sync", "extract", "load", "day", "days"]):
            case "insert":
                made = _moment(chance)
                replication.sql(
                    f"INSERT INTO t (made, ts, v) SELECT {made}, NOW(6), 1 FROM seq_1_to_5"
                )
            case "update":
                replication.sql(f"UPDATE t SET v = v + 1, ts = NOW(6) WHERE id % {_part(chance)}")
            case "move":
                made = _moment(chance)
                replication.sql(f"UPDATE t SET made = {made}, ts = NOW(6) WHERE {_one(chance)}")
            case "sync":
                replication.sync("t")
                _assert_newest_versions_are_there_once(replication)
            case "extract":
                replication.extract("t", RunLimits(limit=10))
            case "load":
                replication.load("t")
            case "day":
                replication.extract("t", window=days(chance.randrange(DAYS)))
            case "days":
                replication.sync("t", window=days(0, 1))
    replication.sync("t")
    _assert_newest_versions_are_there_once(replication)
    replication.sql("UPDATE t SET v = -v, ts = ts")
    replication.sync("t", window=days(0, DAYS - 1))
    replication.sync("t")
    assert_same(replication)
    replication.check_evidence("t")


def _moment(chance: random.Random) -> str:
    """A time at the border of a day, or somewhere in it."""
    offset = chance.choice([timedelta(0), timedelta(microseconds=-1), timedelta(hours=2.5)])
    day = timedelta(days=chance.randrange(DAYS) + (offset < timedelta(0)))
    return f"'{FIRST + day + offset}'"


def _part(chance: random.Random) -> str:
    return f"7 = {chance.randrange(7)}"


def _one(chance: random.Random) -> str:
    return f"id = {chance.randrange(60) + 1}"


def _assert_newest_versions_are_there_once(replication: Replication) -> None:
    """Everything was caught up: each row of the source is in the target, in this version, once."""
    target, source = replication.target_rows("t"), replication.source_rows("t")
    assert {row: target[row] for row in source} == dict.fromkeys(source, 1)


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_rows_deleted_in_the_source_leave_an_appended_day_and_stay_in_an_upserted_one(
    replication: Replication, mode: str
) -> None:
    """An upsert deletes nothing, here as in every sync."""
    make_orders(replication, mode)
    replication.sync("t")
    gone = replication.source_rows("t", "id") - Counter((n,) for n in range(1, 21))
    replication.sql("DELETE FROM t WHERE id <= 20")
    done = replication.sync("t", window=days(0))
    assert done.extract.days == {FIRST.date(): 0}
    left = replication.target_rows("t", "id")
    assert left == (gone if mode == "append" else Counter((n,) for n in range(1, 61)))


CRASHES: tuple[tuple[ModuleType, str], ...] = (
    (extraction, "extract.before_commit"),
    (load, "load.after_copy"),
    (transaction, "load.during_apply"),
    (load, "load.after_commit"),
)


def test_a_window_that_was_cut_off_anywhere_is_whole_after_the_next_run(
    replication: Replication, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I-05, I-15: not registered, copied, emptied, committed: never half, never twice."""
    make_orders(replication, "append")
    replication.sync("t")
    for place, point in CRASHES:
        replication.sql("UPDATE t SET v = v + 1, ts = ts")

        def crash(name: str, point: str = point) -> None:
            if name == point:
                raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(place, "reach", crash)
            with pytest.raises(KeyboardInterrupt):
                replication.sync("t", window=days(0, 2))
        assert replication.target_rows("t").total() == 60, point
        replication.sync("t")
        replication.sync("t", window=days(0, 2))
        assert_same(replication)
    replication.check_evidence("t")


TIMES = {
    "on_day": ("DATE", "'{0:%F}' + INTERVAL n DAY", "datetime"),
    "at": ("TIMESTAMP(3) NULL", "'{0:%F}' + INTERVAL n DAY", "datetime"),
    "seconds": ("INT UNSIGNED", "UNIX_TIMESTAMP('{0:%F}') + n * 86400", "epoch_s"),
    "milliseconds": ("BIGINT", "(UNIX_TIMESTAMP('{0:%F}') + n * 86400) * 1000", "epoch_ms"),
    "microseconds": (
        "BIGINT UNSIGNED",
        "(UNIX_TIMESTAMP('{0:%F}') + n * 86400) * 1000000",
        "epoch_us",
    ),
}


def test_a_day_is_told_by_every_type_of_time(replication: Replication) -> None:
    """DATE, TIMESTAMP and epochs: in UTC, midnight belongs to the day that it begins."""
    declared = ", ".join(f"{name} {kind}" for name, (kind, *_) in TIMES.items())
    values = ", ".join(value.format(FIRST) for _, value, _ in TIMES.values())
    replication.sql(
        f"CREATE TABLE t (id INT PRIMARY KEY, {declared}, v INT)",
        "SET time_zone = '+00:00'",
    )
    with replication.mysql() as connection, connection.cursor() as cursor:
        cursor.execute("SET time_zone = '+00:00'")
        cursor.execute(
            f"INSERT INTO t SELECT id, {values}, id FROM "
            "(SELECT seq AS id, seq % 3 AS n FROM seq_1_to_30) s"
        )
    replication.table("t", cdc_strategy="id_only", load_mode="append")
    replication.sync("t")
    for number, (name, (*_, unit)) in enumerate(TIMES.items(), 1):
        replication.sql(f"UPDATE t SET v = {number} WHERE id % 3 = 1")
        start = FIRST + timedelta(days=1)
        window = Window(start, start + timedelta(days=1), name, TimestampUnit(unit), daily=True)
        assert replication.sync("t", window=window).load.loads[0].applied.updated == 10, name
        assert_same(replication)


def test_a_window_without_a_key_to_go_by_is_read_in_one_piece(replication: Replication) -> None:
    """Equal rows are rows: each is there as often as in the source."""
    replication.sql(
        "CREATE TABLE t (made DATE, ts DATETIME NOT NULL, KEY (ts))",
        "INSERT INTO t SELECT '2024-03-30' + INTERVAL seq % 3 DAY, '2024-04-02' FROM seq_1_to_60",
    )
    replication.table("t", cdc_strategy="timestamp_only", cdc_timestamp_column="ts", chunk_rows=7)
    replication.sync("t")
    assert replication.sync("t", window=days(0, 1)).extract.rows == 40
    on_cursor = Window(FIRST + timedelta(days=3), FIRST + timedelta(days=4))
    assert replication.sync("t", window=on_cursor).extract.rows == 60
    assert_same(replication)
    with pytest.raises(ConfigError, match="more rows than the limit"):
        replication.extract("t", RunLimits(limit=10), window=days(0))


def test_columns_that_tell_no_day_are_refused_before_anything_is_read(
    replication: Replication,
) -> None:
    make_orders(replication, "append", "id_only")
    replication.sync("t")
    start, end = FIRST, FIRST + timedelta(days=1)
    refused = {
        "no such column": Window(start, end, "nowhere"),
        "a number without a unit": Window(start, end, "v"),
        "a time that is no count": Window(start, end, "made", TimestampUnit.EPOCH_S),
        "the cursor of a table without one": Window(start, end),
    }
    for window in refused.values():
        with pytest.raises(ConfigError) as caught:
            replication.extract("t", window=window)
        assert caught.value.remedy
    replication.table("t", cdc_strategy="full_sync", load_mode="replace")
    with pytest.raises(ConfigError):
        replication.extract("t", window=days(0))
    assert replication.load("t").pending == 0
