"""Free probes over the real stack: a channel that hangs keeps no other one waiting."""

import subprocess
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from channels.models import Channel, Probe
from tests.accounts import open_account
from tests.faults.hostile import hostile_upstream
from tests.faults.place import until
from tests.stack import BIN, ROOT, Stack

HANGING = 30
HAND_OUT = "from channels import jobs; jobs.probe_due()"


@pytest.fixture
def probing(stack: Stack) -> Iterator[Stack]:
    # Those of other tests, whose upstreams are gone: there is no end of them.
    others = list(Channel.objects.filter(state="enabled").values_list("pk", flat=True))
    Channel.objects.filter(pk__in=others).update(state="disabled")
    with stack.changed(PROBE_SECONDS="1", UPSTREAM_POLL_SECONDS="16"):
        yield stack
    Channel.objects.filter(pk__in=others).update(state="enabled")


def test_hanging_channels_keep_no_other_one_waiting(probing: Stack) -> None:
    good = open_account(probing).channel
    with hostile_upstream() as upstream:
        upstream.on_any = lambda exchange: upstream.closing.wait(20)
        # All of them at once, however long it takes to make them.
        with transaction.atomic():
            accounts = [open_account(probing, channel_url=upstream.url) for _ in range(HANGING)]
        ids = [account.channel.pk for account in accounts]
        probes = Probe.objects.filter(
            channel=good, is_ok=True, headroom__isnull=False, created_at__gt=timezone.now()
        )
        until(lambda: probes.count() >= 4, "probes of the good one", seconds=15)
        failed = Probe.objects.filter(channel__in=ids, is_ok=False)
        assert not failed.exists(), "they still hang"
        until(lambda: failed.values("channel").distinct().count() == HANGING, "their ends")
        assert all("TimeoutError" in row.error for row in failed)
    Channel.objects.filter(pk__in=[*ids, good.pk]).update(state="disabled")


def test_a_message_that_waited_for_a_worker_is_probed_all_the_same(probing: Stack) -> None:
    probing.stop("worker")
    try:
        channel = open_account(probing).channel
        hand_out = [BIN / "python", "manage.py", "shell", "--command", HAND_OUT]
        subprocess.run(hand_out, cwd=ROOT, env=probing.env, check=True, timeout=60)
        # Longer than an interval of probes.
        late = timezone.now() + timedelta(seconds=2)
        until(lambda: timezone.now() > late, "the end of the wait")
    finally:
        probing.start("worker")
    until(Probe.objects.filter(channel=channel).exists, "the probe")
    Channel.objects.filter(pk=channel.pk).update(state="disabled")
