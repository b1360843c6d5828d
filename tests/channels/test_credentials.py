"""Several credentials of one channel: who is used, who is refused, and what is kept of it."""

from collections import Counter

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from channels import credentials, selection, states
from channels.credentials import Consequence
from channels.errors import NoChannel
from channels.models import Channel, Credential
from channels.selection import Upstream
from common.models import Generation
from tests.channels.conftest import NewChannel

WHY = "HTTP 401"


def pick(channel: Channel) -> Upstream:
    generation = Generation.objects.get(name="channels").value
    wanted = selection.Wanted(group=channel.groups[0], action="IMAGINE", mode="fast")
    return selection.pick(wanted, generation=generation)


@pytest.fixture
def channel(new_channel: NewChannel) -> Channel:
    """With three credentials: main, two and three."""
    made = new_channel(secret="secret main")
    for name in ("two", "three"):
        credentials.add(made, name=name, secret=f"secret {name}", actor="ann")
    return made


def kinds(channel: Channel) -> list[str]:
    return [row.kind for row in channel.events.order_by("pk") if row.kind != "made"]


def test_they_share_the_work(channel: Channel) -> None:
    counts = Counter(pick(channel).secret for _ in range(900))
    assert set(counts) == {"secret main", "secret two", "secret three"}
    # 300 are expected; the odds against these bounds are a million to one.
    assert all(220 < count < 380 for count in counts.values())


def test_who_made_a_task_follows_it_also_when_it_is_off(channel: Channel) -> None:
    own = channel.credentials.get(name="two")
    credentials.change(own, is_active=False, actor="ann")
    upstream = selection.load(channel.pk, own.pk)
    assert (upstream.secret, upstream.credential_id, upstream.credential) == (
        "secret two", own.pk, "two"
    )  # fmt: skip
    assert "secret two" not in {pick(channel).secret for _ in range(60)}
    assert selection.load(channel.pk, None).secret == "secret main"


def test_a_refused_one_is_used_no_more_and_the_last_one_takes_the_channel_along(
    channel: Channel,
) -> None:
    seen = []
    for _ in range(2):
        upstream = pick(channel)
        assert credentials.refused(upstream, why=WHY) is Consequence.SWITCHED_OFF
        assert credentials.refused(upstream, why=WHY) is Consequence.NOTHING_NEW
        seen.append(upstream.secret)
    last = pick(channel)
    assert last.secret not in seen
    assert credentials.refused(last, why=WHY) is Consequence.CHANNEL_DISABLED
    assert credentials.refused(last, why=WHY) is Consequence.NOTHING_NEW
    channel.refresh_from_db()
    assert (channel.state, channel.reason) == (
        "disabled", "the upstream refuses our credential: HTTP 401"
    )  # fmt: skip
    with pytest.raises(NoChannel):
        pick(channel)
    assert kinds(channel) == ["credential_made"] * 2 + ["credential_off"] * 3 + ["disabled"]
    assert not channel.credentials.filter(refused_at__isnull=True).exists()


def test_without_any_credential_the_channel_itself_is_refused(new_channel: NewChannel) -> None:
    channel = new_channel()
    assert credentials.refused(pick(channel), why=WHY) is Consequence.CHANNEL_DISABLED
    channel.refresh_from_db()
    assert channel.state == "disabled"


def test_a_secret_that_was_changed_meanwhile_is_not_blamed(channel: Channel) -> None:
    old = pick(channel)
    own = Credential.objects.get(pk=old.credential_id)
    credentials.change(own, secret="a new one", actor="ann")
    assert credentials.refused(old, why=WHY) is Consequence.NOTHING_NEW
    own.refresh_from_db()
    assert own.is_active


def test_a_channel_that_drains_is_disabled_too_and_a_deleted_one_is_no_trouble(
    new_channel: NewChannel,
) -> None:
    channel = new_channel(secret="x", state="draining")
    upstream = selection.load(channel.pk)
    assert credentials.refused(upstream, why=WHY) is Consequence.CHANNEL_DISABLED
    channel.delete()
    assert credentials.refused(upstream, why=WHY) is Consequence.NOTHING_NEW


def test_with_all_of_them_off_there_is_no_channel_and_no_queue(channel: Channel) -> None:
    for own in channel.credentials.all():
        credentials.change(own, is_active=False, actor="ann")
    with pytest.raises(NoChannel):
        pick(channel)


def test_switching_it_on_again_forgets_why_it_was_off(channel: Channel) -> None:
    upstream = pick(channel)
    credentials.refused(upstream, why=WHY)
    own = Credential.objects.get(pk=upstream.credential_id)
    assert (own.is_active, own.reason) == (False, WHY)
    credentials.change(own, is_active=True, secret="better", actor="ann")
    own.refresh_from_db()
    assert (own.is_active, own.reason, own.refused_at) == (True, "", None)
    assert kinds(channel)[-2:] == ["credential_changed", "credential_on"]


def test_that_it_is_taken_again_is_noted_once_and_changes_nothing(channel: Channel) -> None:
    upstream = pick(channel)
    credentials.refused(upstream, why=WHY)
    own = Credential.objects.get(pk=upstream.credential_id)
    assert credentials.taken_again(own)
    assert not credentials.taken_again(own)
    own.refresh_from_db()
    assert not own.is_active
    assert kinds(channel).count("credential_works") == 1


@pytest.mark.parametrize(
    "secret", ["two\nlines", " blank", "blank ", "schlüssel", "a\x00b", "a\tb", "x" * 2001]
)
def test_what_no_header_can_carry_is_no_secret(channel: Channel, secret: str) -> None:
    with pytest.raises(ValidationError):
        credentials.add(channel, name="new", secret=secret, actor="ann")
    with pytest.raises(ValidationError):
        credentials.change(channel.credentials.get(name="two"), secret=secret, actor="ann")


def test_it_is_encrypted_in_the_database(channel: Channel) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM channels_credential WHERE channel_id = %s", [channel.pk])
        stored = [row[0] for row in cursor.fetchall()]
    assert len(stored) == 3
    assert not any("secret" in text for text in stored)


def test_it_shows_in_no_text_of_ours(channel: Channel) -> None:
    upstream = pick(channel)
    own = Credential.objects.get(pk=upstream.credential_id)
    states.set_state(channel.pk, "draining", actor="ann")
    shown = f"{upstream!r} {own!r} {own} {list(channel.events.values())}"
    assert "secret main" not in shown
    assert "secret two" not in shown
