"""Commands that look at several tables: one that fails hides none of the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from mysql_s3_redshift.cli import text
from mysql_s3_redshift.cli.frame import error_document, tell_error
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.errors import ReplicationError, TablesFailedError

_T = TypeVar("_T")


class SomeFailedError(TablesFailedError):
    """Some tables failed. Each was told already, and so was the command's one document."""

    document_printed = True

    def __init__(self, failed: Mapping[str, ReplicationError], *, among: int) -> None:
        super().__init__(
            f"{len(failed)} of {text.plural(among, 'table')} failed: {', '.join(failed)}.",
            kept="The others were told.",
            remedy="See the message of each above.",
        )


@dataclass(frozen=True, slots=True)
class Several(Generic[_T]):
    """What was found of each table, by name, and what failed."""

    found: Mapping[str, _T]
    failed: Mapping[str, ReplicationError]

    def documents(self, document: Callable[[_T], Any]) -> dict[str, Any]:
        """Each table's part of the command's document."""
        failed = {
            name: {"status": "failed", "error": error_document(error)}
            for name, error in self.failed.items()
        }
        return {**{name: document(found) for name, found in self.found.items()}, **failed}

    def raise_failures(self) -> None:
        """Say of each table that failed what happened, then end.

        Raises:
            TablesFailedError: Some failed.
        """
        if not self.failed:
            return
        self.tell_failures()
        raise SomeFailedError(self.failed, among=len(self.found) + len(self.failed))

    def tell_failures(self) -> None:
        """Say of each table that failed what happened."""
        for name, error in self.failed.items():
            text.echo(f"{name} failed:", err=True)
            tell_error(error, as_json=False)


def told_of_each(
    plans: Sequence[TablePlan], answers: Sequence[_T | ReplicationError]
) -> Several[_T]:
    """Sort what was found from what failed, in the order of the plans.

    Raises:
        ReplicationError: The only table that was asked for failed.
    """
    found: dict[str, _T] = {}
    failed: dict[str, ReplicationError] = {}
    for plan, answer in zip(plans, answers, strict=True):
        if not isinstance(answer, ReplicationError):
            found[plan.display_name] = answer
        elif len(plans) == 1:
            raise answer
        else:
            failed[plan.display_name] = answer
    return Several(found, failed)


def look_at_each(plans: Sequence[TablePlan], look: Callable[[TablePlan], _T]) -> Several[_T]:
    """Look at tables one after the other.

    Raises:
        ReplicationError: The only table that was asked for failed.
    """
    answers: list[_T | ReplicationError] = []
    for plan in plans:
        try:
            answers.append(look(plan))
        except ReplicationError as error:
            answers.append(error)
    return told_of_each(plans, answers)
