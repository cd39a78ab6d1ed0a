"""State documents that somebody damaged: never a traceback, never a write, always by name."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mysql_s3_redshift.adapters.s3.bucket import Bucket
from mysql_s3_redshift.adapters.s3.documents import StateDocument
from mysql_s3_redshift.cli import frame
from mysql_s3_redshift.config import StorageConfig
from mysql_s3_redshift.core import s3_names
from mysql_s3_redshift.core.cursors import Cursor
from mysql_s3_redshift.core.model import CdcStrategy
from mysql_s3_redshift.core.state import ExtractState, LoadState
from mysql_s3_redshift.core.watermark import watermark_of
from mysql_s3_redshift.errors import StateUnreadableError
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.faults.replication import Replication, new_replication

FILE = {
    "seq": 1,
    "uri": "s3://lake/mysql/data/p/shop.orders/one.parquet",
    "rows": 3,
    "bytes": 500,
    "first": {"id": 1},
    "last": {"ts": {"datetime": "2025-01-01T00:00:00"}, "id": {"decimal": "3"}},
    "schema": "abc",
    "kind": "incremental",
    "run_id": "r",
    "written_at": "2025-01-01T00:00:00Z",
}
EXTRACT: dict[str, Any] = {
    "version": "3.0",
    "table_name": "shop.orders",
    "pipeline": "p",
    "cdc_strategy": "hybrid",
    "mysql_state": {
        "last_timestamp": "2025-01-01T00:00:00",
        "last_id": 3,
        "last_ties": [{"null": True}],
        "ceiling": "2025-01-02T00:00:00",
        "observed": {"value": 3, "at": "2025-01-01T00:00:00Z"},
        "snapshot": {"ceiling": "2025-01-02T00:00:00", "position": {"id": 2}},
    },
    "files": [FILE],
    "next_seq": 2,
    "metadata": {"stored_schema": "abc"},
}
LOAD: dict[str, Any] = {
    "version": "3.0",
    "table_name": "shop.orders",
    "target": "warehouse:shop.orders",
    "redshift_state": {"total_rows": 3},
    "loaded_through": 1,
    "loaded_beyond": [3],
    "processed_files": ["one.parquet"],
    "metadata": {},
}
KINDS: tuple[tuple[type[Any], dict[str, Any]], ...] = ((ExtractState, EXTRACT), (LoadState, LOAD))
CURSOR = Cursor(CdcStrategy.HYBRID, ("ts", "id"), timestamp="ts")

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**30, -(10**400), 1e308, 2**63])
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(["\ud800", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "../x"])
    | st.sampled_from([{"decimal": "x"}, {"float": "0x1p99999"}, {"bytes": "0"}, {"date": "x"}])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=5,
)


def use(kind: type[Any], body: bytes) -> None:
    """Read a document as the store does and, where it can be read, go on from it."""
    bucket = Bucket(StorageConfig.model_validate({"bucket": "lake", "prefix": "mysql"}))
    stored = StateDocument(bucket, "mysql/state/x.json", kind)
    try:
        state = stored._parse(body)
    except StateUnreadableError as error:
        refused = str(error).split("\n")
    else:
        refused = []
    if refused:
        assert len(refused) == 3
        assert "s3://lake/mysql/state/x.json" in refused[0]
        assert all(line.isprintable() and len(line) < 500 for line in refused)
        assert "watermark restore" in refused[2]
        return
    state = state.begin("run") if kind is ExtractState else state.begin(2)
    assert stored._parse(state.model_dump_json(by_alias=True).encode()) == state
    if isinstance(state, ExtractState):
        state.pending(None)
        watermark_of(state.mysql_state, CURSOR)


@pytest.mark.parametrize(("kind", "good"), KINDS)
def test_the_documents_that_are_damaged_here_are_good_at_first(
    kind: type[Any], good: dict[str, Any]
) -> None:
    body = json.dumps(good).encode()
    use(kind, body)
    assert kind.model_validate_json(body).table_name == "shop.orders"


@settings(max_examples=150, deadline=None)
@given(body=st.binary(max_size=100))
@example(body=b"[" * 100_000)
@example(body=b'{"a":' * 100_000)
@example(body=b'{"version": "3.0", "a": ' + b"9" * 10_000 + b"}")
@example(body=b"\xef\xbb\xbf{}")
@example(body="{}".encode("utf-16"))
@example(body=b" " * 1_000_000)
def test_bytes_that_are_no_document(body: bytes) -> None:
    for kind, _ in KINDS:
        use(kind, body)


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    return [path] * bool(path) + [p for key, v in items for p in paths_of(v, (*path, key))]


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_a_document_with_one_value_replaced(data: st.DataObject) -> None:
    kind, good = data.draw(st.sampled_from(KINDS))
    document = copy.deepcopy(good)
    path = data.draw(st.sampled_from(paths_of(document)))
    section: Any = document
    for part in path[:-1]:
        section = section[part]
    section[path[-1]] = data.draw(VALUES)
    use(kind, json.dumps(document).encode())


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_document_with_a_piece_cut_out(data: st.DataObject) -> None:
    kind, good = data.draw(st.sampled_from(KINDS))
    body = json.dumps(good).encode()
    start, length = data.draw(st.integers(0, len(body))), data.draw(st.integers(0, 60))
    use(kind, body[:start] + data.draw(st.binary(max_size=4)) + body[start + length :])


def replaced(old: str, new: str) -> bytes:
    text = json.dumps(EXTRACT)
    assert old in text
    return text.replace(old, new).encode("utf-8", "surrogatepass")


DAMAGED = {
    "a key twice": replaced('"pipeline": "p"', '"pipeline": "p", "pipeline": "q"'),
    "not a number": replaced('"last_id": 3', '"last_id": NaN'),
    "no number that a cursor has": replaced('"last_id": 3', '"last_id": 3.5'),
    "infinite": replaced('"rows": 3', '"rows": Infinity'),
    "infinite in another way": replaced('"stored_schema": "abc"', '"stored_schema": 1e999'),
    "half a character": replaced('"run_id": "r"', '"run_id": "\\ud800"'),
    "bytes of half a character": replaced('"run_id": "r"', '"run_id": "\ud800"'),
    "a list for a text": replaced('"cdc_strategy": "hybrid"', '"cdc_strategy": []'),
    "a bound that is no time": replaced('"ceiling": "2025-01-02T00:00:00"', '"ceiling": [1]'),
    "a time before time": replaced('"2025-01-01T00:00:00"', '"0001-01-01T00:00:00+23:59"'),
    "no decimal": replaced('{"decimal": "3"}', '{"decimal": "three"}'),
    "a time without its zone": replaced('"at": "2025-01-01T00:00:00Z"', '"at": "2025-01-01"'),
    "a field of a later version": replaced('"pipeline": "p"', '"pipeline": "p", "more": 1'),
    "deep": b'{"version": "3.0", "metadata": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "huge": b'{"version": "3.0", "metadata": "' + b"x" * 5_000_000 + b'"}',
    "empty": b"",
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_this_damage_is_refused(damage: str) -> None:
    bucket = Bucket(StorageConfig.model_validate({"bucket": "lake", "prefix": "mysql"}))
    with pytest.raises(StateUnreadableError, match="cannot be used"):
        StateDocument(bucket, "x.json", ExtractState)._parse(DAMAGED[damage])


@pytest.fixture(scope="module")
def replication(
    sandbox: SandboxStatus, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Replication]:
    """A table that was synced once and has a row more."""
    with new_replication(sandbox, tmp_path_factory.mktemp("damaged")) as opened:
        opened.sql(
            "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, ts DATETIME(6) NOT NULL "
            "DEFAULT NOW(6), KEY (ts, id))",
            "INSERT INTO t () VALUES (), ()",
        )
        opened.table("t", cdc_timestamp_column="ts")
        opened.sync("t")
        opened.sql("INSERT INTO t () VALUES ()")
        yield opened


def everything(replication: Replication) -> dict[str, str]:
    """Every object of the prefix with the version it is in."""
    pages = replication.s3.get_paginator("list_objects_v2").paginate(
        Bucket=replication.sandbox.document()["s3"]["bucket"], Prefix=f"{replication.prefix}/"
    )
    return {e["Key"]: e["ETag"] for page in pages for e in page.get("Contents", [])}


@pytest.mark.parametrize("damage", ["deep", "a key twice", "huge", "empty"])
def test_a_damaged_schema_document_stops_the_load_by_name(
    replication: Replication, damage: str
) -> None:
    schema_id = str(replication.extract_state("t").metadata["stored_schema"])
    with replication.connections() as connections:
        storage = connections.storage(replication.plan("t"))
        key = s3_names.schema_key(replication.prefix, storage.plan, schema_id)
        good = storage.bucket.get(key)
        assert good is not None
        try:
            replication.put_object(key, DAMAGED[damage])
            with pytest.raises(StateUnreadableError, match=r"Schema document .* cannot be used"):
                storage.get_schema(schema_id)
        finally:
            replication.put_object(key, good[0])
        assert storage.get_schema(schema_id).fingerprint == schema_id


def test_a_document_that_is_nested_too_deeply_can_be_replaced(
    replication: Replication, capsys: pytest.CaptureFixture[str]
) -> None:
    """The way out that the error names works, whatever the document holds."""
    key = replication.state_key("t")
    good = replication.read_object(f"s3://{replication.sandbox.document()['s3']['bucket']}/{key}")
    words = ["-t", f"{replication.database}.t", "--yes", "--why", "it is damaged"]
    config = ["--config", str(replication.config_path)]
    try:
        replication.put_object(key, DAMAGED["deep"])
        code = frame.run([*config, "watermark", "reset", *words])
        shown = "".join(capsys.readouterr())
        assert "Traceback" not in shown
        assert "Unexpected" not in shown
        assert code in {0, 6}, shown
    finally:
        replication.put_object(key, good)


COMMANDS = (
    ("sync",),
    ("sync", "--dry-run"),
    ("watermark", "get", "-t", "{table}"),
    ("watermark", "list"),
    ("watermark", "set", "-t", "{table}", "--timestamp", "2025-01-01 00:00:00", "--yes"),
    ("verify",),
    ("watermark-count", "validate-counts", "-t", "{table}"),
    ("s3clean", "list", "-t", "{table}"),
    ("s3clean", "clean-all", "-t", "{table}", "--yes"),
    ("s3clean", "orphans", "-t", "{table}"),
)


@pytest.mark.parametrize("of_load", [False, True])
@pytest.mark.parametrize("damage", ["half a character", "deep", "a key twice"])
def test_both_halves_stop_and_write_nothing(
    replication: Replication, damage: str, of_load: bool
) -> None:
    """I-15: on the real store; the document stays as it lies there."""
    key = replication.state_key("t", load=of_load)
    good = replication.read_object(f"s3://{replication.sandbox.document()['s3']['bucket']}/{key}")
    replication.put_object(key, DAMAGED[damage])
    before = everything(replication)
    try:
        for half in (replication.extract, replication.load):
            with pytest.raises(StateUnreadableError) as stopped:
                half("t")
            assert key in stopped.value.happened
    finally:
        after = everything(replication)
        replication.put_object(key, good)
    assert after == before
    assert replication.target_rows("t", "COUNT(*)") == {(2,): 1}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_shows_a_traceback_or_writes(
    replication: Replication, command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    key = replication.state_key("t")
    good = replication.read_object(f"s3://{replication.sandbox.document()['s3']['bucket']}/{key}")
    replication.put_object(key, DAMAGED["no number that a cursor has"])
    before = everything(replication)
    words = [word.format(table=f"{replication.database}.t") for word in command]
    try:
        code = frame.run(["--config", str(replication.config_path), *words])
    finally:
        after = everything(replication)
        replication.put_object(key, good)
    shown = "".join(capsys.readouterr())
    assert code in {3, 6}, shown
    assert "Traceback" not in shown
    assert key in shown
    assert "cannot be used" in shown
    assert after == before
