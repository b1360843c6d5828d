"""The database's clock, set by a test.

Two functions of ours stand before PostgreSQL's own of the same name, on this thread's connection
only. `moment` is when a statement came, `began` when its transaction did.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection

_FUNCTIONS = """
CREATE SCHEMA IF NOT EXISTS clock;
CREATE OR REPLACE FUNCTION clock.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE
    AS $$ SELECT current_setting('clock.moment')::timestamptz $$;
CREATE OR REPLACE FUNCTION clock.now() RETURNS timestamptz LANGUAGE sql STABLE
    AS $$ SELECT current_setting('clock.began')::timestamptz $$;
"""


def install() -> None:
    """Once for a database that is the test's own."""
    with connection.cursor() as cursor:
        cursor.execute(_FUNCTIONS)


@contextmanager
def clock_at(moment: datetime, *, began: datetime | None = None) -> Iterator[None]:
    """This thread's connection lives at this moment."""
    set_clock(moment, began=began)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET search_path")


def set_clock(moment: datetime, *, began: datetime | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET search_path = clock, public, pg_catalog")
        cursor.execute(
            "SELECT set_config('clock.moment', %s, false), set_config('clock.began', %s, false)",
            [moment.isoformat(), (began or moment).isoformat()],
        )
