"""Names, clocks, several targets, and traffic that never ends."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from mysql_s3_redshift.adapters import pair
from mysql_s3_redshift.core.cursors import ChunkQuery, parse_timestamp
from mysql_s3_redshift.core.model import RunLimits
from mysql_s3_redshift.core.state import decode_value
from mysql_s3_redshift.errors import ConfigError
from mysql_s3_redshift_tests.faults.replication import Replication

NAMES = {
    "Upper-Case.Dotted": "upper",
    "with space and 'quote'": "spaced",
    'dou"ble `tick`': "ticked",
    "$money_¥_é_表": "money",
    "x" * 64: "long_name",
    "colon:and:percent%s%%": "colons",
}


def test_any_name_goes_round(replication: Replication) -> None:
    """H-09, I-30: names with upper case, dots, quotes, blanks, unicode and 64 characters."""
    for name, target in NAMES.items():
        quoted = "`" + name.replace("`", "``") + "`"
        replication.sql(
            f"CREATE TABLE {quoted} (`Id` INT PRIMARY KEY, `up date` DATETIME(6) NOT NULL "
            "DEFAULT NOW(6), `se:lect` INT, `100%` INT, KEY (`up date`))".replace("%", "%"),
            f"INSERT INTO {quoted} (`Id`, `se:lect`) VALUES (1, 2), (3, 4)",
        )
        replication.table(name, target_name=target, cdc_timestamp_column="up date")
        replication.sync(name)
        replication.sql(f"INSERT INTO {quoted} (`Id`, `se:lect`) VALUES (5, 6)")
        again = replication.sync(name)
        assert again.extract.rows == 1, name
        assert replication.target_rows(target, "id") == Counter({(1,): 1, (3,): 1, (5,): 1}), name
        assert replication.sync(name).extract.note == "nothing new"


def test_one_table_to_two_targets_and_two_sources_with_equal_names(
    replication: Replication,
) -> None:
    """I-31: each pipeline has its own watermark, files and ledger."""
    replication.sql(
        "CREATE TABLE t (id INT PRIMARY KEY, v INT)",
        "INSERT INTO t SELECT seq, seq FROM seq_1_to_50",
    )
    replication.table("t", cdc_strategy="id_only")
    access: dict[str, Any] = {"storage": "lake", "target": "warehouse"}
    access |= {"target_schema": replication.schema}
    reader = replication.sandbox.mysql_reader
    replication.sections["sources"] = {
        "other": {
            "host": reader.host,
            "port": reader.port,
            "user": reader.user,
            "password": reader.password,
        }
    }
    name = f"{replication.database}.t"
    replication.more["q"] = {**access, "source": "db", "tables": {name: {"target_name": "t2"}}}
    replication.more["r"] = {**access, "source": "other", "tables": {name: {"target_name": "t3"}}}
    replication.sync("t")
    replication.sql("INSERT INTO t SELECT seq, seq FROM seq_51_to_80")
    for pipeline in ("q", "r", "p"):
        replication.sync("t", pipeline=pipeline)
    for target in ("t", "t2", "t3"):
        assert replication.target_rows(target) == replication.source_rows("t")
    totals = {p: replication.extract_state("t", p).mysql_state.total_files for p in "pqr"}
    assert totals == {"p": 2, "q": 1, "r": 1}


def test_a_run_ends_though_rows_never_stop_coming(replication: Replication) -> None:
    """I-20: the bound is in the query; the next run goes on exactly there."""
    replication.sql(
        "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, ts DATETIME(6) NOT NULL DEFAULT NOW(6),"
        " v INT, KEY (ts, id))",
        "INSERT INTO t (v) SELECT seq FROM seq_1_to_500",
    )
    replication.table("t", cdc_timestamp_column="ts", load_mode="append", chunk_rows=100)
    stopped = threading.Event()

    def write() -> None:
        with replication.mysql() as connection, connection.cursor() as cursor:
            while not stopped.is_set():
                cursor.execute("INSERT INTO t (v) VALUES (0), (0), (0)")
                time.sleep(0.01)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(2):
            report = replication.extract("t")
            bound = parse_timestamp(str(report.state.mysql_state.ceiling))
            edges = [decode_value(f.last["ts"]) for f in report.files if "ts" in f.last]
            assert all(isinstance(edge, datetime) and edge < bound for edge in edges)
    finally:
        stopped.set()
        writer.join()
    replication.sync("t")
    assert replication.target_rows("t") == replication.source_rows("t")


@pytest.mark.parametrize("zone", ["-05:00", "+09:30"])
def test_epochs_and_clocks_of_a_server_in_another_zone(replication: Replication, zone: str) -> None:
    """H-06, P-02: server and client in different zones; each cursor in its own clock."""
    epochs = {
        "epoch_s": "UNIX_TIMESTAMP()",
        "epoch_ms": "FLOOR(UNIX_TIMESTAMP(NOW(6)) * 1000)",
        "epoch_us": "FLOOR(UNIX_TIMESTAMP(NOW(6)) * 1000000)",
        "datetime": "NOW(6)",
        "stamp": "NOW(6)",
    }
    kinds = {"datetime": "DATETIME(6)", "stamp": "TIMESTAMP(6)"}
    (before,) = replication.sql("SELECT @@GLOBAL.time_zone")[0]
    replication.sql(f"SET GLOBAL time_zone = '{zone}'")
    try:
        for name, now in epochs.items():
            kind = kinds.get(name, "BIGINT")
            replication.sql(
                f"CREATE TABLE {name} (id INT PRIMARY KEY, ts {kind} NOT NULL DEFAULT 0, "
                "KEY (ts, id))",
                f"INSERT INTO {name} SELECT seq, {now} FROM seq_1_to_20",
            )
            unit = name if name.startswith("epoch") else "datetime"
            options = {"cdc_timestamp_column": "ts", "cdc_timestamp_unit": unit}
            replication.table(name, load_mode="append", cdc_strategy="hybrid", **options)
        time.sleep(1.05)
        for name, now in epochs.items():
            assert replication.sync(name).extract.rows == 20, name
            replication.sql(f"INSERT INTO {name} SELECT seq, {now} FROM seq_21_to_30")
        time.sleep(1.05)
        for name in epochs:
            assert replication.sync(name).extract.rows == 10, name
            assert replication.target_rows(name, "id") == replication.source_rows(name, "id")
    finally:
        replication.sql(f"SET GLOBAL time_zone = '{before}'")


def test_every_combination_of_bounds_is_a_query_that_mysql_takes(replication: Replication) -> None:
    """I-14, I-17: no bound, one bound, NULL bounds: different statements, never `None`."""
    replication.sql(
        "CREATE TABLE t (id INT PRIMARY KEY, ts DATETIME NULL, v INT, KEY (ts))",
        "INSERT INTO t VALUES (1, '2024-01-01', 1), (2, NULL, 2), (3, '2024-01-01', 3)",
    )
    replication.table("t", cdc_timestamp_column="ts", cdc_strategy="hybrid")
    with replication.connections() as connections:
        described = pair.describe(replication.plan("t"), connections)
        source = connections.source("db")
        moment = replication.sql("SELECT ts FROM t WHERE id = 1")[0][0]
        for after in ((), (moment,), (moment, 1), (moment, None), (None, None), (None, 2)):
            for below in (None, moment):
                for nulls in ("skip", "keep", "only"):
                    query = ChunkQuery(
                        ("ts", "id"), after, "ts" if below else None, below=below, nulls=nulls
                    )
                    for limit in (None, 1):
                        chunk = ChunkQuery(
                            query.order_by,
                            query.after,
                            query.bound_column,
                            below=query.below,
                            nulls=query.nulls,
                            limit=limit,
                        )
                        reader = source.read(described.resolved, described.schema, chunk)
                        assert sum(b.data.num_rows for b in reader) <= (limit or 3)


def set_watermark(replication: Replication, identity: int) -> None:
    """Move the watermark of `t` in its document, and nothing else."""
    state = replication.extract_state("t")
    moved = state.with_(mysql_state=state.mysql_state.with_(last_id=identity))
    body = moved.model_dump_json(by_alias=True).encode()
    replication.put_object(replication.state_key("t"), body)


def test_an_id_watermark_alone_is_obeyed(replication: Replication) -> None:
    """I-17, H-27: the first query of an id table asks for ids beyond it."""
    replication.sql(
        "CREATE TABLE t (id INT PRIMARY KEY, v INT)",
        "INSERT INTO t SELECT seq, seq FROM seq_1_to_100",
    )
    replication.table("t", cdc_strategy="id_only", load_mode="append")
    replication.extract("t", RunLimits(limit=1))
    set_watermark(replication, 90)
    assert replication.extract("t").files[0].first == {"id": 91}


def test_a_recreated_table_is_noticed(replication: Replication) -> None:
    """Ids that start again below the watermark would never be read."""
    replication.sql(
        "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT)",
        "INSERT INTO t SELECT seq FROM seq_1_to_100",
    )
    replication.table("t", cdc_strategy="id_only")
    replication.sync("t")
    time.sleep(1.1)
    replication.sql(
        "DROP TABLE t",
        "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT)",
        "INSERT INTO t VALUES ()",
    )
    with pytest.raises(ConfigError, match="recreated or truncated"):
        replication.sync("t")


@pytest.mark.parametrize("engine", ["InnoDB", "MyISAM", "MEMORY"])
def test_ids_that_start_again_are_told_from_ids_that_were_deleted(
    replication: Replication, engine: str
) -> None:
    """What MySQL gives the next row tells, also where TRUNCATE leaves the table's own time."""
    replication.sql(
        f"CREATE TABLE t (id BIGINT UNSIGNED PRIMARY KEY AUTO_INCREMENT, v INT) ENGINE={engine}",
        "INSERT INTO t SELECT seq, 1 FROM seq_1_to_100",
    )
    replication.table("t", cdc_strategy="id_only")
    replication.sync("t")
    replication.sql("DELETE FROM t WHERE id > 50")
    assert replication.sync("t").extract.rows == 0
    replication.sql("DELETE FROM t", "INSERT INTO t (v) VALUES (2)")
    assert replication.sync("t").extract.rows == 1
    set_watermark(replication, 1_000)
    assert replication.sync("t").extract.rows == 0, "set beyond all ids, and obeyed"
    set_watermark(replication, 101)
    for refill in ("DO 1", "INSERT INTO t (v) VALUES (3)"):
        replication.sql("TRUNCATE TABLE t", refill)
        with pytest.raises(ConfigError, match="recreated or truncated"):
            replication.sync("t")
