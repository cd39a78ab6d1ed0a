"""COPY .. FORMAT PARQUET: which files and options load, and what comes out."""
# ruff: noqa: DTZ001 - a TIMESTAMP without time zone is what is tested

from __future__ import annotations

import datetime as dt
import decimal
import math
import random
import threading
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pyarrow as pa
import pytest

from mysql_s3_redshift.sandbox.redshift.copy.manifest import find_files
from mysql_s3_redshift.sandbox.redshift.errors import LoadError
from mysql_s3_redshift.sandbox.redshift.settings import S3Settings
from mysql_s3_redshift.sandbox.redshift.storage import Storage
from mysql_s3_redshift_tests.sandbox.redshift.conftest import (
    BUCKET,
    ROLE,
    Lake,
    copy,
    entry,
    refusal,
    run,
)


def one_column(values: list[Any], kind: pa.DataType) -> pa.Table:
    return pa.table({"ignored": pa.array(values, kind)})


UTC = dt.UTC
ACCEPTED = [
    ("smallint", pa.int16(), [1, None]),
    ("smallint", pa.int8(), [-1]),
    ("smallint", pa.uint8(), [255]),
    ("integer", pa.int32(), [-(2**31)]),
    ("integer", pa.uint16(), [65535]),
    ("bigint", pa.int64(), [2**63 - 1]),
    ("real", pa.float32(), [1.5]),
    ("double precision", pa.float64(), [0.1]),
    ("boolean", pa.bool_(), [True, False]),
    ("date", pa.date32(), [dt.date(9999, 12, 31)]),
    ("timestamp", pa.timestamp("us"), [dt.datetime(1, 1, 1)]),
    ("timestamp", pa.timestamp("ms"), [dt.datetime(2024, 1, 1)]),
    ("timestamptz", pa.timestamp("us", "UTC"), [dt.datetime(2024, 1, 1, tzinfo=UTC)]),
    ("varchar(4)", pa.string(), ["é😀"[:1] * 2, "", None]),
    ("char(3)", pa.string(), ["abc"]),
    ("decimal(38, 10)", pa.decimal128(38, 10), [Decimal("-1.0000000001")]),
    ("decimal(5, 2)", pa.decimal128(5, 2), [Decimal("999.99")]),
]
REFUSED = [
    ("smallint", pa.int32()),
    ("smallint", pa.int64()),
    ("smallint", pa.uint16()),
    ("integer", pa.int16()),
    ("integer", pa.int64()),
    ("integer", pa.uint32()),
    ("bigint", pa.int32()),
    ("bigint", pa.uint64()),
    ("bigint", pa.float64()),
    ("real", pa.float64()),
    ("double precision", pa.float32()),
    ("boolean", pa.int8()),
    ("date", pa.timestamp("us")),
    ("date", pa.string()),
    ("timestamp", pa.timestamp("ns")),
    ("timestamp", pa.date32()),
    ("timestamp", pa.int64()),
    ("time", pa.time64("us")),
    ("time", pa.time32("ms")),
    ("varchar(10)", pa.int32()),
    ("varchar(10)", pa.binary()),
    ("varbyte(10)", pa.string()),
    ("varbyte(10)", pa.binary(4)),
    ("geometry", pa.binary()),
    ("decimal(10, 2)", pa.decimal128(10, 3)),
    ("decimal(10, 2)", pa.decimal128(11, 2)),
    ("decimal(18, 0)", pa.int64()),
    ("varchar(10)", pa.list_(pa.string())),
    ("varchar(10)", pa.struct([("a", pa.string())])),
]


@pytest.mark.parametrize(
    ("column", "kind", "values"), ACCEPTED, ids=[f"{c} from {k}" for c, k, _ in ACCEPTED]
)
def test_a_column_loads_from_the_parquet_type_known_to_load(
    connection: Any, lake: Lake, column: str, kind: pa.DataType, values: list[Any]
) -> None:
    run(connection, f"create table t (c {column})")
    lake.put_table("accepted/1.parquet", one_column(values, kind))
    run(connection, copy("t", f"s3://{BUCKET}/accepted/"))
    assert [row[0] for row in run(connection, "select c from t")] == values


