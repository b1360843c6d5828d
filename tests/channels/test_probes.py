"""Free questions to channels: what each dialect is asked, what it says, and what is kept."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from channels import credentials, history, probes, selection
from channels.adapters import adapter_for
from channels.adapters.base import ProbeResult
from channels.models import Channel, ChannelEvent, Probe
from channels.selection import Upstream
from common.models import Generation
from tests.channels.conftest import NewChannel
from tests.channels.proxy import PAGE
from tests.channels.proxy import upstream as plain

LIST = "POST /mj/task/list-by-condition"
ACCOUNT = {"id": "1", "enable": True, "coreSize": 3, "queueSize": 10, "userToken": "clear text"}
SUBSCRIPTION = "GET /v1/dashboard/billing/subscription"
USAGE = "GET /v1/dashboard/billing/usage"


class Routes:
    """A server that answers each route as it is told, and 404 else."""

    def __init__(
        self, routes: dict[str, Any], *, secret: str = "", hang_seconds: float = 0
    ) -> None:
        self.routes = routes
        self.secret = secret
        self.hang_seconds = hang_seconds
        self.asked: list[str] = []
        self.url = ""

    def answer(self, route: str, secret: str) -> tuple[int, bytes]:
        self.asked.append(route)
        time.sleep(self.hang_seconds)
        if self.secret and secret != self.secret:
            return 401, b""
        if route not in self.routes:
            return 404, b""
        found = self.routes[route]
        return 200, found if isinstance(found, bytes) else json.dumps(found).encode()


@contextmanager
def serving(routes: dict[str, Any], **details: Any) -> Iterator[Routes]:
    found = Routes(routes, **details)

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            secret = self.headers.get("mj-api-secret", "")
            status, body = found.answer(f"{self.command} {self.path}", secret)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _handle  # noqa: N815  the names are http.server's

        def log_message(self, *args: object) -> None:
            """Nothing on the test run's output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ask(kind: str, routes: dict[str, Any]) -> ProbeResult:
    with serving(routes) as server:
        at: Upstream = plain(server.url, secret="open sesame")
        return adapter_for(kind).probe(at)


def home(fast: int, relax: int) -> dict[str, Any]:
    return {"data": {"fastAvailableCount": fast, "relaxAvailableCount": relax}}


@pytest.mark.parametrize(
    ("kind", "routes", "headroom"),
    [
        ("midjourney_proxy", {}, None),
        ("midjourney_proxy",
         {"GET /mj/account/list": [ACCOUNT, ACCOUNT], "GET /mj/task/queue": [{}] * 4}, 22),
        ("midjourney_proxy",
         {"GET /mj/account/list": [ACCOUNT | {"enable": False}], "GET /mj/task/queue": []}, 0),
        ("midjourney_proxy", {"GET /mj/account/list": {"a": 1}, "GET /mj/task/queue": []}, None),
        ("midjourney_proxy", {"GET /mj/account/list": PAGE, "GET /mj/task/queue": []}, None),
        ("trueai", {"GET /mj/home": home(40, 2)}, 42),
        ("trueai", {"GET /mj/home": home(40, -1)}, None),
        ("trueai", {"GET /mj/home": home(0, 0)}, 0),
        ("trueai", {"GET /mj/home": {"data": None}}, None),
        ("trueai", {}, None),
        ("newapi", {SUBSCRIPTION: {"hard_limit_usd": 10.0}, USAGE: {"total_usage": 999.9}}, None),
        ("newapi", {SUBSCRIPTION: {"hard_limit_usd": 10.0}, USAGE: {"total_usage": 1000}}, 0),
        ("newapi", {SUBSCRIPTION: {"hard_limit_usd": "no"}, USAGE: {"total_usage": 1000}}, None),
        ("newapi", {}, None),
    ],
)  # fmt: skip
def test_how_much_room_each_dialect_tells_of(
    kind: str, routes: dict[str, Any], headroom: int | None
) -> None:
    found = ask(kind, {LIST: []} | routes)
    assert (found.is_ok, found.headroom, found.error) == (True, headroom, "")
    assert 0 <= found.milliseconds < 5000


@pytest.mark.parametrize("kind", Channel.Kind.values)
@pytest.mark.parametrize(
    ("routes", "error"),
    [
        ({}, "HTTP 404"),
        ({LIST: PAGE}, "HTTP 200 <html>"),
        ({LIST: {"code": 4}}, 'HTTP 200 {"code": 4}'),
    ],
)
def test_an_answer_that_is_none(kind: str, routes: dict[str, Any], error: str) -> None:
    found = ask(kind, routes)
    assert not found.is_ok
    assert found.error.startswith(error)


@pytest.mark.parametrize("kind", Channel.Kind.values)
def test_nobody_is_there(kind: str) -> None:
    found = adapter_for(kind).probe(plain("http://127.0.0.1:9"))
    assert not found.is_ok
    assert "ConnectionRefusedError" in found.error


