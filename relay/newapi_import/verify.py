"""Proves, from what is in the database now, that the import is right. Raises ImportRefused."""

from datetime import datetime

from django.db.models import Sum

from billing import tokens
from billing.models import Entry, Wallet
from common import money, sql
from relay.newapi_import import here
from relay.newapi_import.errors import ImportRefused
from relay.newapi_import.plan import Plan
from relay.newapi_import.users import NewTenant

SHOWN = 5


def check(plan: Plan) -> int:
    """What the wallets of the imported tenants hold together, micro-units."""
    users = plan.users.new
    found = here.look(label=plan.choices.label, user_ids=[user.user_id for user in users]).tenants
    total = _balances(users, found)
    if total != plan.users.money.micro:
        raise ImportRefused(
            f"the wallets hold {money.text(total)}, but {money.text(plan.users.money.micro)} "
            "were to be brought along"
        )
    # Half a micro-unit for each user is all that rounding may make.
    if abs(plan.users.money.rounding) * 2 > len(users):
        raise ImportRefused("rounding has moved more than half a micro-unit for each user")
    _keys(plan, plan.tenants | found)
    return total


def _balances(users: list[NewTenant], tenants: dict[int, int]) -> int:
    wallets = Wallet.objects.filter(tenant_id__in=tenants.values(), is_test=False)
    balances = dict(wallets.values_list("tenant_id", "balance"))
    entries = Entry.objects.filter(wallet__in=wallets).values_list("wallet__tenant_id")
    booked = dict(entries.annotate(Sum("amount")))
    wrong = [
        user.user_id
        for user in users
        if balances.get(tenants.get(user.user_id, 0)) != user.balance
        or booked.get(tenants[user.user_id]) != user.balance
    ]
    if wrong:
        raise ImportRefused(
            f"{len(wrong)} wallets do not hold what was brought along: user {_some(wrong)}"
        )
    return sum(balances.values())


def _keys(plan: Plan, tenants: dict[int, int]) -> None:
    """Every key opens its own tenant's door, or none when it is to be shut."""
    now: datetime = sql.fetch_one("SELECT now() AS now").now
    shut_users = {user.user_id for user in plan.users.new if not user.is_active}
    callers = tokens.authenticate_all([key.typed for key in plan.keys.new])
    wrong = [
        key.token_id
        for key, caller in zip(plan.keys.new, callers, strict=True)
        if (caller.tenant_id if caller else None)
        != (
            None
            if not key.is_active
            or (key.expires_at is not None and key.expires_at <= now)
            or key.user_id in shut_users
            else tenants[key.user_id]
        )
    ]
    if wrong:
        raise ImportRefused(f"{len(wrong)} keys do not work as they should: key {_some(wrong)}")


def _some(ids: list[int]) -> str:
    more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    return ", ".join(map(str, ids[:SHOWN])) + more
