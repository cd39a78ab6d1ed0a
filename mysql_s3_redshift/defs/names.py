"""Names that Dagster gets: groups, resource keys, pools, jobs, sensors, tags.

One place, so that a run that the command line starts and one that a sensor starts look the same.
"""

import hashlib
import re

from mysql_s3_redshift.core.model import TablePlan

TABLE_TAG = "mysql_s3_redshift/table"
"""Run tag that names the table; `dagster.yaml` allows one run at a time per value."""
PIPELINE_TAG = "mysql_s3_redshift/pipeline"
SESSION = "session"
"""Resource key of the `RunSession`."""

MAX_TAG_CHARACTERS = 63
_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9_.-]")


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


def table_tag(plan: TablePlan) -> str:
    """Value of `TABLE_TAG`, different for every table.

    Tag values have up to 63 letters, digits, `_`, `-` and `.`; what is lost by that is replaced by
    a digest of the whole name.
    """
    name = f"{plan.pipeline}.{plan.qualified_name}"
    plain = _NOT_IN_TAGS.sub("_", name)
    if plain == name and len(name) <= MAX_TAG_CHARACTERS:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{plain[: MAX_TAG_CHARACTERS - 9]}-{digest}"


def run_tags(plan: TablePlan) -> dict[str, str]:
    """Tags of a run that syncs one table."""
    return {TABLE_TAG: table_tag(plan), PIPELINE_TAG: plan.pipeline}
