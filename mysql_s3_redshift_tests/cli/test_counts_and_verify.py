"""`watermark-count` and `verify` notice whatever is wrong, and name it."""

from __future__ import annotations

import pytest

from mysql_s3_redshift_tests.cli.conftest import Project
from mysql_s3_redshift_tests.cli.test_s3clean import files_of
from mysql_s3_redshift_tests.servers import s3_client

APPEND = "{cdc_strategy: id_only, cdc_id_column: id, load_mode: append}"
HASHED = "{columns: {hash: [v], hash_salt: pepper}}"


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("DELETE FROM {s}.events WHERE id = 3", "target and ledger: rows"),
        ("INSERT INTO {s}.events SELECT * FROM {s}.events", "target and ledger: rows"),
        ("DELETE FROM {l} WHERE seq = 2", "load state and ledger: files"),
        ("UPDATE {l} SET rows = rows + 1 WHERE seq = 1", "load state and ledger: rows"),
    ],
)
def test_validate_counts_fails_on_an_injected_mismatch(project: Project, damage: str, told: str):
    """H-33."""
    table = project.create("events", rows=100, options=APPEND, stamped=False)
    project.replicate("events")
    assert project.run("watermark-count", "validate-counts").code == 0
    project.redshift(damage.replace("{l}", f'"{project.schema}_ledger"."{project.schema}__events"'))
    result = project.run("watermark-count", "validate-counts", "-t", table)
    assert result.code == 4
    assert told in result.out
    document = project.run("watermark-count", "validate-counts", "-t", table, "--json").document
    assert document["status"] == "failed"
    wrong = [c for c in document["tables"][f"shop/{table}"] if not c["agrees"]]
    assert wrong
    assert all(check["cause"] for check in wrong)


def test_validate_counts_notices_a_pending_file_that_is_gone(project: Project):
    table = project.create("orders", rows=50)
    project.replicate("orders", loads=False)
    key = min(files_of(project, "orders"))
    s3_client(project.sandbox).delete_object(Bucket=project.facts["s3"]["bucket"], Key=key)
    result = project.run("watermark-count", "validate-counts", "-t", table)
    assert result.code == 4
    assert key in result.out


def test_set_count_adopts_rows_that_no_file_brought(project: Project):
    table = project.create("events", rows=50, options=APPEND, stamped=False)
    project.replicate("events")
    project.redshift("INSERT INTO {s}.events SELECT id + 1000, v FROM {s}.events")
    assert project.run("watermark-count", "validate-counts", "-t", table).code == 4
    noted = ["watermark-count", "set-count", "-t", table, "--count", "100", "--mode", "absolute"]
    assert project.run(*noted, "--yes", "--json").document["adopted_rows"] == 50
    assert project.run("watermark-count", "validate-counts", "-t", table).code == 0
    more = ["watermark-count", "set-count", "-t", table, "--count", "5", "--mode", "additive"]
    assert project.run(*more, "--yes", "--json").document["adopted_rows"] == 55
    fewer = ["watermark-count", "set-count", "-t", table, "--count", "1", "--mode", "absolute"]
    assert project.run(*fewer, "--yes").code == 2


def test_verify_agrees_on_what_was_synced_and_tells_newer_rows(project: Project):
    table = project.create("orders", rows=100)
    project.replicate("orders")
    assert project.run("verify").code == 0
    project.insert("orders", 200, 7)
    project.mysql("UPDATE orders SET v = 'new', update_at = NOW(6) WHERE id = 5")
    assert "8 are newer" in project.run("verify", "-t", table).out
    deep = project.run("verify", "-t", table, "--deep", "--json")
    assert deep.code == 0
    assert deep.document["tables"][f"shop/{table}"]["deep"]["newer_rows"] == 8


def test_verify_deep_prints_differing_rows_with_both_versions(project: Project):
    """H-33."""
    table = project.create("orders", rows=1200)
    project.replicate("orders")
    project.redshift("UPDATE {s}.orders SET v = 'broken' WHERE id = 7")
    project.redshift("DELETE FROM {s}.orders WHERE id = 500")
    project.redshift("INSERT INTO {s}.orders VALUES (5000, 'x', '2024-01-01')")
    assert project.run("verify", "-t", table).code == 0, "a count cannot see it"
    result = project.run("verify", "-t", table, "--deep")
    assert result.code == 4
    assert "v: MySQL v7, Redshift broken" in result.out
    document = project.run("verify", "-t", table, "--deep", "--json").document
    rows = document["tables"][f"shop/{table}"]["deep"]["rows"]
    assert sorted((r["kind"], (r["source"] or r["target"])["id"]) for r in rows) == [
        ("different", 7),
        ("extra", 5000),
        ("missing", 500),
    ]


def test_verify_deep_masks_hashed_columns(project: Project):
    """I-40."""
    table = project.create("orders", rows=20, options=HASHED)
    project.replicate("orders")
    assert project.run("verify", "-t", table, "--deep").code == 0
    project.redshift("DELETE FROM {s}.orders WHERE id = 3")
    result = project.run("verify", "-t", table, "--deep")
    assert result.code == 4
    assert "v=***" in result.out
    assert "v3" not in result.out


def test_verify_counts_every_copy_of_a_row_without_a_key(project: Project):
    project.mysql(
        "CREATE TABLE log (n INT, v VARCHAR(9))", "INSERT INTO log VALUES (1,'a'),(1,'a')"
    )
    project.tables["log"] = "{cdc_strategy: full_sync, load_mode: replace}"
    project.write_config()
    project.replicate("log")
    assert project.run("verify", "--deep").code == 0
    project.redshift("INSERT INTO {s}.log VALUES (1, 'a')")
    assert project.run("verify").code == 4
    assert project.run("verify", "--deep").code == 4


def test_verify_of_a_table_that_was_never_loaded_says_so(project: Project):
    project.create("orders", rows=3)
    result = project.run("verify")
    assert result.code == 2
    assert "never loaded" in result.err
