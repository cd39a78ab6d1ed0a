"""Run a command and tell its peak memory: `launch.py SECONDS COMMAND…`.

The kernel counts the memory of whoever starts a process as that process's own until it runs its
program. So this starts it, with nothing imported, instead of the benchmark.

Prints the command's output, then one line of JSON. `peak_mb` is that of the largest process among
the command and its children.
"""

import json
import os
import resource
import signal
import sys
import time


def main() -> None:
    limit, command = float(sys.argv[1]), sys.argv[2:]
    started = time.monotonic()
    pid = os.posix_spawn(command[0], command, os.environ, setpgroup=0)
    signal.signal(signal.SIGALRM, lambda *_: os.killpg(pid, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, limit)
    _, status = os.waitpid(pid, 0)
    wall = time.monotonic() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = {
        "wall": wall,
        "code": os.waitstatus_to_exitcode(status),
        "peak_mb": used.ru_maxrss / 1024,
        "cpu": used.ru_utime + used.ru_stime,
    }
    sys.stdout.write("\n" + json.dumps(report) + "\n")


main()
