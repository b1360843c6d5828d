"""A receiver that takes connections and says nothing, with thousands of messages due."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.utils import timezone

from billing.models import Tenant
from relay.models import Callback, CallbackAttempt, Hook
from tests.accounts import open_account
from tests.faults.floods import flood
from tests.stack import ROOT, Stack, wait_until

FLOOD = 5000
# An address of this machine that no other test calls.
DEAD_HOST = "127.0.0.77"


@contextmanager
def deaf() -> Iterator[str]:
    """Takes connections and never says a word: its address."""
    with socket.create_server((DEAD_HOST, 0), backlog=FLOOD) as listener:
        yield f"http://{DEAD_HOST}:{listener.getsockname()[1]}/"


def drain(tenant: Tenant, url: str) -> None:
    mine = Callback.objects.filter(tenant=tenant, url=url)
    mine.update(state="overtaken", due_at=None)
    # What is still on its way lands.
    wait_until(lambda: not mine.filter(flies_until__gt=timezone.now()).exists(), what="the landing")
    CallbackAttempt.objects.filter(callback__in=mine).delete()
    mine.delete()
    Hook.objects.filter(tenant=tenant, url=url).delete()


@pytest.mark.alone
def test_a_dead_receiver_with_thousands_of_messages_delays_nobody(stack: Stack) -> None:
    busy, other = open_account(stack), open_account(stack)
    with deaf() as url:
        flood(busy.tenant, url, FLOOD)
        try:
            wait_until(
                lambda: CallbackAttempt.objects.filter(callback__tenant=busy.tenant).exists(),
                what="the first try",
            )
            for mine in (other, busy):
                hook = stack.inbox_url(mine.tenant.name)
                task_id = mine.draw("zzfail", notifyHook=hook)
                finished = mine.finish(task_id)["finishTime"] / 1000
                wait_until(lambda name=mine.tenant.name: stack.inbox(name), what="the message")
                heard = finals(stack, mine.tenant.name)[0]
                assert heard - finished < 2, mine.tenant.name
        finally:
            drain(busy.tenant, url)


def finals(stack: Stack, name: str) -> list[float]:
    """When the ends were told."""

    def found() -> list[float]:
        return [
            message["at"] / 1000
            for message in stack.inbox(name)
            if json.loads(message["body"])["status"] == "FAILURE"
        ]

    times: list[float] = wait_until(found, what="the end")
    return times


# Name servers that hang, as threads of gevent's own pool: more of them than it has by default.
HANGING_NAMES = """
from gevent import get_hub, monkey
monkey.patch_all()
import os, socket, time, django
django.setup()
from relay.messages import posting
posting.guarded(ports=(80,), allowed=())
started = time.monotonic()
for _ in range(60):
    get_hub().threadpool.spawn(monkey.get_original("time", "sleep"), 25)
socket.getaddrinfo("127.0.0.1", 80)
print(time.monotonic() - started, flush=True)
os._exit(0)
"""


def test_name_servers_that_hang_do_not_keep_other_names_from_being_found() -> None:
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "relay.settings"}
    ran = subprocess.run(
        [sys.executable, "-c", HANGING_NAMES],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    assert float(ran.stdout.split()[-1]) < 10
