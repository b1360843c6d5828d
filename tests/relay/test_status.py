"""`manage.py status`, and what else says how the relay is doing."""

import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.utils import timezone

from billing import notices
from billing.models import Delivery
from channels.models import Channel, Credential
from common import pulses
from relay.models import Attempt, Callback, ProofRun, Task
from relay.watch import attention, gauges, metrics, readiness, status
from relay.watch.readiness import Standing
from relay.watch.status import ChannelStatus, Proof, Status
from relay.watch.turnover import Turnover
from tests.listener import listening
from tests.stack import ROOT

PULSES = ("poll", "deliver", "default", "roll-up")
FINE = Standing(database="ok", redis="ok")
QUEUES = {"poll": 0, "deliver": 0, "default": 0}
CHANNEL = ChannelStatus(
    id=1, name="first", state="enabled", reason="", breaker="closed", rests=False,
    probe_is_ok=True, probe_seconds=0.1, headroom=None, credentials_off=0,
)  # fmt: skip
WELL = Status(
    channels=[CHANNEL],
    proof=Proof(age=3600),
    pulses=dict.fromkeys(PULSES, 1.0),
    money=Turnover(balance=0, held=0, today={}),
)


@pytest.fixture(autouse=True)
def web(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # What a test before has seen of its own servers is kept for a second.
    monkeypatch.setattr(readiness, "_last", None)
    with listening(body=b"ok") as listener:
        settings.PUBLIC_URL = listener.url
        yield


@pytest.fixture
def running(past: str) -> None:
    """The past's database as if worker and beat had just worked on it."""
    for name in PULSES:
        pulses.beat(name)
    now = timezone.now()
    Task.objects.live().update(next_poll_at=now + timedelta(hours=1))
    Callback.objects.filter(due_at__isnull=False).update(due_at=now + timedelta(hours=1))
    Delivery.objects.filter(due_at__isnull=False).update(due_at=now + timedelta(hours=1))
    Channel.objects.update(state=Channel.State.ENABLED)
    Credential.objects.update(is_active=True)
    ProofRun.objects.all().delete()
    ProofRun.objects.create(started_at=now - timedelta(hours=2), finished_at=now)


def run(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("status", *arguments, stdout=out)
    except SystemExit as error:
        return int(str(error.code)), out.getvalue()
    return 0, out.getvalue()


def run_json() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("--json")[1])
    return found


def test_all_is_well(running: None) -> None:
    code, text = run()
    assert text.splitlines()[-1] == "All is well."
    assert code == 0
    for word in ("Servers", "Messages", "Open tasks", "Waiting", "Last done", "Books", "Channel"):
        assert word in text
    told = run_json()
    assert told["attention"] == []
    assert told["servers"] == dict.fromkeys(("database", "redis", "parts", "web", "broker"), "ok")
    assert set(told["queues"]) == {"poll", "deliver", "default"}
    assert sum(told["tasks"].values()) == Task.objects.open().count() > 0
    assert len(told["channels"]) == Channel.objects.count()


def test_it_counts_what_waits_and_for_how_long(running: None) -> None:
    before = run_json()
    task = Task.objects.live().filter(hold_suffix="").order_by("pk")[0]
    Task.objects.filter(pk=task.pk).update(
        next_poll_at=timezone.now() - timedelta(seconds=100), upstream_id=""
    )
    Attempt.objects.filter(task=task).update(outcome=Attempt.Outcome.UNKNOWN)
    Callback.objects.create(
        task=task, tenant=task.tenant, url="https://hook.example/", sequence=99, is_final=True,
        body="{}", due_at=timezone.now() - timedelta(seconds=300),
    )  # fmt: skip
    ended = Task.objects.filter(status="FAILURE").order_by("pk")[0]
    Task.objects.filter(pk=ended.pk).update(is_written_off=True)
    notice = notices.raise_notice(tenant=None, kind="x", subject="x", text="x", data={})
    notice.deliveries.create(
        way="mail", address="a@b.example", due_at=timezone.now() - timedelta(seconds=400)
    )
    ProofRun.objects.update(number=3)

    code, text = run()
    assert code == 1
    told = run_json()
    assert 100 <= told["task_late"] < 110
    assert 300 <= told["callback_late"] < 310
    assert 400 <= told["notice_late"] < 410
    for name in ("callbacks_pending", "notices_pending", "unknown_outcomes", "written_off"):
        assert told[name] == before[name] + 1, name
    (channel,) = [row for row in told["channels"] if row["id"] == task.channel_id]
    assert 100 <= channel["late"] < 110
    assert len(told["attention"]) == 4
    for reason in told["attention"]:
        assert reason.split(" for ")[0] in text

    shown = metrics.text().decode()
    assert f"relay_unknown_outcomes {told['unknown_outcomes']}.0" in shown
    assert f"relay_tasks_written_off {told['written_off']}.0" in shown
    assert "relay_proof_contradictions 3.0" in shown
    assert value(shown, "relay_poll_lag_seconds") >= 100
    assert value(shown, "relay_callback_lag_seconds") >= 300
    assert value(shown, "relay_notice_lag_seconds") >= 400
    name = task.channel.name
    assert value(shown, f'relay_channel_poll_lag_seconds{{channel="{name}"}}') >= 100


def value(text: str, name: str) -> float:
    (line,) = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return float(line.rpartition(" ")[2])


def test_however_many_channels_there_are_the_metrics_name_only_some(running: None) -> None:
    Channel.objects.bulk_create(
        Channel(name=f"many {number}", kind="trueai", base_url="http://u.example")
        for number in range(metrics.CHANNELS_MAX)
    )
    try:
        last = Channel.objects.order_by("-pk")[0]
        Channel.objects.filter(pk=last.pk).update(
            breaker="open", breaker_until=timezone.now() + timedelta(minutes=1)
        )
        found = {metric.name: metric for metric in gauges.Gauges().collect()}
        breakers = {
            sample.labels["channel"]: sample.value
            for sample in found["relay_channel_breaker"].samples
        }
        assert len(breakers) == metrics.CHANNELS_MAX + 1
        # The worst of those that share the label.
        assert breakers[metrics.OTHER] == 2
    finally:
        Channel.objects.filter(name__startswith="many ").delete()


def test_no_tenant_and_no_task_is_a_label(running: None) -> None:
    labels = {
        name
        for metric in gauges.Gauges().collect()
        for sample in metric.samples
        for name in sample.labels
    }
    assert labels == {"channel", "kind", "queue", "status", "work"}


def test_a_database_without_time_is_not_waited_for(past: str) -> None:
    with psycopg.connect(past) as other:
        other.execute("LOCK TABLE relay_task IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        found = {metric.name: metric for metric in gauges.Gauges().collect()}
        assert time.monotonic() - began < 10
        other.rollback()
    assert found["relay_database_up"].samples[0].value == 0
    assert "relay_tasks_open" not in found
    assert status.read() is not None


def test_without_a_database_it_says_so(past: str) -> None:
    env = os.environ | {"DATABASE_URL": "postgres://nobody@/nothing?host=/nowhere"}
    done = subprocess.run(
        [sys.executable, "manage.py", "status"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert "the database: does not answer" in done.stdout


REASONS: list[tuple[dict[str, Any], str]] = [
    ({"standing": Standing("does not answer", "ok"), "found": None}, "the database"),
    ({"standing": Standing("2 migrations are missing", "ok"), "found": None}, "2 migrations"),
    ({"standing": Standing("ok", "degraded: does not answer")}, "limits are counted in Postgre"),
    ({"web_answers": False}, "the web does not answer"),
    ({"queues": None}, "the broker does not answer"),
    ({"queues": QUEUES | {"deliver": 5000}}, "5000 messages wait in queue deliver"),
    ({"task_late": 61.0}, "the oldest due task waits for 61 s"),
    ({"callback_late": 121.0}, "the oldest due callback waits for 121 s"),
    ({"notice_late": 301.0}, "the oldest due notice waits for 301 s"),
    ({"pulses": {name: 1.0 for name in PULSES if name != "poll"}}, "kind 'poll'"),
    ({"pulses": WELL.pulses | {"deliver": 50.0}}, "kind 'deliver' for 50 s"),
    ({"pulses": WELL.pulses | {"roll-up": 300.0}}, "kind 'roll-up' for 300 s"),
    ({"proof": Proof(age=60, contradictions=7)}, "found 7 contradictions"),
    ({"proof": Proof(age=50 * 3600)}, "last proven 50 hours ago"),
    ({"proof": Proof(age=3600, overdue=3 * 3600)}, "begun 3 hours ago and did not end"),
    ({"channels": []}, "no channel is enabled"),
    ({"channels": [CHANNEL, CHANNEL._replace(breaker="half_open")]}, "breaker is half open"),
    (
        {"channels": [CHANNEL, CHANNEL._replace(state="disabled", reason="credential: 401")]},
        "is disabled: credential: 401",
    ),
    ({"channels": [CHANNEL._replace(credentials_off=1)]}, "1 of its credentials are off"),
]


@pytest.mark.parametrize(("changes", "words"), REASONS, ids=[words for _, words in REASONS])
def test_what_needs_attention(changes: dict[str, Any], words: str) -> None:
    of_status = {name: changes[name] for name in changes if hasattr(WELL, name)}
    given: dict[str, Any] = {
        "standing": FINE,
        "web_answers": True,
        "queues": QUEUES,
        "found": dataclasses.replace(WELL, **of_status),
    }
    given |= {name: changes[name] for name in changes if name in given}
    (reason,) = attention.reasons(**given)
    assert words in reason.text
    about_one = reason.text.startswith(f"channel {CHANNEL.name}")
    assert reason.channel_id == (CHANNEL.id if about_one else None)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"task_late": 30.0, "callback_late": 60.0},
        {"proof": Proof()},
        {"unknown_outcomes": 5, "written_off": 5, "hooks_off": 5},
        {"channels": [CHANNEL, CHANNEL._replace(state="disabled"), CHANNEL._replace(rests=True)]},
    ],
    ids=["nothing", "a busy moment", "no proof yet", "known troubles", "a channel switched off"],
)
def test_what_does_not(changes: dict[str, Any]) -> None:
    found = dataclasses.replace(WELL, **changes)
    assert not attention.reasons(standing=FINE, web_answers=True, queues=QUEUES, found=found)
