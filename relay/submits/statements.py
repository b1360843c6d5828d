"""The statements of a submit: one round trip and one commit for each step.

Written as SQL because here speed counts: the same steps through the ORM take about six times as
long. The parts that move money come from billing/ledger.py.
"""

from billing import ledger
from common import sql
from relay.weeks.spans import among

_NEW_ATTEMPT = """INSERT INTO relay_attempt (
        task_id, channel_id, credential_id, number, outcome, is_fault, cost, answer
    )"""

# What a submit brings, beside ledger.HOLD_COLUMNS. Times in seconds from now.
SUBMIT_COLUMNS = ledger.HOLD_COLUMNS | {
    "channel_id": "bigint",
    "credential_id": "bigint",
    "cost": "bigint",
    "parent_id": "bigint",
    "action": "text",
    "bot_type": "text",
    "prompt": "text",
    "custom_id": "text",
    "state": "text",
    "notify_hook": "text",
    "request_id": "bigint",
    "description": "text",
    "mode_prices": "jsonb",
    "first_look": "float8",
    "deadline": "float8",
    "expiry": "float8",
}

# Hold, task, entry and first attempt, together or not at all, for each of several that are asked
# for. No row for one: the money does not suffice.
SUBMIT = f"""
WITH {ledger.asked(SUBMIT_COLUMNS)}, {ledger.HOLD}, task AS (
    INSERT INTO relay_task (
        tenant_id, is_test, token_id, channel_id, credential_id, parent_id, action, mode, bot_type,
        prompt, custom_id, state, notify_hook, request_id, price, price_rule_id, mode_prices,
        description, submit_time, status, progress, sequence, start_time, finish_time, hold_suffix,
        prompt_en,
        final_prompt, final_zh_prompt, fail_reason, image_url, video_url, seed, upstream_id,
        hinted_id, is_written_off, next_poll_at, deadline_at, expires_at
    )
    SELECT tenant_id, is_test, token_id, channel_id, credential_id, parent_id, action, mode,
           bot_type, prompt, custom_id, state, notify_hook, request_id, price, price_rule_id,
           mode_prices, description,
           (extract(epoch FROM clock_timestamp()) * 1000)::bigint, 'NOT_START',
           0, 0, 0, 0, '', '', '', '', '', '', '', '', '', '', false,
           now() + make_interval(secs => first_look), now() + make_interval(secs => deadline),
           now() + make_interval(secs => expiry)
    FROM {ledger.HELD}
    RETURNING id, token_id
), entry AS ({ledger.HOLD_ENTRY}), attempt AS (
    {_NEW_ATTEMPT}
    SELECT task.id, channel_id, credential_id, 1, 'sending', false, cost, ''
    FROM task JOIN payer USING (token_id)
    RETURNING task_id, id AS attempt_id
)
SELECT wallet_id, task_id, attempt_id
FROM attempt JOIN task ON task.id = task_id JOIN payer USING (token_id)
"""  # noqa: S608  the parts are constants


def _nth(values: str, *, of: str, among: str) -> str:
    """SQL: the one of these values that stands where the column `of` stands among these. A join
    would say the same, and say it wrong (LOCK_TASKS in relay/following/statements.py)."""
    return f"(%({values})s::{_LISTS[values]})[array_position(%({among})s::bigint[], {of})]"


_LISTS = {"upstream_ids": "text[]", "milliseconds": "int[]", "answers": "text[]"}
# Of several that upstreams have taken. The task may have been found by a poll before this is
# stored, so the status only moves forward.
ACCEPTED = sql.short(f"""
WITH attempt AS (
    UPDATE relay_attempt
    SET outcome = 'accepted',
        milliseconds = {_nth("milliseconds", of="id", among="attempt_ids")},
        answer = {_nth("answers", of="id", among="attempt_ids")}
    WHERE id = ANY(%(attempt_ids)s) AND {among("task_id")}
)
UPDATE relay_task
SET upstream_id = {_nth("upstream_ids", of="id", among="ids")}, next_poll_at = now() + %(wait)s,
    status = CASE status WHEN 'NOT_START' THEN 'SUBMITTED' ELSE status END
WHERE id = ANY(%(ids)s) AND next_poll_at IS NOT NULL AND {among("id")}
""")  # noqa: S608  the parts are constants

UNKNOWN = """
WITH attempt AS (
    UPDATE relay_attempt
    SET outcome = 'unknown', is_fault = true, milliseconds = %(milliseconds)s,
        answer = %(answer)s
    WHERE id = %(attempt_id)s AND task_id = %(task_id)s AND outcome = 'sending'
)
UPDATE relay_task SET next_poll_at = now() + %(wait)s
WHERE id = %(task_id)s AND next_poll_at IS NOT NULL
"""

# The same hold moves on to the next channel. The sequence counts on, so that a look at the first
# one that is still under way finds the task changed. No row: the task has ended meanwhile, or a
# poll has found it at the upstream that said no. (Task before attempt, as everywhere.)
NEXT_ATTEMPT = f"""
WITH task AS (
    UPDATE relay_task
    SET channel_id = %(channel_id)s, credential_id = %(credential_id)s,
        next_poll_at = now() + %(first_look)s, sequence = sequence + 1, hinted_id = '',
        leased_until = NULL, missing_since = NULL
    WHERE id = %(task_id)s AND next_poll_at IS NOT NULL AND upstream_id = ''
    RETURNING id
), refused AS (
    UPDATE relay_attempt
    SET outcome = %(outcome)s, is_fault = %(is_fault)s, milliseconds = %(milliseconds)s,
        answer = %(answer)s
    FROM task
    WHERE relay_attempt.id = %(attempt_id)s AND relay_attempt.task_id = %(task_id)s
    RETURNING relay_attempt.task_id, relay_attempt.number
)
{_NEW_ATTEMPT}
SELECT refused.task_id, %(channel_id)s, %(credential_id)s, refused.number + 1, 'sending', false,
       %(cost)s::bigint, ''
FROM refused
RETURNING id AS attempt_id
"""  # noqa: S608  the parts are constants
