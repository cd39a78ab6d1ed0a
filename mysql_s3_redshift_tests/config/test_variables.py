import json
import os
from pathlib import Path

import pytest

from mysql_s3_redshift.config import load
from mysql_s3_redshift.errors import ConfigError
from mysql_s3_redshift_tests.config.documents import (
    SOURCE,
    TARGET,
    document,
    loaded,
    with_table,
    with_value,
    write,
)

PASSWORD = ("sources", "main", "password")
USER = ("sources", "main", "user")


class Store:
    """A secret store of fixed secrets; counts what it is asked."""

    def __init__(self, **secrets: str) -> None:
        self.secrets = secrets
        self.asked: list[str] = []

    def read(self, name: str) -> str:
        self.asked.append(name)
        if name not in self.secrets:
            raise ConfigError(f"There is no secret {name}.")
        return self.secrets[name]


def user_of(folder: Path, written: str, **environ: str) -> str:
    return loaded(folder, with_value(USER, written), environ=environ).source("main").user


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("${U}", "alice"),
        ("x-${U}-${V}", "x-alice-bob"),
        ("${MISSING:-carol}", "carol"),
        ("${EMPTY:-carol}", "carol"),
        ("${U:-carol}", "alice"),
        ("${MISSING:-}x", "x"),
        ("$${U}", "${U}"),
        ("a$b$", "a$b$"),
        ("$U", "$U"),
        ("${TRICKY}", "${U}"),
    ],
)
def test_variables_are_filled_in_once(tmp_path, written, value):
    variables = {"U": "alice", "V": "bob", "EMPTY": "", "TRICKY": "${U}"}
    assert user_of(tmp_path, written, **variables) == value


@pytest.mark.parametrize(
    "written", ["${", "${}", "${1A}", "${A B}", "${A:+x}", "${A:-${B}}", "${Ä}"]
)
def test_a_malformed_reference_is_refused(tmp_path, written):
    config = loaded(tmp_path, with_value(USER, written), environ={"A": "a", "B": "b"})
    with pytest.raises(ConfigError, match=r"`sources.main.user` has a `\$\{` that begins no"):
        config.source("main")


def test_numbers_and_booleans_come_out_of_variables(tmp_path):
    config = with_value(("sources", "main", "port"), "${PORT}")
    config = with_value(("storages", "lake", "path_style"), "${STYLE}", start=config)
    config = with_value(
        ("pipelines", "shop", "defaults"), {"chunk_rows": "${ROWS}", "lag": "${LAG}s"}, start=config
    )
    environ = {"PORT": "3307", "STYLE": "true", "ROWS": "1000", "LAG": "5"}
    checked = loaded(tmp_path, config, environ=environ)
    assert checked.source("main").port == 3307
    assert checked.storage("lake").path_style is True
    (plan,) = checked.plans()
    assert plan.chunk_rows == 1000
    assert plan.lag is not None
    assert plan.lag.total_seconds() == 5


def test_the_process_wins_over_dotenv_and_dotenv_over_the_sandbox(tmp_path):
    (tmp_path / ".sandbox").mkdir()
    (tmp_path / ".sandbox/env").write_text("A=sandbox\nB=sandbox\nC=sandbox\n")
    (tmp_path / ".env").write_text("A=dotenv\nB=dotenv\n")
    assert user_of(tmp_path, "${A} ${B} ${C}", A="process") == "process dotenv sandbox"


def test_variables_are_read_anew_for_each_connection(tmp_path):
    config = loaded(tmp_path, with_value(USER, "${A}"))
    for value in ("first", "second"):
        (tmp_path / ".env").write_text(f"A={value}\n")
        assert config.source("main").user == value


def test_the_environment_of_the_process_is_the_default(tmp_path, monkeypatch):
    config = load(write(tmp_path, with_value(USER, "${MSR_TEST_USER}")))
    monkeypatch.setenv("MSR_TEST_USER", "late")
    assert "MSR_TEST_USER" in os.environ
    assert config.source("main").user == "late"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=plain", "plain"),
        ("A = spaced ", "spaced"),
        ("export A=exported", "exported"),
        ("A=x # comment", "x"),
        ("A=x#y", "x#y"),
        ("A='single # ${B}'", "single # ${B}"),
        ('A="double \\"quoted\\" \\\\ $"  # c', 'double "quoted" \\ $'),
        ("# comment\n\nA=after", "after"),
        ("A=1=2", "1=2"),
    ],
)
def test_dotenv_lines(tmp_path, line, value):
    (tmp_path / ".env").write_text(line)
    assert user_of(tmp_path, "${A}") == value


