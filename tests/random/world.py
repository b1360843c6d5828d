"""The customers, channels, codes and prices of the random test."""

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import requests

from billing import books, codes, ledger, tenants, tokens
from billing.models import GroupRatio, PriceRule, Tenant, Token
from channels.models import Channel
from relay.models import Task
from tests.accounts import Account
from tests.faults.place import Place
from tests.random.shadow import Prices, Ratios, Shadow

KIND = Channel.Kind
BASES: dict[str, str] = {
    KIND.MIDJOURNEY_PROXY: "/midjourney-proxy",
    KIND.TRUEAI: "/trueai",
    KIND.NEWAPI: "/newapi",
}
# Name, kinds of its channels, money, limits of all its keys together.
CUSTOMERS: list[tuple[str, list[str], int, dict[str, int]]] = [
    ("rich", [KIND.MIDJOURNEY_PROXY, KIND.MIDJOURNEY_PROXY], 10_000_000_000, {}),
    ("wide", [KIND.TRUEAI], 10_000_000_000, {}),
    ("poor", [KIND.MIDJOURNEY_PROXY], 2_000_000, {}),
    ("narrow", [KIND.TRUEAI], 50_000_000, {"concurrency": 8, "queue_seconds": 1}),
    ("relay", [KIND.NEWAPI], 50_000_000, {"rpm": 600}),
]
# Each customer's keys, and what they may. The last one is disabled and rotated.
KEYS: dict[str, dict[str, Any]] = {
    "main": {},
    "bounded": {"budget": 6_000_000, "day_budget": 3_000_000, "month_budget": 4_000_000},
    "slim": {"concurrency": 3, "week_budget": 3_000_000},
    "test": {"is_test": True},
    "spare": {},
}
CODES, CODE_AMOUNT = 60, 250_000
IMAGINE = "mj_imagine"
PRICES: Prices = {
    (IMAGINE, ""): 100_000, (IMAGINE, "relax"): 60_000, ("mj_upscale", ""): 50_000,
    ("mj_variation", ""): 100_000, ("mj_reroll", ""): 100_000, ("mj_modal", ""): 100_000,
    ("mj_zoom", ""): 100_000, ("mj_upload", ""): 50_000,
}  # fmt: skip


@dataclass
class Key:
    name: str
    token: Token
    secret: str
    # Held by whoever disables or rotates it.
    lock: Lock = field(default_factory=Lock)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}


@dataclass
class Customer:
    name: str
    tenant: Tenant
    keys: list[Key]
    channels: list[Channel]
    # A finished upscale, where the upstream's upscales have buttons: its id and its zoom button.
    single: tuple[str, str] | None = None

    @property
    def kind(self) -> str:
        return self.channels[0].kind


@dataclass
class World:
    place: Place
    shadow: Shadow
    customers: list[Customer] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    # Held by whoever publishes prices: one after the other, so that we know which was in force.
    prices_lock: Lock = field(default_factory=Lock)
    # How often each kind of operation was done, and what came of it.
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def url(self) -> str:
        return self.place.stack.url

    def count(self, kind: str, outcome: str) -> None:
        with self.shadow.lock:
            self.outcomes[kind, outcome] += 1

    def next_number(self) -> int:
        return next(self._numbers)

    def post(
        self, path: str, key: Key, body: Any = None, *, seconds: float = 20, **headers: str
    ) -> requests.Response:
        """Raises requests.RequestException when there is no answer."""
        return requests.post(
            self.url + path, json=body, headers=key.headers | headers, timeout=seconds
        )

    def publish(self, prices: Prices, ratios: Ratios) -> None:
        with self.prices_lock, self.shadow.publishing(prices, ratios) as published:
            book = books.draft(origin=None, actor="test")
            PriceRule.objects.bulk_create(
                PriceRule(book=book, name=name, mode=mode, amount=amount)
                for (name, mode), amount in prices.items()
            )
            groups = {customer.name: customer.tenant.group for customer in self.customers}
            GroupRatio.objects.bulk_create(
                GroupRatio(book=book, group=groups[name], ratio=ratio)
                for name, ratio in ratios.items()
            )
            published.append(books.release(book, actor="test"))


def open_world(place: Place) -> World:
    world = World(place, Shadow())
    # Where the test keys of all customers draw.
    _open_channel(world, KIND.MIDJOURNEY_PROXY, is_test=True)
    for name, kinds, funds, limits in CUSTOMERS:
        world.customers.append(_open_customer(world, name, kinds, funds, limits))
    world.publish(PRICES, {})
    for customer in world.customers:
        if customer.kind == KIND.TRUEAI:
            customer.single = _draw_single(world, customer)
    _, world.codes = codes.make(
        name="random", count=CODES, amount=CODE_AMOUNT, expires_at=None, actor="test"
    )
    return world


def _open_customer(
    world: World, name: str, kinds: list[str], funds: int, limits: dict[str, int]
) -> Customer:
    tenant = tenants.create(name=name, group=name)
    Tenant.objects.filter(pk=tenant.pk).update(**limits)
    ledger.topup(tenant_id=tenant.pk, amount=funds, reference=f"first of {name}", actor="test")
    world.shadow.top_up(tenant.pk, f"first of {name}", funds)
    keys = [Key(key, *tokens.make(tenant=tenant, name=key, **may)) for key, may in KEYS.items()]
    channels = [_open_channel(world, kind, groups=[name]) for kind in kinds]
    return Customer(name, tenant, keys, channels)


def _open_channel(world: World, kind: str, **fields: Any) -> Channel:
    return Channel.objects.create(
        name=f"channel {world.next_number()}",
        kind=kind,
        base_url=world.place.stack.sandbox_url + BASES[kind],
        **fields,
    )


def _draw_single(world: World, customer: Customer) -> tuple[str, str]:
    key = customer.keys[0]
    account = Account(
        world.place.stack, customer.tenant, key.token, key.secret, customer.channels[0]
    )
    grid = account.finish(account.draw("the first"))["id"]
    body = {"taskId": grid, "action": "UPSCALE", "index": 1}
    single = account.finish(world.post("/mj/submit/change", key, body).json()["result"])
    ids = [button["customId"] for button in single["buttons"]]
    return single["id"], next(found for found in ids if found.startswith("MJ::CustomZoom::"))


def newest(customer: Customer, pick: int, **fields: Any) -> Task | None:
    """One of the customer's newest tasks."""
    tasks = list(Task.objects.filter(tenant=customer.tenant, **fields).order_by("-id")[:40])
    return tasks[pick % len(tasks)] if tasks else None
