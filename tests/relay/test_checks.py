"""Settings that would let the product run, but wrongly, are named before it starts."""

import pytest
from django.conf import LazySettings

from relay import checks
from relay.messages import ladder


def test_the_settings_as_shipped_are_good() -> None:
    for check in (checks.public_url, checks.allowed_networks, checks.poll_times):
        assert check(None) == []


@pytest.mark.parametrize("url", ["", "relay.example", "ftp://relay.example", "http://"])
def test_an_address_of_ours_that_nobody_can_call(settings: LazySettings, url: str) -> None:
    settings.PUBLIC_URL = url
    assert [error.id for error in checks.public_url(None)] == ["relay.E001"]


@pytest.mark.parametrize("network", ["10.0.0.0/33", "10.0.0.1/8", "localhost", ""])
def test_a_network_that_is_none(settings: LazySettings, network: str) -> None:
    settings.CALLBACK_ALLOWED_NETWORKS = ["127.0.0.0/8", network]
    assert [error.id for error in checks.allowed_networks(None)] == ["relay.E002"]


@pytest.mark.parametrize("least", [0, -1, 31])
def test_waits_that_make_no_sense(settings: LazySettings, least: float) -> None:
    settings.POLL_MIN_SECONDS = least
    settings.POLL_MAX_SECONDS = 30
    assert [error.id for error in checks.poll_times(None)] == ["relay.E003"]


@pytest.mark.parametrize("rung", [-1, float("nan"), float("inf"), 10**9])
def test_a_ladder_with_a_rung_that_is_none(settings: LazySettings, rung: float) -> None:
    settings.CALLBACK_LADDER_SECONDS = [0, 5, rung]
    assert [error.id for error in checks.callback_ladder(None)] == ["relay.E030"]


def test_a_ladder_of_ones_own(settings: LazySettings) -> None:
    settings.CALLBACK_LADDER_SECONDS = [0, 2.5]
    assert checks.callback_ladder(None) == []
    assert [ladder.next_wait(failed) for failed in range(3)] == [0, 2.5, None]


@pytest.mark.parametrize(
    ("tasks", "entries", "words"),
    [
        (0, 0, []),
        (90, 0, []),
        (90, 90, []),
        (90, 400, []),
        (13, 0, ["KEEP_TASKS_DAYS is 0 (for ever), or at least 14."]),
        (-1, 0, ["KEEP_TASKS_DAYS is 0 (for ever), or at least 14."]),
        (90, 89, ["KEEP_ENTRIES_DAYS needs KEEP_TASKS_DAYS, and is at least as much"]),
        (0, 400, ["KEEP_ENTRIES_DAYS needs KEEP_TASKS_DAYS, and is at least as much"]),
        (90, -1, ["KEEP_ENTRIES_DAYS is 0", "KEEP_ENTRIES_DAYS needs KEEP_TASKS_DAYS"]),
    ],
)
def test_how_long_tasks_and_entries_are_kept(
    settings: LazySettings, tasks: int, entries: int, words: list[str]
) -> None:
    settings.KEEP_TASKS_DAYS, settings.KEEP_ENTRIES_DAYS = tasks, entries
    found = [error.msg for error in checks.retention(None)]
    assert len(found) == len(words)
    for text, word in zip(found, words, strict=True):
        assert text.startswith(word)


SECRET = "whsec_" + "MDEy" * 8


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"EMAIL_URL": "smtp://mail.example", "DEFAULT_FROM_EMAIL": ""}, "EMAIL_FROM"),
        ({"OPERATOR_NOTICE_HOOK": "https://ops.example"}, "OPERATOR_WEBHOOK_SECRET"),
        (
            {"OPERATOR_NOTICE_HOOK": "https://ops.example", "OPERATOR_WEBHOOK_SECRET": "secret"},
            "OPERATOR_WEBHOOK_SECRET",
        ),
        (
            {"OPERATOR_NOTICE_HOOK": "https://ops.example", "OPERATOR_WEBHOOK_SECRET": "whsec_AA"},
            "OPERATOR_WEBHOOK_SECRET",
        ),
        ({"PROOF_HOUR_UTC": 24}, "PROOF_HOUR_UTC"),
    ],
)
def test_notices_that_could_not_be_sent(
    settings: LazySettings, change: dict[str, object], word: str
) -> None:
    for name, value in change.items():
        setattr(settings, name, value)
    (error,) = checks.notices(None)
    assert word in error.msg


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"SIGN_UP": "maybe"}, "SIGN_UP is one of"),
        ({"SIGN_UP_BALANCE": "much"}, "SIGN_UP_BALANCE"),
        ({"SIGN_UP_BALANCE": "-1"}, "negative"),
    ],
)
def test_a_sign_up_that_cannot_be(
    settings: LazySettings, change: dict[str, object], word: str
) -> None:
    assert checks.sign_up(None) == []
    for name, value in change.items():
        setattr(settings, name, value)
    (error,) = checks.sign_up(None)
    assert word in error.msg


def test_notices_that_can_be_sent(settings: LazySettings) -> None:
    settings.EMAIL_URL = "smtp://mail.example"
    settings.DEFAULT_FROM_EMAIL = "relay@relay.example"
    settings.OPERATOR_NOTICE_HOOK = "https://ops.example"
    settings.OPERATOR_WEBHOOK_SECRET = SECRET
    assert checks.notices(None) == []
