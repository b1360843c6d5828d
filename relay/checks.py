"""System checks: settings that would let the product run, but wrongly."""

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error, register


@register
def public_url(app_configs: Any, **kwargs: Any) -> list[Error]:
    parts = urlsplit(settings.PUBLIC_URL)
    if parts.scheme in ("http", "https") and parts.hostname:
        return []
    return [Error("PUBLIC_URL must be an http or https address.", id="relay.E001")]


@register
def callback_networks(app_configs: Any, **kwargs: Any) -> list[Error]:
    errors = []
    for network in settings.CALLBACK_ALLOWED_NETWORKS:
        try:
            ipaddress.ip_network(network.strip())
        except ValueError as error:
            errors.append(Error(f"CALLBACK_ALLOWED_NETWORKS: {error}", id="relay.E002"))
    return errors


@register
def poll_times(app_configs: Any, **kwargs: Any) -> list[Error]:
    if 0 < settings.POLL_MIN_SECONDS <= settings.POLL_MAX_SECONDS:
        return []
    text = "POLL_MIN_SECONDS must be positive and at most POLL_MAX_SECONDS."
    return [Error(text, id="relay.E003")]