@pytest.mark.parametrize(("column", "kind"), REFUSED, ids=[f"{c} from {k}" for c, k in REFUSED])
def test_any_other_parquet_type_is_refused(
    connection: Any, lake: Lake, column: str, kind: pa.DataType
) -> None:
    run(connection, f"create table t (c {column})")
    lake.put_table("refused/1.parquet", one_column([None], kind))
    fields = refusal(connection, copy("t", f"s3://{BUCKET}/refused/"))
    assert (fields["C"], fields["M"]) == ("XX000", "Spectrum Scan Error")
    assert "incompatible Parquet schema" in fields["D"] or "invalid type length" in fields["D"]


def test_columns_are_matched_by_position_and_names_are_ignored(connection: Any, lake: Lake) -> None:
    run(connection, "create table t (a int, b varchar(5), c int default 7)")
    lake.put_table("position/1.parquet", pa.table({"b": pa.array([1], pa.int32()), "a": ["x"]}))
    source = f"s3://{BUCKET}/position/"
    assert "Unmatched number of columns" in refusal(connection, copy("t", source))["D"]
    run(connection, copy("t (a, b)", source))
    run(connection, copy("t", source, "fillrecord"))
    assert run(connection, "select * from t order by c") == [[1, "x", 7], [1, "x", None]]
    reversed_columns = refusal(connection, copy("t (b, a)", source))
    assert "Column type: VARCHAR" in reversed_columns["D"]


def test_a_column_list_must_have_every_not_null_column(connection: Any, lake: Lake) -> None:
    run(connection, "create table t (a int, b int not null)")
    lake.put_table("list/1.parquet", one_column([1], pa.int32()))
    source = f"s3://{BUCKET}/list/"
    assert refusal(connection, copy("t (a)", source))["C"] == "42601"
    assert refusal(connection, copy("t (nope)", source))["C"] == "42703"
    assert refusal(connection, copy("nope", source))["C"] == "42P01"


@pytest.mark.parametrize(
    ("values", "kind", "column", "text"),
    [
        (["é" * 3], pa.string(), "varchar(5)", "Table: 5, Data: 6"),
        ([b"1234"], pa.binary(), "varbyte(3)", "Table: 3, Data: 4"),
        (["é"], pa.string(), "char(5)", "Multibyte character not supported for CHAR"),
        (["a\0b"], pa.string(), "varchar(5)", "Invalid null byte"),
    ],
)
def test_values_that_do_not_fit_fail_the_load(
    connection: Any, lake: Lake, values: list[Any], kind: pa.DataType, column: str, text: str
) -> None:
    run(connection, f"create table t (c {column})")
    lake.put_table(
        "values/1.parquet", one_column(["fits"[:2]] if kind == pa.string() else [b""], kind)
    )
    lake.put_table("values/2.parquet", one_column(values, kind))
    fields = refusal(connection, copy("t", f"s3://{BUCKET}/values/"))
    assert text in fields["D"]
    assert run(connection, "select count(*) from t") == [[0]]
    assert run(connection, "select pg_last_copy_count()") == [[0]]
    logged = run(connection, "select message from svl_s3log order by query desc limit 1")
    assert text in logged[0][0]


def test_trailing_blanks_do_not_count(connection: Any, lake: Lake) -> None:
    run(connection, "create table t (c varchar(3))")
    lake.put_table("blanks/1.parquet", one_column(["ab     ", "a  "], pa.string()))
    run(connection, copy("t", f"s3://{BUCKET}/blanks/"))
    assert run(connection, "select c from t") == [["ab"], ["a  "]]


def test_a_null_in_a_not_null_column_fails_the_load(connection: Any, lake: Lake) -> None:
    run(connection, "create table t (c int not null)")
    lake.put_table("null/1.parquet", one_column([1, None], pa.int32()))
    fields = refusal(connection, copy("t", f"s3://{BUCKET}/null/"))
    assert fields["M"] == "Cannot insert a NULL value into column c"


def test_super_needs_serializetojson_and_json_text_stays_a_string(
    connection: Any, lake: Lake
) -> None:
    run(connection, "create table t (c super)")
    lake.put_table("super/1.parquet", pa.table({"c": [{"b": 1, "a": ["x"]}]}))
    lake.put_table("super/2.parquet", pa.table({"c": ['{"b": 1}']}))
    source = f"s3://{BUCKET}/super/"
    fields = refusal(connection, copy("t", source))
    assert (fields["M"], "Unreachable - Invalid type: 4000" in fields["D"]) == ("Assert", True)
    run(connection, copy("t", source, "serializetojson"))
    rows = run(connection, "select json_serialize(c), json_typeof(c) from t")
    assert rows == [['{"b":1,"a":["x"]}', "object"], ['"{\\"b\\": 1}"', "string"]]


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


