"""Entries of every kind in a random mix, and other days for them than today."""

import itertools
import random
from collections.abc import Sequence
from datetime import date

from django.db import connection

from billing import ledger
from billing.models import Wallet
from tests.accounts import Account
from tests.ledger import hold

NAMES = ("mj_imagine", "mj_upscale", "mj_video", "swap_face")
MODES = ("fast", "relax", "turbo", "")
CHANNELS = (7, 8, 9)
_numbers = itertools.count(1)


def wild(accounts: Sequence[Account], *, steps: int, dice: random.Random) -> None:
    """`steps` drawings and bookings; some drawings are still under way at the end."""
    for _ in range(steps):
        account = dice.choice(accounts)
        match dice.random():
            case x if x < 0.08:
                top_up(account, dice.randrange(1, 5_000_000))
            case x if x < 0.14:
                adjust(account, dice.choice((-1, 1)) * dice.randrange(1, 50_000))
            case _:
                draw(account, dice=dice)


def draw(account: Account, *, dice: random.Random) -> None:
    price = dice.randrange(0, 200_000)
    reference = hold(account, price=price, price_name=dice.choice(NAMES), mode=dice.choice(MODES))
    end = dice.random()
    if end < 0.1:
        return
    if end < 0.3:
        ledger.release(reference=reference)
        return
    paid = dice.choice((price, price // 2))
    cost = dice.choice((None, price // 3))
    ledger.capture(reference=reference, amount=paid, channel=dice.choice(CHANNELS), cost=cost)
    if paid > 1 and end > 0.8:
        for part in (paid // 2, None)[: dice.randrange(1, 3)]:
            ledger.refund(reference=reference, amount=part, actor="test", memo="by a test")


def top_up(account: Account, amount: int) -> None:
    reference = f"{account.tenant.name}+{next(_numbers)}"
    ledger.topup(tenant_id=account.tenant.pk, amount=amount, reference=reference, actor="test")


def adjust(account: Account, amount: int) -> None:
    reference = f"{account.tenant.name}~{next(_numbers)}"
    ledger.adjust(
        tenant_id=account.tenant.pk, amount=amount, reference=reference, actor="test", memo="why"
    )


def spread(wallet: Wallet, *, first: date, last: date, after: int = 0) -> None:
    """The wallet's entries (those with an id after that one) happened from the first day to the
    last (UTC), in their order: the first one at the first moment, the last one at the last."""
    with connection.cursor() as cursor:
        # The ledger's triggers refuse it; the setting lasts as long as the transaction.
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            """
            UPDATE billing_entry SET created_at = place.moment
            FROM (
                SELECT id, %(first)s::timestamp AT TIME ZONE 'UTC' + (interval '1 day' * %(days)s
                       - interval '1 microsecond') * (row_number() OVER (ORDER BY id) - 1)
                       / greatest(count(*) OVER () - 1, 1) AS moment
                FROM billing_entry WHERE wallet_id = %(wallet)s AND id > %(after)s
            ) place WHERE place.id = billing_entry.id
            """,
            {"first": first, "days": (last - first).days + 1, "wallet": wallet.pk, "after": after},
        )
        cursor.execute("SET LOCAL session_replication_role = origin")
