"""Named points at which a test can make a run die, fail or hang.

Off unless `MYSQL_S3_REDSHIFT_FAULTS` is set, and then `reach` costs one dictionary look-up a call.
The variable holds `point=action` pairs separated by commas, each with an optional count:
`load.before_commit=kill`, `extract.after_upload=raise@3` (the third time), `load.after_copy=hang`,
`load.after_commit=freeze` (until SIGCONT, and then on as if nothing had happened).
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Mapping

from mysql_s3_redshift.errors import ConfigError, ReplicationError

VARIABLE = "MYSQL_S3_REDSHIFT_FAULTS"
ACTIONS = ("kill", "raise", "hang", "freeze")

POINTS: Mapping[str, str] = {
    "extract.after_state_read": "the extract state was read, nothing else happened",
    "extract.after_ceiling": "the ceiling is fixed, nothing was read",
    "extract.before_read": "a chunk's query is about to be sent",
    "extract.during_read": "part of a chunk's rows are read",
    "extract.during_upload": "a part of a multipart upload is sent, the upload is not complete",
    "extract.before_upload_completes": "all rows are read, the file is not complete on S3",
    "extract.after_upload": "the file is complete on S3 and not registered",
    "extract.before_commit": "the new extract state is about to be written",
    "extract.after_commit": "the new extract state is written",
    "extract.before_finish": "all chunks are committed, the run's end is not recorded",
    "load.after_state_read": "both states were read, nothing else happened",
    "load.after_prepare": "ledger and target exist and fit the files",
    "load.after_manifest": "the manifest is on S3",
    "load.after_lock": "the transaction is open and holds the ledger's lock",
    "load.before_copy": "COPY is about to be sent",
    "load.after_copy": "the rows are in the staging table",
    "load.during_apply": "rows are deleted and not inserted yet, or copied and not proven",
    "load.after_apply": "the rows are in the target, the ledger is not written",
    "load.before_commit": "the transaction is complete and not committed",
    "load.after_commit": "the transaction is committed, the load state is not written",
    "load.after_state_write": "the load state is written",
}

SLICE_POINTS: Mapping[str, str] = {
    "slice.after_plan": "the key ranges of the slices are stored, none is read",
    "slice.after_claim": "a slice has its worker, nothing of it is read",
    "slice.before_end": "all rows of a slice are on S3, its end is not recorded",
}
"""Points that only the workers of slices pass; they pass those of chunks and commits as well."""

ALL_POINTS: Mapping[str, str] = {**POINTS, **SLICE_POINTS}


class InjectedFaultError(ReplicationError):
    """A test asked for this failure."""


def reach(point: str) -> None:
    """Pass a named point; does what the environment variable asks for there, if anything."""
    if _armed is not None:
        _armed.reach(point)


class _Faults:
    """The faults of this process and how often each point was passed."""

    def __init__(self, text: str) -> None:
        self._faults = dict(_parse(pair) for pair in text.split(",") if pair.strip())
        self._passed: Counter[str] = Counter()
        self._lock = threading.Lock()

    def reach(self, point: str) -> None:
        if point not in ALL_POINTS:
            raise ConfigError(f"{point} is not a declared fault point.")
        if point not in self._faults:
            return
        action, turn = self._faults[point]
        with self._lock:
            self._passed[point] += 1
            if self._passed[point] != turn:
                return
        if action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if action == "hang":
            threading.Event().wait()
        if action == "freeze":
            os.kill(os.getpid(), signal.SIGSTOP)
            return
        raise InjectedFaultError(f"injected fault at {point}")


def _parse(pair: str) -> tuple[str, tuple[str, int]]:
    point, _, rest = pair.strip().partition("=")
    action, _, turn = rest.partition("@")
    if point not in ALL_POINTS or action not in ACTIONS or not (turn or "1").isdigit():
        raise ConfigError(
            f"{VARIABLE}: `{pair.strip()}` is not a fault.",
            remedy=f"Write point=action or point=action@n; actions: {', '.join(ACTIONS)}.",
        )
    return point, (action, int(turn or "1"))


_armed = _Faults(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None
