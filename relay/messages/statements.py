"""The statements of callbacks: written, claimed, tried, arrived."""

from common import sql
from relay.weeks.spans import within

# The messages about the progress of many tasks. One that has not been sent yet is rewritten.
PROGRESS_CALLBACKS = """
INSERT INTO relay_callback AS callback (
    task_id, tenant_id, url, sequence, is_final, body, state, tries, rung, host, lane
)
SELECT task_id, tenant_id, url, sequence, false, body, 'pending', 0, 0, host, lane
FROM unnest(%(task_ids)s::bigint[], %(tenants)s::bigint[], %(urls)s::text[], %(sequences)s::int[],
            %(bodies)s::text[], %(hosts)s::text[], %(lanes)s::smallint[])
     AS message (task_id, tenant_id, url, sequence, body, host, lane)
ORDER BY task_id
ON CONFLICT (task_id) WHERE NOT is_final AND state = 'pending'
DO UPDATE SET body = excluded.body, sequence = excluded.sequence, due_at = now()
"""

# For CLAIM_CALLBACKS, in its transaction. Of a week that has just begun the database does not know
# yet how much there is, and rather reads and sorts all of it than to step over an index.
BY_INDEX = """
SELECT set_config(name, 'off', true)
FROM unnest(ARRAY['enable_sort', 'enable_incremental_sort', 'enable_bitmapscan', 'enable_seqscan',
                  'enable_hashjoin', 'enable_mergejoin']) AS name
"""

# Due callbacks, taken so that no other worker has them until the lease ends. A receiver is a lane
# of a host of a tenant (hooks.py). Receivers are found by stepping over the index from one to the
# next, and of each only as many rows are read as may fly to it: what a dead one has piled up costs
# nothing. Nothing is taken for one that asks for peace, little for one that fails, and of a task
# never a second message while one is on its way, so that no state arrives after a later one. The
# lanes of a host take turns. What a receiver has is read as a range of the index by receivers:
# asked for as equal, one that most rows belong to would be looked for in the index by time, row by
# row.
CLAIM_CALLBACKS = sql.short(f"""
WITH RECURSIVE receiver AS (
    (
        SELECT tenant_id, host, lane FROM relay_callback
        WHERE due_at IS NOT NULL AND {within("task_id")}
        ORDER BY tenant_id, host, lane LIMIT 1
    )
    UNION ALL
    SELECT following.* FROM receiver CROSS JOIN LATERAL (
        SELECT callback.tenant_id, callback.host, callback.lane FROM relay_callback callback
        WHERE callback.due_at IS NOT NULL
          AND {within("callback.task_id")}
          AND (callback.tenant_id, callback.host, callback.lane)
            > (receiver.tenant_id, receiver.host, receiver.lane)
        ORDER BY callback.tenant_id, callback.host, callback.lane LIMIT 1
    ) following
), flying AS (
    SELECT tenant_id, host, lane, count(*) AS number FROM relay_callback
    WHERE flies_until > statement_timestamp()
      AND {within("task_id")}
    GROUP BY tenant_id, host, lane
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
    SELECT room.tenant_id, room.host, message.id, message.task_id, message.due_at,
           row_number() OVER (
               PARTITION BY room.tenant_id, room.host, room.lane ORDER BY message.due_at
           ) AS place
    FROM room CROSS JOIN LATERAL (
        SELECT callback.id, callback.task_id, callback.due_at FROM relay_callback callback
        WHERE (callback.tenant_id, callback.host, callback.lane, callback.due_at)
            BETWEEN (room.tenant_id, room.host, room.lane, '-infinity'::timestamptz)
                AND (room.tenant_id, room.host, room.lane, statement_timestamp())
          AND callback.due_at IS NOT NULL
          AND {within("callback.task_id")}
          AND NOT EXISTS (
              SELECT FROM relay_callback other
              WHERE other.task_id = callback.task_id AND other.flies_until > statement_timestamp()
                AND {within("other.task_id")}
          )
        ORDER BY callback.tenant_id, callback.host, callback.lane, callback.due_at
        LIMIT greatest(room.places - room.flying, 0)
    ) message
), in_line AS (
    SELECT due.id, due.task_id, due.due_at,
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
    SELECT id, task_id FROM in_line WHERE at_host <= %(per_host)s AND of_tenant <= %(per_tenant)s
    ORDER BY due_at LIMIT %(limit)s
), taken AS (
    SELECT id, task_id FROM relay_callback JOIN fitting USING (id, task_id)
    WHERE due_at <= statement_timestamp() AND {within("task_id")}
    FOR UPDATE OF relay_callback SKIP LOCKED
)
UPDATE relay_callback
SET due_at = statement_timestamp() + %(lease)s, flies_until = statement_timestamp() + %(lease)s
FROM taken WHERE relay_callback.id = taken.id AND relay_callback.task_id = taken.task_id
  AND {within("relay_callback.task_id")}
RETURNING relay_callback.id, relay_callback.task_id, tries
""")  # noqa: S608  the parts are constants

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
    WHERE id = %(id)s AND task_id = %(task_id)s AND tries = %(tries)s AND state = 'pending'
)
UPDATE relay_callback SET
    state = message.state,
    tries = CASE message.state WHEN 'pending' THEN tries + 1 ELSE tries END,
    due_at = CASE message.state WHEN 'pending' THEN statement_timestamp() + %(lease)s END,
    flies_until = CASE message.state WHEN 'pending' THEN statement_timestamp() + %(lease)s END
FROM message
WHERE relay_callback.id = message.id AND relay_callback.task_id = %(task_id)s
  -- As it is now, if somebody else has just changed it.
  AND relay_callback.tries = %(tries)s AND relay_callback.state = 'pending'
RETURNING relay_callback.id, relay_callback.task_id, relay_callback.tenant_id, relay_callback.url,
    relay_callback.sequence, relay_callback.is_final, relay_callback.body, relay_callback.state,
    relay_callback.tries, relay_callback.rung,
    EXISTS (
        SELECT FROM relay_hook hook WHERE hook.tenant_id = relay_callback.tenant_id
        AND hook.digest = sha256(convert_to(relay_callback.url, 'UTF8'))
    ) AS has_failed
"""

# A try that has succeeded. Also what was put aside meanwhile has arrived; what was rewritten while
# it was on its way is due again.
ARRIVED = """
WITH attempt AS (
    INSERT INTO relay_callbackattempt (
        callback_id, task_id, number, status_code, answer, milliseconds
    )
    VALUES (%(id)s, %(task_id)s, %(tries)s, %(status_code)s, %(answer)s, %(milliseconds)s)
)
UPDATE relay_callback SET
    flies_until = CASE WHEN tries = %(tries)s THEN NULL ELSE flies_until END,
    state = CASE WHEN sequence = %(sequence)s THEN 'delivered' ELSE state END,
    due_at = CASE WHEN sequence = %(sequence)s THEN NULL ELSE due_at END
WHERE id = %(id)s AND task_id = %(task_id)s
  AND (tries = %(tries)s OR sequence = %(sequence)s)
"""

# It was claimed and then put aside: its task waits for nothing.
LAND_CALLBACK = """
UPDATE relay_callback SET flies_until = NULL
WHERE id = %(id)s AND task_id = %(task_id)s
  AND tries = %(tries)s AND state <> 'pending' AND flies_until IS NOT NULL
"""
