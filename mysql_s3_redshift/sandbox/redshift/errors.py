"""What the stand-in answers when it refuses: errors in the shape that Redshift gives them.

The shapes of COPY errors are those that users of real clusters published: aws-sdk-pandas#529 and
#280 (too long), #665 (1023), rudder-server#3178 (number of columns), ParquetSharp#252 (decimal
length), amazon-redshift-utils#716 (too long on INSERT).
"""

from __future__ import annotations

from dataclasses import dataclass

SYNTAX_ERROR = "42601"
NOT_SUPPORTED = "0A000"
INTERNAL = "XX000"
IN_TRANSACTION = "25001"
INVALID_VALUE = "22023"
UNDEFINED_FUNCTION = "42883"

LENGTH_CHECK_PREFIX = "rsb_"
"""Names of the CHECK constraints by which PostgreSQL counts VARCHAR lengths in bytes."""

SPECTRUM_CONTEXT_LIMIT = 240
"""Redshift cuts the context in the client's copy of a Spectrum error; SVL_S3LOG has it all."""

_RULE = "\n  -----------------------------------------------\n"
_SOURCE = ("../src/sys/xen_execute.cpp", "12414", "pg_throw")


class RedshiftError(Exception):
    """An ErrorResponse to the client.

    Args:
        sqlstate: The five-character code.
        message: The primary message.
        detail: The detail field, if any.
        source: File, line and routine, as Redshift reports them for errors of its own engine.
    """

    def __init__(
        self,
        sqlstate: str,
        message: str,
        *,
        detail: str | None = None,
        source: tuple[str, str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.sqlstate, self.message, self.detail, self.source = sqlstate, message, detail, source

    def fields(self, severity: str = "ERROR") -> dict[str, str]:
        """Return the fields of the ErrorResponse."""
        fields = {"S": severity, "C": self.sqlstate, "M": self.message}
        if self.detail:
            fields["D"] = self.detail
        if self.source:
            fields["F"], fields["L"], fields["R"] = self.source
        return fields


@dataclass(frozen=True, slots=True)
class LoadFailure:
    """What the load error tables tell about a failed COPY."""

    code: int
    reason: str
    column: str = ""
    key: str = ""


class LoadError(RedshiftError):
    """A COPY that failed on its data or its files."""

    def __init__(self, message: str, failure: LoadFailure, *, query: int, location: str) -> None:
        context = failure.reason if failure.reason != message else ""
        detail = _block(message, failure.code, context, query=query, location=location)
        super().__init__(INTERNAL, message, detail=detail, source=_SOURCE)
        self.failure = failure


def spectrum_error(
    code: int, context: str, *, query: int, column: str = "", key: str = ""
) -> LoadError:
    """Build the error of Redshift Spectrum, which does the reading for columnar COPY."""
    failure = LoadFailure(code, context, column, key)
    return LoadError("Spectrum Scan Error", failure, query=query, location="dory_util.cpp:1509")


def load_error(code: int, message: str, *, query: int, key: str = "") -> LoadError:
    """Build an error of the leader node: manifests, files and assertions."""
    failure = LoadFailure(code, message, key=key)
    return LoadError(message, failure, query=query, location="s3_utility.cpp:727")


def syntax_error(near: str) -> RedshiftError:
    """Build the parser's error for an unexpected token."""
    where = f'at or near "{near}"' if near else "at end of input"
    return RedshiftError(SYNTAX_ERROR, f"syntax error {where}")


def not_supported(what: str) -> RedshiftError:
    """Build the refusal of something that Redshift does not have."""
    return RedshiftError(NOT_SUPPORTED, f"{what} is not supported")


def not_offered(what: str) -> RedshiftError:
    """Build the refusal of something that Redshift has and this stand-in does not."""
    return RedshiftError(NOT_SUPPORTED, f"{what} is not offered by the local Redshift stand-in")


def null_value(column: str) -> RedshiftError:
    """Build the error of a NULL in a NOT NULL column."""
    message = f"Cannot insert a NULL value into column {column}"
    detail = _block(message, 8007, "query execution", query=0, location="column:0")
    return RedshiftError(INTERNAL, message, detail=detail, source=_SOURCE)


def from_postgres(fields: dict[str, str]) -> RedshiftError:
    """Translate an error of PostgreSQL into the one Redshift gives in its place."""
    sqlstate, message = fields.get("C", INTERNAL), fields.get("M", "")
    if sqlstate == "40001":
        detail = (
            f"Serializable isolation violation on table - {fields.get('t', '0')}, "
            "transactions forming the cycle are: 0, 0 (pid:0)"
        )
        return RedshiftError(INTERNAL, "1023", detail=detail, source=_SOURCE)
    if sqlstate == "23514" and LENGTH_CHECK_PREFIX in message:
        message = "Value too long for character type"
        detail = _block(message, 8001, message, query=0, location="string.cpp:213")
        return RedshiftError(INTERNAL, message, detail=detail, source=_SOURCE)
    if sqlstate == "23502":
        return null_value(fields.get("c", "?"))
    if sqlstate == "21000" and "MERGE" in message:
        return RedshiftError(INTERNAL, "Found multiple matches to update the same tuple.")
    return RedshiftError(sqlstate, message, detail=fields.get("D"))


def is_serializable_conflict(error: RedshiftError) -> bool:
    """Tell whether this is error 1023."""
    return (error.sqlstate, error.message) == (INTERNAL, "1023")


def _block(message: str, code: int, context: str, *, query: int, location: str) -> str:
    return (
        f"{_RULE}  error:  {message}\n  code:      {code}\n"
        f"  context:   {context[:SPECTRUM_CONTEXT_LIMIT]}\n  query:     {query}\n"
        f"  location:  {location}\n  process:   worker_thread [pid=0]{_RULE}"
    )
