"""A customer for one test: tenant, key, money, a channel of its own, and an HTTP client."""

import itertools
import os
from dataclasses import dataclass
from typing import Any

import requests

from billing import books, ledger, money, tenants, tokens
from billing.models import Entry, GroupRatio, PriceBook, Tenant, Token, Wallet
from channels import credentials, states
from channels.models import Channel
from relay.models import Attempt, Callback, CallbackAttempt, Task
from tests.stack import Stack, wait_until

TERMINAL = ("SUCCESS", "FAILURE", "CANCEL")
_numbers = itertools.count(1)


@dataclass
class Account:
    stack: Stack
    tenant: Tenant
    token: Token
    key: str
    channel: Channel

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def request(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        """Any call with this account's key."""
        headers = self.headers | kwargs.pop("headers", {})
        kwargs.setdefault("timeout", 30)
        return requests.request(method, self.stack.url + path, headers=headers, **kwargs)

    def imagine(self, prompt: str = "a lighthouse", **fields: Any) -> requests.Response:
        return self.request("POST", "/mj/submit/imagine", json={"prompt": prompt, **fields})

    def draw(self, prompt: str = "a lighthouse", **fields: Any) -> str:
        """An accepted imagine: the task's id."""
        answer = self.imagine(prompt, **fields)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["result"])

    def fetch(self, task_id: str) -> dict[str, Any]:
        answer = self.request("GET", f"/mj/task/{task_id}/fetch")
        assert answer.status_code == 200, answer.text
        task: dict[str, Any] = answer.json()
        return task

    def finish(self, task_id: str, *, seconds: float = 20) -> dict[str, Any]:
        """The task once it has ended."""

        def ended() -> dict[str, Any] | None:
            task = self.fetch(task_id)
            return task if task["status"] in TERMINAL else None

        task: dict[str, Any] = wait_until(ended, seconds=seconds, what=f"the end of {task_id}")
        return task

    @property
    def wallet(self) -> Wallet:
        return Wallet.objects.live(self.tenant.pk)

    @property
    def funds(self) -> tuple[str, str]:
        """(balance, held) as people read them."""
        return money.text(self.wallet.balance), money.text(self.wallet.held)

    def entries(self, reference: str | None = None) -> list[tuple[str, str, str]]:
        """(kind, change of the balance, change of the held money), oldest first."""
        rows = Entry.objects.filter(wallet=self.wallet).order_by("id")
        if reference is not None:
            rows = rows.filter(reference=reference)
        return [(row.kind, money.text(row.amount), money.text(row.held)) for row in rows]

    @property
    def written(self) -> dict[str, int]:
        """How many rows there are of this tenant: what a refused request must not change."""
        tasks = Task.objects.filter(tenant=self.tenant)
        return {
            "tasks": tasks.count(),
            "entries": Entry.objects.filter(wallet=self.wallet).count(),
            "attempts": Attempt.objects.filter(task__in=tasks).count(),
            "callbacks": Callback.objects.filter(tenant=self.tenant).count(),
        }

    @property
    def last_task(self) -> Task:
        """The newest row, also of a submit whose id nobody was told."""
        return Task.objects.filter(tenant=self.tenant).latest("id")

    def attempts(self, task_id: str | int) -> list[str]:
        """How each attempt at a task ended, in their order."""
        rows = Attempt.objects.filter(task=int(task_id)).order_by("number")
        return [row.outcome for row in rows]

    def callback(self, task_id: str | int) -> Callback:
        """The final message about a task."""
        return Callback.objects.get(task=int(task_id), is_final=True)

    def tries(self, task_id: str | int) -> list[CallbackAttempt]:
        """The tries to deliver the final message, oldest first."""
        rows = CallbackAttempt.objects.filter(callback__task=int(task_id), callback__is_final=True)
        return list(rows.order_by("number"))

    def give_secret(self, secret: str) -> None:
        """Its channel sends this to the upstream."""
        credentials.add(self.channel, name="main", secret=secret, actor="test")

    def awaken(self) -> None:
        """Its channel is as before it was full, was out of order, or refused our credential."""
        states.set_state(self.channel.pk, Channel.State.ENABLED, actor="test")

    def new_key(self, *, budget: str | None = None) -> "Account":
        """The same tenant with another key."""
        token, key = tokens.make(tenant=self.tenant, name="another")
        if budget is not None:
            Token.objects.filter(pk=token.pk).update(budget=money.to_micro(budget))
        return Account(self.stack, self.tenant, token, key, self.channel)


def open_account(stack: Stack, *, funds: str = "100", channel_url: str = "") -> Account:
    """A tenant in a group of its own, so that only its own channel serves it."""
    tenant, token, key = open_tenant(funds=funds)
    channel = open_channel(stack, group=tenant.name, url=channel_url)
    return Account(stack, tenant, token, key, channel)


def open_tenant(*, funds: str = "100") -> tuple[Tenant, Token, str]:
    """A tenant in a group of its own, with one key."""
    name = f"tenant-{os.getpid()}-{next(_numbers)}"
    tenant = tenants.create(name=name, group=name)
    token, key = tokens.make(tenant=tenant, name="main")
    if funds != "0":
        ledger.topup(
            tenant_id=tenant.pk, amount=money.to_micro(funds), reference=name, actor="test"
        )
    return tenant, token, key


def open_channel(stack: Stack, *, group: str, url: str = "", **fields: Any) -> Channel:
    return Channel.objects.create(
        name=f"channel-{os.getpid()}-{next(_numbers)}",
        kind=Channel.Kind.MIDJOURNEY_PROXY,
        base_url=url or f"{stack.sandbox_url}/midjourney-proxy",
        groups=[group],
        **fields,
    )


def set_ratio(account: Account, ratio: str) -> None:
    """A new price book in which the tenant's group has this ratio, in force at once."""
    book = books.draft(origin=PriceBook.objects.in_force(), actor="test")
    group = account.tenant.group
    GroupRatio.objects.update_or_create(book=book, group=group, defaults={"ratio": ratio})
    books.release(book, actor="test")
