"""How bench/seed.py makes a past: each step is one statement, in this order. FIRST is done once,
then SLICE for one stretch of days after the other, then LAST.

Chance is thrown once per task (`dice`) and kept in a temporary table, from which tasks, entries,
attempts and callbacks follow; so they agree with each other. Lines of the ledger that are younger
than a slice wait for the next one, so that they are written in the order of their times.
"""

from bench import seed_extras

MODES_PRICES = """'{"fast": 100000, "relax": 50000, "turbo": 100000}'::jsonb"""
PROMPT = "'a lighthouse at dawn, number ' || n || ', oil on canvas, wide view'"
BUTTONS = """(
    SELECT jsonb_agg(jsonb_build_object('customId', 'MJ::JOB::upsample::' || u || '::' || n,
                                        'label', 'U' || u, 'type', 2, 'style', 2, 'emoji', ''))
    FROM generate_series(1, 4) u
)"""

_KEYS = """
CREATE TEMP TABLE seed_key AS
SELECT row_number() OVER (ORDER BY token.id) AS key_number, token.id AS token_id, token.tenant_id,
       token.is_test, wallet.id AS wallet_id, count(*) OVER () AS keys
FROM billing_token token
JOIN billing_wallet wallet
  ON wallet.tenant_id = token.tenant_id AND wallet.is_test = token.is_test
"""
_RULES = """
CREATE TEMP TABLE seed_rule AS
SELECT action.action, action.name AS price_name, action.place, fast.id AS fast_rule,
       relax.id AS relax_rule
FROM (VALUES (0, 'IMAGINE', 'mj_imagine'), (1, 'IMAGINE', 'mj_imagine'), (2, 'IMAGINE',
      'mj_imagine'), (3, 'UPSCALE', 'mj_upscale'), (4, 'VARIATION', 'mj_variation'),
      (5, 'DESCRIBE', 'mj_describe'), (6, 'BLEND', 'mj_blend'), (7, 'INPAINT', 'mj_modal'))
     action (place, action, name)
JOIN billing_pricerule fast ON fast.name = action.name AND fast.mode = ''
     AND fast.book_id = (SELECT max(id) FROM billing_pricebook
                         WHERE created_by = 'bench' AND origin_id IS NULL)
JOIN billing_pricerule relax
  ON relax.book_id = fast.book_id AND relax.name = action.name AND relax.mode = 'relax'
"""
_CHANNELS = """
CREATE TEMP TABLE seed_channel AS
SELECT channel.id AS channel_id, channel.is_test, cost.amount AS cost,
       row_number() OVER (PARTITION BY channel.is_test ORDER BY channel.id) - 1 AS place,
       count(*) OVER (PARTITION BY channel.is_test) AS channels
FROM channels_channel channel LEFT JOIN channels_costrule cost ON cost.channel_id = channel.id
"""
# Few keys have most of the traffic. The newest tasks are live.
_TASKS = """
DROP TABLE IF EXISTS seed_task;
CREATE TEMP TABLE seed_task AS
SELECT n, (extract(epoch FROM began) * 1000)::bigint * 1000 + n %% 1000 AS id, began,
       began + make_interval(secs => 20 + 100 * lasts + CASE WHEN holds > 1 THEN 60 * holds
                                                             ELSE 0 END) AS ended,
       status, holds, is_modal, is_hooked, is_moved AND NOT is_modal AS is_moved, is_refused,
       is_cheaper, refund, key.token_id, key.tenant_id, key.wallet_id, key.is_test,
       rule.action, rule.price_name,
       CASE WHEN is_relax THEN 'relax' ELSE 'fast' END AS mode,
       CASE WHEN is_relax THEN relax_rule ELSE fast_rule END AS rule_id,
       CASE WHEN is_relax THEN 50000 ELSE 100000 END AS price,
       channel.channel_id, channel.cost,
       CASE WHEN holds > 1 THEN ':' || holds ELSE '' END AS suffix
FROM (
    SELECT n, is_modal, lasts, is_hooked, is_moved, is_refused, is_relax, key_number, rule_place,
           channel_dice, refund,
           %(now)s - make_interval(secs => 600 + %(days)s * 86400.0 * (%(tasks)s - n) / %(tasks)s)
               AS began,
           CASE WHEN n > %(tasks)s - %(live)s THEN
                    CASE WHEN is_modal THEN 'MODAL'
                         ELSE (ARRAY['NOT_START', 'SUBMITTED', 'IN_PROGRESS'])[1 + n %% 3] END
                WHEN is_modal AND fate > 0.95 THEN 'CANCEL'
                WHEN fate > 0.9 THEN 'FAILURE' ELSE 'SUCCESS' END AS status,
           CASE WHEN is_modal THEN %(modal_holds)s ELSE 1 END AS holds,
           is_cheaper AND NOT is_relax AS is_cheaper
    FROM (
        SELECT n, random() AS fate, random() AS lasts, random() AS channel_dice,
               random() < %(modal_share)s AS is_modal, random() < %(hook_share)s AS is_hooked,
               random() < 0.03 AS is_moved, random() < 0.2 AS is_refused,
               random() < 0.2 AS is_relax, random() < 0.01 AS is_cheaper,
               1 + floor(power(random(), 2) * (SELECT max(keys) FROM seed_key))::int AS key_number,
               floor(random() * 7)::int AS rule_place,
               CASE WHEN random() < %(refund_share)s THEN 1 + (random() > 0.5)::int ELSE 0 END
                   AS refund
        FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
    ) dice
) fate
JOIN seed_key key USING (key_number)
JOIN seed_rule rule ON rule.place = CASE WHEN is_modal THEN 7 ELSE rule_place END
JOIN seed_channel channel ON channel.is_test = key.is_test
     AND channel.place = floor(channel_dice * channel.channels)
"""
_INSERT_TASKS = f"""
INSERT INTO relay_task (
    id, tenant_id, is_test, token_id, channel_id, action, mode, bot_type, prompt, state,
    notify_hook, price, price_rule_id, mode_prices, hold_suffix, status, progress, custom_id,
    prompt_en, final_prompt, final_zh_prompt, description, fail_reason, image_url, video_url,
    image_urls, buttons, seed, submit_time, start_time, finish_time, upstream_id, hinted_id,
    upstream_row, sequence, changed_at, next_poll_at, deadline_at, expires_at, is_written_off
)
SELECT id, tenant_id, is_test, token_id, channel_id, action,
       CASE WHEN is_cheaper AND status = 'SUCCESS' THEN 'relax' ELSE mode END, 'MID_JOURNEY',
       {PROMPT}, '', CASE WHEN is_hooked THEN 'https://hook.example/' || tenant_id ELSE '' END,
       price, rule_id, {MODES_PRICES}, suffix, status, CASE WHEN done THEN 100 ELSE 0 END, '',
       {PROMPT}, {PROMPT}, '', '/imagine ' || {PROMPT},
       CASE WHEN status = 'FAILURE' THEN 'the upstream gave no reason' ELSE '' END,
       CASE WHEN drawn THEN 'https://cdn.example/attachments/' || n || '/' || id || '.png'
            ELSE '' END, '', NULL, CASE WHEN drawn THEN {BUTTONS} END, '',
       began_ms, CASE WHEN done THEN began_ms + 5000 ELSE 0 END,
       CASE WHEN done THEN (extract(epoch FROM ended) * 1000)::bigint ELSE 0 END,
       CASE WHEN status = 'NOT_START' THEN '' ELSE 'up' || id END, '',
       jsonb_build_object('id', 'up' || id, 'status', status, 'progress', '100%%'), 4,
       CASE WHEN done THEN ended ELSE began END,
       CASE WHEN status IN ('NOT_START', 'SUBMITTED', 'IN_PROGRESS')
            THEN now() + interval '1 day' END,
       now() + interval '1 day', now() + interval '10 days', false
FROM (
    SELECT *, (extract(epoch FROM began) * 1000)::bigint AS began_ms, status = 'SUCCESS' AS drawn,
           status IN ('SUCCESS', 'FAILURE', 'CANCEL') AS done
    FROM seed_task
) task
ORDER BY id
"""
# `place` tells lines of the same moment apart; `held_at` is when their hold was made.
_EVENT_TABLE = """
CREATE TEMP TABLE seed_event (
    wallet_id bigint, kind text, reference text, amount bigint, held bigint, token_id bigint,
    rule_id bigint, price_name text, mode text, channel bigint, cost bigint, actor text, memo text,
    at timestamptz, place bigint, held_at timestamptz
)
"""
_OTHER_EVENTS = f"INSERT INTO seed_event {seed_extras.EVENTS}"
# Who has something drawn in this slice pays for it before, and some more each week.
_EVENTS = """
INSERT INTO seed_event
WITH hold AS (
    SELECT task.*, nth, CASE WHEN nth > 1 THEN id || ':' || nth ELSE id::text END AS reference,
           began + make_interval(secs => 60 * (nth - 1)) AS held_at, nth = holds AS is_last
    FROM seed_task task CROSS JOIN LATERAL generate_series(1, holds) nth
), ending AS (
    SELECT *, CASE WHEN is_last AND status IN ('SUCCESS', 'FAILURE', 'CANCEL') THEN ended
                   ELSE held_at + interval '4 seconds' END AS ended_at,
           CASE WHEN NOT is_last OR status <> 'SUCCESS' THEN 0
                WHEN is_cheaper THEN 50000 ELSE price END AS paid,
           is_last AND status = 'SUCCESS' AS is_paid
    FROM hold WHERE NOT is_last OR status IN ('SUCCESS', 'FAILURE', 'CANCEL', 'MODAL')
), needs AS (
    SELECT wallet_id, sum(price * holds) + 20000000 AS amount FROM seed_task GROUP BY wallet_id
), weeks AS (
    SELECT (extract(epoch FROM least(%(until)s, %(now)s) - %(since)s) / 604800)::int AS number
)
SELECT wallet_id, 'hold' AS kind, reference, 0 AS amount, price AS held, token_id, rule_id,
       price_name, mode, NULL::bigint AS channel, NULL::bigint AS cost, '' AS actor, '' AS memo,
       held_at AS at, n * 64 + nth * 4 AS place, held_at
FROM hold
UNION ALL
SELECT wallet_id, CASE WHEN is_paid THEN 'capture' ELSE 'release' END, reference, -paid, -price,
       token_id, rule_id, price_name, mode, CASE WHEN is_paid THEN channel_id END,
       CASE WHEN is_paid THEN cost END, '',
       CASE WHEN NOT is_last OR status = 'MODAL' THEN 'waits for confirmation' ELSE '' END,
       ended_at, n * 64 + nth * 4 + 1, held_at
FROM ending
UNION ALL
-- Whole, or in two parts.
SELECT wallet_id, 'refund', reference, paid / refund, 0, token_id, rule_id, price_name, mode,
       channel_id, NULL, 'bench', 'a bad picture', ended + make_interval(hours => part),
       n * 64 + nth * 4 + 1 + part, held_at
FROM ending CROSS JOIN LATERAL generate_series(1, refund) part
WHERE is_paid AND ended + make_interval(hours => part) < %(now)s
UNION ALL
SELECT wallet_id, 'topup', 'payment-' || wallet_id || '-' || %(first)s || '-' || week,
       CASE week WHEN 0 THEN amount ELSE amount / weeks.number + 1 END, 0, NULL, NULL, '', '',
       NULL, NULL, 'bench', '', %(since)s + make_interval(days => 7 * week),
       -wallet_id * 10000 + week, NULL
FROM needs CROSS JOIN weeks
CROSS JOIN LATERAL generate_series(0, greatest(weeks.number - 1, 0)) week
"""
# What is written now.
_LINES = """
DROP TABLE IF EXISTS seed_line;
CREATE TEMP TABLE seed_line AS SELECT * FROM seed_event WHERE at < %(until)s;
CREATE TEMP TABLE seed_rest AS SELECT * FROM seed_event WHERE at >= %(until)s;
TRUNCATE seed_event;
INSERT INTO seed_event SELECT * FROM seed_rest;
DROP TABLE seed_rest;
ANALYZE seed_task, seed_line
"""
_INSERT_ENTRIES = """
INSERT INTO billing_entry (
    id, wallet_id, kind, reference, drawing, amount, held, balance_after, held_after, token_id,
    price_rule_id, price_name, mode, channel, cost, actor, memo, created_at
)
SELECT before.id + row_number() OVER (ORDER BY at, place), wallet_id, kind, reference,
       drawing_of(kind, reference), amount, line.held, wallet.balance + sum(amount) OVER walk,
       wallet.held + sum(line.held) OVER walk, token_id, rule_id, price_name, mode, channel, cost,
       actor, memo, at
FROM seed_line line JOIN billing_wallet wallet ON wallet.id = wallet_id
CROSS JOIN (
    SELECT last_value - CASE WHEN is_called THEN 0 ELSE 1 END AS id FROM billing_entry_id_seq
) before
WINDOW walk AS (PARTITION BY wallet_id ORDER BY at, place ROWS UNBOUNDED PRECEDING)
ORDER BY 1
"""
_ENTRY_IDS = """
SELECT setval('billing_entry_id_seq',
              greatest(nextval('billing_entry_id_seq') - 1 + count(*), 1), true)
FROM seed_line
"""
# A task that a first channel refused was with another one before; a modal has an attempt for each
# of its holds.
_ATTEMPTS = """
INSERT INTO relay_attempt (task_id, channel_id, number, outcome, is_fault, cost, milliseconds,
                           answer, created_at)
SELECT id, channel_id, nth,
       CASE WHEN is_modal AND nth = 1 AND (nth < number OR status IN ('MODAL', 'CANCEL'))
                THEN 'modal'
            WHEN nth < number OR status IN ('MODAL', 'CANCEL')
                 OR (status = 'FAILURE' AND is_refused) THEN 'refused'
            WHEN status = 'NOT_START' THEN 'sending' ELSE 'accepted' END,
       false, cost, 180 + n %% 700,
       '{"code":1,"description":"Submit success","result":"up' || id || '"}',
       began + make_interval(secs => 60 * (nth - 1))
FROM seed_task
CROSS JOIN LATERAL (SELECT CASE WHEN is_moved THEN 2 ELSE holds END AS number) tries
CROSS JOIN LATERAL generate_series(1, number) nth
"""
_CALLBACKS = """
INSERT INTO relay_callback (task_id, tenant_id, url, sequence, is_final, body, state, tries, rung,
                            due_at, host, lane, created_at)
SELECT id, tenant_id, 'https://hook.example/' || tenant_id, sequence, sequence = 4,
       json_build_object('id', id::text, 'status', status, 'progress', '100%%')::text,
       CASE WHEN sequence < 4 THEN 'delivered' WHEN n %% 97 = 0 THEN 'given_up'
            WHEN n %% 101 = 0 THEN 'held_back' ELSE 'delivered' END,
       CASE WHEN sequence < 4 THEN 1 WHEN n %% 97 = 0 THEN 6 WHEN n %% 101 = 0 THEN 0 ELSE 1 END,
       0, NULL, 'hook.example', 0, ended
FROM seed_task
CROSS JOIN LATERAL generate_series(CASE WHEN n %% 2 = 0 THEN 3 ELSE 4 END, 4) sequence
WHERE is_hooked AND status IN ('SUCCESS', 'FAILURE', 'CANCEL')
"""
_CALLBACK_ATTEMPTS = """
INSERT INTO relay_callbackattempt (callback_id, task_id, number, status_code, answer,
                                   milliseconds, created_at)
SELECT id, task_id, number, CASE state WHEN 'given_up' THEN 503 ELSE 200 END,
       CASE state WHEN 'given_up' THEN 'come back later' ELSE '' END, 40,
       created_at + make_interval(mins => number * number - 1)
FROM relay_callback CROSS JOIN LATERAL generate_series(1, tries) number
WHERE task_id >= (SELECT min(id) FROM seed_task)
"""
_SUMS = """
    SELECT {whose}, sum(amount) AS amount, sum(held) AS held,
           sum(CASE kind WHEN 'hold' THEN 1 WHEN 'capture' THEN -1 WHEN 'release' THEN -1 ELSE 0
               END) AS open_holds
    FROM seed_line GROUP BY {whose}
"""
_WALLETS = f"""
UPDATE billing_wallet wallet
SET balance = balance + sums.amount, held = wallet.held + sums.held,
    open_holds = wallet.open_holds + sums.open_holds
FROM ({_SUMS.format(whose="wallet_id")}) sums WHERE sums.wallet_id = wallet.id
"""
_TOKENS = f"""
UPDATE billing_token token
SET spent = spent - sums.amount, held = token.held + sums.held,
    open_holds = token.open_holds + sums.open_holds
FROM ({_SUMS.format(whose="token_id")}) sums WHERE sums.token_id = token.id
"""
# What is held or was paid, and not refunded, counts in the newest periods with a hold.
_PERIODS = "\n".join(
    f"""
WITH line AS (
    SELECT token_id, kind, held - amount AS used,
           date_trunc('{period}', held_at AT TIME ZONE 'UTC')::date AS began
    FROM seed_line WHERE token_id IS NOT NULL
), newest AS (
    SELECT id AS token_id, {period}_began AS before,
           greatest({period}_began, max(began) FILTER (WHERE kind = 'hold')) AS began
    FROM line JOIN billing_token ON id = token_id GROUP BY id
)
UPDATE billing_token SET {period}_began = sums.began,
    {period}_used = sums.used + CASE WHEN sums.is_new THEN 0 ELSE {period}_used END
FROM (
    SELECT token_id, newest.began, newest.before IS DISTINCT FROM newest.began AS is_new,
           coalesce(sum(used), 0) AS used
    FROM newest LEFT JOIN line USING (token_id, began) GROUP BY 1, 2, 3
) sums WHERE sums.token_id = billing_token.id;
"""
    for period in ("day", "week", "month")
)
# Day by day, as the roll-up writes them.
_USAGE = """
INSERT INTO billing_usageday (wallet_id, day, kind, token_id, price_name, mode, channel, number,
                              amount, held, cost, cost_unknown)
SELECT wallet_id, (at AT TIME ZONE 'UTC')::date, kind, token_id, price_name, mode, channel,
       count(*), sum(amount), sum(held), coalesce(sum(cost), 0),
       count(*) FILTER (WHERE kind = 'capture' AND cost IS NULL)
FROM seed_line GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 2
"""
_OUTCOMES = """
    count(*) FILTER (WHERE kind = 'hold' AND strpos(reference, ':') = 0),
    count(*) FILTER (WHERE kind = 'capture'),
    count(*) FILTER (WHERE kind = 'release' AND memo = ''),
    -coalesce(sum(amount) FILTER (WHERE kind = 'capture'), 0),
    count(*) FILTER (WHERE kind = 'refund'),
    coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0),
    coalesce(sum(cost), 0),
    count(*) FILTER (WHERE kind = 'capture' AND cost IS NULL)
FROM seed_line WHERE kind IN ('hold', 'capture', 'release', 'refund')"""
_HOURS = f"""
INSERT INTO billing_usagehour (wallet_id, hour, price_name, mode, submits, successes, failures,
                               revenue, refunds, refunded, cost, cost_unknown)
SELECT wallet_id, date_trunc('hour', at, 'UTC'), price_name, mode, {_OUTCOMES}
  AND at > %(now)s - interval '9 days'
GROUP BY 1, 2, 3, 4 ORDER BY 2
"""
_TOTALS = f"""
INSERT INTO billing_usagetotal (wallet_id, day, submits, successes, failures, revenue, refunds,
                                refunded, cost, cost_unknown)
SELECT wallet_id, (at AT TIME ZONE 'UTC')::date, {_OUTCOMES}
GROUP BY 1, 2 ORDER BY 2
"""
_MARKS = """
INSERT INTO billing_usagemark (wallet_id, entry_id)
SELECT wallet_id, max(id) FROM billing_entry GROUP BY wallet_id
"""

FIRST = {
    "keys": _KEYS,
    "prices": _RULES,
    "channels": _CHANNELS,
    **seed_extras.BEFORE,
    "table of lines": _EVENT_TABLE,
    "other lines": _OTHER_EVENTS,
}
SLICE = {
    "chance": _TASKS,
    "tasks": _INSERT_TASKS,
    "events": _EVENTS,
    "lines of the ledger": _LINES,
    "entries": _INSERT_ENTRIES,
    "the next entry's id": _ENTRY_IDS,
    "attempts": _ATTEMPTS,
    "callbacks": _CALLBACKS,
    "tries of callbacks": _CALLBACK_ATTEMPTS,
    "wallets": _WALLETS,
    "totals of keys": _TOKENS,
    "periods of keys": _PERIODS,
    "daily roll-up": _USAGE,
    "hours": _HOURS,
    "totals": _TOTALS,
}
LAST = {
    "marks of the roll-up": _MARKS,
    **seed_extras.AFTER,
    "end": "DROP TABLE seed_key, seed_rule, seed_channel, seed_task, seed_event, seed_line",
}
