"""What may be asked of one run, in the launchpad or by the command line."""

from typing import Literal, TypeVar

import dagster as dg
from pydantic import Field

from mysql_s3_redshift.core.cursors import parse_timestamp
from mysql_s3_redshift.core.model import RunLimits, TimestampUnit, Window
from mysql_s3_redshift.errors import ConfigError

_ConfigT = TypeVar("_ConfigT", bound=dg.Config)


class ExtractConfig(dg.Config):
    """Options of one extraction. Without any of them it catches up with everything."""

    limit: int | None = Field(
        default=None,
        gt=0,
        description="Rows to extract at most; with `max_chunks`, rows of one chunk.",
    )
    max_chunks: int | None = Field(default=None, gt=0, description="Stop after this many chunks.")
    window_from: str | None = Field(
        default=None,
        description="Reload rows whose cursor timestamp is from here on (2025-01-31T00:00:00, in "
        "the clock of the data). The watermark stays.",
    )
    window_to: str | None = Field(
        default=None, description="End of the reload, exclusive; together with `window_from`."
    )
    window_column: str | None = Field(
        default=None, description="Column of times that the reload is of; default: the cursor's."
    )
    window_unit: Literal["datetime", "epoch_s", "epoch_ms", "epoch_us"] = Field(
        default="datetime", description="What `window_column` holds."
    )

    def limits(self) -> RunLimits:
        """The limits."""
        return RunLimits(limit=self.limit, max_chunks=self.max_chunks)

    def window(self) -> Window | None:
        """The window to reload, if one is asked for.

        Raises:
            ConfigError: Half of it is missing, or it is not one.
        """
        if self.window_from is None and self.window_to is None:
            return None
        try:
            start, end = (parse_timestamp(str(t)) for t in (self.window_from, self.window_to))
        except ValueError as error:
            raise _bad_window("`window_from` and `window_to` are two timestamps") from error
        if start >= end:
            raise _bad_window("`window_from` is before `window_to`")
        return Window(start, end, self.window_column, TimestampUnit(self.window_unit))


class LoadConfig(dg.Config):
    """Options of one load. Without any of them it takes every pending file."""

    max_files: int | None = Field(default=None, gt=0, description="Files to load at most.")


EXTRACT_SCHEMA = ExtractConfig.to_config_schema().as_field()
"""Made once: from the annotation of a step's function it is worked out again for every table."""
LOAD_SCHEMA = LoadConfig.to_config_schema().as_field()


def config_of(context: dg.AssetExecutionContext, kind: type[_ConfigT]) -> _ConfigT:
    """The config of a step, as its schema accepted it."""
    return kind(**context.op_execution_context.op_config)


def _bad_window(rule: str) -> ConfigError:
    return ConfigError(
        f"The window is not one: {rule}.",
        kept="Nothing was read or written.",
        remedy="Write both as 2025-01-31T00:00:00, in the clock of the data.",
    )
