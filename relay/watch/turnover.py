"""What all live wallets have together, and what has moved in them today: for /metrics."""

from typing import NamedTuple

from common import sql

_WALLETS = """
SELECT coalesce(sum(balance), 0)::bigint AS balance, coalesce(sum(held), 0)::bigint AS held
FROM billing_wallet WHERE NOT is_test
"""
# From the ledger added up by days, so it is as old as the last roll-up.
_TODAY = """
SELECT usage.kind,
       sum(abs(CASE usage.amount WHEN 0 THEN usage.held ELSE usage.amount END))::bigint AS amount
FROM billing_usageday usage JOIN billing_wallet wallet ON wallet.id = usage.wallet_id
WHERE usage.day = (now() AT TIME ZONE 'UTC')::date AND NOT wallet.is_test
GROUP BY usage.kind
"""


class Turnover(NamedTuple):
    """Micro-units; `today`: by the kind of entry, without a sign, the UTC day's."""

    balance: int
    held: int
    today: dict[str, int]


def read() -> Turnover:
    wallets = sql.fetch_one(_WALLETS)
    today = {row.kind: row.amount for row in sql.fetch_all(_TODAY)}
    return Turnover(wallets.balance, wallets.held, today)
