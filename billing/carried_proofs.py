"""Proofs over what stands in the stead of dropped entries (billing/carrying.py)."""

from common.proofs import Promise, Proof

# Up to its last carried entry a wallet has what was carried and, between it, what stays for ever.
_WALLETS = Proof(
    """billing_carriedwallet carried
       FULL JOIN (
           SELECT wallet_id, sum(amount) AS amount, sum(held) AS held
           FROM billing_carriedday GROUP BY wallet_id
       ) gone USING (wallet_id)
       LEFT JOIN (
           SELECT wallet_id, sum(amount) AS amount, sum(entry.held) AS held
           FROM billing_entry entry JOIN billing_carriedwallet last USING (wallet_id)
           WHERE entry.id <= last.last_id GROUP BY wallet_id
       ) stays USING (wallet_id)""",
    (
        Promise(
            "what was carried and what stayed is how a wallet stood after its last carried entry",
            """(coalesce(gone.amount, 0) + coalesce(stays.amount, 0),
                coalesce(gone.held, 0) + coalesce(stays.held, 0))
               IS DISTINCT FROM (carried.balance_after::numeric, carried.held_after::numeric)""",
            """'wallet %s after entry %s: balance %s, held %s; carried %s, %s; stayed %s, %s',
               wallet_id, carried.last_id, carried.balance_after, carried.held_after,
               coalesce(gone.amount, 0), coalesce(gone.held, 0), coalesce(stays.amount, 0),
               coalesce(stays.held, 0)""",
        ),
    ),
)
_WEEKS = Proof(
    """(SELECT coalesce(sum(number), 0) AS number, coalesce(sum(amount), 0) AS amount,
               coalesce(sum(held), 0) AS held, coalesce(sum(paid), 0) AS paid,
               coalesce(sum(holds), 0) AS holds
        FROM billing_carriedweek) week,
       (SELECT coalesce(sum(number), 0) AS number, coalesce(sum(amount), 0) AS amount,
               coalesce(sum(held) FILTER (WHERE kind = 'hold'), 0) AS held,
               coalesce(-sum(amount) FILTER (WHERE kind = 'capture'), 0) AS paid,
               coalesce(sum(number) FILTER (WHERE kind = 'hold'), 0) AS holds,
               coalesce(sum(held), 0) AS still_held
        FROM billing_carriedday) day""",
    (
        Promise(
            "carried weeks and carried days come to the same",
            """(week.number, week.amount, week.held, week.paid, week.holds)
               <> (day.number, day.amount, day.held, day.paid, day.holds)""",
            """'weeks: %s entries of %s, %s holds of %s, paid %s; days: %s of %s, %s of %s, %s',
               week.number, week.amount, week.holds, week.held, week.paid, day.number, day.amount,
               day.holds, day.held, day.paid""",
        ),
        Promise(
            "nothing that was carried is held any more",
            "day.still_held <> 0",
            "'carried days still hold %s', day.still_held",
        ),
    ),
)
_ONCE = Proof(
    """billing_carriedweek week CROSS JOIN LATERAL (
           SELECT (extract(epoch FROM week.monday) * 1000000)::bigint AS first_id,
                  (extract(epoch FROM week.monday + 7) * 1000000)::bigint AS until_id
       ) span CROSS JOIN LATERAL (
           SELECT count(*) AS number FROM billing_entry
           WHERE drawing >= span.first_id AND drawing < span.until_id
       ) entry""",
    (
        Promise(
            "entries of a carried week are gone",
            "entry.number > 0",
            "'week of %s: carried forward, and %s entries are there', week.monday, entry.number",
        ),
    ),
)

PROOFS = (_WALLETS, _WEEKS, _ONCE)
