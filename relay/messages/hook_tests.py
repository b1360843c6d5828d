"""The test button: one signed sample message, to see what the receiver makes of it."""

import time
from datetime import timedelta

from django.utils import timezone

from billing import limits, tenants
from billing.limits import Limit
from billing.models import Tenant, Token
from common import sql
from relay import actions, task_object
from relay.messages import posting
from relay.models import HookTest, Task, TaskStatus

TESTS_PER_MINUTE = 10
# What tells the sample from a message about a real task.
STATE = "test"
SEQUENCE = 1
DRAWING_MILLISECONDS = 42_000
KEPT = timedelta(days=90)


def send(tenant: Tenant, url: str) -> HookTest:
    """One try, never repeated, kept with its outcome. Raises RateLimited."""
    limits.take(
        [Limit(f"hook-test:{tenant.pk}", TESTS_PER_MINUTE, "this tenant", "tests of hooks")]
    )
    test = HookTest.objects.create(tenant=tenant, url=url, body=_sample())
    secrets = tenants.webhook_secrets(tenant)
    sql.release_connection()
    delivery = posting.post(
        url, body=test.body, sign=lambda timestamp: _headers(test, timestamp, secrets)
    )
    test.status_code = delivery.status_code
    test.answer = delivery.answer
    test.milliseconds = delivery.milliseconds
    test.save(update_fields=["status_code", "answer", "milliseconds"])
    return test


def sweep() -> int:
    """Forgets tests that are long over; returns how many."""
    return HookTest.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0]


def _headers(test: HookTest, timestamp: int, secrets: list[str]) -> dict[str, str]:
    signed = posting.signature(
        message_id=test.message_id, timestamp=timestamp, body=test.body, secrets=secrets
    )
    return signed | {"X-Relay-Sequence": str(SEQUENCE)}


def _sample() -> str:
    """The task object of a task that there never was."""
    now = int(time.time() * 1000)
    task = Task(
        id=sql.fetch_one("SELECT next_task_id() AS id").id,
        action=actions.IMAGINE.name,
        mode="fast",
        bot_type="MID_JOURNEY",
        prompt="a lighthouse at dawn",
        prompt_en="a lighthouse at dawn",
        final_prompt="a lighthouse at dawn",
        description="Submit success",
        state=STATE,
        status=TaskStatus.SUCCESS,
        progress=100,
        submit_time=now - DRAWING_MILLISECONDS,
        start_time=now - DRAWING_MILLISECONDS,
        finish_time=now,
        image_url="https://example.com/lighthouse.png",
        image_urls=[{"url": "https://example.com/lighthouse.png"}],
        buttons=[],
    )
    return task_object.as_json(task, Token.ImageSetting.ORIGIN).decode()
