"""Whether what is in the database after a case is what must be there: no hold lost, none twice."""

from common import sql

# Of every task, whatever the number of them: each has one hold and at least one attempt; what is
# still under way is what the wallets hold.
_FAULTS = {
    "tasks without exactly one hold": """
        SELECT count(*) AS number FROM relay_task task WHERE 1 <> (
            SELECT count(*) FROM billing_entry entry
            WHERE entry.reference = task.id::text AND entry.kind = 'hold'
              AND entry.drawing = drawing_of('hold', task.id::text)
        )""",
    "tasks without exactly one attempt": """
        SELECT count(*) AS number FROM (
            SELECT task.id FROM relay_task task LEFT JOIN relay_attempt attempt
                ON attempt.task_id = task.id
            GROUP BY task.id HAVING count(attempt.id) <> 1
        ) odd""",
    "holds of no task": """
        SELECT count(*) AS number FROM billing_entry entry
        WHERE entry.kind = 'hold'
          AND NOT EXISTS (SELECT FROM relay_task task WHERE task.id = entry.reference::bigint)""",
    "wallets that do not hold what their tasks do": """
        SELECT count(*) AS number FROM billing_wallet wallet
        LEFT JOIN (
            SELECT wallet_id, sum(held)::bigint AS held FROM billing_entry GROUP BY wallet_id
        ) entry ON entry.wallet_id = wallet.id
        WHERE wallet.held <> coalesce(entry.held, 0)""",
    "attempts that nobody knows the outcome of": """
        SELECT count(*) AS number FROM relay_attempt WHERE outcome IN ('sending', 'unknown')""",
}


def faults() -> list[str]:
    """In words; nothing when all is right. While no web runs: a submit under way is not right."""
    found = ((text, sql.fetch_one(statement).number) for text, statement in _FAULTS.items())
    return [f"{number:,} {text}" for text, number in found if number]


def tasks() -> int:
    return int(sql.fetch_one("SELECT count(*) AS number FROM relay_task").number)
