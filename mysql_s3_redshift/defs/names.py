"""Names that Dagster gets: groups, resource keys, pools, jobs, sensors, tags.

One place, so that a run that the command line starts and one that a sensor starts look the same.
"""

import hashlib
import re
from collections.abc import Sequence

import dagster as dg

from mysql_s3_redshift.core.model import TablePlan

TABLE_TAG = "mysql_s3_redshift/table"
"""Run tag that names the table; `dagster.yaml` allows one run at a time per value."""
PIPELINE_TAG = "mysql_s3_redshift/pipeline"
SESSION = "session"
"""Resource key of the `RunSession`."""
SLICES = "slices"
"""Resource key of what passes between the steps of a table with slices."""
AUDIT_PREFIX = "audit__"
"""Before the step name of the table that a step asks the systems about."""

MAX_TAG_CHARACTERS = 63
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9_.-]")


def source_key(plan: TablePlan) -> dg.AssetKey:
    """Key of the MySQL table.

    Dagster makes names of steps and inputs from keys, so only plain characters can be in one. For
    the table's own two assets the configuration refuses names that become the same by that; a MySQL
    table may belong to several pipelines, so it gets a digest of its name instead.
    """
    plain = _plain(plan.source_key)
    if plain != plan.source_key:
        plain = (*plain[:-1], f"{plain[-1]}-{_digest('.'.join(plan.source_key))}")
    return dg.AssetKey(plain)


def extract_key(plan: TablePlan) -> dg.AssetKey:
    """Key of the parquet files."""
    return dg.AssetKey(_plain(plan.extract_key))


def load_key(plan: TablePlan) -> dg.AssetKey:
    """Key of the Redshift table."""
    return dg.AssetKey(_plain(plan.load_key))


def _plain(parts: Sequence[str]) -> tuple[str, ...]:
    return tuple(_NOT_PLAIN.sub("_", part) for part in parts)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def group_name(pipeline: str) -> str:
    """Group of a pipeline's assets; Dagster takes no dashes there."""
    return pipeline.replace("-", "_")


def source_resource(name: str) -> str:
    """Resource key, and pool, of a MySQL connection."""
    return f"mysql_{name}"


def storage_resource(name: str) -> str:
    """Resource key of a place in S3."""
    return f"s3_{name}"


def target_resource(name: str) -> str:
    """Resource key, and pool, of a Redshift connection."""
    return f"redshift_{name}"


def state_io_manager(storage: str) -> str:
    """Resource key of the IO manager whose documents lie in that storage."""
    return f"state_{storage}"


def sync_job_name(pipeline: str) -> str:
    """Name of the job that syncs a pipeline."""
    return f"{group_name(pipeline)}_sync"


def sensor_name(pipeline: str) -> str:
    """Name of the sensor that looks for new rows."""
    return f"{group_name(pipeline)}_sensor"


def schedule_name(pipeline: str) -> str:
    """Name of the schedule of a pipeline that has one."""
    return f"{group_name(pipeline)}_schedule"


def alerts_name(pipeline: str) -> str:
    """Name of the sensor that tells of failed runs."""
    return f"{group_name(pipeline)}_alerts"


def check_alerts_name(pipeline: str) -> str:
    """Name of the sensor that tells of failed checks."""
    return f"{group_name(pipeline)}_alerts_of_checks"


def checks_job_name(pipeline: str) -> str:
    """Name of the job that runs the checks which ask the systems."""
    return f"{group_name(pipeline)}_checks"


def checks_schedule_name(pipeline: str) -> str:
    """Name of the schedule of those checks."""
    return f"{group_name(pipeline)}_checks_schedule"


def table_tag(plan: TablePlan) -> str:
    """Value of `TABLE_TAG`, different for every table.

    Tag values have up to 63 letters, digits, `_`, `-` and `.`; what is lost by that is replaced by
    a digest of the whole name.
    """
    name = f"{plan.pipeline}.{plan.qualified_name}"
    plain = _NOT_PLAIN.sub("_", name)
    if plain == name and len(name) <= MAX_TAG_CHARACTERS:
        return name
    return f"{plain[: MAX_TAG_CHARACTERS - 9]}-{_digest(name)}"


def run_tags(plan: TablePlan) -> dict[str, str]:
    """Tags of a run that syncs one table."""
    return {TABLE_TAG: table_tag(plan), PIPELINE_TAG: plan.pipeline}
