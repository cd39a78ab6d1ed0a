import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mysql_s3_redshift.config import yaml_reader
from mysql_s3_redshift.config.yaml_reader import MAX_DEPTH, Document, parse_document
from mysql_s3_redshift.errors import ConfigError

CANARY = "hunter2"


def parse(text: str) -> Document:
    return parse_document(text.encode(), "f.yaml")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("null", None),
        ("~", None),
        ("", None),
        ("true", True),
        ("False", False),
        ("no", "no"),
        ("on", "on"),
        ("12", 12),
        ("-7", -7),
        ("0", 0),
        ("-0", "-0"),
        ("+5", "+5"),
        ("0123", "0123"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("1.10", "1.10"),
        ("1e5", "1e5"),
        (".inf", ".inf"),
        ("2025-13-45", "2025-13-45"),
        ("9" * 30, "9" * 30),
        ("'12'", "12"),
        ('"true"', "true"),
        ('"a\\tb"', "a\tb"),
        ("=", "="),
    ],
)
def test_a_scalar_is_what_was_written(written, value):
    result = parse(f"a: {written}").root["a"]
    assert result == value
    assert type(result) is type(value)


def test_a_variable_may_stand_where_yaml_would_see_braces():
    root = parse("{a: ${USER}, b: [${X}, x${Y:-a, b: c}z], ${K}: 1}").root
    assert root == {"a": "${USER}", "b": ["${X}", "x${Y:-a, b: c}z"], "${K}": 1}


def test_lines_point_to_the_file():
    document = parse("a:\n  b: 1\n  c:\n    - x\n    - {d: 2}\n")
    assert document.line_of(("a",)) == 2, "a section begins with its first key"
    assert document.line_of(("a", "c", 0)) == 4
    assert document.line_of(("a", "c", 1, "d")) == 5
    assert document.line_of(("a", "b", "nothing", "there")) == 2
    assert document.line_of(("z",)) is None


def test_what_was_written_can_be_found_again():
    document = parse("a: {b: [1, {c: x}]}")
    assert document.at(("a", "b", 1, "c")) == "x"
    assert document.at(("a", "b", 0, "*")) == 1
    assert document.at(("nowhere",)) is None


def test_explicit_keys_win_over_merged_ones_and_earlier_sources_over_later_ones():
    text = "x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: {c: 3, <<: [*x, *y]}"
    assert parse(text).root["z"] == {"a": 1, "b": 1, "c": 3}


BAD = {
    "duplicate key": ("a:\n  b: 1\n  b: 2", r"f.yaml:3: `a.b` is given a second .*first in line 2"),
    "duplicate merge": ("x: &x {}\na: {<<: *x, <<: *x}", "`a.<<` is given a second time"),
    "merge of a scalar": ("a: {<<: 5}", "merges .* something that is not a mapping"),
    "tag": (f"a: !{CANARY} 1", "f.yaml:1: uses a YAML tag"),
    "python tag": ("a: !!python/object/apply:os.system [ls]", "uses a YAML tag"),
    "explicit core tag": ("a: !!str 1", "uses a YAML tag"),
    "unknown alias": (f"password: *{CANARY}", "uses an alias .* that nothing before it defines"),
    "alias as a key": ("x: &x a\n*x : 1", "uses an alias .* as a key"),
    "recursive alias": ("a: &a [*a]", "uses an alias .* inside the value it stands for"),
    "mapping as a key": ("? {a: 1}\n: 2", "uses a mapping or list as a key"),
    "second document": ("a: 1\n---\nb: 2", "holds a second document"),
    "empty": ("", "is empty"),
    "comment only": ("# nothing", "is empty"),
    "unclosed quote": (f"password: '{CANARY}", "is not valid YAML"),
    "reserved character": (f"password: @{CANARY}", "is not valid YAML"),
    "colon in a value": (f"password: {CANARY}: x", "f.yaml:1: is not valid YAML"),
    "unclosed braces": ("a: {b: 1", "is not valid YAML"),
    "tabs": ("a:\n\tb: 1", "f.yaml:2: is indented with a tab"),
    "control character": ("a: \x01", "is not valid YAML|holds a character"),
    "private-use character": ("a: \ue0000\ue001", "private-use character"),
    "escaped private-use character": ('a: "\\uE0000\\ue001"', "private-use character"),
    "too deep": ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "is nested more than"),
    "very deep": ("[" * 100_000, "is nested more than"),
    "very deep mapping": ("{a: " * 100_000, "is nested more than"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), BAD.values(), ids=BAD.keys())
def test_what_is_not_plain_yaml_is_refused_by_line_and_reason(text, expected):
    with pytest.raises(ConfigError, match=expected) as caught:
        parse(text)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None, "PyYAML's own text quotes the file"
    assert len(str(caught.value).splitlines()) == 3


def test_aliases_cannot_expand_without_bound():
    text = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n"
    for level in range(1, 30):
        text += f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n"
    with pytest.raises(ConfigError, match="expands to more than"):
        parse(text)


def test_a_large_file_is_refused_before_it_is_parsed(tmp_path):
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(yaml_reader.MAX_BYTES + 1)
    with pytest.raises(ConfigError, match="is larger than 10,000,000 bytes"):
        yaml_reader.read_document(path)


def test_text_that_is_not_utf8_is_refused_by_line():
    with pytest.raises(ConfigError, match=r"f.yaml:2: is not UTF-8 text"):
        parse_document(b"a: 1\nb: \xff\n", "f.yaml")


def test_a_byte_order_mark_is_no_part_of_the_first_key():
    assert parse_document(b"\xef\xbb\xbfa: 1", "f.yaml").root == {"a": 1}


def test_the_reader_written_in_python_gives_the_same(monkeypatch):
    text = "a: &x {b: [1, ${V}, 'q'], c: ~}\nd: {<<: *x, e: no}\n"
    expected = parse(text).root
    monkeypatch.setattr(yaml_reader, "_Loader", yaml.SafeLoader)
    assert parse(text).root == expected


TEXTS = st.text("abc: -#'\"{}[],&*!\n", max_size=8)
KEYS = st.text("ab1-", min_size=1, max_size=4)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@given(tree=TREES, flow=st.booleans())
def test_what_a_yaml_writer_wrote_is_read_back(tree, flow):
    text = yaml.safe_dump({"root": tree}, default_flow_style=flow)
    assert parse(text).root["root"] == tree
