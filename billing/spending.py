"""What wallets have spent lately: for lists of many of them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from billing import usage
from common import sql

DAYS = 30

# The days that are rolled up, and the few entries that are not yet (as billing/figures.py).
_SPENT = f"""
SELECT wallet_id, sum(revenue - refunded)::bigint AS net FROM (
    SELECT wallet_id, revenue, refunded FROM billing_usagetotal
    WHERE wallet_id = ANY(%(wallets)s) AND day >= (%(since)s AT TIME ZONE 'UTC')::date
    UNION ALL
    SELECT wallet_id, revenue, refunded FROM (
        SELECT entry.wallet_id, {usage.OUTCOME_OF_ENTRY}
        FROM unnest(%(wallets)s::bigint[]) AS chosen (wallet_id)
        LEFT JOIN billing_usagemark mark USING (wallet_id)
        CROSS JOIN LATERAL (
            SELECT * FROM billing_entry
            WHERE wallet_id = chosen.wallet_id AND id > coalesce(mark.entry_id, 0) OFFSET 0
        ) entry
        WHERE entry.kind IN {usage.OF_DRAWINGS} AND entry.created_at >= %(since)s
    ) news
) line
GROUP BY wallet_id
"""  # noqa: S608  the parts are constants


def net(wallet_ids: Sequence[int], *, days: int = DAYS) -> dict[int, int]:
    """Paid less refunded of today and the days before it (UTC), in micro-units, by wallet; nothing
    of those without any."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    params = {"wallets": list(wallet_ids), "since": midnight - timedelta(days=days - 1)}
    return {row.wallet_id: row.net for row in sql.read_all(_SPENT, params)}
