"""SIGTERM, which Dagster raises in a step as `DagsterExecutionInterruptedError`."""

from collections.abc import Callable

import dagster as dg
from dagster import DagsterEventType as Event
from dagster import DagsterRunStatus as Status

from mysql_s3_redshift.defs.failures import shown_in_dagster

ENDS = (Event.STEP_UP_FOR_RETRY, Event.STEP_FAILURE, Event.STEP_SUCCESS)


@dg.op(retry_policy=dg.RetryPolicy(max_retries=3), config_schema={"canceled": bool})
def told_once(context: dg.OpExecutionContext) -> None:
    """A step that is told to stop, and would succeed if it began again."""
    with shown_in_dagster(context):
        if context.retry_number == 0:
            if context.op_config["canceled"]:
                context.instance.report_run_canceling(context.run)
            raise dg.DagsterExecutionInterruptedError


@dg.job(executor_def=dg.in_process_executor)
def own() -> None:
    """Steps are executed, and tried again, by the process of the run."""
    told_once()


@dg.job(
    executor_def=dg.multiprocess_executor.configured({"start_method": {"forkserver": {}}}),
)
def workers() -> None:
    """Steps are executed by workers, and tried again at the word of the process of the run."""
    told_once()


def ended(
    job: Callable[[], dg.JobDefinition], *, canceled: bool = False
) -> tuple[list[Event], Status]:
    """How the attempts of the step ended, and the run."""
    config = {"ops": {"told_once": {"config": {"canceled": canceled}}}}
    with dg.instance_for_test() as instance:
        result = dg.execute_job(dg.reconstructable(job), instance, run_config=config)
        seen = [event.event_type for event in result.all_events if event.event_type in ENDS]
        return seen, instance.get_runs()[0].status


def test_a_run_that_is_told_to_stop_does_not_try_its_step_again() -> None:
    """It would begin again after the pause of the retry policy, and have to be killed."""
    assert ended(own) == ([Event.STEP_FAILURE], Status.FAILURE)


def test_a_run_that_somebody_canceled_is_canceled() -> None:
    assert ended(own, canceled=True) == ([Event.STEP_FAILURE], Status.CANCELED)


def test_a_step_whose_worker_is_told_to_stop_is_tried_again() -> None:
    """A node that is drained, say: the run goes on elsewhere."""
    ends = [Event.STEP_UP_FOR_RETRY, Event.STEP_SUCCESS]
    assert ended(workers) == (ends, Status.SUCCESS)
