import pytest
from dagster import ScheduleDefinition, job

from mysql_s3_redshift.config.cron import check_cron


@pytest.mark.parametrize(
    "expression",
    ["*/15 * * * *", "0 3 * * *", "0,30 8-18/2 * * mon-fri", "0 0 29 2 *", "0 0 31 1,2 *", "@daily",
     "@hourly", "0 0 1 JAN,jul *", "5 4 * * 7", "0 0 31 */2 *"],
)  # fmt: skip
def test_valid_expressions_are_valid_for_dagster_too(expression):
    @job
    def nothing(): ...

    ScheduleDefinition(job=nothing, cron_schedule=check_cron(expression))


@pytest.mark.parametrize(
    "expression",
    ["", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *",
     "* * * * 8", "5-1 * * * *", "*/0 * * * *", "a * * * *", "* * * * mon-", "0 0 30 2 *",
     "0 0 31 4,6 *", "@never", "5/2 * * * *", "* * * * *\n* * * * *", "-1 * * * *"],
)  # fmt: skip
def test_invalid_expressions_are_refused(expression):
    with pytest.raises(ValueError, match=r"cron fields|never comes"):
        check_cron(expression)
