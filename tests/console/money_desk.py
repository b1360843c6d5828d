"""Somebody at the pages about money, without a browser: everything is rolled back."""

import re
from html import unescape
from typing import Any

from django.test import Client

from billing import ledger, money
from billing.models import Member, StaffMember, StaffRole
from tests.accounts import Account
from tests.api.v1.people import new_user
from tests.console.prices_desk import signed_in
from tests.ledger import hold

HOSTILE = "<script>alert(1)</script> \N{RIGHT-TO-LEFT OVERRIDE}"


def of_staff(role: str = StaffRole.OPERATOR) -> Client:
    user = new_user()
    StaffMember.objects.create(user=user, role=role)
    return signed_in(user)


def of_tenant(account: Account, role: str = "owner") -> Client:
    user = new_user()
    Member.objects.create(user=user, tenant=account.tenant, role=role)
    return signed_in(user)


def place(account: Account, rest: str = "") -> str:
    return f"/console/tenants/{account.tenant.pk}/{rest}"


def draw(
    account: Account, *, amount: str = "0.10", cost: str | None = "0.02", **fields: Any
) -> str:
    """A drawing that is paid; its reference."""
    reference = hold(account, price=money.to_micro(amount), **fields)
    ledger.capture(
        reference=reference,
        amount=money.to_micro(amount),
        channel=account.channel.pk,
        cost=None if cost is None else money.to_micro(cost),
    )
    return reference


def text(answer: Any) -> str:
    """What stands on the page, without its markup."""
    body = answer.content.decode()
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)))


def balance(account: Account) -> str:
    return money.text(account.wallet.balance)
