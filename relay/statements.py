"""The submit path's statements: one round trip and one commit each.

Written as SQL because here speed counts: the same steps through the ORM take about six times as
long. The parts that move money come from billing/ledger.py.
"""

from billing import ledger
from common import sql

_NEW_ATTEMPT = """INSERT INTO relay_attempt (
        task_id, channel_id, credential_id, number, outcome, is_fault, cost, answer
    )"""

# Hold, task, entry and first attempt, together or not at all. No row: the money does not suffice.
SUBMIT = sql.short(f"""
WITH {ledger.HOLD}, task AS (
    INSERT INTO relay_task (
        tenant_id, is_test, token_id, channel_id, credential_id, parent_id, action, mode, bot_type,
        prompt, custom_id, state, notify_hook, request_id, price, price_rule_id, mode_prices,
        description, submit_time, status, progress, sequence, start_time, finish_time, hold_suffix,
        prompt_en,
        final_prompt, final_zh_prompt, fail_reason, image_url, video_url, seed, upstream_id,
        hinted_id, is_written_off, next_poll_at, deadline_at, expires_at
    )
    SELECT wallet.tenant_id, wallet.is_test, %(token_id)s, %(channel_id)s,
           %(credential_id)s, %(parent_id)s, %(action)s, %(mode)s, %(bot_type)s, %(prompt)s,
           %(custom_id)s, %(state)s, %(notify_hook)s, %(request_id)s, %(price)s, %(price_rule_id)s,
           %(mode_prices)s, %(description)s,
           (extract(epoch FROM clock_timestamp()) * 1000)::bigint, 'NOT_START',
           0, 0, 0, 0, '', '', '', '', '', '', '', '', '', '', false,
           now() + %(first_look)s, now() + %(deadline)s, now() + %(expiry)s
    FROM wallet
    RETURNING id
), entry AS ({ledger.HOLD_ENTRY}), attempt AS (
    {_NEW_ATTEMPT}
    SELECT task.id, %(channel_id)s, %(credential_id)s, 1, 'sending', false, %(cost)s::bigint, ''
    FROM task
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
    SET outcome = 'unknown', is_fault = true, milliseconds = %(milliseconds)s,
        answer = %(answer)s
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
    SET channel_id = %(channel_id)s, credential_id = %(credential_id)s,
        next_poll_at = now() + %(first_look)s, sequence = sequence + 1, hinted_id = '',
        leased_until = NULL, missing_since = NULL
    WHERE id = %(task_id)s AND next_poll_at IS NOT NULL AND upstream_id = ''
    RETURNING id
), refused AS (
    UPDATE relay_attempt
    SET outcome = %(outcome)s, is_fault = %(is_fault)s, milliseconds = %(milliseconds)s,
        answer = %(answer)s
    FROM task WHERE relay_attempt.id = %(attempt_id)s AND relay_attempt.task_id = task.id
    RETURNING relay_attempt.task_id, relay_attempt.number
)
{_NEW_ATTEMPT}
SELECT refused.task_id, %(channel_id)s, %(credential_id)s, refused.number + 1, 'sending', false,
       %(cost)s::bigint, ''
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
RETURNING id, leased_until
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

# What many tasks that go on have come to, a line of JSON for each; no key: as it was. Only of those
# that are still as they were seen.
PROGRESS = """
WITH mine AS (
    -- In the order of their ids, as above.
    SELECT id FROM relay_task WHERE id = ANY(%(ids)s) AND next_poll_at IS NOT NULL
    ORDER BY id FOR NO KEY UPDATE
)
UPDATE relay_task
SET sequence = relay_task.sequence + 1, changed_at = now(), missing_since = NULL,
    status = coalesce(news.status, relay_task.status),
    progress = coalesce(news.progress, relay_task.progress),
    mode = coalesce(news.mode, relay_task.mode),
    prompt = coalesce(news.prompt, relay_task.prompt),
    prompt_en = coalesce(news.prompt_en, relay_task.prompt_en),
    final_prompt = coalesce(news.final_prompt, relay_task.final_prompt),
    final_zh_prompt = coalesce(news.final_zh_prompt, relay_task.final_zh_prompt),
    description = coalesce(news.description, relay_task.description),
    image_url = coalesce(news.image_url, relay_task.image_url),
    image_urls = coalesce(news.image_urls, relay_task.image_urls),
    video_url = coalesce(news.video_url, relay_task.video_url),
    video_urls = coalesce(news.video_urls, relay_task.video_urls),
    buttons = coalesce(news.buttons, relay_task.buttons),
    start_time = coalesce(news.start_time, relay_task.start_time),
    upstream_row = news.upstream_row
FROM mine JOIN jsonb_to_recordset(%(news)s) AS news (
    id bigint, seen int, status text, progress smallint, mode text, prompt text, prompt_en text,
    final_prompt text, final_zh_prompt text, description text, image_url text, image_urls jsonb,
    video_url text, video_urls jsonb, buttons jsonb, start_time bigint, upstream_row jsonb
) USING (id)
WHERE relay_task.id = mine.id AND relay_task.sequence = news.seen
RETURNING relay_task.id
"""

# An upstream says that it has news. While somebody is looking already, that one looks again. The
# upstream's id is only kept where its own answer never reached us.
HINT = """
UPDATE relay_task
SET hinted_at = now(),
    next_poll_at = CASE WHEN next_poll_at IS NULL OR leased_until > now() THEN next_poll_at
                        ELSE now() END,
    late_look_at = CASE WHEN late_look_at IS NOT NULL THEN now() END,
    hinted_id = CASE upstream_id WHEN '' THEN %(upstream_id)s ELSE hinted_id END
WHERE id = %(task_id)s AND (next_poll_at IS NOT NULL OR late_look_at IS NOT NULL)
"""

# What failed by our own verdict and is due to be asked for again: of each channel only one batch a
# tick, so that one that hangs does not keep all hands busy.
CLAIM_LATE = """
WITH due AS (
    SELECT id, row_number() OVER (PARTITION BY channel_id ORDER BY late_look_at) AS place
    FROM relay_task WHERE late_look_at <= now()
)
UPDATE relay_task SET late_look_at = now() + %(lease)s
WHERE id IN (
    SELECT id FROM relay_task JOIN due USING (id)
    WHERE place <= %(limit)s AND late_look_at <= now()
    FOR UPDATE OF relay_task SKIP LOCKED
)
RETURNING id, channel_id
"""

# Due callbacks, taken so that no other worker has them until the lease ends. A receiver is a lane
# of a host of a tenant (relay/hooks.py). Receivers are found by stepping over the index from one to
# the next, and of each only as many rows are read as may fly to it: what a dead one has piled up
# costs nothing. Nothing is taken for one that asks for peace, little for one that fails, and of a
# task never a second message while one is on its way, so that no state arrives after a later one.
CLAIM_CALLBACKS = """
WITH RECURSIVE receiver AS (
    (
        SELECT tenant_id, host, lane FROM relay_callback WHERE due_at IS NOT NULL
        ORDER BY tenant_id, host, lane LIMIT 1
    )
    UNION ALL
    SELECT following.* FROM receiver CROSS JOIN LATERAL (
        SELECT callback.tenant_id, callback.host, callback.lane FROM relay_callback callback
        WHERE callback.due_at IS NOT NULL AND (callback.tenant_id, callback.host, callback.lane)
            > (receiver.tenant_id, receiver.host, receiver.lane)
        ORDER BY callback.tenant_id, callback.host, callback.lane LIMIT 1
    ) following
), flying AS (
    SELECT tenant_id, host, lane, count(*) AS number FROM relay_callback
    WHERE flies_until > statement_timestamp() GROUP BY tenant_id, host, lane
), room AS (
    SELECT tenant_id, host, lane, coalesce(flying.number, 0) AS flying, CASE
        WHEN EXISTS (
            SELECT FROM relay_hook
            WHERE tenant_id = receiver.tenant_id AND host = receiver.host AND lane = receiver.lane
              AND quiet_until > statement_timestamp()
        ) THEN 0
        WHEN EXISTS (
            SELECT FROM relay_hook
            WHERE tenant_id = receiver.tenant_id AND host = receiver.host AND lane = receiver.lane
              AND off_since IS NULL
        ) THEN %(per_failing)s
        ELSE %(per_host)s END AS places
    FROM receiver LEFT JOIN flying USING (tenant_id, host, lane)
), due AS (
    SELECT room.tenant_id, room.host, message.id, message.due_at,
           row_number() OVER (
               PARTITION BY room.tenant_id, room.host, room.lane ORDER BY message.due_at
           ) AS place
    FROM room CROSS JOIN LATERAL (
        -- As a range of the index by receivers: asked for as equal, a receiver that most rows
        -- belong to would be looked for in the index by time, row by row.
        SELECT callback.id, callback.due_at FROM relay_callback callback
        WHERE (callback.tenant_id, callback.host, callback.lane, callback.due_at)
            BETWEEN (room.tenant_id, room.host, room.lane, '-infinity'::timestamptz)
                AND (room.tenant_id, room.host, room.lane, statement_timestamp())
          AND callback.due_at IS NOT NULL
          AND NOT EXISTS (
              SELECT FROM relay_callback other
              WHERE other.task_id = callback.task_id AND other.flies_until > statement_timestamp()
          )
        ORDER BY callback.tenant_id, callback.host, callback.lane, callback.due_at
        LIMIT greatest(room.places - room.flying, 0)
    ) message
), in_line AS (
    -- The lanes of a host take turns.
    SELECT due.id, due.due_at,
           row_number() OVER (PARTITION BY tenant_id, host ORDER BY place, due_at)
               + coalesce(at_host.number, 0) AS at_host,
           row_number() OVER (PARTITION BY tenant_id ORDER BY place, due_at)
               + coalesce(of_tenant.number, 0) AS of_tenant
    FROM due
    LEFT JOIN (
        SELECT tenant_id, host, sum(number) AS number FROM flying GROUP BY tenant_id, host
    ) at_host USING (tenant_id, host)
    LEFT JOIN (
        SELECT tenant_id, sum(number) AS number FROM flying GROUP BY tenant_id
    ) of_tenant USING (tenant_id)
), fitting AS (
    SELECT id FROM in_line WHERE at_host <= %(per_host)s AND of_tenant <= %(per_tenant)s
    ORDER BY due_at LIMIT %(limit)s
), taken AS (
    SELECT id FROM relay_callback JOIN fitting USING (id)
    WHERE due_at <= statement_timestamp()
    FOR UPDATE OF relay_callback SKIP LOCKED
)
UPDATE relay_callback
SET due_at = statement_timestamp() + %(lease)s, flies_until = statement_timestamp() + %(lease)s
FROM taken WHERE relay_callback.id = taken.id
RETURNING relay_callback.id, tries
"""

# The beginning of a try: of several workers with the same job, the one that raises `tries` makes
# it. What a later state has overtaken, or whose hook is off, is put aside instead. No row: there is
# nothing to do.
TAKE_CALLBACK = """
WITH message AS (
    SELECT id, is_final, CASE
        WHEN EXISTS (
            SELECT FROM relay_callback newer
            WHERE newer.task_id = callback.task_id AND newer.sequence > callback.sequence
        ) THEN 'overtaken'
        WHEN EXISTS (
            SELECT FROM relay_hook hook WHERE hook.tenant_id = callback.tenant_id
            AND hook.digest = sha256(convert_to(callback.url, 'UTF8'))
            AND hook.off_since IS NOT NULL
        ) THEN CASE WHEN is_final THEN 'held_back' ELSE 'overtaken' END
        ELSE 'pending' END AS state
    FROM relay_callback callback
    WHERE id = %(id)s AND tries = %(tries)s AND state = 'pending'
)
UPDATE relay_callback SET
    state = message.state,
    tries = CASE message.state WHEN 'pending' THEN tries + 1 ELSE tries END,
    due_at = CASE message.state WHEN 'pending' THEN statement_timestamp() + %(lease)s END,
    flies_until = CASE message.state WHEN 'pending' THEN statement_timestamp() + %(lease)s END
FROM message
WHERE relay_callback.id = message.id
  -- As it is now, if somebody else has just changed it.
  AND relay_callback.tries = %(tries)s AND relay_callback.state = 'pending'
RETURNING relay_callback.state
"""

# It was claimed and then put aside: its task waits for nothing.
LAND_CALLBACK = """
UPDATE relay_callback SET flies_until = NULL
WHERE id = %(id)s AND tries = %(tries)s AND state <> 'pending' AND flies_until IS NOT NULL
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
