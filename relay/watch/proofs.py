"""Proofs over tasks and money together, beside those of the ledger alone (billing/proofs.py)."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple

from billing.proofs import PROOFS as LEDGER_PROOFS
from billing.usage import WEEKS
from common import proofs, sql
from common.proofs import Promise, Proof, Verdict, look
from relay.weeks.retention import TABLES

# Of each promise so many findings are told; the others are counted.
LIMIT = 20

LATE = ":late"
_IS_LATE = f"(task.is_written_off OR task.hold_suffix = '{LATE}')"
# What the ledger calls the newest hold of a task.
_NEWEST = "task.id || task.hold_suffix"
_HOLDS = "(SELECT * FROM billing_entry WHERE kind = 'hold')"
_ENDS = "(SELECT * FROM billing_entry WHERE kind IN ('capture', 'release'))"
_MOST_FINALS = f"CASE WHEN {_IS_LATE} THEN 2 ELSE 1 END"
_ENDED = "task.status IN ('SUCCESS', 'FAILURE', 'CANCEL')"

_TASKS = Proof(
    f"""relay_task task
        LEFT JOIN {_HOLDS} hold ON hold.reference = {_NEWEST}
        LEFT JOIN {_ENDS} ending ON ending.reference = {_NEWEST}
        LEFT JOIN billing_wallet wallet ON wallet.id = hold.wallet_id
        LEFT JOIN billing_token token ON token.id = task.token_id
        LEFT JOIN channels_channel channel ON channel.id = task.channel_id
        -- Drawn in another mode than it was bought in, the cheaper of the two prices counts.
        CROSS JOIN LATERAL (
            SELECT least(task.price, CASE jsonb_typeof(task.mode_prices -> task.mode)
                WHEN 'number' THEN (task.mode_prices ->> task.mode)::numeric END) AS paid
        ) drawn""",
    (
        Promise(
            "every task has the entries that its status demands",
            """hold.id IS NULL OR ending.kind IS DISTINCT FROM CASE
                   WHEN task.status = 'SUCCESS' AND task.is_written_off THEN 'release'
                   WHEN task.status = 'SUCCESS' THEN 'capture'
                   WHEN task.status IN ('FAILURE', 'CANCEL', 'MODAL') THEN 'release' END""",
            """'task %s: status %s%s, entries %s', task.id, task.status,
               CASE WHEN task.is_written_off THEN ', written off' END,
               coalesce(nullif(concat_ws('+', hold.kind, ending.kind), ''), 'none')""",
        ),
        Promise(
            "a task holds its price, by its key and price rule",
            """hold.id IS NOT NULL AND (hold.held, hold.token_id, hold.price_rule_id)
               IS DISTINCT FROM (task.price, task.token_id, task.price_rule_id)""",
            """'task %s: price %s, key %s, rule %s; entry %s: %s, key %s, rule %s', task.id,
               task.price, task.token_id, task.price_rule_id, hold.id, hold.held, hold.token_id,
               hold.price_rule_id""",
        ),
        Promise(
            "a task is paid from the wallet of its tenant, test tasks from test money",
            """hold.id IS NOT NULL AND (wallet.tenant_id, wallet.is_test)
               IS DISTINCT FROM (task.tenant_id, task.is_test)""",
            """'task %s of tenant %s%s: paid from wallet %s', task.id, task.tenant_id,
               CASE WHEN task.is_test THEN ' (test)' END, hold.wallet_id""",
        ),
        Promise(
            "a task, its key and its channel are all test or all live, task and key of one tenant",
            """(token.tenant_id, token.is_test, channel.is_test)
               IS DISTINCT FROM (task.tenant_id, task.is_test, task.is_test)""",
            """'task %s of tenant %s%s: key %s of tenant %s%s, channel %s%s', task.id,
               task.tenant_id, CASE WHEN task.is_test THEN ' (test)' END, task.token_id,
               token.tenant_id, CASE WHEN token.is_test THEN ' (test)' END, task.channel_id,
               CASE WHEN channel.is_test THEN ' (test)' END""",
        ),
        Promise(
            "a drawing costs its price, or that of a cheaper mode it was drawn in",
            "ending.kind = 'capture' AND -ending.amount <> drawn.paid",
            """'task %s: price %s, in mode %s %s; paid in entry %s: %s', task.id, task.price,
               task.mode, drawn.paid, ending.id, -ending.amount""",
        ),
        Promise(
            "a payment names the channel that drew",
            # Those from before channels were kept have no mode either.
            """ending.kind = 'capture' AND ending.channel IS DISTINCT FROM task.channel_id
               AND NOT (ending.channel IS NULL AND ending.mode = '')""",
            """'task %s: drawn by channel %s; entry %s: channel %s', task.id, task.channel_id,
               ending.id, ending.channel""",
        ),
        Promise(
            "only what was drawn is written off",
            "task.is_written_off AND task.status <> 'SUCCESS'",
            "'task %s: status %s, written off', task.id, task.status",
        ),
        Promise(
            "what was drawn late is held for after its first hold was given back",
            f"""task.hold_suffix = '{LATE}' AND (task.status <> 'SUCCESS' OR NOT EXISTS (
                    SELECT FROM billing_entry release WHERE release.kind = 'release'
                    AND release.reference = task.id::text AND release.id < hold.id
                ))""",
            """'task %s: status %s, entry %s holds for a late drawing', task.id, task.status,
               hold.id""",
        ),
        Promise(
            "what is asked for late has failed, or waits for its confirmation",
            "task.late_look_at IS NOT NULL AND task.status NOT IN ('FAILURE', 'MODAL')",
            "'task %s: status %s, late look %s', task.id, task.status, task.late_look_at",
        ),
        Promise(
            "a live task is looked at again, and no other",
            """(task.next_poll_at IS NOT NULL)
               <> (task.status IN ('NOT_START', 'SUBMITTED', 'IN_PROGRESS'))""",
            """'task %s: status %s, next look %s', task.id, task.status,
               coalesce(task.next_poll_at::text, 'never')""",
        ),
    ),
)
_OTHER_HOLDS = Proof(
    f"""(
        SELECT * FROM {_HOLDS} hold WHERE NOT EXISTS (
            SELECT FROM relay_task task WHERE {_NEWEST} = hold.reference
        ) AND NOT EXISTS (
            SELECT FROM relay_droppedweek week
            WHERE hold.drawing >= week.first_id AND hold.drawing < week.until_id
        )
    ) hold
    LEFT JOIN relay_task task ON task.id::text = split_part(hold.reference, ':', 1)
    LEFT JOIN (SELECT * FROM billing_entry WHERE kind = 'release') release
        ON release.reference = hold.reference
    LEFT JOIN billing_wallet wallet ON wallet.id = hold.wallet_id""",  # noqa: S608  constants
    (
        Promise(
            "every hold belongs to a task of its wallet's tenant",
            """(task.tenant_id, task.is_test)
               IS DISTINCT FROM (wallet.tenant_id, wallet.is_test)""",
            """'entry %s: hold of %s in wallet %s; that task is of tenant %s', hold.id,
               hold.reference, hold.wallet_id, coalesce(task.tenant_id::text, 'nobody')""",
        ),
        Promise(
            "a hold that a later one replaced was released",
            "task.id IS NOT NULL AND release.id IS NULL",
            "'entry %s: hold of %s was never released', hold.id, hold.reference",
        ),
    ),
)
_ATTEMPTS = Proof(
    f"""relay_task task
        FULL JOIN (
            SELECT task_id, count(*) AS number, min(number) AS first, max(number) AS last,
                   count(*) FILTER (WHERE outcome IN ('sending', 'unknown', 'accepted')) AS taken,
                   count(*) FILTER (WHERE outcome = 'accepted') AS accepted,
                   max(channel_id) FILTER (WHERE outcome IN ('sending', 'unknown', 'accepted'))
                       AS channel_id,
                   max(cost) FILTER (WHERE outcome IN ('sending', 'unknown', 'accepted')) AS cost
            FROM relay_attempt GROUP BY task_id
        ) tried ON tried.task_id = task.id
        LEFT JOIN (SELECT * FROM billing_entry WHERE kind = 'capture') capture
            ON capture.reference = {_NEWEST}""",  # noqa: S608  the parts are constants
    (
        Promise(
            "every attempt belongs to a task",
            "task.id IS NULL",
            "'%s attempts at task %s, which is not there', tried.number, tried.task_id",
        ),
        Promise(
            "every task was handed to somebody, and its attempts are numbered",
            "coalesce(tried.first, 0) <> 1 OR tried.last <> tried.number",
            """'task %s: %s attempts, numbered %s to %s', coalesce(task.id, tried.task_id),
               coalesce(tried.number, 0), tried.first, tried.last""",
        ),
        Promise(
            "a task is with one upstream at most",
            "tried.taken > 1",
            "'task %s: %s upstreams may have it', tried.task_id, tried.taken",
        ),
        Promise(
            "a task that succeeded was drawn by the channel that accepted it",
            # A confirmation whose answer never came: the upstream's name for it is known.
            """task.status = 'SUCCESS' AND task.id IS NOT NULL AND (
                   coalesce(tried.taken, 0) <> 1 OR tried.channel_id <> task.channel_id
                   OR (tried.accepted = 0 AND task.hold_suffix = '')
               )""",
            """'task %s: with channel %s; %s accepted it, %s may have it, the last is channel %s',
               task.id, task.channel_id, coalesce(tried.accepted, 0), coalesce(tried.taken, 0),
               tried.channel_id""",
        ),
        Promise(
            "a task that waits for its confirmation is with nobody",
            "task.status = 'MODAL' AND tried.taken > 0",
            "'task %s: %s upstreams may have it', task.id, tried.taken",
        ),
        Promise(
            "a payment has the cost of its attempt",
            "capture.id IS NOT NULL AND capture.cost IS DISTINCT FROM tried.cost",
            """'task %s: its attempt costs %s; entry %s: %s', task.id,
               coalesce(tried.cost::text, 'nobody knows what'), capture.id,
               coalesce(capture.cost::text, 'not known')""",
        ),
    ),
)
# One upstream name may stand for two drawings: then our own word in the upstream's row, which is
# read only where it is needed, tells them apart.
_DRAWINGS = Proof(
    """(
        SELECT task.channel_id, task.upstream_id, array_agg(task.id ORDER BY task.id) AS ids
        FROM relay_task task
        JOIN (
            SELECT channel_id, upstream_id FROM relay_task
            WHERE status = 'SUCCESS' AND upstream_id <> ''
            GROUP BY channel_id, upstream_id HAVING count(*) > 1
        ) twice USING (channel_id, upstream_id)
        WHERE task.status = 'SUCCESS'
        GROUP BY task.channel_id, task.upstream_id, coalesce(task.upstream_row ->> 'state', '')
        HAVING count(*) > 1
    ) drawing""",
    (
        Promise(
            "one drawing is paid once",
            "true",
            """'tasks %s: all paid for drawing %s of channel %s', drawing.ids,
               drawing.upstream_id, drawing.channel_id""",
        ),
    ),
)
_CALLBACKS = Proof(
    """relay_task task
       FULL JOIN (
           SELECT task_id, count(*) AS number, count(*) FILTER (WHERE is_final) AS finals,
                  max(sequence) AS last, max(sequence) FILTER (WHERE is_final) AS final,
                  min(tenant_id) AS tenant_id, max(tenant_id) AS other_tenant_id
           FROM relay_callback GROUP BY task_id
       ) told ON told.task_id = task.id""",
    (
        Promise(
            "every callback belongs to a task",
            "task.id IS NULL",
            "'%s callbacks about task %s, which is not there', told.number, told.task_id",
        ),
        Promise(
            # A late success has been told as a failure before.
            "every ended task with a hook has its final callback, and no other task has one",
            f"""task.id IS NOT NULL AND CASE
                    WHEN {_ENDED} AND task.notify_hook <> ''
                        THEN coalesce(told.finals, 0) NOT BETWEEN 1 AND {_MOST_FINALS}
                    ELSE told.finals > 0 END""",
            """'task %s: status %s, %s final callbacks', task.id, task.status,
               coalesce(told.finals, 0)""",
        ),
        Promise(
            "the final callback is the last one and tells the last state",
            "told.last > task.sequence OR told.final <> task.sequence",
            """'task %s: state %s, callbacks up to state %s, the final one of state %s', task.id,
               task.sequence, told.last, told.final""",
        ),
        Promise(
            "callbacks go to the task's own tenant",
            "told.tenant_id <> task.tenant_id OR told.other_tenant_id <> task.tenant_id",
            """'task %s of tenant %s: callbacks of tenant %s, %s', task.id, task.tenant_id,
               told.tenant_id, told.other_tenant_id""",
        ),
    ),
)
_REQUESTS = Proof(
    "relay_idempotentrequest request JOIN relay_task task ON task.request_id = request.id",
    (
        Promise(
            "a task is of the tenant whose request it came with",
            "(task.tenant_id, task.is_test) <> (request.tenant_id, request.is_test)",
            """'task %s of tenant %s: came with request %s of tenant %s', task.id,
               task.tenant_id, request.id, request.tenant_id""",
        ),
    ),
)
_ANSWERS = Proof(
    """(
        SELECT id, tenant_id, is_test, regexp_split_to_table(
            substring(answer FROM '"result":"([0-9]{1,18}(?:,[0-9]{1,18})*)"'), ','
        )::bigint AS task_id FROM relay_idempotentrequest
    ) request LEFT JOIN relay_task task ON task.id = request.task_id""",
    (
        Promise(
            "what an answered request names are tasks of its tenant",
            """(task.tenant_id, task.is_test)
               IS DISTINCT FROM (request.tenant_id, request.is_test)""",
            """'request %s of tenant %s: its task %s is of tenant %s', request.id,
               request.tenant_id, request.task_id, coalesce(task.tenant_id::text, 'nobody')""",
        ),
    ),
)
# What the ledger had about a week when its tasks were dropped; by now itself, or carried forward.
_DROPPED = Proof(
    """relay_droppedweek week
       LEFT JOIN billing_carriedweek carried USING (monday)
       CROSS JOIN LATERAL (
           SELECT count(*) FILTER (WHERE kind = 'hold') + coalesce(carried.holds, 0) AS holds,
                  coalesce(sum(held) FILTER (WHERE kind = 'hold'), 0)
                      + coalesce(carried.held, 0) AS held,
                  coalesce(-sum(amount) FILTER (WHERE kind = 'capture'), 0)
                      + coalesce(carried.paid, 0) AS paid
           FROM billing_entry WHERE drawing >= week.first_id AND drawing < week.until_id
       ) ledger""",
    (
        Promise(
            "what is known of the tasks of a dropped week is what the ledger tells",
            "(week.holds, week.held, week.paid) <> (ledger.holds, ledger.held, ledger.paid)",
            """'week of %s: %s holds of %s, paid %s; the ledger: %s holds of %s, paid %s',
               week.monday, week.holds, week.held, week.paid, ledger.holds, ledger.held,
               ledger.paid""",
        ),
        Promise(
            "the tasks of a dropped week are gone",
            """EXISTS (SELECT FROM relay_task task
                       WHERE task.id >= week.first_id AND task.id < week.until_id)""",
            "'week of %s: it has tasks, and was dropped', week.monday",
        ),
    ),
)
_PARTS = Proof(
    f"""(VALUES {", ".join(f"('{table.table}')" for table in TABLES)}) whole (name)
        CROSS JOIN LATERAL (
            SELECT (date_trunc('week', now() AT TIME ZONE 'UTC') + interval '7 days')::date
                       AS monday
        ) coming""",
    (
        Promise(
            "every table that is parted by weeks has a part for the coming week",
            "to_regclass(whole.name || to_char(coming.monday, '_YYYYMMDD')) IS NULL",
            "'%s has none for the week of %s', whole.name, coming.monday",
        ),
    ),
)

PROOFS = (
    *LEDGER_PROOFS,
    _TASKS,
    _OTHER_HOLDS,
    _ATTEMPTS,
    _DRAWINGS,
    _CALLBACKS,
    _REQUESTS,
    _ANSWERS,
    _DROPPED,
    _PARTS,
)

_SIZE = """
SELECT (SELECT count(*) FROM relay_task) AS tasks, (SELECT count(*) FROM billing_entry) AS entries
"""


class Size(NamedTuple):
    """How much was looked at."""

    tasks: int
    entries: int


def snapshot() -> AbstractContextManager[None]:
    """One moment of the whole database, from which nothing is dropped meanwhile."""
    return proofs.snapshot(keeping=WEEKS)


def verdicts(*, limit: int = LIMIT) -> Iterator[Verdict]:
    """Each promise's verdict, with at most `limit` findings. To be called in a `snapshot()`."""
    for proof in PROOFS:
        yield from look(proof, limit=limit)


def run() -> Iterator[tuple[str, list[str]]]:
    """(what is promised, what contradicts it, cut) for every promise, over one snapshot."""
    with snapshot():
        for verdict in verdicts():
            yield verdict.promise, verdict.findings


def size() -> Size:
    return Size(*sql.fetch_one(_SIZE))
