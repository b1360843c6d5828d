"""That no cent and no task is lost or doubled: read from the database, in SQL of its own.

Independent of the product on purpose: it knows the tables and the promises, and none of the code
that is to keep them. All is read in one snapshot, so it holds at any moment, also under load.
"""

from django.db import connection, transaction

from common import sql

# Every statement lists what breaks its promise; rows are shown as they come. `%(tenants)s` are
# the tenants looked at. A hold is open when nothing has ended it.
_BOOKS = """
WITH entry AS (
    SELECT entry.*, wallet.tenant_id, wallet.is_test
    FROM billing_entry entry JOIN billing_wallet wallet ON wallet.id = entry.wallet_id
    WHERE wallet.tenant_id = ANY(%(tenants)s)
), hold AS (
    SELECT entry.*, ends.id IS NULL AS is_open
    FROM entry LEFT JOIN (
        SELECT * FROM entry WHERE kind IN ('capture', 'release')
    ) ends ON ends.reference = entry.reference
    WHERE entry.kind = 'hold'
), ends AS (
    SELECT * FROM entry WHERE kind IN ('capture', 'release')
)
"""
_MONEY = {
    "a balance is the sum of its entries, what is held is the sum of its open holds": """
        SELECT wallet.*, booked.*, open.* FROM billing_wallet wallet
        LEFT JOIN LATERAL (
            SELECT coalesce(sum(amount), 0) AS amounts, coalesce(sum(held), 0) AS helds
            FROM entry WHERE wallet_id = wallet.id
        ) booked ON true
        LEFT JOIN LATERAL (
            SELECT coalesce(sum(held), 0) AS open_held, count(*) AS number_open
            FROM hold WHERE wallet_id = wallet.id AND is_open
        ) open ON true
        WHERE wallet.tenant_id = ANY(%(tenants)s) AND (
            wallet.balance <> amounts OR wallet.held <> helds OR wallet.held <> open_held
            OR wallet.open_holds <> number_open
        )""",
    "nothing is overdrawn, nothing is held below zero": """
        SELECT * FROM billing_wallet
        WHERE tenant_id = ANY(%(tenants)s)
          AND (balance - held + credit_limit < 0 OR held < 0)""",
    "a key has as many tasks under way as it has open holds": """
        SELECT token.id, token.open_holds, open.number FROM billing_token token
        LEFT JOIN LATERAL (
            SELECT count(*) AS number FROM hold WHERE token_id = token.id AND is_open
        ) open ON true
        WHERE token.tenant_id = ANY(%(tenants)s) AND token.open_holds <> number""",
    "a key's days, weeks and months are what its holds of that time came to": """
        SELECT token.id, period.*, came.* FROM billing_token token
        CROSS JOIN LATERAL (VALUES
            ('day', token.day_began, token.day_used), ('week', token.week_began, token.week_used),
            ('month', token.month_began, token.month_used)
        ) period (name, began, used)
        LEFT JOIN LATERAL (
            SELECT coalesce(sum(CASE WHEN is_open THEN held ELSE (
                SELECT -coalesce(sum(amount), 0) FROM entry
                WHERE entry.reference = hold.reference AND kind IN ('capture', 'refund')
            ) END), 0) AS amount
            FROM hold WHERE token_id = token.id
              AND date_trunc(period.name, created_at AT TIME ZONE 'UTC')::date = period.began
        ) came ON true
        WHERE token.tenant_id = ANY(%(tenants)s) AND period.used <> came.amount""",
    "no more is refunded than was paid": """
        SELECT refunds.*, paid.amount FROM (
            SELECT reference, wallet_id, token_id, sum(amount) AS amount
            FROM entry WHERE kind = 'refund' GROUP BY reference, wallet_id, token_id
        ) refunds
        LEFT JOIN ends paid ON paid.reference = refunds.reference AND paid.kind = 'capture'
        WHERE paid.id IS NULL OR refunds.amount > -paid.amount
           OR refunds.wallet_id <> paid.wallet_id
           OR refunds.token_id IS DISTINCT FROM paid.token_id""",
    "a key's totals are the sums of its entries and within its budget": """
        SELECT token.id, token.budget, token.held, token.spent, sums.* FROM billing_token token
        LEFT JOIN LATERAL (
            SELECT coalesce(sum(held), 0) AS helds,
                   -coalesce(sum(amount) FILTER (WHERE kind IN ('capture', 'refund')), 0)
                       AS captured
            FROM entry WHERE token_id = token.id
        ) sums ON true
        WHERE token.tenant_id = ANY(%(tenants)s) AND (
            token.held <> helds OR token.spent <> captured
            OR token.held + token.spent > token.budget
        )""",
    "what stood in the wallet after an entry is what stood there before, and the entry": """
        SELECT * FROM (
            SELECT *, sum(amount) OVER so_far AS balance, sum(held) OVER so_far AS held_then
            FROM entry WINDOW so_far AS (PARTITION BY wallet_id ORDER BY id)
        ) line
        WHERE balance_after <> balance OR held_after <> held_then""",
    "a hold ends once": """
        SELECT reference, count(*) FROM ends GROUP BY reference HAVING count(*) > 1""",
    "an end gives back exactly its hold, to the same wallet and key": """
        SELECT ends.* FROM ends LEFT JOIN hold USING (reference)
        WHERE hold.id IS NULL OR hold.id > ends.id OR ends.held <> -hold.held
           OR ends.wallet_id <> hold.wallet_id OR ends.token_id IS DISTINCT FROM hold.token_id
           OR (ends.kind = 'capture' AND ends.amount NOT BETWEEN -hold.held AND 0)
           OR (ends.kind = 'release' AND ends.amount <> 0)""",
    "nothing is booked twice": """
        SELECT reference, kind, count(*) FROM entry
        WHERE kind <> 'refund' GROUP BY reference, kind HAVING count(*) > 1
        """,
}
_TASKS = {
    "a task has the entries that its status demands": """
        SELECT task.id, task.status, task.price, booked.lines FROM relay_task task
        -- Drawn in another mode than it was bought in, the cheaper price is paid.
        JOIN LATERAL (
            SELECT least(price, coalesce((mode_prices ->> mode)::bigint, price)) AS paid
        ) drawn ON true
        LEFT JOIN LATERAL (
            SELECT coalesce(
                string_agg(kind || ' ' || amount || ' ' || held, ', ' ORDER BY id), ''
            ) AS lines
            FROM entry
            WHERE reference = task.id || task.hold_suffix AND kind IN ('hold', 'capture', 'release')
        ) booked ON true
        WHERE task.tenant_id = ANY(%(tenants)s) AND lines <> CASE
            WHEN task.status = 'SUCCESS' AND NOT task.is_written_off
                THEN 'hold 0 ' || price || ', capture ' || -paid || ' ' || -price
            -- Written off: drawn when it could not be paid for any more.
            WHEN task.status IN ('FAILURE', 'CANCEL', 'MODAL', 'SUCCESS')
                THEN 'hold 0 ' || price || ', release 0 ' || -price
            ELSE 'hold 0 ' || price
        END""",
    "money moves for a task of the same tenant, key and price": """
        SELECT entry.* FROM entry
        LEFT JOIN relay_task task ON task.id::text = split_part(entry.reference, ':', 1)
        WHERE entry.kind IN ('hold', 'capture', 'release') AND (
            task.id IS NULL OR task.tenant_id <> entry.tenant_id OR task.is_test <> entry.is_test
            OR (entry.reference = task.id || task.hold_suffix AND (
                task.token_id IS DISTINCT FROM entry.token_id
                OR task.price_rule_id IS DISTINCT FROM entry.price_rule_id
            ))
        )""",
    "only a drawing is written off, and only a drawing has a late hold": """
        SELECT id, status, hold_suffix, is_written_off FROM relay_task
        WHERE tenant_id = ANY(%(tenants)s) AND status <> 'SUCCESS'
          AND (is_written_off OR hold_suffix LIKE '%%late')""",
    "a late hold follows a release of the same task": """
        SELECT hold.* FROM hold WHERE reference LIKE '%%:late' AND NOT EXISTS (
            SELECT FROM ends WHERE kind = 'release' AND ends.id < hold.id
              AND split_part(ends.reference, ':', 1) = split_part(hold.reference, ':', 1)
        )""",
    "nobody asks any more for what is live or drawn": """
        SELECT id, status, late_look_at FROM relay_task
        WHERE tenant_id = ANY(%(tenants)s) AND late_look_at IS NOT NULL
          AND status IN ('NOT_START', 'SUBMITTED', 'IN_PROGRESS', 'SUCCESS', 'CANCEL')""",
    "of the holds of one task only the newest is not given back": """
        SELECT hold.*, task.hold_suffix FROM hold
        JOIN relay_task task ON task.id::text = split_part(hold.reference, ':', 1)
        WHERE hold.reference <> task.id || task.hold_suffix AND NOT EXISTS (
            SELECT FROM ends WHERE ends.reference = hold.reference AND ends.kind = 'release'
        )""",
    "a task is with one upstream at most, and a drawn one with exactly that": """
        SELECT task.id, task.status, task.channel_id, tries.* FROM relay_task task
        LEFT JOIN LATERAL (
            SELECT count(*) AS number, max(number) AS last,
                   array_agg(outcome || ' ' || channel_id ORDER BY number) AS outcomes,
                   count(*) FILTER (WHERE outcome IN ('sending', 'unknown', 'accepted')) AS held_by,
                   count(*) FILTER (
                       WHERE channel_id = task.channel_id AND (
                           outcome = 'accepted'
                           -- A confirmation that went unanswered: the task's name is known.
                           OR (outcome IN ('sending', 'unknown') AND task.hold_suffix <> '')
                       )
                   ) AS accepted
            FROM relay_attempt WHERE task_id = task.id
        ) tries ON true
        WHERE task.tenant_id = ANY(%(tenants)s) AND (
            number = 0 OR number <> last OR held_by > 1
            OR (task.status = 'SUCCESS' AND accepted <> 1)
            OR (task.status = 'MODAL' AND held_by <> 0)
        )""",
    "one drawing is paid for once": """
        -- Unless our own word in the upstream's row told two drawings of one id apart.
        SELECT channel_id, upstream_id, array_agg(id) FROM relay_task
        WHERE tenant_id = ANY(%(tenants)s) AND status = 'SUCCESS' AND upstream_id <> ''
        GROUP BY channel_id, upstream_id, coalesce(upstream_row ->> 'state', '')
        HAVING count(*) > 1""",
    "a task that ended has one final message of its state, a live one has none": """
        SELECT task.id, task.status, messages.* FROM relay_task task
        LEFT JOIN LATERAL (
            SELECT count(*) FILTER (WHERE sequence = task.sequence) AS of_state,
                   count(*) FILTER (WHERE sequence <> task.sequence) AS of_others
            FROM relay_callback callback WHERE callback.task_id = task.id AND callback.is_final
        ) messages ON true
        WHERE task.tenant_id = ANY(%(tenants)s) AND (
            of_state <> CASE
                WHEN task.status IN ('SUCCESS', 'FAILURE', 'CANCEL') AND task.notify_hook <> ''
                THEN 1 ELSE 0 END
            -- A drawing that came late was told of as a failure before.
            OR of_others > CASE WHEN task.is_written_off OR task.hold_suffix = ':late'
                THEN 1 ELSE 0 END
        )""",
    "the final message is the last one, and goes to the task's own tenant": """
        SELECT callback.* FROM relay_callback callback
        JOIN relay_task task ON task.id = callback.task_id
        WHERE task.tenant_id = ANY(%(tenants)s) AND (
            callback.tenant_id <> task.tenant_id OR callback.sequence > task.sequence
            OR (callback.is_final AND callback.sequence <> task.sequence
                AND NOT task.is_written_off AND task.hold_suffix <> ':late')
        )""",
}


def prove(*tenant_ids: int) -> None:
    """Money and tasks of these tenants, of all without any. Fails with the rows that do not fit."""
    _prove(_MONEY | _TASKS, tenant_ids)


def prove_money(*tenant_ids: int) -> None:
    """The books alone: for tests that call the ledger without a task behind it."""
    _prove(_MONEY, tenant_ids)


def _prove(promises: dict[str, str], tenant_ids: tuple[int, ...]) -> None:
    broken = []
    with transaction.atomic(), sql.patient(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        # Of what a test has just written the database does not know how much it is, and would
        # compare each entry with each.
        cursor.execute("SET LOCAL enable_nestloop = off")
        tenants = list(tenant_ids) or _all_tenants(cursor)
        for promise, statement in promises.items():
            cursor.execute(_BOOKS + statement, {"tenants": tenants})
            names = [column.name for column in cursor.description or ()]
            broken += [f"{promise}: {dict(zip(names, row, strict=True))}" for row in cursor]
    assert not broken, "\n".join(broken[:20])


def _all_tenants(cursor) -> list[int]:
    cursor.execute("SELECT id FROM billing_tenant")
    return [row[0] for row in cursor]
