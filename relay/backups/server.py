"""What PostgreSQL's programs are told of the server: where it is, and the password where no list of
processes shows it."""

import os
from typing import Any, cast

from django.conf import settings
from django.db import connection
from psycopg import pq
from psycopg.conninfo import make_conninfo

from common import sql
from common.postgres.base import DatabaseWrapper
from relay.backups.errors import Refused

_KNOWN = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
_NAMES = {"NAME": "dbname", "USER": "user", "HOST": "host", "PORT": "port"}


def begin() -> None:
    """From now on this process has one connection. Raises Refused where a pooler stands between."""
    if settings.DATABASE_POOLER:
        raise Refused(
            "DATABASE_URL leads to a pooler (DATABASE_POOLER): name PostgreSQL itself for this "
            "command, and DATABASE_POOLER=false"
        )
    if connection.settings_dict["OPTIONS"].get("pool"):
        connection.close()
        cast("DatabaseWrapper", connection).close_pool()
        connection.settings_dict["OPTIONS"].pop("pool")


def major() -> int:
    return int(sql.fetch_one("SHOW server_version_num").server_version_num) // 10_000


def address() -> str:
    """libpq's words for DATABASE_URL, without the password."""
    settings_dict = connection.settings_dict
    given: dict[str, Any] = {
        word: str(settings_dict[name]) for name, word in _NAMES.items() if settings_dict[name]
    }
    options = settings_dict["OPTIONS"]
    given |= {name: value for name, value in options.items() if name in _KNOWN}
    given.pop("password", None)
    return make_conninfo("", **given)


def environment() -> dict[str, str]:
    password = connection.settings_dict["PASSWORD"]
    return {**os.environ, "LC_ALL": "C"} | ({"PGPASSWORD": password} if password else {})
