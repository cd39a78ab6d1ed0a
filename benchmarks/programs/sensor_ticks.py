"""Ticks of a pipeline's sensor, one after the other, as the code server evaluates them.

    python -m benchmarks.programs.sensor_ticks CONFIG HOME [--ticks N]

HOME is the folder of a Dagster instance. The first tick has to look up columns and indexes; the
others know them.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import dagster as dg

from mysql_s3_redshift.config import load
from mysql_s3_redshift.defs.build import build_definitions, build_resources

SENSOR, SOURCE = "bench_sensor", "mysql_bench"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("config", type=Path)
    parser.add_argument("home")
    parser.add_argument("--ticks", type=int, default=1)
    options = parser.parse_args()
    config = load(options.config)
    began = time.perf_counter()
    definitions = build_definitions(config)
    sensor: Any = definitions.resolve_sensor_def(SENSOR)
    building = time.perf_counter() - began
    resource = build_resources(config, config.plans())[SOURCE]
    ticks: list[dict[str, Any]] = []
    with dg.DagsterInstance.local_temp(options.home) as instance:
        for _ in range(options.ticks):
            began = time.perf_counter()
            context = dg.build_sensor_context(
                instance=instance, definitions=definitions, resources={SOURCE: resource}
            )
            asked = sensor.evaluate_tick(context)
            seconds = time.perf_counter() - began
            ticks.append({"seconds": seconds, "asked": len(asked.run_requests)})
    print(json.dumps({"building": building, "ticks": ticks}))


main()
