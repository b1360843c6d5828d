"""Bodies, paths and methods that nobody means well with: each is refused, none is a crash."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from billing import books
from billing.models import Announcement, PriceBook
from channels.models import Channel
from common import site
from tests.api.shapes import assert_every_answer, assert_refused
from tests.api.v1.desk import DOCUMENT, PREFIX, Desk, operations, unique
from tests.prices import PRICES

WRITES = [
    (method, path)
    for method, path in operations()
    if method in ("POST", "PUT", "PATCH")
    and "requestBody" in DOCUMENT["paths"][PREFIX + path][method.lower()]
    and not path.startswith("tenants/{tenant_id}/")
]
VALUES: list[Any] = [
    None, True, 0, -1, 10**18, 10**40, 1.5, 1e308, "", " ", "\x00", "a\x00b", "\u202e", "%", "'",
    "x" * 5000, "9" * 5000, "NaN", "Infinity", "-0", "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59", [], [[]], [None], {}, {"a": {"b": []}}, [{"name": []}],
    ["\x00"], ["x" * 5000], [10**40],
]  # fmt: skip
NOWHERE = "http://x.example"
# What else a body needs to get as far as the field in question.
GOOD: dict[str, dict[str, Any]] = {
    "POST keys": {"name": "x"},
    "POST top-ups": {"provider": "stripe", "amount": "10.00"},
    "POST drawings": {"key_id": 1, "kind": "imagine"},
    "POST drawings/{task_id}/action": {"key_id": 1},
    "POST drawings/{task_id}/modal": {"key_id": 1},
    "POST members": {"person": "nobody", "role": "viewer"},
    "POST management-keys": {"name": "x", "role": "viewer"},
    "POST invitations": {"email": "x@x.example", "role": "viewer"},
    "POST password-links": {"person": "nobody"},
    "POST second-factor-removals": {"person": "nobody", "reason": "x"},
    "POST staff": {"person": "nobody", "role": "support"},
    "POST staff/invitations": {"email": "x@x.example", "role": "support"},
    "POST tenants": {"name": "{unique}"},
    "POST site-announcements": {"title": "x"},
    "POST channels/{channel_id}/clone": {"name": "{unique}"},
    "POST tasks/{task_id}/settle": {"outcome": "failed", "memo": "x"},
    "POST price-books/{book_id}/rules": {"name": "mj_pan", "amount": "1.00"},
    "POST price-books/{book_id}/ratios": {"group": "{group}", "ratio": "1.1"},
    "PATCH price-books/{book_id}/lines": {
        "rules": [{"name": "mj_pan", "before": None, "after": "1.00"}]
    },
    "POST channels": {"name": "{unique}", "kind": "trueai", "base_url": NOWHERE},
    "POST code-batches": {"name": "x", "count": 1, "amount": "1.00"},
}
RAW = [
    b"", b"{", b"[]", b"null", b"7", b'"x"', b"\xff\xfe", b'{"name": "\xed\xa0\x80"}',
    b'{"name": "\\ud800"}', b"{" * 5000, b'{"a":' * 3000 + b"1" + b"}" * 3000,
    b"name=x&role=owner", b'{"name": NaN}', b'{"name": 1e999}',
]  # fmt: skip


def _fields(method: str, path: str) -> list[str]:
    body = DOCUMENT["paths"][PREFIX + path][method.lower()]["requestBody"]
    name = body["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
    return list(DOCUMENT["components"]["schemas"][name]["properties"])


def _filled(body: dict[str, Any], desk: Desk) -> dict[str, Any]:
    words = {"{unique}": unique("hostile"), "{group}": desk.tenant.group.name}
    return {name: words.get(str(value), value) for name, value in body.items()}


def _ask(desk: Desk, method: str, path: str, **kwargs: Any) -> requests.Response:
    """To whoever may do it. Rows of a path are there as far as the tenant has any."""
    ids = {
        "{key_id}": desk.account.token.pk,
        "{channel_id}": desk.account.channel.pk,
        "{tenant_id}": desk.tenant.pk,
        "{member_id}": 999999999,
    }
    for name, pk in ids.items():
        path = path.replace(name, str(pk))
    if "{book_id}" in path:
        path = path.replace("{book_id}", str(_draft(desk)))
    while "{" in path:
        path = path.replace(path[path.index("{") : path.index("}") + 1], "999999999")
    site = path.split("/")[0] in SITE or path.endswith(("settle", "dismiss"))
    key = desk.operator if site else desk.owner
    answer = key.ask(method, path, **kwargs)
    assert_every_answer(answer)
    assert answer.status_code < 500, answer.text
    return answer


def _draft(desk: Desk) -> int:
    """The newest draft; hostile values publish some."""
    newest = PriceBook.objects.filter(published_at=None).order_by("pk").last()
    return int(newest.pk if newest else desk.operator.post("price-books")["id"])


@pytest.fixture(autouse=True, scope="module")
def usual_site(database: str) -> Iterator[None]:
    """As other tests expect it, also where a hostile value was taken for a good one."""
    yield
    books.publish_json(PRICES, memo="tests")
    Channel.objects.filter(base_url=NOWHERE).delete()
    Announcement.objects.all().delete()
    site.change(dict.fromkeys(site.SETTINGS, None), actor="test")


SITE = {
    "tenants", "groups", "price-books", "channels", "code-batches", "staff", "settings",
    "site-announcements",
}  # fmt: skip


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_no_value_of_any_field_is_a_crash(desk: Desk, method: str, path: str) -> None:
    funds = desk.account.funds
    for field in _fields(method, path):
        for value in VALUES:
            body = _filled(GOOD.get(f"{method} {path}", {}), desk) | {field: value}
            _ask(desk, method, path, json=body)
    assert desk.account.funds == funds
    # It may serve every group by now.
    Channel.objects.filter(pk=desk.account.channel.pk).update(state=Channel.State.DISABLED)


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_what_is_no_json_object_is_refused(shared_desk: Desk, method: str, path: str) -> None:
    for data in RAW:
        answer = _ask(shared_desk, method, path, data=data)
        if data:
            assert answer.status_code in (400, 403, 404), (data, answer.text)


@pytest.mark.parametrize("number", ["0", "9" * 19, "9" * 40, "9" * 3900, "-1", "1.0", "x", "%00"])
def test_no_number_in_an_address_is_a_crash(shared_desk: Desk, number: str) -> None:
    for key, path in (
        (shared_desk.owner, f"keys/{number}"),
        (shared_desk.owner, f"tasks/{number}"),
        (shared_desk.operator, f"tenants/{number}/wallet"),
        (shared_desk.operator, f"price-books/{number}/rules"),
    ):
        answer = key.ask("GET", path)
        assert answer.status_code in (400, 404), answer.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "BREW"])
def test_a_method_that_a_route_does_not_have_is_refused(shared_desk: Desk, method: str) -> None:
    answer = shared_desk.owner.ask(method, "wallet")
    assert answer.status_code in (405, 501), answer.text


def test_an_address_that_is_not_there_is_refused_like_all_else(shared_desk: Desk) -> None:
    for path in ("nothing", "keys/1/nothing", "tenants/1/2/3", ""):
        assert_refused(shared_desk.operator.ask("GET", path), 404, "not_found")
