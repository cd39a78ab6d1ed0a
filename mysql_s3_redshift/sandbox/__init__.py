"""The local stand-ins: a real MySQL, a real S3 server and a strict Redshift.

All of it runs on loopback, out of one folder (`.sandbox/` by default), as detached processes that
outlive the command which started them. `sandbox.up`, `sandbox.status` and `sandbox.down` are the
whole interface; each server is described by one module, `demo_data` fills MySQL and `traffic`
writes to it like a live application.
"""
