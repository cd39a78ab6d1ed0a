"""Whatever the file holds, the answer is a configuration or a `ConfigError` of three lines."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mysql_s3_redshift.errors import ConfigError
from mysql_s3_redshift_tests.config.contract import CONTRACT, CONTRACT_VARIABLES
from mysql_s3_redshift_tests.config.documents import document, loaded, write

IN_A_FOLDER = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(["${A}", "${", "$${A}", "file:/dev/null", "secretsmanager:a#b", "*", "5m"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


def use(folder: Path, content: dict[str, Any] | bytes) -> None:
    """Load and use a configuration in every way."""
    try:
        config = loaded(folder, content, environ=CONTRACT_VARIABLES)
        config.plans()
        for name in config.source_names:
            config.source(name)
        for name in config.storage_names:
            config.storage(name)
        for name in config.target_names:
            config.target(name)
    except ConfigError as error:
        lines = str(error).split("\n")
    else:
        lines = [""]
    assert len(lines) <= 3
    assert all(line.isprintable() for line in lines)
    assert {path.name for path in folder.iterdir()} == {"pipelines.yaml"}


@IN_A_FOLDER
@given(content=st.binary(max_size=200))
@example(content=b"\x00")
@example(content=b"&a [*a]")
@example(content=b"pipelines: &a {<<: *a}")
@example(content=b"{" * 5000)
@example(content=b"? " * 5000)
@example(content=b"- " * 5000)
@example(content=b'"\\uD800"')
def test_random_bytes(tmp_path, content):
    use(tmp_path, content)


@IN_A_FOLDER
@given(content=st.text("ab:-{}[]&*!|>'\"#%@`,?<$ \n\t.0~", max_size=80))
def test_random_yaml_punctuation(tmp_path, content):
    use(tmp_path, content.encode())


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else ()
    return [path] * bool(path) + [p for k, v in items for p in paths_of(v, (*path, k))]


@IN_A_FOLDER
@given(data=st.data())
def test_one_value_of_a_good_file_replaced(tmp_path, data):
    content = copy.deepcopy(document())
    content["pipelines"]["shop"]["tables"] = {
        "shop.orders": {"columns": {"types": {"a": "bool"}}, "partitions": None, "tags": {"a": "b"}}
    }
    path = data.draw(st.sampled_from(paths_of(content)))
    section = content
    for part in path[:-1]:
        section = section[part]
    if data.draw(st.booleans()):
        section[path[-1]] = data.draw(VALUES)
    else:
        section[data.draw(st.text(max_size=8))] = section.pop(path[-1])
    use(tmp_path, json.dumps(content).encode())


@IN_A_FOLDER
@given(data=st.data())
def test_the_contract_with_a_piece_cut_out(tmp_path, data):
    text = CONTRACT.read_bytes()
    start = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 60))
    use(tmp_path, text[:start] + data.draw(st.binary(max_size=4)) + text[start + length :])


@pytest.mark.parametrize("depth", [10, 39, 40, 41, 1000, 100_000])
def test_deep_values_anywhere(tmp_path, depth):
    for opening, closing in (("[", "]"), ('{"a":', "}")):
        value = opening * depth + "1" * (opening != "[") + closing * depth
        use(tmp_path, f'{{"sources": {{"a": {{"ssh": {value}}}}}, "pipelines": {value}}}'.encode())


def test_a_huge_scalar_and_a_huge_number(tmp_path):
    for value in ("9" * 100_000, "x" * 1_000_000, "-" * 100_000):
        use(tmp_path, f"sources: {{a: {{port: {value}}}}}".encode())
        assert write(tmp_path, b"").exists()
