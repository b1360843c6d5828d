"""The rest of a past, beside tasks and their money: what came in by codes and orders, the audit,
notices, hooks that fail, invitations, ratios, channels' probes and events. Statements like those of
bench/seed_sql.py.
"""

_BATCHES = """
INSERT INTO billing_codebatch (name, amount, is_active, created_by, created_at)
SELECT 'batch ' || n, n * 1000000, n %% 5 <> 0, 'bench',
       now() - make_interval(secs => 86400.0 * (%(days)s + 2))
FROM generate_series(1, 20) n
"""
# Every tenth is still unused.
_CODES = """
INSERT INTO billing_redemptioncode (batch_id, prefix, digest, is_active, redeemed_by_id,
                                    redeemed_at)
SELECT batch.id, upper(left(md5(batch.id || '-' || tenant.id), 8)),
       sha256(('code ' || batch.id || '-' || tenant.id)::bytea), true,
       CASE WHEN is_used THEN tenant.id END,
       CASE WHEN is_used THEN now() - make_interval(secs => 600 + 86400.0 * %(days)s * random())
       END
FROM billing_codebatch batch CROSS JOIN billing_tenant tenant
CROSS JOIN LATERAL (SELECT (batch.id + tenant.id) %% 10 <> 0 AS is_used) fate
WHERE (batch.id + tenant.id) %% 7 = 0
"""
_ORDERS = """
INSERT INTO billing_topup (number, tenant_id, provider, amount, pay_amount, pay_currency, state,
                           provider_reference, note, created_by, created_at, paid_at)
SELECT 'bench' || lpad(tenant.id::text, 8, '0') || lpad(n::text, 4, '0'), tenant.id, 'stripe',
       n * 1000000, n * 100, 'USD', state, CASE WHEN state = 'paid' THEN 'pi_' || n ELSE '' END,
       '', 'bench', at, CASE WHEN state = 'paid' THEN at + interval '2 minutes' END
FROM billing_tenant tenant CROSS JOIN generate_series(1, 8) n CROSS JOIN LATERAL (
    SELECT now() - make_interval(secs => 3600 + 86400.0 * %(days)s * random()) AS at,
           (ARRAY['paid', 'paid', 'paid', 'expired', 'paid', 'disputed', 'paid', 'paid'])[n]
               AS state
    WHERE tenant.id > 0
) fate
ORDER BY at
"""
_AUDIT = """
INSERT INTO common_auditentry (at, actor, actor_kind, is_site, acting_as, tenant_id, deed,
                               object_kind, object_id, before, after, why, via, address,
                               request_id, user_agent)
SELECT at, CASE WHEN n %% 3 = 0 THEN 'operator@example.com' ELSE 'owner' || tenant.id END,
       'person', n %% 3 = 0, '', tenant.id, deed, object_kind, token.id::text,
       jsonb_build_object('name', 'old ' || n), jsonb_build_object('name', 'new ' || n),
       CASE WHEN n %% 3 = 0 THEN 'asked for by mail' ELSE '' END, 'console', '192.0.2.7',
       'bench-' || n, 'Mozilla/5.0'
FROM (
    SELECT n, now() - make_interval(secs => 600 + 86400.0 * %(days)s * (total - n) / total) AS at,
           (ARRAY['patch key', 'post wallet top-up', 'patch channel', 'put hooks'])[1 + n %% 4]
               AS deed,
           (ARRAY['key', 'wallet', 'channel', 'hooks'])[1 + n %% 4] AS object_kind, n AS place
    FROM (SELECT greatest(%(tasks)s / 10, 20) AS total) size
    CROSS JOIN LATERAL generate_series(1, total) n
) line
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS number
      FROM billing_tenant) tenant ON tenant.place = line.place %% tenant.number
JOIN LATERAL (SELECT min(id) AS id FROM billing_token WHERE tenant_id = tenant.id) token ON true
ORDER BY at
"""
_NOTICES = """
WITH told AS (
    INSERT INTO billing_notice (tenant_id, kind, subject, text, data, created_at)
    SELECT tenant.id, (ARRAY['balance.low', 'hook.off', 'key.expires'])[1 + n %% 3],
           'notice ' || n, 'Something is worth to be known.', '{}',
           now() - make_interval(secs => 600 + 86400.0 * %(days)s * (1 - n / total::float8))
    FROM (SELECT %(tasks)s / 20 AS total) size
    CROSS JOIN LATERAL generate_series(1, total) n
    JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS number
          FROM billing_tenant) tenant ON tenant.place = n %% tenant.number
    RETURNING id
)
INSERT INTO billing_delivery (notice_id, way, address, state, tries, due_at, error)
SELECT id, 'mail', 'tenant@example.com',
       CASE WHEN id %% 50 = 0 THEN 'given_up' ELSE 'delivered' END, 1, NULL,
       CASE WHEN id %% 50 = 0 THEN 'there is no such address' ELSE '' END
FROM told
"""
_PROBES = """
INSERT INTO channels_probe (channel_id, is_ok, milliseconds, headroom, error, created_at)
SELECT channel.id, n %% 40 <> 0, 40 + n %% 90, n %% 12, CASE n %% 40 WHEN 0 THEN 'timed out' ELSE ''
       END, now() - make_interval(mins => 3 * 480 * 3 - 3 * n)
FROM channels_channel channel CROSS JOIN generate_series(1, 480 * 3) n
ORDER BY n
"""
_CHANNEL_EVENTS = """
INSERT INTO channels_channelevent (channel_id, kind, text, actor, created_at)
SELECT channel.id, (ARRAY['breaker_opened', 'breaker_half_opened', 'breaker_closed', 'rests',
                          'changed'])[1 + n %% 5],
       'event ' || n, CASE n %% 5 WHEN 4 THEN 'operator@example.com' ELSE '' END,
       now() - make_interval(mins => 40 * (500 - n))
FROM channels_channel channel CROSS JOIN generate_series(1, 500) n
ORDER BY n
"""
_HOOKS = """
INSERT INTO relay_hook (tenant_id, url, digest, host, lane, failing_since, off_since, off_reason)
SELECT id, 'https://hook.example/' || id, sha256(('https://hook.example/' || id)::bytea),
       'hook.example', 0, now() - interval '6 days',
       CASE WHEN id %% 20 = 0 THEN now() - interval '1 day' END,
       CASE WHEN id %% 20 = 0 THEN 'it has failed for 5 days' ELSE '' END
FROM billing_tenant
"""
# Of each tenant two, and of the site some.
_INVITATIONS = """
INSERT INTO billing_invitation (tenant_id, email, role, digest, invited_by, by_site, expires_at)
SELECT id, 'guest' || n || '@example.com', CASE WHEN id IS NULL THEN 'finance' ELSE 'developer' END,
       sha256(('invitation ' || coalesce(id, 0) || '-' || n)::bytea), 'bench', id IS NULL,
       now() + interval '30 days'
FROM (SELECT id, 2 AS number FROM billing_tenant UNION ALL SELECT NULL, 5) side
CROSS JOIN LATERAL generate_series(1, number) n
"""
# Of the draft: a published book is never changed.
_RATIOS = """
INSERT INTO billing_groupratio (book_id, group_id, home_id, ratio)
SELECT book.id, vip.id, home.id, 0.8
FROM billing_pricebook book JOIN billing_group vip ON vip.name = 'vip'
CROSS JOIN (SELECT id FROM billing_group UNION ALL SELECT NULL) home
WHERE book.published_at IS NULL
"""

