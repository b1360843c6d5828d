"""How the relay is doing, from the command line."""

import json
import signal
import sys
from collections.abc import Iterator
from typing import Any

import requests
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from common import logs, text_tables
from relay.celery import app
from relay.serving import broker
from relay.up import facts
from relay.watch import attention, readiness, status
from relay.watch.status import Status

# Whatever hangs, an answer comes.
ALL_SECONDS = 30
WEB_SECONDS = 3


class Command(BaseCommand):
    help = (
        "Shows what runs, what waits and for how long. "
        "Ends with status 1 when something needs attention, and says what."
    )
    # It is asked when something is wrong.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object instead")

    def handle(self, *args: Any, **options: Any) -> None:
        signal.signal(signal.SIGALRM, _too_long)
        signal.alarm(ALL_SECONDS)
        standing = readiness.standing()
        web_url = _web_url()
        web_answers, queues = _answers(web_url), broker.lengths(app)
        found = status.read() if standing.is_ready else None
        found_reasons = attention.reasons(
            standing=standing,
            web_answers=web_answers,
            web_url=web_url,
            queues=queues,
            found=found,
        )
        reasons = [reason.text for reason in found_reasons]
        signal.alarm(0)
        servers = {
            **standing._asdict(),
            "web": "ok" if web_answers else "does not answer",
            "broker": "ok" if queues is not None else "does not answer",
        }
        if options["json"]:
            told = {"attention": reasons, "servers": servers, "queues": queues}
            self.stdout.write(json.dumps(told | _plain(found), indent=1))
        else:
            for line in _lines(servers, queues, found, reasons):
                # Upstreams have written some of it.
                self.stdout.write(logs.printable(line))
        if reasons:
            sys.exit(1)


def _too_long(*_: object) -> None:
    raise CommandError(f"no answer within {ALL_SECONDS} seconds")


def _web_url() -> str:
    """At PUBLIC_URL; without one where `make run` has it, which another shell may have told
    another PORT."""
    public = str(settings.PUBLIC_URL)
    is_made_up = public == f"http://127.0.0.1:{settings.PORT}"
    return (facts.url(settings.VAR_DIR) if is_made_up else "") or public


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=WEB_SECONDS).ok
    except requests.RequestException:
        return False


def _plain(found: Status | None) -> dict[str, Any]:
    """Status with its parts as dictionaries; empty without one."""
    if found is None:
        return {}
    return {
        name: value._asdict() if hasattr(value, "_asdict") else value
        for name in Status.__slots__
        if (value := getattr(found, name)) is not None and name != "channels"
    } | {"channels": [channel._asdict() for channel in found.channels]}


def _lines(
    servers: dict[str, str],
    queues: dict[str, int] | None,
    found: Status | None,
    reasons: list[str],
) -> Iterator[str]:
    yield from _table("Servers", servers)
    if queues is not None:
        yield from _table("Messages", {name: f"{number:,}" for name, number in queues.items()})
    if found is not None:
        yield from _of(found)
    yield ""
    if reasons:
        yield "Needs attention:"
        yield from (f"  - {reason}" for reason in reasons)
    else:
        yield "All is well."


def _of(found: Status) -> Iterator[str]:
    yield from _table("Open tasks", {word: f"{number:,}" for word, number in found.tasks.items()})
    yield from _table(
        "Waiting",
        {
            "oldest due task": _seconds(found.task_late),
            "callbacks": f"{found.callbacks_pending:,}",
            "oldest due callback": _seconds(found.callback_late),
            "hooks switched off": f"{found.hooks_off:,}",
            "notices": f"{found.notices_pending:,}",
            "oldest due notice": _seconds(found.notice_late),
            "result files": f"{found.results_pending:,}",
            "unknown outcomes": f"{found.unknown_outcomes:,}",
            "written off": f"{found.written_off:,}",
        },
    )
    yield from _table("Last done", {name: _ago(age) for name, age in sorted(found.pulses.items())})
    proof = found.proof
    told = "never" if proof.age is None else f"{_ago(proof.age)}, {proof.contradictions} findings"
    yield from _table("Books", {"last proof": told})
    if found.channels:
        yield ""
        rows = [("Channel", "State", "Breaker", "Open", "Late", "Probe")]
        rows += [
            (
                channel.name,
                "rests" if channel.rests and channel.state == "enabled" else channel.state,
                channel.breaker.replace("_", " "),
                f"{channel.open_tasks:,}",
                _seconds(channel.late),
                _probe(channel),
            )
            for channel in found.channels
        ]
        yield from text_tables.lines(rows, names=3)


def _table(title: str, rows: dict[str, str]) -> Iterator[str]:
    if rows:
        yield ""
        yield title
        for line in text_tables.lines(list(rows.items()), names=1):
            yield f"  {line}"


def _probe(channel: status.ChannelStatus) -> str:
    if channel.probe_is_ok is None:
        return "-"
    return f"{(channel.probe_seconds or 0) * 1000:.0f} ms" if channel.probe_is_ok else "failed"


def _seconds(number: float) -> str:
    return f"{number:,.0f} s late" if number >= 1 else "in time"


def _ago(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s ago"
    return f"{seconds / 60:.0f} min ago" if seconds < 7200 else f"{seconds / 3600:.0f} h ago"
