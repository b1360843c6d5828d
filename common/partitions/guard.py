"""Parts stay while somebody reads in several statements, and one at a time takes some away.

PostgreSQL drops a table for everybody at once, also for a transaction whose snapshot is older: it
would see neither the rows nor what was written down in their stead. So both lock one small table,
in modes that hinder nobody who only reads or writes it. (It is no advisory lock, because to take
one is a statement, with which a transaction's snapshot begins.)
"""

from django.db import OperationalError, transaction
from psycopg.errors import LockNotAvailable

from common import sql

# What a week comes to is added up before it goes.
WAIT_SECONDS = 600


def keep(table: str) -> None:
    """To the end of the transaction nothing is dropped; waits for who is at it. Before the first
    statement of a transaction with one snapshot, and inside sql.patient()."""
    sql.execute(f"SET LOCAL lock_timeout = '{WAIT_SECONDS}s'")
    sql.execute(f"LOCK TABLE {table} IN ROW SHARE MODE")
    sql.execute("SET LOCAL lock_timeout TO DEFAULT")


def is_alone(table: str) -> bool:
    """To the end of the transaction nobody needs the parts, nor drops any beside us; False:
    somebody does just now."""
    try:
        with transaction.atomic():
            sql.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE NOWAIT")
    except OperationalError as error:
        if not is_busy(error):
            raise
        return False
    return True


def is_busy(error: OperationalError) -> bool:
    """Somebody else has the lock; nothing is out of order."""
    return isinstance(error.__cause__, LockNotAvailable)
