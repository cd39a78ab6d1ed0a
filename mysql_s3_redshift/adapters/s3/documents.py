"""State documents: JSON under a conditional write, one writer's version after the other.

A PUT whose answer is lost may have been done. Every version carries a `write_id`, so a write that
meets a changed object looks whether the change is its own.
"""

from __future__ import annotations

import json
import math
import uuid
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from mysql_s3_redshift.adapters.s3.bucket import Bucket, PreconditionFailedError
from mysql_s3_redshift.adapters.s3.preconditions import require_conditional_writes
from mysql_s3_redshift.core.state import VERSION, ExtractState, LoadState, utc_now
from mysql_s3_redshift.errors import StateConflictError, StateUnreadableError

READ_BY_PEOPLE = 500
"""Files in a document beyond which line breaks would only be bytes: a sixth of a long document."""

_TOLD_CHARACTERS = 300

StateT = TypeVar("StateT", ExtractState, LoadState)


class StateDocument(Generic[StateT]):
    """One state document at one key.

    `read` remembers the version; `write` replaces exactly that version.
    """

    def __init__(self, bucket: Bucket, key: str, kind: type[StateT]) -> None:
        self.bucket, self.key = bucket, key
        self._kind: type[StateT] = kind
        self._etag: str | None = None

    @property
    def uri(self) -> str:
        """Where the document lies."""
        return self.bucket.uri(self.key)

    def read(self) -> StateT | None:
        """The document; None when there is none.

        Raises:
            StateUnreadableError: There is one, and it is damaged or of a newer version.
            StorageError: S3 did not give it.
        """
        found = self.bucket.get(self.key)
        self._etag = found[1] if found else None
        return self._parse(found[0]) if found else None

    def write(self, state: StateT) -> None:
        """Replace the version that was read or written last.

        Raises:
            StateConflictError: Another run wrote since; nothing was overwritten.
            StorageError: S3 refused, or does not keep preconditions.
        """
        if self._etag is None:
            require_conditional_writes(self.bucket)
        write_id = uuid.uuid4().hex
        stamped = state.with_(
            metadata={**state.metadata, "updated_at": utc_now(), "write_id": write_id}
        )
        body = serialize(stamped)
        try:
            self._etag = self.bucket.put(
                self.key, body, if_match=self._etag, if_absent=self._etag is None
            )
        except PreconditionFailedError as conflict:
            found = self.bucket.get(self.key)
            if found is None or self._parse(found[0]).metadata.get("write_id") != write_id:
                raise StateConflictError(self.key) from conflict
            self._etag = found[1]

    def _parse(self, body: bytes) -> StateT:
        try:
            document = read_json(body)
            version = document.get("version") if isinstance(document, dict) else None
            if version != VERSION:
                raise self._unreadable(f"its version is {version!r}, this program reads {VERSION}")
            parsed: StateT = self._kind.model_validate(document)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise self._unreadable(f"{place}: {first['msg']}") from error
        except (ArithmeticError, RecursionError, ValueError) as error:
            raise self._unreadable(f"it is not JSON as this program writes it: {error}") from error
        return parsed

    def _unreadable(self, why: str) -> StateUnreadableError:
        return StateUnreadableError(
            f"State document {self.uri} cannot be used: {printable(why)}.",
            kept="It was left as it is, and nothing was read or loaded.",
            remedy="Restore an earlier version with `watermark restore`, or repair the document.",
        )


def serialize(state: ExtractState | LoadState) -> bytes:
    """A document as it lies on S3: in lines, for people, while it is short enough for them."""
    files = state.files if isinstance(state, ExtractState) else ()
    in_lines = len(files) <= READ_BY_PEOPLE
    return state.model_dump_json(by_alias=True, indent=1 if in_lines else None).encode()


def read_json(body: bytes) -> Any:
    """Read JSON as strictly as it is written: what another program made of it is not guessed.

    Raises:
        ValueError: It is not JSON in UTF-8, is nested too deeply, has NaN or half a surrogate
            pair, or a key twice.
    """
    text = body.decode("utf-8")
    try:
        document = json.loads(
            text,
            object_pairs_hook=_each_once,
            parse_constant=_finite,
            parse_float=_finite,
        )
        if "\\u" in text:  # half a surrogate pair can come from an escape only
            json.dumps(document, ensure_ascii=False).encode("utf-8")
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return document


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a number of JSON")
    return number


def printable(told: object) -> str:
    """What is told of a document may quote it, and nobody's terminal is to obey that."""
    text = str(told)[:_TOLD_CHARACTERS]
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found
