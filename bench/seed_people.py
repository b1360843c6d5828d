"""Who is there before the first task: tenants with keys and wallets, prices, channels."""

import secrets

from django.contrib.auth import get_user_model
from django.utils import timezone

from billing import books, tokens
from billing.models import (
    Announcement,
    Group,
    Member,
    PriceRule,
    Role,
    Tenant,
    Token,
    Wallet,
)
from billing.tenants import make_webhook_secret
from channels.models import Channel, CostRule, Credential
from relay import actions

PRICE = 100_000
RELAX_PRICE = 50_000
COST = 60_000
GROUPS = ("default", "vip")
KEYS = ("main", "shop", "test")


def make(*, tenants: int, channels: int) -> str:
    """Returns a live key of the first tenant."""
    _publish_prices()
    _open_channels(channels)
    return _open_tenants(tenants)


def _publish_prices() -> None:
    book = books.draft(origin=None, actor="bench")
    names = actions.all_price_names()
    rules = [PriceRule(book=book, name=name, mode="", amount=PRICE) for name in names]
    rules += [PriceRule(book=book, name=name, mode="relax", amount=RELAX_PRICE) for name in names]
    PriceRule.objects.bulk_create(rules)
    books.release(book, actor="bench")
    books.draft(origin=book, actor="bench")
    Announcement.objects.create(title="maintenance", text="On Sunday.", created_by="bench")


def _open_channels(number: int) -> None:
    for place in range(number + 1):
        is_test = place == number
        channel = Channel.objects.create(
            name="sandbox" if is_test else f"upstream-{place + 1}",
            kind=Channel.Kind.MIDJOURNEY_PROXY,
            base_url="http://127.0.0.1:9/midjourney-proxy",
            state=Channel.State.DISABLED,
            is_test=is_test,
        )
        Credential.objects.create(channel=channel, name="second", secret="bench", is_active=False)
        # What the last one takes is not known.
        if place < number - 1 or number == 1:
            CostRule.objects.create(channel=channel, name="*", mode="", amount=COST)


def _open_tenants(number: int) -> str:
    groups = [Group.objects.get_or_create(name=name)[0] for name in GROUPS]
    now = timezone.now()
    rows = Tenant.objects.bulk_create(
        Tenant(
            name=f"tenant {place + 1:05}",
            group=groups[place % 10 == 0],
            webhook_secret=make_webhook_secret(),
            created_at=now,
        )
        for place in range(number)
    )
    Wallet.objects.bulk_create(
        Wallet(tenant=tenant, is_test=is_test) for tenant in rows for is_test in (False, True)
    )
    first, keys = "", []
    for tenant in rows:
        for name in KEYS:
            head = tokens.TEST_PREFIX if name == "test" else tokens.KEY_PREFIX
            key = head + secrets.token_hex(tokens.KEY_LENGTH // 2)
            first = first or key
            keys.append(_token(tenant, name, key))
    Token.objects.bulk_create(keys, batch_size=1000)
    _let_in_people(rows)
    return first


def _let_in_people(tenants: list[Tenant]) -> None:
    """An owner for each; nobody can sign in as one."""
    users = get_user_model()._default_manager.bulk_create(
        get_user_model()(username=f"owner{tenant.pk}", email=f"owner{tenant.pk}@example.com")
        for tenant in tenants
    )
    Member.objects.bulk_create(
        Member(user=user, tenant=tenant, role=Role.OWNER)
        for user, tenant in zip(users, tenants, strict=True)
    )


def _token(tenant: Tenant, name: str, key: str) -> Token:
    return Token(
        tenant=tenant,
        name=name,
        is_test=name == "test",
        prefix=tokens.shown(key),
        digest=tokens.digest(key),
    )
