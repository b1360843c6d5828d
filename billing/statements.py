"""Read-only sums over money: what a key can spend, and a tenant's account for a period."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from billing import carrying, usage
from billing.errors import EntriesGone
from billing.models import Entry, Tenant, Token, Wallet
from billing.periods import Period
from common import sql

ENTRIES_PER_PAGE = 5_000
# An entry's time is that of its statement, its place in the ledger that of the wallet's lock: one
# that had to wait may be older than those before it, never by as much as this.
_LONGEST_WAIT = timedelta(days=1)


class Funds(NamedTuple):
    """What a key can still spend and what it has used (captured and held), micro-units."""

    left: int
    used: int


def funds(*, wallet_id: int, token_id: int) -> Funds:
    """The key's own budget counts where it has one, else the wallet does."""
    token = Token.objects.get(pk=token_id)
    left = Wallet.objects.get(pk=wallet_id).available
    used = token.spent + token.held
    if token.budget is not None:
        left = min(left, token.budget - used)
    return Funds(left=max(left, 0), used=used)


@dataclass(frozen=True)
class Sums:
    """Entries added up. `amount` is the change of the balance, `held` of the held money; both in
    micro-units."""

    number: int = 0
    amount: int = 0
    held: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(self.number + other.number, self.amount + other.amount, self.held + other.held)


@dataclass(frozen=True)
class Line:
    """The entries of one kind, key, action (by its price name) and mode."""

    kind: str
    token_id: int | None
    price_name: str
    mode: str
    sums: Sums


@dataclass(frozen=True)
class Drawn:
    """What was drawn by one key, or of one action and mode, and what became of it."""

    name: str
    mode: str
    captured: Sums
    refunded: Sums
    released: Sums

    @property
    def net(self) -> int:
        """What it changed the balance by: the captures less what was given back."""
        return self.captured.amount + self.refunded.amount


@dataclass(frozen=True)
class Statement:
    """A tenant's account for a period; all that it shows are sums of the same lines."""

    tenant: str
    period: Period
    made_at: datetime
    opening_balance: int
    opening_held: int
    lines: tuple[Line, ...]
    key_names: dict[int, str]

    @property
    def is_final(self) -> bool:
        """The period was over when the statement was made."""
        return self.made_at >= self.period.ended

    @property
    def total(self) -> Sums:
        return _added(self.lines)

    @property
    def closing_balance(self) -> int:
        return self.opening_balance + self.total.amount

    @property
    def closing_held(self) -> int:
        return self.opening_held + self.total.held

    @property
    def kinds(self) -> dict[str, Sums]:
        """Each kind of entry, also one of which there was none."""
        return {
            kind: _added(line for line in self.lines if line.kind == kind)
            for kind in Entry.Kind.values
        }

    @property
    def by_key(self) -> list[Drawn]:
        """By name; keys that drew nothing in the period are not in it."""
        groups: dict[Any, list[Line]] = {}
        for line in self.lines:
            if line.token_id is not None:
                groups.setdefault(line.token_id, []).append(line)
        keys = [_drawn(self.key_names[key], "", lines) for key, lines in groups.items()]
        return sorted(keys, key=lambda key: key.name)

    @property
    def by_action(self) -> list[Drawn]:
        """By price name and mode."""
        groups: dict[Any, list[Line]] = {}
        for line in self.lines:
            if line.token_id is not None:
                groups.setdefault((line.price_name, line.mode), []).append(line)
        return [_drawn(name, mode, lines) for (name, mode), lines in sorted(groups.items())]

    @property
    def drawn(self) -> Drawn:
        """All keys and actions together."""
        return _drawn("", "", [line for line in self.lines if line.token_id is not None])


def _drawn(name: str, mode: str, lines: list[Line]) -> Drawn:
    captured, refunded, released = (
        _added(line for line in lines if line.kind == kind)
        for kind in (Entry.Kind.CAPTURE, Entry.Kind.REFUND, Entry.Kind.RELEASE)
    )
    return Drawn(name, mode, captured, refunded, released)


def _added(lines: Iterable[Line]) -> Sums:
    return sum((line.sums for line in lines), Sums())


_STATEMENT = f"""
WITH chosen AS (SELECT %(wallet)s::bigint AS wallet_id), {usage.USAGE}
SELECT kind, token_id, price_name, mode,
       coalesce(sum(number) FILTER (WHERE day >= %(first)s), 0)::int AS number,
       coalesce(sum(amount) FILTER (WHERE day >= %(first)s), 0)::bigint AS amount,
       coalesce(sum(held) FILTER (WHERE day >= %(first)s), 0)::bigint AS held,
       coalesce(sum(amount) FILTER (WHERE day < %(first)s), 0)::bigint AS amount_before,
       coalesce(sum(held) FILTER (WHERE day < %(first)s), 0)::bigint AS held_before
FROM usage WHERE day <= %(last)s
GROUP BY kind, token_id, price_name, mode
ORDER BY kind, price_name, mode, token_id
"""  # noqa: S608  the parts are constants


