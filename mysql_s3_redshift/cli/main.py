"""The console script `mysql-s3-redshift`, which answers Ctrl-C from its first moment on.

What the commands need takes a third of a second to import, and an interrupt in its middle would
leave modules half imported and show where. So it is noted, and answered when there is somebody to
answer it; the second one does not wait.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType


def main() -> None:
    """Run the command line and exit."""
    interrupted = False

    def note(number: int, _frame: FrameType | None) -> None:
        nonlocal interrupted
        if interrupted:
            os._exit(128 + number)
        interrupted = True

    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # and not ignored, as in a shell's background
        signal.signal(signal.SIGINT, note)
    from mysql_s3_redshift.cli.frame import run

    signal.signal(signal.SIGINT, before)
    sys.exit(run(sys.argv[1:], interrupted=interrupted))
