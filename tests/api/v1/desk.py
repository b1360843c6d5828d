"""The management API as tests call it: with a key of each role, every answer held against what
openapi.json says of it."""

import itertools
import os
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import requests

from billing import management_keys
from billing.models import Role, StaffRole, Tenant
from relay.api.v1 import schema
from tests.accounts import Account, open_account
from tests.stack import Stack

JSON = "application/json"
DOCUMENT = schema.document()
PREFIX = "/api/v1/"
TENANT_ROLES = tuple(Role.values)
SITE_ROLES = tuple(StaffRole.values)
_numbers = itertools.count(1)


def unique(word: str) -> str:
    """A name that nothing in this test run has yet."""
    return f"{word}-{os.getpid()}-{next(_numbers)}"


@dataclass(frozen=True)
class Key:
    """A management key, and whom it speaks for."""

    stack: Stack
    key: str
    id: int
    session: requests.Session = field(default_factory=requests.Session, repr=False)

    def ask(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        """Any call; its answer is as openapi.json describes it."""
        headers = {"Authorization": f"Bearer {self.key}"} | kwargs.pop("headers", {})
        kwargs.setdefault("timeout", 30)
        address = self.stack.url + PREFIX + path
        answer = self.session.request(method, address, headers=headers, **kwargs)
        check(method, path, answer)
        return answer

    def get(self, path: str, **query: Any) -> Any:
        return self._good("GET", path, params=query)

    def post(self, path: str, **body: Any) -> Any:
        return self._good("POST", path, json=body)

    def patch(self, path: str, **body: Any) -> Any:
        return self._good("PATCH", path, json=body)

    def put(self, path: str, **body: Any) -> Any:
        return self._good("PUT", path, json=body)

    def delete(self, path: str) -> None:
        self._good("DELETE", path)

    def _good(self, method: str, path: str, **kwargs: Any) -> Any:
        answer = self.ask(method, path, **kwargs)
        assert answer.status_code < 300, answer.text
        is_json = answer.headers.get("Content-Type") == JSON
        return answer.json() if is_json and answer.content else answer.content


@dataclass(frozen=True)
class Desk:
    """A tenant with one management key for each role, and the same of the site."""

    account: Account
    roles: dict[str, Key]
    site: dict[str, Key]

    @property
    def owner(self) -> Key:
        return self.roles[Role.OWNER]

    @property
    def operator(self) -> Key:
        return self.site[StaffRole.OPERATOR]

    @property
    def tenant(self) -> Tenant:
        return self.account.tenant

    @property
    def base(self) -> str:
        """Where the site's keys find this tenant."""
        return f"tenants/{self.tenant.pk}/"


def open_desk(stack: Stack, **fields: Any) -> Desk:
    account = open_account(stack, **fields)
    return Desk(
        account,
        {role: new_key(stack, role, account.tenant) for role in TENANT_ROLES},
        {role: new_key(stack, role) for role in SITE_ROLES},
    )


def new_key(stack: Stack, role: str, tenant: Tenant | None = None) -> Key:
    row, key = management_keys.make(tenant=tenant, name=role, role=role)
    return Key(stack, key, row.pk)


def check(method: str, path: str, answer: requests.Response) -> None:
    """Raises jsonschema.ValidationError, or AssertionError for what is not described at all."""
    found = template(path)
    if found is None or method.lower() not in DOCUMENT["paths"][found]:
        assert answer.status_code in (404, 405), answer.text
        return
    described = DOCUMENT["paths"][found][method.lower()]["responses"]
    row = described.get(str(answer.status_code))
    assert row is not None, f"{method} {path}: {answer.status_code} is not described: {answer.text}"
    if "$ref" in row:
        row = DOCUMENT["components"]["responses"][row["$ref"].rsplit("/", 1)[1]]
    if not row.get("content"):
        assert not answer.content
        return
    media_type = answer.headers["Content-Type"].partition(";")[0]
    assert media_type in row["content"], media_type
    if media_type == JSON and "$ref" in row["content"][JSON].get("schema", {}):
        validator(row["content"][JSON]["schema"]["$ref"]).validate(answer.json())


@cache
def validator(reference: str) -> Any:
    whole = {"components": DOCUMENT["components"], "$ref": reference}
    return jsonschema.Draft202012Validator(whole)


def template(path: str) -> str | None:
    """The path in openapi.json that this address is one of."""
    address = PREFIX + path.partition("?")[0]
    for pattern, found in _patterns():
        if pattern.fullmatch(address):
            return found
    return None


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple(
        (re.compile(re.sub(r"\\{\w+\\}", "[0-9]+", re.escape(path))), path)
        for path in DOCUMENT["paths"]
    )


def operations() -> list[tuple[str, str]]:
    """(method, path below /api/v1/) of every route."""
    return [
        (method.upper(), path.removeprefix(PREFIX))
        for path, methods in DOCUMENT["paths"].items()
        for method in methods
    ]
