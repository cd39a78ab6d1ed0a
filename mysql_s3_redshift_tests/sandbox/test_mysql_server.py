"""The MySQL server of a sandbox: our own one, a named one, one given by URL."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pymysql
import pytest

from mysql_s3_redshift.errors import ConfigError, ExitCode, SourceConnectionError
from mysql_s3_redshift.sandbox import sandbox as sandboxes
from mysql_s3_redshift.sandbox.mysql_server import (
    BINARY_VARIABLE,
    MysqlBinary,
    find_binary,
)
from mysql_s3_redshift.sandbox.processes import find
from mysql_s3_redshift_tests.servers import (
    mysql_admin_connection,
    mysql_answers,
    processes_of,
)

pytestmark = pytest.mark.usefixtures("own_mysql")


def test_the_product_can_read_and_not_write(mysql_server, mysql_database):
    with contextlib.closing(mysql_admin_connection(mysql_server, mysql_database)) as connection:
        connection.cursor().execute("CREATE TABLE t (id INT PRIMARY KEY)")
    reader = pymysql.connect(
        host=mysql_server.mysql_reader.host,
        port=mysql_server.mysql_reader.port,
        user=mysql_server.mysql_reader.user,
        password=mysql_server.mysql_reader.password,
        database=mysql_database,
    )
    with contextlib.closing(reader):
        cursor = reader.cursor()
        cursor.execute("SELECT COUNT(*) FROM t")
        cursor.execute("SELECT COUNT(*) FROM information_schema.INNODB_TRX")
        cursor.execute("SHOW REPLICA STATUS")
        for statement in ("INSERT INTO t VALUES (1)", "DROP TABLE t", "CREATE DATABASE other"):
            with pytest.raises(pymysql.MySQLError, match="denied"):
                cursor.execute(statement)


def test_the_time_zone_of_mysql_can_be_chosen_and_is_remembered(folder):
    sandboxes.up(folder, ("mysql",), time_zone="+05:30")
    sandboxes.down(folder)
    current = sandboxes.up(folder, ("mysql",))
    with contextlib.closing(mysql_admin_connection(current)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT @@global.time_zone, TIMEDIFF(NOW(), UTC_TIMESTAMP())")
        assert cursor.fetchone() == ("+05:30", timedelta(hours=5, minutes=30))


def test_a_server_given_by_url_is_used_as_it_is(folder, mysql_server, monkeypatch):
    account = mysql_server.mysql_admin
    own = sandboxes.up(folder, ("mysql",))
    url = f"mysql://{account.user}:{account.password}@{account.host}:{account.port}/"
    monkeypatch.setenv("MYSQL_URL", url)
    current = sandboxes.up(folder, ("mysql",))
    assert current.mysql_admin == current.mysql_reader == account
    assert current.running["mysql"]
    assert find(own.settings.processes["mysql"]) is None, "two servers would be confusing"
    sandboxes.down(folder)
    assert mysql_answers(mysql_server), "a server we did not start is never stopped"


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("postgresql://root@127.0.0.1/", ConfigError),
        ("mysql://127.0.0.1/", ConfigError),
        ("mysql://root:secret@127.0.0.1:1/", SourceConnectionError),
    ],
)
def test_a_wrong_url_starts_nothing_and_hides_the_password(folder, monkeypatch, url, error):
    monkeypatch.setenv("MYSQL_URL", url)
    with pytest.raises(error, match="MYSQL_URL") as caught:
        sandboxes.up(folder)
    assert "secret" not in str(caught.value)
    assert processes_of(folder) == []


def test_without_a_mysql_server_the_error_says_how_to_install_one(tmp_path, monkeypatch):
    monkeypatch.delenv(BINARY_VARIABLE, raising=False)
    with pytest.raises(ConfigError, match="no MySQL or MariaDB server") as caught:
        find_binary(str(tmp_path))
    assert caught.value.exit_code == ExitCode.USAGE
    assert "apt-get install" in caught.value.remedy
    assert "dnf install" in caught.value.remedy
    assert "brew install" in caught.value.remedy


@pytest.mark.parametrize(
    ("version", "mariadb"),
    [("mysqld  Ver 9.7.4 for Linux on x86_64", False), ("mysqld  Ver 10.11.19-MariaDB", True)],
)
def test_a_named_server_binary_is_asked_what_it_is(tmp_path, monkeypatch, version, mariadb):
    binary = tmp_path / "some-mysqld"
    binary.write_text(f"#!/bin/sh\necho '{version}'\n")
    binary.chmod(0o755)
    monkeypatch.setenv(BINARY_VARIABLE, str(binary))
    assert find_binary() == MysqlBinary(str(binary), mariadb=mariadb)
    binary.unlink()
    with pytest.raises(ConfigError, match="some-mysqld"):
        find_binary()


def test_an_interrupted_initialisation_is_repeated(folder):
    half = folder / "mysql.new"
    half.mkdir()
    (half / "ibdata1").write_text("half of a data folder")
    assert sandboxes.up(folder, ("mysql",)).running["mysql"]
    assert not half.exists()
