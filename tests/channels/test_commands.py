"""Channels from the command line."""

import io

import pytest
from django.core.management import CommandError, call_command

from channels import breaker, credentials, selection
from channels.models import Channel, Probe
from tests.channels.conftest import NewChannel

URL = "https://upstream.example"


def run(*words: str, **options: object) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def secret(unseen: None, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("CHANNEL_SECRET", "open sesame")
    return "open sesame"


def test_a_channel_is_added_with_its_caps_and_its_secret(secret: str) -> None:
    said = run(
        "add_channel", "new-up", URL, "--kind", "newapi", "--priority", "3", "--concurrency", "12",
        "--rpm", "60", "--queue-depth", "10", "--is-test", "--groups", "vip", "default",
    )  # fmt: skip
    channel = Channel.objects.get(name="new-up")
    assert said == "channel new-up is enabled\n"
    assert (channel.concurrency, channel.rpm, channel.queue_depth) == (12, 60, 10)
    assert (channel.kind, channel.is_test, channel.groups) == ("newapi", True, ["vip", "default"])
    assert channel.credentials.get().secret == secret
    assert [(event.kind, event.actor) for event in channel.events.all()] == [
        ("made", "command line")
    ]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("up", "upstream.example"), "base_url"),
        (("up", ""), "blank"),
        (("up", "https://me:password@upstream.example"), "base_url"),
        (("up", URL, "--weight", "0"), "greater than or equal to 1"),
        (("up", URL, "--rpm", "-1"), "greater than or equal to 0"),
    ],
)
def test_a_channel_that_cannot_be(secret: str, words: tuple[str, ...], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        run("add_channel", *words)
    assert not Channel.objects.filter(name="up").exists()


def test_a_secret_that_nobody_can_send_makes_no_channel(
    unseen: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHANNEL_SECRET", "two\nlines")
    with pytest.raises(CommandError, match="ASCII") as refusal:
        run("add_channel", "up", URL)
    assert "lines" not in str(refusal.value)
    assert not Channel.objects.filter(name="up").exists()


def test_another_credential_is_added(secret: str, new_channel: NewChannel) -> None:
    channel = new_channel(secret="first")
    assert run("add_credential", channel.name, "second").endswith("has 2 credentials\n")
    assert channel.credentials.get(name="second").secret == secret
    with pytest.raises(CommandError, match="has a credential second"):
        run("add_credential", channel.name, "second")


def test_what_add_credential_refuses(
    secret: str, new_channel: NewChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = new_channel()
    with pytest.raises(CommandError, match="there is no channel nowhere"):
        run("add_credential", "nowhere", "x")
    for name in ("", " ", "a\nb", "x" * 101):
        with pytest.raises(CommandError, match="a name is"):
            run("add_credential", channel.name, name)
    for value, says in (("", "is none"), (" blank", "ASCII")):
        monkeypatch.setenv("CHANNEL_SECRET", value)
        with pytest.raises(CommandError, match=says):
            run("add_credential", channel.name, "x")
    assert not channel.credentials.exists()


def test_a_channel_is_switched_with_a_reason(new_channel: NewChannel) -> None:
    channel = new_channel()
    assert run("set_channel", channel.name, "draining", reason="moving").endswith("is draining\n")
    channel.refresh_from_db()
    assert (channel.state, channel.reason) == ("draining", "moving")
    breaker.open_(channel.pk, why="a test")
    run("set_channel", channel.name, "enabled")
    channel.refresh_from_db()
    assert (channel.state, channel.breaker, channel.reason) == ("enabled", "closed", "")
    with pytest.raises(CommandError, match="there is no channel nowhere"):
        run("set_channel", "nowhere", "enabled")


def test_all_channels_on_one_screen(new_channel: NewChannel) -> None:
    good = new_channel(concurrency=7, priority=1000)
    bad = new_channel(secret="open sesame", kind="newapi")
    broken = new_channel(rpm=60)
    Probe.objects.create(channel=good, is_ok=True, milliseconds=31, headroom=9)
    Probe.objects.create(channel=bad, is_ok=False, milliseconds=1, error="HTTP 401")
    credentials.refused(selection.load(bad.pk), why="HTTP 401 no such key")
    breaker.open_(broken.pk, why="a test")
    said = run("show_channels")
    table = {line.split()[0]: " ".join(line.split()[1:]) for line in said.splitlines()}
    assert table[good.name] == (
        "midjourney_proxy enabled closed none needed 31 ms, room for 9 1000 0 7 any any"
    )
    assert table[bad.name].startswith("newapi disabled closed 0 of 1 fails")
    assert "open, 30 s left" in table[broken.name] or "open, 29 s left" in table[broken.name]
    assert f"{bad.name}: the upstream refuses our credential: HTTP 401 no such key" in said
    assert f"main of {bad.name}: HTTP 401 no such key" in said
    assert "sesame" not in said
