"""Who asks in the bench: tenants with a key and money each, prices, and channels.

Every limit is there and asked, and none is in the way.
"""

import secrets
from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection

from bench import upstream
from billing import books, ledger, tenants, tokens
from billing.models import Group, Tenant, Token
from billing.money import UNIT
from channels.models import Channel

PRICES = '{"mj_imagine": 0.1}'
FUNDS = 1_000_000 * UNIT
BUDGET = FUNDS
# A minute's submits, and tasks under way.
NO_LIMIT = 100_000_000


class Customer(NamedTuple):
    key: str
    token_id: int
    wallet_id: int


def publish_prices() -> None:
    books.publish_json(PRICES, memo="bench")


def open_tenants(group: str, number: int) -> list[Customer]:
    """So many, each with a wallet and a key of its own; their ids rise one by one."""
    group_id = Group.objects.get_or_create(name=group)[0].pk
    made = tenants.create_many({f"{group} {place:06}": group_id for place in range(number)})
    rows = list(made.values())
    Tenant.objects.filter(group_id=group_id).update(rpm=NO_LIMIT, concurrency=NO_LIMIT)
    found = _make_keys(rows)
    for row in rows:
        ledger.topup(tenant_id=row.pk, amount=FUNDS, reference=f"bench-{row.pk}", actor="bench")
    return found


def open_channel(
    group: str, port: int, *, answer_seconds: float, drawing_seconds: float
) -> Channel:
    """At the fake upstream, for the tenants of that group."""
    base = upstream.BASE.format(answer_seconds=answer_seconds, drawing_seconds=drawing_seconds)
    return Channel.objects.create(
        name=group,
        kind=Channel.Kind.MIDJOURNEY_PROXY,
        base_url=f"http://127.0.0.1:{port}{base}",
        groups=[group],
    )


def analyze() -> None:
    """As a database that has been there for a while."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _make_keys(rows: Sequence[Tenant]) -> list[Customer]:
    keys = [tokens.KEY_PREFIX + secrets.token_hex(tokens.KEY_LENGTH // 2) for _ in rows]
    made = Token.objects.bulk_create(
        Token(
            tenant=tenant,
            name="bench",
            prefix=tokens.shown(key),
            digest=tokens.digest(key),
            rpm=NO_LIMIT,
            concurrency=NO_LIMIT,
            budget=BUDGET,
            day_budget=BUDGET,
            month_budget=BUDGET,
        )
        for tenant, key in zip(rows, keys, strict=True)
    )
    # bench/floors.py takes a tenant by chance from the first one's ids on.
    wallets = dict(Tenant.objects.filter(wallet__is_test=False).values_list("id", "wallet"))
    return [
        Customer(key, token.pk, wallets[tenant.pk])
        for tenant, key, token in zip(rows, keys, made, strict=True)
    ]
