"""Statements that psycopg reads once."""

import pytest
from psycopg import _queries

from common import sql
from relay import statements


def test_a_short_statement_is_the_same_without_its_form() -> None:
    assert sql.short("\n    SELECT 1,\n           2\n") == "SELECT 1, 2"


def test_psycopg_keeps_what_is_as_short() -> None:
    """What it calls its limit; past it every submit would be read anew."""
    assert sql.KEPT_CHARS == _queries.MAX_CACHED_STATEMENT_LENGTH
    assert len(statements.SUBMIT.encode()) <= sql.KEPT_CHARS
    with pytest.raises(ValueError, match="more than psycopg keeps"):
        sql.short("SELECT " + "1, " * sql.KEPT_CHARS)
