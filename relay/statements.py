"""The submit path's statements: one round trip and one commit each.

Written as SQL because here speed counts: the same steps through the ORM take about six times as
long. The parts that move money come from billing/ledger.py.
"""

from billing import ledger
from common import sql

_NEW_ATTEMPT = "INSERT INTO relay_attempt (task_id, channel_id, number, outcome, cost, answer)"

# Hold, task, entry and first attempt, together or not at all. No row: the money does not suffice.
SUBMIT = sql.short(f"""
WITH {ledger.HOLD}, task AS (
    INSERT INTO relay_task (
        tenant_id, is_test, token_id, channel_id, parent_id, action, mode, bot_type, prompt,
        custom_id, state, notify_hook, request_id, price, price_rule_id, mode_prices, description,
        submit_time, status, progress, sequence, start_time, finish_time, hold_suffix, prompt_en,
        final_prompt, final_zh_prompt, fail_reason, image_url, video_url, seed, upstream_id,
        hinted_id, next_poll_at, deadline_at, expires_at
    )
    SELECT wallet.tenant_id, wallet.is_test, %(token_id)s, %(channel_id)s, %(parent_id)s,
           %(action)s, %(mode)s, %(bot_type)s, %(prompt)s, %(custom_id)s, %(state)s,
           %(notify_hook)s, %(request_id)s, %(price)s, %(price_rule_id)s, %(mode_prices)s,
           %(description)s,
           (extract(epoch FROM clock_timestamp()) * 1000)::bigint, 'NOT_START',
           0, 0, 0, 0, '', '', '', '', '', '', '', '', '', '',
           now() + %(first_look)s, now() + %(deadline)s, now() + %(expiry)s
    FROM wallet
    RETURNING id
), entry AS ({ledger.HOLD_ENTRY}), attempt AS (
    {_NEW_ATTEMPT}
    SELECT task.id, %(channel_id)s, 1, 'sending', %(cost)s::bigint, '' FROM task
    RETURNING id
)
SELECT task.id AS task_id, attempt.id AS attempt_id FROM task, attempt
""")  # noqa: S608  the parts are constants

# The task may have been found by a poll before this is stored, so the status only moves forward.
ACCEPTED = """
WITH attempt AS (
    UPDATE relay_attempt
    SET outcome = 'accepted', milliseconds = %(milliseconds)s, answer = %(answer)s
    WHERE id = %(attempt_id)s
)
UPDATE relay_task
SET upstream_id = %(upstream_id)s, next_poll_at = now() + %(wait)s,
    status = CASE status WHEN 'NOT_START' THEN 'SUBMITTED' ELSE status END
WHERE id = %(task_id)s AND next_poll_at IS NOT NULL
"""

UNKNOWN = """
WITH attempt AS (
    UPDATE relay_attempt
    SET outcome = 'unknown', milliseconds = %(milliseconds)s, answer = %(answer)s
    WHERE id = %(attempt_id)s AND outcome = 'sending'
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
    SET channel_id = %(channel_id)s, next_poll_at = now() + %(first_look)s,
        sequence = sequence + 1, hinted_id = '', leased_until = NULL, missing_since = NULL
    WHERE id = %(task_id)s AND next_poll_at IS NOT NULL AND upstream_id = ''
    RETURNING id
), refused AS (
    UPDATE relay_attempt
    SET outcome = %(outcome)s, milliseconds = %(milliseconds)s, answer = %(answer)s
    FROM task WHERE relay_attempt.id = %(attempt_id)s AND relay_attempt.task_id = task.id
    RETURNING relay_attempt.task_id, relay_attempt.number
)
{_NEW_ATTEMPT}
SELECT refused.task_id, %(channel_id)s, refused.number + 1, 'sending', %(cost)s::bigint, ''
FROM refused
RETURNING id AS attempt_id
"""  # noqa: S608  the parts are constants

# A channel's due tasks, taken so that no other poller has them until the lease ends; only as many
# as may be asked for at once, so that a channel that hangs does not keep all hands busy.
CLAIM_POLLS = """
UPDATE relay_task SET next_poll_at = now() + %(lease)s, leased_until = now() + %(lease)s
WHERE id IN (
    SELECT id FROM relay_task
    WHERE channel_id = %(channel_id)s AND next_poll_at <= now()
      AND %(at_once)s > (
        SELECT count(*) FROM relay_task flying
        WHERE flying.channel_id = %(channel_id)s AND flying.leased_until > now()
      )
    ORDER BY next_poll_at LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
RETURNING id
"""

# When to look again; at once when a hint came while we were looking. Tasks that have changed under
# us are left alone: whoever changed them has set their time.
LOOK_AGAIN = """
WITH mine AS (
    -- In the order of their ids, so that two who have looked at the same tasks do not wait for
    -- each other in a circle.
    SELECT id FROM relay_task WHERE id = ANY(%(ids)s) AND next_poll_at IS NOT NULL
    ORDER BY id FOR NO KEY UPDATE
)
UPDATE relay_task
SET missing_since = look.missing_since,
    leased_until = NULL,
    next_poll_at = CASE WHEN relay_task.hinted_at >= relay_task.leased_until - %(lease)s
                        THEN now() ELSE now() + make_interval(secs => look.wait) END
FROM mine JOIN unnest(%(ids)s::bigint[], %(sequences)s::int[], %(waits)s::float8[],
                      %(missing)s::timestamptz[])
               AS look (id, sequence, wait, missing_since) USING (id)
WHERE relay_task.id = mine.id AND relay_task.sequence = look.sequence
"""

# An upstream says that it has news. While somebody is looking already, that one looks again. The
# upstream's id is only kept where its own answer never reached us.
HINT = """
UPDATE relay_task
SET hinted_at = now(),
    next_poll_at = CASE WHEN leased_until > now() THEN next_poll_at ELSE now() END,
    hinted_id = CASE upstream_id WHEN '' THEN %(upstream_id)s ELSE hinted_id END
WHERE id = %(task_id)s AND next_poll_at IS NOT NULL
"""

# Due callbacks, taken so that no other worker has them until the lease ends; of each receiver only
# as many as may be on their way to it at once, so that a slow one delays only itself.
CLAIM_CALLBACKS = """
WITH flying AS (
    SELECT tenant_id, host, count(*) AS number FROM relay_callback
    WHERE flies_until > now() GROUP BY tenant_id, host
), due AS (
    SELECT id, tenant_id, host,
           row_number() OVER (PARTITION BY tenant_id, host ORDER BY due_at) AS place
    FROM relay_callback WHERE due_at <= now()
), fitting AS (
    SELECT due.id FROM due LEFT JOIN flying USING (tenant_id, host)
    WHERE due.place + coalesce(flying.number, 0) <= %(per_host)s
    LIMIT %(limit)s
), taken AS (
    SELECT id FROM relay_callback JOIN fitting USING (id)
    WHERE due_at <= now()
    FOR UPDATE OF relay_callback SKIP LOCKED
)
UPDATE relay_callback SET due_at = now() + %(lease)s, flies_until = now() + %(lease)s
FROM taken WHERE relay_callback.id = taken.id
RETURNING relay_callback.id, tries
"""

# Due files of results, taken so that no other worker has them until the lease ends.
CLAIM_RESULTS = """
UPDATE relay_resultfile SET due_at = now() + %(lease)s
WHERE id IN (
    SELECT id FROM relay_resultfile WHERE due_at <= now()
    ORDER BY due_at LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
RETURNING id, tries
"""
