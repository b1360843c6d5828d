"""Signs of life: when a kind of work was last done, by whichever process.

A process can be seen to run and do nothing; what is seen here is that the work gets done.
"""

from datetime import timedelta

from common import sql

# More often it is not written down.
LEAST = timedelta(seconds=5)
_BEAT = """
INSERT INTO common_pulse AS pulse (name, at) VALUES (%(name)s, now())
ON CONFLICT (name) DO UPDATE SET at = now() WHERE pulse.at < now() - %(least)s
"""
_AGES = "SELECT name, extract(epoch FROM now() - at)::float8 AS seconds FROM common_pulse"


def beat(name: str) -> None:
    """It was done just now."""
    sql.execute(_BEAT, {"name": name, "least": LEAST})


def ages() -> dict[str, float]:
    """How many seconds ago each was last done, as far as ever."""
    return {row.name: max(row.seconds, 0) for row in sql.fetch_all(_AGES)}
