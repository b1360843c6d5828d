"""System checks: settings that would let the product run, but wrongly."""

import base64
import ipaddress
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error, register
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import InvalidStorageError, storages

from billing import topups
from billing.providers import PROVIDERS
from billing.providers.base import rates
from billing.tenants import WEBHOOK_SECRET_PREFIX
from common import site
from relay.following import deadlines
from relay.submits import words

# A week.
LONGEST_RUNG_SECONDS = 7 * 86400
# Longer than the hours of billing/usage.py are kept, and than anything usually stays open.
LEAST_KEPT_DAYS = 14


@register
def public_url(app_configs: Any, **kwargs: Any) -> list[Error]:
    parts = urlsplit(settings.PUBLIC_URL)
    if parts.scheme in ("http", "https") and parts.hostname:
        return []
    return [Error("PUBLIC_URL must be an http or https address.", id="relay.E001")]


@register
def allowed_networks(app_configs: Any, **kwargs: Any) -> list[Error]:
    errors = []
    for name in (
        "CALLBACK_ALLOWED_NETWORKS",
        "IMAGE_ALLOWED_NETWORKS",
        "PICTURE_ALLOWED_NETWORKS",
        "TRUSTED_PROXIES",
    ):
        for network in getattr(settings, name):
            try:
                ipaddress.ip_network(network.strip())
            except ValueError as error:
                errors.append(Error(f"{name}: {error}", id="relay.E002"))
    return errors


@register
def results_storage(app_configs: Any, **kwargs: Any) -> list[Error]:
    if not settings.KEEP_RESULTS:
        return []
    try:
        storages["results"]
    # A backend that is not installed, or an option that it does not know.
    except (InvalidStorageError, ImproperlyConfigured, TypeError) as error:
        return [Error(f"RESULTS_STORAGE, RESULTS_STORAGE_OPTIONS: {error}", id="relay.E004")]
    return []


@register
def banned_words(app_configs: Any, **kwargs: Any) -> list[Error]:
    try:
        words.read(settings.BANNED_WORDS_FILE, "")
    except (OSError, UnicodeDecodeError) as error:
        return [Error(f"BANNED_WORDS_FILE: {error}", id="relay.E005")]
    return []


@register
def site_language(app_configs: Any, **kwargs: Any) -> list[Error]:
    known = [code for code, _ in settings.LANGUAGES]
    if settings.SITE_LANGUAGE in known:
        return []
    return [Error(f"SITE_LANGUAGE is one of {', '.join(known)}.", id="relay.E023")]


@register
def poll_times(app_configs: Any, **kwargs: Any) -> list[Error]:
    in_order = 0 < settings.POLL_MIN_SECONDS <= settings.POLL_MAX_SECONDS
    if in_order and settings.POLL_LOOKS_PER_SECOND > 0:
        return []
    text = (
        "POLL_MIN_SECONDS must be positive and at most POLL_MAX_SECONDS; "
        "POLL_LOOKS_PER_SECOND must be positive."
    )
    return [Error(text, id="relay.E003")]


@register
def callback_ladder(app_configs: Any, **kwargs: Any) -> list[Error]:
    if all(0 <= rung <= LONGEST_RUNG_SECONDS for rung in settings.CALLBACK_LADDER_SECONDS):
        return []
    text = f"CALLBACK_LADDER_SECONDS are numbers of seconds, each at most {LONGEST_RUNG_SECONDS}."
    return [Error(text, id="relay.E030")]


@register
def late_times(app_configs: Any, **kwargs: Any) -> list[Error]:
    if 0 < settings.LATE_FIRST_SECONDS <= settings.LATE_LAST_SECONDS:
        return []
    text = "LATE_FIRST_SECONDS must be positive and at most LATE_LAST_SECONDS."
    return [Error(text, id="relay.E021")]


@register
def database_times(app_configs: Any, **kwargs: Any) -> list[Error]:
    if settings.DATABASE_STATEMENT_SECONDS >= 0:
        return []
    return [Error("DATABASE_STATEMENT_SECONDS must not be negative.", id="relay.E022")]


@register
def retention(app_configs: Any, **kwargs: Any) -> list[Error]:
    tasks, entries = settings.KEEP_TASKS_DAYS, settings.KEEP_ENTRIES_DAYS
    errors = [
        Error(f"{name} is 0 (for ever), or at least {LEAST_KEPT_DAYS}.", id="relay.E040")
        for name, days in {"KEEP_TASKS_DAYS": tasks, "KEEP_ENTRIES_DAYS": entries}.items()
        if days and days < LEAST_KEPT_DAYS
    ]
    if entries and not 0 < tasks <= entries:
        text = "KEEP_ENTRIES_DAYS needs KEEP_TASKS_DAYS, and is at least as much: as long as there"
        errors.append(Error(f"{text} is a task, the ledger tells what was paid.", id="relay.E041"))
    return errors


