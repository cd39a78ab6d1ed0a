"""Fixtures of the whole suite."""

pytest_plugins = ["mysql_s3_redshift_tests.servers"]
