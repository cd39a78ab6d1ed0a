"""Redshift: the load transaction over redshift_connector."""
