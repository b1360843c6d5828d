"""compose.yaml as Docker Compose reads it: with the variables of an .env put in."""

import re
from typing import Any

import yaml

from tests.stack import ROOT

# What must be in .env; nothing of it has a default.
SECRETS = {"SECRET_KEY": "s" * 50, "POSTGRES_PASSWORD": "p", "REDIS_PASSWORD": "r"}
REQUIRED = SECRETS | {"PUBLIC_URL": "https://relay.example"}
# ${NAME}, ${NAME:-what else}, ${NAME:?why it must be there}; what else may hold another one.
_VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(?:(:-|:\?)([^{}]*))?\}")
OWN_IMAGE = "mj-relay"


class Missing(Exception):
    """A variable that Compose refuses to start without."""


def services(env: dict[str, str] | None = None) -> dict[str, dict[str, Any]]:
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    found: dict[str, dict[str, Any]] = _put_in(document["services"], env or REQUIRED)
    return found


def ours() -> dict[str, dict[str, Any]]:
    """The services that run the product's image."""
    return {
        name: service
        for name, service in services().items()
        if str(service.get("image", "")).startswith(OWN_IMAGE)
    }


def variables() -> set[str]:
    """All names that .env may have for Compose itself."""
    return set(re.findall(r"(?<!\$)\$\{(\w+)", (ROOT / "compose.yaml").read_text("utf-8")))


def _put_in(value: Any, env: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _put_in(item, env) for name, item in value.items()}
    if isinstance(value, list):
        return [_put_in(item, env) for item in value]
    return _text(value, env) if isinstance(value, str) else value


def _text(text: str, env: dict[str, str]) -> str:
    """From the innermost outwards."""

    def value(found: re.Match[str]) -> str:
        name, word, rest = found.groups()
        if env.get(name):
            return env[name]
        if word == ":?":
            raise Missing(name)
        return rest or ""

    while (changed := _VARIABLE.sub(value, text)) != text:
        text = changed
    return text.replace("$$", "$")
