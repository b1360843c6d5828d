"""Tenants, keys, prices and channels of the chaos: different in everything that can differ."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from billing import books, drafts, ledger, tenants, tokens
from billing.drafts import Rule
from billing.models import Group, GroupRatio, Tenant
from channels.models import Channel, CostRule, Credential
from tests.faults.chaos.plan import KEYS, ROLES

# Micro-units by price name and mode. The verdict reckons with this table, not with the product's.
PRICES = {
    "mj_imagine": {"fast": 100_000, "relax": 60_000, "turbo": 200_000},
    "mj_describe": {"fast": 50_000, "relax": 30_000, "turbo": 80_000},
    "mj_shorten": {"fast": 20_000, "relax": 10_000, "turbo": 40_000},
    "mj_upscale": {"fast": 50_000, "relax": 30_000, "turbo": 100_000},
    "mj_variation": {"fast": 100_000, "relax": 60_000, "turbo": 200_000},
    "mj_reroll": {"fast": 100_000, "relax": 60_000, "turbo": 200_000},
    "mj_modal": {"fast": 120_000, "relax": 80_000, "turbo": 240_000},
}
# What a group pays of these prices, in percent.
GROUPS = {"chaos-full": 100, "chaos-half": 50, "chaos-gold": 120}
RICH, POOR = 100_000_000, 300_000
BUDGET = 1_000_000
# The number of a channel.
FOR_SOME = 5


@dataclass
class Customer:
    """A tenant as its client knows it. `paid_in`: micro-units that an operator has booked."""

    tenant: Tenant
    group: str
    keys: dict[str, str] = field(default_factory=dict)
    paid_in: int = 0

    def price(self, name: str, mode: str) -> int:
        return PRICES[name][mode] * GROUPS[self.group] // 100


def open_shop(number: int) -> list[Customer]:
    """Groups, prices, and so many customers."""
    ids = {name: Group.objects.get_or_create(name=name)[0].pk for name in GROUPS}
    book = books.draft(origin=None, actor="chaos")
    for name, by_mode in PRICES.items():
        for mode, amount in by_mode.items():
            drafts.set_rule(book, Rule(name, amount, mode))
    for name, percent in GROUPS.items():
        ratio = Decimal(percent) / 100
        GroupRatio.objects.create(book=book, group_id=ids[name], ratio=ratio)
    books.release(book, actor="chaos")
    return [_customer(n) for n in range(number)]


def _customer(number: int) -> Customer:
    group = list(GROUPS)[number % len(GROUPS)]
    tenant = tenants.create(name=f"chaos-{number}", group=group)
    # Every fourth begins with very little, and lives from what is topped up meanwhile.
    money = POOR if number % 4 == 3 else RICH
    ledger.topup(tenant_id=tenant.pk, amount=money, reference=tenant.name, actor="chaos")
    customer = Customer(tenant, group, paid_in=money)
    for name in KEYS:
        customer.keys[name] = _key(tenant, name)
    return customer


def _key(tenant: Tenant, name: str) -> str:
    fields: dict[str, dict[str, object]] = {
        "cost": {"policy": "cost"},
        "stability": {"policy": "stability"},
        "budget": {"budget": BUDGET},
        "queue": {"rpm": 30, "concurrency": 5, "queue_seconds": 5},
        "test": {"is_test": True},
    }
    return tokens.make(tenant=tenant, name=name, **fields.get(name, {}))[1]  # type: ignore[arg-type]


def open_channel(*, name: str, kind: str, url: str, number: int, is_test: bool) -> Channel:
    """Those in trouble are the cheapest ones, so that the cost policy runs into them. One of the
    others is for some only, and comes first for them."""
    is_for_some = number == FOR_SOME and not is_test
    channel = Channel.objects.create(
        name=name,
        kind=kind,
        base_url=url,
        is_test=is_test,
        weight=1 if name in ROLES else 2,
        groups=["chaos-gold"] if is_for_some else [],
        priority=5 if is_for_some else 0,
    )
    for secret in ("first", "second")[: number % 3]:
        Credential.objects.create(channel=channel, name=secret, secret=f"{name} {secret}")
    CostRule.objects.create(channel=channel, name="mj_*", amount=10_000 + 1_000 * number)
    return channel


def by_id(customers: Iterable[Customer]) -> dict[int, Customer]:
    return {customer.tenant.pk: customer for customer in customers}
