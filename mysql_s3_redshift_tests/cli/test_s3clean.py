"""`s3clean` deletes what is proven loaded, and nothing else."""

from __future__ import annotations

import contextlib

import pytest

from mysql_s3_redshift.adapters.configuration import load_config
from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.redshift import ledger
from mysql_s3_redshift_tests.cli.conftest import Project
from mysql_s3_redshift_tests.cli.tables import rows_of
from mysql_s3_redshift_tests.servers import redshift_connection, s3_client


def files_of(project: Project, table: str) -> set[str]:
    """Keys of a table's data files."""
    folder = f"/{project.database}.{table}/"
    return {key for key in project.objects() if folder in key and key.endswith(".parquet")}


def test_list_tells_loaded_from_pending_and_orphans(project: Project):
    table = project.create("orders", rows=100)
    project.replicate("orders")
    project.insert("orders", 101, 10)
    project.replicate("orders", loads=False)
    orphan(project, "orders")
    found = project.run("s3clean", "list", "-t", table, "--show-timestamps", "--json").document
    state = found["tables"][f"shop/{table}"]
    assert (state["loaded_files"], state["pending_files"], state["orphan_files"]) == (3, 1, 1)
    assert len(state["files"]) == 5
    shown = project.run("s3clean", "list", "-t", table, "--show-timestamps").out
    assert all(key.rsplit("/", 1)[1] in shown for key in files_of(project, "orders"))


def test_clean_deletes_loaded_files_of_that_table_alone_and_loading_goes_on(project: Project):
    """H-12, I-39: never a prefix of the name, never a pending file."""
    table = project.create("orders", rows=100)
    project.create("orders_archive", rows=100)
    for name in ("orders", "orders_archive"):
        project.replicate(name)
    project.insert("orders", 101, 10)
    project.replicate("orders", loads=False)
    neighbour, mine = files_of(project, "orders_archive"), files_of(project, "orders")

    result = project.run("s3clean", "clean-all", "-t", table, "--yes", "--json")
    assert result.document["tables"][f"shop/{table}"]["files"] == 3
    assert files_of(project, "orders_archive") == neighbour
    assert len(files_of(project, "orders")) == 1
    assert files_of(project, "orders") < mine
    project.replicate("orders")
    assert rows_of(project, "orders") == 110
    assert project.run("watermark-count", "validate-counts", "-t", table).code == 0


def test_a_dry_run_and_an_age_delete_nothing_young(project: Project):
    table = project.create("orders", rows=100)
    project.replicate("orders")
    before = project.objects()
    dry = project.run("s3clean", "clean-all", "-t", table, "--dry-run", "--json").document
    assert dry["tables"][f"shop/{table}"] | {"uris": []} == {
        "files": 3,
        "bytes": dry["tables"][f"shop/{table}"]["bytes"],
        "uploads": 0,
        "deleted": False,
        "uris": [],
    }
    old = project.run("s3clean", "clean", "-t", table, "--older-than", "1h", "--yes")
    assert "Nothing to delete." in old.out
    assert project.objects() == before


def test_every_file_of_a_table_with_any_name_is_found(project: Project):
    """I-30, H-09: one authority for names, so the writer's keys are the cleaner's."""
    name = "Order-Items$2024"
    project.mysql(
        f"CREATE TABLE `{name}` (id BIGINT PRIMARY KEY)",
        f"INSERT INTO `{name}` SELECT seq FROM seq_1_to_100",
    )
    project.tables[name] = "{cdc_strategy: id_only, cdc_id_column: id}"
    project.write_config()
    project.replicate(name)
    table = f"{project.database}.{name}"
    found = project.run("s3clean", "list", "-t", table, "--json").document["tables"]
    assert found[f"shop/{table}"]["loaded_files"] == 3
    done = project.run("s3clean", "clean-all", "-t", table, "--yes", "--json").document["tables"]
    assert done[f"shop/{table}"]["files"] == 3
    assert files_of(project, name) == set()


def test_a_pattern_must_match_the_whole_name(project: Project):
    table = project.create("orders", rows=100)
    project.replicate("orders")
    clean = ["s3clean", "clean", "-t", table, "--dry-run", "--json", "--pattern"]
    whole = project.run(*clean, "*_00000002.parquet").document
    assert whole["tables"][f"shop/{table}"]["files"] == 1
    assert project.run(*clean, "00000002").document["tables"][f"shop/{table}"]["files"] == 0
    assert project.run(*clean, "orders").document["tables"][f"shop/{table}"]["files"] == 0


def test_force_takes_pending_files_out_of_the_state_too(project: Project):
    table = project.create("orders", rows=100)
    project.replicate("orders", loads=False)
    result = project.run("s3clean", "clean-all", "-t", table, "--force", "--yes")
    assert result.code == 0
    assert "not loaded" in result.err
    project.insert("orders", 101, 10)
    project.replicate("orders")
    assert rows_of(project, "orders") == 10
    assert project.run("watermark-count", "validate-counts", "-t", table).code == 0


