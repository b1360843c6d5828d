"""What the ledger promises, as proofs: each tells, with ids, what must not exist.

They know the tables and not the code that writes them. What the database refuses by a constraint
is proven all the same: constraints can be dropped, and backups restored without them. Entries of
dropped weeks count with what was carried of them (billing/carrying.py).
"""

from billing import carried_proofs, sales_proofs
from common.proofs import Promise, Proof

_BOUGHT = "entry.kind IN ('hold', 'capture', 'release', 'refund')"
_HOLDS = "(SELECT * FROM billing_entry WHERE kind = 'hold')"
_ENDS = "(SELECT * FROM billing_entry WHERE kind IN ('capture', 'release'))"


def _sums(column: str) -> str:
    return f"""(
        SELECT {column}, sum(amount) AS amount, sum(held) AS held, sum(open_holds) AS open_holds
        FROM (
            SELECT {column}, sum(amount) AS amount, sum(held) AS held,
                   count(*) FILTER (WHERE kind = 'hold')
                       - count(*) FILTER (WHERE kind IN ('capture', 'release')) AS open_holds
            FROM billing_entry GROUP BY {column}
            UNION ALL
            SELECT {column}, sum(amount), sum(held),
                   coalesce(sum(number) FILTER (WHERE kind = 'hold'), 0)
                       - coalesce(sum(number) FILTER (WHERE kind IN ('capture', 'release')), 0)
            FROM billing_carriedday GROUP BY {column}
        ) line GROUP BY {column}
    )"""  # noqa: S608  the parts are constants


