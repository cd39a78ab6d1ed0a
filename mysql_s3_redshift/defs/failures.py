"""From the errors of this project to Dagster's: one place decides what is tried again."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg

from mysql_s3_redshift import errors
from mysql_s3_redshift.errors import ReplicationError

_KINDS = {
    kind.__name__: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, ReplicationError)
}


class Stopped(dg.DagsterError, dg.DagsterExecutionInterruptedError):
    """The run is told to stop, and its steps are not to be tried again.

    Dagster counts SIGTERM as a failure that a step's retry policy covers (its
    `op_execution_error_boundary`), which is right in a worker: the process of the run decides what
    becomes of the step. A run whose process executes the steps itself would begin again after the
    pause, and go on until it is killed. An error of Dagster's own is not covered.
    """


@contextmanager
def shown_in_dagster(
    context: dg.OpExecutionContext | dg.AssetExecutionContext | None = None,
) -> Iterator[None]:
    """Turn errors into failures that a person can act on, and SIGTERM into the end of the run.

    Only what `errors.py` calls retryable may be retried: a retry of anything else costs time and
    hides the cause.

    Args:
        context: Of the step, where it has a retry policy.
    """
    try:
        yield
    except dg.DagsterExecutionInterruptedError as stop:
        if context is not None and context.get_step_execution_context().retry_mode.enabled:
            raise Stopped("The run was told to stop.") from stop
        raise
    except ReplicationError as error:
        raise failure_of(error) from error
    except dg.Failure:
        raise
    except Exception as error:
        raise dg.Failure(
            description=f"{type(error).__name__}: {error}",
            metadata={
                "happened": f"An unexpected {type(error).__name__} ended the step.",
                "kept": "What was committed before stays; the next run continues from it.",
                "remedy": "This is a defect: please report it with the log of this run.",
                "exit_code": int(errors.ExitCode.UNEXPECTED),
                "error": type(error).__name__,
            },
            allow_retries=False,
        ) from error


def failure_of(error: ReplicationError) -> dg.Failure:
    """An error as Dagster's failure, with the three sentences as metadata."""
    return dg.Failure(
        description=str(error),
        metadata={
            "happened": error.happened,
            "kept": error.kept,
            "remedy": error.remedy,
            "exit_code": int(error.exit_code),
            "error": next(k.__name__ for k in type(error).__mro__ if k.__name__ in _KINDS),
        },
        allow_retries=error.retryable,
    )


def error_of(metadata: Mapping[str, dg.MetadataValue[Any]]) -> ReplicationError:
    """The error that `failure_of` made this metadata from, in its own class."""
    text = {name: str(value.value) for name, value in metadata.items()}
    kind = _KINDS.get(text.get("error", ""), ReplicationError)
    error = kind.__new__(kind)
    ReplicationError.__init__(
        error,
        text.get("happened", ""),
        kept=text.get("kept", ""),
        remedy=text.get("remedy", ""),
    )
    return error
