"""How often one may ask the management API, and open pages of the console. (Wrong passwords:
tests/console/accounts/test_sign_in.py. Keys of the tenant API: tests/api/test_limits.py.)"""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from billing.models import Member, Tenant, Token
from tests.accounts import open_account
from tests.api.v1 import desk
from tests.api.v1.people import new_user
from tests.console.prices_desk import signed_in
from tests.stack import Stack

PER_MINUTE = 5


@pytest.fixture
def tenant(database: str, tmp_path: Path, settings: Any) -> Tenant:
    settings.MANAGEMENT_RPM = PER_MINUTE
    return open_account(Stack(folder=tmp_path, env={}, drawing_seconds=1)).tenant


def client(tenant: Tenant | None, role: str) -> Client:
    _, key = desk.management_keys.make(tenant=tenant, name=role, role=role)
    return Client(headers={"Authorization": f"Bearer {key}"})


def test_a_management_key_is_told_when_it_may_ask_again(tenant: Tenant) -> None:
    owner = client(tenant, "owner")
    for left in reversed(range(PER_MINUTE)):
        answer = owner.get("/api/v1/keys")
        assert answer.status_code == 200
        assert answer["X-RateLimit-Limit"] == str(PER_MINUTE)
        assert answer["X-RateLimit-Remaining"] == str(left)
    refused = owner.get("/api/v1/keys")
    assert refused.status_code == 429
    assert 1 <= int(refused["Retry-After"]) <= 61
    assert refused.json()["type"] == "rate_limited"
    assert "this management key may make 5 requests in 60 seconds" in refused.json()["message"]


def test_refused_requests_change_nothing(tenant: Tenant) -> None:
    owner = client(tenant, "owner")
    for _ in range(PER_MINUTE):
        assert owner.get("/api/v1/keys").status_code == 200
    body = {"name": "one more"}
    assert owner.post("/api/v1/keys", body, "application/json").status_code == 429
    assert not Token.objects.filter(tenant=tenant, name="one more").exists()


def test_keys_do_not_take_each_others_room(tenant: Tenant) -> None:
    first, second = client(tenant, "owner"), client(tenant, "viewer")
    while first.get("/api/v1/wallet").status_code != 429:
        pass
    assert second.get("/api/v1/wallet").status_code == 200


def test_zero_is_no_limit(tenant: Tenant, settings: Any) -> None:
    settings.MANAGEMENT_RPM = 0
    operator = client(None, "operator")
    answers = [operator.get("/api/v1/groups") for _ in range(PER_MINUTE + 2)]
    assert {answer.status_code for answer in answers} == {200}
    assert "X-RateLimit-Limit" not in answers[-1]


def test_people_are_limited_in_the_console(tenant: Tenant) -> None:
    user = new_user()
    Member.objects.create(tenant=tenant, user=user, role="owner")
    person = signed_in(user)
    page = f"/console/tenants/{tenant.pk}/keys/"
    answers = [person.get(page) for _ in range(PER_MINUTE + 1)]
    assert [answer.status_code for answer in answers] == [200] * PER_MINUTE + [429]
    assert int(answers[-1]["Retry-After"]) >= 1
    assert b"Too many at once" in answers[-1].content
