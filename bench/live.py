"""Tasks that are being drawn, put into the database as if they had been submitted one by one: with
their holds, attempts and totals, so that `manage.py doctor` finds nothing wrong.

One after the other is finished, `rate` a second, until `live` are left at the end of the time that
is measured; each was submitted as long before its end as such a queue is long.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction

from bench import customers, drawings
from billing import usage
from channels.models import Channel
from relay import signing

CHANNELS = 20
TENANTS = 100
GROUP = "live"
PRICE = 100_000
PROMPT = "a lighthouse at dawn, oil on canvas, wide view"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`opens`: when the first one ends (seconds since 1970); `rate`: ends a second; `drawing`:
    seconds that one is drawn before its end."""

    live: int
    opens: float
    rate: float
    seconds: float
    drawing: float

    @property
    def number(self) -> int:
        return self.live + round(self.rate * self.seconds)

    def end(self, place: int) -> float:
        return self.opens + place / self.rate

    def submitted(self, place: int) -> float:
        """The last of them just when the first one ends."""
        return self.end(place) - self.number / self.rate

    def task_id(self, place: int) -> int:
        """As the database makes them: milliseconds, and three digits more."""
        return round(self.submitted(place) * 1000) * 1000 + place % 1000


# The first look is due within the wait that relay/following/waits.py has for a task of that age.
_TASKS = """
INSERT INTO relay_task (
    id, tenant_id, is_test, token_id, channel_id, action, mode, bot_type, prompt, state,
    notify_hook, price, price_rule_id, mode_prices, hold_suffix, status, progress, custom_id,
    prompt_en, final_prompt, final_zh_prompt, description, fail_reason, image_url, video_url,
    seed, submit_time, start_time, finish_time, upstream_id, hinted_id, upstream_row, sequence,
    changed_at, next_poll_at, deadline_at, expires_at, is_written_off
)
SELECT live.id, key.tenant_id, false, key.token_id, channel.id, 'IMAGINE', 'fast', 'MID_JOURNEY',
       %(prompt)s, '', %(hook)s, %(price)s, rule.id, '{}', '', 'SUBMITTED', 0, '', %(prompt)s,
       %(prompt)s, '', '/imagine ' || %(prompt)s, '', '', '', '', live.id / 1000, 0, 0,
       live.upstream_id, '', NULL, 1, live.submitted,
       to_timestamp(%(opens)s) + live.wait * (live.place * 7919 %% 1000) / 1000.0,
       now() + interval '1 day', now() + interval '2 days', false
FROM live_task live JOIN live_key key ON key.place = live.place %% %(tenants)s
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM channels_channel
      WHERE groups = %(groups)s) channel
  ON channel.place = live.place %% %(channels)s
CROSS JOIN (SELECT max(id) AS id FROM billing_pricerule WHERE name = 'mj_imagine') rule
ORDER BY live.id
"""
_ATTEMPTS = """
INSERT INTO relay_attempt (task_id, channel_id, number, outcome, is_fault, milliseconds, answer,
                           created_at)
SELECT id, channel_id, 1, 'accepted', false, 180, '{"code":1}', changed_at FROM relay_task
"""
_KEYS = """
CREATE TEMP TABLE live_key ON COMMIT DROP AS
SELECT row_number() OVER (ORDER BY token.id) - 1 AS place, token.id AS token_id, token.tenant_id,
       wallet.id AS wallet_id
FROM billing_token token JOIN billing_wallet wallet USING (tenant_id)
WHERE NOT token.is_test AND NOT wallet.is_test
"""
# All of this moment: what they count in does not depend on how long ago midnight was.
_ENTRIES = """
INSERT INTO billing_entry (
    wallet_id, kind, reference, drawing, amount, held, balance_after, held_after, token_id,
    price_rule_id, price_name, mode, channel, cost, actor, memo, created_at
)
SELECT wallet.id, 'hold', task.id::text, drawing_of('hold', task.id::text), 0, task.price,
       wallet.balance, sum(task.price) OVER (PARTITION BY wallet.id ORDER BY task.id),
       task.token_id, task.price_rule_id, 'mj_imagine', 'fast', NULL, NULL, '', '', now()
FROM relay_task task JOIN live_key key USING (token_id)
JOIN billing_wallet wallet ON wallet.id = key.wallet_id
ORDER BY task.id
"""
_WALLETS = """
UPDATE billing_wallet wallet SET held = sums.held, open_holds = sums.number
FROM (SELECT wallet_id, sum(held) AS held, count(*) AS number FROM billing_entry
      WHERE kind = 'hold' GROUP BY wallet_id) sums
WHERE sums.wallet_id = wallet.id
"""
_TOKENS = """
UPDATE billing_token token
SET held = sums.held, open_holds = sums.number, {}
FROM (SELECT token_id, sum(held) AS held, count(*) AS number FROM billing_entry
      WHERE kind = 'hold' GROUP BY token_id) sums
WHERE sums.token_id = token.id
""".format(
    ", ".join(
        f"{period}_used = sums.held, {period}_began = "
        f"date_trunc('{period}', now() AT TIME ZONE 'UTC')::date"
        for period in ("day", "week", "month")
    )
)
STEPS = (_KEYS, _TASKS, _ATTEMPTS, _ENTRIES, _WALLETS, _TOKENS)


def seed(plan: Plan, *, port: int) -> None:
    """Into a migrated database in which nothing is. The upstream, and the receiver of callbacks,
    is bench/drawings.py's at this port."""
    customers.publish_prices()
    customers.open_tenants(GROUP, TENANTS)
    _open_channels(port, plan.drawing)
    wishes: dict[str, Any] = {
        "opens": plan.opens,
        "prompt": PROMPT,
        "price": PRICE,
        "tenants": TENANTS,
        "channels": CHANNELS,
        "groups": [GROUP],
        "hook": f"http://127.0.0.1:{port}/hook",
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL jit = off")
        # Who may leave triggers out writes no history of what was never looked at.
        cursor.execute("SET LOCAL session_replication_role = replica")
        _copy(cursor, plan)
        for statement in STEPS:
            cursor.execute(statement, wishes)
    usage.roll_up()
    customers.analyze()


def _copy(cursor: Any, plan: Plan) -> None:
    from relay.following import waits

    cursor.execute(
        """CREATE TEMP TABLE live_task (place bigint, id bigint, upstream_id text,
           submitted timestamptz, wait interval) ON COMMIT DROP"""
    )
    with cursor.copy("COPY live_task FROM STDIN") as copy:
        for place in range(plan.number):
            submitted = plan.submitted(place)
            task_id = plan.task_id(place)
            begin = plan.end(place) - plan.drawing
            name = drawings.upstream_id(begin, signing.correlation(task_id))
            wait = waits.seconds(idle=plan.opens - submitted, mode="fast")
            when = datetime.fromtimestamp(submitted, UTC).isoformat()
            copy.write_row((place, task_id, name, when, f"{wait} seconds"))


def _open_channels(port: int, drawing: float) -> None:
    base = drawings.BASE.format(drawing_seconds=drawing)
    for place in range(CHANNELS):
        Channel.objects.create(
            name=f"{GROUP} {place + 1}",
            kind=Channel.Kind.MIDJOURNEY_PROXY,
            base_url=f"http://127.0.0.1:{port}{base}",
            groups=[GROUP],
        )