# Before the lines of the ledger, which tell of the money.
BEFORE = {"batches of codes": _BATCHES, "codes": _CODES, "orders": _ORDERS}
AFTER = {
    "audit": _AUDIT,
    "notices": _NOTICES,
    "probes": _PROBES,
    "events of channels": _CHANNEL_EVENTS,
    "hooks": _HOOKS,
    "invitations": _INVITATIONS,
    "ratios": _RATIOS,
}
# What they brought, and what operators have put right: part of seed_sql's seed_event.
EVENTS = """
SELECT wallet.id, 'topup', 'code-' || code.id, batch.amount, 0, NULL::bigint, NULL::bigint, '', '',
       NULL::bigint, NULL::bigint, 'bench', '', code.redeemed_at,
       -wallet.id * 10000 + 1000 + batch.id, NULL::timestamptz
FROM billing_redemptioncode code JOIN billing_codebatch batch ON batch.id = code.batch_id
JOIN billing_wallet wallet ON wallet.tenant_id = code.redeemed_by_id AND NOT wallet.is_test
UNION ALL
SELECT wallet.id, 'topup', 'topup-' || placed.number, placed.amount, 0, NULL, NULL, '', '', NULL,
       NULL, 'stripe', '', placed.paid_at, -wallet.id * 10000 + 2000, NULL
FROM billing_topup placed
JOIN billing_wallet wallet ON wallet.tenant_id = placed.tenant_id AND NOT wallet.is_test
WHERE placed.state = 'paid'
UNION ALL
SELECT wallet.id, 'adjust', 'bench-adjust-' || wallet.id || '-' || n, n * 10000, 0, NULL, NULL, '',
       '', NULL, NULL, 'operator@example.com', 'put right',
       now() - make_interval(secs => 600 + 86400.0 * %(days)s * random()),
       -wallet.id * 10000 + 3000 + n, NULL
FROM billing_wallet wallet CROSS JOIN generate_series(1, 3) n
WHERE NOT wallet.is_test
"""
