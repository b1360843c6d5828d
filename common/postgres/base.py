"""The backend as Django loads it: `ENGINE = "common.postgres"`."""

import time
from typing import Any

from django.conf import settings
from django.db.backends.postgresql import base
from psycopg_pool import PoolTimeout

from common.postgres import driver
from common.postgres.driver import BoundedConnection

# The server's own end of a statement that takes too long comes before ours.
ANSWER_MARGIN_SECONDS = 2


class DatabaseWrapper(base.DatabaseWrapper):
    Database = driver
    # How long is waited for a connection in all. The pool's own time-out is for each time that it
    # is asked: who asks makes it try to connect, who merely waits after an outage does not.
    patience_seconds = 0.0

    def __init__(self, settings_dict: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        pool = settings_dict["OPTIONS"].get("pool")
        if isinstance(pool, dict):
            pool["connection_class"] = BoundedConnection
        super().__init__(settings_dict, *args, **kwargs)

    def get_new_connection(self, conn_params: dict[str, Any]) -> BoundedConnection:
        """Raises PoolTimeout."""
        until = time.monotonic() + self.patience_seconds
        while True:
            try:
                connection: BoundedConnection = super().get_new_connection(conn_params)
            except PoolTimeout:
                if time.monotonic() >= until:
                    raise
            else:
                seconds = settings.DATABASE_STATEMENT_SECONDS
                return connection.limited(seconds + ANSWER_MARGIN_SECONDS if seconds else None)