_WALLETS = Proof(
    f"billing_wallet wallet LEFT JOIN {_sums('wallet_id')} sums ON sums.wallet_id = wallet.id",
    (
        Promise(
            "a wallet is the sum of its entries",
            """wallet.balance <> coalesce(sums.amount, 0)
               OR wallet.held <> coalesce(sums.held, 0)""",
            """'wallet %s: balance %s, entries %s; held %s, entries %s', wallet.id, wallet.balance,
               coalesce(sums.amount, 0), wallet.held, coalesce(sums.held, 0)""",
        ),
        Promise(
            "a wallet counts its open holds",
            "wallet.open_holds <> coalesce(sums.open_holds, 0)",
            """'wallet %s: counts %s open holds, entries %s', wallet.id, wallet.open_holds,
               coalesce(sums.open_holds, 0)""",
        ),
        Promise(
            "no wallet is overdrawn",
            "wallet.balance - wallet.held + wallet.credit_limit < 0",
            """'wallet %s: balance %s, held %s, credit limit %s', wallet.id, wallet.balance,
               wallet.held, wallet.credit_limit""",
        ),
        Promise(
            "nothing is counted below zero",
            "least(wallet.held, wallet.open_holds, wallet.credit_limit) < 0",
            """'wallet %s: held %s, open holds %s, credit limit %s', wallet.id, wallet.held,
               wallet.open_holds, wallet.credit_limit""",
        ),
    ),
)
_TENANTS = Proof(
    """billing_tenant tenant
       LEFT JOIN billing_wallet wallet ON wallet.tenant_id = tenant.id AND NOT wallet.is_test""",
    (
        Promise(
            "every tenant has a wallet",
            "wallet.id IS NULL",
            "'tenant %s has no wallet', tenant.id",
        ),
    ),
)
_KEYS = Proof(
    f"billing_token token LEFT JOIN {_sums('token_id')} sums ON sums.token_id = token.id",
    (
        Promise(
            "a key is the sum of its entries",
            """token.spent <> -coalesce(sums.amount, 0)
               OR token.held <> coalesce(sums.held, 0)""",
            """'key %s: spent %s, entries %s; held %s, entries %s', token.id, token.spent,
               -coalesce(sums.amount, 0), token.held, coalesce(sums.held, 0)""",
        ),
        Promise(
            "a key counts its open holds",
            "token.open_holds <> coalesce(sums.open_holds, 0)",
            """'key %s: counts %s open holds, entries %s', token.id, token.open_holds,
               coalesce(sums.open_holds, 0)""",
        ),
    ),
)
# What a hold came to counts on the day it was made: all while it is open, then what was paid,
# less what was refunded. Days that are over for their key are of no interest.
_PERIODS = Proof(
    f"""(
        SELECT token.id AS token_id, period.name, period.began, period.used,
               coalesce(sum(by_day.used), 0) + period.carried AS came_to
        FROM billing_token token
        LEFT JOIN billing_carriedkey carried ON carried.token_id = token.id
        CROSS JOIN LATERAL (VALUES
            ('day', token.day_began, token.day_used,
             CASE token.day_began WHEN carried.day_began THEN carried.day_used ELSE 0 END),
            ('week', token.week_began, token.week_used,
             CASE token.week_began WHEN carried.week_began THEN carried.week_used ELSE 0 END),
            ('month', token.month_began, token.month_used,
             CASE token.month_began WHEN carried.month_began THEN carried.month_used ELSE 0 END)
        ) period (name, began, used, carried)
        LEFT JOIN (
            SELECT hold.token_id, (hold.created_at AT TIME ZONE 'UTC')::date AS day,
                   sum(CASE WHEN ending.id IS NULL THEN hold.held ELSE -ending.amount END
                       - coalesce(refunded.amount, 0)) AS used
            FROM {_HOLDS} hold
            JOIN billing_token token ON token.id = hold.token_id AND hold.created_at
                 >= least(token.day_began, token.week_began, token.month_began)
                        ::timestamp AT TIME ZONE 'UTC'
            LEFT JOIN {_ENDS} ending ON ending.reference = hold.reference
            LEFT JOIN (
                SELECT reference, sum(amount) AS amount
                FROM billing_entry WHERE kind = 'refund' GROUP BY reference
            ) refunded ON refunded.reference = hold.reference
            GROUP BY 1, 2
        ) by_day ON by_day.token_id = token.id AND by_day.day >= period.began
                AND by_day.day < period.began + ('1 ' || period.name)::interval
        GROUP BY token.id, period.name, period.began, period.used, period.carried
    ) period""",  # noqa: S608  the parts are constants
    (
        Promise(
            "a key's day, week and month are what their holds came to",
            "period.used <> period.came_to",
            """'key %s: %s of %s: counts %s, entries %s', period.token_id, period.name,
               period.began, period.used, period.came_to""",
        ),
    ),
)
_LINES = Proof(
    """billing_entry entry
       LEFT JOIN billing_wallet wallet ON wallet.id = entry.wallet_id
       LEFT JOIN billing_token token ON token.id = entry.token_id
       LEFT JOIN billing_pricerule rule ON rule.id = entry.price_rule_id
       LEFT JOIN billing_pricebook book ON book.id = rule.book_id""",
    (
        Promise(
            "every entry belongs to a wallet",
            "wallet.id IS NULL",
            "'entry %s: there is no wallet %s', entry.id, entry.wallet_id",
        ),
        Promise(
            "every entry moves money as its kind says",
            """(CASE WHEN entry.kind = 'hold' THEN entry.amount = 0 AND entry.held >= 0
                     WHEN entry.kind = 'capture'
                         THEN entry.amount <= 0 AND entry.held <= entry.amount
                     WHEN entry.kind = 'release' THEN entry.amount = 0 AND entry.held <= 0
                     WHEN entry.kind IN ('refund', 'topup')
                         THEN entry.amount > 0 AND entry.held = 0
                     WHEN entry.kind = 'adjust' THEN entry.held = 0 END) IS NOT TRUE""",
            "'entry %s: %s of %s, held %s', entry.id, entry.kind, entry.amount, entry.held",
        ),
        Promise(
            "what is bought is bought by a key of the wallet's tenant, test keys from test money",
            f"""{_BOUGHT} AND (token.tenant_id, token.is_test)
                IS DISTINCT FROM (wallet.tenant_id, wallet.is_test)""",
            """'entry %s: key %s of tenant %s%s, wallet %s of tenant %s%s', entry.id,
               entry.token_id, token.tenant_id, CASE WHEN token.is_test THEN ' (test)' END,
               entry.wallet_id, wallet.tenant_id, CASE WHEN wallet.is_test THEN ' (test)' END""",
        ),
        Promise(
            "what is bought has a price in a published book",
            f"{_BOUGHT} AND book.published_at IS NULL",
            """'entry %s: price rule %s of book %s', entry.id, entry.price_rule_id, book.id""",
        ),
        Promise(
            "a price of one tenant or mode counts for no other",
            # Entries from before modes were kept have none.
            """rule.tenant_id <> wallet.tenant_id
               OR (rule.mode <> '' AND entry.mode <> '' AND rule.mode <> entry.mode)""",
            """'entry %s: price rule %s is for tenant %s, mode %s', entry.id, rule.id,
               coalesce(rule.tenant_id::text, 'any'), coalesce(nullif(rule.mode, ''), 'any')""",
        ),
        Promise(
            "money from outside has no key and no price",
            """entry.kind IN ('topup', 'adjust')
               AND (entry.token_id IS NOT NULL OR entry.price_rule_id IS NOT NULL
                    OR entry.price_name <> '' OR entry.mode <> '')""",
            """'entry %s: %s with key %s, price rule %s', entry.id, entry.kind, entry.token_id,
               entry.price_rule_id""",
        ),
        Promise(
            "only a drawing has a channel, and a cost only once",
            """(entry.kind NOT IN ('capture', 'refund') AND entry.channel IS NOT NULL)
               OR (entry.kind <> 'capture' AND entry.cost IS NOT NULL)""",
            """'entry %s: %s with channel %s, cost %s', entry.id, entry.kind, entry.channel,
               entry.cost""",
        ),
        Promise(
            "an adjustment tells who made it and why",
            "entry.kind = 'adjust' AND (entry.actor = '' OR entry.memo = '')",
            """'entry %s: adjusted by "%s" because "%s"', entry.id, entry.actor, entry.memo""",
        ),
    ),
)
_WALK = Proof(
    """(
        SELECT entry.id, wallet_id, amount, held, entry.balance_after, entry.held_after,
               lag(entry.balance_after, 1, coalesce(carried.balance_after, 0))
                   OVER walk AS balance_before,
               lag(entry.held_after, 1, coalesce(carried.held_after, 0)) OVER walk AS held_before
        FROM billing_entry entry LEFT JOIN billing_carriedwallet carried USING (wallet_id)
        WHERE entry.id > coalesce(carried.last_id, 0)
        WINDOW walk AS (PARTITION BY wallet_id ORDER BY entry.id)
    ) entry""",
    (
        Promise(
            "every entry follows from the one before",
            """entry.balance_after <> entry.balance_before + entry.amount
               OR entry.held_after <> entry.held_before + entry.held""",
            """'entry %s: balance %s %s after %s; held %s %s after %s', entry.id,
               entry.balance_after, to_char(entry.amount, 'FMSG999999999999999990'),
               entry.balance_before, entry.held_after,
               to_char(entry.held, 'FMSG999999999999999990'), entry.held_before""",
        ),
    ),
)
_REFERENCES = Proof(
    """(
        SELECT reference, min(id) AS first, max(id) AS last,
               count(*) FILTER (WHERE kind IN ('capture', 'release')) AS ends,
               greatest(count(*) FILTER (WHERE kind = 'hold'),
                        count(*) FILTER (WHERE kind = 'topup'),
                        count(*) FILTER (WHERE kind = 'adjust')) AS same
        FROM billing_entry WHERE kind <> 'refund' GROUP BY reference
    ) matter""",
    (
        Promise(
            "a hold ends once",
            "matter.ends > 1",
            """'reference %s: ended %s times, in entries %s to %s', matter.reference, matter.ends,
               matter.first, matter.last""",
        ),
        Promise(
            "nothing is booked twice",
            "matter.same > 1",
            """'reference %s: booked %s times, in entries %s to %s', matter.reference, matter.same,
               matter.first, matter.last""",
        ),
    ),
)
_ENDINGS = Proof(
    f"{_ENDS} ending LEFT JOIN {_HOLDS} hold ON hold.reference = ending.reference",
    (
        Promise(
            "nothing ends that was not held",
            "hold.id IS NULL",
            "'entry %s: %s of %s, which was never held', ending.id, ending.kind, ending.reference",
        ),
        Promise(
            "an end gives back its whole hold, after it, to the same wallet and key",
            """ending.held <> -hold.held OR ending.id < hold.id
               OR ending.wallet_id <> hold.wallet_id
               OR (hold.id IS NOT NULL AND ending.token_id IS DISTINCT FROM hold.token_id)""",
            """'entry %s: %s of %s to wallet %s, key %s; entry %s: hold of %s by wallet %s, key %s',
               ending.id, ending.kind, ending.held, ending.wallet_id, ending.token_id, hold.id,
               hold.held, hold.wallet_id, hold.token_id""",
        ),
        Promise(
            "no more is paid than was held",
            "-ending.amount > hold.held",
            "'entry %s: %s, held %s in entry %s', ending.id, ending.amount, hold.held, hold.id",
        ),
        Promise(
            "an end says what was bought, as its hold does",
            """(ending.price_name, ending.mode) <> (hold.price_name, hold.mode)
               OR (hold.id IS NOT NULL
                   AND ending.price_rule_id IS DISTINCT FROM hold.price_rule_id)""",
            """'entry %s: %s %s by price rule %s; its hold %s: %s %s by %s', ending.id,
               ending.price_name, ending.mode, ending.price_rule_id, hold.id, hold.price_name,
               hold.mode, hold.price_rule_id""",
        ),
    ),
)
_REFUNDS = Proof(
    """(
        SELECT *, sum(amount) OVER (PARTITION BY reference) AS total
        FROM billing_entry WHERE kind = 'refund'
    ) refund
    LEFT JOIN (SELECT * FROM billing_entry WHERE kind = 'capture') capture
        ON capture.reference = refund.reference""",
    (
        Promise(
            "nothing is refunded that was not paid",
            "capture.id IS NULL OR capture.id > refund.id",
            "'entry %s: refund of %s, not paid before', refund.id, refund.reference",
        ),
        Promise(
            "no more is refunded than was paid",
            "refund.total > -capture.amount",
            """'entry %s: of %s %s was paid and %s refunded', refund.id, refund.reference,
               -capture.amount, refund.total""",
        ),
        Promise(
            "a refund goes where the payment came from, and says what was bought",
            """refund.wallet_id <> capture.wallet_id
               OR (refund.price_name, refund.mode) <> (capture.price_name, capture.mode)
               OR (capture.id IS NOT NULL
                   AND (refund.token_id, refund.channel, refund.price_rule_id)
                   IS DISTINCT FROM (capture.token_id, capture.channel, capture.price_rule_id))""",
            """'entry %s: refund to wallet %s, key %s for %s; paid in entry %s by wallet %s, key %s
 for %s', refund.id, refund.wallet_id, refund.token_id, refund.price_name, capture.id,
               capture.wallet_id, capture.token_id, capture.price_name""",
        ),
    ),
)

PROOFS = (
    _WALLETS,
    _TENANTS,
    _KEYS,
    _PERIODS,
    _LINES,
    _WALK,
    _REFERENCES,
    _ENDINGS,
    _REFUNDS,
    *sales_proofs.PROOFS,
    *carried_proofs.PROOFS,
)
