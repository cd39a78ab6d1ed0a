"""Every error that this project raises on purpose.

The tree; each class names the exit code of the command line (see `ExitCode`):

* ReplicationError
  x ConfigError                 2  pipelines.yaml, an option or a name is wrong
  x UnsupportedValueError       4  a value cannot be kept exactly and no policy allows a change
  x CountMismatchError          4  two counts that must be equal are not
  x FileChangedError            4  a registered file has another content than when it was written
  x SourceError                 5  MySQL
    + SourceConnectionError     5  MySQL cannot be reached or the connection was lost (retryable)
  x StorageError                6  S3
  x TargetError                 7  Redshift
    + TargetConnectionError     7  Redshift cannot be reached or the connection was lost (retryable)
    + SerializableConflictError 7  Redshift error 1023 (retryable)
  x StateConflictError          8  another run committed first
  x StateUnreadableError        6  a state document exists and cannot be understood
  x TablesFailedError           3  some tables of a run failed

Each message says what happened, what was kept and what to do next. `retryable` tells whether the
same run may succeed when it is simply tried again; the adapters translate the drivers' exceptions
into this tree, so nothing above them knows a driver's class.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the command line."""

    DONE = 0
    UNEXPECTED = 1
    USAGE = 2
    TABLES_FAILED = 3
    MISMATCH = 4
    MYSQL = 5
    S3 = 6
    REDSHIFT = 7
    STATE_CONFLICT = 8


class ReplicationError(Exception):
    """Base of all errors of this project.

    Args:
        happened: What went wrong, naming the table, column, key or YAML path.
        kept: What is safe: which rows, files or documents are unchanged.
        remedy: What the reader should do next.
    """

    exit_code = ExitCode.UNEXPECTED
    retryable = False

    def __init__(self, happened: str, *, kept: str = "", remedy: str = "") -> None:
        self.happened, self.kept, self.remedy = happened, kept, remedy
        super().__init__("\n".join(part for part in (happened, kept, remedy) if part))

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the three sentences when the error crosses a process boundary."""
        return (_rebuild, (type(self), self.happened, self.kept, self.remedy))


def _rebuild(kind: type[ReplicationError], happened: str, kept: str, remedy: str) -> Exception:
    error = kind.__new__(kind)
    ReplicationError.__init__(error, happened, kept=kept, remedy=remedy)
    return error


class ConfigError(ReplicationError):
    """`pipelines.yaml`, a command-line option or a name is wrong."""

    exit_code = ExitCode.USAGE

    def __init__(
        self,
        happened: str,
        *,
        kept: str = "What was committed before is unchanged.",
        remedy: str = "",
    ) -> None:
        super().__init__(happened, kept=kept, remedy=remedy)


class UnsupportedValueError(ReplicationError):
    """A value of the source cannot be kept exactly and no policy allows the change."""

    exit_code = ExitCode.MISMATCH


class CountMismatchError(ReplicationError):
    """Two counts that prove each other differ; nothing was committed."""

    exit_code = ExitCode.MISMATCH


class FileChangedError(ReplicationError):
    """A registered file has another content than when it was written; nothing was committed."""

    exit_code = ExitCode.MISMATCH


class SourceError(ReplicationError):
    """MySQL refused a statement."""

    exit_code = ExitCode.MYSQL


class SourceConnectionError(SourceError):
    """MySQL cannot be reached, or the connection was lost."""

    retryable = True


class StorageError(ReplicationError):
    """S3 refused a request or did not answer."""

    exit_code = ExitCode.S3


class TargetError(ReplicationError):
    """Redshift refused a statement."""

    exit_code = ExitCode.REDSHIFT


class TargetConnectionError(TargetError):
    """Redshift cannot be reached, or the connection was lost."""

    retryable = True


class SerializableConflictError(TargetError):
    """Redshift error 1023: two transactions crossed. Rolled back; trying again is safe."""

    retryable = True


class StateConflictError(ReplicationError):
    """Another run committed the state document since this run read it."""

    exit_code = ExitCode.STATE_CONFLICT

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(
            f"State `{key}` was committed by another run since this run read it.",
            kept="Nothing was written; the other run's state stands.",
            remedy="Run again to continue from the newer state.",
        )


class StateUnreadableError(StorageError):
    """A state document exists and cannot be read, parsed or validated."""


class TablesFailedError(ReplicationError):
    """Some tables of a run failed; the others were synced."""

    exit_code = ExitCode.TABLES_FAILED
