"""Lost clients, faults on demand, logins, restarts and TLS."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from redshift_connector.error import Error

from mysql_s3_redshift.sandbox.redshift.control import send_command
from mysql_s3_redshift_tests.sandbox.redshift.background import (
    ENDLESS,
    PATIENCE_SECONDS,
    Background,
)
from mysql_s3_redshift_tests.sandbox.redshift.conftest import (
    BUCKET,
    PASSWORD,
    Lake,
    StandIn,
    copy,
    refusal,
    run,
    start,
)

CLIENT = f"""
import sys, redshift_connector
connection = redshift_connector.connect(host="127.0.0.1", port=int(sys.argv[1]), database="dev",
                                        user="awsuser", password="{PASSWORD}", ssl=False)
cursor = connection.cursor()
cursor.execute("lock table scratch.t")
cursor.execute("insert into scratch.t values (9, 9)")
print("locked", flush=True)
cursor.execute(sys.argv[2])
print("done", flush=True)
import time; time.sleep(60)
"""


@pytest.mark.parametrize("statement", ["select 1", ENDLESS, "copy"])
def test_a_killed_client_leaves_no_lock_and_no_row(
    block: Any, table: str, stand_in: StandIn, lake: Lake, statement: str
) -> None:
    if statement == "copy":
        many = pa.array(range(2_000_000), pa.int32())
        lake.put_table("kill/1.parquet", pa.table({"a": many, "b": many}))
        statement = copy("scratch.t", f"s3://{BUCKET}/kill/")
    command = [sys.executable, "-c", CLIENT, str(stand_in.port), statement]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "locked\n"
        time.sleep(0.3)
        client.kill()
    run(block, "set statement_timeout to 60000")
    run(block, "lock table t")  # or it would wait as long as the dead client's session lives
    assert run(block, "select count(*) from t") == [[1]]
    block.rollback()


@pytest.fixture
def control(stand_in: StandIn) -> Iterator[int]:
    yield stand_in.control_port
    send_command(stand_in.control_port, {"clear": True})


def commit_and_ask(connection: Any) -> None:
    connection.commit()
    run(connection, "select 1")


@pytest.mark.parametrize(
    ("point", "rows"), [("before_commit", 1), ("during_commit", 2), ("after_commit", 2)]
)
def test_a_connection_can_be_dropped_around_commit(
    block: Any, another: Any, table: str, control: int, point: str, rows: int
) -> None:
    run(block, "insert into t values (2, 2)")
    armed = send_command(control, {"drop": point})
    assert armed["drops"] == {point: 1}
    with pytest.raises((Error, OSError)):
        commit_and_ask(block)
    assert send_command(control, {})["drops"] == {}
    run(another, "lock table t")
    assert run(another, "select count(*) from t") == [[rows]]
    another.rollback()


@pytest.mark.parametrize("point", ["before_copy", "during_copy"])
def test_a_connection_can_be_dropped_around_copy(
    block: Any, another: Any, table: str, control: int, lake: Lake, point: str
) -> None:
    numbers = pa.array(range(10), pa.int32())
    lake.put_table("dropped/1.parquet", pa.table({"a": numbers, "b": numbers}))
    send_command(control, {"drop": point})
    with pytest.raises((Error, OSError)):
        run(block, copy("t", f"s3://{BUCKET}/dropped/"))
    run(another, "lock table t")
    assert run(another, "select count(*) from t") == [[1]]
    another.rollback()


def test_statements_can_be_answered_with_an_error(block: Any, table: str, control: int) -> None:
    answer = {"pattern": "(?i)^insert into t ", "sqlstate": "XX000", "message": "1023"}
    send_command(control, {"answer": answer, "times": 2})
    for _ in range(2):
        assert refusal(block, "insert into t values (3, 3)")["M"] == "1023"
        assert refusal(block, "select 1")["C"] == "25P02"
        block.rollback()
    run(block, "insert into t values (3, 3)")
    block.rollback()
    with pytest.raises(ValueError, match="no point"):
        send_command(control, {"drop": "nowhere"})


def test_a_wrong_login_is_refused(stand_in: StandIn) -> None:
    for options in ({"password": "wrong"}, {"user": "nobody"}, {"user": "rdsdb"}):
        with pytest.raises(Error, match="28000"):
            stand_in.connect(**options)
    with pytest.raises(Error, match="3D000"):
        stand_in.connect(database="other")


def test_statement_timeout_and_cancel_of_a_backend(block: Any, another: Any) -> None:
    run(block, "set statement_timeout to 100")
    assert refusal(block, ENDLESS)["C"] == "57014"
    block.rollback()
    pid = run(another, "select pg_backend_pid()")[0][0]
    waiting = Background(another, ENDLESS)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while waiting.is_alive() and time.monotonic() < deadline:
        run(block, f"select pg_cancel_backend({pid})")  # nothing, where it has not begun yet
        waiting.join(0.2)
    assert waiting.error is not None
    assert waiting.error["C"] == "57014"
    another.rollback()
    block.rollback()


def children(stand_in: StandIn) -> list[psutil.Process]:
    return psutil.Process(stand_in.process.pid).children(recursive=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_keeps_the_data_and_no_process_stays(
    short_folder: Path, s3_endpoint: str, number: int
) -> None:
    folder = short_folder / f"restart-{number}"
    first = start(folder, s3_endpoint, "--isolation", "serializable")
    opened = first.connect()
    run(opened, "create table t (id int, " + "l" * 100 + " int)")
    run(opened, "insert into t values (1, 1)")
    opened.commit()
    processes = children(first)
    first.stop(number)
    psutil.wait_procs(processes, timeout=PATIENCE_SECONDS)
    assert processes
    assert not any(process.is_running() for process in processes)
    second = start(folder, s3_endpoint, "--isolation", "serializable")
    again = second.connect()
    cursor = again.cursor()
    cursor.execute("select * from t")
    assert [column[0] for column in cursor.description] == ["id", "l" * 100]
    assert [list(row) for row in cursor.fetchall()] == [[1, 1]]
    again.close()
    second.stop()


def test_two_stand_ins_on_one_folder_are_refused(
    stand_in: StandIn, short_folder: Path, s3_endpoint: str
) -> None:
    environment = os.environ | {"REDSHIFT_PASSWORD": PASSWORD}
    environment |= {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    command = [sys.executable, "-m", "mysql_s3_redshift.sandbox.redshift", "--port", "0"]
    command += ["--data", str(short_folder / "shared"), "--s3-endpoint", s3_endpoint]
    second = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert second.returncode == 1
    assert "Another stand-in may be running on the same folder" in second.stderr
    stand_in.connect().close()


def certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "server.pem", folder / "server.key"
    cert_file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return cert_file, key_file


def test_the_driver_connects_with_tls_and_its_defaults(
    tmp_path: Path, short_folder: Path, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cert_file, key_file = certificate(tmp_path)
    options = ("--tls-cert", str(cert_file), "--tls-key", str(key_file))
    server = start(short_folder / "tls", s3_endpoint, *options)
    with pytest.raises(Error, match="CERTIFICATE_VERIFY_FAILED"):
        server.connect(host="localhost", ssl=True)
    monkeypatch.setitem(os.environ, "SSL_CERT_FILE", str(cert_file))
    opened = server.connect(host="localhost", ssl=True, sslmode="verify-full")
    assert run(opened, "select 1") == [[1]]
    opened.close()
    server.stop()
