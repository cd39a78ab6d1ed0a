"""The reference in the documentation is that of the models, row by row."""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import BaseModel, Secret, SecretStr
from pydantic.fields import FieldInfo

from mysql_s3_redshift.config import format_duration, load
from mysql_s3_redshift.config.pipelines import PipelinesFile
from mysql_s3_redshift_tests.config.documents import write

DOCUMENT = Path(__file__).parents[2] / "docs/configuration.md"
_TYPES = {
    str: "text",
    int: "number",
    bool: "`true`, `false`",
    timedelta: "duration",
    datetime: "date, time",
    date: "day",
    Path: "path",
    SecretStr: "secret text",
}


def bare(annotation: Any) -> Any:
    origin = get_origin(annotation)
    if origin is Annotated:
        return bare(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return bare(next(arg for arg in get_args(annotation) if arg is not type(None)))
    return annotation


def type_of(annotation: Any) -> str:
    kind = bare(annotation)
    if get_origin(kind) is Secret:
        return "secret mapping"
    if get_origin(kind) is tuple:
        return "list"
    if get_origin(kind) is dict:
        return "mapping"
    if get_origin(kind) is Literal or issubclass(kind, Enum):
        return "word"
    return "section" if issubclass(kind, BaseModel) else _TYPES[kind]


def default_of(field: FieldInfo, stated: str | None) -> str:
    value = field.default
    if stated is not None:
        return stated
    if field.is_required():
        return "**required**"
    if isinstance(value, timedelta):
        return f"`{format_duration(value)}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, Enum):
        return f"`{value.value}`"
    if value in (None, (), {}, "") or isinstance(value, BaseModel):
        return "none"
    return f"`{value}`"


def row_of(name: str, field: FieldInfo) -> str:
    text = " ".join((field.description or "").split())
    meaning, _, stated = text.partition("; default: ")
    default = default_of(field, stated.rstrip(".") or None)
    meaning = meaning.rstrip(".") + "."
    cells = f"`{name}`", type_of(field.annotation), default, meaning
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        kind = bare(field.annotation)
        inner = bare(get_args(kind)[1]) if get_origin(kind) is dict else kind
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from models(inner)


MODELS = {model.__name__: model for model in models(PipelinesFile)}


@pytest.mark.parametrize("name", MODELS)
def test_every_key_is_documented_with_type_default_and_meaning(name):
    text = DOCUMENT.read_text(encoding="utf-8")
    head = "| key | value | default | meaning |\n|---|---|---|---|\n"
    expected = head + "\n".join(row_of(*item) for item in MODELS[name].model_fields.items())
    found = re.search(rf"<!-- {name} -->\n((?:\|.*\n)+)", text)
    assert found is not None, f"docs/configuration.md has no table <!-- {name} -->:\n{expected}"
    assert found[1].strip() == expected


EXAMPLES = [
    example
    for page in (DOCUMENT, DOCUMENT.parents[1] / "README.md")
    for example in re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
]


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_every_example_loads(tmp_path, number):
    assert load(write(tmp_path, EXAMPLES[number]), environ={}).path.parent == tmp_path


def test_the_documentation_has_examples():
    assert len(EXAMPLES) >= 3
