"""System checks: settings that would let the product run, but wrongly."""

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error, register
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import InvalidStorageError, storages

from relay import words


@register
def public_url(app_configs: Any, **kwargs: Any) -> list[Error]:
    parts = urlsplit(settings.PUBLIC_URL)
    if parts.scheme in ("http", "https") and parts.hostname:
        return []
    return [Error("PUBLIC_URL must be an http or https address.", id="relay.E001")]


@register
def allowed_networks(app_configs: Any, **kwargs: Any) -> list[Error]:
    errors = []
    for name in ("CALLBACK_ALLOWED_NETWORKS", "PICTURE_ALLOWED_NETWORKS"):
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
        words.check("")
    except (OSError, UnicodeDecodeError) as error:
        return [Error(f"BANNED_WORDS_FILE: {error}", id="relay.E005")]
    return []


@register
def poll_times(app_configs: Any, **kwargs: Any) -> list[Error]:
    if 0 < settings.POLL_MIN_SECONDS <= settings.POLL_MAX_SECONDS:
        return []
    text = "POLL_MIN_SECONDS must be positive and at most POLL_MAX_SECONDS."
    return [Error(text, id="relay.E003")]
