"""The failures of commands that compared something and found it different."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mysql_s3_redshift.cli import text
from mysql_s3_redshift.core.counts import Check
from mysql_s3_redshift.errors import CountMismatchError


class MismatchError(CountMismatchError):
    """Something of a table differs.

    Args:
        remedy: What to do.
        among: How many differences there are in all tables.
    """

    def __init__(
        self, table: str, checks: Sequence[Check], *, remedy: str, among: int | None = None
    ) -> None:
        first, count = checks[0], len(checks) if among is None else among
        super().__init__(
            f"{text.plural(count, 'difference')}; the first is in {table}: {first.what}: "
            f"{first.found:,}, expected {first.expected:,}: {first.cause}.",
            kept="Nothing was changed by comparing.",
            remedy=remedy,
        )


class MismatchToldError(MismatchError):
    """Something differs. It was shown already, as text or as the command's one document."""

    document_printed = True

    def __init__(self, different: Mapping[str, Sequence[Check]], *, remedy: str) -> None:
        table, checks = next(iter(different.items()))
        super().__init__(table, checks, remedy=remedy, among=sum(map(len, different.values())))
