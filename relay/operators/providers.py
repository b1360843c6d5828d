"""Where people may sign in besides: OIDC_PROVIDERS and GITHUB_CLIENT_ID, as allauth wants them."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

_NEEDED = ("id", "name", "issuer", "client_id", "secret")
_KNOWN = {*_NEEDED, "scope", "token_auth_method"}


def settings(*, oidc: Any, github: tuple[str, str]) -> dict[str, dict[str, Any]]:
    """SOCIALACCOUNT_PROVIDERS. Raises ImproperlyConfigured, which says what is wrong."""
    found: dict[str, dict[str, Any]] = {}
    if not isinstance(oidc, list):
        raise ImproperlyConfigured("OIDC_PROVIDERS must be a JSON list.")
    apps = [_oidc(provider) for provider in oidc]
    if len({app["provider_id"] for app in apps}) < len(apps):
        raise ImproperlyConfigured("OIDC_PROVIDERS: two of them have the same id.")
    if apps:
        found["openid_connect"] = {"APPS": apps, "OAUTH_PKCE_ENABLED": True}
    if len(set(map(bool, github))) > 1:
        raise ImproperlyConfigured("GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET need each other.")
    if all(github):
        app = {"client_id": github[0], "secret": github[1], "key": ""}
        found["github"] = {"APPS": [app], "SCOPE": ["user:email"], "OAUTH_PKCE_ENABLED": True}
    return found


def secrets(providers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What must stand in no log."""
    return [app["secret"] for provider in providers.values() for app in provider["APPS"]]


def _oidc(provider: Any) -> dict[str, Any]:
    if not isinstance(provider, dict) or not all(
        isinstance(provider.get(name), str) and provider[name] for name in _NEEDED
    ):
        raise ImproperlyConfigured(f"OIDC_PROVIDERS: each one needs {', '.join(_NEEDED)}.")
    if unknown := provider.keys() - _KNOWN:
        raise ImproperlyConfigured(f"OIDC_PROVIDERS: {', '.join(sorted(unknown))} is not known.")
    if not provider["id"].isidentifier():
        raise ImproperlyConfigured("OIDC_PROVIDERS: an id is a word, for example corp.")
    parts = urlsplit(provider["issuer"])
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ImproperlyConfigured("OIDC_PROVIDERS: an issuer is an http or https address.")
    own = {"server_url": provider["issuer"].rstrip("/")}
    own |= {name: provider[name] for name in ("scope", "token_auth_method") if name in provider}
    return {
        "provider_id": provider["id"],
        "name": provider["name"],
        "client_id": provider["client_id"],
        "secret": provider["secret"],
        "settings": own,
    }
