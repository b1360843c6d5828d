"""Databases as new-api and one-api make them, with the columns of their own tables."""

import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import bcrypt
import psycopg

PASSWORD = "correct horse"
# Cost 4 is the quickest there is; Go's default is 10.
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4, prefix=b"2a")).decode()

_USERS = """
    `id` {serial}, `username` {text}, `password` {text} NOT NULL, `display_name` {text},
    `role` {int} DEFAULT 1, `status` {int} DEFAULT 1, `email` {text}, `github_id` {text},
    `wechat_id` {text}, `access_token` char(32), `quota` {int} DEFAULT 0,
    `used_quota` {int} DEFAULT 0, `request_count` {int} DEFAULT 0,
    `group` varchar(64) DEFAULT 'default', `aff_code` varchar(32), `inviter_id` {int}
"""
_CHANNELS = """
    `id` {serial}, `type` {int} DEFAULT 0, `key` {text} NOT NULL, `status` {int} DEFAULT 1,
    `name` {text}, `weight` {int} DEFAULT 0, `created_time` bigint, `test_time` bigint,
    `response_time` {int}, `base_url` {text} DEFAULT '', `other` {text}, `balance` real,
    `balance_updated_time` bigint, `models` {text}, `group` varchar(64) DEFAULT 'default',
    `used_quota` bigint DEFAULT 0, `model_mapping` {text}, `priority` bigint DEFAULT 0
"""
_TOKENS = """
    `id` {serial}, `user_id` {int}, `key` {key}, `status` {int} DEFAULT 1, `name` {text},
    `created_time` bigint, `accessed_time` bigint, `expired_time` bigint DEFAULT -1,
    `remain_quota` {int} DEFAULT 0, `unlimited_quota` {bool}, `used_quota` {int} DEFAULT 0
"""
_OPTIONS = "`key` {text} PRIMARY KEY, `value` {text}"

ONE_API = {
    "users": _USERS,
    "tokens": _TOKENS + ", `models` {text}, `subnet` {text} DEFAULT ''",
    "channels": _CHANNELS + ", `config` {text}, `system_prompt` {text}",
    "options": _OPTIONS,
}
# April 2025.
NEW_API_2025 = {
    "users": _USERS
    + """, `oidc_id` {text}, `telegram_id` {text}, `linux_do_id` {text}, `aff_count` {int},
    `aff_quota` {int}, `aff_history` {int}, `deleted_at` {time}, `setting` {text}""",
    "tokens": _TOKENS
    + """, `model_limits_enabled` {bool}, `model_limits` varchar(1024) DEFAULT '',
    `allow_ips` {text} DEFAULT '', `group` {text} DEFAULT '', `deleted_at` {time}""",
    "channels": _CHANNELS
    + """, `open_ai_organization` {text}, `test_model` {text}, `status_code_mapping` {text},
    `auto_ban` {int} DEFAULT 1, `other_info` {text}, `tag` {text}, `setting` {text},
    `param_override` {text}""",
    "options": _OPTIONS,
}
# August 2026: what came since.
NEW_API = {
    "users": NEW_API_2025["users"]
    + """, `discord_id` {text}, `remark` varchar(255), `stripe_customer` varchar(64),
    `created_at` bigint, `last_login_at` bigint DEFAULT 0""",
    "tokens": NEW_API_2025["tokens"] + ", `cross_group_retry` {bool}, `auto_groups` {text}",
    "channels": NEW_API_2025["channels"]
    + ", `header_override` {text}, `remark` varchar(255), `channel_info` {json}, `settings` {text}",
    "options": _OPTIONS,
}
_SQLITE = {
    "serial": "integer PRIMARY KEY AUTOINCREMENT",
    "int": "integer",
    "text": "text",
    "key": "char(48) UNIQUE",
    "bool": "numeric",
    "time": "datetime",
    "json": "json",
}
_POSTGRES = _SQLITE | {
    "serial": "bigserial PRIMARY KEY",
    "int": "bigint",
    "key": "char(48) UNIQUE",
    "bool": "boolean",
    "time": "timestamptz",
}


class OldSite:
    """`address` is what `import_newapi` is given."""

    address: str

    def user(self, id: int, username: Any, **fields: Any) -> int:
        fields = {"password": HASH, "role": 1, "status": 1, "quota": 0} | fields
        self.insert("users", id=id, username=username, **fields)
        return id

    def token(self, id: int, user_id: int, key: Any, **fields: Any) -> None:
        fields = {"status": 1, "name": f"key {id}", "expired_time": -1} | fields
        fields.setdefault("unlimited_quota", True)
        self.insert("tokens", id=id, user_id=user_id, key=key, **fields)

    def channel(self, id: int, name: str, **fields: Any) -> None:
        fields = {"type": 2, "status": 1, "key": "secret", "group": "default"} | fields
        fields = {"base_url": "https://up.example", "models": "mj_imagine"} | fields
        self.insert("channels", id=id, name=name, **fields)

    def option(self, key: str, value: Any) -> None:
        self.insert("options", key=key, value=value)

    def insert(self, table: str, **fields: Any) -> None:
        raise NotImplementedError


class SqliteSite(OldSite):
    def __init__(self, path: Path, schema: dict[str, str] = NEW_API) -> None:
        self.address = str(path)
        self.connection = sqlite3.connect(path, isolation_level=None)
        for table, columns in schema.items():
            self.connection.execute(f"CREATE TABLE `{table}` ({columns.format(**_SQLITE)})")

    def insert(self, table: str, **fields: Any) -> None:
        names = ", ".join(f"`{name}`" for name in fields)
        marks = ", ".join("?" * len(fields))
        self.connection.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks})", [*fields.values()]
        )


class PostgresSite(OldSite):
    """A database of its own beside the test's."""

    def __init__(self, beside: str, schema: dict[str, str] = NEW_API) -> None:
        url = urlsplit(beside)
        self.beside = beside
        self.name = url.path.removeprefix("/") + "_old"
        self.address = urlunsplit(url._replace(path=f"/{self.name}"))
        self._on_the_server(
            f'DROP DATABASE IF EXISTS "{self.name}"', f'CREATE DATABASE "{self.name}"'
        )
        self.connection = psycopg.connect(self.address, autocommit=True)
        for table, columns in schema.items():
            quoted = columns.format(**_POSTGRES).replace("`", '"')
            self.connection.execute(f'CREATE TABLE "{table}" ({quoted})')

    def insert(self, table: str, **fields: Any) -> None:
        names = ", ".join(f'"{name}"' for name in fields)
        marks = ", ".join(["%s"] * len(fields))
        self.connection.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks})", [*fields.values()]
        )

    def drop(self) -> None:
        self.connection.close()
        self._on_the_server(f'DROP DATABASE "{self.name}"')

    def _on_the_server(self, *statements: str) -> None:
        with psycopg.connect(self.beside, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)
