"""What COPY reads: prefixes, manifests, its options, and who it is on S3."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pyarrow as pa
import pytest

from mysql_s3_redshift.sandbox.redshift.copy.manifest import find_files
from mysql_s3_redshift.sandbox.redshift.errors import LoadError
from mysql_s3_redshift.sandbox.redshift.settings import S3Settings
from mysql_s3_redshift.sandbox.redshift.storage import Storage
from mysql_s3_redshift_tests.sandbox.redshift.columns import one_column
from mysql_s3_redshift_tests.sandbox.redshift.conftest import (
    BUCKET,
    ROLE,
    Lake,
    copy,
    entry,
    refusal,
    run,
)


@pytest.mark.parametrize(
    "option",
    [
        "region 'us-east-1'",
        "maxerror 5",
        "compupdate off",
        "acceptanydate",
        "delimiter ','",
        "gzip",
        "dateformat 'auto'",
        "truncatecolumns",
        "null as 'x'",
        "noload",
    ],
)
def test_columnar_copy_refuses_the_options_of_text(
    connection: Any, lake: Lake, option: str
) -> None:
    run(connection, "create table t (c int)")
    fields = refusal(connection, copy("t", f"s3://{BUCKET}/nothing/", option))
    assert fields["C"] == "0A000"
    assert "is not supported for PARQUET based COPY" in fields["M"]


def test_columnar_copy_takes_statupdate_off(connection: Any, lake: Lake) -> None:
    run(connection, "create table t (c int)")
    lake.put_table("stat/1.parquet", one_column([1], pa.int32()))
    run(connection, copy("t", f"s3://{BUCKET}/stat/", "statupdate off"))


@pytest.mark.parametrize(
    ("auth", "sqlstate"),
    [
        ("", "42601"),
        ("iam_role 'x'", "XX000"),
        ("iam_role 'arn:aws:iam::1:role/x'", "XX000"),
        ("access_key_id 'a'", "42601"),
        (f"iam_role '{ROLE}' access_key_id 'a' secret_access_key 'b'", "42601"),
    ],
)
def test_copy_needs_one_complete_authorization(connection: Any, auth: str, sqlstate: str) -> None:
    run(connection, "create table t (c int)")
    fields = refusal(connection, f"copy t from 's3://{BUCKET}/x/' {auth} format parquet")
    assert fields["C"] == sqlstate


def test_every_way_to_authorize_loads(connection: Any, lake: Lake) -> None:
    run(connection, "create table t (c int)")
    lake.put_table("auth/1.parquet", one_column([1], pa.int32()))
    for auth in (
        "iam_role default",
        f"credentials 'aws_iam_role={ROLE}'",
        "credentials 'aws_access_key_id=k;aws_secret_access_key=s'",
        "access_key_id 'k' secret_access_key 's' session_token 't'",
    ):
        run(connection, f"copy t from 's3://{BUCKET}/auth/' {auth} format as parquet")
    assert run(connection, "select count(*) from t") == [[4]]


def test_a_source_without_manifest_is_a_prefix(connection: Any, lake: Lake) -> None:
    run(connection, "create table t (c int)")
    lake.put_table("orders/1.parquet", one_column([1], pa.int32()))
    lake.put_table("orders_old/1.parquet", one_column([2], pa.int32()))
    run(connection, copy("t", f"s3://{BUCKET}/orders"))
    assert run(connection, "select c from t order by c") == [[1], [2]]
    fields = refusal(connection, copy("t", f"s3://{BUCKET}/no-such-prefix/"))
    assert "does not exist" in fields["M"]


def test_a_manifest_loads_what_it_lists(connection: Any, lake: Lake) -> None:
    run(connection, "create table t (c int)")
    size = lake.put_table("m/1.parquet", one_column([1, 2], pa.int32()))
    manifest = lake.put_manifest(
        "m.manifest",
        [entry("m/1.parquet", size, mandatory=True)] * 2 + [entry("m/missing.parquet", 1)],
    )
    run(connection, copy("t", manifest, "manifest"))
    assert run(connection, "select count(*), pg_last_copy_count() from t") == [[4, 4]]
    history = "select status, loaded_rows from sys_load_history order by query_id desc limit 1"
    assert run(connection, history) == [["completed", 4]]


def test_a_manifest_that_does_not_tell_the_truth_is_refused(connection: Any, lake: Lake) -> None:
    run(connection, "create table t (c int)")
    size = lake.put_table("m/1.parquet", one_column([1], pa.int32()))
    url = f"s3://{BUCKET}/m/1.parquet"
    for entries, text in (
        ([{"url": url}], "File entry does not have 'meta' key."),
        ([{"url": url, "meta": {}}], "File entry does not have 'content_length' key."),
        ([entry("m/1.parquet", size + 1)], "416"),
        ([entry("m/missing.parquet", 1, mandatory=True)], "not found"),
        ([entry("m/missing.parquet", 1)], "No files found"),
        ([], "No files found"),
        (b"{not json", "not in the correct JSON format"),
        (b"[]", "not in the correct JSON format"),
    ):
        manifest = lake.put_manifest("bad.manifest", entries)
        fields = refusal(connection, copy("t", manifest, "manifest"))
        assert text in fields["M"] + fields["D"]
    missing = refusal(connection, copy("t", f"s3://{BUCKET}/no.manifest", "manifest"))
    assert "NoSuchKey" in missing["M"]


def test_a_file_that_is_not_parquet_is_refused(connection: Any, lake: Lake) -> None:
    run(connection, "create table t (c int)")
    lake.client.put_object(Bucket=BUCKET, Key="csv/1.csv", Body=b"1,2,3\n" * 10)
    assert "not a Parquet file" in refusal(connection, copy("t", f"s3://{BUCKET}/csv/"))["D"]


def test_the_keys_of_a_copy_sign_its_requests() -> None:
    """The S3 server of these tests takes any key, so the request itself is looked at."""
    seen: list[str] = []

    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["Authorization"])
            body = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
            self.send_response(403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep the output of the tests clean."""

    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        storage = Storage(S3Settings(f"http://127.0.0.1:{server.server_port}", "role", "secret"))
        for credentials, key in ((None, "role"), (("own", "s", None), "own")):
            with pytest.raises(LoadError, match=r"Access Denied,Status 403,Error AccessDenied"):
                find_files(storage.client(credentials), "s3://lake/x", manifest=False, query=1)
            assert f"Credential={key}/" in seen[-1]
        server.shutdown()
