"""A person with a browser, without one: Django's test client on the real database."""

import itertools
import os
import re
import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

from billing import tenants
from billing.models import Member, Role, StaffMember, StaffRole, Tenant

PASSWORD = secrets.token_urlsafe(12)
LOGIN = "/console/account/login/"
_numbers = itertools.count(1)


def unique(word: str) -> str:
    return f"{word}-of-accounts-{os.getpid()}-{next(_numbers)}"


class Visitor(Client):
    """Comes from an address of its own, so that nobody's wrong tries count for anybody else."""

    def __init__(self, address: str = "", **fields: Any) -> None:
        number = next(_numbers)
        pid = os.getpid()
        # (allauth counts the first 64 bits of an IPv6 address, so the number belongs there.)
        own = f"2001:{pid & 0xFFFF:x}:{number >> 16:x}:{number & 0xFFFF:x}::1"
        super().__init__(REMOTE_ADDR=address or own, **fields)

    def sign_in(self, name: str, password: str = PASSWORD, **more: str) -> Any:
        return self.post(LOGIN, {"login": name, "password": password, **more})

    @property
    def is_in(self) -> bool:
        return "_auth_user_id" in self.session


def person(**fields: Any) -> Any:
    """An account with PASSWORD."""
    name = fields.pop("username", unique("visitor"))
    mail = fields.pop("email", f"{name}@example.com")
    return get_user_model()._default_manager.create_user(name, mail, PASSWORD, **fields)


def member(tenant: Tenant | None = None, role: str = Role.OWNER) -> Member:
    tenant = tenant or tenants.create(name=unique("tenant"))
    return Member.objects.create(tenant=tenant, user=person(), role=role)


def staff(role: str = StaffRole.OPERATOR) -> Any:
    user = person()
    StaffMember.objects.create(user=user, role=role)
    return user


def signed_in(user: Any) -> Visitor:
    visitor = Visitor()
    answer = visitor.sign_in(user.get_username())
    assert answer.status_code == 302, answer.content.decode()
    return visitor


def stale(visitor: Visitor) -> None:
    """As if he had signed in long ago (but not too long)."""
    session = visitor.session
    back = settings.SIGN_IN_FRESH_SECONDS + 60
    for record in session["account_authentication_methods"]:
        record["at"] -= back
    session["_began"] -= back
    session.save()


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))
