"""A sensor that tells people, tick after tick, as the daemon evaluates it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import dagster as dg

from mysql_s3_redshift.config import AlertConfig
from mysql_s3_redshift_tests.defs.shop import Shop


@dataclass(slots=True)
class Announcer:
    """The sensor of pipeline `p` with its cursor; what it passed over until now is behind it.

    Attributes:
        build: Makes the sensor from a configuration, the pipeline and its plans.
    """

    build: ClassVar[Callable[..., dg.SensorDefinition]]

    shop: Shop
    instance: dg.DagsterInstance
    alerts: AlertConfig
    cursor: str | None = None

    def __post_init__(self) -> None:
        self.tick()

    def tick(self) -> str:
        """Evaluate the sensor once; its cursor moves on unless it fails. Returns what it says."""
        config = self.shop.config
        told = config.pipeline("p").model_copy(update={"alerts": self.alerts})
        config = replace(config, pipelines={**config.pipelines, "p": told})
        sensor = self.build(config, "p", config.plans("p"))
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor)
        done = sensor.evaluate_tick(context)
        self.cursor = done.cursor
        return done.skip_message or ""
