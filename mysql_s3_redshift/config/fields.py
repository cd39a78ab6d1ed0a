"""Types of single values in `pipelines.yaml`, and the base of its sections."""

from __future__ import annotations

import ipaddress
import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)

from mysql_s3_redshift.config.sql_text import closed_condition, closed_query
from mysql_s3_redshift.core.names import MAX_IDENTIFIER_BYTES, column_identifier

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,62}")
_HOST = re.compile(r"[A-Za-z0-9_:\[][A-Za-z0-9._:%\[\]-]{0,254}")
_IDENTIFIER = re.compile(r"[\w$-]+")


class Section(BaseModel):
    """Base of every section: unknown keys are refused, values cannot change afterwards.

    A key without a value counts as absent, unless null is one of its values.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        # The reader keeps numbers exact, so `password: 12345` can be text without loss.
        coerce_numbers_to_str=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        protected_namespaces=(),
    )

    @model_validator(mode="before")
    @classmethod
    def _drop_absent(cls, value: Any) -> Any:
        if value is None:
            return {}
        if not isinstance(value, dict):
            return value
        required_values = _fields_without_null(cls)
        return {
            key: item
            for key, item in value.items()
            if item is not None or key not in required_values
        }


@cache
def _fields_without_null(section: type[BaseModel]) -> frozenset[str]:
    fields = section.model_fields.items()
    return frozenset(name for name, f in fields if type(None) not in get_args(f.annotation))


def is_loopback(host: object) -> bool:
    """Tell whether a host is this machine: 127.0.0.0/8, ::1 or localhost."""
    name = str(host).strip("[]").rstrip(".").lower()
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def checked_name(name: str) -> str:
    """Check the name of a connection or pipeline; it becomes part of S3 keys and asset names."""
    if not _NAME.fullmatch(name):
        raise ValueError("a name has 1 to 63 letters, digits, `_` and `-`, and no `-` in front")
    return name


def printable(text: str) -> str:
    """Refuse empty text and control characters."""
    if not text.strip():
        raise ValueError("it must not be empty")
    if any(not (char.isprintable() or char in "\n\t") for char in text):
        raise ValueError("it must not hold control characters")
    return text


def _one_line(text: str) -> str:
    if not printable(text).isprintable():
        raise ValueError("it must be one line")
    return text


def _host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise ValueError("a host is a name or an address, without user, port or path")
    return text.strip("[]")


def _login(text: str) -> str:
    if text.startswith("-") or any(char.isspace() for char in text):
        raise ValueError("a user name has no spaces and no `-` in front")
    return _one_line(text)


def redshift_identifier(text: str) -> str:
    """Check a name for Redshift, which folds it to lower case, quoted or not."""
    if not _IDENTIFIER.fullmatch(text) or len(text.encode()) > MAX_IDENTIFIER_BYTES:
        raise ValueError("a Redshift name has letters, digits, `_`, `$`, `-`, in at most 127 bytes")
    return text.lower()


def _new_column_name(text: str) -> str:
    if (fitting := column_identifier(printable(text))) != text:
        raise ValueError(f"a column needs a plain lower-case name, for example `{fitting}`")
    return text


def _column(text: str) -> str:
    if len(_one_line(text)) > 127:
        raise ValueError("a column name has at most 127 characters")
    return text


def _located(path: Path, info: ValidationInfo) -> Path:
    """Relative paths start at the folder of pipelines.yaml, wherever the process runs."""
    folder = (info.context or {}).get("folder", Path())
    try:
        return Path(folder) / path.expanduser()
    except RuntimeError:
        raise ValueError("its home folder is not known") from None


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = "a time zone is a name of the tz database, such as `Europe/Berlin`"
        raise ValueError(message) from None
    return name


def as_list(value: Any) -> Any:
    """Take one value for a list of one."""
    return [value] if isinstance(value, (str, int)) and not isinstance(value, bool) else value


def _without_repeats(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) != len(values):
        raise ValueError("it names something twice")
    return values


Name = Annotated[str, AfterValidator(checked_name)]
Text = Annotated[str, AfterValidator(_one_line)]
LongText = Annotated[str, AfterValidator(printable)]
Condition = Annotated[str, AfterValidator(printable), AfterValidator(closed_condition)]
Query = Annotated[str, AfterValidator(printable), AfterValidator(closed_query)]
Host = Annotated[str, AfterValidator(_host)]
Login = Annotated[str, AfterValidator(_login)]
Port = Annotated[int, Field(ge=1, le=65_535)]
LocalPath = Annotated[Path, AfterValidator(_located)]
RedshiftName = Annotated[str, AfterValidator(redshift_identifier)]
NewColumnName = Annotated[str, AfterValidator(_new_column_name)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
ColumnName = Annotated[str, AfterValidator(_column)]
ColumnNames = Annotated[
    tuple[ColumnName, ...], BeforeValidator(as_list), AfterValidator(_without_repeats)
]
Texts = Annotated[tuple[Text, ...], BeforeValidator(as_list)]
