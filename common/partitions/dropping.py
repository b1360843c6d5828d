"""Taking parts away, without anybody noticing."""

import time
from collections.abc import Callable, Sequence

from django.db import OperationalError, connection, transaction
from psycopg import sql

from common.partitions import guard
from common.partitions.parts import Partitioned

# Behind who waits for a table's lock all those wait who come after him. It is less than the
# server's deadlock_timeout (1 s): where two wait for each other it is us who give up.
LOCK_SECONDS = 0.3
TRIES = 20
PAUSE_SECONDS = 1.0
GONE = "somebody else has just dropped it"
BUSY = "somebody has the tables in use; it is tried again"


def drop(doomed: Sequence[tuple[Partitioned, str]], *, unless: Callable[[], str]) -> str:
    """Takes parts (by name, of these tables) away with all that is in them, in the transaction that
    is open: they are gone for everybody when it ends, which should be soon. `unless` is asked when
    nobody else can write to them any more, and tells why they must stay; "" when they may go.

    Returns why they have stayed, "" when they have not. (There is no DETACH before: it would lock
    every table that they refer to, too, and so stop the house.)
    """
    wholes = ", ".join(f"ONLY {table.table}" for table, _ in doomed)
    names = sql.SQL(", ").join(sql.Identifier(part) for _, part in doomed)
    for number in range(TRIES):
        if number:
            time.sleep(PAUSE_SECONDS)
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{round(LOCK_SECONDS * 1000)}ms'")
                cursor.execute(f"LOCK TABLE {wholes} IN ACCESS EXCLUSIVE MODE")
                if why := unless():
                    return why
                cursor.execute(sql.SQL("DROP TABLE {}").format(names).as_string())
                return ""
        except OperationalError as error:
            if not guard.is_busy(error):
                raise
    return BUSY
