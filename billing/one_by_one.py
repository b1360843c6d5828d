"""The holds of a wallet go to the database one by one from each process.

There they would wait for the wallet's row all the same, each with a connection that somebody else
could use; and the more there are that wait for a row, the longer each of them takes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from common import sql

# Wallets that share a lock wait for each other; among so many few do.
_LOCKS = [Lock() for _ in range(1024)]
# Order is only for speed: who has waited so long goes on all the same.
PATIENCE_SECONDS = 1.0


@contextmanager
def in_turn(wallet_id: int) -> Iterator[None]:
    """Outside of a transaction: who waits here gives the connection back."""
    lock = _LOCKS[wallet_id % len(_LOCKS)]
    is_mine = lock.acquire(blocking=False)
    if not is_mine:
        sql.release_connection()
        is_mine = lock.acquire(timeout=PATIENCE_SECONDS)
    try:
        yield
    finally:
        if is_mine:
            lock.release()
