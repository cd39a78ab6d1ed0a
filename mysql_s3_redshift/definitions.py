"""The code location: `pipelines.yaml` as Dagster definitions.

The file is the one that `MYSQL_S3_REDSHIFT_CONFIG` names, else `pipelines.yaml` of the working
directory. It is read when Dagster asks for the definitions, not when this module is imported;
nothing is connected to.
"""

import functools
import os

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
    return build_definitions(load_config(path))
