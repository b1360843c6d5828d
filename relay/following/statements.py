"""The statements of following: what is due, what became of it, when to look again."""

from relay.weeks.spans import among, within

# A look into the index for each channel, however many tasks there are. First the one that has
# waited the longest.
DUE_CHANNELS = f"""
SELECT channel.id, extract(epoch FROM now() - first.next_poll_at)::float8 AS late
FROM channels_channel channel CROSS JOIN LATERAL (
    SELECT next_poll_at FROM relay_task
    WHERE channel_id = channel.id AND next_poll_at <= now() AND {within("id")}
    ORDER BY next_poll_at LIMIT 1
) first
ORDER BY first.next_poll_at
"""  # noqa: S608  the parts are constants

# A channel's due tasks, taken so that no other poller has them until the lease ends; only as many
# as may be asked for at once, so that a channel that hangs does not keep all hands busy.
CLAIM_POLLS = f"""
UPDATE relay_task SET next_poll_at = now() + %(lease)s, leased_until = now() + %(lease)s
WHERE {within("id")} AND id IN (
    SELECT id FROM relay_task
    WHERE channel_id = %(channel_id)s AND next_poll_at <= now() AND {within("id")}
      AND %(at_once)s > (
        SELECT count(*) FROM relay_task flying
        WHERE flying.channel_id = %(channel_id)s AND flying.leased_until > now()
          AND {within("flying.id")}
      )
    ORDER BY next_poll_at LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
RETURNING id, leased_until
"""  # noqa: S608  the parts are constants

# Of tasks that were claimed, what one must know to ask for them; without a lease whoever has them.
LOOKED_AT = f"""
SELECT id AS pk, sequence, credential_id, upstream_id, hinted_id, missing_since, deadline_at,
       changed_at, mode, next_poll_at,
       extract(epoch FROM leased_until - now())::float8 AS lease_left
FROM relay_task
WHERE id = ANY(%(ids)s) AND {among("id")} AND channel_id = %(channel_id)s
  AND next_poll_at IS NOT NULL
  AND (leased_until = %(lease)s OR %(lease)s::timestamptz IS NULL)
"""  # noqa: S608  the parts are constants

# Before several tasks are changed, in the same transaction: in the order of their ids, so that two
# who do so do not wait for each other in a circle, and so that what changes them has to wait for
# nobody. (PostgreSQL 18 does not come back from that wait to where it was when the rows of a table
# in parts are joined to others and bounded by parameters besides: that row and those after it are
# left out, without a word. tests/races/test_looks.py)
LOCK_TASKS = f"""
SELECT id FROM relay_task
WHERE id = ANY(%(ids)s) AND {among("id")} AND next_poll_at IS NOT NULL
ORDER BY id FOR NO KEY UPDATE
"""  # noqa: S608  the parts are constants

# When to look again; at once when a hint came while we were looking. Tasks that have changed under
# us are left alone: whoever changed them has set their time. (After LOCK_TASKS. For the limits see
# asking() in billing/ledger.py.)
LOOK_AGAIN = f"""
UPDATE relay_task
SET missing_since = look.missing_since,
    leased_until = NULL,
    next_poll_at = CASE WHEN relay_task.hinted_at >= relay_task.leased_until - %(lease)s
                        THEN now() ELSE now() + make_interval(secs => look.wait) END
FROM (
    SELECT * FROM unnest(%(ids)s::bigint[], %(sequences)s::int[], %(waits)s::float8[],
                         %(missing)s::timestamptz[]) AS one (id, sequence, wait, missing_since)
    LIMIT %(number)s
) look
WHERE relay_task.id = look.id AND relay_task.sequence = look.sequence AND next_poll_at IS NOT NULL
  AND {among("relay_task.id")}
"""  # noqa: S608  the parts are constants

# What many tasks that go on have come to, a line of JSON for each; no key: as it was. Only of those
# that are still as they were seen. (After LOCK_TASKS.)
PROGRESS = f"""
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
FROM (
    SELECT * FROM jsonb_to_recordset(%(news)s) AS one (
        id bigint, seen int, status text, progress smallint, mode text, prompt text,
        prompt_en text, final_prompt text, final_zh_prompt text, description text, image_url text,
        image_urls jsonb, video_url text, video_urls jsonb, buttons jsonb, start_time bigint,
        upstream_row jsonb
    ) LIMIT %(number)s
) news
WHERE relay_task.id = ANY(%(ids)s) AND relay_task.id = news.id AND relay_task.sequence = news.seen
  AND next_poll_at IS NOT NULL AND {among("relay_task.id")}
RETURNING relay_task.id
"""  # noqa: S608  the parts are constants

# There may be news: a task is due now. While somebody is looking already, that one looks again. The
# upstream's id, where it is told, is only kept if its own answer never reached us.
HINT = """
UPDATE relay_task
SET hinted_at = now(),
    next_poll_at = CASE WHEN next_poll_at IS NULL OR leased_until > now() THEN next_poll_at
                        ELSE now() END,
    late_look_at = CASE WHEN late_look_at IS NOT NULL THEN now() END,
    hinted_id = CASE WHEN upstream_id = '' AND %(upstream_id)s <> '' THEN %(upstream_id)s
                     ELSE hinted_id END
WHERE id = %(task_id)s AND (next_poll_at IS NOT NULL OR late_look_at IS NOT NULL)
"""

# What failed by our own verdict and is due to be asked for again: of each channel only one batch a
# tick, so that one that hangs does not keep all hands busy.
CLAIM_LATE = f"""
WITH due AS (
    SELECT id, row_number() OVER (PARTITION BY channel_id ORDER BY late_look_at) AS place
    FROM relay_task WHERE late_look_at <= now() AND {within("id")}
)
UPDATE relay_task SET late_look_at = now() + %(lease)s
WHERE {within("id")} AND id IN (
    SELECT id FROM relay_task JOIN due USING (id)
    WHERE place <= %(limit)s AND late_look_at <= now()
      AND {within("id")}
    FOR UPDATE OF relay_task SKIP LOCKED
)
RETURNING id, channel_id
"""  # noqa: S608  the parts are constants
