"""No secret is ever shown: not in a repr, not in an error, whatever fails."""

import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mysql_s3_redshift.errors import ConfigError
from mysql_s3_redshift_tests.config.documents import (
    SOURCE,
    STORAGE,
    document,
    loaded,
    with_value,
)

CANARY = "canary-7f3a"
SECRETS: list[tuple[str, ...]] = [
    ("sources", "main", "password"),
    ("sources", "main", "ssh", "private_key_passphrase"),
    ("storages", "lake", "access_key_id"),
    ("storages", "lake", "secret_access_key"),
    ("storages", "lake", "session_token"),
    ("targets", "warehouse", "password"),
    ("targets", "warehouse", "iam", "secret_access_key"),
    ("pipelines", "shop", "defaults", "columns", "hash_salt"),
    ("pipelines", "shop", "tables", "shop.orders", "columns", "hash_salt"),
    ("pipelines", "shop", "alerts", "webhook"),
]


def complete(path: tuple[str, ...]) -> dict[str, Any]:
    """A valid configuration in which a secret stands at the path."""
    content = document(
        sources={"main": {**SOURCE, "ssh": {"host": "b", "user": "u"}}},
        storages={"lake": {**STORAGE, "access_key_id": "A", "secret_access_key": "B"}},
    )
    if path[2] == "iam":
        iam = {"host": "h", "database": "d", "iam": {"iam": True}}
        content = with_value(("targets", "warehouse"), iam, start=content)
    return content


def value_at(path: tuple[str, ...]) -> str:
    return f"https://example.com/{CANARY}" if path[-1] == "webhook" else CANARY


def everything(config: Any) -> Iterator[Any]:
    yield config
    yield config.pipelines
    yield config.plans()
    yield config.alerts("shop")
    yield config.source("main")
    yield config.storage("lake")
    yield config.target("warehouse")


@pytest.mark.parametrize("path", SECRETS, ids=lambda path: ".".join(map(str, path)))
def test_a_secret_is_in_no_repr(tmp_path, path):
    config = loaded(tmp_path, with_value(path, value_at(path), start=complete(path)))
    for value in everything(config):
        assert CANARY not in f"{value!r} {value!s}"


@pytest.mark.parametrize("path", SECRETS, ids=lambda path: ".".join(map(str, path)))
@pytest.mark.parametrize("shape", [{"a": CANARY}, [CANARY], [[CANARY]], True, ""])
def test_a_secret_of_the_wrong_shape_is_not_shown(tmp_path, path, shape):
    assert show_nothing(errors_of(tmp_path, with_value(path, shape, start=complete(path))))


@pytest.mark.parametrize(
    "path",
    [
        ("sources", "main", "pasword"),
        ("sources", "main", "ssh", "passphrase"),
        ("sources", "main", "tls"),
        ("sources", "main", "ssh"),
        ("sources", "main"),
        ("sources",),
        ("targets", "warehouse", "iam"),
        ("pipelines", "shop", "alerts"),
        ("pipelines", "shop", "tables", "shop.orders", "columns"),
        ("secrets",),
    ],
)
def test_a_secret_in_the_wrong_place_is_not_shown(tmp_path, path):
    errors = errors_of(tmp_path, with_value(path, CANARY, start=complete(("", "", ""))))
    assert errors
    assert show_nothing(errors)


@pytest.mark.parametrize(
    "path",
    [
        ("sources", "main", "host"),
        ("storages", "lake", "endpoint_url"),
        ("targets", "warehouse", "host"),
    ],
)
def test_an_address_with_a_password_is_refused_and_not_shown(tmp_path, path):
    errors = errors_of(tmp_path, with_value(path, f"http://user:{CANARY}@host:1/x"))
    assert errors
    assert show_nothing(errors)


@pytest.mark.parametrize(
    "text",
    [
        f"password: *{CANARY}",
        f"password: !{CANARY}",
        f"password: @{CANARY}",
        f"password: '{CANARY}",
        f"password: {CANARY}: {CANARY}",
        f"password: %{CANARY}\n\t{CANARY}",
        f"{CANARY}",
        f"- {CANARY}",
    ],
)
def test_a_secret_that_breaks_the_file_is_not_shown(tmp_path, text):
    errors = errors_of(tmp_path, text)
    assert errors
    assert show_nothing(errors)


def errors_of(
    folder: Path, content: dict[str, Any] | str, environ: dict[str, str] | None = None
) -> list[ConfigError]:
    """Use a configuration in every way and collect what it refuses."""
    try:
        config = loaded(folder, content, environ=environ)
    except ConfigError as error:
        return [error]
    errors = []
    uses: list[Callable[[], Any]] = [
        config.plans,
        lambda: config.alerts("shop"),
        lambda: config.source("main"),
        lambda: config.storage("lake"),
        lambda: config.target("warehouse"),
    ]
    for use in uses:
        try:
            use()
        except ConfigError as error:
            errors.append(error)
    return errors


def show_nothing(errors: list[ConfigError]) -> bool:
    """Tell whether neither the errors nor their tracebacks have the secret."""
    shown = [str(error) for error in errors]
    shown += [repr(getattr(error, "problems", ())) for error in errors]
    shown += ["".join(traceback.format_exception(error)) for error in errors]
    return not any(CANARY in text for text in shown)


LEAVES = [
    ("sources", "main", "host"),
    ("sources", "main", "port"),
    ("sources", "main", "user"),
    ("sources", "main", "connect_timeout"),
    ("sources", "main", "tls", "mode"),
    ("storages", "lake", "bucket"),
    ("storages", "lake", "prefix"),
    ("storages", "lake", "endpoint_url"),
    ("storages", "lake", "path_style"),
    ("targets", "warehouse", "host"),
    ("targets", "warehouse", "copy_role"),
    ("targets", "warehouse", "sslmode"),
    ("targets", "warehouse", "statement_timeout"),
    ("pipelines", "shop", "source"),
    ("pipelines", "shop", "sync", "every"),
    ("pipelines", "shop", "tables", "shop.orders", "cdc_strategy"),
    ("pipelines", "shop", "tables", "shop.orders", "start_from"),
    ("pipelines", "shop", "tables", "shop.orders", "cdc_timestamp_timezone"),
    ("pipelines", "shop", "tables", "shop.orders", "columns", "rename", "a"),
    ("pipelines", "shop", "tables", "shop.orders", "columns", "overlong"),
]


@pytest.mark.parametrize("path", LEAVES, ids=lambda path: ".".join(path))
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    junk=st.sampled_from(["", " ", "/", "\n", ":", "://", "Z", "ä", "0"]), pad=st.integers(0, 200)
)
def test_a_value_from_the_environment_is_never_shown(tmp_path, path, junk, pad):
    """A wrong variable may hold a secret, so an error names the variable only."""
    content = with_value(path, "${V}")
    errors = errors_of(tmp_path, content, {"V": CANARY + junk + "x" * pad})
    assert show_nothing(errors)
