"""The Dagster side: every table a pair of assets, built from `pipelines.yaml`.

The only package that imports Dagster. It adds nothing to what is read or loaded: an asset calls one
half of `adapters.pair`, shows what came out, and hands the state document on.
"""
