"""Where credentials come from: AWS Secrets Manager, IAM tokens for MySQL, IAM for Redshift."""

from __future__ import annotations

import datetime
import json
import logging
import traceback
from collections.abc import Iterator
from typing import Any

import boto3
import botocore.auth
import pytest
from moto.server import ThreadedMotoServer

from mysql_s3_redshift.adapters import secrets
from mysql_s3_redshift.adapters.configuration import load_config
from mysql_s3_redshift.adapters.mysql.connection import MySqlConnection
from mysql_s3_redshift.adapters.redshift.connection import RedshiftConnection
from mysql_s3_redshift.adapters.secrets import SecretsManagerReader
from mysql_s3_redshift.config import SourceConfig, TargetConfig
from mysql_s3_redshift.errors import ConfigError, SourceError, TargetError
from mysql_s3_redshift_tests.config.documents import document, write
from mysql_s3_redshift_tests.security.sign_in import SignIn, sign_in_service
from mysql_s3_redshift_tests.security.tls_servers import PASSWORD, TlsServers

CANARY = "canary-7f3a"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that no file of the machine changes."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A server of moto's: its decorator would empty the stores of all tests in the process."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def store(aws: None, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """AWS Secrets Manager as moto imitates it, without a secret."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", endpoint)
    client = boto3.Session().client("secretsmanager")
    yield client
    for secret in client.list_secrets()["SecretList"]:
        client.delete_secret(SecretId=secret["ARN"], ForceDeleteWithoutRecovery=True)


def configured(tmp_path: Any, password: str) -> Any:
    source = {"host": "db.internal", "user": "u", "password": password}
    return load_config(write(tmp_path, json.dumps(document(sources={"main": source}))))


def test_a_key_of_a_secret_becomes_the_password(store, tmp_path):
    text = json.dumps({"username": "u", "password": CANARY})
    store.create_secret(Name="prod/mysql", SecretString=text)
    config = configured(tmp_path, "secretsmanager:prod/mysql#password")
    assert config.source("main").password.get_secret_value() == CANARY


def test_a_whole_secret_and_an_arn_of_another_region_are_read(store):
    there = boto3.Session().client("secretsmanager", region_name="us-west-2")
    arn = there.create_secret(Name="plain", SecretString=CANARY)["ARN"]
    with pytest.raises(ConfigError):
        SecretsManagerReader().read("plain")
    assert SecretsManagerReader().read(arn) == CANARY
    there.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)


def test_a_binary_secret_that_is_text_is_read_and_another_is_refused_without_its_bytes(store):
    store.create_secret(Name="text", SecretBinary=CANARY.encode())
    store.create_secret(Name="bytes", SecretBinary=b"\xff\xfe" + CANARY.encode())
    reader = SecretsManagerReader()
    assert reader.read("text") == CANARY
    with pytest.raises(ConfigError, match="not UTF-8") as refused:
        reader.read("bytes")
    assert CANARY not in str(refused.value)


def test_a_secret_that_does_not_exist_is_named(store, tmp_path):
    config = configured(tmp_path, "secretsmanager:prod/none#password")
    with pytest.raises(ConfigError, match=r"prod/none .*ResourceNotFoundException") as refused:
        config.source("main")
    assert "region" in refused.value.remedy


def test_secrets_are_read_when_a_connection_is_asked_for_and_not_before(tmp_path, monkeypatch):
    reads: list[str] = []

    def read(name: str) -> str:
        reads.append(name)
        return CANARY

    monkeypatch.setattr(secrets, "_read", read)
    config = configured(tmp_path, "secretsmanager:prod/mysql")
    config.plans()
    assert reads == []
    config.source("main")
    assert reads == ["prod/mysql"]


def test_two_keys_of_a_connection_come_from_one_version_and_a_rotation_is_seen_later(monkeypatch):
    versions = iter(["first", "second"])
    monkeypatch.setattr(secrets, "_read", lambda name: next(versions))
    reader = SecretsManagerReader()
    assert [reader.read("s"), reader.read("s")] == ["first", "first"]
    monkeypatch.setattr(secrets, "REMEMBERED_SECONDS", 0.0)
    assert reader.read("s") == "second"


def test_without_credentials_the_error_says_what_is_missing(aws, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(ConfigError, match="cannot be read") as refused:
        SecretsManagerReader().read("prod/mysql")
    assert "credentials" in refused.value.remedy


def test_option_files_of_mysql_are_not_read(mysql_server, monkeypatch, tmp_path):
    wrong = "[client]\nuser = nobody\npassword = wrong\nhost = nowhere\nport = 1\nssl-ca = /none\n"
    (tmp_path / ".my.cnf").write_text(wrong)
    monkeypatch.setenv("HOME", str(tmp_path))
    account = mysql_server.mysql_reader
    section = {"host": account.host, "port": account.port, "user": account.user}
    config = SourceConfig.model_validate(section | {"password": account.password})
    connection = MySqlConnection("shop", config)
    assert connection.query("SELECT 1") == [(1,)]
    connection.close()


# -- IAM tokens for MySQL -----------------------------------------------------------------------


def iam_source(servers: TlsServers, **changes: Any) -> SourceConfig:
    section = {
        "host": "localhost",
        "port": servers.mysql.port,
        "user": "tokened",
        "iam": True,
        "region": "eu-west-1",
        "tls": {"mode": "verify_identity", "ca": str(servers.authority.path)},
    }
    return SourceConfig.model_validate(section | changes)


def token(servers: TlsServers) -> str:
    client = boto3.Session().client("rds", region_name="eu-west-1")
    made = client.generate_db_auth_token(
        DBHostname="localhost", Port=servers.mysql.port, DBUsername="tokened"
    )
    return str(made)


def test_every_login_has_a_token_of_its_own(aws, tls_servers, monkeypatch):
    """The server knows the one token that is valid at its time, as RDS does."""
    now = datetime.datetime(2025, 6, 1, 12, 0, 0)  # noqa: DTZ001 - as botocore has it
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda **_: now)
    valid = token(tls_servers)
    tls_servers.mysql.run(f"CREATE USER tokened@'%' IDENTIFIED BY '{valid}'")
    connection = MySqlConnection("shop", iam_source(tls_servers))
    assert connection.query("SELECT 1") == [(1,)]
    now = datetime.datetime(2025, 6, 1, 12, 30, 0)  # noqa: DTZ001
    assert token(tls_servers) != valid
    tls_servers.mysql.run(f"ALTER USER tokened@'%' IDENTIFIED BY '{token(tls_servers)}'")
    assert connection.query("SELECT 2") == [(2,)], "a connection outlives its token"
    connection.close()
    assert connection.query("SELECT 3") == [(3,)]
    connection.close()


def test_a_token_that_is_refused_is_not_shown(aws, tls_servers):
    with pytest.raises(SourceError, match="refused the login") as refused:
        MySqlConnection("shop", iam_source(tls_servers, user="nobody")).query("SELECT 1")
    assert "X-Amz" not in str(refused.value)


def test_without_aws_credentials_no_token_is_made(aws, tls_servers, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(SourceError, match="no IAM token can be made") as refused:
        MySqlConnection("shop", iam_source(tls_servers)).query("SELECT 1")
    assert "rds-db:connect" in refused.value.remedy


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"password": "p"}, "exclude each other"), ({"tls": {"mode": "disabled"}}, "needs `tls`")],
)
def test_iam_excludes_a_password_and_needs_tls(tls_servers, changes, message):
    with pytest.raises(ValueError, match=message):
        iam_source(tls_servers, **changes)


# -- IAM for Redshift ---------------------------------------------------------------------------

KEYS = {
    "access_key_id": f"AKIA{CANARY}",
    "secret_access_key": f"secret-{CANARY}",
    "session_token": f"token-{CANARY}",
}
PROVISIONED = {"cluster_identifier": "company", "db_user": "etl"}
SERVERLESS = {"is_serverless": True, "serverless_work_group": "analytics"}


def iam_target(servers: TlsServers, service: SignIn, **options: Any) -> TargetConfig:
    section = {
        "host": "localhost",
        "port": servers.redshift_port,
        "database": "dev",
        "sslmode": "verify-full",
        "connect_timeout": "10s",
        "iam": {"iam": True, "region": "eu-west-1", "endpoint_url": service.url} | KEYS | options,
    }
    return TargetConfig.model_validate(section)


@pytest.fixture
def service(aws: None, tls_servers: TlsServers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Where the tests' identity gets the password of the master user."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tls_servers.authority.path))
    with sign_in_service("awsuser", PASSWORD, KEYS["access_key_id"]) as running:
        yield running


@pytest.mark.parametrize(
    ("options", "asked"),
    [(PROVISIONED, ("company", "etl")), (SERVERLESS, ("analytics", ""))],
    ids=["provisioned", "serverless"],
)
def test_redshift_is_signed_in_to_by_iam(tls_servers, service, caplog, options, asked):
    caplog.set_level(logging.DEBUG, logger="mysql_s3_redshift")
    connection = RedshiftConnection("warehouse", iam_target(tls_servers, service, **options))
    assert connection.query("SELECT current_user") == [("awsuser",)]
    connection.close()
    assert service.asked == [asked]
    assert CANARY not in caplog.text


@pytest.mark.parametrize("options", [PROVISIONED, SERVERLESS], ids=["provisioned", "serverless"])
@pytest.mark.parametrize("broken", ["identity", "service", "password"])
def test_a_sign_in_that_fails_is_told_without_its_keys(
    tls_servers, service, monkeypatch, options, broken
):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    if broken == "identity":
        options = options | {"access_key_id": f"AKIA-other-{CANARY}"}
    elif broken == "service":
        options = options | {"endpoint_url": "http://127.0.0.1:9"}
    else:
        service.password = f"wrong-{CANARY}"
    # The driver remembers credentials, within a process, for as long as they are valid.
    options = options | {"iam_disable_cache": True}
    with pytest.raises(TargetError) as refused:
        RedshiftConnection("warehouse", iam_target(tls_servers, service, **options)).query("SELECT")
    assert "targets.warehouse" in refused.value.remedy
    if broken != "password":
        assert "no credentials by IAM" in refused.value.happened
        assert "redshift:GetClusterCredentials" in refused.value.remedy
    shown = "".join(traceback.format_exception(refused.value))
    assert CANARY not in shown
