"""Django's cache, in a table of PostgreSQL.

Only accounts use it: how often somebody has tried to sign in, and which one-time codes are used
up. That must hold in all processes and when Redis is lost; and nothing may be thrown out of it for
want of room, as Django's own database cache does, or a flood of made-up names would free the one
that is being guessed at. Without the database nobody signs in anyway.
"""

import json
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache

from common import sql

_KEPT = "expires_at > clock_timestamp()"
_EXPIRES = "CASE WHEN %(seconds)s::float8 IS NULL THEN 'infinity'::timestamptz ELSE " \
    "clock_timestamp() + make_interval(secs => %(seconds)s::float8) END"  # fmt: skip
_SET = f"""
INSERT INTO console_shared AS had (key, value, expires_at)
VALUES (%(key)s, %(value)s::jsonb, {_EXPIRES})
ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
"""  # noqa: S608
_ADD = _SET + "WHERE had.expires_at <= clock_timestamp()"
_GET = f"SELECT value::text AS value FROM console_shared WHERE key = %(key)s AND {_KEPT}"  # noqa: S608
_TOUCH = f"UPDATE console_shared SET expires_at = {_EXPIRES} WHERE key = %(key)s AND {_KEPT}"  # noqa: S608
_DELETE = "DELETE FROM console_shared WHERE key = %(key)s"
_SWEEP = "DELETE FROM console_shared WHERE expires_at <= clock_timestamp()"


class PostgresCache(BaseCache):
    """Values are what JSON knows."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def add(
        self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None
    ) -> bool:
        return sql.execute(_ADD, self._params(key, timeout, version, value)) == 1

    def set(
        self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None
    ) -> None:
        sql.execute(_SET, self._params(key, timeout, version, value))

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        row = sql.fetch_one(_GET, {"key": self._key(key, version)})
        return default if row is None else json.loads(row.value)

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> bool:
        return sql.execute(_TOUCH, self._params(key, timeout, version)) == 1

    def delete(self, key: Any, version: Any = None) -> bool:
        return sql.execute(_DELETE, {"key": self._key(key, version)}) == 1

    def clear(self) -> None:
        sql.execute("DELETE FROM console_shared")

    def _key(self, key: Any, version: Any) -> str:
        return self.make_and_validate_key(key, version=version)

    def _params(self, key: Any, timeout: Any, version: Any, value: Any = None) -> dict[str, Any]:
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return {"key": self._key(key, version), "value": json.dumps(value), "seconds": seconds}


def sweep() -> None:
    sql.execute(_SWEEP)
