"""A product of its own that a test may break: its processes, its Redis, its database."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from billing.models import PriceRule
from billing.pricing import Quote
from billing.tokens import authenticate
from channels import selection
from channels.adapters.base import Accepted
from relay import actions, lifecycle
from relay.models import Attempt, Callback, Task
from relay.submits import forwarding
from relay.submits.orders import Order, Price
from tests.accounts import TERMINAL, Account, open_account
from tests.faults.servers import OwnRedis
from tests.stack import Stack, wait_until

# Far enough for nobody to look at a task by himself while a test is at it.
NOT_NOW = timedelta(hours=1)
PROCESSES = ("web", "worker", "beat")


@dataclass
class Place:
    stack: Stack
    redis: OwnRedis

    def account(self, **fields: str) -> Account:
        return open_account(self.stack, **fields)

    def hook(self, account: Account, query: str = "") -> str:
        return self.stack.inbox_url(account.tenant.name, query)

    def kill(self, *names: str) -> None:
        self.stack.kill(*names)

    def whole(self) -> None:
        """Everything runs: what the test before has broken, and failed to mend, too."""
        self.redis.resume_or_start()
        missing = [
            name
            for name in self.stack.commands
            if name not in self.stack.processes or self.stack.processes[name].poll() is not None
        ]
        if missing:
            self.stack.start(*missing)

    def remove(self) -> None:
        """Without a clean stop: nothing here is worth the seconds."""
        for name in list(self.stack.processes):
            with suppress(ProcessLookupError):
                self.stack.kill(name)
        self.redis.remove()


@contextmanager
def open_place(
    folder: Path,
    database_url: str,
    *,
    drawing_seconds: float = 0.4,
    web_workers: int = 1,
    make: type[Stack] = Stack,
    **env: str,
) -> Iterator[Place]:
    """The running product, with these settings."""
    redis = OwnRedis()
    own = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis.url,
        "SECRET_KEY": settings.SECRET_KEY,
    }
    stack = make(
        folder=folder, env=own | env, drawing_seconds=drawing_seconds, web_workers=web_workers
    )
    place = Place(stack, redis)
    try:
        redis.start()
        place.stack.start()
        yield place
    finally:
        place.remove()


def begin(account: Account, prompt: str = "a lighthouse", **said: Any) -> int:
    """The task, its hold and its attempt are committed, and nothing has been sent: as a web
    process leaves it that dies at exactly this moment. Returns the task's id."""
    return begin_attempt(account, prompt, **said)[0]


def begin_attempt(
    account: Account,
    prompt: str = "a lighthouse",
    *,
    hook: str = "",
    first_look: timedelta = NOT_NOW,
) -> tuple[int, int]:
    """(task id, attempt id)"""
    rule = PriceRule.objects.filter(name="mj_imagine").latest("id")
    order = Order(
        action=actions.IMAGINE,
        mode="fast",
        bot_type="MID_JOURNEY",
        prompt=prompt,
        images=(),
        state="",
        notify_hook=hook,
    )
    row = lifecycle.begin(
        caller=authenticate(account.key),
        order=order,
        price=Price(Quote(rule.amount, rule.pk, "mj_imagine", "fast"), by_mode={}),
        upstream=selection.load(account.channel.pk),
        first_look=first_look,
    )
    return row.task_id, row.attempt_id


def accept(task_id: int, upstream_id: str) -> None:
    """The upstream's answer, stored as the submit stores it."""
    attempt = Attempt.objects.filter(task=task_id).latest("number")
    answer = Accepted(upstream_id=upstream_id, milliseconds=1, raw="")
    forwarding.keep_accepted(task_id=task_id, attempt_id=attempt.pk, accepted=answer)


def hurry_tasks(*task_ids: int | str) -> None:
    """As if the time of their next look had come: leases and first looks are long."""
    Task.objects.live().filter(pk__in=task_ids).update(next_poll_at=timezone.now())


def hurry_callbacks(account: Account) -> None:
    Callback.objects.filter(tenant=account.tenant, state=Callback.State.PENDING).update(
        due_at=timezone.now(), flies_until=None
    )


def end_leases(account: Account, task_ids: Iterable[int | str]) -> None:
    """As if the time of the dead had run out: of their looks and of their deliveries. A first
    message that was under way when its worker died keeps the later ones of its task waiting."""
    hurry_tasks(*task_ids)
    hurry_callbacks(account)


def finish_all(account: Account, task_ids: Iterable[str], *, seconds: float = 20) -> dict[str, str]:
    """Status by task id, once all have ended. Read from the database: the web may be gone."""
    wanted = [int(task_id) for task_id in task_ids]

    def ended() -> dict[str, str] | None:
        rows = Task.objects.filter(tenant=account.tenant, pk__in=wanted)
        status = {str(pk): status for pk, status in rows.values_list("pk", "status")}
        done = len(status) == len(wanted) and all(word in TERMINAL for word in status.values())
        return status if done else None

    found: dict[str, str] = wait_until(ended, seconds=seconds, what=f"the end of {wanted}")
    return found


def until(condition: Callable[[], object], what: str, *, seconds: float = 15) -> None:
    wait_until(condition, seconds=seconds, what=what)
