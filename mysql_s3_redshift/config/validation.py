"""Turns pydantic's errors into problems: the YAML path, what was written, what is valid.

What is shown is the text of the file, never a value that came from a variable, a file or a secret;
and not even that where the field holds a secret.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Secret, SecretStr, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from mysql_s3_redshift.config.problems import (
    Problem,
    YamlPath,
    did_you_mean,
    listed,
    shortened,
)
from mysql_s3_redshift.config.yaml_reader import Document

_KEY_MARK = "[key]"
_CONTAINER_ERRORS = {
    "model_type": "must be a section of keys",
    "dict_type": "must be a section of keys",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
}
_STRUCTURAL_ERRORS = {"extra_forbidden", "missing"}


def validate(
    model: type[Any], value: Any, *, document: Document, at: YamlPath, folder: Path
) -> tuple[Any, list[Problem]]:
    """Validate one section.

    Args:
        model: Type of the section.
        value: The section, references filled in.
        document: The file, for what was written and where.
        at: Path of the section.
        folder: Where relative paths start.

    Returns:
        The section and no problems, or None and its problems.
    """
    try:
        return TypeAdapter(model).validate_python(value, context={"folder": folder}), []
    except ValidationError as error:
        details = error.errors(include_url=False)
        return None, [_problem(detail, model, document, at) for detail in details]


def _problem(detail: ErrorDetails, model: type[Any], document: Document, at: YamlPath) -> Problem:
    path = _as_written((*at, *(part for part in detail["loc"] if part != _KEY_MARK)), document)
    if detail["type"] == "extra_forbidden":
        what, remedy = _unknown_key(detail, model)
    elif detail["type"] == "missing":
        what, remedy = "is missing", "Add this key."
    elif detail["type"] in _CONTAINER_ERRORS:
        what, remedy = _CONTAINER_ERRORS[detail["type"]], ""
    else:
        what, remedy = _bad_value(detail, model, document.at(path))
    structural = detail["type"] in _STRUCTURAL_ERRORS or _KEY_MARK in detail["loc"]
    structural |= detail["type"] in _CONTAINER_ERRORS and not isinstance(document.at(path), str)
    return Problem(path, what, remedy, document.line_of(path), structural)


def _as_written(path: YamlPath, document: Document) -> YamlPath:
    """Cut what a short form leaves out: `overlong: cut` stands for `overlong: {"*": cut}`."""
    while path and isinstance(document.at(path[:-1]), (str, int)):
        path = path[:-1]
    return path


def _unknown_key(detail: ErrorDetails, model: type[Any]) -> tuple[str, str]:
    section, _ = _descend(model, detail["loc"][:-1])
    known = sorted(section.model_fields) if _is_section(section) else []
    return f"is not a known key; known: {listed(known)}", did_you_mean(
        str(detail["loc"][-1]), known
    )


def _bad_value(detail: ErrorDetails, model: type[Any], written: Any) -> tuple[str, str]:
    _, secret = _descend(model, detail["loc"])
    if _KEY_MARK in detail["loc"]:
        return f"is not a valid key: {_reason(detail)}", ""
    if detail["type"] in {"enum", "literal_error"}:
        expected = str(detail.get("ctx", {}).get("expected", ""))
        valid = expected.replace(" or ", ", ").replace("'", "").split(", ")
        close = difflib.get_close_matches(str(written), valid, n=1)
        remedy = f"Did you mean `{close[0]}`?" if close and not secret else ""
        return f"{_shown(written, secret)}; valid values: {', '.join(valid)}", remedy
    if isinstance(written, (bool, int)) and detail["type"] == "string_type":
        return f"{_shown(written, secret)}, which is not text", "Put the value in quotes."
    if isinstance(written, (dict, list)):
        return f"is not valid: {_reason(detail)}", ""
    return f"{_shown(written, secret)}, which is not valid: {_reason(detail)}", ""


def _reason(detail: ErrorDetails) -> str:
    """Take the rule out of an error: our own sentence, or pydantic's about types and bounds."""
    if detail["type"] == "value_error":
        return str(detail.get("ctx", {}).get("error", "")) or "a rule is broken"
    text = detail["msg"].split(", unable to")[0]
    return text.replace("Input should", "it should").replace("Input is", "it is")


def _shown(written: Any, secret: bool) -> str:
    # An address may carry a user and a password, so none is shown.
    if secret or (isinstance(written, str) and "://" in written):
        return "has a value (not shown here)"
    if isinstance(written, (dict, list)):
        return "is a section" if isinstance(written, dict) else "is a list"
    shown = {None: "empty", True: "`true`", False: "`false`"}
    if written is None or isinstance(written, bool):
        return f"is {shown[written]}"
    return f"is `{shortened(str(written))}`"


def _descend(model: Any, loc: tuple[int | str, ...]) -> tuple[Any, bool]:
    """Follow a path through the types; tell whether it leads to a secret.

    A place that the types do not have counts as secret, so that its value is not shown.
    """
    current, secret = _bare(model)
    for part in loc:
        if part == _KEY_MARK:
            return str, secret
        if _is_section(current) and part in current.model_fields:
            current, marked = _bare(current.model_fields[str(part)].annotation)
        elif get_origin(current) in (dict, Mapping):
            current, marked = _bare(get_args(current)[1])
        elif get_origin(current) is tuple:
            current, marked = _bare(get_args(current)[0])
        else:
            return None, True
        secret = secret or marked
    return current, secret


def _bare(annotation: Any) -> tuple[Any, bool]:
    """Take `Annotated`, `| None` and secrecy off a type."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _bare(get_args(annotation)[0])
    if origin in (Union, UnionType):
        members = [member for member in get_args(annotation) if member is not type(None)]
        return _bare(members[0])
    is_secret = annotation is SecretStr or (
        isinstance(annotation, type) and issubclass(annotation, Secret)
    )
    return annotation, is_secret or origin is Secret


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