def test_orphans_are_deleted_after_their_grace_and_registered_files_never(project: Project):
    """I-35."""
    table = project.create("orders", rows=100)
    project.replicate("orders")
    kept = files_of(project, "orders")
    key = orphan(project, "orders")
    assert "Nothing to delete." in project.run("s3clean", "orphans", "-t", table).out
    listed = project.run("s3clean", "orphans", "-t", table, "--grace", "0s", "--json").document
    assert [uri.endswith(key) for uri in listed["tables"][f"shop/{table}"]["uris"]] == [True]
    assert key in project.objects()
    delete = ["s3clean", "orphans", "-t", table, "--grace", "0s", "--delete", "--yes"]
    assert project.run(*delete).code == 0
    assert files_of(project, "orders") == kept


def test_unfinished_uploads_of_exactly_this_table_are_listed_and_aborted(project: Project):
    """H-12, I-35: a process that was killed cannot take its own back."""
    table = project.create("orders", rows=50)
    project.create("orders_archive", rows=50)
    for name in ("orders", "orders_archive"):
        project.replicate(name)
        upload(project, name)
    listed = project.run("s3clean", "list", "-t", table, "--json").document
    assert listed["tables"][f"shop/{table}"]["upload_files"] == 1
    orphans = ["s3clean", "orphans", "-t", table]
    assert "Nothing to delete." in project.run(*orphans).out, "it may still be written"

    dry = project.run(*orphans, "--grace", "0s", "--json").document["tables"][f"shop/{table}"]
    assert (dry["uploads"], dry["bytes"], dry["deleted"]) == (1, 1000, False)
    assert len(uploads_of(project, "orders")) == 1
    done = project.run(*orphans, "--grace", "0s", "--delete", "--yes")
    assert done.code == 0, done.err
    assert "1 unfinished upload deleted, 1.0 kB freed" in done.out
    assert uploads_of(project, "orders") == []
    assert len(uploads_of(project, "orders_archive")) == 1
    assert project.run("watermark-count", "validate-counts", "-t", table).code == 0


def test_nothing_is_deleted_while_a_load_of_the_table_runs(
    project: Project, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ledger, "LOCK_SECONDS", 1)
    table = project.create("orders", rows=10)
    project.replicate("orders")
    before = project.objects()
    table_of_files = f'"{project.schema}_ledger"."{project.schema}__orders"'
    with contextlib.closing(redshift_connection(project.sandbox)) as load:
        load.cursor().execute(f"LOCK {table_of_files}")
        result = project.run("s3clean", "clean-all", "-t", table, "--yes")
        load.rollback()
    assert result.code == 7
    assert "a load of this table is running" in result.err
    assert project.objects() == before


def test_after_a_lock_a_statement_may_take_as_long_as_the_file_says(project: Project):
    project.create("orders", rows=1)
    project.replicate("orders")
    project.write_config(**{"copy_role: default": "copy_role: default\n    statement_timeout: 7m"})
    config = load_config(project.config_path)
    [plan] = config.plans(None)
    with Connections(config) as connections:
        connection = connections.target(plan).connection
        with ledger.TargetTable(connection, plan).locked():
            [(milliseconds,)] = connection.query("SHOW statement_timeout")
    assert milliseconds in {"420000", "420000ms", "7min"}


def orphan(project: Project, table: str) -> str:
    """Copy a file as a run that died after its upload would have left it; returns its key."""
    client, bucket = s3_client(project.sandbox), project.facts["s3"]["bucket"]
    source = min(files_of(project, table))
    name = source.rsplit("_", 1)[0]
    key = f"{name}_00000099.parquet"
    client.copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": source})
    return key


def upload(project: Project, table: str) -> None:
    """Begin a multipart upload as a run that died in it would have left it."""
    client, bucket = s3_client(project.sandbox), project.facts["s3"]["bucket"]
    key = f"{min(files_of(project, table)).rsplit('_', 1)[0]}_00000098.parquet"
    begun = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    client.upload_part(Bucket=bucket, Key=key, UploadId=begun, PartNumber=1, Body=b"x" * 1000)


def uploads_of(project: Project, table: str) -> list[str]:
    """Keys of a table's multipart uploads."""
    folder = f"{project.facts['prefix']}/data/shop/{project.database}.{table}/"
    listed = s3_client(project.sandbox).list_multipart_uploads(
        Bucket=project.facts["s3"]["bucket"], Prefix=folder
    )
    return [found["Key"] for found in listed.get("Uploads", [])]


def test_a_snapshot_that_loses_a_file_is_given_up_as_a_whole_and_read_anew(project: Project):
    """H-25: the rest of it would replace more rows than it brings."""
    table = project.create(
        "rates", rows=100, options="{cdc_strategy: full_sync, load_mode: replace}"
    )
    project.replicate("rates", loads=False)
    clean = ["s3clean", "clean", "-t", table, "--pattern", "*_00000002.parquet", "--force"]
    result = project.run(*clean, "--yes")
    assert result.code == 0
    assert "load together" in result.err
    state = project.states("rates").extract.read()
    assert state is not None
    assert (state.files, state.mysql_state.total_rows) == ((), 0)
    project.replicate("rates")
    assert rows_of(project, "rates") == 100
    assert project.run("watermark-count", "validate-counts", "-t", table).code == 0
