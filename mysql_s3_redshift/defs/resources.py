"""Resources: one per connection, so that a run needs only the secrets of what it uses.

A resource is a path and a name. What Dagster shows and stores of it (repr, run config, the
Resources page) therefore holds nothing secret, and building it connects to nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import dagster as dg
from pydantic import Field

from mysql_s3_redshift.config import Config
from mysql_s3_redshift.defs.config_memory import recall

if TYPE_CHECKING:
    from mysql_s3_redshift.adapters.connections import Connections
    from mysql_s3_redshift.adapters.s3.bucket import Bucket

_T = TypeVar("_T")


class ConnectionResource(dg.ConfigurableResource[Any]):
    """One connection of `pipelines.yaml`, by name."""

    config_path: str = Field(description="The `pipelines.yaml` that has the connection.")
    connection: str = Field(description="Name of the connection there.")

    @property
    def config(self) -> Config:
        """The configuration."""
        return recall(self.config_path)

    def open(self) -> "Connections":
        """The systems of one step; connected at first use, closed with the context."""
        from mysql_s3_redshift.adapters.connections import Connections

        return Connections(self.config)


class MySqlResource(ConnectionResource):
    """A MySQL connection."""


class S3Resource(ConnectionResource):
    """A place in S3."""

    def bucket(self) -> "Bucket":
        """The bucket, not yet connected."""
        from mysql_s3_redshift.adapters.s3.bucket import Bucket

        return Bucket(self.config.storage(self.connection))


class RedshiftResource(ConnectionResource):
    """A Redshift connection."""


Report = Callable[[str, str, Mapping[str, object]], None]
"""Receives a table's display name, an event's name and its facts."""


@dataclass(frozen=True, slots=True)
class RunSession:
    """Who watches a run from outside Dagster, and may stop it: the command line; usually nobody."""

    report: Report = lambda table, event, facts: None
    stopping: Callable[[], bool] = lambda: False


def resource(
    context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext, key: str, kind: type[_T]
) -> _T:
    """Give a resource of a step by its key, checked."""
    found = getattr(context.resources, key)
    if not isinstance(found, kind):
        message = f"resource {key} is a {type(found).__name__}, not a {kind.__name__}"
        raise TypeError(message)
    return found
