"""The code location: `pipelines.yaml` as Dagster definitions.

The file is the one that `MYSQL_S3_REDSHIFT_CONFIG` names, else `pipelines.yaml` of the working
directory. It is read when Dagster asks for the definitions, not when this module is imported;
nothing is connected to.
"""

import os

import dagster as dg

from mysql_s3_redshift.adapters.configuration import load_config
from mysql_s3_redshift.defs.build import build_definitions

CONFIG_VARIABLE = "MYSQL_S3_REDSHIFT_CONFIG"


@dg.definitions
def defs() -> dg.Definitions:
    """Build the definitions of the configured pipelines."""
    return build_definitions(load_config(os.environ.get(CONFIG_VARIABLE) or "pipelines.yaml"))