@register
def task_deadlines(app_configs: Any, **kwargs: Any) -> list[Error]:
    words = deadlines.wrong(settings.TASK_DEADLINES)
    return [Error(f"TASK_DEADLINES: {word}.", id="relay.E010") for word in words]


@register
def breakers(app_configs: Any, **kwargs: Any) -> list[Error]:
    known = {
        "BREAKER_WINDOW_SECONDS must be positive": settings.BREAKER_WINDOW_SECONDS > 0,
        "BREAKER_LEAST_RESULTS must be 1 or more": settings.BREAKER_LEAST_RESULTS >= 1,
        "BREAKER_FAULT_SHARE must be more than 0, at most 1": 0 < settings.BREAKER_FAULT_SHARE <= 1,
        "BREAKER_FIRST_OPEN_SECONDS must be positive and at most BREAKER_LONGEST_OPEN_SECONDS": (
            0 < settings.BREAKER_FIRST_OPEN_SECONDS <= settings.BREAKER_LONGEST_OPEN_SECONDS
        ),
        "PROBE_SECONDS must be 1 or more": settings.PROBE_SECONDS >= 1,
        "CHANNEL_EVENT_DAYS must be 1 or more": settings.CHANNEL_EVENT_DAYS >= 1,
    }
    return [Error(f"{text}.", id="relay.E011") for text, holds in known.items() if not holds]


@register
def top_ups(app_configs: Any, **kwargs: Any) -> list[Error]:
    errors = []
    for names, read in {"TOPUP_MIN, TOPUP_MAX": topups.limits, "TOPUP_RATES": rates}.items():
        try:
            read()
        except ValueError as error:
            errors.append(Error(f"{names}: {error}", id="relay.E006"))
    return errors or [*_payment_services()]


def _payment_services() -> Iterator[Error]:
    """A service that is switched on by half takes no order, and nobody would know why."""
    if bool(settings.STRIPE_SECRET_KEY) != bool(settings.STRIPE_WEBHOOK_SECRET):
        yield Error("STRIPE_SECRET_KEY needs STRIPE_WEBHOOK_SECRET.", id="relay.E007")
    if len({bool(settings.EPAY_URL), bool(settings.EPAY_PID), bool(settings.EPAY_KEY)}) > 1:
        yield Error("EPAY_URL, EPAY_PID and EPAY_KEY need each other.", id="relay.E007")
    for provider in PROVIDERS.values():
        # (The database is not asked here: it may be the one that is to be made.)
        own = provider.own_currency
        if provider.is_on and own and own not in (settings.CURRENCY.upper(), *rates()):
            yield Error(
                f"{provider.name} is paid in {own}, which TOPUP_RATES does not have.",
                id="relay.E008",
            )


@register
def sign_up(app_configs: Any, **kwargs: Any) -> list[Error]:
    errors = []
    if settings.SIGN_UP not in site.SIGN_UPS:
        errors.append(Error(f"SIGN_UP is one of {', '.join(site.SIGN_UPS)}.", id="relay.E012"))
    try:
        is_debt = site.default("sign_up_balance") < 0
    except ValueError as error:
        errors.append(Error(f"SIGN_UP_BALANCE: {error}", id="relay.E012"))
    else:
        if is_debt:
            errors.append(Error("SIGN_UP_BALANCE must not be negative.", id="relay.E012"))
    return errors


@register
def notices(app_configs: Any, **kwargs: Any) -> list[Error]:
    errors = []
    if settings.EMAIL_URL and "@" not in settings.DEFAULT_FROM_EMAIL:
        errors.append(Error("EMAIL_URL needs EMAIL_FROM, an address.", id="relay.E009"))
    if settings.OPERATOR_NOTICE_HOOK and not _is_secret(settings.OPERATOR_WEBHOOK_SECRET):
        text = "OPERATOR_NOTICE_HOOK needs OPERATOR_WEBHOOK_SECRET: whsec_ and base64 of 24 to 64"
        errors.append(Error(f"{text} bytes.", id="relay.E009"))
    if not 0 <= settings.PROOF_HOUR_UTC <= 23:
        errors.append(Error("PROOF_HOUR_UTC is an hour, 0 to 23.", id="relay.E009"))
    return errors


def _is_secret(word: str) -> bool:
    try:
        secret = base64.b64decode(word.removeprefix(WEBHOOK_SECRET_PREFIX), validate=True)
    except ValueError:
        return False
    return word.startswith(WEBHOOK_SECRET_PREFIX) and 24 <= len(secret) <= 64
