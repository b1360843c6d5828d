"""Proofs over the live ledger: each statement selects a text, with ids, for what must not exist."""

PROOFS = {
    "a wallet is the sum of its entries": """
        SELECT format('wallet %s: balance %s, entries %s; held %s, entries %s', wallet.id,
                      wallet.balance, coalesce(sums.amount, 0),
                      wallet.held, coalesce(sums.held, 0)) AS finding
        FROM billing_wallet wallet
        LEFT JOIN (
            SELECT wallet_id, sum(amount) AS amount, sum(held) AS held
            FROM billing_entry GROUP BY wallet_id
        ) sums ON sums.wallet_id = wallet.id
        WHERE wallet.balance <> coalesce(sums.amount, 0) OR wallet.held <> coalesce(sums.held, 0)
    """,
    "every entry follows from the one before": """
        SELECT format('entry %s: balance after %s, expected %s; held after %s, expected %s',
                      id, balance_after, expected_balance, held_after, expected_held) AS finding
        FROM (
            SELECT id, balance_after, held_after,
                   sum(amount) OVER walk AS expected_balance, sum(held) OVER walk AS expected_held
            FROM billing_entry WINDOW walk AS (PARTITION BY wallet_id ORDER BY id)
        ) entry
        WHERE balance_after <> expected_balance OR held_after <> expected_held
    """,
    "a key is the sum of its entries": """
        SELECT format('key %s: spent %s, entries %s; held %s, entries %s', token.id,
                      token.spent, coalesce(sums.spent, 0),
                      token.held, coalesce(sums.held, 0)) AS finding
        FROM billing_token token
        LEFT JOIN (
            SELECT token_id, -sum(amount) AS spent, sum(held) AS held
            FROM billing_entry WHERE token_id IS NOT NULL GROUP BY token_id
        ) sums ON sums.token_id = token.id
        WHERE token.spent <> coalesce(sums.spent, 0) OR token.held <> coalesce(sums.held, 0)
    """,
    "a hold ends once and with its own amount": """
        SELECT format('reference %s: held %s, ended with %s in %s entries',
                      hold.reference, hold.held, sum(-ending.held), count(*)) AS finding
        FROM billing_entry hold
        JOIN billing_entry ending
          ON ending.reference = hold.reference AND ending.kind IN ('capture', 'release')
        WHERE hold.kind = 'hold'
        GROUP BY hold.id HAVING count(*) > 1 OR sum(-ending.held) <> hold.held
    """,
    "nothing ends that was not held": """
        SELECT format('entry %s (%s %s) has no hold', ending.id, ending.kind, ending.reference)
               AS finding
        FROM billing_entry ending
        WHERE ending.kind IN ('capture', 'release') AND NOT EXISTS (
            SELECT FROM billing_entry hold
            WHERE hold.reference = ending.reference AND hold.kind = 'hold'
        )
    """,
}
