"""Proofs over tasks and money together, beside those of the ledger alone (billing/proofs.py)."""

from collections.abc import Iterator

from django.db import transaction

from billing.proofs import PROOFS as LEDGER_PROOFS
from common import sql

# Each statement selects a text, with ids, for what must not exist.
PROOFS = LEDGER_PROOFS | {
    "every task has the entries that its status demands": """
        SELECT format('task %s: status %s, price %s, entries %s', task.id, task.status, task.price,
                      coalesce(string_agg(entry.kind, '+' ORDER BY entry.id), 'none')) AS finding
        FROM relay_task task
        LEFT JOIN billing_entry entry
          ON entry.reference = task.id || task.hold_suffix AND entry.kind <> 'refund'
        LEFT JOIN billing_wallet wallet ON wallet.id = entry.wallet_id
        GROUP BY task.id
        HAVING coalesce(string_agg(entry.kind, '+' ORDER BY entry.id), '') <>
               CASE task.status WHEN 'SUCCESS' THEN 'hold+capture'
                                WHEN 'NOT_START' THEN 'hold'
                                WHEN 'SUBMITTED' THEN 'hold'
                                WHEN 'IN_PROGRESS' THEN 'hold'
                                ELSE 'hold+release' END
            OR bool_or(entry.kind = 'hold' AND entry.held <> task.price)
            OR bool_or((wallet.tenant_id, wallet.is_test) <> (task.tenant_id, task.is_test))
    """,
    "every hold belongs to a task": """
        SELECT format('entry %s: there is no task %s', entry.id, entry.reference) AS finding
        FROM billing_entry entry
        LEFT JOIN relay_task task ON task.id = split_part(entry.reference, ':', 1)::bigint
        WHERE entry.kind = 'hold' AND task.id IS NULL
    """,
    "a hold that a later one replaced was released": """
        SELECT format('entry %s: hold %s was never released', entry.id, entry.reference) AS finding
        FROM billing_entry entry
        JOIN relay_task task ON task.id = split_part(entry.reference, ':', 1)::bigint
        WHERE entry.kind = 'hold' AND entry.reference <> task.id || task.hold_suffix
          AND NOT EXISTS (
            SELECT FROM billing_entry ending
            WHERE ending.reference = entry.reference AND ending.kind = 'release'
          )
    """,
    "every task was handed to somebody": """
        SELECT format('task %s has no attempt', task.id) AS finding
        FROM relay_task task
        WHERE NOT EXISTS (SELECT FROM relay_attempt WHERE relay_attempt.task_id = task.id)
    """,
    "every ended task with a hook has its final callback": """
        SELECT format('task %s: %s final callbacks', task.id, count(callback.id)) AS finding
        FROM relay_task task
        LEFT JOIN relay_callback callback ON callback.task_id = task.id AND callback.is_final
        WHERE task.status IN ('SUCCESS', 'FAILURE', 'CANCEL') AND task.notify_hook <> ''
        GROUP BY task.id HAVING count(callback.id) <> 1
    """,
}


def run() -> Iterator[tuple[str, list[str]]]:
    """(what is promised, what contradicts it) for every proof, over one snapshot of the database,
    so that what happens meanwhile contradicts nothing."""
    with transaction.atomic():
        sql.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for promise, statement in PROOFS.items():
            yield promise, [row.finding for row in sql.fetch_all(statement)]