@pytest.mark.parametrize("line", ["hunter2", "1A=hunter2", "A='hunter2", 'A="hunter2" hunter2'])
def test_a_line_that_is_no_assignment_is_refused_and_not_shown(tmp_path, line):
    (tmp_path / ".env").write_text(f"B=b\n{line}\n")
    with pytest.raises(ConfigError, match=r"\.env:2 is not a KEY=VALUE line") as caught:
        loaded(tmp_path, document())
    assert "hunter2" not in str(caught.value)


def test_a_missing_variable_of_a_connection_waits_until_the_connection_is_needed(tmp_path):
    content = document(
        sources={"main": SOURCE, "other": {**SOURCE, "password": "${OTHER_PASSWORD}"}},
        targets={"warehouse": {**TARGET, "port": "${PORT}"}},
    )
    config = loaded(tmp_path, content)
    assert config.source("main").host == "db.internal"
    with pytest.raises(ConfigError) as caught:
        config.source("other")
    first, kept, remedy = str(caught.value).splitlines()
    assert first.endswith(
        "`sources.other.password` needs the variable OTHER_PASSWORD, which is not set."
    )
    assert kept
    assert remedy.startswith("Set OTHER_PASSWORD in the environment or in a .env file")
    with pytest.raises(ConfigError, match=r"`targets.warehouse.port` needs the variable PORT"):
        config.target("warehouse")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (document(sources={"a/b": {"host": "${H}", "user": "u"}}), "`sources.a/b` is not a valid"),
        (document(sources={"main": ["${H}"]}), "`sources.main` must be a section of keys"),
        (document(sources={"main": {"host": "${H}"}}), "`sources.main.user` is missing"),
        (document(sources={"main": {**SOURCE, "x": "${H}"}}), "`sources.main.x` is not a known"),
    ],
)
def test_the_shape_of_a_connection_is_checked_without_its_variables(tmp_path, content, expected):
    with pytest.raises(ConfigError, match=expected):
        loaded(tmp_path, content)


def test_a_missing_variable_of_a_pipeline_is_told_at_once(tmp_path):
    with pytest.raises(ConfigError, match=r"orders.additional_where` needs the variable REGION"):
        loaded(tmp_path, with_table({"additional_where": "region = '${REGION}'"}))


def test_a_missing_number_is_one_problem_not_two(tmp_path):
    with pytest.raises(ConfigError, match="needs the variable ROWS") as caught:
        loaded(tmp_path, with_table({"chunk_rows": "${ROWS}"}))
    assert "more problem" not in str(caught.value)


def test_a_name_that_is_nearly_set_is_suggested(tmp_path):
    config = loaded(tmp_path, with_value(USER, "${MYSQL_USR}"), environ={"MYSQL_USER": "u"})
    with pytest.raises(ConfigError, match="Did you mean `MYSQL_USER`"):
        config.source("main")


def test_a_bad_value_of_a_variable_is_told_by_the_variable_not_the_value(tmp_path):
    config = with_value(("sources", "main", "port"), "${PORT}")
    checked = loaded(tmp_path, config, environ={"PORT": "hunter2"})
    with pytest.raises(ConfigError, match=r"`sources.main.port` is `\$\{PORT\}`, which") as caught:
        checked.source("main")
    assert "hunter2" not in str(caught.value)


def test_the_ledger_schema_may_be_a_variable(tmp_path):
    config = with_value(("targets", "warehouse", "ledger_schema"), "${LEDGER:-Ops}")
    (plan,) = loaded(tmp_path, config).plans()
    assert plan.ledger_schema == "ops"
    with pytest.raises(ConfigError, match=r"`targets.warehouse.ledger_schema` is not valid"):
        loaded(tmp_path, config, environ={"LEDGER": 'x"; DROP'})


def test_a_file_is_read_when_the_connection_is_needed(tmp_path):
    secret = tmp_path / "password"
    config = loaded(
        tmp_path, with_value(PASSWORD, f"file:{tmp_path}/${{NAME}}"), environ={"NAME": "password"}
    )
    with pytest.raises(ConfigError, match="names a file that cannot be read: No such file"):
        config.source("main")
    for content, value in (("pw\n", "pw"), ("pw\r\n", "pw"), ("pw\n\n", "pw\n"), (" pw", " pw")):
        secret.write_text(content, newline="")
        password = config.source("main").password
        assert password is not None
        assert password.get_secret_value() == value


