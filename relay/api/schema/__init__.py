"""The description of the tenant API: OpenAPI 3.1, made by drf-spectacular from data.

`operations.py` has one row per route of relay/api/urls.py; bodies, answers, refusals and examples
are JSON Schema and plain values; texts stand in `texts/`, one file per language.
"""
