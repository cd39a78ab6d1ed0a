"""What an operator fills in: the fields that several jobs share, and what is demanded of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import dagster as dg
from pydantic import Field, create_model

from mysql_s3_redshift.config import parse_duration
from mysql_s3_redshift.core.cursors import parse_timestamp
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.errors import ConfigError

MOST_CHOICES = 100
"""Up to so many tables are offered as choices; more are only named, and checked at the start."""


class TableConfig(dg.Config):
    """An operation on one table."""

    table: str = Field(description="The table, as `pipeline/schema.table`.")


class SignedConfig(TableConfig):
    """An operation that is put on record with its author and reason."""

    who: str = Field(description="Your name. It goes into the history and onto the assets.")
    reason: str = Field(description="Why; a ticket for example. Recorded like your name.")

    def demand_signature(self) -> None:
        """Refuse an operation without author or reason.

        Raises:
            ConfigError: One of them is missing.
        """
        if not self.who.strip() or not self.reason.strip():
            raise unchanged(
                "`who` and `reason` are needed: they are the record of this change.",
                "Fill in both and launch the job again.",
            )


class ConfirmedConfig(SignedConfig):
    """An operation that cannot be launched by mistake."""

    confirm: str = Field(description="The table's name once more, exactly as in `table`.")

    def demand_confirmation(self, plan: TablePlan) -> None:
        """Refuse an operation that is not signed, or whose table is not named twice.

        Raises:
            ConfigError: It is not.
        """
        self.demand_signature()
        if self.confirm != plan.display_name:
            raise unchanged(
                f"`confirm` is {self.confirm!r}, and the table is {plan.display_name!r}.",
                "Write the table's name into `confirm` to say that this one is meant.",
            )


def offering(config: type[TableConfig], tables: Sequence[str]) -> type[TableConfig]:
    """The same config with the tables as choices, so that the launchpad completes and checks."""
    if not tables or len(tables) > MOST_CHOICES:
        return config
    choices: Any = Literal[tuple(tables)]
    field = Field(description=TableConfig.model_fields["table"].description)
    chosen: Any = create_model(config.__name__, __base__=config, table=(choices, field))
    chosen.__doc__ = config.__doc__
    return chosen  # type: ignore[no-any-return]


def moment_of(field: str, written: str) -> datetime:
    """A time as an operator writes it.

    Raises:
        ConfigError: It is none.
    """
    try:
        return parse_timestamp(written)
    except ValueError as error:
        raise unchanged(
            f"`{field}` is {written!r}, which is no time.",
            "Write it as 2025-01-31T13:30:00, in the clock of the data.",
        ) from error


def duration_of(field: str, written: str) -> timedelta:
    """A duration as an operator writes it.

    Raises:
        ConfigError: It is none.
    """
    try:
        return parse_duration(written)
    except ValueError as error:
        raise unchanged(
            f"`{field}` is {written!r}, which is no duration.", "Write it as 7d, 24h or 30m."
        ) from error


def unchanged(happened: str, remedy: str) -> ConfigError:
    """The error of an operation that was refused before it did anything."""
    return ConfigError(happened, kept="Nothing was changed.", remedy=remedy)
