"""`watermark import`: documents and files of the old tool."""

from __future__ import annotations

import io
import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mysql_s3_redshift_tests.cli.conftest import Project
from mysql_s3_redshift_tests.cli.tables import rows_of


def put(project: Project, path: str, body: bytes) -> str:
    """Write an object below the project's prefix, where the old tool would have; its URI."""
    return project.put(f"{project.facts['prefix']}/old/{path}", body)


def put_file(project: Project, table: str, run: str, ids: range, *, kind: Any = None) -> str:
    """Write a data file of the old tool: snappy, no statistics."""
    clean = f"{project.database}_{table}"
    moments = [datetime(2025, 1, 1, 0, i // 60, i % 60) for i in ids]  # noqa: DTZ001
    rows = pa.table(
        {
            "id": pa.array(ids, kind or pa.int64()),
            "v": [f"v{i}" for i in ids],
            "update_at": pa.array(moments, pa.timestamp("us")),
        }
    )
    body = io.BytesIO()
    pq.write_table(rows, body, compression="snappy", write_statistics=False)
    path = f"incremental/year=2025/month=01/day=01/hour=00/{clean}_{run}_batch_0001.parquet"
    return put(project, path, body.getvalue())


def v2(table: str, processed: list[str], **mysql: Any) -> bytes:
    """A document of version 2."""
    document = {
        "version": "2.0",
        "table_name": table,
        "cdc_strategy": "hybrid",
        "mysql_state": {"status": "success", "total_rows": 999_999, **mysql},
        "redshift_state": {"total_rows": 0, "last_loaded_files": []},
        "processed_files": processed,
        "metadata": {},
    }
    return json.dumps(document).encode()


def prefixes(project: Project) -> tuple[str, str, str, str]:
    """The options that say where the old tool's things are."""
    old = f"{project.facts['prefix']}/old"
    return "--state-prefix", old, "--data-prefix", f"{old}/incremental"


@pytest.mark.parametrize("scoped", [False, True], ids=["unscoped", "scoped"])
@pytest.mark.parametrize("version", [1, 2])
def test_a_document_of_either_version_is_taken_over(project: Project, version: int, scoped: bool):
    table = project.create("orders", rows=100)
    name = f"shop_db:{table}" if scoped else table
    clean = name.lower().replace(":", "_").replace(".", "_")
    if version == 1:
        document = {
            "table_name": name,
            "last_mysql_data_timestamp": "2025-01-01T00:01:30Z",
            "last_processed_id": 90,
            "mysql_rows_extracted": 123,
            "processed_s3_files": ["s3://bucket/path/file1.parquet"],
        }
        put(project, f"watermark/tables/{clean}.json", json.dumps(document).encode())
    else:
        body = v2(name, ["s3://b/1.parquet"], last_timestamp="2025-01-01T00:01:30", last_id=90)
        put(project, f"watermarks/v2/{clean}_warehouse.json", body)
    result = project.run("watermark", "import", "-t", table, *prefixes(project), "--yes", "--json")
    assert result.code == 0, result.err
    assert result.document["loaded_files"] == 1
    assert "00:01:30" in result.document["next_query"]["where"]
    assert "`id` > 90" in result.document["next_query"]["where"]
    project.replicate("orders")
    assert rows_of(project, "orders") == 10
    state = project.states("orders").extract.read()
    assert state is not None
    assert state.mysql_state.total_rows == 10, "its own counts are history, never counted with"
    again = project.run("watermark", "import", "-t", table, *prefixes(project), "--yes")
    assert again.code == 2


def test_files_off_the_blacklist_become_pending_only_where_the_operator_says_so(project: Project):
    """H-12: and only those of exactly this table."""
    table = project.create("orders", rows=100)
    loaded = put_file(project, "orders", "20250101_000010", range(1, 11))
    put_file(project, "orders", "20250101_000020", range(11, 21))
    put_file(project, "orders", "20241231_000000", range(91, 95))
    put_file(project, "orders_archive", "20250101_000020", range(11, 31))
    body = v2(table, [loaded], last_timestamp="2025-01-01T00:01:30", last_id=90)
    put(project, f"watermarks/v2/{project.database}_orders.json", body)
    adopt = ("--adopt-files", "--newer-than", "2025-01-01")
    told = project.run("watermark", "import", "-t", table, *prefixes(project), *adopt, "--yes")
    assert told.code == 0, told.err
    assert "1 file on its blacklist" in told.err
    assert "1 other file" in told.err
    project.replicate("orders")
    ids = [row[0] for row in project.redshift("SELECT id FROM {s}.orders ORDER BY id")]
    assert ids == [*range(11, 21), *range(91, 101)]
    assert project.run("watermark-count", "validate-counts", "-t", table).code == 0


def test_files_of_other_types_are_adopted_where_no_value_can_be_lost(project: Project):
    """pandas wrote every integer with 64 bits; Redshift checks the range of each that it casts."""
    project.mysql(
        "CREATE TABLE t (id INT PRIMARY KEY, big BIGINT UNSIGNED, small SMALLINT, "
        "price DECIMAL(20,4), at DATETIME(6))"
    )
    project.tables["t"] = "{cdc_strategy: id_only, cdc_id_column: id, load_mode: upsert}"
    project.write_config()
    rows = pa.table(
        {
            "id": pa.array([1, 2], pa.int64()),
            "big": pa.array([2**62, None], pa.int64()),
            "small": pa.array([-7, 8], pa.int32()),
            "price": pa.array([Decimal("1.25"), None], pa.decimal128(15, 4)),
            "at": pa.array([datetime(2025, 1, 1, 2, 3, 4)] * 2, pa.timestamp("ms")),  # noqa: DTZ001
        }
    )
    body = io.BytesIO()
    pq.write_table(rows, body, compression="snappy", write_statistics=False)
    name = f"{project.database}_t_20250101_000010_batch_0001.parquet"
    put(project, f"incremental/{name}", body.getvalue())
    put(project, f"watermarks/v2/{project.database}_t.json", v2(f"{project.database}.t", []))
    adopt = [*prefixes(project), "--adopt-files", "--yes"]
    told = project.run("watermark", "import", "-t", f"{project.database}.t", *adopt)
    assert told.code == 0, told.err
    project.mysql("INSERT INTO t VALUES (3, 18446744073709551615, 9, 2.5, '2025-01-02')")
    project.replicate("t")
    loaded = project.redshift("SELECT id, big, small, price, at FROM {s}.t ORDER BY id")
    moment = datetime(2025, 1, 1, 2, 3, 4)  # noqa: DTZ001
    assert loaded[0] == [1, 2**62, -7, Decimal("1.2500"), moment]
    assert loaded[1] == [2, None, 8, None, moment]
    assert loaded[2][1] == 2**64 - 1


def test_a_file_that_cannot_be_loaded_as_it_is_changes_nothing(project: Project):
    table = project.create("orders", rows=5)
    put_file(project, "orders", "20250101_000020", range(1, 3), kind=pa.float64())
    put(project, f"watermarks/v2/{project.database}_orders.json", v2(table, []))
    before = project.objects()
    adopt = [*prefixes(project), "--adopt-files", "--yes"]
    result = project.run("watermark", "import", "-t", table, *adopt)
    assert result.code == 4
    assert "column id is double, not int64" in result.err
    assert project.objects() == before


@pytest.mark.parametrize("body", [b"", b"[]", b'{"mysql_state": {}}', b'{"table_name": "x"'])
def test_a_damaged_document_is_left_as_it_is(project: Project, body: bytes):
    table = project.create("orders", rows=5)
    put(project, f"watermarks/v2/{project.database}_orders.json", body)
    before = project.objects()
    result = project.run("watermark", "import", "-t", table, *prefixes(project), "--yes")
    assert result.code == 6
    assert project.objects() == before


def test_another_table_with_the_same_clean_name_is_not_taken(project: Project):
    table = project.create("orders", rows=5)
    other = v2(f"{project.database}_orders.x", [], last_id=9)
    put(project, f"watermarks/v2/{project.database}_orders.json", other)
    result = project.run("watermark", "import", "-t", table, *prefixes(project), "--yes")
    assert result.code == 2
    assert "no document of the old tool" in result.err