def test_a_copy_rolls_back_with_its_block(block: Any, lake: Lake) -> None:
    run(block, "create table t (c int)")
    block.commit()
    lake.put_table("block/1.parquet", one_column([1, 2, 3], pa.int32()))
    run(block, copy("t", f"s3://{BUCKET}/block/"))
    assert run(block, "select count(*), pg_last_copy_count() from t") == [[3, 3]]
    block.rollback()
    assert run(block, "select count(*) from t") == [[0]]
    assert b"3 record(s) loaded successfully" in block.notices[-1][b"M"]


decimal.getcontext().prec = 60
EXTREMES: dict[str, tuple[str, pa.DataType, list[Any]]] = {
    "i8": ("bigint", pa.int64(), [2**63 - 1, -(2**63), 0]),
    "i4": ("int", pa.int32(), [2**31 - 1, -(2**31)]),
    "i2": ("smallint", pa.int16(), [32767, -32768]),
    "f8": (
        "float8",
        pa.float64(),
        [math.nan, math.inf, -math.inf, 5e-324, 1.7976931348623157e308, -0.0, 0.1],
    ),
    "f4": ("float4", pa.float32(), [math.nan, 1.5, -2.25]),
    "b": ("bool", pa.bool_(), [True, False]),
    "d": ("date", pa.date32(), [dt.date(1, 1, 1), dt.date(9999, 12, 31), dt.date(1969, 12, 31)]),
    "ts": (
        "timestamp",
        pa.timestamp("us"),
        [
            dt.datetime(1, 1, 1),
            dt.datetime(9999, 12, 31, 23, 59, 59, 999999),
            dt.datetime(1969, 12, 31, 23, 59, 59, 999999),
            dt.datetime(1970, 1, 1),
        ],
    ),
    "tz": (
        "timestamptz",
        pa.timestamp("us", "UTC"),
        [dt.datetime(1950, 1, 1, 1, 1, 1, 1, tzinfo=UTC)],
    ),
    "s": (
        "varchar(65535)",
        pa.string(),
        ["", 'é😀 "q" \\ \n \t ,|', "x" * 65535, "\\N", "NULL", "'; drop table x;--"],
    ),
    "n18": ("decimal(18, 0)", pa.decimal128(18, 0), [Decimal(10**18 - 1), Decimal(-(10**18) + 1)]),
    "n38": (
        "decimal(38, 10)",
        pa.decimal128(38, 10),
        [
            Decimal("9" * 28 + "." + "9" * 10),
            Decimal("-" + "9" * 28 + "." + "9" * 10),
            Decimal("0.0000000001"),
            Decimal("10000.0000000000"),
        ],
    ),
    "n9": ("decimal(9, 9)", pa.decimal128(9, 9), [Decimal("0.999999999"), Decimal("-0.000000001")]),
    "v": ("varbyte(1000)", pa.binary(), [b"", b"\x00\xff\\x41", bytes(range(256))]),
}


def test_500_rows_of_extremes_come_back_exactly(connection: Any, lake: Lake) -> None:
    chance = random.Random(7)
    columns = {
        name: values + [None] + [chance.choice([*values, None]) for _ in range(499 - len(values))]
        for name, (_, _, values) in EXTREMES.items()
    }
    columns["ts"][10:] = [
        dt.datetime(1, 1, 1) + dt.timedelta(microseconds=chance.randrange(315537897599999999))
        for _ in range(490)
    ]
    columns["n38"][10:] = [
        Decimal(chance.randrange(-(10**37), 10**37)).scaleb(-10) for _ in range(490)
    ]
    table = pa.table({n: pa.array(columns[n], kind) for n, (_, kind, _) in EXTREMES.items()})
    table = table.append_column("pos", pa.array(range(500), pa.int64()))
    names = ", ".join(f"{name} {kind}" for name, (kind, _, _) in EXTREMES.items())
    run(connection, f"create table t ({names}, pos bigint)")
    lake.put_table("extremes/1.parquet", table)
    run(connection, copy("t", f"s3://{BUCKET}/extremes/"))
    rows = run(connection, "select * from t order by pos")
    assert len(rows) == 500
    for index, name in enumerate(EXTREMES):
        expected = [v.hex() if isinstance(v, bytes) else v for v in columns[name]]
        assert [repr(row[index]) for row in rows] == [repr(value) for value in expected], name


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
