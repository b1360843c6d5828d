"""Two tenants with one of everything, and people of every role, for tests that go over all pages.

Whatever a page of the first tenant must never show has the word `SECRET` in it.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver
from django.utils import timezone
from django.utils.text import slugify

from billing import codes, invitations, ledger, management_keys, money, tokens
from billing.models import (
    Announcement,
    LowBalance,
    Member,
    Notice,
    PriceBook,
    RedemptionCode,
    StaffMember,
    Tenant,
    TopUp,
)
from channels import credentials
from channels.adapters.base import Update
from common import audit
from common.audit import Author
from console import urls
from console.accounts import acting
from relay import lifecycle
from relay.messages import hooks
from relay.messages.posting import Delivery
from relay.models import Attempt, Callback, Hook, Task
from tests import kept
from tests.accounts import Account, open_account, open_channel
from tests.api.v1.desk import unique
from tests.api.v1.people import new_user
from tests.console.prices_desk import draft, signed_in
from tests.faults.place import accept, begin
from tests.stack import Stack

HOSTILE = "<script>alert(1)</script>\"'&\N{RIGHT-TO-LEFT OVERRIDE}x"
SECRET = "of-the-other-tenant"
PROMPT_CHARS = 4096
STAFF = ("operator", "support", "site-finance")
MEMBERS = ("owner", "admin", "finance", "developer", "viewer")
# Neither of the tenant nor of the staff: nobody signed in, somebody new, the other tenant's owner.
STRANGERS = ("nobody", "stranger", "outsider")
# An operator who looks at the tenant's console as its owner does.
ACTING = "acting"
PEOPLE = (*STRANGERS, *MEMBERS, *STAFF, ACTING)


class Owned:
    """A tenant with one of everything that a tenant may have. `mark` stands in all its texts."""

    def __init__(self, folder: Path, mark: str = "") -> None:
        self.mark = mark
        self.account: Account = open_account(Stack(folder=folder, env={}, drawing_seconds=1))
        self.tenant = tenant = self.account.tenant
        Tenant.objects.filter(pk=tenant.pk).update(name=unique(f"{tenant.name} {mark}"[:80]))
        word = slugify(mark)
        self.key = tokens.make(tenant=tenant, name=unique(f"key {mark}"))[0]
        self.task = self._drawn(f"a lighthouse {mark} {'very ' * 800}"[:PROMPT_CHARS])
        self.callback = self._message()
        self.hook = self._failing()
        self.member = Member.objects.create(
            tenant=tenant, user=new_user(first_name=mark), role="viewer"
        )
        self.invitation = invitations.invite(
            tenant=tenant, email=f"new@{word}.example", role="viewer", actor="test",
            by_site=False,
        )[0]  # fmt: skip
        self.robot = management_keys.make(tenant=tenant, name=f"robot {mark}", role="viewer")[0]
        self.order = self._order()
        LowBalance.objects.create(tenant=tenant, amount=5_000_000)
        Notice.objects.create(
            tenant=tenant, kind="balance.low", subject=f"low {mark}", text=f"low {mark}"
        )
        reference = unique(f"top up {mark}")
        ledger.topup(tenant_id=tenant.pk, amount=money.to_micro("1"), reference=reference,
                     actor="test", memo=f"paid {mark}")  # fmt: skip
        author = Author(f"somebody {mark}", audit.Kind.PERSON)
        audit.record(author, "patch key", kind="key", pk=self.key.pk, tenant_id=tenant.pk,
                     after={"name": f"key {mark}"})  # fmt: skip

    def _drawn(self, prompt: str) -> Task:
        task_id = begin(self.account, prompt)
        accept(task_id, unique("up"))
        task = Task.objects.select_related("token", "parent").get(pk=task_id)
        lifecycle.apply(task, Update(upstream_id=task.upstream_id, status="SUCCESS",
                                     image_url="https://upstream.example/picture.png"))  # fmt: skip
        return Task.objects.get(pk=task_id)

    def _message(self) -> Callback:
        return Callback.objects.create(
            tenant=self.tenant, sequence=1, url=f"https://receiver.example/{quote(self.mark)}",
            body=json.dumps({"id": str(self.task.pk), "prompt": self.mark}), task_id=self.task.pk,
            state="given_up", due_at=None, is_final=True, tries=1,
        )  # fmt: skip

    def _failing(self) -> Hook:
        url = f"https://dead.example/{quote(self.mark)}"
        hooks.note(self.tenant.pk, url, Delivery(410, "", 1))
        return Hook.objects.get(tenant=self.tenant, url=url)

    def _order(self) -> TopUp:
        return TopUp.objects.create(
            number=f"c0ffee{self.tenant.pk:08x}", tenant=self.tenant, provider="stripe",
            state="disputed", note=f"less {self.mark}", amount=1_000_000, pay_amount=100,
            pay_currency="USD",
        )  # fmt: skip

    @cached_property
    def ids(self) -> dict[str, Any]:
        return {
            "tenant_id": self.tenant.pk,
            "key_id": self.key.pk,
            "task_id": self.task.pk,
            "callback_id": self.callback.pk,
            "hook_id": self.hook.pk,
            "member_id": self.member.pk,
            "invitation_id": self.invitation.pk,
            "management-key_id": self.robot.pk,
            "order_id": self.order.pk,
            "number": self.order.number,
        }


class Town:
    """The site with both tenants, and a browser for each of PEOPLE."""

    def __init__(self, folder: Path) -> None:
        self.own, self.other = Owned(folder, HOSTILE), Owned(folder, SECRET)
        # What may be decided, deleted, and gone back to.
        self.lost = begin(self.own.account, "where is it?")
        Attempt.objects.filter(task=self.lost).update(outcome=Attempt.Outcome.UNKNOWN)
        batch, _ = codes.make(
            name=unique("spring"), count=1, amount=1_000_000, expires_at=None, actor="test"
        )
        channel = self.own.account.channel
        news = Announcement.objects.create(title="news", created_by="test")
        colleague = StaffMember.objects.create(user=new_user(), role="support")
        invited, _ = invitations.invite(
            tenant=None, email="staff@own.example", role="support", actor="test", by_site=True
        )
        robot, _ = management_keys.make(tenant=None, name="robot", role="support")
        self.site_ids = {
            "channel_id": channel.pk,
            "credential_id": credentials.add(
                channel, name="main", secret="sesame", actor="test"
            ).pk,
            "batch_id": batch.pk,
            "code_id": RedemptionCode.objects.get(batch=batch).pk,
            "book_id": draft().pk,
            "announcement_id": news.pk,
            "staff_id": colleague.pk,
            "invitation_id": invited.pk,
            "key_id": robot.pk,
        }  # fmt: skip
        self.spare = open_channel(self.own.account.stack, group="nobody's")
        self.in_force = PriceBook.objects.exclude(published_at=None).latest("pk").pk
        self.stranger = new_user()
        # Has lost the telephone.
        self.careless = new_user()
        TOTP.activate(self.careless, generate_totp_secret())
        self.clients = {name: self._client(name) for name in PEOPLE}

    def _client(self, name: str) -> Client:
        if name == "nobody":
            return Client()
        user = self.stranger if name == "stranger" else new_user()
        if name in MEMBERS:
            Member.objects.create(user=user, tenant=self.own.tenant, role=name)
        elif name == "outsider":
            Member.objects.create(user=user, tenant=self.other.tenant, role="owner")
        elif name != "stranger":
            role = "operator" if name == ACTING else name.removeprefix("site-")
            StaffMember.objects.create(user=user, role=role)
        client = signed_in(user)
        if name == ACTING:
            boss = Member.objects.create(user=new_user(), tenant=self.own.tenant, role="owner")
            session = client.session
            until = timezone.now().timestamp() + acting.ACTING_SECONDS
            session[acting.SESSION_KEY] = {"member": boss.pk, "until": until}
            session.save()
        return client


PLAIN = {"field": "priority", "state": "draining", "group": "site", "name": "site_name"}


@dataclass(frozen=True)
class Place:
    """One page: its name in console/urls.py, and its address with the names of its ids."""

    name: str
    route: str

    @property
    def is_of_tenant(self) -> bool:
        return "<int:tenant_id>" in self.route

    def address(self, ids: dict[str, Any]) -> str:
        parts = []
        for part in self.route.split("<"):
            converter, closed, rest = part.rpartition(">")
            name = converter.rpartition(":")[2]
            parts.append(f"{ids[name]}{rest}" if closed else part)
        return "/console/" + "".join(parts)


def places() -> list[Place]:
    """Every page of the console."""
    return list(_walk(urls.urlpatterns, ""))


def _walk(patterns: Any, before: str) -> Iterator[Place]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield Place(str(pattern.name), route)


def ids_for(town: Town, place: Place, owned: Owned | None = None) -> dict[str, Any]:
    """What exists, for each id in the address. With `owned`, the things of that tenant."""
    ids = PLAIN | town.site_ids | {
        name: value
        for name, value in (owned or town.own).ids.items()
        if place.is_of_tenant or name not in ("key_id", "invitation_id")
    }  # fmt: skip
    if place.is_of_tenant:
        ids["tenant_id"] = town.own.tenant.pk
        if "management-key" in place.name:
            ids["key_id"] = (owned or town.own).robot.pk
    return ids | {
        "book-new-api": {"name": "ModelPrice"},
        "settle-task": {"task_id": town.lost},
        "delete-channel": {"channel_id": town.spare.pk},
        "roll-back-book": {"book_id": town.in_force},
    }.get(place.name, {})


@contextmanager
def taken_back() -> Iterator[list[str]]:
    """Nothing of what happens within stays. Yields what has been written, statement by statement,
    without the marks that sessions keep of their use."""
    written: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        text = str(sql).lstrip().upper()
        if text.startswith(("INSERT", "UPDATE", "DELETE")) and "SESSION" not in text[:60]:
            written.append(str(sql))
        return execute(sql, params, many, context)

    with transaction.atomic():
        with connection.execute_wrapper(note):
            yield written
        transaction.set_rollback(True)
    kept.forget()