def test_nothing_is_drawn_and_no_list_of_accounts_is_kept(lasting_channel: NewChannel) -> None:
    routes = {LIST: [], "GET /mj/account/list": [ACCOUNT, "clear text"]}
    with serving(routes) as server:
        channel = lasting_channel(base_url=server.url)
        kept = probes.probe(channel.pk)
        assert kept is not None
        assert (kept.is_ok, kept.headroom, kept.error) == (True, None, "")
        assert server.asked == [LIST, "GET /mj/account/list"]
    assert "clear text" not in str(list(Probe.objects.filter(channel=channel).values()))


def test_who_is_asked_and_how_often(new_channel: NewChannel, settings: LazySettings) -> None:
    settings.PROBE_SECONDS = 60
    enabled, draining = new_channel(), new_channel(state="draining")
    disabled, refused = new_channel(state="disabled"), new_channel(secret="x")
    credentials.refused(selection.load(refused.pk), why="HTTP 401")
    refused.refresh_from_db()
    assert refused.state == "disabled"
    before = Generation.objects.get(name="channels").value
    claimed = probes.claim()
    assert {enabled.pk, draining.pk, refused.pk} <= set(claimed)
    assert disabled.pk not in claimed
    assert probes.claim() == [], "they are under way"
    assert Generation.objects.get(name="channels").value == before
    Channel.objects.update(probing_until=None)
    row = Probe.objects.create(channel=enabled, is_ok=True, milliseconds=1)
    assert enabled.pk not in probes.claim()
    Channel.objects.update(probing_until=None)
    Probe.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(seconds=31))
    assert enabled.pk in probes.claim()


def test_a_probe_that_was_never_heard_of_again_makes_way(new_channel: NewChannel) -> None:
    channel = new_channel()
    assert channel.pk in probes.claim()
    Channel.objects.filter(pk=channel.pk).update(probing_until=timezone.now() - timedelta(hours=1))
    assert channel.pk in probes.claim()


def test_an_answer_makes_way_at_once(lasting_channel: NewChannel) -> None:
    channel = lasting_channel()
    assert channel.pk in probes.claim()
    probes.probe(channel.pk)
    channel.refresh_from_db()
    assert channel.probing_until is None


def test_a_refused_credential_that_is_taken_again_is_noted_and_stays_off(
    lasting_channel: NewChannel,
) -> None:
    with serving({LIST: []}, secret="new") as server:
        channel = lasting_channel(base_url=server.url, secret="old")
        credentials.refused(selection.load(channel.pk), why="HTTP 401")
        own = channel.credentials.get()
        kept = probes.probe(channel.pk)
        assert kept is not None
        assert not kept.is_ok
        assert not channel.events.filter(kind=ChannelEvent.Kind.CREDENTIAL_WORKS).exists()
        server.secret = "old"
        for _ in range(2):
            probes.probe(channel.pk)
    assert channel.events.filter(kind=ChannelEvent.Kind.CREDENTIAL_WORKS).count() == 1
    channel.refresh_from_db()
    own.refresh_from_db()
    assert (channel.state, own.is_active) == ("disabled", False)


def test_a_probe_opens_and_disables_nothing(lasting_channel: NewChannel) -> None:
    with serving({}, secret="new") as server:
        channel = lasting_channel(base_url=server.url, secret="old")
        for _ in range(20):
            probes.probe(channel.pk)
    channel.refresh_from_db()
    assert (channel.state, channel.breaker) == ("enabled", "closed")
    assert channel.credentials.get().is_active
    assert channel.probes.count() == 20


def test_one_that_hangs_has_its_own_end(
    lasting_channel: NewChannel, settings: LazySettings
) -> None:
    settings.UPSTREAM_CONNECT_SECONDS = settings.UPSTREAM_POLL_SECONDS = 0.2
    with serving({LIST: []}, hang_seconds=30) as server:
        channel = lasting_channel(base_url=server.url)
        started = time.monotonic()
        kept = probes.probe(channel.pk)
    assert time.monotonic() - started < 10
    assert kept is not None
    assert not kept.is_ok


def test_a_channel_that_is_gone_meanwhile(new_channel: NewChannel) -> None:
    channel = new_channel()
    channel.delete()
    assert probes.probe(channel.pk or 0) is None


def test_old_probes_and_events_are_swept(new_channel: NewChannel, settings: LazySettings) -> None:
    settings.CHANNEL_EVENT_DAYS = 90
    channel = new_channel()
    for days in (6, 8):
        row = Probe.objects.create(channel=channel, is_ok=True, milliseconds=1)
        Probe.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(days=days))
    old = channel.events.get()
    ChannelEvent.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=91))
    history.tell(channel.pk, ChannelEvent.Kind.CHANGED)
    assert probes.sweep() >= 1
    assert history.sweep() >= 1
    assert channel.probes.count() == 1
    assert [row.kind for row in channel.events.all()] == ["changed"]


def test_no_channel_may_fill_the_history(
    new_channel: NewChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "EVENTS_MAX", 10)
    channel, other = new_channel(), new_channel()
    for number in range(20):
        history.tell(channel.pk, ChannelEvent.Kind.RESTS, text=f"{number}")
    history.sweep()
    assert [row.text for row in channel.events.order_by("pk")] == [str(n) for n in range(10, 20)]
    assert other.events.count() == 1