def test_a_file_beside_the_configuration_is_found_from_anywhere(tmp_path):
    (tmp_path / "user").write_text("alice")
    assert user_of(tmp_path, "file:user") == "alice"


def test_a_file_in_nobodys_home_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="names a file that cannot be read: not a valid path"):
        user_of(tmp_path, "file:~nobody-of-that-name/user")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * 70_000])
def test_a_file_that_is_no_secret_is_refused(tmp_path, content):
    (tmp_path / "user").write_bytes(content)
    with pytest.raises(ConfigError, match=r"names a file (that is not UTF-8|larger than)"):
        user_of(tmp_path, "file:user")


def test_a_variable_cannot_name_a_file_or_a_secret(tmp_path):
    """Only the file decides what is read: a value from outside is never looked through again."""
    for value in ("file:/etc/passwd", "secretsmanager:x"):
        assert user_of(tmp_path, "${A}", A=value) == value


def test_secrets_come_from_the_given_reader_when_needed(tmp_path):
    store = Store(**{"shop/mysql": json.dumps({"password": "pw", "port": 3307}), "plain": "p"})
    config = with_value(PASSWORD, "secretsmanager:${STAGE}/mysql#password")
    config = with_value(("sources", "main", "port"), "secretsmanager:shop/mysql#port", start=config)
    config = with_value(USER, "secretsmanager:plain", start=config)
    checked = loaded(tmp_path, config, environ={"STAGE": "shop"}, secret_reader=store)
    checked.plans()
    assert store.asked == []
    source = checked.source("main")
    assert source.password is not None
    assert (source.user, source.port) == ("p", 3307)
    assert source.password.get_secret_value() == "pw"


@pytest.mark.parametrize(
    "text", ["not json hunter2", '{"user": "hunter2"}', '["hunter2"]', "[" * 5000]
)
def test_a_secret_without_the_key_is_told_without_its_content(tmp_path, text):
    config = with_value(PASSWORD, "secretsmanager:x#password")
    checked = loaded(tmp_path, config, secret_reader=Store(x=text))
    with pytest.raises(ConfigError, match="names a key that its secret does not have") as caught:
        checked.source("main")
    assert "hunter2" not in str(caught.value)


def test_without_a_reader_a_secret_is_refused_with_the_alternatives(tmp_path):
    config = loaded(tmp_path, with_value(PASSWORD, "secretsmanager:x#y"))
    with pytest.raises(ConfigError, match="no reader of secrets is set up") as caught:
        config.source("main")
    assert "file:" in str(caught.value)


def test_a_salt_and_a_webhook_wait_until_they_are_needed(tmp_path):
    columns = {"hash": ["email"], "hash_salt": "${SALT}"}
    config = with_value(("pipelines", "shop", "defaults"), {"columns": columns})
    config = with_value(
        ("pipelines", "shop", "alerts"), {"webhook": "secretsmanager:hook#url"}, start=config
    )
    store = Store(hook='{"url": "https://example.com/T"}')
    checked = loaded(tmp_path, config, secret_reader=store)
    with pytest.raises(ConfigError, match=r"`pipelines.shop.defaults.columns.hash_salt` needs"):
        checked.plans()
    (tmp_path / ".env").write_text("SALT=pepper\n")
    assert checked.plans()[0].columns.hash_salt == "pepper"
    alerts = checked.alerts("shop")
    assert alerts is not None
    assert alerts.webhook is not None
    assert alerts.webhook.get_secret_value() == "https://example.com/T"
    assert loaded(tmp_path, document()).alerts("shop") is None


def test_a_hash_takes_the_common_salt_and_never_an_empty_one(tmp_path):
    hashed = with_table({"columns": {"hash": ["email"]}})
    plans = loaded(tmp_path, hashed, environ={"HASH_SALT": "pepper"}).plans()
    assert plans[0].columns.hash_salt == "pepper"
    with pytest.raises(ConfigError, match=r"shop.orders.columns.hash_salt` needs the variable"):
        loaded(tmp_path, hashed).plans()
    empty = with_table({"columns": {"hash": ["email"], "hash_salt": "${SALT:-}"}})
    with pytest.raises(ConfigError, match=r"columns.hash_salt` is empty"):
        loaded(tmp_path, empty).plans()
    assert loaded(tmp_path, document()).plans()[0].columns.hash_salt == ""
