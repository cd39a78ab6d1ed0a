"""The code location: `pipelines.yaml` as Dagster definitions.

The file is the one that `MYSQL_S3_REDSHIFT_CONFIG` names, else `pipelines.yaml` of the working
directory. It is read when Dagster asks for the definitions, not when this module is imported;
nothing is connected to.
"""

import contextlib
import functools
import gc
import os
from collections.abc import Iterator

import dagster as dg

from mysql_s3_redshift.adapters.configuration import load_config
from mysql_s3_redshift.defs.build import build_definitions

CONFIG_VARIABLE = "MYSQL_S3_REDSHIFT_CONFIG"


@dg.definitions
def defs() -> dg.Definitions:
    """Build the definitions of the configured pipelines."""
    return _build(os.environ.get(CONFIG_VARIABLE) or "pipelines.yaml")


@functools.cache
def _build(path: str) -> dg.Definitions:
    """Build once: loading a code location asks twice, and a reload is a new process."""
    with _made_to_stay():
        return build_definitions(load_config(path))


@contextlib.contextmanager
def _made_to_stay() -> Iterator[None]:
    """Keep the garbage collector away from what lives as long as the process.

    Definitions of hundreds of tables are hundreds of thousands of objects, of which none is ever
    garbage. The collector would walk through all of them again and again, while they are made and
    while Dagster makes jobs of them: a quarter of the time that loading takes.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collects:
            gc.enable()
