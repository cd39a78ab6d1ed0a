"""What an operator does in the web UI: jobs whose launchpad takes a table and a few choices.

They call the functions that the command line calls. Each leaves an observation on the assets that
it concerns, so that who did what, why, and what was there before is read where the table is.
"""

from mysql_s3_redshift.defs.operator_jobs.build import build_operator_jobs

__all__ = ["build_operator_jobs"]
