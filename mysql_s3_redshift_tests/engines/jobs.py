"""The job that every process of an engine makes anew, from its own copy of `pipelines.yaml`.

One function for each test: Dagster remembers the job that a function gave.
"""

import os

import dagster as dg

from mysql_s3_redshift.adapters.configuration import load_config
from mysql_s3_redshift.definitions import CONFIG_VARIABLE
from mysql_s3_redshift.defs.build import build_definitions


def celery_job() -> dg.JobDefinition:
    """The job of the test with Celery's workers."""
    return _sync_job()


def celery_slices_job() -> dg.JobDefinition:
    """The job of the test with slices on Celery's workers."""
    return _sync_job()


def celery_window_job() -> dg.JobDefinition:
    """The job of the test with the slices of a window on Celery's workers."""
    return _sync_job()


def multiprocess_job() -> dg.JobDefinition:
    """The job of the test with processes."""
    return _sync_job()


def _sync_job() -> dg.JobDefinition:
    config = load_config(os.environ[CONFIG_VARIABLE])
    return build_definitions(config, retry_policy=None).resolve_job_def("p_sync")
