"""Every mistake in `pipelines.yaml` is told by its place, what is valid, and what to do."""

import json

import pytest

from mysql_s3_redshift.config import InvalidConfigError, load
from mysql_s3_redshift.errors import ConfigError, ExitCode
from mysql_s3_redshift_tests.config.documents import (
    SOURCE,
    STORAGE,
    TABLE_PATH,
    document,
    loaded,
    with_table,
    with_value,
    write,
)
from mysql_s3_redshift_tests.config.mistakes import CONNECTIONS, PIPELINES, SHOP
from mysql_s3_redshift_tests.config.table_mistakes import TABLES

BAD = {**CONNECTIONS, **PIPELINES, **TABLES}


@pytest.mark.parametrize(("content", "expected"), BAD.values(), ids=BAD.keys())
def test_a_mistake_is_told_by_its_place_and_remedy(tmp_path, content, expected):
    path = write(tmp_path, content)
    with pytest.raises(InvalidConfigError) as caught:
        loaded(tmp_path, content)
    message = str(caught.value)
    for part in expected:
        assert part in message
    assert message.startswith("pipelines.yaml:")
    assert len(message.splitlines()) == 3
    assert caught.value.exit_code is ExitCode.USAGE
    assert "more problem" not in message, "one mistake is one problem"
    assert path.read_bytes(), "nothing was written"


NAMES = [
    "a/b.c",
    "a.b/c",
    "a..b",
    "a.b..c",
    "a.b\\c",
    "a.\x00",
    "a.b\nc",
    "a.\u202ec",
    " a.b",
    "a. ",
    ".",
]


@pytest.mark.parametrize("name", [*NAMES, ".a", "a.", "``.a", "a.`b", f"a.{'b' * 65}"])
def test_names_that_would_escape_their_place_are_refused(tmp_path, name):
    content = with_value((*SHOP, "tables"), {name: None})
    with pytest.raises(InvalidConfigError) as caught:
        loaded(tmp_path, json.dumps(content))
    assert len(str(caught.value).splitlines()) == 3


def test_half_a_surrogate_pair_is_no_character(tmp_path):
    content = with_value((*SHOP, "tables"), {"a.\ud800": None})
    with pytest.raises(InvalidConfigError):
        loaded(tmp_path, json.dumps(content))


@pytest.mark.parametrize("name", ["..", "a/b", "-a", "a.b", "", "ä", "x" * 64, "a\nb"])
@pytest.mark.parametrize("section", ["sources", "storages", "targets", "pipelines"])
def test_names_of_sections_are_letters_digits_underscores_and_hyphens(tmp_path, section, name):
    content = document()
    content[section] = {**content[section], name: next(iter(content[section].values()))}
    with pytest.raises(
        InvalidConfigError, match="is not a valid key: a name has 1 to 63"
    ) as caught:
        loaded(tmp_path, content)
    assert len(str(caught.value).splitlines()) == 3


def test_several_mistakes_are_counted_and_kept(tmp_path):
    content = with_table({"lag": "x", "slices": 0})
    content["sources"] = {"main": {**SOURCE, "prot": 1}}
    with pytest.raises(InvalidConfigError) as caught:
        loaded(tmp_path, content)
    assert "`sources.main.prot`" in str(caught.value), "the first one of the file comes first"
    assert "(2 more problems.)" in str(caught.value)
    assert len(caught.value.problems) == 3
    assert len(str(caught.value).splitlines()) == 3


def test_a_mistake_is_told_with_its_line(tmp_path):
    text = "sources:\n  main:\n    host: db\n    user: u\n    port: many\n"
    with pytest.raises(InvalidConfigError, match=r"^pipelines.yaml:5: `sources.main.port`"):
        loaded(tmp_path, text)


def test_a_missing_file_is_told_with_its_path(tmp_path):
    with pytest.raises(ConfigError, match=r"no configuration file .*missing.yaml") as caught:
        load(tmp_path / "missing.yaml", environ={})
    assert "--config" in str(caught.value)


def test_a_folder_is_not_a_configuration(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path, environ={})


@pytest.mark.parametrize("kind", ["source", "storage", "target", "pipeline"])
def test_asking_for_an_unknown_name_lists_the_known_ones(tmp_path, kind):
    config = loaded(tmp_path, document(storages={"lake": STORAGE}))
    with pytest.raises(ConfigError, match=f"has no {kind} `nowhere`") as caught:
        getattr(config, kind)("nowhere")
    assert "Known: " in str(caught.value)


def test_tables_with_dots_and_backticks_have_a_spelling(tmp_path):
    names = {"shop.a.b": None, "`my.shop`.`odd``name`": None}
    a, b = loaded(tmp_path, with_value(TABLE_PATH[:-1], names)).plans()
    assert (a.schema, a.table) == ("shop", "a.b")
    assert (b.schema, b.table) == ("my.shop", "odd`name")


def test_a_reference_in_the_place_of_a_section_is_told(tmp_path):
    for reference in ("${", "${TARGET}", "file:targets/warehouse"):
        with pytest.raises(ConfigError):
            loaded(tmp_path, with_value(("targets", "warehouse"), reference)).target("warehouse")
