"""Fixtures of the whole suite."""

import signal

pytest_plugins = ["mysql_s3_redshift_tests.servers"]

# A shell without job control starts what it runs in the background with SIGINT ignored, and
# children inherit that; Dagster lets SIGTERM do what SIGINT does, so the programs that it ends with
# SIGTERM would never end. The suite behaves the same however it was started.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