def statement(*, tenant_id: int, period: Period) -> Statement:
    """The account of the tenant's real money. Raises Tenant.DoesNotExist."""
    tenant = Tenant.objects.get(pk=tenant_id)
    wallet = Wallet.objects.live(tenant_id)
    made_at = timezone.now()
    params = {"wallet": wallet.pk, "first": period.first, "last": period.last}
    rows = sql.read_all(_STATEMENT, params)
    lines = tuple(
        Line(
            row.kind, row.token_id, row.price_name, row.mode, Sums(row.number, row.amount, row.held)
        )
        for row in rows
        if row.number
    )
    return Statement(
        tenant=tenant.name,
        period=period,
        made_at=made_at,
        opening_balance=sum(row.amount_before for row in rows),
        opening_held=sum(row.held_before for row in rows),
        lines=lines,
        key_names=_key_names({line.token_id for line in lines if line.token_id is not None}),
    )


def _key_names(token_ids: set[int]) -> dict[int, str]:
    return {token.pk: str(token) for token in Token.objects.filter(pk__in=token_ids)}


# -- Line by line ----------------------------------------------------------------------------------

_PAGE = """
SELECT entry.id, entry.created_at, entry.kind, entry.reference, token.name AS key_name,
       token.prefix AS key_prefix, entry.price_name, entry.mode, entry.amount, entry.held,
       entry.balance_after, entry.held_after, entry.memo
FROM billing_entry entry LEFT JOIN billing_token token ON token.id = entry.token_id
WHERE entry.wallet_id = %(wallet)s AND entry.id > %(after)s AND entry.id <= %(up_to)s
ORDER BY entry.id LIMIT %(limit)s
"""
# The index knows ids only; as they rise with time, the place is found by halving.
_PLACE = """
WITH RECURSIVE half (low, high) AS (
    SELECT 0::bigint, coalesce(max(id), 0) FROM billing_entry WHERE wallet_id = %(wallet)s
    UNION ALL
    SELECT CASE WHEN probe.created_at < %(moment)s THEN probe.id ELSE low END,
           CASE WHEN probe.created_at < %(moment)s THEN high ELSE (low + high + 1) / 2 - 1 END
    FROM half CROSS JOIN LATERAL (
        SELECT id, created_at FROM billing_entry
        WHERE wallet_id = %(wallet)s AND id >= (low + high + 1) / 2 ORDER BY id LIMIT 1
    ) probe
    WHERE low < high
)
SELECT max(low) AS id FROM half
"""


def entries(*, tenant_id: int, period: Period) -> Iterator[Any]:
    """The entries of the tenant's real money, oldest first: rows of _PAGE. One page is in memory,
    and whoever reads slowly keeps no connection. What is booked meanwhile is not in it. Raises
    EntriesGone, also when they go while they are read."""
    _check_kept(period)
    return _entries(Wallet.objects.live(tenant_id).pk, period)


def _check_kept(period: Period) -> None:
    dropped = carrying.dropped_until()
    if dropped is not None and period.first <= dropped:
        raise EntriesGone(dropped)


def _entries(wallet_id: int, period: Period) -> Iterator[Any]:
    began, ended = period.began, period.ended
    after, up_to = places(wallet_id, began, ended)
    params = {"wallet": wallet_id, "up_to": up_to, "limit": ENTRIES_PER_PAGE}
    while page := sql.read_all(_PAGE, params | {"after": after}):
        _check_kept(period)
        if not connection.in_atomic_block:
            sql.release_connection()
        yield from (row for row in page if began <= row.created_at < ended)
        after = page[-1].id


def places(
    wallet_id: int, began: datetime | None, ended: datetime | None
) -> tuple[int | None, int | None]:
    """The entries of a time lie behind the first id and up to the second one; others may, too. None
    where it has no such end."""
    after = None if began is None else _place(wallet_id, began, -_LONGEST_WAIT)
    return after, None if ended is None else _place(wallet_id, ended, _LONGEST_WAIT)


def _place(wallet_id: int, moment: datetime, wait: timedelta) -> int:
    """The id of the wallet's last entry before a moment and what one may have waited."""
    with suppress(OverflowError):
        moment += wait
    return int(sql.fetch_one(_PLACE, {"wallet": wallet_id, "moment": moment}).id)
