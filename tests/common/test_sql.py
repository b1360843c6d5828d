"""Statements that psycopg reads once, and PostgreSQL plans once."""

from typing import Any

import pytest
from django.db import connection
from psycopg import _queries

from common import sql


def test_a_short_statement_is_the_same_without_its_form() -> None:
    assert sql.short("\n    SELECT 1,\n           2\n") == "SELECT 1, 2"


def test_psycopg_keeps_what_is_as_short() -> None:
    """What it calls its limit; past it a statement would be read anew each time."""
    assert sql.KEPT_CHARS == _queries.MAX_CACHED_STATEMENT_LENGTH
    with pytest.raises(ValueError, match="more than psycopg keeps"):
        sql.short("SELECT " + "1, " * sql.KEPT_CHARS)


def _plans(statement: str) -> list[Any]:
    """How often it was planned for all values, and how often for its own."""
    return sql.fetch_all(
        "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE %s",
        [statement],
    )


def test_what_is_prepared_is_planned_once_whatever_its_values(unseen: None) -> None:
    for number in range(3):
        sql.fetch_all("SELECT id FROM relay_task WHERE id = %s", [10**15 + number])
    assert _plans("SELECT id FROM relay_task WHERE id = $1") == [(3, 0)]


def test_what_goes_over_many_rows_is_planned_for_its_values(unseen: None) -> None:
    asked = {"least": 10**15, "words": ["a", "it's 100 %"], "none": None}
    statement = """SELECT count(*) AS number, %(words)s::text[] AS words FROM relay_task
        WHERE id > %(least)s AND mode <> '%%' AND %(none)s::int IS NULL AND id < 0"""
    assert sql.read_all(statement, asked) == [(0, asked["words"])]
    assert _plans("SELECT count(*) AS number,%") == []
    with connection.cursor() as cursor:
        cursor.execute("SHOW plan_cache_mode")
        assert cursor.fetchone() == ("force_generic_plan",)
