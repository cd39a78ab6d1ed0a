"""The failures of commands that compared something and found it different."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mysql_s3_redshift.cli import text
from mysql_s3_redshift.core.counts import Check
from mysql_s3_redshift.errors import CountMismatchError


class MismatchError(CountMismatchError):
    """Something of a table differs."""

    def __init__(self, table: str, checks: Sequence[Check], *, among: int | None = None) -> None:
        first, count = checks[0], len(checks) if among is None else among
        super().__init__(
            f"{text.plural(count, 'difference')}; the first is in {table}: {first.what}: "
            f"{first.found:,}, expected {first.expected:,}.",
            kept="Nothing was changed by comparing.",
            remedy=f"Likely cause: {first.cause}.",
        )


class MismatchToldError(MismatchError):
    """Something differs. It was shown already, as text or as the command's one document."""

    document_printed = True

    def __init__(self, different: Mapping[str, Sequence[Check]]) -> None:
        table, checks = next(iter(different.items()))
        super().__init__(table, checks, among=sum(map(len, different.values())))
