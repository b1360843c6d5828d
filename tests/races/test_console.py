"""The same form sent by several at once: what it does is done once, and nobody sees a failure."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from billing import codes, invitations, money
from billing.models import Entry, Member, StaffMember, Wallet
from common import sql
from tests.accounts import open_tenant
from tests.api.v1.people import new_user
from tests.console.prices_desk import signed_in
from tests.races.together import together

TWINS = 6

pytestmark = pytest.mark.usefixtures("own_database_url")


@pytest.fixture
def operator() -> Any:
    user = new_user()
    StaffMember.objects.create(user=user, role="operator")
    return user


def sent(user: Any, path: str, body: dict[str, Any]) -> Callable[[], int]:
    client: Client = signed_in(user)
    return lambda: int(client.post(path, body).status_code)


def test_money_that_is_booked_by_several_at_once_under_one_number_is_booked_once(
    operator: Any,
) -> None:
    tenant, _, _ = open_tenant(funds="0")
    body = {"amount": "5", "memo": "paid", "reference": "invoice-1"}
    path = f"/console/tenants/{tenant.pk}/entries/top-up/"
    answers = together([sent(operator, path, body) for _ in range(TWINS)])
    assert set(answers) == {302}
    assert Entry.objects.filter(wallet__tenant=tenant).count() == 1
    assert Wallet.objects.live(tenant.pk).balance == money.to_micro("5")


def test_a_code_that_is_redeemed_by_several_at_once_pays_one() -> None:
    _, (code,) = codes.make(name="one", count=1, amount=1_000_000, expires_at=None, actor="test")
    calls, owners = [], []
    for _ in range(TWINS):
        tenant, _, _ = open_tenant(funds="0")
        user = new_user()
        Member.objects.create(tenant=tenant, user=user, role="owner")
        path = f"/console/tenants/{tenant.pk}/top-up/code/"
        calls.append(sent(user, path, {"code": code}))
        owners.append(tenant.pk)
    answers = together(calls)
    assert sorted(answers) == [200] * (TWINS - 1) + [302]
    assert Entry.objects.filter(wallet__tenant__in=owners).count() == 1


def test_owners_who_demote_each_other_at_once_leave_one() -> None:
    tenant, _, _ = open_tenant()
    users = [new_user(), new_user()]
    rows = [Member.objects.create(tenant=tenant, user=user, role="owner") for user in users]
    place = f"/console/tenants/{tenant.pk}/members/"
    calls = [
        sent(user, f"{place}{other.pk}/role/", {"role": "viewer"})
        for user, other in zip(users, reversed(rows), strict=True)
    ]
    answers = together(calls)
    assert 302 in answers
    assert all(answer < 500 for answer in answers)
    assert Member.objects.filter(tenant=tenant, role="owner").count() == 1


def test_two_invitations_accepted_at_once_make_one_member() -> None:
    tenant, _, _ = open_tenant()
    user = get_user_model()._default_manager.get(pk=new_user().pk)
    calls = []
    for role in ("viewer", "admin"):
        _, link = invitations.invite(
            tenant=tenant, email=f"{role}@new.example", role=role, actor="test", by_site=True
        )
        client = signed_in(user)
        client.get(f"/console/account/invitation/{link.rstrip('/').rpartition('/')[2]}/")
        calls.append(lambda at=client: at.post("/console/account/invitation/accept/").status_code)
    answers = together(calls)
    assert sorted(answers) == [200, 302]
    assert Member.objects.filter(tenant=tenant, user=user).count() == 1


def test_keys_changed_by_two_at_once_keep_both_changes(operator: Any) -> None:
    tenant, token, _ = open_tenant()
    path = f"/console/tenants/{tenant.pk}/keys/{token.pk}/change/"
    page = signed_in(operator).get(path).content.decode()
    assert "initial-name" in page
    was = {"name": token.name, "initial-name": token.name, "rpm": "", "initial-rpm": ""}
    answers = together(
        [
            sent(operator, path, was | {"name": "renamed"}),
            sent(operator, path, was | {"rpm": "7"}),
        ]
    )
    assert set(answers) == {302}
    row = sql.fetch_one("SELECT name, rpm FROM billing_token WHERE id = %(id)s", {"id": token.pk})
    assert (row.name, row.rpm) == ("renamed", 7)
