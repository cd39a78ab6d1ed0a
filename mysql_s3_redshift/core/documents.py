"""The parts that all documents are made of: times, cursor values, file records."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from mysql_s3_redshift.core.cursors import format_timestamp, parse_timestamp
from mysql_s3_redshift.core.model import TimestampUnit, Value

FileKind = Literal["snapshot", "incremental", "window", "full", "adopted"]


def new_run_id() -> str:
    """An identifier for a run that Dagster did not number."""
    return str(uuid.uuid4())


def utc_now() -> str:
    """The present, as the documents hold it: ISO 8601, microseconds, `Z`."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def encode_value(value: Value) -> JsonValue:
    """Write a cursor value as JSON; types that JSON lacks are tagged with their name."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return {"float": value.hex()}
        case Decimal():
            return {"decimal": str(value)}
        case bytes():
            return {"bytes": value.hex()}
        case datetime():
            return {"datetime": format_timestamp(value)}
        case date():
            return {"date": value.isoformat()}


def decode_value(value: JsonValue) -> Value:
    """Read what `encode_value` wrote.

    Raises:
        ValueError: It is not such a value.
    """
    match value:
        case None | int() | str():
            return value
        case {"null": True}:
            return None
        case {"float": str(text)}:
            return float.fromhex(text)
        case {"decimal": str(text)}:
            return Decimal(text)
        case {"bytes": str(text)}:
            return bytes.fromhex(text)
        case {"datetime": str(text)}:
            return parse_timestamp(text)
        case {"date": str(text)}:
            return date.fromisoformat(text)
    message = f"{value!r} is not a cursor value"
    raise ValueError(message)


def _cursor_value(value: JsonValue) -> JsonValue:
    try:
        decode_value(value)
    except ArithmeticError as error:  # of a decimal or a float that is none
        raise ValueError(f"{value!r} is not a cursor value") from error
    return value


def _timestamp(text: str) -> str:
    try:
        parse_timestamp(text)
    except OverflowError as error:  # in UTC it would be before the first day
        raise ValueError(f"{text!r} is not a timestamp") from error
    return text


def _observation(seen: dict[str, JsonValue]) -> dict[str, JsonValue]:
    _cursor_value(seen.get("value"))
    if datetime.fromisoformat(str(seen.get("at"))).tzinfo is None:
        raise ValueError("`at` has no zone")
    return seen


CursorValue = Annotated[JsonValue, AfterValidator(_cursor_value)]
"""A value that `decode_value` reads: a document that holds another one is damaged."""

Timestamp = Annotated[str, AfterValidator(_timestamp)]
"""A data timestamp, as `parse_timestamp` reads it."""

Observation = Annotated[dict[str, JsonValue], AfterValidator(_observation)]
"""A cursor value (`value`), and when it was seen (`at`)."""


class Document(BaseModel):
    """Base of all parts of the documents: immutable, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def with_(self, **changes: Any) -> Self:
        """A validated copy with some fields changed."""
        return self.model_validate({**self.__dict__, **changes})


class DataFile(Document):
    """One registered parquet file. This record is the only source of counts.

    Attributes:
        seq: Number of the file in its table, never used twice.
        first: Keyset values of the first row, by column.
        last: Keyset values of the last row, by column.
        schema_id: Fingerprint of the schema document (`schema` in JSON).
        set_id: Files of one set load together or not at all: a full snapshot, a window.
        window: Half-open stretch [from, to) that the set replaces, data time.
        window_on: Column (MySQL's name) and unit of that stretch; None means the cursor timestamp,
            a date and time.
        etag: S3's name of the object's content when its footer was read; None where that is not
            known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    seq: int = Field(ge=1)
    uri: str
    rows: int = Field(ge=0)
    bytes: int = Field(ge=0)
    first: dict[str, CursorValue] = Field(default_factory=dict)
    last: dict[str, CursorValue] = Field(default_factory=dict)
    schema_id: str = Field(validation_alias="schema", serialization_alias="schema")
    kind: FileKind
    run_id: str
    written_at: str
    set_id: str | None = None
    window: tuple[str, str] | None = None
    window_on: tuple[str, TimestampUnit] | None = None
    etag: str | None = None
